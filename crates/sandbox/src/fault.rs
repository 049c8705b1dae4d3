//! Faults on demand.

use crate::chance::Chance;
use std::time::Duration;

/// What goes wrong with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The answer comes later by so much.
    Slow(Duration),
    /// An HTTP 500 whose body is a page, not LeadSquared's envelope; nothing took effect.
    Html500,
    /// A gateway's answer with this status, 502 or 503; nothing took effect.
    Gateway(u16),
    /// HTTP 429, whatever the quota; nothing took effect.
    RateLimited,
    /// The connection breaks; nothing took effect.
    ResetBefore,
    /// The call takes effect, then the connection breaks.
    ResetAfter,
    /// An answer never comes; nothing took effect.
    HangBefore,
    /// The call takes effect, but an answer never comes.
    HangAfter,
    /// The call takes effect, and half of the answer's body comes.
    CutJson,
}

impl Trouble {
    /// Whether the call still takes effect.
    pub(crate) fn takes_effect(&self) -> bool {
        matches!(self, Self::Slow(_) | Self::ResetAfter | Self::HangAfter | Self::CutJson)
    }
}

/// A trouble and when it happens.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// The operation, as in `Lead.Capture`: the end of the path is compared. `None`: every one.
    pub operation: Option<String>,
    /// What happens.
    pub trouble: Trouble,
    /// With which probability, 0 to 1.
    pub probability: f64,
    /// How often at most; `None`: until it is cleared.
    pub times: Option<u32>,
}

impl Fault {
    /// The trouble, at every call of every operation.
    pub fn always(trouble: Trouble) -> Self {
        Self { operation: None, trouble, probability: 1.0, times: None }
    }

    /// The trouble, at the next call of every operation.
    pub fn once(trouble: Trouble) -> Self {
        Self { times: Some(1), ..Self::always(trouble) }
    }

    /// Only for this operation.
    #[must_use]
    pub fn of(mut self, operation: &str) -> Self {
        self.operation = Some(operation.to_owned());
        self
    }

    /// Only with this probability.
    #[must_use]
    pub fn with_probability(mut self, probability: f64) -> Self {
        self.probability = probability;
        self
    }
}

/// The fault for a call, if one happens. Used up ones are removed.
pub(crate) fn strike(faults: &mut Vec<Fault>, operation: &str, chance: &Chance) -> Option<Trouble> {
    let at = faults.iter().position(|fault| {
        fault.operation.as_deref().is_none_or(|wanted| operation.ends_with(wanted))
            && (fault.probability >= 1.0 || chance.happens(fault.probability))
    })?;
    let fault = &mut faults[at];
    let trouble = fault.trouble.clone();
    if let Some(times) = &mut fault.times {
        *times = times.saturating_sub(1);
        if *times == 0 {
            faults.remove(at);
        }
    }
    Some(trouble)
}

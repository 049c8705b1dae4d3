//! Faults on demand.

use crate::chance::Chance;
use std::time::Duration;

/// What goes wrong with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The response is delayed by this much.
    Slow(Duration),
    /// HTTP 500 with an HTML page instead of LeadSquared's error envelope; nothing takes effect.
    Html500,
    /// A gateway's response with this status, 502 or 503; nothing takes effect.
    Gateway(u16),
    /// HTTP 429, whatever the quota; nothing takes effect.
    RateLimited,
    /// The connection is reset; nothing takes effect.
    ResetBefore,
    /// The call takes effect, then the connection is reset.
    ResetAfter,
    /// No response ever comes; nothing takes effect.
    HangBefore,
    /// The call takes effect, but no response ever comes.
    HangAfter,
    /// The call takes effect, but the response's JSON is cut in half.
    CutJson,
}

impl Trouble {
    /// Whether the call still takes effect.
    pub(crate) fn takes_effect(&self) -> bool {
        matches!(self, Self::Slow(_) | Self::ResetAfter | Self::HangAfter | Self::CutJson)
    }
}

/// A fault, and when it happens.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// The operation, such as `Lead.Capture`: the end of the path is compared. `None`: any.
    pub operation: Option<String>,
    /// What happens.
    pub trouble: Trouble,
    /// The probability, from 0 to 1.
    pub probability: f64,
    /// The maximum number of times; `None`: until it is cleared.
    pub times: Option<u32>,
}

impl Fault {
    /// The fault at every call of any operation.
    pub fn always(trouble: Trouble) -> Self {
        Self { operation: None, trouble, probability: 1.0, times: None }
    }

    /// The fault at the next call of any operation.
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

/// The fault that hits a call, if any. Faults that are used up are removed.
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

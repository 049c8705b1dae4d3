//! The link of a person who was forgotten: its values are covered, that is replaced by keyed hashes.
//!
//! A covered value says nothing, but can be compared: where a side shows the value that it stands
//! for, it is uncovered, and nothing has changed. Any other value counts as a change, as it would
//! have anyway.

use std::fmt;
use std::sync::Arc;

use super::{End, Given, Link, Side};
use crate::snapshot::Snapshot;

/// What a covered value begins with. No account stores a control character.
const MARK: &str = "\u{1}covered ";

/// Hashes values with a key that nobody can compute them without.
#[derive(Clone)]
pub struct Veil(Arc<dyn Fn(&str) -> i64 + Send + Sync>);

impl Veil {
    /// With this hash function.
    pub fn new(hash: impl Fn(&str) -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(hash))
    }

    fn of(&self, field: &str, value: &str) -> String {
        // A NUL is in no name of a field.
        format!("{MARK}{:016x}", (self.0)(&format!("{field}\0{value}")))
    }
}

impl fmt::Debug for Veil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Veil")
    }
}

/// It is no part of what a link says.
impl PartialEq for Veil {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Veil {}

/// Whether a value of a link is covered.
pub fn is_covered(value: &str) -> bool {
    value.starts_with(MARK)
}

impl Link {
    /// Covers all values of both ends, each with a veil of its own.
    pub fn cover(&mut self, veil: impl Fn(Side) -> Veil) {
        for side in [Side::First, Side::Second] {
            self.end_mut(side).cover(veil(side));
        }
    }

    /// Has both ends recognise what was covered with these veils.
    pub fn know(&mut self, veil: impl Fn(Side) -> Veil) {
        for side in [Side::First, Side::Second] {
            let end = self.end_mut(side);
            let is_any = end.covered().next().is_some();
            end.veil = is_any.then(|| veil(side));
        }
    }
}

impl End {
    fn values_mut(&mut self) -> impl Iterator<Item = (&String, &mut String)> {
        let base = self.base.0.iter_mut();
        let pending = self
            .pending
            .iter_mut()
            .flat_map(|(field, values)| values.iter_mut().map(move |value| (field, value)));
        let given = self.given.iter_mut().flatten().filter_map(|(field, given)| match given {
            Given::Sent(value) => Some((field, value)),
            Given::Unsent | Given::Own(_) => None,
        });
        base.chain(pending).chain(given)
    }

    /// The covered values.
    fn covered(&self) -> impl Iterator<Item = &String> {
        let given = self.given.iter().flatten().filter_map(|(_, given)| match given {
            Given::Sent(value) => Some(value),
            Given::Unsent | Given::Own(_) => None,
        });
        let all = self.base.0.values().chain(self.pending.values().flatten()).chain(given);
        all.filter(|value| is_covered(value))
    }

    fn cover(&mut self, veil: Veil) {
        for (field, value) in self.values_mut() {
            if !value.is_empty() && !is_covered(value) {
                *value = veil.of(field, value);
            }
        }
        // They only slow down two accounts that overwrite each other.
        self.turns.clear();
        self.veil = Some(veil);
    }

    /// Uncovers what this state shows.
    pub(crate) fn uncover(&mut self, state: &Snapshot) {
        let Some(veil) = self.veil.clone() else { return };
        for (field, value) in self.values_mut() {
            if let Some(shown) = state.get(field)
                && is_covered(value)
                && *value == veil.of(field, shown)
            {
                shown.clone_into(value);
            }
        }
    }
}

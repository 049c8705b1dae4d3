//! An account's metadata, and when it is read again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use plan::metadata::Catalogue;

use crate::access::{Part, Read};

/// How old a part may get before it is read again.
const LASTS: SignedDuration = SignedDuration::from_hours(1);
/// How long after a failure a part is requested again.
const PAUSE: SignedDuration = SignedDuration::from_secs(5);
/// After this many failures in a row, leadsync does without a part (other than the fields) for as
/// long as that part would have been valid.
const MOST_FAILURES: u32 = 3;

/// An account's metadata, part by part.
#[derive(Debug)]
pub(super) struct Metadata {
    catalogue: Arc<Catalogue>,
    /// Increases whenever the catalogue changes.
    pub(super) generation: u64,
    parts: BTreeMap<Part, State>,
    /// The parts that the mappings need.
    needed: BTreeSet<Part>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// When it was read, or found to be unavailable.
    at: Option<Timestamp>,
    /// Whether it was ever read.
    is_known: bool,
    /// Whether a call that reads it is in flight.
    is_asked: bool,
    /// Whether something suggests that it changed.
    is_wanted: bool,
    failures: u32,
    not_before: Option<Timestamp>,
}

impl Metadata {
    /// What was read before this task began, and when.
    pub(super) fn new(before: Option<(Timestamp, Catalogue)>) -> Self {
        let mut parts = BTreeMap::new();
        let mut known = |part, at| {
            parts.insert(part, State { at: Some(at), is_known: true, ..State::default() });
        };
        if let Some((at, catalogue)) = &before {
            known(Part::Fields, *at);
            if catalogue.users.is_some() {
                known(Part::Users, *at);
            }
            if let Some(types) = &catalogue.activity_types {
                known(Part::Types, *at);
                for kind in types.iter().filter(|kind| kind.fields.is_some()) {
                    known(Part::Form(kind.event), *at);
                }
            }
        }
        Self {
            catalogue: Arc::new(before.map(|(_, catalogue)| catalogue).unwrap_or_default()),
            generation: 1,
            parts,
            needed: BTreeSet::from([Part::Fields]),
        }
    }

    /// The metadata, once the fields were read.
    pub(super) fn catalogue(&self) -> Option<&Arc<Catalogue>> {
        let is_known = self.parts.get(&Part::Fields).is_some_and(|state| state.is_known);
        is_known.then_some(&self.catalogue)
    }

    /// These parts are needed too.
    pub(super) fn need(&mut self, parts: impl IntoIterator<Item = Part>) {
        self.needed.extend(parts);
    }

    /// Nothing but the fields is needed.
    pub(super) fn need_fields_only(&mut self) {
        self.needed = BTreeSet::from([Part::Fields]);
    }

    /// The parts that should be requested now.
    pub(super) fn to_ask(&self, now: Timestamp) -> Vec<Part> {
        let due = |part: &&Part| {
            let state = self.state(**part);
            let old = state.at.is_none_or(|at| now.duration_since(at) > LASTS);
            !state.is_asked
                && state.not_before.is_none_or(|then| then <= now)
                && (state.is_wanted || old)
        };
        self.needed.iter().filter(due).copied().collect()
    }

    /// Whether a needed part was never read, or may have changed: nothing can be mapped until it
    /// is.
    pub(super) fn is_awaited(&self) -> bool {
        self.needed.iter().any(|part| {
            let state = self.state(*part);
            state.at.is_none() || state.is_wanted
        })
    }

    /// Whether a needed part was never read.
    pub(super) fn is_unread(&self) -> bool {
        self.needed.iter().any(|part| self.state(*part).at.is_none())
    }

    pub(super) fn is_asked(&self, part: Part) -> bool {
        self.state(part).is_asked
    }

    pub(super) fn asking(&mut self, part: Part) {
        self.parts.entry(part).or_default().is_asked = true;
    }

    /// A part was read.
    pub(super) fn read(&mut self, part: Part, read: Read, now: Timestamp) {
        let mut catalogue = Catalogue::clone(&self.catalogue);
        read.put_into(&mut catalogue);
        if catalogue != *self.catalogue {
            self.generation += 1;
            self.catalogue = Arc::new(catalogue);
        }
        let state = State { at: Some(now), is_known: true, ..State::default() };
        self.parts.insert(part, state);
    }

    /// The account's quota has no room for it now.
    pub(super) fn delayed(&mut self, part: Part, now: Timestamp) {
        let state = self.parts.entry(part).or_default();
        state.is_asked = false;
        state.not_before = Some(now + PAUSE);
    }

    /// A part could not be read; `for_good` if asking again soon is pointless.
    pub(super) fn not_read(&mut self, part: Part, for_good: bool, now: Timestamp) {
        let state = self.parts.entry(part).or_default();
        state.is_asked = false;
        state.failures += 1;
        state.not_before = Some(now + PAUSE);
        if part == Part::Fields {
            // The previous values are used, if there are any.
            state.is_wanted = false;
        } else if for_good || state.failures >= MOST_FAILURES {
            *state = State { at: Some(now), is_known: state.is_known, ..State::default() };
        }
    }

    /// Something suggests that the metadata has changed. Returns whether it will be read again;
    /// parts read since `older_than` are not.
    pub(super) fn suspect(&mut self, older_than: SignedDuration, now: Timestamp) -> bool {
        let mut asks = false;
        for part in &self.needed {
            let state = self.parts.entry(*part).or_default();
            let is_old = state.at.is_none_or(|at| now.duration_since(at) > older_than);
            state.is_wanted |= is_old;
            asks |= state.is_wanted;
        }
        asks
    }

    /// Everything that was read may be out of date.
    pub(super) fn doubt_all(&mut self) {
        for state in self.parts.values_mut() {
            state.is_wanted = true;
            state.not_before = None;
        }
    }

    fn state(&self, part: Part) -> State {
        self.parts.get(&part).copied().unwrap_or_default()
    }
}

//! What an account says of itself, and when it is asked again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use plan::metadata::Catalogue;

use crate::access::{Part, Told};

/// How old a part may get before it is asked for again.
const LASTS: SignedDuration = SignedDuration::from_hours(1);
/// How young fields are not asked for again even when something suggests that they changed.
const RESTS: SignedDuration = SignedDuration::from_secs(20);
/// How long after a failure a part is asked for again.
const PAUSE: SignedDuration = SignedDuration::from_secs(5);
/// After so many failures in a row a part that is not the fields is done without, for as long as
/// it would last.
const MOST_FAILURES: u32 = 3;

/// What an account says of itself.
#[derive(Debug)]
pub(super) struct Telling {
    catalogue: Arc<Catalogue>,
    /// Grows whenever the catalogue changed.
    pub(super) generation: u64,
    parts: BTreeMap<Part, State>,
    /// The parts that the mappings need.
    needed: BTreeSet<Part>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// When the account told it, or was found not to.
    at: Option<Timestamp>,
    /// Whether it was ever told.
    told: bool,
    asked: bool,
    wanted: bool,
    failures: u32,
    not_before: Option<Timestamp>,
}

impl Telling {
    /// What was told before this task began, and when.
    pub(super) fn new(before: Option<(Timestamp, Catalogue)>) -> Self {
        let mut parts = BTreeMap::new();
        let mut known = |part, at| {
            parts.insert(part, State { at: Some(at), told: true, ..State::default() });
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

    /// What it says, if it told its fields.
    pub(super) fn catalogue(&self) -> Option<&Arc<Catalogue>> {
        let told = self.parts.get(&Part::Fields).is_some_and(|state| state.told);
        told.then_some(&self.catalogue)
    }

    /// These parts are needed too.
    pub(super) fn need(&mut self, parts: impl IntoIterator<Item = Part>) {
        self.needed.extend(parts);
    }

    /// No more is needed than the fields.
    pub(super) fn need_fields_only(&mut self) {
        self.needed = BTreeSet::from([Part::Fields]);
    }

    /// The parts that should be asked for now.
    pub(super) fn to_ask(&self, now: Timestamp) -> Vec<Part> {
        let due = |part: &&Part| {
            let state = self.state(**part);
            let old = state.at.is_none_or(|at| now.duration_since(at) > LASTS);
            !state.asked && state.not_before.is_none_or(|then| then <= now) && (state.wanted || old)
        };
        self.needed.iter().filter(due).copied().collect()
    }

    /// Whether a needed part was never told, or may have changed: nothing can be mapped before.
    pub(super) fn is_awaited(&self) -> bool {
        self.needed.iter().any(|part| {
            let state = self.state(*part);
            state.at.is_none() || state.wanted
        })
    }

    pub(super) fn is_asked(&self, part: Part) -> bool {
        self.state(part).asked
    }

    pub(super) fn asking(&mut self, part: Part) {
        self.parts.entry(part).or_default().asked = true;
    }

    /// The account told a part.
    pub(super) fn told(&mut self, part: Part, told: Told, now: Timestamp) {
        let mut catalogue = Catalogue::clone(&self.catalogue);
        told.put_into(&mut catalogue);
        if catalogue != *self.catalogue {
            self.generation += 1;
            self.catalogue = Arc::new(catalogue);
        }
        let state = State { at: Some(now), told: true, ..State::default() };
        self.parts.insert(part, state);
    }

    /// The account has no room for the question now.
    pub(super) fn delayed(&mut self, part: Part, now: Timestamp) {
        let state = self.parts.entry(part).or_default();
        state.asked = false;
        state.not_before = Some(now + PAUSE);
    }

    /// The account did not tell a part; `for_good` if it is no use to ask again soon.
    pub(super) fn not_told(&mut self, part: Part, for_good: bool, now: Timestamp) {
        let state = self.parts.entry(part).or_default();
        state.asked = false;
        state.failures += 1;
        state.not_before = Some(now + PAUSE);
        if part == Part::Fields {
            // Those of before serve, if there are any.
            state.wanted = false;
        } else if for_good || state.failures >= MOST_FAILURES {
            *state = State { at: Some(now), told: state.told, ..State::default() };
        }
    }

    /// Something suggests that the fields or activity types are not what they were; answers
    /// whether they will be asked for.
    pub(super) fn suspect(&mut self, now: Timestamp) -> bool {
        let mut asks = false;
        for part in self.needed.iter().filter(|part| **part != Part::Users) {
            let state = self.parts.entry(*part).or_default();
            let old = state.at.is_none_or(|at| now.duration_since(at) > RESTS);
            state.wanted |= old;
            asks |= old;
        }
        asks
    }

    /// Nothing that was told needs to hold any more.
    pub(super) fn doubt_all(&mut self) {
        for state in self.parts.values_mut() {
            state.wanted = true;
            state.not_before = None;
        }
    }

    fn state(&self, part: Part) -> State {
        self.parts.get(&part).copied().unwrap_or_default()
    }
}

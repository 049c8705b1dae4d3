//! Which leads of the destination hold the unique values of a lead that the account refused as a
//! duplicate, although no search key finds one.
//!
//! The refusal does not name the other lead. If a person retries the record, its unique values are
//! searched for, and a review asks which lead it is. If the person decided that it is a new one, it is
//! created without what other leads have.

use crate::change::Change;
use crate::identity::{Key, key};
use crate::problem::Problem;
use crate::review::{Choice, Reason, Review, Ruled};
use crate::snapshot::Snapshot;
use crate::text;

use super::call::Call;
use super::case::{Case, Context};
use super::decision::Decision;
use super::known::Known;
use super::record::Work;
use super::{asked, unlinked};

/// A search for the leads that hold a refused lead's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holders {
    /// Values that are yet to be searched for.
    wanted: Vec<Key>,
    /// What was found, each lead with the field that found it.
    found: Vec<(String, Snapshot)>,
    /// The refusal.
    refusal: Problem,
}

impl Known {
    /// Whether the leads that hold this value are searched for now.
    pub(super) fn seeks_holders_by(&self, key: &Key) -> bool {
        self.search.holders.as_ref().is_some_and(|holders| holders.wanted.first() == Some(key))
    }

    /// Takes the leads that hold this value.
    pub(super) fn take_holders(&mut self, key: &Key, leads: Vec<Snapshot>) {
        let Some(holders) = &mut self.search.holders else { return };
        holders.wanted.retain(|wanted| wanted != key);
        // A lead that a person wants to be new is created without it.
        if !leads.is_empty() && self.ruled == Some(Ruled::Decided(Choice::Create)) {
            self.search.left_to_others.insert(key.field.clone());
        }
        let known: Vec<_> = holders.leads().map(Snapshot::lead_id).collect();
        let new = leads.into_iter().filter(|lead| !known.contains(&lead.lead_id()));
        holders.found.extend(new.map(|lead| (key.field.clone(), lead)));
    }
}

impl Holders {
    /// The leads that were found.
    pub(super) fn leads(&self) -> impl Iterator<Item = &Snapshot> {
        self.found.iter().map(|(_, lead)| lead)
    }

    /// The next search, or the refusal if none of them found anything.
    pub(super) fn next(&self) -> Option<Decision> {
        if let Some(key) = self.wanted.first() {
            return Some(Decision::find(key));
        }
        self.found.is_empty().then(|| Decision::Refuse(vec![self.refusal.clone()]))
    }

    /// Asks which of the leads that were found is the record's.
    pub(super) fn review(&self, case: &Case<'_>) -> Review {
        let found = self.found.iter().map(|(field, lead)| (lead, Some(field.as_str())));
        asked::review(case, Reason::KeysDisagree, found)
    }
}

impl Work {
    /// The destination refused to create the lead as a duplicate, and no key finds the other one.
    /// Returns whether its unique values are searched for, which happens once.
    pub(super) fn seek_holders(
        &mut self,
        context: &Context<'_>,
        call: &Call,
        refusal: &Problem,
    ) -> bool {
        let case = self.lead_case(context);
        let search = &case.known.search;
        let is_wanted = match call {
            Call::Capture(_) => case.known.asked,
            // If the response was lost, the holder may be the lead itself.
            Call::CreateLead(_) => !case.known.doubtful,
            _ => false,
        };
        if !is_wanted || search.holders.is_some() || !self.is_unlinked() {
            return false;
        }
        let reading = case.mapping.reading();
        let identifies = |change: &&Change| {
            unlinked::is_unique(case.mapping, &change.to)
                && !case.is_key(&change.to)
                && !text::is_blank(&change.value)
                && key::fault(change.kind, &change.value, reading).is_none()
        };
        let wanted: Vec<Key> = call
            .fields()
            .filter(identifies)
            .map(|change| Key {
                field: change.to.clone(),
                kind: change.kind,
                value: change.value.clone(),
            })
            .collect();
        if wanted.is_empty() {
            return false;
        }
        let holders = Holders { wanted, found: Vec::new(), refusal: refusal.clone() };
        self.subject_mut().known.search.holders = Some(holders);
        true
    }
}

//! The leads and the indexes over them.

use super::history::{HISTORY_LIMIT, Version};
use crate::id;
use crate::lead::{Lead, unique_key};
use crate::metadata::{FieldNo, Kind, Setup};
use jiff::Timestamp;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The index of a lead; never reused.
pub(crate) type Slot = u32;

/// How many of its last digits a number is indexed by: it is found with and without its country
/// code.
const TAIL_DIGITS: usize = 7;

/// A lead and its history.
pub(crate) struct Record {
    pub(crate) lead: Arc<Lead>,
    pub(crate) history: Vec<Version>,
}

#[derive(Default)]
pub(crate) struct Ledger {
    records: Vec<Option<Record>>,
    /// By [`id::key`].
    by_id: HashMap<Box<str>, Slot>,
    unique: HashMap<FieldNo, HashMap<Box<str>, Slot>>,
    tails: HashMap<Box<str>, Vec<Slot>>,
    touched: BTreeSet<(Timestamp, Slot)>,
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

fn tail(digits: &str) -> &str {
    &digits[digits.len().saturating_sub(TAIL_DIGITS)..]
}

impl Ledger {
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// The `ProspectAutoId` of the next lead.
    pub(crate) fn next_auto_id(&self) -> u64 {
        u64::try_from(self.records.len()).expect("a length fits") + 1
    }

    pub(crate) fn slot(&self, id: &str) -> Option<Slot> {
        self.by_id.get(&*id::key(id)).copied()
    }

    pub(crate) fn record(&self, slot: Slot) -> Option<&Record> {
        self.records.get(usize::try_from(slot).ok()?)?.as_ref()
    }

    /// The lead in a slot that an index has just returned.
    pub(crate) fn lead(&self, slot: Slot) -> &Arc<Lead> {
        &self.record(slot).expect("a slot that an index gave is filled").lead
    }

    pub(crate) fn by_id(&self, id: &str) -> Option<&Arc<Lead>> {
        Some(self.lead(self.slot(id)?))
    }

    /// Every lead, oldest first.
    pub(crate) fn leads(&self) -> impl DoubleEndedIterator<Item = &Arc<Lead>> {
        self.records.iter().flatten().map(|record| &record.lead)
    }

    /// The lead that has this value in a unique field.
    pub(crate) fn holder(&self, setup: &Setup, no: FieldNo, text: &str) -> Option<Slot> {
        let key = unique_key(setup.field(no), text, &setup.switches);
        self.unique.get(&no)?.get(&key).copied()
    }

    /// Leads whose Phone or Mobile is this number, with or without the country code.
    pub(crate) fn by_number(&self, setup: &Setup, number: &str) -> Vec<&Arc<Lead>> {
        let wanted = digits(number);
        if wanted.is_empty() {
            return Vec::new();
        }
        let same = |text: &str| {
            let have = digits(text);
            let (long, short) =
                if have.len() < wanted.len() { (&wanted, &have) } else { (&have, &wanted) };
            // A country code has up to three digits.
            long.ends_with(&**short) && long.len() - short.len() <= 3
        };
        let numbers = [setup.known.phone, setup.known.mobile];
        let mut found: Vec<_> = self
            .tails
            .get(tail(&wanted))
            .into_iter()
            .flatten()
            .map(|&slot| self.lead(slot))
            .filter(|lead| numbers.iter().any(|&no| lead.stored(no).is_some_and(|text| same(text))))
            .collect();
        found.dedup_by(|a, b| a.id == b.id);
        found
    }

    /// Leads touched between two moments, both inclusive, oldest first.
    pub(crate) fn touched(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> impl Iterator<Item = &Arc<Lead>> {
        self.touched.range((from, 0)..=(to, Slot::MAX)).map(|&(_, slot)| self.lead(slot))
    }

    pub(crate) fn insert(&mut self, setup: &Setup, lead: Lead, version: Version) -> Slot {
        let slot = Slot::try_from(self.records.len()).expect("under four billion leads");
        let lead = Arc::new(lead);
        self.by_id.insert(id::key(&lead.id).into(), slot);
        self.touched.insert((lead.touched_on, slot));
        for (no, text) in &lead.values {
            self.index(setup, *no, text, slot);
        }
        self.records.push(Some(Record { lead, history: vec![version] }));
        slot
    }

    /// Replaces a lead by its next version; `changed` are the fields to index again.
    pub(crate) fn replace(
        &mut self,
        setup: &Setup,
        slot: Slot,
        next: Lead,
        changed: &[FieldNo],
        version: Option<Version>,
    ) {
        let place = usize::try_from(slot).expect("a slot fits");
        let next = Arc::new(next);
        let record = self.records[place].as_mut().expect("a slot that an index gave is filled");
        let last = std::mem::replace(&mut record.lead, next.clone());
        if let Some(version) = version {
            if record.history.len() >= HISTORY_LIMIT {
                record.history.remove(0);
            }
            record.history.push(version);
        }
        if last.touched_on != next.touched_on {
            self.touched.remove(&(last.touched_on, slot));
            self.touched.insert((next.touched_on, slot));
        }
        for &no in changed {
            if let Some(text) = last.stored(no) {
                self.forget(setup, no, text, slot);
            }
            if let Some(text) = next.stored(no) {
                self.index(setup, no, text, slot);
            }
        }
    }

    pub(crate) fn remove(&mut self, setup: &Setup, slot: Slot) -> Option<Arc<Lead>> {
        let lead = self.records.get_mut(usize::try_from(slot).ok()?)?.take()?.lead;
        self.by_id.remove(&*id::key(&lead.id));
        self.touched.remove(&(lead.touched_on, slot));
        for (no, text) in &lead.values {
            self.forget(setup, *no, text, slot);
        }
        Some(lead)
    }

    /// Rebuilds the indexes, after fields have become unique or are no longer.
    pub(crate) fn reindex(&mut self, setup: &Setup) {
        self.unique.clear();
        self.tails.clear();
        for place in 0..self.records.len() {
            let Some(lead) = self.records[place].as_ref().map(|record| record.lead.clone()) else {
                continue;
            };
            let slot = Slot::try_from(place).expect("under four billion leads");
            for (no, text) in &lead.values {
                self.index(setup, *no, text, slot);
            }
        }
    }

    fn index(&mut self, setup: &Setup, no: FieldNo, text: &str, slot: Slot) {
        let field = setup.field(no);
        if field.unique {
            let key = unique_key(field, text, &setup.switches);
            self.unique.entry(no).or_default().insert(key, slot);
        }
        if field.kind == Kind::Phone && (no == setup.known.phone || no == setup.known.mobile) {
            self.tails.entry(tail(&digits(text)).into()).or_default().push(slot);
        }
    }

    fn forget(&mut self, setup: &Setup, no: FieldNo, text: &str, slot: Slot) {
        let field = setup.field(no);
        if field.unique
            && let Some(index) = self.unique.get_mut(&no)
        {
            let key = unique_key(field, text, &setup.switches);
            if index.get(&key) == Some(&slot) {
                index.remove(&key);
            }
        }
        if field.kind == Kind::Phone
            && let digits = digits(text)
            && let Some(slots) = self.tails.get_mut(tail(&digits))
            && let Some(at) = slots.iter().position(|&have| have == slot)
        {
            slots.swap_remove(at);
        }
    }
}

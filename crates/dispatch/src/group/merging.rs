//! Leads that flow both ways: what is kept before and after each of the writes that a merge takes.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use plan::connector::{Behaviour, Definition};
use plan::decide::{self, Decision, Tripped};
use plan::id::ConnectorId;
use plan::outcome::Event;
use plan::problem::Problem;
use store::RecordKey;

use super::call::{Job, Row, Target};
use super::outcome::Outcome;
use super::route::Mappings;
use super::worker::Worker;

/// For how long a field that goes back and forth is left alone.
const FROZEN: SignedDuration = SignedDuration::from_hours(24);

impl Worker {
    /// The connector in the opposite direction, if it is at work.
    pub(super) fn opposite(
        &mut self,
        connector: ConnectorId,
    ) -> Option<(Arc<Definition>, Arc<Mappings>)> {
        let route = self.routes.get(&connector)?;
        let (from, to) = (route.source, route.destination);
        let mut routes = self.routes.values();
        let back = routes.find(|r| r.enabled && r.source == to && r.destination == from)?;
        let (id, definition) = (back.id, back.definition.clone());
        Some((definition, self.mappings(id, None)?))
    }

    /// Keeps a decision for the log: the first write is the plan, a write back comes after it, and
    /// that nothing is left to do then is no news.
    pub(super) fn note_decision(&mut self, key: RecordKey, decision: &Decision) {
        let disputes = self.with_lead(key, decide::disputes).unwrap_or_default();
        let Some(record) = self.book.record_mut(key) else { return };
        if !disputes.is_empty() {
            record.disputes = disputes;
        }
        match (decision, record.achieved) {
            (Decision::Unchanged { .. } | Decision::ReadSource { .. }, Some(_)) => {}
            (Decision::UpdateSource { .. }, Some(_)) => record.then = Some(decision.clone()),
            _ => record.decision = Some(decision.clone()),
        }
    }

    /// Keeps what a call is about to write to leads that flow both ways: whatever becomes of the
    /// call, it is known to be ours when they show it.
    pub(super) fn announce(&mut self, records: &[RecordKey], job: &Job) {
        for (index, &key) in records.iter().enumerate() {
            let Some(row) = job.row(index) else { continue };
            let in_source = match row.target {
                Target::Id(_) => false,
                Target::Back(_) => true,
                // It takes the place of one that is gone.
                Target::Key { .. } if self.is_linked(key) => false,
                _ => continue,
            };
            let is_lead = self.book.record(key).is_some_and(|record| record.lead.is_none());
            let announce = |case: &decide::Case<'_>| decide::announce(case, &row.fields, in_source);
            if is_lead && let Some(link) = self.with_lead(key, announce).flatten() {
                self.link(link);
            }
        }
    }

    fn is_linked(&self, key: RecordKey) -> bool {
        self.book.record(key).is_some_and(|record| record.link.is_some())
    }

    /// Whether the record is a lead that flows both ways under a behaviour that updates.
    pub(super) fn merges(&mut self, key: RecordKey) -> bool {
        let is_lead = self.book.record(key).is_some_and(|record| record.lead.is_none());
        let updates = |case: &decide::Case<'_>| {
            case.opposite.is_some() && case.connector.lead.behaviour != Behaviour::CreateOnly
        };
        is_lead && self.with_lead(key, updates).unwrap_or_default()
    }

    /// After a write to the destination: whether the merge goes on.
    pub(super) fn goes_on(&mut self, key: RecordKey, row: &Row, event: Event) -> bool {
        let merges = matches!(row.target, Target::Id(_)) && self.merges(key);
        let Some(record) = self.book.record_mut(key) else { return false };
        if !merges || record.known.lead.is_none() {
            return false;
        }
        record.known.wrote.extend(row.fields.iter().cloned());
        record.achieved.get_or_insert(event);
        self.book.resume(key);
        true
    }

    /// A write to the source took effect.
    pub(super) fn written_back(&mut self, key: RecordKey, row: &Row, at: Timestamp) {
        let settle = |case: &decide::Case<'_>| decide::settle_back(case, &row.fields, at);
        if let Some(link) = self.with_lead(key, settle).flatten() {
            self.link(link);
        }
        let Some(record) = self.book.record_mut(key) else { return };
        record.known.wrote_back.extend(row.fields.iter().cloned());
        record.achieved.get_or_insert(Event::Updated);
        self.book.resume(key);
    }

    /// Ties the lead to the one that an attempt made whose answer was lost.
    pub(super) fn adopt(&mut self, key: RecordKey, lead_id: &str) {
        let now = self.now();
        let link = self.with_lead(key, |case| decide::adopt(case, lead_id, now)).flatten();
        if let Some(link) = link {
            self.link(link);
        }
        if let Some(record) = self.book.record_mut(key) {
            record.achieved.get_or_insert(Event::New);
        }
        self.book.resume(key);
    }

    /// Leaves fields alone that go back and forth, and has a person told.
    pub(super) fn freeze(&mut self, key: RecordKey, tripped: &[Tripped]) {
        let until = self.now() + FROZEN;
        let freeze = |case: &decide::Case<'_>| {
            case.link.map(|link| decide::freeze(link, case, tripped, until))
        };
        if let Some(link) = self.with_lead(key, freeze).flatten() {
            self.link(link);
        }
        self.conclude(key, Outcome::failed(decide::war(tripped)));
    }
}

/// A problem with a write to the source, which is told apart from one with the destination.
pub(super) fn in_source(mut problem: Problem) -> Problem {
    problem.message = format!(
        "The lead of the source account could not be changed as the destination asks. {}",
        problem.message
    );
    problem
}

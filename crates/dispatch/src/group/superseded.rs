//! Several waiting changes of one lead become one write: the newest's.
//!
//! A webhook holds the lead's whole state, so an older one that waits beside a newer one of the same
//! lead has nothing to add. It ends without a call, and its log names the one that was worked.

use plan::mapping::Mapped;
use plan::outcome::{Entity, Event};
use plan::problem::Problem;
use store::RecordKey;

use super::book::{Phase, Record};
use super::lanes::Lane;
use super::outcome::Outcome;
use super::worker::Worker;

/// So many of the newest in a lead's lane are looked at.
const LOOKED_AT: usize = 4;

impl Worker {
    /// Ends the record if a newer one of the same lead waits that sends all that it would send.
    pub(super) fn give_way(&mut self, key: RecordKey) -> bool {
        let Some(later) = self.successor(key) else { return false };
        let problem = Problem::new(
            Code::Superseded,
            format!(
                "A newer change of the same lead was waiting too: request {} holds all of this \
                 one, and was worked in its place.",
                later.request
            ),
            "Nothing need be done. Look at that request for what became of the lead.",
        );
        self.conclude(key, Outcome::ended(Event::Skipped).because(problem));
        true
    }

    fn successor(&self, key: RecordKey) -> Option<RecordKey> {
        let record = self.book.record(key).filter(|record| may_give_way(record))?;
        let route = self.routes.get(&record.connector)?;
        let lane = Lane::Id(route.source, record.item.lead_id()?.to_owned());
        self.book.newer(key, &lane).take(LOOKED_AT).find(|other| {
            self.book.record(*other).is_some_and(|other| {
                may_give_way(other) && other.connector == record.connector && covers(other, record)
            })
        })
    }
}

/// Whether a record is a lead of which nothing is known but what was posted: no try is behind it,
/// no call was made that may have taken effect, and no person asked for it.
fn may_give_way(record: &Record) -> bool {
    record.item.entity() == Entity::Lead
        && record.item.removal().is_none()
        && record.phase == Phase::Fresh
        && record.attempts == 0
        && !record.known.doubtful
        && record.retry.is_none()
        && record.past.is_none()
}

/// Whether a record shows its lead as it was later, with a value wherever the other has one, and
/// finds the same lead there. Times have whole seconds: of two that show the same one, only equals
/// stand for each other.
fn covers(later: &Record, earlier: &Record) -> bool {
    let is_newer = match (later.item.modified_on(), earlier.item.modified_on()) {
        (Some(later_at), Some(earlier_at)) if later_at == earlier_at => {
            later.item.state() == earlier.item.state()
        }
        (Some(later_at), Some(earlier_at)) => later_at > earlier_at,
        _ => false,
    };
    let mapped = |record: &Record| record.mapped.as_ref().map(|(_, mapped)| mapped.clone());
    // One that is found by another key might find another lead, unless they are linked.
    let finds_it =
        earlier.link.is_some() || earlier.lanes.iter().all(|lane| later.lanes.contains(lane));
    is_newer
        && finds_it
        && mapped(later)
            .zip(mapped(earlier))
            .is_some_and(|(later, earlier)| has_all_of(&later, &earlier))
}

fn has_all_of(later: &Mapped, earlier: &Mapped) -> bool {
    earlier.problems.is_empty()
        && later.problems.is_empty()
        && earlier
            .fields
            .iter()
            .filter(|field| field.sent.written().is_some())
            .all(|field| later.get(&field.to).is_some_and(|other| other.sent.written().is_some()))
}

//! Which records must not run at the same time, and in which order they go.
//!
//! A record is in a lane for each lead, activity and identity key that it is about. It may run when it
//! is the oldest in all its lanes and no other record is running in any of them. Records are ordered
//! by arrival everywhere, so the oldest record of all may always run: lanes can't deadlock.

use std::collections::{BTreeSet, HashMap};

use plan::id::AccountId;
use store::RecordKey;

/// What two records share if they must not run at the same time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    /// A lead or an activity of an account, by its id.
    Id(AccountId, String),
    /// A value by which a lead is matched ([`plan::identity::Key::lane`]).
    Key(String),
}

#[derive(Debug, Default)]
struct Queue {
    waiting: BTreeSet<RecordKey>,
    under_way: Option<RecordKey>,
}

/// All lanes of a group.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    queues: HashMap<Lane, Queue>,
}

impl Lanes {
    /// Puts a record in its place in these lanes.
    pub(super) fn enter(&mut self, key: RecordKey, lanes: &[Lane]) {
        for lane in lanes {
            self.queues.entry(lane.clone()).or_default().waiting.insert(key);
        }
    }

    /// Whether the record's turn has come in all its lanes.
    pub(super) fn may_go(&self, key: RecordKey, lanes: &[Lane]) -> bool {
        lanes.iter().all(|lane| {
            self.queues.get(lane).is_some_and(|queue| match queue.under_way {
                Some(other) => other == key,
                None => queue.waiting.first() == Some(&key),
            })
        })
    }

    /// The record is running: no other record in its lanes may run.
    pub(super) fn occupy(&mut self, key: RecordKey, lanes: &[Lane]) {
        for lane in lanes {
            if let Some(queue) = self.queues.get_mut(lane) {
                queue.under_way = Some(key);
            }
        }
    }

    /// The record is no longer running, but keeps its place: later ones wait for it.
    pub(super) fn pause(&mut self, key: RecordKey, lanes: &[Lane]) {
        for lane in lanes {
            if let Some(queue) = self.queues.get_mut(lane)
                && queue.under_way == Some(key)
            {
                queue.under_way = None;
            }
        }
    }

    /// The record leaves. Returns those whose turn may have come.
    pub(super) fn leave(&mut self, key: RecordKey, lanes: &[Lane]) -> Vec<RecordKey> {
        let mut next = Vec::new();
        for lane in lanes {
            let Some(queue) = self.queues.get_mut(lane) else { continue };
            queue.waiting.remove(&key);
            if queue.under_way == Some(key) {
                queue.under_way = None;
            }
            match queue.waiting.first() {
                Some(&first) => next.push(first),
                None => {
                    self.queues.remove(lane);
                }
            }
        }
        next
    }

    /// All records in a lane, oldest first.
    pub(super) fn members(&self, lane: &Lane) -> impl DoubleEndedIterator<Item = RecordKey> {
        self.queues.get(lane).into_iter().flat_map(|queue| queue.waiting.iter().copied())
    }

    /// How many lanes are in use.
    pub(super) fn len(&self) -> usize {
        self.queues.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plan::id::RequestId;

    fn key(number: i64) -> RecordKey {
        RecordKey { request: RequestId::from_number(number), position: 0 }
    }

    fn lead(id: &str) -> Lane {
        Lane::Id(AccountId(1), id.to_owned())
    }

    #[test]
    fn records_of_one_lead_go_one_after_the_other() {
        let mut lanes = Lanes::default();
        let lane = [lead("a")];
        lanes.enter(key(2), &lane);
        lanes.enter(key(1), &lane);
        assert!(lanes.may_go(key(1), &lane) && !lanes.may_go(key(2), &lane));
        lanes.occupy(key(1), &lane);
        assert_eq!(lanes.leave(key(1), &lane), [key(2)]);
        assert!(lanes.may_go(key(2), &lane));
        assert!(lanes.leave(key(2), &lane).is_empty());
        assert_eq!(lanes.len(), 0);
    }

    #[test]
    fn an_older_record_does_not_go_beside_one_under_way() {
        let mut lanes = Lanes::default();
        let lane = [lead("a")];
        lanes.enter(key(2), &lane);
        lanes.occupy(key(2), &lane);
        lanes.enter(key(1), &lane);
        assert!(!lanes.may_go(key(1), &lane), "the newer one is under way");
        assert_eq!(lanes.leave(key(2), &lane), [key(1)]);
        assert!(lanes.may_go(key(1), &lane));
    }

    #[test]
    fn one_that_pauses_holds_back_those_behind_it() {
        let mut lanes = Lanes::default();
        let lane = [lead("a")];
        lanes.enter(key(1), &lane);
        lanes.enter(key(2), &lane);
        lanes.occupy(key(1), &lane);
        lanes.pause(key(1), &lane);
        assert!(!lanes.may_go(key(2), &lane));
        assert!(lanes.may_go(key(1), &lane), "it may go again itself");
    }

    #[test]
    fn lanes_can_not_lock_each_other() {
        let mut lanes = Lanes::default();
        let (both, other) = ([lead("a"), lead("b")], [lead("b"), lead("a")]);
        lanes.enter(key(1), &both[..1]);
        lanes.enter(key(2), &other[..1]);
        // A link is found, and each record enters the other's lane.
        lanes.enter(key(1), &both[1..]);
        lanes.enter(key(2), &other[1..]);
        assert!(lanes.may_go(key(1), &both));
        assert!(!lanes.may_go(key(2), &other));
    }
}

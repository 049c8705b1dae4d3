//! The requests and records that are open, in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use plan::id::{ConnectorId, RequestId};
use plan::outcome::{JobStatus, RetryWith, SyncStatus};
use plan::payload::Item;
use plan::quota::Urgency;
use plan::work::Work;
use store::{CallRef, RecordKey, RequestState};

use super::lanes::{Lane, Lanes};

/// A record in progress, or waiting for its turn.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) key: RecordKey,
    pub(super) connector: ConnectorId,
    /// What is known about it; decides the next step.
    pub(super) work: Work,
    pub(super) lanes: Vec<Lane>,
    /// The number of attempts before this one.
    pub(super) attempts: u32,
    /// The number of tries before this one.
    pub(super) tries: u32,
    /// The settings with which a person asked to retry it.
    pub(super) retry: Option<RetryWith>,
    /// The earlier version of the connector that decides about it; `None` for the current one.
    pub(super) past: Option<i64>,
    /// Its own urgency; what waits behind it may be more urgent.
    pub(super) urgency: Urgency,
    /// Whether it would be looked up, or created, by a single call while its account's directory is
    /// being read.
    pub(super) awaits_directory: bool,
    /// The calls of this attempt.
    pub(super) calls: Vec<CallRef>,
    /// Its state in this attempt.
    pub(super) phase: Phase,
}

/// The state of a record in its attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing has been sent for it yet.
    Fresh,
    /// A call for it is in flight.
    Calling,
    /// A call for it ended and the next step is due; it holds its lanes.
    Between,
}

impl Record {
    /// A record as it was read, before its first step.
    pub(super) fn new(key: RecordKey, connector: ConnectorId, item: Item) -> Self {
        Self {
            key,
            connector,
            work: Work::new(item),
            lanes: Vec::new(),
            attempts: 0,
            tries: 0,
            retry: None,
            past: None,
            urgency: Urgency::Live,
            awaits_directory: false,
            calls: Vec::new(),
            phase: Phase::Fresh,
        }
    }

    /// Adds it to this lane.
    pub(super) fn stand_in(&mut self, lane: Lane) {
        if !self.lanes.contains(&lane) {
            self.lanes.push(lane);
        }
    }
}

/// The state of a record of an open request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It is in progress.
    Open,
    /// It waits for this time.
    Waiting(Timestamp),
    /// It ended.
    Final(SyncStatus),
}

#[derive(Debug)]
struct OpenRequest {
    behaviour: &'static str,
    places: Vec<Place>,
}

/// A record that waits for its next try, and keeps its place meanwhile.
#[derive(Debug)]
struct Waiting {
    connector: ConnectorId,
    due: Timestamp,
    lanes: Vec<Lane>,
}

/// All open requests and records.
#[derive(Debug, Default)]
pub(super) struct Book {
    requests: HashMap<RequestId, OpenRequest>,
    records: HashMap<RecordKey, Box<Record>>,
    waiting: BTreeMap<RecordKey, Waiting>,
    lanes: Lanes,
    ready: BTreeSet<RecordKey>,
    /// Requests that ended in memory but not yet on disk: they must not be opened again.
    closing: HashSet<RequestId>,
}

impl Book {
    /// How many records are open.
    pub(super) fn open_records(&self) -> usize {
        self.records.len()
    }

    /// The number of lanes and waiting records.
    pub(super) fn burden(&self) -> usize {
        self.lanes.len() + self.waiting.len()
    }

    /// The requests that must not be opened again.
    pub(super) fn opened(&self) -> HashSet<RequestId> {
        self.requests.keys().chain(&self.closing).copied().collect()
    }

    /// Everything is on disk now.
    pub(super) fn committed(&mut self) {
        self.closing.clear();
    }

    /// Adds a request.
    pub(super) fn open(&mut self, id: RequestId, behaviour: &'static str, places: Vec<Place>) {
        self.requests.insert(id, OpenRequest { behaviour, places });
    }

    /// Adds a record of it.
    pub(super) fn enter(&mut self, record: Record) {
        let key = record.key;
        if let Some(before) = self.waiting.remove(&key) {
            let woken = self.lanes.leave(key, &before.lanes);
            self.lanes.enter(key, &record.lanes);
            self.consider(woken);
        } else {
            self.lanes.enter(key, &record.lanes);
        }
        if self.lanes.may_go(key, &record.lanes) {
            self.ready.insert(key);
        }
        self.records.insert(key, Box::new(record));
    }

    /// Remembers a record that was waiting before this task began.
    pub(super) fn remember_waiting(
        &mut self,
        key: RecordKey,
        connector: ConnectorId,
        due: Timestamp,
        lanes: Vec<Lane>,
    ) {
        self.lanes.enter(key, &lanes);
        self.waiting.insert(key, Waiting { connector, due, lanes });
    }

    /// The records whose turn may have come, oldest first. Check with [`Book::may_go`], because one
    /// record's turn can take away another's.
    pub(super) fn ready(&self) -> Vec<RecordKey> {
        self.ready.iter().copied().collect()
    }

    /// Whether it is any record's turn.
    pub(super) fn has_ready(&self) -> bool {
        self.ready.iter().any(|key| self.may_go(*key))
    }

    /// Whether it is this record's turn.
    pub(super) fn may_go(&self, key: RecordKey) -> bool {
        self.records.get(&key).is_some_and(|record| {
            record.phase != Phase::Calling && self.lanes.may_go(key, &record.lanes)
        })
    }

    /// Whether this version of this connector decides about any open record.
    pub(super) fn uses(&self, (connector, version): (ConnectorId, i64)) -> bool {
        let mut records = self.records.values();
        records.any(|record| record.connector == connector && record.past == Some(version))
    }

    /// Every open record.
    pub(super) fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.values().map(|record| &**record)
    }

    /// An open record.
    pub(super) fn record(&self, key: RecordKey) -> Option<&Record> {
        self.records.get(&key).map(|record| &**record)
    }

    pub(super) fn record_mut(&mut self, key: RecordKey) -> Option<&mut Record> {
        self.records.get_mut(&key).map(|record| &mut **record)
    }

    /// Takes an open record out. The caller returns it with [`Book::put_back`], [`Book::occupy`],
    /// [`Book::resume`] or [`Book::close`].
    pub(super) fn take(&mut self, key: RecordKey) -> Box<Record> {
        self.ready.remove(&key);
        self.records
            .remove(&key)
            .expect("a record whose turn it is, or that a call is for, is open")
    }

    /// It is still its turn.
    pub(super) fn put_back(&mut self, record: Box<Record>) {
        self.ready.insert(record.key);
        self.records.insert(record.key, record);
    }

    /// A call for the record is about to be sent, or what it found is being looked up.
    pub(super) fn occupy(&mut self, mut record: Box<Record>) {
        record.phase = Phase::Calling;
        self.lanes.occupy(record.key, &record.lanes);
        self.records.insert(record.key, record);
    }

    /// The call will not be sent after all.
    pub(super) fn release(&mut self, key: RecordKey) {
        let mut record = self.take(key);
        // A record that has made a call keeps its lanes between calls.
        if record.calls.is_empty() {
            record.phase = Phase::Fresh;
            self.lanes.pause(key, &record.lanes);
        } else {
            record.phase = Phase::Between;
        }
        self.put_back(record);
    }

    /// The call ended, and the record needs another step.
    pub(super) fn resume(&mut self, mut record: Box<Record>) {
        record.phase = Phase::Between;
        self.put_back(record);
    }

    /// The record's attempt ended; returns the status of its request.
    pub(super) fn close(&mut self, record: Record, place: Place, now: Timestamp) -> RequestState {
        let Record { key, connector, lanes, .. } = record;
        if let Place::Waiting(due) = place {
            self.lanes.pause(key, &lanes);
            self.waiting.insert(key, Waiting { connector, due, lanes });
        } else {
            let woken = self.lanes.leave(key, &lanes);
            self.consider(woken);
        }
        let request =
            self.requests.get_mut(&key.request).expect("a request is open as long as its records");
        request.places[key.position as usize] = place;
        let state = request.state(key.request, now);
        if !request.places.contains(&Place::Open) {
            self.requests.remove(&key.request);
            self.closing.insert(key.request);
        }
        state
    }

    fn consider(&mut self, keys: Vec<RecordKey>) {
        for key in keys {
            if self.may_go(key) {
                self.ready.insert(key);
            }
        }
    }

    /// The open records in this lane.
    pub(super) fn in_lane(&self, lane: &Lane) -> Vec<RecordKey> {
        self.lanes.members(lane).filter(|key| self.records.contains_key(key)).collect()
    }

    /// The open records in this lane that came after this one, the newest first.
    pub(super) fn newer(&self, key: RecordKey, lane: &Lane) -> impl Iterator<Item = RecordKey> {
        let newest_first = self.lanes.members(lane).rev().take_while(move |other| *other > key);
        newest_first.filter(|other| self.records.contains_key(other))
    }

    /// Puts an open record in one more lane, in its place by arrival. One that already holds its
    /// lanes stays in those only: others wait for it there, so it must not start to wait for them.
    pub(super) fn join(&mut self, key: RecordKey, lane: Lane) {
        if let Some(record) = self.records.get_mut(&key)
            && record.phase == Phase::Fresh
            && !record.lanes.contains(&lane)
        {
            self.lanes.enter(key, std::slice::from_ref(&lane));
            record.lanes.push(lane);
        }
    }

    /// Makes every waiting record of these connectors due now, as the store does.
    pub(super) fn wake(&mut self, connectors: &[ConnectorId], now: Timestamp) {
        for waiting in self.waiting.values_mut() {
            if connectors.contains(&waiting.connector) {
                waiting.due = waiting.due.min(now);
            }
        }
    }

    /// The clock stepped back by this much: waits must not become longer.
    pub(super) fn bring_forward(&mut self, now: Timestamp, by: SignedDuration) {
        for waiting in self.waiting.values_mut().filter(|waiting| waiting.due > now) {
            waiting.due = (waiting.due - by).max(now);
        }
    }

    /// Forgets the open records of all other connectors, except requests with a call in flight. They
    /// stay queued in the store, and are opened again when their connector is enabled.
    pub(super) fn forget(&mut self, keep: impl Fn(ConnectorId) -> bool) {
        let busy: HashSet<RequestId> = self
            .records
            .iter()
            .filter(|(_, record)| record.phase == Phase::Calling)
            .map(|(key, _)| key.request)
            .collect();
        let gone: Vec<RecordKey> = self
            .records
            .iter()
            .filter(|(key, record)| !keep(record.connector) && !busy.contains(&key.request))
            .map(|(key, _)| *key)
            .collect();
        for key in gone {
            if let Some(record) = self.records.remove(&key) {
                self.ready.remove(&key);
                let woken = self.lanes.leave(key, &record.lanes);
                self.consider(woken);
            }
            self.requests.remove(&key.request);
        }
        let gone: Vec<RecordKey> = self
            .waiting
            .iter()
            .filter(|(_, waiting)| !keep(waiting.connector))
            .map(|(key, _)| *key)
            .collect();
        for key in gone {
            if let Some(waiting) = self.waiting.remove(&key) {
                let woken = self.lanes.leave(key, &waiting.lanes);
                self.consider(woken);
            }
        }
    }
}

impl OpenRequest {
    fn state(&self, id: RequestId, now: Timestamp) -> RequestState {
        let failed = |standing: &Place| {
            matches!(standing, Place::Final(SyncStatus::Error) | Place::Waiting(_))
        };
        let is_open = self.places.contains(&Place::Open);
        let due = self.places.iter().filter_map(|place| match place {
            Place::Waiting(due) => Some(*due),
            Place::Open | Place::Final(_) => None,
        });
        let due = if is_open { Some(now) } else { due.min() };
        let worst =
            if self.places.iter().any(failed) { SyncStatus::Error } else { SyncStatus::Success };
        let job_status = match (due, worst) {
            (Some(_), _) => JobStatus::Queued,
            (None, SyncStatus::Success) => JobStatus::Success,
            (None, SyncStatus::Error) => JobStatus::Failure,
        };
        RequestState {
            id,
            job_status,
            sync_status: Some(worst),
            behaviour: self.behaviour,
            finished_at: due.is_none().then_some(now),
            due,
        }
    }
}

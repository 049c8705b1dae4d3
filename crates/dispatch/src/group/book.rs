//! The requests and records that are open, in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use plan::decide::{Decision, Dispute, Known};
use plan::id::{ConnectorId, RequestId};
use plan::link::Link;
use plan::mapping::Mapped;
use plan::outcome::{Entity, Event, JobStatus, RetryWith, SyncStatus};
use plan::payload::Item;
use store::{CallRef, RecordKey, RequestState};

use super::lanes::{Lane, Lanes};

/// A record that is being worked, or waits for its turn.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) connector: ConnectorId,
    pub(super) item: Item,
    pub(super) lanes: Vec<Lane>,
    pub(super) link: Option<Link>,
    pub(super) known: Known,
    /// What it sends, by the mapping of this generation.
    pub(super) mapped: MappedBy,
    /// Of an activity, the lead that it is on.
    pub(super) lead: Option<Box<OfLead>>,
    /// Attempts before this one.
    pub(super) attempts: u32,
    /// Tries before this one.
    pub(super) tries: u32,
    /// The settings with which a person asked to retry it.
    pub(super) retry: Option<RetryWith>,
    /// The connector's earlier version that decides about it; `None`: that of now.
    pub(super) past: Option<i64>,
    /// What was decided last.
    pub(super) decision: Option<Decision>,
    /// What was decided after that was carried out: the write back to the source.
    pub(super) then: Option<Decision>,
    /// Fields that the two sides did not agree about.
    pub(super) disputes: Vec<Dispute>,
    /// The reviews of its lead that wait for a decision, or for one to be carried out.
    pub(super) asked: Vec<i64>,
    /// What was written for it so far, while its merge goes on.
    pub(super) achieved: Option<Event>,
    /// The calls of this attempt.
    pub(super) calls: Vec<CallRef>,
    /// A bulk call did not say why it failed, so a call of its own will.
    pub(super) singly: bool,
    /// The fields were fetched afresh for it.
    pub(super) refreshed: bool,
    /// Where it is in this attempt.
    pub(super) phase: Phase,
}

/// What a record sends, and the generation of the mapping that says so.
pub(super) type MappedBy = Option<(u64, Arc<Mapped>)>;

/// The lead that an activity is on.
#[derive(Debug)]
pub(super) struct OfLead {
    /// The lead as the activity's payload shows it, or as it was read.
    pub(super) item: Item,
    pub(super) link: Option<Link>,
    pub(super) known: Known,
    pub(super) mapped: MappedBy,
}

/// Where a record is in its attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing was sent for it yet.
    Fresh,
    /// A call for it is under way.
    Calling,
    /// A call for it ended and the next step is due; it holds its lanes.
    Between,
}

impl Record {
    /// A record as it was read, before its first step.
    pub(super) fn new(connector: ConnectorId, item: Item, attempts: u32, tries: u32) -> Self {
        let lead = (item.entity() == Entity::Activity).then(|| {
            Box::new(OfLead {
                item: item.lead().unwrap_or_else(|| item.bare_lead()),
                link: None,
                known: Known::default(),
                mapped: None,
            })
        });
        Self {
            connector,
            item,
            lead,
            lanes: Vec::new(),
            link: None,
            known: Known::default(),
            mapped: None,
            attempts,
            tries,
            retry: None,
            past: None,
            decision: None,
            then: None,
            disputes: Vec::new(),
            asked: Vec::new(),
            achieved: None,
            calls: Vec::new(),
            singly: false,
            refreshed: false,
            phase: Phase::Fresh,
        }
    }

    /// What was found out about the lead: the record itself, or the one that the activity is on.
    pub(super) fn lead_known(&mut self) -> &mut Known {
        match &mut self.lead {
            Some(lead) => &mut lead.known,
            None => &mut self.known,
        }
    }

    /// A write for it may have taken effect unseen.
    pub(super) fn doubt(&mut self) {
        self.known.doubtful = true;
        self.lead_known().doubtful = true;
    }

    /// The activity was read from the source just now; one that is not there is taken as it was
    /// posted.
    pub(super) fn read_activity(&mut self, activity: Option<Item>) {
        (self.known.fresh, self.known.source_gone) = (true, activity.is_none());
        if let Some(read) = activity {
            (self.item, self.mapped) = (read, None);
        }
    }

    /// The lead was read from the source just now; one that is gone there is taken as it was
    /// posted.
    pub(super) fn read_lead(&mut self, lead: Option<Item>) {
        self.lead_known().fresh = true;
        self.lead_known().source_gone = lead.is_none();
        let Some(read) = lead else { return };
        let (item, mapped) = match &mut self.lead {
            Some(lead) => (&mut lead.item, &mut lead.mapped),
            None => (&mut self.item, &mut self.mapped),
        };
        *item = read;
        *mapped = None;
    }
}

/// How a record of an open request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is being worked.
    Open,
    /// It waits for this time.
    Waiting(Timestamp),
    /// It ended.
    Final(SyncStatus),
}

#[derive(Debug)]
struct OpenRequest {
    behaviour: &'static str,
    standings: Vec<Standing>,
}

/// A record that waits for its next try, and holds its place meanwhile.
#[derive(Debug)]
struct Waiting {
    connector: ConnectorId,
    due: Timestamp,
    lanes: Vec<Lane>,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Book {
    requests: HashMap<RequestId, OpenRequest>,
    records: HashMap<RecordKey, Record>,
    waiting: BTreeMap<RecordKey, Waiting>,
    lanes: Lanes,
    ready: BTreeSet<RecordKey>,
    /// Requests that ended in memory and not yet on disk: they must not be opened again.
    closing: HashSet<RequestId>,
}

impl Book {
    /// How many records are open.
    pub(super) fn open_records(&self) -> usize {
        self.records.len()
    }

    /// How many lanes and waiting records are kept.
    pub(super) fn burden(&self) -> usize {
        self.lanes.len() + self.waiting.len()
    }

    /// The requests that must not be opened again.
    pub(super) fn opened(&self) -> HashSet<RequestId> {
        self.requests.keys().chain(&self.closing).copied().collect()
    }

    /// What was in memory only is on disk.
    pub(super) fn committed(&mut self) {
        self.closing.clear();
    }

    /// Takes up a request.
    pub(super) fn open(
        &mut self,
        id: RequestId,
        behaviour: &'static str,
        standings: Vec<Standing>,
    ) {
        self.requests.insert(id, OpenRequest { behaviour, standings });
    }

    /// Takes up a record of it.
    pub(super) fn enter(&mut self, key: RecordKey, record: Record) {
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
        self.records.insert(key, record);
    }

    /// Remembers a record that waits since before this task began.
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

    /// The records whose turn has come, oldest first.
    pub(super) fn ready(&self) -> Vec<RecordKey> {
        self.ready.iter().copied().filter(|key| self.may_go(*key)).collect()
    }

    fn may_go(&self, key: RecordKey) -> bool {
        self.records.get(&key).is_some_and(|record| {
            record.phase != Phase::Calling && self.lanes.may_go(key, &record.lanes)
        })
    }

    /// The connector of a record.
    pub(super) fn connector(&self, key: RecordKey) -> Option<ConnectorId> {
        Some(self.records.get(&key)?.connector)
    }

    /// The connector's earlier version that decides about a record, if not that of now.
    pub(super) fn past(&self, key: RecordKey) -> Option<i64> {
        self.records.get(&key)?.past
    }

    /// Whether an open record is decided about by this version of this connector.
    pub(super) fn uses(&self, (connector, version): (ConnectorId, i64)) -> bool {
        let mut records = self.records.values();
        records.any(|record| record.connector == connector && record.past == Some(version))
    }

    pub(super) fn record(&self, key: RecordKey) -> Option<&Record> {
        self.records.get(&key)
    }

    pub(super) fn record_mut(&mut self, key: RecordKey) -> Option<&mut Record> {
        self.records.get_mut(&key)
    }

    /// A call for the record is about to go out.
    pub(super) fn occupy(&mut self, key: RecordKey) {
        if let Some(record) = self.records.get_mut(&key) {
            record.phase = Phase::Calling;
            self.lanes.occupy(key, &record.lanes);
            self.ready.remove(&key);
        }
    }

    /// The call will not go out after all.
    pub(super) fn release(&mut self, key: RecordKey) {
        if let Some(record) = self.records.get_mut(&key) {
            // A record that is half way keeps its lanes between two calls.
            if record.calls.is_empty() {
                record.phase = Phase::Fresh;
                self.lanes.pause(key, &record.lanes);
            } else {
                record.phase = Phase::Between;
            }
            self.ready.insert(key);
        }
    }

    /// The call ended, and the record needs another step.
    pub(super) fn resume(&mut self, key: RecordKey) {
        if let Some(record) = self.records.get_mut(&key) {
            record.phase = Phase::Between;
            self.ready.insert(key);
        }
    }

    /// The record's attempt ended; answers how its request stands now.
    pub(super) fn close(
        &mut self,
        key: RecordKey,
        standing: Standing,
        now: Timestamp,
    ) -> Option<RequestState> {
        let record = self.records.remove(&key)?;
        self.ready.remove(&key);
        if let Standing::Waiting(due) = standing {
            self.lanes.pause(key, &record.lanes);
            let waiting = Waiting { connector: record.connector, due, lanes: record.lanes };
            self.waiting.insert(key, waiting);
        } else {
            let woken = self.lanes.leave(key, &record.lanes);
            self.consider(woken);
        }
        let request = self.requests.get_mut(&key.request)?;
        if let Some(place) = request.standings.get_mut(key.position as usize) {
            *place = standing;
        }
        let state = request.state(key.request, now);
        if !request.standings.contains(&Standing::Open) {
            self.requests.remove(&key.request);
            self.closing.insert(key.request);
        }
        Some(state)
    }

    fn consider(&mut self, keys: Vec<RecordKey>) {
        for key in keys {
            if self.may_go(key) {
                self.ready.insert(key);
            }
        }
    }

    /// The records that stand in this lane and are open.
    pub(super) fn in_lane(&self, lane: &Lane) -> Vec<RecordKey> {
        self.lanes.members(lane).filter(|key| self.records.contains_key(key)).collect()
    }

    /// The open records in this lane that came after this one, the newest first.
    pub(super) fn newer(&self, key: RecordKey, lane: &Lane) -> impl Iterator<Item = RecordKey> {
        let newest_first = self.lanes.members(lane).rev().take_while(move |other| *other > key);
        newest_first.filter(|other| self.records.contains_key(other))
    }

    /// Puts an open record in one more lane, in its place by arrival. One that holds its lanes
    /// already stays in those: others wait for it there, so it must not begin to wait for them.
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

    /// Forgets the open records of these connectors that no call is under way for: they are kept
    /// in the store, queued. Their requests are taken up again when the connector is enabled.
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
        let failed = |standing: &Standing| {
            matches!(standing, Standing::Final(SyncStatus::Error) | Standing::Waiting(_))
        };
        let is_open = self.standings.contains(&Standing::Open);
        let due = self.standings.iter().filter_map(|standing| match standing {
            Standing::Waiting(due) => Some(*due),
            Standing::Open | Standing::Final(_) => None,
        });
        let due = if is_open { Some(now) } else { due.min() };
        let worst =
            if self.standings.iter().any(failed) { SyncStatus::Error } else { SyncStatus::Success };
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

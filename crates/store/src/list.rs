//! The log as a list, and its size.

use std::collections::BTreeMap;

use jiff::Timestamp;
use plan::id::RequestId;
use plan::outcome::{Entity, Event, JobStatus, SyncStatus};
use plan::problem::Problem;
use plan::state::{Standing, State};
use serde::Serialize;
use serde_json::value::RawValue;

/// A request as a row of a list: without its attempts and calls.
#[derive(Clone, Debug, Serialize)]
pub struct RequestLine {
    /// The Request ID.
    pub id: RequestId,
    /// The connector's name.
    pub connector: String,
    /// Where it came from: `webhook` or `backfill`.
    pub origin: String,
    /// When it arrived.
    pub received_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Its job status.
    pub job_status: JobStatus,
    /// The status of its worst record.
    pub sync_status: Option<SyncStatus>,
    /// The behaviour in effect.
    pub behaviour: Option<String>,
    /// Whether its connector is held.
    #[serde(skip)]
    pub is_held: bool,
    /// Whether it only reports our own writes.
    #[serde(skip)]
    pub is_echo: bool,
    /// Its records.
    pub records: Vec<RecordLine>,
}

impl RequestLine {
    /// Its state.
    pub fn state(&self) -> State {
        State::of(self.job_status, self.is_held, self.records.iter().map(RecordLine::standing))
    }
}

/// A record as a row of a list.
#[derive(Clone, Debug, Serialize)]
pub struct RecordLine {
    /// Its position in the request, from 0.
    pub position: u32,
    /// A lead or an activity.
    pub entity: Entity,
    /// Its outcome.
    pub event: Event,
    /// Its status.
    pub sync_status: SyncStatus,
    /// What a person recognises it by: an email address or a phone number.
    pub known_as: Option<String>,
    /// The name of its lead, if the source showed it.
    pub name: Option<String>,
    /// The source's id of it.
    pub source_id: Option<String>,
    /// The destination's id of it.
    pub destination_id: Option<String>,
    /// What went wrong, or why nothing was done.
    pub error: Option<Problem>,
    /// The connector version that decided.
    pub version: i64,
    /// When it is retried, if it is.
    pub next_attempt_at: Option<Timestamp>,
    /// The decision and its reasons.
    #[serde(skip)]
    pub explanation: Option<Box<RawValue>>,
}

impl RecordLine {
    /// What its state depends on.
    pub fn standing(&self) -> Standing {
        Standing {
            event: self.event,
            waits: self.next_attempt_at.is_some(),
            code: self.error.as_ref().map(|problem| problem.code),
        }
    }
}

/// How many requests there are of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// How many were found.
    pub requests: u64,
    /// Whether there may be more: counting stops at [`Count::MOST`], or earlier
    /// where an index does not have all that is asked.
    pub more: bool,
}

impl Count {
    /// Whether there is one, or may be.
    pub fn is_some(&self) -> bool {
        self.requests > 0 || self.more
    }

    /// Counting stops here, so that it is as fast in a large log as in a small one.
    pub const MOST: usize = 5_000;
}

/// How many requests match a filter, whatever the outcome of their records, and by outcome: a
/// request with a new and a failed record counts as both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All of them, including those that have no outcome yet.
    pub all: Count,
    /// Those with a record of this event, for each event.
    pub events: BTreeMap<Event, Count>,
}

/// How many requests match a filter, by state: a request with a synced and a failed record counts
/// as both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateCounts {
    /// All of them.
    pub all: Count,
    /// Those in each state, or with a record in it.
    pub states: BTreeMap<State, Count>,
    /// Echoes, whether the filter shows them or not.
    pub echoes: Count,
}

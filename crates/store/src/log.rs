//! The log, as it is read.

use jiff::Timestamp;
use plan::id::RequestId;
use plan::outcome::{Entity, Event, JobStatus, RetryWith, SyncStatus};
use plan::problem::Problem;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::Origin;

/// Which requests; every part that is given must match, those of records in the same record.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Filter {
    /// The connector's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connector: Option<String>,
    /// One of these connectors, by name; `None`: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<Vec<String>>,
    /// Received at this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Received before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// Where the request is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_status: Option<JobStatus>,
    /// How its worst record stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync_status: Option<SyncStatus>,
    /// With a record of this event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<Event>,
    /// With a record of this entity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity: Option<Entity>,
    /// With a record of this lead: an email, a phone number or an id, of either account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// With a record that failed for this cause ([`Problem::cause`]).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// With a record of this batch of retries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<i64>,
    /// One of these; empty means any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<RequestId>,
}

/// Which part of a list.
#[derive(Clone, Debug)]
pub struct Page {
    /// At most so many; the store cuts it to [`Page::MOST`].
    pub limit: usize,
    /// After this place.
    pub after: Option<Cursor>,
}

impl Page {
    /// The most that one page holds.
    pub const MOST: usize = 200;
}

/// A place in a list: the last request of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Cursor(pub RequestId);

/// A request in the log.
#[derive(Clone, Debug, Serialize)]
pub struct RequestItem {
    /// The Request ID.
    pub id: RequestId,
    /// The connector's name.
    pub connector: String,
    /// Where it came from: `webhook` or `backfill`.
    pub origin: String,
    /// When it came.
    pub received_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Where it is on its way.
    pub job_status: JobStatus,
    /// How its worst record stands.
    pub sync_status: Option<SyncStatus>,
    /// The behaviour that was in force.
    pub behaviour: Option<String>,
    /// Its records.
    pub records: Vec<RecordItem>,
}

/// A record in the log.
#[derive(Clone, Debug, Serialize)]
pub struct RecordItem {
    /// Its position in the request, from 0.
    pub position: u32,
    /// A lead or an activity.
    pub entity: Entity,
    /// What became of it.
    pub event: Event,
    /// How it stands.
    pub sync_status: SyncStatus,
    /// By what a person knows it: an email address or a phone number.
    pub known_as: Option<String>,
    /// The source's id of it.
    pub source_id: Option<String>,
    /// The destination's.
    pub destination_id: Option<String>,
    /// What went wrong, or why nothing was done.
    pub error: Option<Problem>,
    /// What was decided and why.
    pub explanation: Option<Box<RawValue>>,
    /// The connector's version that decided.
    pub version: i64,
    /// When it is tried again, if it is.
    pub next_attempt_at: Option<Timestamp>,
    /// The attempts, first to last.
    pub attempts: Vec<AttemptItem>,
}

/// An attempt in the log.
#[derive(Clone, Debug, Serialize)]
pub struct AttemptItem {
    /// Its number, from 1.
    pub number: u32,
    /// When it ended.
    pub at: Timestamp,
    /// What became of the record by it.
    pub event: Event,
    /// What went wrong.
    pub error: Option<Problem>,
    /// Whether a person asked for it, and with which settings: those of `now` or of `then`.
    pub retry: Option<RetryWith>,
    /// Who that was, as the audit log names them.
    pub retry_by: Option<String>,
    /// The connector's version that decided.
    pub version: i64,
    /// The calls that it made.
    pub calls: Vec<CallItem>,
}

/// A call in the log.
#[derive(Clone, Debug, Serialize)]
pub struct CallItem {
    /// When it was sent.
    pub at: Timestamp,
    /// How long it took.
    pub milliseconds: u32,
    /// The HTTP method.
    pub method: String,
    /// The address, without keys.
    pub url: String,
    /// The HTTP status; none when no answer came.
    pub status: Option<u16>,
    /// The body that was sent; of a bulk call, all of it.
    pub request: String,
    /// The body that came back.
    pub response: String,
    /// Why there is no answer that can be used.
    pub error: Option<String>,
    /// The record's row in a bulk call, from 0.
    pub row: Option<u32>,
}

/// A delivery as it came.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The connector's name.
    pub connector: String,
    /// When it came.
    pub received_at: Timestamp,
    /// The sender's Content-Type.
    pub content_type: Option<String>,
    /// Where it came from.
    pub origin: Origin,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

/// Which requests to try again.
#[derive(Clone, Debug)]
pub enum Selection {
    /// These.
    Requests(Vec<RequestId>),
    /// All with a failed record that match, the oldest first, as many as [`Retry::MOST`].
    Failed(Filter),
}

/// A wish to try failed records again.
#[derive(Clone, Debug)]
pub struct Retry {
    /// Which.
    pub selection: Selection,
    /// With which settings.
    pub with: RetryWith,
    /// After the first [`Retry::AT_ONCE`] requests at most so many a minute, so that live changes
    /// have room beside them; `None`: all at once.
    pub per_minute: Option<u32>,
}

impl Retry {
    /// More requests are not queued again at one time: whatever came meanwhile waits for it.
    pub const MOST: usize = 100_000;
    /// So many requests are tried again at once, however slowly the rest is to go.
    pub const AT_ONCE: usize = 100;
    /// What [`Retry::per_minute`] is unless a person says otherwise.
    pub const PER_MINUTE: u32 = 600;
}

impl From<Selection> for Retry {
    /// With the settings of now, all at once.
    fn from(selection: Selection) -> Self {
        Self { selection, with: RetryWith::Now, per_minute: None }
    }
}

/// Failed records with one cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailureGroup {
    /// What they are grouped by ([`Problem::cause`]).
    pub cause: String,
    /// How many records.
    pub records: u64,
    /// When the oldest of their requests came.
    pub first_at: Timestamp,
    /// When the newest of their requests came.
    pub last_at: Timestamp,
    /// The newest of their requests.
    pub last_request: RequestId,
    /// The newest problem, as an example.
    pub error: Problem,
}

//! Reading the log, and retrying what failed in it.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use plan::id::{AccountId, ConnectorId, RequestId};
use plan::outcome::{Entity, Event, JobStatus, RetryWith, SyncStatus};
use plan::problem::Problem;
use plan::quota::forecast::Spending;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::audit::Actor;
use crate::contact::Contact;
use crate::error::Result;
use crate::filter::{Cursor, Filter, Page};
use crate::history::{HistoryItem, Neighbours};
use crate::intake::{NewDelivery, Origin};
use crate::list::{Count, Counts, RequestLine, StateCounts};
use crate::progress::Call;
use crate::retry::{LinkedRecords, Retried, Retry, RetryBatch, Selection};
use crate::tally::{Cause, Health, Span, Step, Used};

/// Reading the log, and retrying.
#[async_trait]
pub trait Log: Send + Sync + std::fmt::Debug {
    /// Requests that match, newest first, with their records, attempts and calls.
    async fn requests(
        &self,
        filter: &Filter,
        page: &Page,
    ) -> Result<(Vec<RequestItem>, Option<Cursor>)>;

    /// Requests that match, newest first, without the details of what they did: what a list needs.
    async fn request_lines(
        &self,
        filter: &Filter,
        page: &Page,
    ) -> Result<(Vec<RequestLine>, Option<Cursor>)>;

    /// How many requests match, by outcome; the filter's own event is ignored.
    async fn count_requests(&self, filter: &Filter) -> Result<Counts>;

    /// How many requests match.
    async fn count(&self, filter: &Filter) -> Result<Count>;

    /// How many requests match, by state; the filter's own state is ignored.
    async fn count_states(&self, filter: &Filter) -> Result<StateCounts>;

    /// The requests before and after this one with a record that matches this email address, phone
    /// number or id.
    async fn neighbours(&self, request: RequestId, q: &str) -> Result<Neighbours>;

    /// The records that match this lead's id, newest first, [`HistoryItem::MOST`] at most; and
    /// whether there are more.
    async fn history(&self, lead: &str) -> Result<(Vec<HistoryItem>, bool)>;

    /// The delivery that made a request, as received.
    async fn delivery(&self, request: RequestId) -> Result<Option<Delivery>> {
        Ok(self.deliveries(&[request]).await?.pop().map(|(_, delivery)| delivery))
    }

    /// The deliveries that made these requests, in any order.
    async fn deliveries(&self, requests: &[RequestId]) -> Result<Vec<(RequestId, Delivery)>>;

    /// Failed records that match, by cause, the most frequent first.
    async fn failures(&self, filter: &Filter) -> Result<Vec<FailureGroup>>;

    /// Requeues records with a full set of tries. One that was written and now needs nothing keeps
    /// its event; the attempt shows it.
    async fn retry(&self, retry: &Retry, actor: &Actor, now: Timestamp) -> Result<Retried>;

    /// The newest record, by this connector, of each lead that is linked between its accounts: of
    /// leads after `after`, ordered by id, at most `limit` of them.
    async fn linked_records(
        &self,
        connector: ConnectorId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<LinkedRecords>;

    /// Requeues those records, with the current settings and at this pace ([`Retry::per_minute`]), so
    /// that the current mapping reaches leads that were synced before it changed. They are queued in
    /// batches; leads without a record by this connector are left out.
    async fn refresh_leads(
        &self,
        connector: (ConnectorId, &str),
        per_minute: Option<u32>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Retried>;

    /// Stores a call that was made for a person, outside the dispatcher, and counts it in the account's
    /// quota.
    async fn keep_call(&self, call: Call) -> Result<()>;

    /// Stores requests that a person had made of one lead as it is now, and that they did.
    async fn sync_lead(
        &self,
        lead: &str,
        deliveries: Vec<NewDelivery>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()>;

    /// Cancels what [`Log::retry`] queued and has not started: these records return to their
    /// earlier status. Returns how many requests that affected.
    async fn cancel_retries(
        &self,
        selection: &Selection,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<u64>;

    /// The last batches of retries, newest first, [`RetryBatch::MOST`] at most.
    async fn retry_batches(&self) -> Result<Vec<RetryBatch>>;

    /// This batch of retries, and its progress.
    async fn retry_batch(&self, id: i64) -> Result<Option<RetryBatch>>;

    /// Cancels the rest of this batch that has not started: these records return to their earlier
    /// status. Returns how many requests that affected.
    async fn cancel_retry_batch(&self, id: i64, actor: &Actor, now: Timestamp) -> Result<u64>;

    /// The state of each connector, by name: the outcomes of the records that arrived since this
    /// time (rounded down to the hour), and what waits. Cheap for any number of records, as are
    /// `steps`, `causes` and `used`.
    async fn health(&self, since: Timestamp) -> Result<Vec<Health>>;

    /// The outcome of the records that arrived in this span, by step and connector, the oldest
    /// first; steps without a record are omitted.
    async fn steps(&self, span: &Span) -> Result<Vec<Step>>;

    /// The outcome of the records that arrived between these times, in steps of
    /// [`Step::SHORT`] and by connector, the oldest first. Known for [`Step::RECENT`] only.
    async fn recent_steps(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Step>>;

    /// Why records that arrived between the two times (whole hours) are failed, by cause and
    /// connector, the most frequent first; without causes that are dismissed. At most `limit`.
    async fn causes(
        &self,
        between: (Timestamp, Timestamp),
        connectors: Option<&[ConnectorId]>,
        limit: usize,
    ) -> Result<Vec<Cause>>;

    /// The calls made to these accounts today and in the window of this length that ends now.
    async fn used(
        &self,
        windows: &[(AccountId, SignedDuration)],
        now: Timestamp,
    ) -> Result<Vec<Used>>;

    /// When each of these accounts last responded, and since when it no longer does.
    async fn contacts(&self, accounts: &[AccountId]) -> Result<Vec<Contact>>;

    /// The calls made to each of these accounts today, in this hour and in the last one. Cheap: nodes
    /// poll it.
    async fn spending(&self, accounts: &[AccountId], now: Timestamp) -> Result<Vec<Spending>>;
}

/// A request in the log.
#[derive(Clone, Debug, Serialize)]
pub struct RequestItem {
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
    /// The decision and its reasons.
    pub explanation: Option<Box<RawValue>>,
    /// The connector version that decided.
    pub version: i64,
    /// When it is retried, if it is.
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
    /// The record's outcome in it.
    pub event: Event,
    /// What went wrong.
    pub error: Option<Problem>,
    /// Whether a person asked for it, and with which settings: those of `now` or of `then`.
    pub retry: Option<RetryWith>,
    /// Who that was, as the audit log names them.
    pub retry_by: Option<String>,
    /// The connector version that decided.
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
    /// The URL, without keys.
    pub url: String,
    /// The HTTP status; none without a response.
    pub status: Option<u16>,
    /// The request body; for a bulk call, all of it.
    pub request: String,
    /// The response body.
    pub response: String,
    /// Why there is no usable response.
    pub error: Option<String>,
    /// The record's row in a bulk call, from 0.
    pub row: Option<u32>,
}

/// A delivery as received.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The connector's name.
    pub connector: String,
    /// When it arrived.
    pub received_at: Timestamp,
    /// The sender's Content-Type.
    pub content_type: Option<String>,
    /// Where it came from.
    pub origin: Origin,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

/// Failed records with one cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailureGroup {
    /// What they are grouped by ([`Problem::cause`]).
    pub cause: String,
    /// How many records.
    pub records: u64,
    /// When the oldest of their requests arrived.
    pub first_at: Timestamp,
    /// When the newest of their requests arrived.
    pub last_at: Timestamp,
    /// The newest of their requests.
    pub last_request: RequestId,
    /// The newest problem, as an example.
    pub error: Problem,
}

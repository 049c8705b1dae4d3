//! What the dispatcher did and is about to do.

use std::sync::Arc;

use jiff::Timestamp;
use plan::id::{AccountId, ConnectorId, RequestId};
use plan::link::Link;
use plan::outcome::{Entity, Event, JobStatus, RetryWith, SyncStatus};
use plan::problem::Problem;
use plan::traits::Trait;
use serde::{Deserialize, Serialize};

use crate::backfills::{BackfillNews, PlanNews};
use crate::catch_up::{ParityNews, SweepNews};
use crate::contact::ContactNews;
use crate::directory::DirectoryNews;
use crate::intake::NewDelivery;
use crate::mass_change::HeldNews;
use crate::reviews::NewReview;

/// A record's place: the request, and the position in it, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordKey {
    /// The request.
    pub request: RequestId,
    /// The position.
    pub position: u32,
}

/// The state of a record between attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It waits until this time.
    Waiting(Timestamp),
    /// It waits for its account, until this time at the latest; the try did not count. It is read
    /// back as [`Stage::Waiting`].
    Held(Timestamp),
    /// Nothing more happens unless a person asks.
    Final,
}

/// What happened and what is about to happen.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Calls that ended.
    pub calls: Vec<Call>,
    /// Attempts that ended.
    pub attempts: Vec<AttemptOutcome>,
    /// The status of their requests now.
    pub requests: Vec<RequestState>,
    /// Links as they are now.
    pub links: Vec<Link>,
    /// New questions for a person.
    pub reviews: Vec<NewReview>,
    /// Reviews with nothing left to decide, by number.
    pub solved: Vec<i64>,
    /// Leads that were linked and are no longer in their account.
    pub gone: Vec<(AccountId, String)>,
    /// Intents whose calls ended, by number.
    pub settled: Vec<i64>,
    /// Calls that are sent once this is on disk.
    pub intents: Vec<Intent>,
    /// Calls made since the last time.
    pub spent: Vec<Spent>,
    /// What was learned about accounts' keys.
    pub keys: Vec<KeysNews>,
    /// Which accounts responded, and which no longer do.
    pub contacts: Vec<ContactNews>,
    /// What responses revealed about accounts.
    pub traits: Vec<TraitNews>,
    /// Pages of leads read by backfills.
    pub backfills: Vec<BackfillNews>,
    /// Requests that did not come by webhook.
    pub deliveries: Vec<NewDelivery>,
    /// The outcomes of rounds of sweeps.
    pub sweeps: Vec<SweepNews>,
    /// The outcomes of comparisons.
    pub parities: Vec<ParityNews>,
    /// The outcomes of counts of what backfills would do.
    pub plans: Vec<PlanNews>,
    /// Connectors that are held from now on.
    pub held: Vec<HeldNews>,
    /// What was learned about which leads accounts have.
    pub directory: Vec<DirectoryNews>,
}

impl Progress {
    /// Whether there is nothing to store.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
            && self.attempts.is_empty()
            && self.requests.is_empty()
            && self.links.is_empty()
            && self.reviews.is_empty()
            && self.solved.is_empty()
            && self.gone.is_empty()
            && self.settled.is_empty()
            && self.intents.is_empty()
            && self.spent.is_empty()
            && self.keys.is_empty()
            && self.contacts.is_empty()
            && self.traits.is_empty()
            && self.backfills.is_empty()
            && self.deliveries.is_empty()
            && self.sweeps.is_empty()
            && self.parities.is_empty()
            && self.plans.is_empty()
            && self.held.is_empty()
            && self.directory.is_empty()
    }
}

/// One call to an account.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its number, made like a Request ID.
    pub id: i64,
    /// The account that was called.
    pub account: AccountId,
    /// The connector whose records it was for; `None` for a call for the account itself.
    pub connector: Option<ConnectorId>,
    /// When it was sent.
    pub at: Timestamp,
    /// How long it took.
    pub milliseconds: u32,
    /// The HTTP method.
    pub method: &'static str,
    /// The URL, without keys.
    pub url: String,
    /// The HTTP status; `None` without a response.
    pub status: Option<u16>,
    /// The request body.
    pub request: Arc<str>,
    /// The response body.
    pub response: Arc<str>,
    /// Why there is no usable response.
    pub error: Option<String>,
}

/// A call as seen from one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRef {
    /// The call's number.
    pub id: i64,
    /// The record's row in a bulk call, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u32>,
}

/// One attempt at a record, and the record's state after it.
#[derive(Clone, Debug)]
pub struct AttemptOutcome {
    /// Which record.
    pub key: RecordKey,
    /// Its connector.
    pub connector: ConnectorId,
    /// A lead or an activity.
    pub entity: Entity,
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// Attempts since it was queued or requeued, including this one.
    pub tries: u32,
    /// When it ended.
    pub at: Timestamp,
    /// The outcome of the record.
    pub event: Event,
    /// Its status.
    pub sync_status: SyncStatus,
    /// Final, or when the next try is due.
    pub stage: Stage,
    /// Whether a write may have taken effect without our knowing.
    pub doubtful: bool,
    /// What a person recognises it by (see [`plan::identity::known_as`]).
    pub known_as: Option<String>,
    /// The name of its lead (see [`plan::identity::name`]).
    pub name: Option<String>,
    /// Whether it only reports our own write ([`plan::work::Work::is_echo`]).
    pub is_echo: bool,
    /// The source's id of the lead or activity.
    pub source_id: Option<String>,
    /// The destination's id of it.
    pub destination_id: Option<String>,
    /// What went wrong, or why nothing was done.
    pub problem: Option<Problem>,
    /// The decision and its reasons, and the fields with their old and new values: JSON for the
    /// log, opaque to the store.
    pub explanation: Option<String>,
    /// The connector version that decided.
    pub version: i64,
    /// The settings with which a person asked for it; `None` if nobody did.
    pub retry: Option<RetryWith>,
    /// The calls that it made.
    pub calls: Vec<CallRef>,
    /// What the record can be found by in the log (see [`plan::identity::mentions`]).
    pub mentions: Vec<String>,
}

/// The status of a request.
#[derive(Clone, Debug)]
pub struct RequestState {
    /// Which one.
    pub id: RequestId,
    /// Its job status.
    pub job_status: JobStatus,
    /// Its worst record, once there is one.
    pub sync_status: Option<SyncStatus>,
    /// The current behaviour, as the configuration file names it.
    pub behaviour: &'static str,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// When its next record is due, if it has not ended.
    pub due: Option<Timestamp>,
}

/// A call that is sent as soon as this is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Its number: that of the call.
    pub id: i64,
    /// The account that is called.
    pub account: AccountId,
    /// When it was created.
    pub at: Timestamp,
    /// The operation, as LeadSquared names it.
    pub operation: String,
    /// The records it is for.
    pub records: Vec<IntentRecord>,
}

/// One record of an intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntentRecord {
    /// Which record.
    pub key: RecordKey,
    /// Whether the call writes, so that it must not be repeated blindly.
    pub writes: bool,
}

/// An account rejected or accepted its keys.
#[derive(Clone, Debug)]
pub struct KeysNews {
    /// The account.
    pub account: AccountId,
    /// When it did.
    pub at: Timestamp,
    /// Why it rejects them; `None` if it accepts them.
    pub refused: Option<Problem>,
}

/// A response revealed something about an account.
#[derive(Clone, Debug)]
pub struct TraitNews {
    /// The account.
    pub account: AccountId,
    /// When it did.
    pub at: Timestamp,
    /// What it revealed,
    pub seen: Trait,
    /// and whether that holds or no longer holds.
    pub holds: bool,
}

/// Calls made to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// The account.
    pub account: AccountId,
    /// The hour ([`plan::quota::hour_of`]).
    pub hour: i64,
    /// How many, to be added to the count so far.
    pub calls: u32,
}

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
use crate::directory::DirectoryNews;
use crate::intake::NewDelivery;
use crate::mass_change::HeldNews;
use crate::reviews::NewReview;

/// A record's place: the request, and its position in it, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordKey {
    /// The request.
    pub request: RequestId,
    /// The position.
    pub position: u32,
}

/// How a record stands between attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It waits until this time.
    Waiting(Timestamp),
    /// It waits for its account, until this time at most; the try did not count. It is read back as
    /// [`Stage::Waiting`].
    Held(Timestamp),
    /// Nothing more is done unless a person asks.
    Final,
}

/// What happened and what is about to happen.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Calls that ended.
    pub calls: Vec<Call>,
    /// Attempts that ended.
    pub attempts: Vec<AttemptOutcome>,
    /// How their requests stand now.
    pub requests: Vec<RequestState>,
    /// Links as they are now.
    pub links: Vec<Link>,
    /// What a person is asked.
    pub reviews: Vec<NewReview>,
    /// Reviews in which nothing is left to decide, by number.
    pub solved: Vec<i64>,
    /// Leads that were linked and are no longer in their account.
    pub gone: Vec<(AccountId, String)>,
    /// Intents whose calls ended, by number.
    pub settled: Vec<i64>,
    /// Calls that go out once this is on disk.
    pub intents: Vec<Intent>,
    /// Calls made since the last time.
    pub spent: Vec<Spent>,
    /// What became known of accounts' keys.
    pub keys: Vec<KeysNews>,
    /// What answers showed about accounts.
    pub traits: Vec<TraitNews>,
    /// Pages of leads that backfills read.
    pub backfills: Vec<BackfillNews>,
    /// Requests that nobody posted.
    pub deliveries: Vec<NewDelivery>,
    /// What became of rounds of sweeps.
    pub sweeps: Vec<SweepNews>,
    /// What became of comparisons.
    pub parities: Vec<ParityNews>,
    /// What became of counts of what backfills would do.
    pub plans: Vec<PlanNews>,
    /// Connectors that are held from now on.
    pub held: Vec<HeldNews>,
    /// What became known of the leads that accounts have.
    pub directory: Vec<DirectoryNews>,
}

impl Progress {
    /// Whether there is nothing to keep.
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

/// One call to an account, as it was.
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
    /// The address, without keys.
    pub url: String,
    /// The HTTP status; `None` when no answer came.
    pub status: Option<u16>,
    /// The body that was sent.
    pub request: Arc<str>,
    /// The body that came back.
    pub response: Arc<str>,
    /// Why there is no usable answer.
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

/// One attempt at a record, and how the record stands after it.
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
    /// Attempts since it was queued or queued again, this one included.
    pub tries: u32,
    /// When it ended.
    pub at: Timestamp,
    /// What became of the record.
    pub event: Event,
    /// How it stands.
    pub sync_status: SyncStatus,
    /// Final, or when the next try is due.
    pub stage: Stage,
    /// Whether a write may have taken effect unseen.
    pub doubtful: bool,
    /// By what a person knows it (see [`plan::identity::known_as`]).
    pub known_as: Option<String>,
    /// The source's id of the lead or activity.
    pub source_id: Option<String>,
    /// The destination's.
    pub destination_id: Option<String>,
    /// What went wrong, or why nothing was done.
    pub problem: Option<Problem>,
    /// What was decided and why, and the fields with what they were and what they became: JSON for
    /// the log, which the store does not read.
    pub explanation: Option<String>,
    /// The connector's version that decided.
    pub version: i64,
    /// The settings with which a person asked for it; `None`: nobody did.
    pub retry: Option<RetryWith>,
    /// The calls that it made.
    pub calls: Vec<CallRef>,
    /// What the log can find the record by (see [`plan::identity::mentions`]).
    pub mentions: Vec<String>,
}

/// How a request stands.
#[derive(Clone, Debug)]
pub struct RequestState {
    /// Which one.
    pub id: RequestId,
    /// Where it is on its way.
    pub job_status: JobStatus,
    /// Its worst record, once there is one.
    pub sync_status: Option<SyncStatus>,
    /// The behaviour in force, as the configuration file names it.
    pub behaviour: &'static str,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// When its next record is due, if it has not ended.
    pub due: Option<Timestamp>,
}

/// A call that goes out as soon as this is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Its number: that of the call.
    pub id: i64,
    /// The account that is called.
    pub account: AccountId,
    /// When it was made.
    pub at: Timestamp,
    /// The operation, as LeadSquared names it.
    pub operation: String,
    /// The records that it is for.
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

/// An account refuses its keys, or takes them.
#[derive(Clone, Debug)]
pub struct KeysNews {
    /// The account.
    pub account: AccountId,
    /// When it did.
    pub at: Timestamp,
    /// Why it refuses them; `None`: it takes them.
    pub refused: Option<Problem>,
}

/// An answer showed something about an account.
#[derive(Clone, Debug)]
pub struct TraitNews {
    /// The account.
    pub account: AccountId,
    /// When it did.
    pub at: Timestamp,
    /// What it showed,
    pub seen: Trait,
    /// and whether that holds, or holds no more.
    pub holds: bool,
}

/// Calls made to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// The account.
    pub account: AccountId,
    /// The hour ([`plan::quota::hour_of`]).
    pub hour: i64,
    /// How many, to be added to those before.
    pub calls: u32,
}

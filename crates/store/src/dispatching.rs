//! What the dispatcher reads, and the lease under which it works.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use plan::backfill::Planning;
use plan::id::{AccountId, ConnectorId, RequestId};
use plan::link::{Link, Pair, Side};
use plan::outcome::{Entity, RetryWith, SyncStatus};
use plan::parity::Standing;

use crate::backfills::Backfill;
use crate::catch_up::{Posted, Sweep};
use crate::directory::DirectoryReading;
use crate::error::Result;
use crate::intake::Origin;
use crate::progress::{Intent, Progress, RecordKey, Stage};
use plan::review::StandingReview;

/// Processing the requests of some accounts.
///
/// Every operation that takes a [`Lease`], except giving it up, fails with
/// [`crate::Error::LeaseLost`] once somebody else holds one of its accounts.
#[async_trait]
pub trait Dispatching: Send + Sync + std::fmt::Debug {
    /// Takes the lease of these accounts, all or none, for `ttl` from now by the database's clock.
    /// `None` while somebody else holds one of them. `holder` is the node's name, for people to
    /// read.
    async fn take_lease(
        &self,
        accounts: &[AccountId],
        holder: &str,
        ttl: Duration,
    ) -> Result<Option<Lease>>;

    /// Renews the lease for `ttl` from now.
    async fn renew_lease(&self, lease: &Lease, ttl: Duration) -> Result<()>;

    /// Gives the lease up; giving up a lost lease is not an error.
    async fn release_lease(&self, lease: &Lease) -> Result<()>;

    /// The unfinished requests of these connectors that are due, oldest first, without the `open` ones,
    /// as many as there is room for; and the configuration in effect when they were read. If there is not
    /// room for all, fresh and retried requests get at least half of it each.
    async fn open_requests(
        &self,
        lease: &Lease,
        connectors: &[ConnectorId],
        open: &HashSet<RequestId>,
        now: Timestamp,
        room: Room,
    ) -> Result<Opened>;

    /// The requests that arrived at a connector since it was disabled and were never started,
    /// oldest first, at most `limit`; none for an enabled one. Also returns the configuration in
    /// effect when they were read.
    async fn arrivals_while_disabled(
        &self,
        lease: &Lease,
        connector: ConnectorId,
        limit: usize,
    ) -> Result<Opened>;

    /// The records of these connectors that were tried, are not final, and whose next try is after
    /// `now`: later changes to the same leads wait for them, but not for retries that a person
    /// asked for.
    async fn waiting_records(
        &self,
        lease: &Lease,
        connectors: &[ConnectorId],
        now: Timestamp,
    ) -> Result<Vec<WaitingRecord>>;

    /// Makes every waiting record of these connectors due at once, because what they waited for is
    /// available again; a retry that a person asked for and that has not started keeps its pace.
    /// Returns how many there were.
    async fn wake_waiting(
        &self,
        lease: &Lease,
        connectors: &[ConnectorId],
        now: Timestamp,
    ) -> Result<u64>;

    /// Moves the due times after `now` of these connectors earlier by this much, because the clock
    /// stepped back.
    async fn bring_forward(
        &self,
        lease: &Lease,
        connectors: &[ConnectorId],
        now: Timestamp,
        by: SignedDuration,
    ) -> Result<()>;

    /// Calls that were sent, or about to be, and whose outcome is unknown: left by a crash.
    async fn unsettled_intents(&self, lease: &Lease) -> Result<Vec<Intent>>;

    /// The calls to these accounts that ended at this time or later, in the order in which they ended;
    /// calls that took longer than a minute may be missing.
    async fn recent_calls(
        &self,
        accounts: &[AccountId],
        since: Timestamp,
    ) -> Result<Vec<RecentCall>>;

    /// The links of these leads and activities on one side of a pair, in no particular order; those
    /// without a link are omitted.
    async fn links(&self, pair: Pair, side: Side, ids: &[String]) -> Result<Vec<Link>>;

    /// How many leads are linked between two accounts, and how many activities.
    async fn count_links(&self, pair: Pair) -> Result<LinkCounts>;

    /// Which of these leads were once linked and are no longer in their account.
    async fn gone(&self, account: AccountId, leads: &[String]) -> Result<Vec<String>>;

    /// How far an account has been read into the directory; `None` if never.
    async fn directory_reading(&self, account: AccountId) -> Result<Option<DirectoryReading>>;

    /// How many leads of an account the directory has.
    async fn count_directory(&self, account: AccountId) -> Result<u64>;

    /// The ids of an account's leads that have these keys, by key, each list ordered by id; keys
    /// that no lead in the directory has are omitted. It is a hint: the directory may be incomplete
    /// or out of date.
    async fn directory(
        &self,
        account: AccountId,
        keys: &[String],
    ) -> Result<HashMap<String, Vec<String>>>;

    /// The reviews of these leads of a pair that are open or decided: by the lead's id in the
    /// source or, of a conflict, in the destination.
    async fn standing_reviews(&self, pair: Pair, ids: &[String]) -> Result<Vec<StandingReview>>;

    /// Stores what happened and what is about to happen, in one transaction.
    async fn record_progress(&self, lease: &Lease, progress: Progress) -> Result<()>;

    /// The running backfills of these connectors; the outcomes of their leads are not counted.
    async fn running_backfills(
        &self,
        lease: &Lease,
        connectors: &[ConnectorId],
    ) -> Result<Vec<Backfill>>;

    /// Ends those of these backfills that have read everything and have nothing left to sync.
    async fn end_backfills(&self, lease: &Lease, ids: &[i64], now: Timestamp) -> Result<()>;

    /// The sweeps of these connectors that ever began.
    async fn sweeps(
        &self,
        lease: &Lease,
        connectors: &[ConnectorId],
    ) -> Result<Vec<(ConnectorId, Sweep)>>;

    /// How far the accounts of these connectors agree, if a comparison ever ran or is requested.
    async fn parities(
        &self,
        lease: &Lease,
        connectors: &[ConnectorId],
    ) -> Result<Vec<(ConnectorId, Standing)>>;

    /// What is known about what backfills of these connectors would do.
    async fn plannings(
        &self,
        lease: &Lease,
        connectors: &[ConnectorId],
    ) -> Result<Vec<(ConnectorId, Planning)>>;

    /// The last processed payload about each of these leads or activities of a connector's source, by
    /// id.
    async fn last_posted(
        &self,
        connector: ConnectorId,
        entity: Entity,
        ids: &[String],
    ) -> Result<HashMap<String, Posted>>;

    /// The ids of linked leads of a pair, this side's first, ordered by this side's: those after this
    /// one, up to the given limit.
    async fn linked_leads(
        &self,
        pair: Pair,
        side: Side,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, String)>>;

    /// The calls made to an account on a day ([`plan::quota::day_of`]).
    async fn spent(&self, account: AccountId, day: i64) -> Result<u32>;
}

/// How many more requests may be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// In all.
    pub all: usize,
    /// Of those that were started before and are due again.
    pub again: usize,
    /// Of those read by backfills.
    pub late: usize,
}

impl Room {
    /// Room for this many, of any kind.
    pub fn of(all: usize) -> Self {
        Self { all, again: all, late: all }
    }

    /// How many to take, given the number of fresh ones and of those due again.
    pub(crate) fn share(self, fresh: usize, again: usize) -> (usize, usize) {
        let again = again.min(self.again);
        let again = again.min((self.all / 2).max(self.all.saturating_sub(fresh)));
        (fresh.min(self.all - again), again)
    }
}

/// A recent call, with what quotas need to know about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentCall {
    /// Its number, made like a Request ID.
    pub id: i64,
    /// The account that was called.
    pub account: AccountId,
    /// When it ended.
    pub ended: Timestamp,
    /// Its URL, which names the operation.
    pub url: String,
}

/// How many links there are between two accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkCounts {
    /// Of leads.
    pub leads: u64,
    /// Of activities.
    pub activities: u64,
}

/// The right to process some accounts, until it expires or somebody else takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The accounts.
    pub accounts: Vec<AccountId>,
    /// Increases each time it is taken: operations with an older number are refused.
    pub fence: i64,
    /// Since when the store knows everything that was done to the accounts, by the database's
    /// clock: since then they were never without a holder for more than a minute. A store restored
    /// from a backup does not know what was done before.
    pub unbroken: Timestamp,
}

/// Requests that have work left, and the configuration under which they were read.
///
/// Both are from the same snapshot. A caller with an older configuration must not process the
/// requests under it: it rereads the configuration and opens again, so that a change of settings
/// applies to every request opened after it.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The version of the configuration, as [`crate::Configuration::version`] has it.
    pub configuration: i64,
    /// The requests, oldest first.
    pub requests: Vec<Unfinished>,
    /// Whether there are more that did not fit into [`Room::late`].
    pub are_more_late: bool,
}

/// A request that has work left.
#[derive(Clone, Debug)]
pub struct Unfinished {
    /// The request.
    pub id: RequestId,
    /// Its connector.
    pub connector: ConnectorId,
    /// The body as received.
    pub body: Vec<u8>,
    /// The sender's Content-Type.
    pub content_type: Option<String>,
    /// Where it came from.
    pub origin: Origin,
    /// The records that were tried before, by position; any other record is fresh.
    pub records: Vec<RecordState>,
}

/// A record that was tried before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordState {
    /// Its position in the request.
    pub position: u32,
    /// Its status.
    pub stage: Stage,
    /// Whether its last attempt succeeded.
    pub sync_status: SyncStatus,
    /// Attempts so far.
    pub attempts: u32,
    /// Attempts since it was queued, or requeued by a person.
    pub tries: u32,
    /// Whether a write for it may have taken effect without our knowing: check before repeating it.
    pub doubtful: bool,
    /// The settings with which a person asked to retry it.
    pub retry: Option<RetryWith>,
    /// The connector version that last decided about it.
    pub version: i64,
}

/// A record whose next try is in the future.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingRecord {
    /// Which record.
    pub key: RecordKey,
    /// Its connector.
    pub connector: ConnectorId,
    /// The source's id of the lead or activity.
    pub source_id: Option<String>,
    /// When it is due.
    pub due: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_requests_and_those_due_again_share_the_room() {
        for (room, found, shared) in [
            (Room::of(10), (3, 3), (3, 3)),
            (Room::of(10), (30, 30), (5, 5)),
            (Room::of(10), (30, 2), (8, 2)),
            (Room::of(10), (2, 30), (2, 8)),
            (Room::of(1), (9, 9), (1, 0)),
            (Room { again: 3, ..Room::of(10) }, (30, 30), (7, 3)),
            (Room { again: 0, ..Room::of(10) }, (2, 30), (2, 0)),
        ] {
            assert_eq!(room.share(found.0, found.1), shared, "{room:?} {found:?}");
        }
    }
}

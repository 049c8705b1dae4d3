//! Deleting what is older than the retention period.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use plan::id::RequestId;

use crate::error::Result;

/// Pruning: deleting old requests with all that belongs to them, in small steps.
///
/// Requests whose work has not ended stay, whatever their age: those that are open, that will be
/// retried, or that a review waits for. Links, settings, counts and the audit log are never pruned.
#[async_trait]
pub trait Retention: Send + Sync + fmt::Debug {
    /// Claims pruning until this time. Returns false if another node prunes: one does at a time.
    async fn claim_pruning(&self, now: Timestamp, until: Timestamp) -> Result<bool>;

    /// Deletes requests that arrived after `after`, and arrived and ended before `before`, with
    /// their deliveries, records and attempts: at most [`Pruned::STEP`] are examined.
    async fn prune_requests(&self, after: RequestId, before: RequestId) -> Result<Pruned>;

    /// Deletes calls that were made after `after` and before `before`, unless the attempt of a
    /// request that stays made them: at most [`Pruned::STEP`] are examined. Numbers of calls are
    /// made as those of requests.
    async fn prune_calls(&self, after: RequestId, before: RequestId) -> Result<Pruned>;

    /// Deletes some of the emails, resolved reviews, batches of retries and differences between
    /// accounts that ended before this time.
    async fn prune_rest(&self, before: Timestamp) -> Result<Pruned>;

    /// Returns space that was freed to the operating system, a little at a time, where the database
    /// can.
    async fn release_space(&self) -> Result<()>;

    /// How many bytes the data takes, without freed space. With PostgreSQL this is an estimate.
    async fn kept_bytes(&self) -> Result<u64>;
}

/// What a step of pruning did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// How many rows were deleted.
    pub deleted: u64,
    /// Where the next step continues; `None`: nothing is left.
    pub next: Option<RequestId>,
}

impl Pruned {
    /// How many rows one step examines: it must not hold up the queue.
    pub const STEP: usize = 200;
}

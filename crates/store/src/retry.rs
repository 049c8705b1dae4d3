//! Retries that a person asked for, and their progress.

use jiff::Timestamp;
use plan::id::RequestId;
use plan::outcome::RetryWith;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::filter::Filter;
use crate::progress::RecordKey;

/// Which requests to retry.
#[derive(Clone, Debug)]
pub enum Selection {
    /// These: in each, the records that failed or were left alone or, if there are none, all that
    /// ended.
    Requests(Vec<RequestId>),
    /// All that match and have a failed record or, when cancelling retries, one that waits for its
    /// retry; the oldest first, at most [`Retry::MOST`].
    Failed(Filter),
}

/// What a person asks to retry, and how.
#[derive(Clone, Debug)]
pub struct Retry {
    /// Which requests.
    pub selection: Selection,
    /// With which settings.
    pub with: RetryWith,
    /// How many requests a minute, after the first [`Retry::AT_ONCE`], so that they leave room for
    /// live changes; `None`: all at once.
    pub per_minute: Option<u32>,
}

impl Retry {
    /// The most requests that are requeued at one time: whatever arrives meanwhile waits for it.
    pub const MOST: usize = 100_000;
    /// How many requests are retried at once, however slow the pace of the rest.
    pub const AT_ONCE: usize = 100;
    /// The default of [`Retry::per_minute`].
    pub const PER_MINUTE: u32 = 600;
}

impl From<Selection> for Retry {
    /// With the current settings, all at once.
    fn from(selection: Selection) -> Self {
        Self { selection, with: RetryWith::Now, per_minute: None }
    }
}

/// What a retry did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retried {
    /// How many requests are retried.
    pub requests: u64,
    /// The number of their batch; none when nothing is retried.
    pub batch: Option<i64>,
}

/// The newest records of some linked leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkedRecords {
    /// The newest record of each lead that came by the connector; one that waits for its next try is
    /// left out.
    pub records: Vec<RecordKey>,
    /// How many linked leads were looked at.
    pub leads: u64,
    /// Where to continue; none at the end.
    pub next: Option<String>,
}

/// Records that a person asked to retry at one time, and their outcomes.
///
/// A record belongs to the last batch that included it, so the parts add up to `records` minus
/// those that a later batch took over.
#[derive(Clone, Debug, Serialize)]
pub struct RetryBatch {
    /// The store's number for it.
    pub id: i64,
    /// When it was requested.
    pub at: Timestamp,
    /// By whom.
    pub actor: String,
    /// With which settings.
    pub with: RetryWith,
    /// How many requests a minute; none: all at once.
    pub per_minute: Option<u32>,
    /// The filter whose failed records these were; none if the requests were named, or with
    /// `linked_by`.
    pub filter: Option<Box<RawValue>>,
    /// The connector whose linked leads are brought up to date, each by its newest record.
    pub linked_by: Option<String>,
    /// How many requests.
    pub requests: u64,
    /// How many records.
    pub records: u64,
    /// Records that succeeded.
    pub done: u64,
    /// Records that wait to be processed, or for their next try.
    pub left: u64,
    /// Records that failed again permanently.
    pub failed: u64,
    /// Records that were cancelled before they started.
    pub cancelled: u64,
    /// Who cancelled them.
    pub cancelled_by: Option<String>,
}

impl RetryBatch {
    /// Batches that a list shows.
    pub const MOST: usize = 50;

    /// Records that a later batch took over.
    pub fn moved(&self) -> u64 {
        let known = self.done + self.left + self.failed + self.cancelled;
        self.records.saturating_sub(known)
    }
}

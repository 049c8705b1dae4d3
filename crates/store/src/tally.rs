//! Counts of records: the state of connectors, without reading any record.

use jiff::{SignedDuration, Timestamp};
use plan::id::{AccountId, ConnectorId, RequestId};
use plan::lag::Lags;
use plan::outcome::Event;
use plan::problem::Problem;
use serde::Serialize;

/// How many records have each event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Created in the destination.
    pub new: u64,
    /// Updated in the destination.
    pub updated: u64,
    /// The destination already held all of it.
    pub unchanged: u64,
    /// Left alone, as the settings say.
    pub skipped: u64,
    /// Not in the destination: failed permanently, or until the next try.
    pub failed: u64,
}

impl Tally {
    /// Adds this many records of an event.
    pub fn add(&mut self, event: Event, records: u64) {
        let count = match event {
            Event::New => &mut self.new,
            Event::Updated => &mut self.updated,
            Event::Unchanged => &mut self.unchanged,
            Event::Skipped => &mut self.skipped,
            Event::Failed => &mut self.failed,
        };
        *count += records;
    }

    /// Adds another tally.
    pub fn add_all(&mut self, others: &Self) {
        for event in Event::ALL {
            self.add(*event, others.of(*event));
        }
    }

    /// Those of this event.
    pub fn of(&self, event: Event) -> u64 {
        match event {
            Event::New => self.new,
            Event::Updated => self.updated,
            Event::Unchanged => self.unchanged,
            Event::Skipped => self.skipped,
            Event::Failed => self.failed,
        }
    }

    /// Those that were written to the destination.
    pub fn written(&self) -> u64 {
        self.new + self.updated
    }

    /// All of them.
    pub fn all(&self) -> u64 {
        Event::ALL.iter().map(|event| self.of(*event)).sum()
    }
}

/// The state of one connector.
#[derive(Clone, Debug)]
pub struct Health {
    /// The connector.
    pub connector: ConnectorId,
    /// Its records that arrived since the given time, by their current event.
    pub counts: Tally,
    /// The lag of those that were written.
    pub lags: Lags,
    /// Requests that have not been started: they wait their turn, or are held while the connector
    /// is disabled.
    pub waiting: Waiting,
    /// Records that were tried and will be retried, automatically or because a person asked.
    pub retrying: Waiting,
    /// When a record of it was last written, or found to be up to date.
    pub last_success: Option<Timestamp>,
    /// When an attempt last failed.
    pub last_failure: Option<Timestamp>,
}

/// What waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many; counted up to [`Waiting::MOST`].
    pub count: u64,
    /// When the oldest of them arrived.
    pub oldest: Option<Timestamp>,
    /// When the next of them is due, if known.
    pub next: Option<Timestamp>,
}

impl Waiting {
    /// Counting stops here, so that a backlog of any size costs the same: a `count` of this means
    /// this many or more.
    pub const MOST: u64 = 10_000;
}

/// A part of the past, in whole hours (UTC), cut into steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// From the hour that contains this time.
    pub from: Timestamp,
    /// Before this time; the hour that contains it is counted whole.
    pub to: Timestamp,
    /// The length of a step in hours, 1 or more. Steps start at its multiples since 1970, so those
    /// of 24 hours are days.
    pub hours: i64,
}

impl Span {
    /// When its first step starts.
    pub fn first_step(&self) -> Timestamp {
        step_of(hour_of(self.from), self.hours)
    }

    /// When each of its steps starts: at most `limit` of them.
    pub fn steps(&self, limit: usize) -> Vec<Timestamp> {
        let length = SignedDuration::from_hours(self.hours.max(1));
        let next = |at: &Timestamp| at.checked_add(length).ok();
        let steps = std::iter::successors(Some(self.first_step()), next);
        steps.take_while(|at| *at < self.to).take(limit).collect()
    }
}

/// The hour (UTC) that contains a time, counted from 1970.
pub(crate) fn hour_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(3_600)
}

/// When the step that contains this hour starts.
fn step_of(hour: i64, hours: i64) -> Timestamp {
    let hours = hours.max(1);
    let seconds = hour.div_euclid(hours).saturating_mul(hours).saturating_mul(3_600);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MIN)
}

/// The outcome of one connector's records that arrived in one step.
#[derive(Clone, Debug)]
pub struct Step {
    /// The connector.
    pub connector: ConnectorId,
    /// When the step starts.
    pub from: Timestamp,
    /// Its records, by their current event.
    pub counts: Tally,
    /// The lag of those that were written.
    pub lags: Lags,
}

impl Step {
    /// The length of the steps of [`crate::Log::recent_steps`],
    pub const SHORT: SignedDuration = SignedDuration::from_mins(5);
    /// and how long they are kept: an hour and the one before can be compared.
    pub const RECENT: SignedDuration = SignedDuration::from_hours(3);
}

/// The step of [`Step::SHORT`] that contains a time, counted from 1970.
pub(crate) fn slot_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(Step::SHORT.as_secs())
}

/// One connector's failed records with one cause.
#[derive(Clone, Debug)]
pub struct Cause {
    /// The connector.
    pub connector: ConnectorId,
    /// What they are grouped by ([`Problem::cause`]).
    pub cause: String,
    /// How many.
    pub records: u64,
    /// The newest of their requests.
    pub request: RequestId,
    /// Its problem, as an example.
    pub problem: Problem,
}

/// Calls made to an account, as far as they are stored: including calls in flight, but not calls
/// that others make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// The account.
    pub account: AccountId,
    /// Calls today (UTC).
    pub today: u32,
    /// Calls in the window that ends now, including bulk calls.
    pub calls: u32,
    /// Bulk calls in the window that ends now.
    pub bulk_calls: u32,
}

//! A connector's trouble, and when a person is told of it.
//!
//! An *incident* begins with a failed attempt. It is worth a mail once a record failed for good,
//! [`ROW`] attempts failed one after another, an account refuses its keys, or somebody disabled
//! the connector. The first mail goes out [`GATHER`] later, so that a burst is one mail; what
//! fails afterwards is gathered and told after [`PAUSES`].
//!
//! It is over, and a last mail says so, when nothing failed for [`CALM`] and no failed record is
//! left (all were retried with success), or when nothing failed for [`LONG_CALM`] and the account
//! took later records: then the failed ones stay in the log. It is never over while an account
//! refuses its keys or the connector is disabled. What passed before it was worth a mail is
//! forgotten.

mod course;
#[cfg(test)]
mod tests;

pub use course::{Count, Course, Tally};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::id::{ConnectorId, RequestId};
use crate::outcome::words;
use crate::problem::{Code, Problem};

/// So many failures in a row are told, even if all of them are retried.
pub const ROW: u32 = 5;
/// How long the first mail waits for what fails together with the first failure.
pub const GATHER: SignedDuration = SignedDuration::from_secs(4);
/// How long after the first, second, … mail of an incident the next one goes out.
pub const PAUSES: [SignedDuration; 3] =
    [SignedDuration::from_mins(15), SignedDuration::from_hours(1), SignedDuration::from_hours(6)];
/// How long nothing may have failed before an incident without a failed record is over.
pub const CALM: SignedDuration = SignedDuration::from_mins(5);
/// The same for one whose failed records nobody has tried again.
pub const LONG_CALM: SignedDuration = SignedDuration::from_hours(6);
/// When what was not worth a mail is forgotten, if nothing was written since.
pub const STALE: SignedDuration = SignedDuration::from_hours(24);
/// The clocks of two nodes differ by no more than this.
const NODES_DIFFER: SignedDuration = SignedDuration::from_mins(1);
/// A request with fewer records is no batch.
const SMALLEST_BATCH: u32 = 3;
/// A batch is bad when more than this part of it failed, in per cent (HL "Error Notifications
/// When Capturing Leads from Third Party Apps").
const BAD_PART: u64 = 30;

words! {
    /// What kind of trouble a cause is.
    Kind {
        /// Records that are not tried again by themselves.
        Failed = "failed",
        /// Attempts that failed and are repeated.
        Waiting = "waiting",
        /// Requests of which a large part failed.
        Batch = "batch",
        /// An account refuses its keys. It is there as long as that lasts.
        Account = "account",
        /// Somebody disabled the connector. It is there as long as that lasts.
        Disabled = "disabled",
    }
}

/// One cause of an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// What kind of trouble.
    pub kind: Kind,
    /// What tells it from others of its kind.
    pub name: String,
    /// How often it struck in this incident.
    pub count: u64,
    /// How many of these were told.
    pub told: u64,
    /// The last one's problem.
    pub problem: Problem,
    /// The last one's request.
    pub request: Option<RequestId>,
}

impl Cause {
    /// How many were not told yet.
    pub fn untold(&self) -> u64 {
        self.count.saturating_sub(self.told)
    }
}

/// A connector's trouble as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// Whose.
    pub connector: ConnectorId,
    /// How it went so far.
    pub course: Course,
    /// Whether [`ROW`] failures in a row were told.
    pub row_told: bool,
    /// Mails about it so far.
    pub mails: u32,
    /// When the last one was written.
    pub told_at: Option<Timestamp>,
    /// Its causes.
    pub causes: Vec<Cause>,
}

/// What is to be done about an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing now.
    Wait,
    /// Tell what was not told yet.
    Tell,
    /// Tell that it is over.
    End,
    /// Forget it: it passed before it was worth a mail.
    Forget,
}

impl Incident {
    /// Whether it may be over, so that it is worth counting the failed records that are left.
    pub fn may_be_over(&self, now: Timestamp) -> bool {
        self.mails > 0 && !self.stands() && since(self.course.failed_at, now) >= CALM
    }

    /// What is to be done now. `left`: how many failed records are left, if they were counted.
    pub fn step(&self, now: Timestamp, left: Option<u64>) -> Step {
        let quiet = since(self.course.failed_at, now);
        let passed = self.course.passed && quiet >= LONG_CALM;
        if self.may_be_over(now) && left.is_some_and(|left| left == 0 || passed) {
            return Step::End;
        }
        match self.due() {
            Some(due) if due <= now || is_ahead(self.told_at.unwrap_or(self.course.began), now) => {
                Step::Tell
            }
            None if self.mails == 0
                && !self.stands()
                && (self.course.streak == 0 || quiet >= STALE) =>
            {
                Step::Forget
            }
            Some(_) | None => Step::Wait,
        }
    }

    /// Whether something is to be told, and from when on.
    pub fn due(&self) -> Option<Timestamp> {
        let untold = |kind| self.causes.iter().any(|c| c.kind == kind && c.untold() > 0);
        let row = self.course.longest >= ROW && !self.row_told;
        let goes_on = self.course.streak >= ROW && untold(Kind::Waiting);
        let disabled = untold(Kind::Disabled);
        let account = untold(Kind::Account);
        let worth =
            row || goes_on || disabled || account || untold(Kind::Failed) || untold(Kind::Batch);
        if !worth {
            return None;
        }
        let Some(told_at) = self.told_at else {
            return Some(later(self.course.began, GATHER));
        };
        // What a person did is told at once, and refused keys stop everything.
        let pause = if disabled {
            GATHER
        } else if account {
            PAUSES[0]
        } else {
            let nth = usize::try_from(self.mails.saturating_sub(1)).unwrap_or(usize::MAX);
            PAUSES[nth.min(PAUSES.len() - 1)]
        };
        Some(later(told_at, pause))
    }

    /// Whether something lasts that must be mended first.
    pub fn stands(&self) -> bool {
        self.causes.iter().any(|cause| matches!(cause.kind, Kind::Account | Kind::Disabled))
    }

    /// How many records failed for good that were not told yet.
    pub fn untold_failures(&self) -> u64 {
        let failed = self.causes.iter().filter(|cause| cause.kind == Kind::Failed);
        failed.map(Cause::untold).sum()
    }
}

/// Whether this time has not come although it was noted: the clock was set back since. Whatever was
/// to happen some time after it happens now, rather than when the clock has caught up.
fn is_ahead(noted: Timestamp, now: Timestamp) -> bool {
    noted > later(now, NODES_DIFFER)
}

/// How long ago this was.
fn since(noted: Timestamp, now: Timestamp) -> SignedDuration {
    if is_ahead(noted, now) { SignedDuration::MAX } else { now.duration_since(noted) }
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// The problem with a request of which so many records failed, if that is a bad batch.
pub fn bad_batch(failed: u32, records: u32) -> Option<Problem> {
    let bad = u64::from(failed) * 100 > u64::from(records) * BAD_PART;
    (records >= SMALLEST_BATCH && bad).then(|| {
        Problem::new(
            Code::BadBatch,
            format!("{failed} of {records} records in one request failed."),
            "Open the request in the log. If many records fail in the same way, the mapping \
             usually needs fixing.",
        )
    })
}

/// What is told when somebody disabled a connector.
pub fn disabled(connector: &str, by: &str) -> Problem {
    Problem::new(
        Code::Disabled,
        format!("The connector {connector} was disabled ({by})."),
        format!(
            "Nothing is synced until the connector is enabled again, in the console or with: \
             leadsync connector enable {connector}"
        ),
    )
}

//! Incidents of a connector, and when people are notified.
//!
//! An *incident* begins with a failed attempt. It is worth a mail once a record failed permanently,
//! [`ROW`] attempts failed in a row, an account refuses its keys, somebody disabled the connector,
//! or no webhook arrives. The first mail is sent [`GATHER`] later, so that a burst is one mail; later failures
//! are collected and reported after [`PAUSES`].
//!
//! It is over, and a last mail says so, when nothing failed for [`CALM`] and no failed record is
//! left (all were retried successfully), or when nothing failed for [`LONG_CALM`] and the account
//! accepted later records: then the failed ones stay in the log. It is never over while an account
//! refuses its keys, the connector is disabled, or no webhook arrives. An incident that passed before it was worth a
//! mail is forgotten.

mod course;
#[cfg(test)]
mod tests;

pub use course::{Count, Course, Tally};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::id::{ConnectorId, RequestId};
use crate::outcome::words;
use crate::problem::{Code, Problem};

/// This many failures in a row are reported, even if all of them are retried.
pub const ROW: u32 = 5;
/// How long the first mail waits for further failures.
pub const GATHER: SignedDuration = SignedDuration::from_secs(4);
/// How long after the first, second, … mail of an incident the next one is sent.
pub const PAUSES: [SignedDuration; 3] =
    [SignedDuration::from_mins(15), SignedDuration::from_hours(1), SignedDuration::from_hours(6)];
/// After how long without failures an incident without a failed record is over.
pub const CALM: SignedDuration = SignedDuration::from_mins(5);
/// The same for one whose failed records nobody has retried.
pub const LONG_CALM: SignedDuration = SignedDuration::from_hours(6);
/// When an incident not worth a mail is forgotten, if nothing was written since.
pub const STALE: SignedDuration = SignedDuration::from_hours(24);
/// The maximum difference between the clocks of two nodes.
const NODES_DIFFER: SignedDuration = SignedDuration::from_mins(1);
/// A request with fewer records is not a batch.
const SMALLEST_BATCH: u32 = 3;
/// A batch is bad if more than this percentage of it failed (HL "Error Notifications When Capturing
/// Leads from Third Party Apps").
const BAD_PART: u64 = 30;

words! {
    /// The kind of a cause.
    Kind {
        /// Records that are not retried automatically.
        Failed = "failed",
        /// Attempts that failed and are repeated.
        Waiting = "waiting",
        /// Requests with a large share of failures.
        Batch = "batch",
        /// An account refuses its keys, for as long as that lasts.
        Account = "account",
        /// Somebody disabled the connector, for as long as that lasts.
        Disabled = "disabled",
        /// No webhook arrives ([`crate::silence`]), until the next one does.
        Silent = "silent",
    }
}

/// One cause of an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Its kind.
    pub kind: Kind,
    /// What distinguishes it from others of its kind.
    pub name: String,
    /// How many times it occurred in this incident.
    pub count: u64,
    /// How many of these were reported.
    pub told: u64,
    /// The last one's problem.
    pub problem: Problem,
    /// The last one's request.
    pub request: Option<RequestId>,
}

impl Cause {
    /// How many have not been reported yet.
    pub fn untold(&self) -> u64 {
        self.count.saturating_sub(self.told)
    }
}

/// The state of a connector's incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// Whose.
    pub connector: ConnectorId,
    /// Its course so far.
    pub course: Course,
    /// Whether [`ROW`] failures in a row were reported.
    pub row_told: bool,
    /// Mails about it so far.
    pub mails: u32,
    /// When the last one was written.
    pub told_at: Option<Timestamp>,
    /// Its causes.
    pub causes: Vec<Cause>,
}

/// What to do about an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing now.
    Wait,
    /// Report what has not been reported yet.
    Tell,
    /// Report that it is over.
    End,
    /// Forget it: it passed before it was worth a mail.
    Forget,
}

impl Incident {
    /// Whether it may be over, so that it is worth counting the failed records that are left.
    pub fn may_be_over(&self, now: Timestamp) -> bool {
        self.mails > 0 && !self.stands() && since(self.course.failed_at, now) >= CALM
    }

    /// What to do now. `left` is the number of failed records left, if they were counted.
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

    /// Whether there is something to report, and from when on.
    pub fn due(&self) -> Option<Timestamp> {
        let untold = |kind| self.causes.iter().any(|c| c.kind == kind && c.untold() > 0);
        let row = self.course.longest >= ROW && !self.row_told;
        let goes_on = self.course.streak >= ROW && untold(Kind::Waiting);
        let disabled = untold(Kind::Disabled);
        let stops = untold(Kind::Account) || untold(Kind::Silent);
        let worth =
            row || goes_on || disabled || stops || untold(Kind::Failed) || untold(Kind::Batch);
        if !worth {
            return None;
        }
        let Some(told_at) = self.told_at else {
            return Some(later(self.course.began, GATHER));
        };
        // What a person did is reported at once; refused keys and missing webhooks stop everything.
        let pause = if disabled {
            GATHER
        } else if stops {
            PAUSES[0]
        } else {
            let nth = usize::try_from(self.mails.saturating_sub(1)).unwrap_or(usize::MAX);
            PAUSES[nth.min(PAUSES.len() - 1)]
        };
        Some(later(told_at, pause))
    }

    /// Whether something persists that must be fixed first.
    pub fn stands(&self) -> bool {
        self.causes
            .iter()
            .any(|cause| matches!(cause.kind, Kind::Account | Kind::Disabled | Kind::Silent))
    }

    /// How many permanently failed records have not been reported yet.
    pub fn untold_failures(&self) -> u64 {
        let failed = self.causes.iter().filter(|cause| cause.kind == Kind::Failed);
        failed.map(Cause::untold).sum()
    }
}

/// Whether this recorded time is in the future: the clock was set back since. Whatever was due some
/// time after it happens now, rather than when the clock has caught up.
pub(crate) fn is_ahead(noted: Timestamp, now: Timestamp) -> bool {
    noted > later(now, NODES_DIFFER)
}

/// How long ago this was.
fn since(noted: Timestamp, now: Timestamp) -> SignedDuration {
    if is_ahead(noted, now) { SignedDuration::MAX } else { now.duration_since(noted) }
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// The problem with a request with this many failed records, if it is a bad batch.
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

/// What is reported when somebody disabled a connector.
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

//! The one state of a request that a list shows, from its job status and its records.

use serde::{Deserialize, Serialize};

use crate::outcome::{Event, JobStatus, words};
use crate::problem::Code;
use crate::review::Reason;

words! {
    /// The state of a request. The first that applies to one of its records is shown, so they are
    /// ordered by how much they matter to a person.
    State {
        /// It failed, and nothing more happens unless a person asks.
        Failed = "failed",
        /// It waits for a person's decision.
        Review = "review",
        /// It failed, and is retried by the schedule or because a person asked.
        Retrying = "retrying",
        /// It waits until its connector is enabled or resumed.
        Held = "held",
        /// It is in progress.
        Running = "running",
        /// It waits to be processed.
        Queued = "queued",
        /// It was written to the destination.
        Synced = "synced",
        /// The settings, or a person, left it alone.
        Skipped = "skipped",
        /// The destination needed nothing.
        NoChange = "no_change",
    }
}

/// What a record's state depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The outcome of its last attempt.
    pub event: Event,
    /// Whether it is tried again.
    pub waits: bool,
    /// Why it failed or was skipped.
    pub code: Option<Code>,
}

impl State {
    /// The state of a request with these records, whose connector is held or not.
    pub fn of(
        job_status: JobStatus,
        is_held: bool,
        records: impl IntoIterator<Item = Standing>,
    ) -> Self {
        let pending = match job_status {
            JobStatus::Success | JobStatus::Failure => None,
            JobStatus::Running => Some(Self::Running),
            JobStatus::Queued if is_held => Some(Self::Held),
            JobStatus::Queued => Some(Self::Queued),
        };
        let records = records.into_iter().map(|record| Self::of_record(record, pending));
        // A request that ended without a record needed nothing, or can't be read.
        let none = if job_status == JobStatus::Failure { Self::Failed } else { Self::NoChange };
        records.chain(pending).min().unwrap_or(none)
    }

    /// The state of one record, where `pending` is that of the unfinished part of its request.
    fn of_record(record: Standing, pending: Option<Self>) -> Self {
        let is_failed = record.event == Event::Failed;
        match pending {
            Some(Self::Queued) if record.waits && is_failed => return Self::Retrying,
            Some(pending) if record.waits => return pending,
            _ => {}
        }
        match record.event {
            Event::New | Event::Updated => Self::Synced,
            Event::Unchanged => Self::NoChange,
            Event::Skipped => Self::Skipped,
            Event::Failed if record.code.is_some_and(|code| Reason::from_code(code).is_some()) => {
                Self::Review
            }
            Event::Failed => Self::Failed,
        }
    }

    /// What a person reads.
    pub fn label(self) -> &'static str {
        match self {
            Self::Failed => "Failed",
            Self::Review => "Review",
            Self::Retrying => "Retrying",
            Self::Held => "Held",
            Self::Running => "Running",
            Self::Queued => "Queued",
            Self::Synced => "Synced",
            Self::Skipped => "Skipped",
            Self::NoChange => "No change",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(event: Event) -> Standing {
        Standing { event, waits: false, code: None }
    }

    fn waiting(event: Event) -> Standing {
        Standing { waits: true, ..record(event) }
    }

    #[test]
    fn a_request_has_the_state_of_its_record() {
        use JobStatus::{Failure, Queued, Running, Success};
        let review = Standing { code: Some(Code::Ambiguous), ..record(Event::Failed) };
        for (job_status, is_held, records, expected) in [
            (Success, false, vec![record(Event::New)], State::Synced),
            (Success, false, vec![record(Event::Updated)], State::Synced),
            (Success, false, vec![record(Event::Unchanged)], State::NoChange),
            (Success, false, vec![record(Event::Skipped)], State::Skipped),
            (Failure, false, vec![record(Event::Failed)], State::Failed),
            (Failure, false, vec![review], State::Review),
            (Queued, false, vec![waiting(Event::Failed)], State::Retrying),
            (Queued, true, vec![waiting(Event::Failed)], State::Held),
            (Running, false, vec![waiting(Event::Failed)], State::Running),
            (Queued, false, vec![], State::Queued),
            (Queued, true, vec![], State::Held),
            (Running, true, vec![], State::Running),
            // A person asked for what had succeeded.
            (Queued, false, vec![waiting(Event::Updated)], State::Queued),
            (Success, false, vec![], State::NoChange),
            (Failure, false, vec![], State::Failed),
        ] {
            let state = State::of(job_status, is_held, records.clone());
            assert_eq!(state, expected, "{job_status} {is_held} {records:?}");
        }
    }

    #[test]
    fn the_record_that_matters_most_decides() {
        let of = |job_status, events: &[Event]| {
            State::of(job_status, false, events.iter().map(|event| record(*event)))
        };
        let ended = of(JobStatus::Failure, &[Event::New, Event::Failed, Event::Unchanged]);
        assert_eq!(ended, State::Failed);
        let ended = of(JobStatus::Success, &[Event::Unchanged, Event::Skipped]);
        assert_eq!(ended, State::Skipped);
        // The others were not processed yet.
        assert_eq!(of(JobStatus::Queued, &[Event::New]), State::Queued);
        assert_eq!(of(JobStatus::Running, &[Event::Unchanged]), State::Running);
    }
}

//! What follows from a response, and how an attempt ends.

use jiff::Timestamp;

use crate::id::{AccountId, LeadId};
use crate::link::Link;
use crate::outcome::{Event, SyncStatus};
use crate::problem::Problem;
use crate::retry;

/// Something to store or to look up, or the end of the attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The link of the two from now on. Other open records of either need it too.
    Link(Box<Link>),
    /// This lead was linked, and is no longer in its account.
    Gone {
        /// The account.
        account: AccountId,
        /// The lead.
        lead_id: LeadId,
    },
    /// Look up the links of these leads or activities of the destination, and pass them to
    /// [`super::Work::links_found`].
    FindLinks {
        /// Their ids.
        ids: Vec<String>,
    },
    /// The attempt is over.
    End(Outcome),
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The outcome of the record.
    pub event: Event,
    /// Whether, and when, it is retried.
    pub ending: Ending,
    /// What went wrong, or why nothing was done.
    pub problem: Option<Problem>,
    /// The lead or activity of the destination, if known.
    pub destination_id: Option<String>,
}

/// Whether, and when, a record is retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Not unless a person asks.
    Final(SyncStatus),
    /// Again, by the schedule; the try counts.
    Again {
        /// Whether a write may have taken effect without our knowing.
        doubtful: bool,
        /// The maximum number of tries.
        most: u32,
    },
    /// As soon as the account works again, or at this time; the try does not count.
    Held(Option<Timestamp>),
}

impl Outcome {
    /// It succeeded.
    pub fn ended(event: Event) -> Self {
        let ending = Ending::Final(SyncStatus::Success);
        Self { event, ending, problem: None, destination_id: None }
    }

    /// The settings, or a person, say to leave it alone.
    pub fn skipped(problem: Problem) -> Self {
        Self { problem: Some(problem), ..Self::ended(Event::Skipped) }
    }

    /// It failed until somebody retries it.
    pub fn failed(problem: Problem) -> Self {
        Self::not_done(Ending::Final(SyncStatus::Error), Some(problem))
    }

    /// It failed for all of these reasons.
    pub fn refused(problems: Vec<Problem>) -> Self {
        let joined = problems.into_iter().reduce(|mut first, other| {
            first.message.push(' ');
            first.message.push_str(&other.message);
            first
        });
        Self::not_done(Ending::Final(SyncStatus::Error), joined)
    }

    /// It failed for a temporary reason.
    pub fn again(problem: Problem, doubtful: bool) -> Self {
        Self::not_done(Ending::Again { doubtful, most: retry::MOST }, Some(problem))
    }

    /// The same for one that is retried this many times at most.
    #[must_use]
    pub fn at_most(mut self, times: u32) -> Self {
        if let Ending::Again { most, .. } = &mut self.ending {
            *most = times;
        }
        self
    }

    /// It waits for its account, until this time at the latest.
    pub fn held(problem: Problem, until: Option<Timestamp>) -> Self {
        Self::not_done(Ending::Held(until), Some(problem))
    }

    fn not_done(ending: Ending, problem: Option<Problem>) -> Self {
        Self { event: Event::Failed, ending, problem, destination_id: None }
    }

    /// The same, about this lead or activity of the destination.
    #[must_use]
    pub fn of(mut self, id: impl Into<String>) -> Self {
        self.destination_id = Some(id.into());
        self
    }
}

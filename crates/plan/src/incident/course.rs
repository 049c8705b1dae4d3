//! The effect of outcomes on an incident.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Kind;
use crate::id::RequestId;
use crate::problem::{Code, Problem};

/// The course of an incident so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    /// Its first failure.
    pub began: Timestamp,
    /// The oldest request that failed in it.
    pub since: Option<RequestId>,
    /// Failures since the account last accepted a record.
    pub streak: u32,
    /// The most failures in a row.
    pub longest: u32,
    /// Its last failure.
    pub failed_at: Timestamp,
    /// Whether the account has accepted a record since the last failure.
    pub passed: bool,
}

impl Course {
    /// An incident that starts now for a reason other than a failed record.
    pub fn begin(at: Timestamp) -> Self {
        Self { began: at, since: None, streak: 0, longest: 0, failed_at: at, passed: false }
    }

    /// The course after these outcomes; `None` while there is no trouble.
    pub fn after(before: Option<&Self>, tally: &Tally) -> Option<Self> {
        let Some((first_at, last_at)) = tally.failed else {
            return before.map(|before| Self {
                streak: if tally.passed { 0 } else { before.streak },
                passed: before.passed || tally.passed,
                ..before.clone()
            });
        };
        let mut course = before.cloned().unwrap_or_else(|| Self::begin(first_at));
        course.longest =
            course.longest.max(tally.longest).max(course.streak.saturating_add(tally.before));
        course.streak =
            if tally.passed { tally.after } else { course.streak.saturating_add(tally.after) };
        course.longest = course.longest.max(course.streak);
        course.since = [course.since, tally.since].into_iter().flatten().min();
        course.failed_at = last_at;
        course.passed = tally.after == 0;
        Some(course)
    }
}

/// What a commit contains about one connector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The first and the last failure.
    failed: Option<(Timestamp, Timestamp)>,
    /// Whether an account accepted a record.
    passed: bool,
    /// Failures before the first accepted record.
    before: u32,
    /// Failures after the last one.
    after: u32,
    /// The most failures in a row.
    longest: u32,
    since: Option<RequestId>,
    /// By kind and name.
    pub causes: BTreeMap<(Kind, String), Count>,
}

/// The occurrences of a cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// How often.
    pub count: u64,
    /// The last one's problem.
    pub problem: Problem,
    /// The last one's request.
    pub request: RequestId,
}

impl Tally {
    /// An account was called for a record, and the record succeeded. A success without a call does
    /// not show that the account works.
    pub fn passed(&mut self) {
        self.passed = true;
        self.after = 0;
    }

    /// An attempt failed, permanently or until the next try.
    pub fn failed(
        &mut self,
        request: RequestId,
        at: Timestamp,
        problem: Option<&Problem>,
        for_good: bool,
    ) {
        let first = self.failed.map_or(at, |(first, _)| first);
        self.failed = Some((first, at));
        self.after = self.after.saturating_add(1);
        if !self.passed {
            self.before = self.after;
        }
        self.longest = self.longest.max(self.after);
        self.since = Some(self.since.map_or(request, |since| since.min(request)));
        let kind = if for_good { Kind::Failed } else { Kind::Waiting };
        let problem = problem.cloned().unwrap_or_else(unnamed);
        let name = match &problem.field {
            Some(field) => format!("{}/{field}", problem.code),
            None => problem.code.to_string(),
        };
        self.add(kind, name, problem, request);
    }

    /// A request ended with too many failed records.
    pub fn bad_batch(&mut self, request: RequestId, problem: Problem) {
        self.add(Kind::Batch, String::new(), problem, request);
    }

    fn add(&mut self, kind: Kind, name: String, problem: Problem, request: RequestId) {
        let count = self.causes.get(&(kind, name.clone())).map_or(0, |count| count.count) + 1;
        self.causes.insert((kind, name), Count { count, problem, request });
    }
}

fn unnamed() -> Problem {
    Problem::new(
        Code::Unknown,
        "The record failed; no reason was returned.",
        "Check its API calls in the log.",
    )
}

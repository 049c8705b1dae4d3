//! An account in use by this task: its client, its budget, and whether it responds.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use leadsquared::{Client, Limits};
use plan::id::AccountId;
use plan::metadata::Catalogue;
use plan::operation::Operation;
use plan::problem::{Code, Problem};
use plan::quota::{Budget, Draw, Quota, Urgency};
use plan::traits::Trait;
use store::ContactNews;

use super::directory::Directory;
use super::metadata::Metadata;
use crate::access::{Part, client};

/// The most single calls to an account at a time.
const SINGLES_AT_ONCE: u32 = 64;
/// The most bulk calls to an account at a time.
const BULKS_AT_ONCE: u32 = 8;
/// This many calls in a row without a response close an account. A single one may be the record's
/// fault.
const FAILURES_THAT_CLOSE: u32 = 2;
/// How long after a failure an account is probed: the first value, doubled each time, up to the
/// second.
const PROBES: (SignedDuration, SignedDuration) =
    (SignedDuration::from_secs(1), SignedDuration::from_mins(1));

/// How long a bulk call that an account does not have is avoided,
const LACKED_FOR: SignedDuration = SignedDuration::from_hours(24);
/// and one that it refused this many times in a row, whatever the content.
const REFUSED_FOR: SignedDuration = SignedDuration::from_hours(1);
const REFUSALS_IN_A_ROW: u32 = 3;

/// How often it is noted that an account still responds, or still does not.
const NOTED_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// Ages beyond this are all the same.
const OLDEST: SignedDuration = SignedDuration::from_hours(48);

/// One account. Its times are from the steady clock.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) id: AccountId,
    settings: store::Account,
    limits: Limits,
    /// The client, or why there can't be one.
    pub(super) client: Result<Client, Problem>,
    pub(super) budget: Budget,
    pub(super) metadata: Metadata,
    pub(super) directory: Directory,
    /// Consecutive calls without a response.
    failures: u32,
    /// When to probe the account after a single call got no response, to tell whether the account or
    /// the record is at fault.
    suspect: Option<Timestamp>,
    closed: Option<Closed>,
    /// The wait before the next probe. Only a response to a record's call resets it: an account that
    /// responds to nothing but probes is left alone for longer and longer.
    wait: SignedDuration,
    /// Whether a write got no response, and none has got one since: responses to reads do not show
    /// that the account is back.
    writes_fail: bool,
    /// Whether it has responded since this task started.
    proven: bool,
    /// When it was last noted whether it responds, and why not.
    noted: Option<(Timestamp, Option<Code>)>,
    singles: u32,
    bulks: u32,
    /// How often bulk calls were refused as a whole, and until when they are avoided.
    refused: HashMap<Operation, Refused>,
}

/// The outcome of the last bulk calls of one operation.
#[derive(Clone, Copy, Debug, Default)]
struct Refused {
    in_a_row: u32,
    until: Option<Timestamp>,
}

/// Why nothing is sent to an account, and when it is probed next.
#[derive(Debug)]
struct Closed {
    problem: Problem,
    probe_at: Timestamp,
}

impl Account {
    pub(super) fn new(
        settings: store::Account,
        limits: Limits,
        catalogue: Option<(Timestamp, Catalogue)>,
        traits: &[(Timestamp, Trait)],
        spent_today: u32,
        (now, wall): (Timestamp, Timestamp),
    ) -> Self {
        // The time at which metadata was read is from the wall clock, which may have been changed
        // since.
        let catalogue = catalogue.map(|(at, catalogue)| {
            let age = wall.duration_since(at).clamp(SignedDuration::ZERO, OLDEST);
            (now - age, catalogue)
        });
        let mut budget = Budget::new(settings.plan.quota(), now, wall, spent_today);
        let mut refused = HashMap::new();
        for (at, seen) in traits {
            match seen {
                Trait::RateLimit(limit) => budget.learn(*limit),
                Trait::Lacks { operation, .. } => {
                    let age = wall.duration_since(*at).clamp(SignedDuration::ZERO, OLDEST);
                    let until = Some(now - age + LACKED_FOR);
                    refused.insert(*operation, Refused { in_a_row: 0, until });
                }
                // The engine can handle either answer.
                Trait::Answered { .. } => {}
            }
        }
        Self {
            id: settings.id,
            client: client(&settings, limits),
            budget,
            settings,
            limits,
            metadata: Metadata::new(catalogue),
            directory: Directory::default(),
            failures: 0,
            suspect: None,
            closed: None,
            wait: PROBES.0,
            writes_fail: false,
            proven: false,
            noted: None,
            singles: 0,
            bulks: 0,
            refused,
        }
    }

    /// Whether to make a bulk call of this operation: one that the account refused as a whole is
    /// avoided for a while.
    pub(super) fn takes_many(&self, operation: Operation, now: Timestamp) -> bool {
        let until = self.refused.get(&operation).and_then(|refused| refused.until);
        until.is_none_or(|until| until <= now)
    }

    /// A bulk call was refused as a whole, with this status and message. Returns what that shows
    /// about the account: it does not have the call, or refuses it whatever the content.
    pub(super) fn refused_many(
        &mut self,
        operation: Operation,
        (status, is_named): (Option<u16>, bool),
        said: &str,
        now: Timestamp,
    ) -> Option<Trait> {
        let refused = self.refused.entry(operation).or_default();
        refused.in_a_row += 1;
        let is_lacking = !is_named && matches!(status, Some(400 | 404 | 405));
        let lasts = if is_lacking {
            LACKED_FOR
        } else if refused.in_a_row >= REFUSALS_IN_A_ROW {
            REFUSED_FOR
        } else {
            return None;
        };
        refused.until = Some(now + lasts);
        let status = status.map_or_else(String::new, |status| format!("HTTP {status}: "));
        Some(Trait::Lacks { operation, said: format!("{status}{said}") })
    }

    /// A bulk call got a response. Returns what was assumed about the account and no longer holds.
    pub(super) fn took_many(&mut self, operation: Operation) -> Option<Trait> {
        let refused = self.refused.remove(&operation)?;
        refused.until?;
        Some(Trait::Lacks { operation, said: String::new() })
    }

    /// The quota of its plan.
    pub(super) fn quota(&self) -> Quota {
        self.settings.plan.quota()
    }

    /// Applies changed settings. New keys or a new host open a closed account at once.
    pub(super) fn configure(&mut self, settings: store::Account) {
        use secrecy::ExposeSecret;
        let same_keys = settings.host == self.settings.host
            && settings.keys.access.expose_secret() == self.settings.keys.access.expose_secret()
            && settings.keys.secret.expose_secret() == self.settings.keys.secret.expose_secret();
        self.budget.set_quota(settings.plan.quota());
        if !same_keys {
            self.client = client(&settings, self.limits);
            self.closed = None;
            self.failures = 0;
            self.suspect = None;
            self.wait = PROBES.0;
            self.writes_fail = false;
            self.proven = false;
            self.noted = None;
            self.metadata.doubt_all();
        }
        self.settings = settings;
    }

    pub(super) fn name(&self) -> &str {
        &self.settings.name
    }

    /// The parts of its metadata that should be read now.
    pub(super) fn to_ask(&self, now: Timestamp) -> Vec<Part> {
        if self.client.is_err() {
            return Vec::new();
        }
        // Reading the fields is also how an account is probed.
        let probe_at = self.closed.as_ref().map_or(self.suspect, |closed| Some(closed.probe_at));
        if probe_at.is_some_and(|at| at <= now) && !self.metadata.is_asked(Part::Fields) {
            return vec![Part::Fields];
        }
        if self.closed.is_some() { Vec::new() } else { self.metadata.to_ask(now) }
    }

    /// Whether its metadata has to be read before anything is decided by it. A closed account can't
    /// say whether it changed: the known metadata serves until it is back.
    pub(super) fn is_awaited(&self) -> bool {
        self.closed().is_none() && self.metadata.is_awaited()
    }

    /// Metadata from before `older_than` is outdated. Returns whether it will be read again: not if
    /// the account is closed.
    pub(super) fn suspect(&mut self, older_than: SignedDuration, now: Timestamp) -> bool {
        self.closed().is_none() && self.metadata.suspect(older_than, now)
    }

    /// There are waiting records that may have been waiting for this account since before this task
    /// started: a probe shows whether it is back.
    pub(super) fn doubt(&mut self, now: Timestamp) {
        if !self.proven && self.suspect.is_none() {
            self.suspect = Some(now);
        }
    }

    /// Why nothing is sent to the account, if so.
    pub(super) fn closed(&self) -> Option<&Problem> {
        match &self.client {
            Err(problem) => Some(problem),
            Ok(_) => self.closed.as_ref().map(|closed| &closed.problem),
        }
    }

    /// What is to be noted now: that this account, whose id is passed, responds, or why it is closed.
    pub(super) fn contact(
        &mut self,
        account: AccountId,
        at: Timestamp,
        now: Timestamp,
    ) -> Option<ContactNews> {
        let problem = self.closed().cloned();
        // Until it is closed, a failure may be the record's fault.
        if problem.is_none() && self.failures > 0 {
            return None;
        }
        let code = problem.as_ref().map(|problem| problem.code);
        let is_noted = self
            .noted
            .is_some_and(|(at, noted)| noted == code && now.duration_since(at) < NOTED_EVERY);
        if is_noted {
            return None;
        }
        self.noted = Some((now, code));
        Some(ContactNews { account, at, closed: problem })
    }

    /// The account responded. Returns whether the records that wait for it should continue.
    pub(super) fn answered(&mut self, is_probe: bool, writes: bool) -> bool {
        self.failures = 0;
        self.suspect = None;
        if writes || !is_probe && !self.writes_fail {
            self.wait = PROBES.0;
            self.writes_fail = false;
        }
        let back = self.closed.take().is_some() || !self.proven;
        self.proven = true;
        back
    }

    /// A call got no usable response: a probe shows whether that is the account's fault.
    pub(super) fn failed(
        &mut self,
        problem: &Problem,
        is_probe: bool,
        writes: bool,
        now: Timestamp,
    ) {
        self.failures += 1;
        self.writes_fail |= writes;
        // It was closed, and nothing has shown since that it is back: it is still unavailable.
        let is_still_away = self.closed.is_some() || self.wait > PROBES.0;
        if is_probe || self.failures >= FAILURES_THAT_CLOSE || is_still_away {
            self.close(problem.clone(), now);
        } else {
            self.suspect = Some(now + PROBES.0);
        }
    }

    /// Nothing is sent to the account until a probe succeeds.
    pub(super) fn close(&mut self, problem: Problem, now: Timestamp) {
        // Calls that were already in flight when it was closed add no information.
        let is_known =
            |closed: &Closed| closed.probe_at > now && closed.problem.code == problem.code;
        if self.closed.as_ref().is_some_and(is_known) {
            return;
        }
        if self.closed.is_none() {
            tracing::warn!(
                account = self.name(),
                problem = problem.message,
                "calls to the account are paused until it responds"
            );
        }
        self.closed = Some(Closed { problem, probe_at: now + self.wait });
        self.wait = (self.wait * 2).min(PROBES.1);
    }

    /// How many more calls of this kind may be sent now for work of this urgency that waits for
    /// them.
    pub(super) fn room(&mut self, kind: Draw, urgency: Urgency, now: Timestamp) -> u32 {
        self.at_once(kind).min(self.budget.room(kind, urgency, now))
    }

    /// How many more calls of this kind may be in flight.
    fn at_once(&self, kind: Draw) -> u32 {
        match kind {
            Draw::Single => SINGLES_AT_ONCE.saturating_sub(self.singles),
            Draw::Bulk => BULKS_AT_ONCE.saturating_sub(self.bulks),
        }
    }

    /// How many more calls of this kind may be sent now, for any work.
    pub(super) fn left(&mut self, kind: Draw, now: Timestamp) -> u32 {
        self.at_once(kind).min(self.budget.left(kind, now))
    }

    /// A call is sent for work of any of these urgencies, if one of them has room for it.
    pub(super) fn begin(&mut self, kind: Draw, urgencies: &[Urgency], now: Timestamp) -> bool {
        if !self.budget.draw(kind, urgencies, now) {
            return false;
        }
        match kind {
            Draw::Single => self.singles += 1,
            Draw::Bulk => self.bulks += 1,
        }
        true
    }

    /// A call ended.
    pub(super) fn end(&mut self, kind: Draw, now: Timestamp) {
        self.budget.end(kind, now);
        match kind {
            Draw::Single => self.singles = self.singles.saturating_sub(1),
            Draw::Bulk => self.bulks = self.bulks.saturating_sub(1),
        }
    }
}

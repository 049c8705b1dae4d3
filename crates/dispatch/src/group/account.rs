//! An account while it is worked: its client, its budget and whether it answers.

use jiff::{SignedDuration, Timestamp};
use leadsquared::{Client, Limits};
use plan::id::AccountId;
use plan::metadata::Catalogue;
use plan::problem::Problem;
use plan::quota::{Budget, Draw};

use super::told::Telling;
use crate::access::{Part, client};

/// The most single calls to an account at a time.
const SINGLES_AT_ONCE: u32 = 64;
/// The most bulk calls to an account at a time.
const BULKS_AT_ONCE: u32 = 8;
/// So many calls in a row without an answer close an account.
const FAILURES_THAT_CLOSE: u32 = 3;
/// How long after a failed look at a closed account the next one follows: it doubles from the one
/// to the other.
const PROBES: (SignedDuration, SignedDuration) =
    (SignedDuration::from_secs(5), SignedDuration::from_mins(2));

/// One account.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) id: AccountId,
    settings: store::Account,
    limits: Limits,
    /// The client, or why there can't be one.
    pub(super) client: Result<Client, Problem>,
    pub(super) budget: Budget,
    /// What it says of itself.
    pub(super) told: Telling,
    failures: u32,
    closed: Option<Closed>,
    /// Whether it answered since this task began.
    proven: bool,
    singles: u32,
    bulks: u32,
}

/// Why and until when nothing is sent to an account.
#[derive(Debug)]
struct Closed {
    problem: Problem,
    probe_at: Timestamp,
    wait: SignedDuration,
}

impl Account {
    pub(super) fn new(
        settings: store::Account,
        limits: Limits,
        catalogue: Option<(Timestamp, Catalogue)>,
        spent_today: u32,
        now: Timestamp,
    ) -> Self {
        Self {
            id: settings.id,
            client: client(&settings, limits),
            budget: Budget::new(settings.plan.quota(), now, spent_today),
            settings,
            limits,
            told: Telling::new(catalogue),
            failures: 0,
            closed: None,
            proven: false,
            singles: 0,
            bulks: 0,
        }
    }

    /// Takes over changed settings. New keys or another host open a closed account at once.
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
            self.proven = false;
            self.told.doubt_all();
        }
        self.settings = settings;
    }

    pub(super) fn name(&self) -> &str {
        &self.settings.name
    }

    /// The parts of what it says of itself that should be asked for now.
    pub(super) fn to_ask(&self, now: Timestamp) -> Vec<Part> {
        match &self.closed {
            _ if self.client.is_err() => Vec::new(),
            // Asking for the fields is also how a closed account is looked at.
            Some(closed) if closed.probe_at <= now && !self.told.is_asked(Part::Fields) => {
                vec![Part::Fields]
            }
            Some(_) => Vec::new(),
            None => self.told.to_ask(now),
        }
    }

    /// Why nothing is sent to the account, if so.
    pub(super) fn closed(&self) -> Option<&Problem> {
        match &self.client {
            Err(problem) => Some(problem),
            Ok(_) => self.closed.as_ref().map(|closed| &closed.problem),
        }
    }

    /// The account answered. Answers whether records that waited for it should be woken.
    pub(super) fn answered(&mut self) -> bool {
        self.failures = 0;
        let back = self.closed.take().is_some() || !self.proven;
        self.proven = true;
        back
    }

    /// The account gave no usable answer. Answers whether it is closed by that.
    pub(super) fn failed(&mut self, problem: &Problem, now: Timestamp) -> bool {
        self.failures += 1;
        if self.failures >= FAILURES_THAT_CLOSE || self.closed.is_some() {
            self.close(problem.clone(), now);
            return true;
        }
        false
    }

    /// Nothing is sent to the account until a look at it succeeds.
    pub(super) fn close(&mut self, problem: Problem, now: Timestamp) {
        let wait = self.closed.as_ref().map_or(PROBES.0, |closed| (closed.wait * 2).min(PROBES.1));
        if self.closed.is_none() {
            tracing::warn!(
                account = self.name(),
                problem = problem.message,
                "nothing is sent to the account until it answers again"
            );
        }
        self.closed = Some(Closed { problem, probe_at: now + wait, wait });
    }

    /// How many more calls of this kind may go out now.
    pub(super) fn room(&mut self, kind: Draw, now: Timestamp) -> u32 {
        let free = match kind {
            Draw::Single => SINGLES_AT_ONCE.saturating_sub(self.singles),
            Draw::Bulk => BULKS_AT_ONCE.saturating_sub(self.bulks),
        };
        free.min(self.budget.left(kind, now))
    }

    /// A call goes out; it must be one that [`Account::room`] allowed.
    pub(super) fn begin(&mut self, kind: Draw, now: Timestamp) -> bool {
        if !self.budget.draw(kind, now) {
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

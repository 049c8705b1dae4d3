//! An account while it is worked: its client, its budget, its fields and whether it answers.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use leadsquared::{Client, Limits};
use plan::id::AccountId;
use plan::metadata::FieldList;
use plan::problem::Problem;
use plan::quota::{Budget, Draw};

use crate::access::client;

/// The most single calls to an account at a time.
const SINGLES_AT_ONCE: u32 = 64;
/// The most bulk calls to an account at a time.
const BULKS_AT_ONCE: u32 = 8;
/// So many calls in a row without an answer close an account.
const FAILURES_THAT_CLOSE: u32 = 3;
/// How old the fields may get before they are fetched again.
const FIELDS_LAST: SignedDuration = SignedDuration::from_hours(1);
/// How young fields are not fetched again even when something suggests that they changed.
const FIELDS_REST: SignedDuration = SignedDuration::from_secs(20);
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
    fields: Option<(Timestamp, Arc<FieldList>)>,
    /// Grows whenever the fields changed.
    pub(super) generation: u64,
    fetching: bool,
    wants_fields: bool,
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
        fields: Option<(Timestamp, FieldList)>,
        spent_today: u32,
        now: Timestamp,
    ) -> Self {
        Self {
            id: settings.id,
            client: client(&settings, limits),
            budget: Budget::new(settings.plan.quota(), now, spent_today),
            settings,
            limits,
            fields: fields.map(|(at, list)| (at, Arc::new(list))),
            generation: 1,
            fetching: false,
            wants_fields: false,
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
            self.wants_fields = true;
            self.fields = self.fields.take().map(|(_, list)| (Timestamp::MIN, list));
        }
        self.settings = settings;
    }

    pub(super) fn name(&self) -> &str {
        &self.settings.name
    }

    /// The fields, if they were ever fetched.
    pub(super) fn fields(&self) -> Option<&Arc<FieldList>> {
        self.fields.as_ref().map(|(_, list)| list)
    }

    /// Whether the fields should be fetched now, as far as the account may be asked.
    pub(super) fn should_fetch(&self, now: Timestamp) -> bool {
        if self.fetching || self.client.is_err() {
            return false;
        }
        if let Some(closed) = &self.closed {
            return closed.probe_at <= now;
        }
        let age = self.fields.as_ref().map(|(at, _)| now.duration_since(*at));
        self.wants_fields || age.is_none_or(|age| age > FIELDS_LAST)
    }

    /// The fields are being fetched.
    pub(super) fn fetching(&mut self) {
        self.fetching = true;
    }

    /// The fields were fetched, or not.
    pub(super) fn fetched(&mut self, fields: Option<FieldList>, now: Timestamp) {
        self.fetching = false;
        self.wants_fields = false;
        if let Some(list) = fields {
            if self.fields.as_ref().is_none_or(|(_, before)| **before != list) {
                self.generation += 1;
            }
            self.fields = Some((now, Arc::new(list)));
        }
    }

    /// Something suggests that the fields are not what they were; answers whether they will be
    /// fetched.
    pub(super) fn suspect_fields(&mut self, now: Timestamp) -> bool {
        let old = self.fields.as_ref().is_none_or(|(at, _)| now.duration_since(*at) > FIELDS_REST);
        self.wants_fields |= old;
        old
    }

    /// Whether the fields are about to be fetched because something suggests that they changed.
    pub(super) fn awaits_fields(&self) -> bool {
        self.wants_fields || self.fields.is_none()
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

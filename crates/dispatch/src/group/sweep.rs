//! Sweeps: what was modified in a connector's source is read at an interval, and what no webhook told
//! of becomes requests, as if it had been posted ([`plan::sweep`]).
//!
//! A round reads all its pages before it makes requests, so that a mass change is seen before anything
//! of it is written. It is short: after a restart it begins again, and what it found and was synced
//! meanwhile is in sync then.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use leadsquared::Error;
use plan::backfill::{LeadPage, is_mass_change};
use plan::connector::WhileDisabled;
use plan::id::{AccountId, ConnectorId};
use plan::outcome::Entity;
use plan::payload::Item;
use plan::quota::{Draw, Urgency};
use plan::snapshot::Snapshot;
use plan::sweep::{OVERLAP, interval, is_due, is_on};
use plan::verdict;
use store::{Origin, Sweep, SweepNews, Swept};

use super::call::Job;
use super::directory::entry;
use super::missed::synced_types;
use super::pacing::Pacing;
use super::reads::AHEAD;
use super::route::Route;
use super::worker::Worker;
use crate::failure;
use crate::pages::{Reader, Wanted};

/// So far back a first round goes that a person asks for where nothing was swept before.
const FIRST: SignedDuration = SignedDuration::from_hours(24);

/// The sweep of a connector.
#[derive(Debug)]
pub(super) struct Sweeping {
    pub(super) connector: ConnectorId,
    /// As it is kept.
    kept: Sweep,
    /// Whether rounds begin by themselves.
    is_on: bool,
    round: Option<Round>,
    pacing: Pacing,
}

/// A round under way.
#[derive(Debug)]
struct Round {
    begun_at: Timestamp,
    from: Timestamp,
    /// A person asked for it.
    was_asked_for: bool,
    /// The types of activities that are still to be read, after the leads.
    types: Vec<u32>,
    /// The type that is being read; `None`: leads.
    event: Option<u32>,
    page: u32,
    /// What was found, unless that is too much.
    found: Vec<Snapshot>,
    count: u64,
}

impl Sweeping {
    /// When the next round is due, unless one is under way or held back.
    fn is_due(&self, now: Timestamp, every: SignedDuration) -> bool {
        let Sweep { begun_at, asked_at, held, confirmed, .. } = &self.kept;
        if self.round.is_some() || held.is_some() && !confirmed {
            return false;
        }
        asked_at.is_some()
            || self.is_on && begun_at.is_some_and(|at| now.duration_since(at) >= every)
    }

    fn begin(&mut self, now: Timestamp, types: Vec<u32>) {
        let begun_at = self.kept.begun_at;
        self.round = Some(Round {
            begun_at: now,
            from: begun_at.map_or(now - FIRST, |at| at - OVERLAP),
            was_asked_for: self.kept.asked_at.is_some(),
            types,
            event: None,
            page: 1,
            found: Vec::new(),
            count: 0,
        });
    }
}

impl Round {
    fn wanted(&self, columns: Vec<String>) -> Wanted {
        match self.event {
            None => Wanted::Leads(LeadPage {
                page: self.page,
                ..LeadPage::first(Some(self.from), LeadPage::MOST, columns)
            }),
            Some(event) => {
                let between = (self.from, self.begun_at + AHEAD);
                Wanted::Activities { event, between, page: self.page }
            }
        }
    }

    /// Whether this is the page that it waits for.
    fn waits_for(&self, wanted: &Wanted) -> bool {
        wanted.is_page(self.event, self.page) && wanted.from() == Some(self.from)
    }

    /// Goes on to what is read next; returns whether that was all.
    fn goes_on(&mut self, rows: usize) -> bool {
        if !LeadPage::is_behind(rows) {
            self.page += 1;
            return false;
        }
        self.page = 1;
        self.event = self.types.pop();
        self.event.is_none()
    }
}

impl Worker {
    /// Takes over how far sweeps are, and which connectors sweep.
    pub(super) fn follow_sweeps(&mut self, kept: Vec<(ConnectorId, Sweep)>) {
        let mut kept: HashMap<ConnectorId, Sweep> = kept.into_iter().collect();
        let now = self.now();
        let routes: Vec<Route> =
            self.routes.iter().filter(|route| route.enabled).cloned().collect();
        self.sweeps.retain(|sweeping| routes.iter().any(|route| route.id == sweeping.connector));
        for route in routes {
            let is_on = is_on(route.definition.catch_up.sweep, self.routes.is_pair(&route));
            let found = kept.remove(&route.id);
            let begins = is_on && found.as_ref().is_none_or(|sweep| sweep.begun_at.is_none());
            let mut sweep = found.unwrap_or_default();
            if begins {
                sweep.begun_at = Some(now);
                let (connector, deliveries) = (route.id, Vec::new());
                self.progress.sweeps.push(SweepNews {
                    connector,
                    what: Swept::Begins(now),
                    deliveries,
                });
            }
            match self.sweeps.iter_mut().find(|sweeping| sweeping.connector == route.id) {
                Some(sweeping) => (sweeping.kept, sweeping.is_on) = (sweep, is_on),
                None => self.sweeps.push(Sweeping {
                    connector: route.id,
                    kept: sweep,
                    is_on,
                    round: None,
                    pacing: Pacing::default(),
                }),
            }
        }
    }

    /// Connectors were enabled: of those that drop what arrives while they are disabled, nothing of
    /// before is swept.
    pub(super) fn forget_sweeps(&mut self, begun: &[ConnectorId]) {
        let now = self.now();
        for connector in begun {
            let drops = self
                .routes
                .get(*connector)
                .is_some_and(|route| route.definition.while_disabled == WhileDisabled::Drop);
            if drops {
                let (what, deliveries) = (Swept::Begins(now), Vec::new());
                self.progress.sweeps.push(SweepNews { connector: *connector, what, deliveries });
            }
        }
    }

    /// Asks for the next page of a sweep that is due.
    pub(super) fn read_sweeps(&mut self) {
        if self.sweeps.iter().any(|sweeping| sweeping.pacing.is_asked()) {
            return;
        }
        let is_busy = self.look_for_work;
        let (now, steady) = (self.now(), self.steady());
        for at in 0..self.sweeps.len() {
            let sweeping = &self.sweeps[at];
            if !sweeping.pacing.is_due(steady) {
                continue;
            }
            let Some(route) = self.routes.get(sweeping.connector).cloned() else { continue };
            let Some(binding) = self.routes.binding(&self.accounts, (route.id, None)) else {
                continue;
            };
            let types = synced_types(&route, &binding);
            let every = self.interval_of(route.source, types.len());
            if sweeping.round.is_none() && !sweeping.is_due(now, every) {
                continue;
            }
            let account = self.account(route.source);
            let mut room = account.room(Draw::Single, Urgency::Sweep, steady);
            if is_busy {
                // What is live has not all been taken up: its webhooks may report what is swept.
                room = room.min(account.budget.due(Draw::Single, Urgency::Sweep, steady));
            }
            if account.closed().is_some() || room == 0 {
                continue;
            }
            if self.sweeps[at].round.is_none() {
                self.sweeps[at].begin(now, types);
            }
            let mut columns = binding.columns();
            if !columns.is_empty() {
                columns.extend(self.directory_fields(route.source).into_keys());
                columns.sort_unstable();
                columns.dedup();
            }
            let Some(round) = &self.sweeps[at].round else { continue };
            let wanted = round.wanted(columns);
            self.sweeps[at].pacing.ask();
            self.prepare(route.source, Job::ReadPage(Reader::Sweep(route.id), wanted));
            return;
        }
    }

    /// How often an account is swept: by all connectors together it takes its share of the day.
    fn interval_of(&self, account: AccountId, types: usize) -> SignedDuration {
        let sweeping = |route: &&Route| {
            let is_on = is_on(route.definition.catch_up.sweep, self.routes.is_pair(route));
            route.enabled && route.source == account && is_on
        };
        let connectors = self.routes.iter().filter(sweeping).count().max(1);
        let kinds = u32::try_from(connectors * (1 + types)).unwrap_or(u32::MAX);
        interval(self.accounts[&account].budget.daily(), kinds)
    }

    pub(super) fn sweep_failed(&mut self, connector: ConnectorId, error: &Error) {
        let steady = self.steady();
        let Some(route) = self.routes.get(connector) else { return };
        let name = self.accounts[&route.source].name().to_owned();
        let what = Swept::Failed(verdict::not_read(&failure::of(error), &name));
        for sweeping in self.sweeps.iter_mut().filter(|one| one.connector == connector) {
            sweeping.pacing.fail(steady);
        }
        self.progress.sweeps.push(SweepNews { connector, what, deliveries: Vec::new() });
    }

    /// The account's quota had no room for it after all.
    pub(super) fn sweep_delayed(&mut self, connector: ConnectorId) {
        let steady = self.steady();
        for sweeping in self.sweeps.iter_mut().filter(|one| one.connector == connector) {
            sweeping.pacing.delay(steady);
        }
    }

    pub(super) async fn take_swept(
        &mut self,
        connector: ConnectorId,
        wanted: &Wanted,
        rows: Vec<Snapshot>,
    ) -> store::Result<()> {
        let Some(at) = self.sweeps.iter().position(|one| one.connector == connector) else {
            return Ok(());
        };
        let sweeping = &mut self.sweeps[at];
        sweeping.pacing.read();
        let round = sweeping.round.as_ref().filter(|round| round.waits_for(wanted));
        let (Some(round), Some(route)) = (round, self.routes.get(connector).cloned()) else {
            return Ok(());
        };
        let (begun_at, was_asked_for) = (round.begun_at, round.was_asked_for);
        let entity = if round.event.is_some() { Entity::Activity } else { Entity::Lead };
        let count = rows.len();
        if entity == Entity::Lead {
            self.note_swept(route.source, &rows);
        }
        let items = rows.into_iter().map(|row| (Item::from_state(entity, &row), row));
        let due: Vec<(Item, Snapshot)> =
            items.filter(|(item, _)| is_due(item.modified_on(), begun_at, was_asked_for)).collect();
        let missed = self.missed(&route, entity, due).await?;
        let linked = self.shared.store.count_links(route.pair()).await?.leads;
        let percent = route.definition.backfill.confirm_above;
        let confirmed = self.sweeps[at].kept.confirmed;
        let Some(round) = &mut self.sweeps[at].round else { return Ok(()) };
        round.count += missed.len() as u64;
        let is_too_much = !confirmed && is_mass_change(round.count, linked, percent);
        if is_too_much {
            round.found.clear();
        } else {
            round.found.extend(missed);
        }
        if round.goes_on(count) {
            self.end_round(at, is_too_much);
        }
        Ok(())
    }

    /// All was read.
    fn end_round(&mut self, at: usize, is_too_much: bool) {
        let now = self.now();
        let sweeping = &mut self.sweeps[at];
        let (connector, Some(round)) = (sweeping.connector, sweeping.round.take()) else { return };
        if is_too_much {
            sweeping.kept.held = Some(round.count);
            tracing::warn!(
                changes = round.count,
                "a sweep found more changes than may be synced without being confirmed"
            );
            let (what, deliveries) = (Swept::Held(round.count), Vec::new());
            self.progress.sweeps.push(SweepNews { connector, what, deliveries });
            return;
        }
        sweeping.kept.begun_at = Some(round.begun_at);
        sweeping.kept.asked_at = sweeping.kept.asked_at.filter(|at| *at > round.begun_at);
        (sweeping.kept.held, sweeping.kept.confirmed) = (None, false);
        let deliveries = self.deliveries(connector, Origin::Sweep, &round.found);
        let what = Swept::Ended { begun_at: round.begun_at, ended_at: now, found: round.count };
        self.look_for_work |= !deliveries.is_empty();
        self.progress.sweeps.push(SweepNews { connector, what, deliveries });
    }

    /// Notes leads that a sweep read in the directory, which need not read them again.
    fn note_swept(&mut self, source: AccountId, rows: &[Snapshot]) {
        let fields = self.directory_fields(source);
        if !fields.is_empty() {
            let entries = rows.iter().filter_map(|lead| entry(lead, &fields)).collect();
            self.add_to_directory(source, entries, Vec::new());
        }
    }
}

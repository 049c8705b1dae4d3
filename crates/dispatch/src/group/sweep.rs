//! Sweeps: what was modified in a connector's source is read at an interval, and changes that no
//! webhook reported become requests, as if one had ([`plan::sweep`]).
//!
//! A round reads all its pages before it makes requests, so that a mass change is noticed before any
//! of it is written. A round that a person confirmed makes requests page by page, because it may be
//! long. After a restart a round starts again; what the previous one found and synced is in sync by
//! then.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use leadsquared::Error;
use plan::backfill::{LeadPage, is_mass_change};
use plan::connector::WhileDisabled;
use plan::id::{AccountId, ConnectorId};
use plan::outcome::Entity;
use plan::payload::Item;
use plan::problem::Problem;
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

/// How far back the first round goes if a person requests it before any sweep.
const FIRST: SignedDuration = SignedDuration::from_hours(24);
/// After this many failures the round continues without an activity type, which stays behind.
const TRIES: u32 = 3;

/// The sweep of a connector.
#[derive(Debug)]
pub(super) struct Sweeping {
    pub(super) connector: ConnectorId,
    /// As stored.
    kept: Sweep,
    /// Whether rounds start automatically.
    is_on: bool,
    round: Option<Round>,
    pacing: Pacing,
}

/// A running round.
#[derive(Debug)]
struct Round {
    begun_at: Timestamp,
    from: Timestamp,
    /// The version of the connector's settings that it uses.
    version: i64,
    /// A person asked for it.
    was_asked_for: bool,
    /// A person confirmed that it may sync whatever it finds.
    is_confirmed: bool,
    /// It found more than is synced without that, so it is held.
    is_held: bool,
    /// The activity types still to read, after the leads.
    types: Vec<u32>,
    /// The type being read; `None` for leads.
    event: Option<u32>,
    page: u32,
    /// How many times this page could not be read.
    failures: u32,
    /// Activity types that were behind when it started, and since when.
    was_behind: BTreeMap<u32, Timestamp>,
    /// Those behind when it ends,
    behind: BTreeMap<u32, Timestamp>,
    /// and why.
    problem: Option<Problem>,
    /// What was found, unless it is held or was synced at once.
    found: Vec<Snapshot>,
    count: u64,
    /// Those of them that change a linked lead.
    changes: u64,
}

impl Sweeping {
    /// When the next round is due, unless one is running or held.
    fn is_due(&self, now: Timestamp, every: SignedDuration) -> bool {
        let Sweep { begun_at, asked_at, held, confirmed, .. } = &self.kept;
        if self.round.is_some() || held.is_some() && !confirmed {
            return false;
        }
        // The clock may have been set back since.
        let is_over = |at: Timestamp| at > now || now.duration_since(at) >= every;
        asked_at.is_some() || self.is_on && begun_at.is_some_and(is_over)
    }

    fn begin(&mut self, now: Timestamp, version: i64, types: Vec<u32>) {
        let Sweep { begun_at, asked_at, confirmed, behind, .. } = &self.kept;
        self.round = Some(Round {
            begun_at: now,
            version,
            from: begun_at.map_or(now - FIRST, |at| at.min(now) - OVERLAP),
            was_asked_for: asked_at.is_some(),
            is_confirmed: *confirmed,
            is_held: false,
            was_behind: behind.clone(),
            types,
            event: None,
            page: 1,
            failures: 0,
            behind: BTreeMap::new(),
            problem: None,
            found: Vec::new(),
            count: 0,
            changes: 0,
        });
    }
}

impl Round {
    fn wanted(&self, columns: Vec<String>) -> Wanted {
        match self.event {
            None => Wanted::Leads(LeadPage {
                page: self.page,
                ..LeadPage::first(Some(self.from()), LeadPage::MOST, columns)
            }),
            Some(event) => {
                let between = (self.from(), self.begun_at + AHEAD);
                Wanted::Activities { event, between, page: self.page }
            }
        }
    }

    /// The start of the period being read, for the current leads or activity type.
    fn from(&self) -> Timestamp {
        let behind = self.event.and_then(|event| self.was_behind.get(&event));
        behind.copied().unwrap_or(self.from)
    }

    /// Whether this is the page it is waiting for.
    fn waits_for(&self, wanted: &Wanted) -> bool {
        wanted.is_page(self.event, self.page) && wanted.from() == Some(self.from())
    }

    /// Adds what should be synced, with the number of linked leads it changes. Once they exceed the given
    /// percentage of all linked leads, everything is held. Returns what to sync at once.
    fn take(
        &mut self,
        (missed, changes): (Vec<Snapshot>, u64),
        linked: u64,
        percent: u32,
    ) -> Vec<Snapshot> {
        self.count += missed.len() as u64;
        self.changes += changes;
        if self.is_confirmed {
            return missed;
        }
        self.is_held |= is_mass_change(self.changes, linked, percent);
        if self.is_held {
            self.found = Vec::new();
        } else {
            self.found.extend(missed);
        }
        Vec::new()
    }

    /// Moves on to what is read next; returns whether that was all.
    fn goes_on(&mut self, rows: usize) -> bool {
        self.failures = 0;
        if !LeadPage::is_behind(rows) {
            self.page += 1;
            return false;
        }
        self.page = 1;
        self.event = self.types.pop();
        self.event.is_none()
    }

    /// A page could not be read. An activity type that repeatedly can't be read is left to the next
    /// round, so that it does not hold up the rest. Returns whether that was all.
    fn fails(&mut self, problem: Problem) -> bool {
        self.failures += 1;
        let Some(event) = self.event.filter(|_| self.failures >= TRIES) else { return false };
        self.behind.insert(event, self.from());
        self.problem = Some(problem);
        self.goes_on(0)
    }
}

impl Worker {
    /// Updates the progress of sweeps, and which connectors sweep.
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

    /// Connectors were enabled: for those that drop arrivals while disabled, earlier changes are
    /// not swept.
    pub(super) fn forget_sweeps(&mut self, begun: &[ConnectorId]) {
        let now = self.now();
        for connector in begun {
            let drops = self
                .routes
                .get(*connector)
                .is_some_and(|route| route.definition.while_disabled == WhileDisabled::Drop);
            if drops {
                for sweeping in self.sweeps.iter_mut().filter(|one| one.connector == *connector) {
                    sweeping.round = None;
                    sweeping.pacing.forget();
                }
                let (what, deliveries) = (Swept::Begins(now), Vec::new());
                self.progress.sweeps.push(SweepNews { connector: *connector, what, deliveries });
            }
        }
    }

    /// Requests the next page of a sweep that is due.
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
            if self.guard.is_held(route.id) {
                continue;
            }
            // If the settings were changed meanwhile, it starts again.
            self.sweeps[at].round.take_if(|round| round.version != route.version);
            let sweeping = &self.sweeps[at];
            let types = synced_types(&route, &binding);
            let every = self.interval_of(route.source, types.len());
            if sweeping.round.is_none() && !sweeping.is_due(now, every) {
                continue;
            }
            let account = self.account(route.source);
            let mut room = account.room(Draw::Single, Urgency::Sweep, steady);
            if is_busy {
                // Not all live changes have been opened: their webhooks may report what would be
                // swept.
                room = room.min(account.budget.due(Draw::Single, Urgency::Sweep, steady));
            }
            if account.closed().is_some() || room == 0 {
                continue;
            }
            if self.sweeps[at].round.is_none() {
                self.sweeps[at].begin(now, route.version, types);
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

    /// How often an account is swept: all connectors together take their share of the day's calls.
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
        let problem = verdict::not_read(&failure::of(error), &name);
        let (what, deliveries) = (Swept::Failed(problem.clone()), Vec::new());
        self.progress.sweeps.push(SweepNews { connector, what, deliveries });
        let Some(at) = self.sweeps.iter().position(|one| one.connector == connector) else {
            return;
        };
        let sweeping = &mut self.sweeps[at];
        sweeping.pacing.fail(steady);
        let Some(round) = &mut sweeping.round else { return };
        let event = round.event;
        let is_over = round.fails(problem);
        if is_over || round.event != event {
            // What is read next must not wait for this.
            sweeping.pacing.read();
        }
        if is_over {
            self.end_round(at);
        }
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
        let Some(route) = self.routes.get(connector).cloned() else { return Ok(()) };
        let is_it = |round: &&Round| round.waits_for(wanted) && round.version == route.version;
        let Some(round) = sweeping.round.as_ref().filter(is_it) else { return Ok(()) };
        let (begun_at, was_asked_for) = (round.begun_at, round.was_asked_for);
        let entity = if round.event.is_some() { Entity::Activity } else { Entity::Lead };
        let count = rows.len();
        if entity == Entity::Lead {
            self.note_swept(route.source, &rows);
        }
        let items = rows.into_iter().map(|row| (Item::from_state(entity, &row), row));
        let due: Vec<(Item, Snapshot)> =
            items.filter(|(item, _)| is_due(item.modified_on(), begun_at, was_asked_for)).collect();
        let (missed, changes) = self.missed(&route, entity, due).await?;
        let linked = self.shared.store.count_links(route.pair()).await?.leads;
        let percent = route.definition.backfill.confirm_above;
        let sweeping = &mut self.sweeps[at];
        let Some(round) = &mut sweeping.round else { return Ok(()) };
        let found = round.take((missed, changes), linked, percent);
        let is_over = round.goes_on(count);
        // What was behind before is reported until it could be read.
        let earlier = sweeping.kept.problem.clone().filter(|_| !round.was_behind.is_empty());
        let problem = round.problem.clone().or(earlier);
        let deliveries = self.deliveries(connector, Origin::Sweep, &found);
        self.look_for_work |= !deliveries.is_empty();
        let kept = &mut self.sweeps[at].kept;
        if !deliveries.is_empty() || kept.problem.is_some() && problem.is_none() {
            kept.problem.clone_from(&problem);
            let what = Swept::Read { problem };
            self.progress.sweeps.push(SweepNews { connector, what, deliveries });
        }
        if is_over {
            self.end_round(at);
        }
        Ok(())
    }

    /// Everything was read.
    fn end_round(&mut self, at: usize) {
        let now = self.now();
        let sweeping = &mut self.sweeps[at];
        let (connector, Some(round)) = (sweeping.connector, sweeping.round.take()) else { return };
        let Round { begun_at, count: found, changes, behind, problem, .. } = round;
        let asked_since = sweeping.kept.asked_at.filter(|at| *at > begun_at);
        sweeping.kept.asked_at = asked_since;
        if round.is_held {
            // Unless it was confirmed meanwhile.
            sweeping.kept.held = (!sweeping.kept.confirmed).then_some(changes);
            tracing::warn!(changes, "a sweep found more changes than allowed without confirmation");
            let (what, deliveries) = (Swept::Held { begun_at, found: changes }, Vec::new());
            self.progress.sweeps.push(SweepNews { connector, what, deliveries });
            return;
        }
        sweeping.kept.begun_at = Some(begun_at);
        sweeping.kept.held = None;
        sweeping.kept.confirmed &= asked_since.is_some();
        sweeping.kept.behind.clone_from(&behind);
        let deliveries = self.deliveries(connector, Origin::Sweep, &round.found);
        let what = Swept::Ended { begun_at, ended_at: now, found, behind, problem };
        self.look_for_work |= !deliveries.is_empty();
        self.progress.sweeps.push(SweepNews { connector, what, deliveries });
    }

    /// Adds leads that a sweep read to the directory, which then need not read them again.
    fn note_swept(&mut self, source: AccountId, rows: &[Snapshot]) {
        let fields = self.directory_fields(source);
        if !fields.is_empty() {
            let entries = rows.iter().filter_map(|lead| entry(lead, &fields)).collect();
            self.add_to_directory(source, entries, Vec::new());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(kept: Sweep) -> Sweeping {
        let (connector, pacing) = (ConnectorId(1), Pacing::default());
        let mut sweeping = Sweeping { connector, kept, is_on: true, round: None, pacing };
        sweeping.begin(Timestamp::UNIX_EPOCH, 1, vec![201, 202]);
        sweeping
    }

    fn rows(count: usize) -> (Vec<Snapshot>, u64) {
        (vec![Snapshot::default(); count], count as u64)
    }

    #[test]
    fn what_is_held_once_is_held_to_the_end() {
        let mut round = begun(Sweep::default()).round.expect("it began");
        assert!(round.take(rows(150), 400, 20).is_empty());
        assert!(round.is_held);
        // More leads were linked meanwhile, so it is less than a fifth.
        assert!(round.take(rows(10), 10_000, 20).is_empty());
        assert_eq!((round.is_held, round.found.len(), round.count), (true, 0, 160));

        let confirmed = Sweep { confirmed: true, ..Sweep::default() };
        let mut round = begun(confirmed).round.expect("it began");
        for _ in 0..2 {
            assert_eq!(round.take(rows(150), 400, 20).len(), 150, "page by page");
        }
        assert_eq!((round.is_held, round.found.len(), round.count), (false, 0, 300));
    }

    #[test]
    fn a_type_that_fails_is_read_from_where_it_was_once_it_can_be() {
        let earlier = Timestamp::UNIX_EPOCH - SignedDuration::from_hours(9);
        let kept = Sweep {
            begun_at: Some(Timestamp::UNIX_EPOCH),
            behind: [(201, earlier)].into(),
            ..Sweep::default()
        };
        let mut round = begun(kept).round.expect("it began");
        let problem = || Problem::new(plan::problem::Code::Unreachable, "It is off.", "Wait.");
        assert!(!round.goes_on(0));
        assert_eq!(round.event, Some(202));
        let usual = Timestamp::UNIX_EPOCH - OVERLAP;
        assert_eq!(round.from(), usual);
        for (failures, next) in [(1, Some(202)), (2, Some(202)), (3, Some(201))] {
            assert!(!round.fails(problem()));
            assert_eq!(round.event, next, "after {failures} failures");
        }
        assert_eq!(round.from(), earlier);
        assert!(round.goes_on(0));
        assert_eq!(round.behind, [(202, usual)].into());
        assert!(round.problem.is_some());
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_stop_it() {
        let day = SignedDuration::from_hours(24);
        let mut sweeping = begun(Sweep::default());
        sweeping.kept.begun_at = Some(Timestamp::UNIX_EPOCH + day);
        sweeping.round = None;
        assert!(sweeping.is_due(Timestamp::UNIX_EPOCH, SignedDuration::from_mins(5)));
        sweeping.begin(Timestamp::UNIX_EPOCH, 1, Vec::new());
        let from = sweeping.round.expect("it began").from();
        assert_eq!(from, Timestamp::UNIX_EPOCH - OVERLAP);
    }
}

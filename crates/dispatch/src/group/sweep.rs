//! Sweeps: what was modified in a connector's source is read at an interval, and what no webhook told
//! of becomes requests, as if it had been posted ([`plan::sweep`]).
//!
//! A round reads all its pages before it makes requests, so that a mass change is seen before anything
//! of it is written. It is short: after a restart it begins again, and what it found and was synced
//! meanwhile is in sync then.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use leadsquared::Error;
use plan::backfill::{A_REQUEST, LeadPage};
use plan::connector::WhileDisabled;
use plan::id::{AccountId, ConnectorId, RequestId};
use plan::link::Link;
use plan::mapping::Verdict;
use plan::outcome::{Entity, Event};
use plan::payload::Item;
use plan::quota::{Draw, Urgency};
use plan::snapshot::Snapshot;
use plan::sweep::{OVERLAP, interval, is_due, is_on, is_too_much};
use plan::verdict;
use plan::work::{Step, Work};
use serde_json::{Map, Value};
use store::{NewDelivery, Origin, Posted, Sweep, SweepNews, Swept};

use super::call::Job;
use super::directory::entry;
use super::lanes::Lane;
use super::route::{Binding, Route};
use super::worker::Worker;
use crate::failure;
use crate::pages::{Reader, Wanted};

/// How long after a failure a page is asked for again: the first value, doubled each time, up to the
/// second.
const PAUSE: SignedDuration = SignedDuration::from_secs(30);
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(1);
/// So far back a first round goes that a person asks for where nothing was swept before.
const FIRST: SignedDuration = SignedDuration::from_hours(24);
/// So far an account's clock may be ahead of ours.
pub(super) const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// The sweep of a connector.
#[derive(Debug)]
pub(super) struct Sweeping {
    pub(super) connector: ConnectorId,
    /// As it is kept.
    kept: Sweep,
    /// Whether rounds begin by themselves.
    is_on: bool,
    round: Option<Round>,
    is_asked: bool,
    /// Not before this time of the steady clock.
    not_before: Option<Timestamp>,
    /// How long after a failure its page is asked for again.
    pause: SignedDuration,
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

/// A page that was read for a sweep or a comparison.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) reader: Reader,
    pub(super) wanted: Wanted,
    pub(super) rows: Vec<Snapshot>,
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
                    is_asked: false,
                    not_before: None,
                    pause: PAUSE,
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
        if self.sweeps.iter().any(|sweeping| sweeping.is_asked) {
            return;
        }
        let is_busy = self.look_for_work;
        let (now, steady) = (self.now(), self.steady());
        for at in 0..self.sweeps.len() {
            let sweeping = &self.sweeps[at];
            if sweeping.not_before.is_some_and(|at| at > steady) {
                continue;
            }
            let Some(route) = self.routes.get(sweeping.connector).cloned() else { continue };
            let Some(binding) = self.routes.binding(&self.accounts, (route.id, None)) else {
                continue;
            };
            let types = swept_types(&route, &binding);
            let every = self.interval_of(route.source, types.len());
            if sweeping.round.is_none() && !sweeping.is_due(now, every) {
                continue;
            }
            let account = self.account(route.source);
            let mut room = account.room(Draw::Single, Urgency::Sweep, steady);
            if is_busy {
                // What is live has not all been taken up: its webhooks may tell of what is swept.
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
            self.sweeps[at].is_asked = true;
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

    /// A page was read for a sweep or a comparison.
    pub(super) fn page_read(
        &mut self,
        reader: Reader,
        wanted: Wanted,
        read: Result<Vec<Snapshot>, Error>,
    ) {
        match read {
            Ok(rows) => self.arrived.push(Arrived { reader, wanted, rows }),
            Err(error) => match reader {
                Reader::Sweep(connector) => self.sweep_failed(connector, &error),
                Reader::Parity(connector) => self.parity_failed(connector, &error),
                // Their pages are leads.
                Reader::Directory | Reader::Backfill(_) => {}
            },
        }
    }

    fn sweep_failed(&mut self, connector: ConnectorId, error: &Error) {
        let steady = self.steady();
        let Some(route) = self.routes.get(connector) else { return };
        let name = self.accounts[&route.source].name().to_owned();
        let what = Swept::Failed(verdict::not_read(&failure::of(error), &name));
        for sweeping in self.sweeps.iter_mut().filter(|one| one.connector == connector) {
            sweeping.is_asked = false;
            sweeping.not_before = Some(steady + sweeping.pause);
            sweeping.pause = (sweeping.pause * 2).min(LONGEST_PAUSE);
        }
        self.progress.sweeps.push(SweepNews { connector, what, deliveries: Vec::new() });
    }

    /// The account's quota had no room for it after all.
    pub(super) fn sweep_delayed(&mut self, connector: ConnectorId) {
        let steady = self.steady();
        for sweeping in self.sweeps.iter_mut().filter(|one| one.connector == connector) {
            sweeping.is_asked = false;
            sweeping.not_before = Some(steady + SignedDuration::from_secs(1));
        }
    }

    /// Looks through the pages that were read.
    pub(super) async fn take_pages(&mut self) -> store::Result<()> {
        for Arrived { reader, wanted, rows } in std::mem::take(&mut self.arrived) {
            match reader {
                Reader::Sweep(connector) => self.take_swept(connector, &wanted, rows).await?,
                Reader::Parity(connector) => self.take_compared(connector, wanted, rows).await?,
                Reader::Directory | Reader::Backfill(_) => {}
            }
        }
        Ok(())
    }

    async fn take_swept(
        &mut self,
        connector: ConnectorId,
        wanted: &Wanted,
        rows: Vec<Snapshot>,
    ) -> store::Result<()> {
        let Some(at) = self.sweeps.iter().position(|one| one.connector == connector) else {
            return Ok(());
        };
        let sweeping = &mut self.sweeps[at];
        (sweeping.is_asked, sweeping.not_before, sweeping.pause) = (false, None, PAUSE);
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
        let is_too_much = !confirmed && is_too_much(round.count, linked, percent);
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

    /// Those of these leads or activities that are not in sync and whose state was never posted.
    async fn missed(
        &mut self,
        route: &Route,
        entity: Entity,
        rows: Vec<(Item, Snapshot)>,
    ) -> store::Result<Vec<Snapshot>> {
        let Some(binding) = self.routes.binding(&self.accounts, (route.id, None)) else {
            return Ok(Vec::new());
        };
        let side = route.pair().side(route.source);
        let ids = |item: &Item| item.id().into_iter().chain(item.lead_id().map(String::from));
        let all: Vec<String> = rows.iter().flat_map(|(item, _)| ids(item)).collect();
        let links = self.links_by(HashMap::from([((route.pair(), side), all)])).await?;
        let moment = self.moment();
        let context = binding.context(moment);
        let find = |id: &str| links.get(&(route.pair(), side, id.to_owned()));
        let mut missed: Vec<(Item, Snapshot)> = rows
            .into_iter()
            .filter(|(item, _)| {
                let own: Vec<&Link> = ids(item).filter_map(|id| find(&id)).collect();
                !is_in_sync(item, &own, route, &binding, &context)
            })
            .collect();
        let wanted: Vec<String> = missed.iter().filter_map(|(item, _)| item.id()).collect();
        let posted = self.shared.store.last_posted(route.id, entity, &wanted).await?;
        missed.retain(|(item, _)| {
            let Some(id) = item.id() else { return false };
            let is_posted = posted.get(&id).is_some_and(|posted| shows(posted, &binding, item));
            !is_posted && !self.is_open(route.source, &binding, item, id)
        });
        Ok(missed.into_iter().map(|(_, row)| row).collect())
    }

    /// Whether a record of this state is at work.
    fn is_open(&self, source: AccountId, binding: &Binding, item: &Item, id: String) -> bool {
        let open = self.book.in_lane(&Lane::Id(source, id));
        open.into_iter().filter_map(|key| self.book.record(key)).any(|record| {
            record.work.entity() == item.entity() && includes(binding, record.work.shown(), item)
        })
    }

    /// Notes leads that a sweep read in the directory, which need not read them again.
    fn note_swept(&mut self, source: AccountId, rows: &[Snapshot]) {
        let fields = self.directory_fields(source);
        if !fields.is_empty() {
            let entries = rows.iter().filter_map(|lead| entry(lead, &fields)).collect();
            self.add_to_directory(source, entries, Vec::new());
        }
    }

    /// Requests of these leads or activities, as they would have been posted.
    pub(super) fn deliveries(
        &mut self,
        connector: ConnectorId,
        origin: Origin,
        rows: &[Snapshot],
    ) -> Vec<NewDelivery> {
        let mut deliveries = Vec::with_capacity(rows.len().div_ceil(A_REQUEST));
        for some in rows.chunks(A_REQUEST) {
            let now = self.now();
            deliveries.push(NewDelivery {
                id: RequestId::from_number(self.next_id(now)),
                connector,
                received_at: now,
                origin,
                content_type: Some("application/json".to_owned()),
                body: body(some).into(),
            });
        }
        deliveries
    }
}

/// The types of activities that a connector syncs.
pub(super) fn swept_types(route: &Route, binding: &Binding) -> Vec<u32> {
    if !route.definition.activity.enabled {
        return Vec::new();
    }
    let types = binding.mappings.activities().types();
    types.filter(|(_, mapping)| mapping.is_ok()).map(|(event, _)| event).collect()
}

/// Whether nothing would be done about a lead or activity: it holds what was last synced, or the filter
/// leaves it out as it did before.
fn is_in_sync(
    item: &Item,
    links: &[&Link],
    route: &Route,
    binding: &Binding,
    context: &plan::work::Context<'_>,
) -> bool {
    let mut work = Work::new(item.clone());
    for link in links {
        work.take_link(link, route.source);
    }
    let is_left_out = |link: &&Link| link.end(route.pair().side(route.source)).is_left_out;
    let is_settled = links.iter().all(is_left_out);
    let leads = binding.mappings.leads();
    if item.entity() == Entity::Lead
        && is_settled
        && matches!(leads.judge(item, true), Verdict::Fails(_))
    {
        return true;
    }
    if work.holds_what_was_synced(context) {
        return true;
    }
    match work.next(context).step {
        Step::End(outcome) => match outcome.event {
            Event::Unchanged => true,
            Event::Skipped => item.entity() == Entity::Activity || links.is_empty(),
            Event::New | Event::Updated | Event::Failed => false,
        },
        Step::Call(_) | Step::Ask(_) | Step::NeedsMetadata { .. } => false,
    }
}

/// Whether what was posted shows this state of a lead or activity, or a newer one.
fn shows(posted: &Posted, binding: &Binding, item: &Item) -> bool {
    let Ok(read) = posted.origin.read(&posted.body, posted.content_type.as_deref()) else {
        return false;
    };
    let same = read.iter().flatten().filter(|other| other.id() == item.id());
    same.into_iter().any(|other| includes(binding, other, item))
}

/// Whether one state of a lead or activity is newer than the other or, of the same second, shows the
/// same.
fn includes(binding: &Binding, shown: &Item, item: &Item) -> bool {
    let Some((shown_at, at)) = shown.modified_on().zip(item.modified_on()) else { return false };
    if shown_at != at || item.entity() == Entity::Activity {
        return shown_at >= at;
    }
    let leads = binding.mappings.leads();
    let now = leads.read_part(item);
    leads
        .read_part(shown)
        .0
        .iter()
        .all(|(field, value)| now.get(field).is_none_or(|now| plan::text::same(now, value)))
}

/// Leads or activities as an automation would post them.
fn body(rows: &[Snapshot]) -> String {
    let object = |row: &Snapshot| {
        let fields = row.0.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
        Value::Object(fields.collect::<Map<_, _>>())
    };
    Value::Array(rows.iter().map(object).collect()).to_string()
}

//! Counting what a backfill would do ([`plan::backfill::Census`]): both accounts are read page by page, as
//! the quota allows, and nothing is written. A restart starts a running count again.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use leadsquared::Error;
use plan::backfill::{A_PAGE, Backfilled, Census, Counted, LeadPage, Passing, Planning};
use plan::backfill::{columns, key_forms};
use plan::directory::forms;
use plan::id::{AccountId, ConnectorId, LeadId};
use plan::metadata::{Catalogue, Kind};
use plan::outcome::Entity;
use plan::payload::Item;
use plan::preview::Stored;
use plan::quota::{Draw, Urgency};
use plan::snapshot::Snapshot;
use plan::value::Reading;
use plan::verdict;
use store::{PlanNews, Planned};

use super::call::Job;
use super::pacing::{Pacing, WHILE_CLOSED};
use super::route::{Binding, Route};
use super::worker::Worker;
use crate::failure;
use crate::pages::{Reader, Wanted};

/// A running count.
#[derive(Debug)]
pub(super) struct Counting {
    pub(super) connector: ConnectorId,
    /// When it was requested.
    asked_at: Timestamp,
    of: Backfilled,
    /// The version of the connector's settings that it uses.
    version: i64,
    /// What it reads; none before it started.
    phase: Option<Phase>,
    pacing: Pacing,
    census: Census,
    /// Which leads of the destination have a key, by its form, if there is no directory to tell.
    keys: Option<HashMap<String, Vec<String>>>,
    /// How many leads the destination has.
    there: u64,
    /// How many leads of both accounts were read.
    read: u64,
}

/// What to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// This page of the destination's leads, for their keys.
    Keys(u32),
    /// This page of the source.
    Source(u32),
    /// This page of the destination, to compare the leads that both have.
    Destination(u32),
}

impl Worker {
    /// Updates the set of requested counts.
    pub(super) fn follow_counts(&mut self, kept: Vec<(ConnectorId, Planning)>) {
        let asked = |counting: &Counting| {
            kept.iter().any(|(connector, planning)| {
                *connector == counting.connector && planning.asked_at == Some(counting.asked_at)
            })
        };
        self.counts.retain(asked);
        let mut is_new = false;
        for (connector, planning) in kept {
            let known = self.counts.iter().any(|counting| counting.connector == connector);
            let Some((asked_at, of)) = planning.asked_at.zip(planning.of).filter(|_| !known) else {
                continue;
            };
            is_new = true;
            self.counts.push(Counting::new(connector, asked_at, of));
        }
        if is_new {
            // For a disabled connector, less of the metadata was needed.
            self.learn_needs();
        }
    }

    /// Whether a count for this connector is running.
    pub(super) fn is_counted(&self, connector: ConnectorId) -> bool {
        self.counts.iter().any(|counting| counting.connector == connector)
    }

    /// Requests the next page of a count.
    pub(super) fn read_counts(&mut self) {
        let is_asked = self.counts.iter().any(|counting| counting.pacing.is_asked());
        if self.look_for_work || is_asked {
            return;
        }
        let steady = self.steady();
        for at in 0..self.counts.len() {
            let counting = &self.counts[at];
            if !counting.pacing.is_due(steady) {
                continue;
            }
            let Some(route) = self.routes.get(counting.connector).cloned() else { continue };
            if let Some(problem) = self.closed_end(&route) {
                let counting = &mut self.counts[at];
                counting.pacing.wait(steady, WHILE_CLOSED);
                let (connector, asked_at) = (route.id, counting.asked_at);
                let what = Planned::Failed(problem);
                self.progress.plans.push(PlanNews { connector, asked_at, what });
                continue;
            }
            let Some(binding) = self.routes.binding(&self.accounts, (route.id, None)) else {
                continue;
            };
            let has_directory = self.has_keys(&route);
            let counting = &mut self.counts[at];
            let is_begun = counting.phase.is_some();
            if is_begun
                && (counting.version != route.version || !has_directory && counting.keys.is_none())
            {
                // The settings were changed, or the directory is being read anew.
                let (asked_at, of) = (counting.asked_at, counting.of.clone());
                *counting = Counting::new(route.id, asked_at, of);
            }
            if counting.phase.is_none() {
                counting.version = route.version;
                let begins = if has_directory { Phase::Source(1) } else { Phase::Keys(1) };
                counting.keys = (!has_directory).then(HashMap::new);
                counting.phase = Some(begins);
            }
            let Some((account, wanted)) = self.counts[at].wanted(&route, &binding) else {
                continue;
            };
            let account = self.account(account);
            if account.room(Draw::Single, Urgency::Backfill, steady) == 0 {
                continue;
            }
            let account = account.id;
            let counting = &mut self.counts[at];
            counting.pacing.ask();
            counting.census.called();
            let reader = Reader::Count(route.id, counting.asked_at);
            self.prepare(account, Job::ReadPage(reader, wanted));
            return;
        }
    }

    /// Whether the directory has the destination's leads by all keys of a connector.
    fn has_keys(&self, route: &Route) -> bool {
        let directory = &self.accounts[&route.destination].directory;
        self.is_ready(route.destination)
            && key_fields(&route.definition, &Catalogue::default())
                .keys()
                .all(|field| directory.has(field))
    }

    /// The count of a connector that was requested then, unless another one replaced it.
    fn counting(
        &mut self,
        (connector, asked_at): (ConnectorId, Timestamp),
    ) -> Option<&mut Counting> {
        let is_it = |one: &&mut Counting| one.connector == connector && one.asked_at == asked_at;
        self.counts.iter_mut().find(is_it)
    }

    pub(super) fn count_failed(&mut self, which: (ConnectorId, Timestamp), error: &Error) {
        let steady = self.steady();
        let (connector, asked_at) = which;
        let Some(route) = self.routes.get(connector).cloned() else { return };
        let Some(counting) = self.counting(which) else { return };
        counting.pacing.fail(steady);
        let account = counting.account(&route);
        let name = self.accounts[&account].name().to_owned();
        let what = Planned::Failed(verdict::not_read(&failure::of(error), &name));
        self.progress.plans.push(PlanNews { connector, asked_at, what });
    }

    /// The account's quota had no room for it after all.
    pub(super) fn count_delayed(&mut self, which: (ConnectorId, Timestamp)) {
        let steady = self.steady();
        if let Some(counting) = self.counting(which) {
            counting.pacing.delay(steady);
            counting.census.not_called();
        }
    }

    /// Handles a page that was read for a count.
    pub(super) async fn take_counted(
        &mut self,
        (connector, asked_at): (ConnectorId, Timestamp),
        wanted: &Wanted,
        rows: Vec<Snapshot>,
    ) -> store::Result<()> {
        let is_it = |one: &Counting| one.connector == connector && one.asked_at == asked_at;
        let at = self.counts.iter().position(is_it);
        let (Some(at), Some(route)) = (at, self.routes.get(connector).cloned()) else {
            return Ok(());
        };
        let Some(binding) = self.routes.binding(&self.accounts, (connector, None)) else {
            self.counts[at].pacing.forget();
            return Ok(());
        };
        let mut counting = self.counts.remove(at);
        counting.pacing.read();
        let is_awaited =
            counting.wanted(&route, &binding).is_some_and(|(_, expected)| expected == *wanted);
        let is_awaited = is_awaited && counting.version == route.version;
        let (true, Some(phase)) = (is_awaited, counting.phase) else {
            // The settings were changed meanwhile.
            self.counts.push(counting);
            return Ok(());
        };
        let is_last = LeadPage::is_behind(rows.len());
        counting.read += rows.len() as u64;
        let next = match phase {
            Phase::Keys(page) => {
                self.count_keys(&mut counting, &route, &rows);
                if is_last { Phase::Source(1) } else { Phase::Keys(page + 1) }
            }
            Phase::Source(page) => {
                self.count_source(&mut counting, &route, &binding, rows).await?;
                if is_last { Phase::Destination(1) } else { Phase::Source(page + 1) }
            }
            Phase::Destination(page) => {
                counting.census.compare(binding.mappings.leads(), &rows);
                Phase::Destination(page + 1)
            }
        };
        let is_over = match next {
            Phase::Keys(_) | Phase::Source(_) => false,
            Phase::Destination(_) => {
                let is_compared = is_last && matches!(phase, Phase::Destination(_));
                is_compared || !counting.census.is_to_compare()
            }
        };
        if is_over {
            return self.end_count(counting, &route).await;
        }
        counting.phase = Some(next);
        let what = Planned::Read(counting.read);
        self.progress.plans.push(PlanNews { connector, asked_at, what });
        self.counts.push(counting);
        Ok(())
    }

    fn catalogues(&self, route: &Route) -> Option<(&Catalogue, &Catalogue)> {
        let of = |id: AccountId| self.accounts.get(&id)?.metadata.catalogue();
        Some((of(route.source)?, of(route.destination)?))
    }

    fn count_keys(&self, counting: &mut Counting, route: &Route, rows: &[Snapshot]) {
        let Some((_, there)) = self.catalogues(route) else { return };
        let fields = key_fields(&route.definition, there);
        let keys = counting.keys.get_or_insert_default();
        for lead in rows {
            let Some(id) = lead.lead_id() else { continue };
            counting.there += 1;
            for form in forms(lead, &fields, &Reading::default()).into_iter().flatten() {
                keys.entry(form).or_default().push(id.to_string());
            }
        }
    }

    async fn count_source(
        &self,
        counting: &mut Counting,
        route: &Route,
        binding: &Binding,
        rows: Vec<Snapshot>,
    ) -> store::Result<()> {
        let Some((here, there)) = self.catalogues(route) else { return Ok(()) };
        let passing = Passing::new(&route.definition, &counting.of, here, there);
        let read = rows.len();
        let leads = rows.iter().map(|lead| Item::from_state(Entity::Lead, lead));
        let leads: Vec<Item> = leads.filter(|lead| passing.passes(lead)).collect();
        counting.census.page(read, read - leads.len());
        let forms = key_forms(&route.definition, binding.mappings.leads(), &leads);
        let store = &self.shared.store;
        let found = match &counting.keys {
            Some(keys) => {
                let of = |form: String| keys.get(&form).cloned().map(|leads| (form, leads));
                forms.into_iter().filter_map(of).collect()
            }
            None => store.directory(route.destination, &forms).await?,
        };
        let ids: Vec<String> =
            leads.iter().filter_map(|lead| lead.lead_id().map(String::from)).collect();
        let pair = route.pair();
        let gone = store.gone(route.source, &ids).await?;
        let stored = Stored {
            links: store.links(pair, pair.side(route.source), &ids).await?,
            reviews: store.standing_reviews(pair, &ids).await?,
            gone: gone.iter().map(|id| LeadId::new(id)).collect(),
            overrides: false,
        };
        let context = binding.context(self.moment());
        let (context, found, stored) = (&context, &found, &stored);
        counting.census.take(Counted { context, there, found, stored }, &leads);
        Ok(())
    }

    async fn end_count(&mut self, counting: Counting, route: &Route) -> store::Result<()> {
        let Counting { connector, asked_at, of, census, keys, mut there, .. } = counting;
        if keys.is_none() {
            there = self.shared.store.count_directory(route.destination).await?;
        }
        let terms = (self.routes.is_pair(route), of.since.is_none(), route.version);
        let quota = |id: AccountId| self.accounts[&id].quota();
        let quotas = (quota(route.source), quota(route.destination));
        let plan = Box::new(census.end(&route.definition, terms, there, quotas));
        let what = Planned::Ended { at: self.now(), of, plan };
        self.progress.plans.push(PlanNews { connector, asked_at, what });
        Ok(())
    }
}

impl Counting {
    fn new(connector: ConnectorId, asked_at: Timestamp, of: Backfilled) -> Self {
        Self {
            connector,
            asked_at,
            of,
            version: 0,
            phase: None,
            pacing: Pacing::default(),
            census: Census::default(),
            keys: None,
            there: 0,
            read: 0,
        }
    }

    /// What to read next, from which account; none before it started.
    fn wanted(&self, route: &Route, binding: &Binding) -> Option<(AccountId, Wanted)> {
        let page = |page: u32, columns| {
            Wanted::Leads(LeadPage { page, ..LeadPage::first(None, LeadPage::MOST, columns) })
        };
        let wanted = match self.phase? {
            Phase::Keys(number) => {
                let keys = key_fields(&route.definition, &Catalogue::default()).into_keys();
                page(number, keys.chain(["ProspectID".to_owned()]).collect())
            }
            Phase::Source(page) => {
                let columns = columns(binding.columns(), &self.of);
                Wanted::Leads(LeadPage { page, ..LeadPage::first(self.of.since, A_PAGE, columns) })
            }
            Phase::Destination(number) => page(number, binding.written_columns()),
        };
        Some((self.account(route), wanted))
    }

    fn account(&self, route: &Route) -> AccountId {
        match self.phase {
            None | Some(Phase::Source(_)) => route.source,
            Some(Phase::Keys(_) | Phase::Destination(_)) => route.destination,
        }
    }
}

/// The fields by which a connector matches leads, with their kinds.
fn key_fields(
    definition: &plan::connector::Definition,
    there: &Catalogue,
) -> BTreeMap<String, Kind> {
    let basic = &definition.basic;
    let names = std::iter::once(&basic.search_by).chain(&basic.secondary_search_by);
    let kind = |name: &String| there.fields.get(name).map_or(Kind::Text, |field| field.kind);
    names.map(|name| (name.clone(), kind(name))).collect()
}

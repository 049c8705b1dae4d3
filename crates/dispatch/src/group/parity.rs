//! Comparing the two accounts of a connector ([`plan::parity`]): the source is read page by page, then
//! the destination, then what seems to differ is read again. A restart starts a running comparison
//! again.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use leadsquared::Error;
use plan::backfill::{LeadPage, is_mass_change};
use plan::directory::form_of;
use plan::id::ConnectorId;
use plan::link::{Link, Pair, Side};
use plan::mapping::Verdict;
use plan::outcome::Entity;
use plan::parity::{Apart, Comparison, Difference, Standing, known_as};
use plan::payload::Item;
use plan::quota::{Draw, Urgency};
use plan::snapshot::Snapshot;
use plan::sweep::is_on;
use plan::verdict;
use plan::work::Work;
use store::{Compared, Origin, ParityNews};

use super::call::Job;
use super::comparing::{Comparing, Phase};
use super::lanes::Lane;
use super::pacing::WHILE_CLOSED;
use super::route::{Binding, Route};
use super::worker::Worker;
use crate::failure;
use crate::pages::{Reader, Wanted};

/// How often accounts are compared automatically.
const EVERY: SignedDuration = SignedDuration::from_hours(24);
/// How long after its start a task compares nothing automatically.
const SETTLED: SignedDuration = SignedDuration::from_mins(5);
/// How many links are scanned at a time.
const LINKS: usize = 1_000;
/// How long to wait for leads that are just being synced before comparing them.
const PATIENCE: SignedDuration = SignedDuration::from_secs(15);

impl Worker {
    /// Updates the set of requested comparisons, and requests those that are due.
    pub(super) fn follow_parities(&mut self, kept: &[(ConnectorId, Standing)]) {
        let (now, steady) = (self.now(), self.steady());
        let asked = |connector: ConnectorId| {
            kept.iter().find(|(id, _)| *id == connector).map(|(_, standing)| standing)
        };
        self.comparisons.retain(|comparing| {
            asked(comparing.connector)
                .is_some_and(|standing| standing.asked_at == Some(comparing.asked_at))
        });
        let routes: Vec<Route> =
            self.routes.iter().filter(|route| route.enabled).cloned().collect();
        for route in routes {
            if self.comparisons.iter().any(|comparing| comparing.connector == route.id) {
                continue;
            }
            let standing = asked(route.id);
            let asked_at = standing.and_then(|standing| standing.asked_at);
            let last = standing.and_then(|standing| standing.at);
            let by_itself = is_on(route.definition.catch_up.parity, self.routes.is_pair(&route))
                && steady.duration_since(self.began) >= SETTLED
                && last.is_none_or(|at| now.duration_since(at) >= EVERY);
            let Some(asked_at) = asked_at.or(by_itself.then_some(now)) else { continue };
            // The store keeps milliseconds.
            let asked_at =
                Timestamp::from_millisecond(asked_at.as_millisecond()).unwrap_or(asked_at);
            if standing.is_none_or(|standing| standing.asked_at.is_none()) {
                let (connector, what) = (route.id, Compared::Began);
                self.progress.parities.push(ParityNews { connector, asked_at, what });
            }
            self.comparisons.push(Comparing::new(&route, asked_at));
        }
    }

    /// Requests the next page of a comparison.
    pub(super) fn read_parities(&mut self) {
        let is_asked = self.comparisons.iter().any(|comparing| comparing.pacing.is_asked());
        if self.look_for_work || is_asked {
            return;
        }
        let steady = self.steady();
        for at in 0..self.comparisons.len() {
            let comparing = &self.comparisons[at];
            if !comparing.pacing.is_due(steady) {
                continue;
            }
            let Some(route) = self.routes.get(comparing.connector).cloned() else { continue };
            if let Some(problem) = self.closed_end(&route) {
                let comparing = &mut self.comparisons[at];
                comparing.pacing.wait(steady, WHILE_CLOSED);
                let (connector, asked_at) = (route.id, comparing.asked_at);
                let what = Compared::Failed(problem);
                self.progress.parities.push(ParityNews { connector, asked_at, what });
                continue;
            }
            let Some(binding) = self.routes.binding(&self.accounts, (route.id, None)) else {
                continue;
            };
            if comparing.version != route.version {
                // The settings were changed meanwhile.
                self.comparisons[at] = Comparing::new(&route, comparing.asked_at);
            }
            let (account, wanted) = self.comparisons[at].wanted(&route, &binding);
            let account = self.account(account);
            if account.room(Draw::Single, Urgency::Sweep, steady) == 0 {
                continue;
            }
            let account = account.id;
            let comparing = &mut self.comparisons[at];
            comparing.pacing.ask();
            comparing.comparison.parity.calls += 1;
            let reader = Reader::Parity(route.id, comparing.asked_at);
            self.prepare(account, Job::ReadPage(reader, wanted));
            return;
        }
    }

    /// The comparison of a connector that was requested then, unless another one replaced it.
    fn comparing(
        &mut self,
        (connector, asked_at): (ConnectorId, Timestamp),
    ) -> Option<&mut Comparing> {
        let is_it = |one: &&mut Comparing| one.connector == connector && one.asked_at == asked_at;
        self.comparisons.iter_mut().find(is_it)
    }

    pub(super) fn parity_failed(&mut self, which: (ConnectorId, Timestamp), error: &Error) {
        let steady = self.steady();
        let (connector, asked_at) = which;
        let Some(route) = self.routes.get(connector).cloned() else { return };
        let Some(comparing) = self.comparing(which) else { return };
        comparing.pacing.fail(steady);
        let account = comparing.account(&route);
        let name = self.accounts[&account].name().to_owned();
        let what = Compared::Failed(verdict::not_read(&failure::of(error), &name));
        self.progress.parities.push(ParityNews { connector, asked_at, what });
    }

    /// The account's quota had no room for it after all.
    pub(super) fn parity_delayed(&mut self, which: (ConnectorId, Timestamp)) {
        let steady = self.steady();
        if let Some(comparing) = self.comparing(which) {
            comparing.pacing.delay(steady);
            comparing.comparison.parity.calls -= 1;
        }
    }

    /// Handles a page that was read for a comparison.
    pub(super) async fn take_compared(
        &mut self,
        (connector, asked_at): (ConnectorId, Timestamp),
        wanted: &Wanted,
        rows: Vec<Snapshot>,
    ) -> store::Result<()> {
        let is_it = |one: &Comparing| one.connector == connector && one.asked_at == asked_at;
        let at = self.comparisons.iter().position(is_it);
        let (Some(at), Some(route)) = (at, self.routes.get(connector).cloned()) else {
            return Ok(());
        };
        let Some(binding) = self.routes.binding(&self.accounts, (connector, None)) else {
            self.comparisons[at].pacing.forget();
            return Ok(());
        };
        let mut comparing = self.comparisons.remove(at);
        comparing.pacing.read();
        if comparing.version != route.version {
            self.comparisons.push(Comparing::new(&route, asked_at));
            return Ok(());
        }
        let is_last = LeadPage::is_behind(rows.len());
        let step = std::mem::replace(&mut comparing.phase, Phase::Source(1));
        let is_over = match (step, wanted) {
            (Phase::Source(page), Wanted::Leads(read)) if read.page == page => {
                comparing.read += rows.len() as u64;
                self.compare_source(&mut comparing, &route, &binding, rows).await?;
                comparing.phase = Phase::Source(page + 1);
                if is_last {
                    self.compare_links(&mut comparing, &route).await?;
                    comparing.phase = Phase::Destination(1);
                }
                false
            }
            (Phase::Destination(page), Wanted::Leads(read)) if read.page == page => {
                comparing.read += rows.len() as u64;
                self.compare_destination(&mut comparing, &route, &binding, &rows).await?;
                comparing.phase = Phase::Destination(page + 1);
                is_last && comparing.goes_on(VecDeque::new())
            }
            (Phase::Again { pairs, here: None, later }, Wanted::These(_)) => {
                comparing.phase = Phase::Again { pairs, here: Some(rows), later };
                false
            }
            (Phase::Again { pairs, here: Some(here), later }, Wanted::These(_)) => {
                let is_open = |id: &str| {
                    !self.book.in_lane(&Lane::Id(route.source, id.to_owned())).is_empty()
                };
                let pairs = (pairs, is_open);
                let later = comparing.compare_again(&binding, pairs, (&here, &rows), later);
                let is_over = comparing.goes_on(later);
                if is_over && comparing.waits_for_busy() {
                    comparing.pacing.wait(self.steady(), PATIENCE);
                    comparing.goes_on(VecDeque::new())
                } else {
                    is_over
                }
            }
            (phase, _) => {
                comparing.phase = phase;
                false
            }
        };
        if is_over {
            return self.end_comparison(comparing, &route).await;
        }
        let what = Compared::Read(comparing.read);
        self.progress.parities.push(ParityNews { connector, asked_at, what });
        self.comparisons.push(comparing);
        Ok(())
    }

    /// Handles leads of the source.
    async fn compare_source(
        &self,
        comparing: &mut Comparing,
        route: &Route,
        binding: &Binding,
        rows: Vec<Snapshot>,
    ) -> store::Result<()> {
        let (pair, side) = (route.pair(), route.pair().side(route.source));
        let ids = rows.iter().filter_map(|lead| Some(lead.lead_id()?.to_string()));
        let wanted = [((pair, side), ids.collect())].into();
        let links = self.links_by(wanted).await?;
        let leads = binding.mappings.leads();
        let mut unlinked = Vec::new();
        for lead in rows {
            let Some(id) = lead.lead_id().map(|id| id.to_string()) else { continue };
            let item = Item::from_state(Entity::Lead, &lead);
            let link = links.get(&(pair, side, id.clone()));
            let link = link.filter(|link| link.entity == Entity::Lead);
            comparing.seen.insert(id.clone());
            let passes_linked = link.is_some() && leads.filter().lets_linked_pass();
            if !passes_linked && matches!(leads.judge(&item, true), Verdict::Fails(_)) {
                comparing.comparison.parity.left_out += 1;
                continue;
            }
            match link {
                Some(link) => {
                    let there = link.end(side.opposite());
                    let there = (there.id.as_str(), there.is_gone);
                    comparing.comparison.take_source(leads, &leads.apply(&item), &id, there);
                }
                None => unlinked.push((id, item, lead)),
            }
        }
        let context = binding.context(self.moment());
        let mut keyed = Vec::with_capacity(unlinked.len());
        for (id, item, lead) in unlinked {
            let keys = Work::new(item).keys(&context);
            let forms: Vec<String> = keys.iter().filter_map(form_of).collect();
            keyed.push((id, forms, lead));
        }
        let forms: Vec<String> = keyed.iter().flat_map(|(_, forms, _)| forms.clone()).collect();
        let found = self.shared.store.directory(route.destination, &forms).await?;
        for (id, forms, lead) in keyed {
            let matches: Vec<&Vec<String>> =
                forms.iter().filter_map(|form| found.get(form)).collect();
            // The first key that matches decides, unless the other one contradicts it.
            let there = match matches.as_slice() {
                [first, others @ ..] => first
                    .first()
                    .filter(|one| first.len() == 1 && others.iter().all(|ids| ids.contains(one))),
                [] => None,
            };
            let apart = match (matches.is_empty(), there) {
                (true, _) => Apart::OnlyHere,
                (false, Some(_)) => Apart::NotLinked,
                (false, None) => Apart::Ambiguous,
            };
            comparing.not_linked.extend(matches.into_iter().flatten().cloned());
            comparing.comparison.take_apart(Difference {
                apart,
                source_id: Some(id),
                destination_id: there.cloned(),
                known_as: known_as(&lead),
                fields: Vec::new(),
            });
        }
        Ok(())
    }

    /// Links whose lead was not among those read: it may be gone.
    async fn compare_links(&self, comparing: &mut Comparing, route: &Route) -> store::Result<()> {
        let (pair, side) = (route.pair(), route.pair().side(route.source));
        let mut after = String::new();
        loop {
            let some = self.shared.store.linked_leads(pair, side, &after, LINKS).await?;
            let Some((last, _)) = some.last() else { return Ok(()) };
            after.clone_from(last);
            let unseen = some.into_iter().filter(|(own, _)| !comparing.seen.contains(own));
            let unseen: Vec<String> = unseen.map(|(own, _)| own).collect();
            if unseen.is_empty() {
                continue;
            }
            let links = self.links_by([((pair, side), unseen)].into()).await?;
            for link in links.values().filter(|link| !is_gone(link)) {
                let (here, there) = ends(link, pair, side);
                comparing.comparison.suspect(&here, &there);
            }
        }
    }

    /// Handles leads of the destination.
    async fn compare_destination(
        &self,
        comparing: &mut Comparing,
        route: &Route,
        binding: &Binding,
        rows: &[Snapshot],
    ) -> store::Result<()> {
        let leads = binding.mappings.leads();
        let others = rows.iter().filter(|lead| !comparing.comparison.take_destination(leads, lead));
        let others: Vec<&Snapshot> = others.collect();
        let (pair, side) = (route.pair(), route.pair().side(route.destination));
        let ids = others.iter().filter_map(|lead| Some(lead.lead_id()?.to_string()));
        let links = self.links_by([((pair, side), ids.collect())].into()).await?;
        for lead in others {
            let Some(id) = lead.lead_id().map(|id| id.to_string()) else { continue };
            // A linked one was excluded by the filter, or is about to be read again.
            if links.contains_key(&(pair, side, id.clone())) || comparing.not_linked.contains(&id) {
                continue;
            }
            comparing.comparison.take_apart(Difference {
                apart: Apart::OnlyThere,
                source_id: None,
                destination_id: Some(id),
                known_as: known_as(lead),
                fields: Vec::new(),
            });
        }
        Ok(())
    }

    /// Everything was compared. Linked leads that are gone from the source are handled as if a webhook
    /// had reported their deletion, unless there are too many: then a person must confirm.
    async fn end_comparison(&mut self, comparing: Comparing, route: &Route) -> store::Result<()> {
        let Comparing { connector, asked_at, comparison, .. } = comparing;
        let Comparison { parity, differences, .. } = comparison;
        let mut deliveries = Vec::new();
        let mut held = None;
        if route.definition.removed.is_some() && parity.gone_here > 0 {
            let linked = self.shared.store.count_links(route.pair()).await?.leads;
            let percent = route.definition.backfill.confirm_above;
            if is_mass_change(parity.gone_here, linked, percent) {
                held = Some(parity.gone_here);
            } else {
                let gone = differences.iter().filter(|one| one.apart == Apart::GoneHere);
                let ids = gone.filter_map(|one| one.source_id.as_deref());
                let gone: Vec<Snapshot> =
                    ids.map(|id| [("ProspectID", id)].into_iter().collect()).collect();
                deliveries = self.deliveries(connector, Origin::Gone, &gone);
                self.look_for_work = true;
            }
        }
        let what = Compared::Ended { at: self.now(), parity, differences, held, deliveries };
        self.progress.parities.push(ParityNews { connector, asked_at, what });
        Ok(())
    }
}

fn is_gone(link: &Link) -> bool {
    link.first.is_gone || link.second.is_gone
}

fn ends(link: &Link, pair: Pair, side: Side) -> (String, String) {
    debug_assert_eq!(link.pair, pair);
    (link.end(side).id.clone(), link.end(side.opposite()).id.clone())
}

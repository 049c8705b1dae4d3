//! Which of the leads and activities that a sweep read are out of sync, with a state that no webhook
//! reported.

use std::collections::HashMap;

use plan::id::AccountId;
use plan::link::Link;
use plan::mapping::Verdict;
use plan::outcome::{Entity, Event};
use plan::payload::Item;
use plan::snapshot::Snapshot;
use plan::work::{Step, Work};
use store::Posted;

use super::lanes::Lane;
use super::route::{Binding, Route};
use super::worker::Worker;

impl Worker {
    /// Those of these leads or activities that are out of sync and whose state no webhook reported, and
    /// how many of them are linked leads.
    pub(super) async fn missed(
        &mut self,
        route: &Route,
        entity: Entity,
        rows: Vec<(Item, Snapshot)>,
    ) -> store::Result<(Vec<Snapshot>, u64)> {
        let Some(binding) = self.routes.binding(&self.accounts, (route.id, None)) else {
            return Ok((Vec::new(), 0));
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
        let is_linked = |item: &Item| item.id().is_some_and(|id| find(&id).is_some());
        let is_change = |(item, _): &&(Item, Snapshot)| entity == Entity::Lead && is_linked(item);
        let changes = missed.iter().filter(is_change).count() as u64;
        Ok((missed.into_iter().map(|(_, row)| row).collect(), changes))
    }

    /// Whether a record with this state is in progress.
    fn is_open(&self, source: AccountId, binding: &Binding, item: &Item, id: String) -> bool {
        let open = self.book.in_lane(&Lane::Id(source, id));
        open.into_iter().filter_map(|key| self.book.record(key)).any(|record| {
            record.work.entity() == item.entity() && includes(binding, record.work.shown(), item)
        })
    }
}

/// The types of activities that a connector syncs.
pub(super) fn synced_types(route: &Route, binding: &Binding) -> Vec<u32> {
    if !route.definition.activity.enabled {
        return Vec::new();
    }
    let types = binding.mappings.activities().types();
    types.filter(|(_, mapping)| mapping.is_ok()).map(|(event, _)| event).collect()
}

/// Whether nothing would be done about a lead or activity: it has the values last synced, the filter
/// excludes it as before, or the settings say so.
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
    if item.entity() == Entity::Lead {
        let own = links.first().map(|link| link.end(route.pair().side(route.source)));
        let leads = binding.mappings.leads();
        let is_open = own.is_some() && leads.filter().lets_linked_pass();
        if !is_open && matches!(leads.judge(item, true), Verdict::Fails(_)) {
            return own.is_none_or(|own| own.is_left_out);
        }
        // It is back.
        if own.is_some_and(|own| own.is_gone || own.is_left_out) {
            return false;
        }
    }
    if work.holds_what_was_synced(context) {
        return true;
    }
    let mut step = work.next(context).step;
    if matches!(step, Step::NeedsMetadata { .. }) {
        // By the known metadata.
        step = work.next(context).step;
    }
    match step {
        Step::End(outcome) => matches!(outcome.event, Event::Unchanged | Event::Skipped),
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

//! What to do about a lead.

use crate::change::Change;
use crate::connector::Behaviour;
use crate::id::LeadId;
use crate::link::{End, Link};
use crate::outcome::Party;
use crate::problem::{Code, Problem};
use crate::snapshot::Snapshot;
use crate::value;

use super::call::{Call, LeadUpdate};
use super::case::{Case, Opposite};
use super::decision::Decision;
use super::explanation::Why;
use super::past::Past;
use super::{change, filtered, meeting, merge, problems, removed, unlinked};

/// Decides what to do about a lead.
pub(super) fn decide(case: &Case<'_>) -> Decision {
    if let Some(removal) = case.item.removal() {
        return removed::decide(case, removal);
    }
    if case.known.twin.withheld.is_none()
        && let Some(decision) = filtered::filtered(case)
    {
        return decision;
    }
    if !case.mapped.problems.is_empty() {
        return Decision::Refuse(case.mapped.problems.clone());
    }
    if let Some((lead_id, fields)) = &case.known.twin.withheld {
        return Decision::update(case, lead_id.clone(), fields.clone());
    }
    let behaviour = case.connector.lead.behaviour;
    if behaviour == Behaviour::DoNothing {
        return Decision::Skip(Problem::new(
            Code::DoNothing,
            "The connector is set to do nothing with leads.",
            problems::CHANGE_BEHAVIOUR,
        ));
    }
    let ends = case.link.map(|link| case.ends(link));
    if let Some(decision) = late(case, ends.is_some_and(|(here, _)| here.is_gone)) {
        return decision;
    }
    if ends.is_some_and(|(_, there)| there.is_gone) {
        return Decision::Skip(Problem::new(
            Code::TwinRemoved,
            "The linked lead in the destination was deleted or merged into another lead, so it is \
             not created again.",
            "No action is needed. If the lead should exist in the destination, create it there.",
        ));
    }
    match (case.link, case.opposite) {
        (Some(link), Some(opposite)) if !case.known.twin.gone => {
            both_ways(case, opposite, link, behaviour)
        }
        (Some(link), None) if !case.known.twin.gone => linked(case, link, behaviour),
        _ => unlinked::unlinked(case, behaviour),
    }
}

/// What to do first about a lead that may have been removed from the source since this was posted,
/// that may have changed since in a way that the link can't show, or known only by its id.
pub(super) fn late(case: &Case<'_>, is_gone: bool) -> Option<Decision> {
    let source = case.known.source;
    let known = case.known;
    if !is_gone && !source.was_gone && !known.is_from_before && !known.twin.overridden {
        return None;
    }
    if source.gone {
        return Some(Decision::Skip(problems::removed()));
    }
    let lead_id = case.item.lead_id().filter(|_| !source.fresh)?;
    Some(Decision::read_source(lead_id))
}

/// A linked lead synced one way.
fn linked(case: &Case<'_>, link: &Link, behaviour: Behaviour) -> Decision {
    let (here, there) = case.ends(link);
    if behaviour == Behaviour::CreateOnly {
        return Decision::Skip(problems::exists());
    }
    if case.known.twin.overridden {
        let lead_id = LeadId::new(&there.id);
        return match &case.known.twin.lead {
            None => Decision::read_twin(lead_id),
            Some(lead) => update_known(case, lead, lead_id, Vec::new()),
        };
    }
    let unchanged = |why| Decision::Unchanged(why, Some(there.id.clone()));
    let is_fresh = case.known.source.fresh;
    let version = case.item.modified_on();
    let is_older = version.zip(here.seen).is_some_and(|(this, seen)| this < seen);
    if !is_fresh && is_older {
        return looks_again(case, here, there).unwrap_or(unchanged(Why::Stale));
    }
    let changes = change::since(case, here, there);
    let defaults = change::defaults(case, |to| there.base.get(to));
    if changes.is_empty() && defaults.is_empty() {
        return unchanged(Why::SameAsSynced);
    }
    if !is_fresh
        && !changes.is_empty()
        && case.may_be_stale(here)
        && let Some(lead_id) = case.item.lead_id()
    {
        return Decision::read_source(lead_id);
    }
    let lead_id = LeadId::new(&there.id);
    match &case.known.twin.lead {
        None if case.known.doubtful || !defaults.is_empty() => Decision::read_twin(lead_id),
        None => Decision::update(case, lead_id, changes),
        Some(lead) => update_known(case, lead, lead_id, changes),
    }
}

/// The payload is old. If a person retries it and the current mapping would send something else
/// than was sent, the lead is read.
fn looks_again(case: &Case<'_>, here: &End, there: &End) -> Option<Decision> {
    let is_outdated = || Past::of(case.mapping, case.item, here, there).is_outdated();
    let lead_id = case.item.lead_id().filter(|_| case.known.asked && is_outdated())?;
    Some(Decision::read_source(lead_id))
}

/// A linked lead synced both ways.
fn both_ways(
    case: &Case<'_>,
    opposite: Opposite<'_>,
    link: &Link,
    behaviour: Behaviour,
) -> Decision {
    let (here, there) = case.ends(link);
    if behaviour == Behaviour::CreateOnly {
        return Decision::Skip(problems::exists());
    }
    let unchanged = |why| Decision::Unchanged(why, Some(there.id.clone()));
    let known = case.known;
    let version = case.item.modified_on();
    let is_older = version.zip(here.seen).is_some_and(|(this, seen)| this < seen);
    // A field in review can be settled by any record.
    let waits = meeting::is_late(case, there) || !there.disputed.is_empty();
    if !known.source.fresh && is_older && !waits {
        return looks_again(case, here, there).unwrap_or(unchanged(Why::Stale));
    }
    let has_defaults = !change::defaults(case, |to| there.base.get(to)).is_empty();
    let is_clear = here.pending.is_empty() && there.pending.is_empty();
    if known.twin.lead.is_none()
        && is_clear
        && !has_defaults
        && !known.twin.overridden
        && !merge::source_moved(case, here, there)
    {
        return unchanged(Why::SameAsSynced);
    }
    let stale = case.item.lead_id().filter(|_| !known.source.fresh);
    if (known.doubtful || is_older || case.may_be_stale(here))
        && let Some(id) = stale
    {
        return Decision::read_source(id);
    }
    let lead_id = LeadId::new(&there.id);
    match &known.twin.lead {
        None => Decision::read_twin(lead_id),
        Some(lead) => merged(case, opposite, lead, (LeadId::new(&here.id), lead_id), stale),
    }
}

/// The next step of a merge with a lead that was read from the destination. `stale` is the id of
/// the source's lead while only its payload is known.
pub(super) fn merged(
    case: &Case<'_>,
    opposite: Opposite<'_>,
    lead: &Snapshot,
    (here, there): (LeadId, LeadId),
    stale: Option<LeadId>,
) -> Decision {
    let merge = merge::merge(case, opposite, lead);
    let mut fields = merge.to_destination.clone();
    let is_empty = |to: &str| fields.iter().all(|change| change.to != to);
    let defaults = change::defaults(case, |to| lead.get(to));
    let wrote = |change: &Change| case.known.twin.wrote.iter().any(|wrote| wrote.to == change.to);
    let defaults: Vec<Change> =
        defaults.into_iter().filter(|change| is_empty(&change.to) && !wrote(change)).collect();
    fields.extend(defaults);
    // The lead as posted is good enough to write to the destination, but not to be overwritten
    // itself.
    if !merge.to_source.is_empty()
        && let Some(id) = stale
    {
        return Decision::read_source(id);
    }
    if !fields.is_empty() {
        return Decision::update(case, there, fields);
    }
    if !merge.to_source.is_empty() {
        return Decision::Call(Call::UpdateLead(LeadUpdate {
            party: Party::Source,
            lead_id: here,
            fields: merge.to_source,
            fires: case.fires(Party::Source),
        }));
    }
    if !merge.tripped.is_empty() {
        return Decision::Freeze(merge.tripped);
    }
    match merge.review(case, lead) {
        Some(review) => Decision::Ask(Box::new(review)),
        None => Decision::Unchanged(Why::SameInDestination, Some(there.into())),
    }
}

/// Updates a lead where it differs from what the record sends. The lead's value may be that in the
/// account's own encoding, but not if the source `changed` since: somebody may just have removed
/// the encoding.
pub(super) fn update_known(
    case: &Case<'_>,
    lead: &Snapshot,
    lead_id: LeadId,
    changed: Vec<Change>,
) -> Decision {
    let mut fields = change::against(case, lead);
    let is_new = |change: &Change| {
        let held = lead.get(&change.to).unwrap_or_default();
        !value::stays(change.kind, &change.value, held, case.mapping.reading())
    };
    for change in changed.into_iter().filter(is_new) {
        if fields.iter().all(|field| field.to != change.to) {
            fields.push(change);
        }
    }
    if fields.is_empty() {
        Decision::Unchanged(Why::SameInDestination, Some(lead_id.into()))
    } else {
        Decision::update(case, lead_id, fields)
    }
}

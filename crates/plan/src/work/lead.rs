//! What to do about a lead.

use jiff::SignedDuration;

use crate::change::Change;
use crate::connector::Behaviour;
use crate::id::LeadId;
use crate::identity::{self, Key};
use crate::link::{End, Link};
use crate::outcome::Party;
use crate::problem::{Code, Problem};
use crate::snapshot::Snapshot;

use super::call::{Call, Capture, LeadUpdate};
use super::case::{Case, Opposite};
use super::decision::Decision;
use super::explanation::Why;
use super::matching::{Match, matched};
use super::past::Past;
use super::{change, merge, problems, removed};

/// Decides what to do about a lead.
pub(super) fn decide(case: &Case<'_>) -> Decision {
    if let Some(removal) = case.item.removal() {
        return removed::decide(case, removal);
    }
    if !case.mapped.problems.is_empty() {
        return Decision::Refuse(case.mapped.problems.clone());
    }
    let behaviour = case.connector.lead.behaviour;
    if behaviour == Behaviour::DoNothing {
        return Decision::Skip(Problem::new(
            Code::DoNothing,
            "The connector's lead behaviour is to do nothing.",
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
            "Its counterpart in the destination was deleted there, or merged into another lead, so \
             it is not created again.",
            "Nothing need be done. If the lead should exist there, create it in the destination.",
        ));
    }
    match (case.link, case.opposite) {
        (Some(link), Some(opposite)) if !case.known.twin.gone => {
            both_ways(case, opposite, link, behaviour)
        }
        (Some(link), None) if !case.known.twin.gone => linked(case, link, behaviour),
        _ => unlinked(case, behaviour),
    }
}

/// What to do first about a lead that may be gone from the source since this was posted.
pub(super) fn late(case: &Case<'_>, is_gone: bool) -> Option<Decision> {
    let source = case.known.source;
    if !is_gone && !source.was_gone {
        return None;
    }
    if source.gone {
        return Some(Decision::Skip(Problem::new(
            Code::Removed,
            "The lead was deleted in the source, or merged into another one, since this came.",
            "Nothing need be done.",
        )));
    }
    let lead_id = case.item.lead_id().filter(|_| !source.fresh)?;
    Some(Decision::read_source(lead_id))
}

/// A linked lead that flows one way.
fn linked(case: &Case<'_>, link: &Link, behaviour: Behaviour) -> Decision {
    let (here, there) = case.ends(link);
    if behaviour == Behaviour::CreateOnly {
        return Decision::Skip(problems::exists());
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
        && here.may_be_stale(version)
        && let Some(lead_id) = case.item.lead_id()
    {
        return Decision::read_source(lead_id);
    }
    let lead_id = LeadId::new(&there.id);
    match &case.known.twin.lead {
        None if case.known.doubtful || !defaults.is_empty() => Decision::read_twin(lead_id),
        None => Decision::update(case, lead_id, changes),
        Some(lead) => update_known(case, lead, lead_id),
    }
}

/// What was posted is old; where a person asks again and the mapping of now sends something else than
/// was sent, the lead is read.
fn looks_again(case: &Case<'_>, here: &End, there: &End) -> Option<Decision> {
    let is_outdated = || Past::of(case.mapping, case.item, here, there).is_outdated();
    let lead_id = case.item.lead_id().filter(|_| case.known.asked && is_outdated())?;
    Some(Decision::read_source(lead_id))
}

/// A linked lead that flows both ways.
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
    if !known.source.fresh && is_older {
        return looks_again(case, here, there).unwrap_or(unchanged(Why::Stale));
    }
    let has_defaults = !change::defaults(case, |to| there.base.get(to)).is_empty();
    let is_clear = here.pending.is_empty() && there.pending.is_empty();
    if known.twin.lead.is_none()
        && is_clear
        && !has_defaults
        && !merge::source_moved(case, here, there)
    {
        return unchanged(Why::SameAsSynced);
    }
    let stale = case.item.lead_id().filter(|_| !known.source.fresh);
    if (known.doubtful || here.may_be_stale(version))
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

/// What a merge with a lead that was read from the destination asks for next. `stale` is the id of
/// the source's lead while it is known only as it was posted.
fn merged(
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
    // The lead as it was posted is good enough to be written on, but not to be overwritten.
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

/// A lead that is not linked, or whose twin is gone.
pub(super) fn unlinked(case: &Case<'_>, behaviour: Behaviour) -> Decision {
    let known = case.known;
    let found = match matched(case) {
        Match::Nobody => None,
        Match::Lead(lead) => Some(lead),
        Match::Not(decision) => return decision,
    };
    if let Some(lead) = found {
        return matched_to(case, lead, behaviour);
    }
    if let Some(lead_id) = &known.twin.lead_id {
        return Decision::read_twin(lead_id.clone());
    }
    let mut keys = identity::keys(&case.connector.basic, case.mapped);
    if keys.is_empty() {
        return Decision::Refuse(vec![problems::no_key(case)]);
    }
    sent_keys(case, &mut keys);
    let next = keys.get(known.search.keys_tried);
    let defaults = change::defaults(case, |_| None);
    let look = known.doubtful
        || known.search.look_first
        || !defaults.is_empty()
        || !all_unique(case, &keys);
    match (behaviour, next) {
        (Behaviour::UpdateOnly, None) => Decision::Skip(problems::not_found()),
        (Behaviour::UpdateOnly, Some(key)) => Decision::find(key),
        (_, Some(key)) if look => Decision::find(key),
        (_, next) => {
            // After looking by every key in vain the first one is the lead's name again.
            let key = if look { keys.first() } else { next };
            let Some(key) = key else {
                return Decision::Refuse(vec![problems::keys_disagree(&keys)]);
            };
            capture(case, key, defaults, behaviour)
        }
    }
}

/// A lead of the destination is the record's.
fn matched_to(case: &Case<'_>, lead: &Snapshot, behaviour: Behaviour) -> Decision {
    let known = case.known;
    let Some(lead_id) = lead.lead_id() else { return Decision::Refuse(vec![problems::no_id()]) };
    if behaviour == Behaviour::CreateOnly {
        return if known.doubtful {
            Decision::Unchanged(Why::SameInDestination, Some(lead_id.into()))
        } else {
            Decision::Skip(problems::exists())
        };
    }
    match (case.opposite, case.item.lead_id()) {
        (Some(_), Some(_))
            if known.doubtful && (was_made_since(case, lead) || was_sent(case, lead)) =>
        {
            Decision::Adopt(lead_id)
        }
        (Some(opposite), Some(here)) => {
            let stale = Some(here.clone()).filter(|_| !known.source.fresh);
            merged(case, opposite, lead, (here, lead_id), stale)
        }
        _ => update_known(case, lead, lead_id),
    }
}

/// Creates the lead, or updates the one that has the key.
fn capture(case: &Case<'_>, key: &Key, defaults: Vec<Change>, behaviour: Behaviour) -> Decision {
    let mut on_create = defaults;
    on_create.extend(change::lead_source(case).filter(|_| !case.known.search.exists));
    let fields = change::all(case)
        .into_iter()
        .filter(|change| on_create.iter().all(|other| other.to != change.to))
        .collect();
    Decision::Call(Call::Capture(Capture {
        key: key.clone(),
        fields,
        on_create,
        // Where both sides have a say, a lead that exists is merged, not overwritten.
        update: behaviour != Behaviour::CreateOnly && case.opposite.is_none(),
        creates_once: creates_once(case),
    }))
}

/// Whether a lead that flows both ways was made by an earlier attempt at an activity of it.
pub(super) fn was_made_for(case: &Case<'_>, lead: &Snapshot) -> bool {
    case.known.doubtful
        && case.opposite.is_some()
        && case.item.lead_id().is_some()
        && was_made_since(case, lead)
}

/// Whether the lead was created after what the record shows of the source, and holds all that was
/// to be sent: then it was made by us, or whoever made it meant the same.
fn was_made_since(case: &Case<'_>, lead: &Snapshot) -> bool {
    let made = lead
        .filled("CreatedOn")
        .and_then(|text| crate::moment::instant(text, &jiff::tz::TimeZone::UTC));
    !case.known.source.fresh
        && change::holds_all(case, lead)
        && made
            .zip(case.item.modified_on())
            .is_some_and(|(made, shown)| made + SignedDuration::from_secs(1) > shown)
}

/// Adds the keys that an earlier attempt may have made the lead with, before they were changed.
fn sent_keys(case: &Case<'_>, keys: &mut Vec<Key>) {
    let Some(pending) = case.pending() else { return };
    for at in 0..keys.len() {
        for value in pending.get(&keys[at].field).into_iter().flatten() {
            let Key { field, kind, .. } = keys[at].clone();
            let key = Key { field, kind, value: value.clone() };
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
}

/// Whether the lead has a key that an earlier attempt may have made it with.
fn was_sent(case: &Case<'_>, lead: &Snapshot) -> bool {
    let basic = &case.connector.basic;
    let fields = std::iter::once(&basic.search_by).chain(&basic.secondary_search_by);
    let held = |field: &String| {
        let sent = case.pending().and_then(|pending| pending.get(field));
        sent.into_iter().flatten().any(|value| Some(value.as_str()) == lead.get(field))
    };
    fields.into_iter().any(held)
}

/// Whether the account itself keeps the second key from being given to a second lead: then a lead
/// that the first key can't find is found by its refusal, at no cost.
fn all_unique(case: &Case<'_>, keys: &[Key]) -> bool {
    keys.iter().skip(1).all(|key| is_unique(case, key))
}

/// Whether the account refuses to create a lead that any of the record's keys finds already: then
/// the lead may be created without looking first, by a call that never updates.
fn creates_once(case: &Case<'_>) -> bool {
    let keys = identity::keys(&case.connector.basic, case.mapped);
    !case.known.search.exists && keys.iter().all(|key| is_unique(case, key))
}

/// Email, phone and mobile number are unique in every account
/// (HL/how-to-make-a-custom-field-unique).
fn is_unique(case: &Case<'_>, key: &Key) -> bool {
    matches!(key.field.as_str(), "EmailAddress" | "Phone" | "Mobile")
        || case.mapping.targets().any(|field| field.schema_name == key.field && field.unique)
}

fn update_known(case: &Case<'_>, lead: &Snapshot, lead_id: LeadId) -> Decision {
    let fields = change::against(case, lead);
    if fields.is_empty() {
        Decision::Unchanged(Why::SameInDestination, Some(lead_id.into()))
    } else {
        Decision::update(case, lead_id, fields)
    }
}

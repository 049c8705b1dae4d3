//! The link of two leads, or two activities, after a call.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::case::{Case, Opposite};
use super::past::whole;
use super::{change, given, merge};
use crate::change::Change;
use crate::id::LeadId;
use crate::link::Link;
use crate::mapping::MappedField;
use crate::metadata::Kind;
use crate::outcome::Entity;
use crate::payload::Item;
use crate::snapshot::Snapshot;
use crate::value;

/// The link after the one in the destination was found to have, or was given, what the record
/// sends; `None` if the record does not contain its id in the source.
///
/// `written` are the fields that were written, and `at` when; none if nothing had to be.
pub(super) fn settle(
    case: &Case<'_>,
    destination_id: &str,
    written: &[Change],
    at: Option<Timestamp>,
) -> Option<Link> {
    let mut link = settled(case, destination_id, written, at)?;
    // What the lead has yet to get is not synced yet.
    let here = link.pair.side(case.source);
    for change in case.known.twin.withheld.iter().flat_map(|(_, fields)| fields) {
        let from = case.mapped.get(&change.to).and_then(|field| field.from.as_deref());
        from.and_then(|from| link.end_mut(here).base.0.remove(from));
    }
    Some(link)
}

fn settled(
    case: &Case<'_>,
    destination_id: &str,
    written: &[Change],
    at: Option<Timestamp>,
) -> Option<Link> {
    let mut link = link_to(case, destination_id)?;
    let (here, there) = (link.pair.side(case.source), link.pair.side(case.destination));
    link.end_mut(here).is_gone = case.item.removal().is_some();
    link.end_mut(here).is_left_out = false;
    if link.end(here).is_gone {
        for change in written {
            link.end_mut(there).base.put(change.to.as_str(), change.value.as_str());
        }
        return Some(link);
    }

    if let Some(opposite) = case.opposite {
        if let Some(at) = at {
            // One that replaces a lead that is gone is as new as the first.
            let is_linked = case.link.is_some_and(|kept| kept.end(there).id == destination_id);
            let is_new = case.known.twin.lead.is_none() && !is_linked;
            if is_new {
                made(case, opposite, &mut link, written, at);
            } else {
                overwritten(case, &mut link, written, at);
            }
        }
        // A lead that was just created agrees; one that was read has its merge completed first.
        if written.is_empty() || case.known.twin.lead.is_none() {
            agree(case, opposite, &mut link);
        }
        return Some(link);
    }

    for side in [here, there] {
        link.end_mut(side).given.get_or_insert_default();
    }
    given::note_sent(case, &mut link, written);
    given::note_settled(case, &mut link);
    take_up(case, &mut link, written);
    let end = link.end_mut(here);
    // A state from before our own write does not show what the source has since; if it differed in
    // anything that is sent, it would have been read again.
    let mut read = case.mapping.read_part(case.item);
    if !case.known.source.fresh && case.may_be_stale(end) {
        read.0.retain(|field, _| end.base.get(field).is_none());
    }
    end.base.absorb(&read);
    // Only a state whose mapped fields are all in the destination now may move `seen`
    // (`docs/two-way.md#trap-i`): that is what being here means.
    end.seen = end.seen.max(case.item.modified_on());

    let end = link.end_mut(there);
    for field in &case.mapped.fields {
        if let Some(lead) = &case.known.twin.lead
            && let Some(value) = lead.get(&field.to)
        {
            end.base.put(field.to.as_str(), value);
        }
    }
    for change in written {
        end.base.put(change.to.as_str(), change.value.as_str());
        end.pending.remove(&change.to);
    }
    end.wrote = end.wrote.max(at);
    Some(link)
}

/// The link once everything was merged: the current state of both sides is agreed.
fn agree(case: &Case<'_>, opposite: Opposite<'_>, link: &mut Link) {
    let (here, there) = (link.pair.side(case.source), link.pair.side(case.destination));
    let merge = case.known.twin.lead.as_ref().map(|lead| merge::merge(case, opposite, lead));
    let is_met = merge.is_some();
    let merge::Merge { open, left, own, .. } = merge.unwrap_or_default();
    let is_settled = open.iter().all(BTreeSet::is_empty);
    if link.end(here).given.is_none() || link.end(there).given.is_none() {
        for side in [here, there] {
            link.end_mut(side).given.get_or_insert_default();
        }
        given::note_sent(case, link, &case.known.twin.wrote);
        given::note_sent_back(case, opposite, link, &case.known.twin.wrote_back);
    }
    let before = link.clone();
    let state = merge::overlaid(&case.item.state(), &case.known.twin.wrote_back);
    let item = Item::from_state(Entity::Lead, &state);
    let read = case.mapping.read_part(&item);
    // A state that may be from before our own write to the source does not show what it has since
    // (`docs/two-way.md#trap-ii`): it has no differences, or it would have been read again.
    let version = case.item.modified_on();
    if case.known.source.fresh || version.is_some() && !link.end(here).may_be_stale(version) {
        let unmet =
            given::note_merged(case.mapping, &item, (&before, link), (here, there), &open[1]);
        let mut read = without(read, &unmet);
        let end = link.end_mut(here);
        // Fields that the two have not agreed about are not settled without looking at the other
        // side.
        let is_same = case.link.is_some_and(|kept| kept.end(there).id == before.end(there).id);
        if is_same && case.known.twin.lead.is_none() {
            read.0.retain(|field, _| end.base.get(field).is_some());
        }
        if case.known.source.fresh {
            end.pending.clear();
        }
        end.learn(read, &case.known.twin.wrote_back, &open[0]);
        end.note_state(version, is_settled);
    }
    if let Some(lead) = &case.known.twin.lead {
        let version = Item::from_state(Entity::Lead, lead).modified_on();
        let state = merge::overlaid(lead, &case.known.twin.wrote);
        let item = Item::from_state(Entity::Lead, &state);
        let read = opposite.mapping.read_part(&item);
        let unmet =
            given::note_merged(opposite.mapping, &item, (&before, link), (there, here), &open[0]);
        given::note_apart(case, opposite, link, &state);
        let read = without(read, &unmet);
        let end = link.end_mut(there);
        end.pending.clear();
        end.learn(read, &case.known.twin.wrote, &open[1]);
        // What was read here and is only written there has a base too.
        let written = case
            .mapped
            .fields
            .iter()
            .filter_map(|field| Some((field.to.as_str(), state.get(&field.to)?)));
        end.learn(without(written.collect(), &unmet), &case.known.twin.wrote, &open[1]);
        end.note_state(version, is_settled);
    }
    if is_met {
        let [in_source, in_destination] = left;
        link.end_mut(here).left = in_source;
        link.end_mut(there).left = in_destination;
        for (side, open) in [(here, &open[0]), (there, &open[1])] {
            link.end_mut(side).disputed.retain(|field| open.contains(field));
        }
    }
    let [in_source, in_destination] = own;
    given::note_own(link, (here, there), in_source, &open[1]);
    given::note_own(link, (there, here), in_destination, &open[0]);
}

fn without(mut state: Snapshot, fields: &BTreeSet<String>) -> Snapshot {
    state.0.retain(|field, _| !fields.contains(field));
    state
}

/// The link between the record's lead or activity and this one of the destination: the existing
/// one, or a new one. `None` if the record does not contain its id in the source.
fn link_to(case: &Case<'_>, destination_id: &str) -> Option<Link> {
    let source_id = case.item.id()?;
    let kept =
        case.link.filter(|link| link.end(link.pair.side(case.destination)).id == destination_id);
    Some(kept.cloned().unwrap_or_else(|| {
        let ends = ((case.source, source_id.as_str()), (case.destination, destination_id));
        Link::new(case.item.entity(), ends.0, ends.1)
    }))
}

/// The link after these fields of the lead in the source were written, because the destination
/// changed them or wins.
pub(super) fn settle_back(case: &Case<'_>, written: &[Change], at: Timestamp) -> Option<Link> {
    let (opposite, lead) = (case.opposite?, case.known.twin.lead.as_ref()?);
    let mut link = link_to(case, lead.lead_id()?.as_str())?;
    let (here, there) = (link.pair.side(case.source), link.pair.side(case.destination));
    given::note_sent_back(case, opposite, &mut link, written);
    for change in written {
        link.end_mut(here).overwrite(&change.to, &change.value, at);
        link.end_mut(here).decide(&change.to);
        let from = opposite.mapping.row_to(&change.to).and_then(|row| row.from.as_deref());
        let from = from.map(crate::mapping::plain_name);
        if let Some((from, value)) = from.and_then(|from| Some((from, lead.get(from)?))) {
            link.end_mut(there).base.put(from, value);
            link.end_mut(there).decide(from);
        }
    }
    Some(link)
}

/// The link before these fields are written to one of its leads, to be stored before the call is
/// sent: whatever happens to it, these values are known to be ours if that lead shows them later.
/// `None` if the lead is not synced both ways.
pub(super) fn announce(case: &Case<'_>, fields: &[Change], in_source: bool) -> Option<Link> {
    let opposite = case.opposite?;
    let linked = case.link.map(|link| case.ends(link).1.id.clone());
    let found = || Some(case.known.twin.lead.as_ref()?.lead_id()?.into());
    let mut link = link_to(case, &linked.or_else(found)?)?;
    note_alike(case, opposite, &mut link);
    let account = if in_source { case.source } else { case.destination };
    link.end_mut(link.pair.side(account)).announce(fields);
    Some(link)
}

/// Notes the fields that were just found equal on both sides, for leads being linked for the first
/// time: their merge may be interrupted, and what a person changes before it continues must count as
/// a change.
fn note_alike(case: &Case<'_>, opposite: Opposite<'_>, link: &mut Link) {
    let Some(lead) = case.known.twin.lead.as_ref().filter(|_| case.known.source.fresh) else {
        return;
    };
    let (here, there) = (link.pair.side(case.source), link.pair.side(case.destination));
    let shows_twin = lead.lead_id().is_some_and(|id| id.as_str() == link.end(there).id);
    let (wrote, wrote_back) = (&case.known.twin.wrote, &case.known.twin.wrote_back);
    if !shows_twin || !wrote.is_empty() || !wrote_back.is_empty() {
        return;
    }
    let state = case.item.state();
    let back = opposite.mapping.apply(&Item::from_state(Entity::Lead, lead));
    for field in &case.mapped.fields {
        let (Some(from), Some(value)) = (field.from.as_deref(), field.sent.written()) else {
            continue;
        };
        let (Some(now), Some(held)) = (state.get(from), lead.get(&field.to)) else { continue };
        let has_base = link.end(here).base.get(from).is_some()
            || link.end(there).base.get(&field.to).is_some();
        // Fields synced in one direction only have no other side to differ from.
        let Some(theirs) = back.get(from).and_then(|field| field.sent.written()) else { continue };
        let is_alike = value::holds(field.kind, value, held, case.mapping.reading())
            && value::holds(field.kind, theirs, now, opposite.mapping.reading());
        if has_base || !is_alike {
            continue;
        }
        link.end_mut(here).base.put(from, now);
        link.end_mut(here).note_own(from);
        link.end_mut(there).base.put(field.to.as_str(), held);
        link.end_mut(there).note_own(&field.to);
    }
}

/// The same for fields of the activity in the destination. Activities are not read before they are
/// written, so this is also how a field that a lost call may have written is written again.
pub(super) fn announce_activity(case: &Case<'_>, fields: &[Change]) -> Option<Link> {
    let mut link = case.link?.clone();
    link.end_mut(link.pair.side(case.destination)).announce(fields);
    Some(link)
}

/// The link to a lead that is gone, before another one is created with these fields in its place.
pub(super) fn announce_in_place(case: &Case<'_>, fields: &[Change]) -> Option<Link> {
    case.opposite?;
    let mut link = case.link?.clone();
    let there = link.end_mut(link.pair.side(case.destination));
    // What should have been written to the lead that is gone is not sent to the new one.
    let is_sent = |field: &str| fields.iter().any(|change| change.to == field);
    there.pending.retain(|field, _| there.replaced_at.is_some() && is_sent(field));
    there.replaced_at.get_or_insert(case.now);
    there.announce(fields);
    Some(link)
}

/// The lead was created with these values.
fn made(
    case: &Case<'_>,
    opposite: Opposite<'_>,
    link: &mut Link,
    written: &[Change],
    at: Timestamp,
) {
    given::note_sent(case, link, written);
    let there = link.end_mut(link.pair.side(case.destination));
    for change in written {
        there.write(&change.to, &change.value, at);
    }
    // What was not written is empty there.
    let fields = case.mapping.targets().map(|field| field.schema_name.as_str());
    for field in fields.chain(opposite.mapping.sources()) {
        if there.base.get(field).is_none() {
            there.base.put(field, "");
        }
    }
}

/// These fields of an existing lead were changed.
fn overwritten(case: &Case<'_>, link: &mut Link, written: &[Change], at: Timestamp) {
    let (here, there) = (link.pair.side(case.source), link.pair.side(case.destination));
    given::note_sent(case, link, written);
    take_up(case, link, written);
    let end = link.end_mut(here);
    end.newest_sent = end.newest_sent.max(case.item.modified_on());
    for change in written {
        link.end_mut(there).overwrite(&change.to, &change.value, at);
    }
    let state = case.item.state();
    let sent = |field: &&MappedField| written.iter().any(|change| change.to == field.to);
    for from in case.mapped.fields.iter().filter(sent).filter_map(|f| f.from.as_deref()) {
        if let Some(value) = state.get(from) {
            link.end_mut(here).base.put(from, value);
        }
    }
}

/// What is written to the destination no longer counts as left: the webhook of our own write is not
/// an earlier edit.
fn take_up(case: &Case<'_>, link: &mut Link, written: &[Change]) {
    let (here, there) = (link.pair.side(case.source), link.pair.side(case.destination));
    for change in written {
        link.end_mut(there).decide(&change.to);
        let from = case.mapped.get(&change.to).and_then(|field| field.from.as_deref());
        if let Some(from) = from {
            link.end_mut(here).decide(whole(from));
        }
    }
}

/// The link to a lead that an earlier attempt created although its response was lost: as if the
/// response had arrived.
pub(super) fn adopt(case: &Case<'_>, lead_id: &LeadId, at: Timestamp) -> Option<Link> {
    let opposite = case.opposite?;
    let mut link = link_to(case, lead_id.as_str())?;
    if let Some(sent) = case.pending().filter(|sent| !sent.is_empty()) {
        adopt_as_sent(case, opposite, &mut link, sent, at);
        return Some(link);
    }
    let mut written = change::all(case);
    written.extend(change::defaults(case, |_| None));
    written.extend(change::lead_source(case));
    made(case, opposite, &mut link, &written, at);
    let sides = (link.pair.side(case.source), link.pair.side(case.destination));
    given::note_owed(&mut link, sides, case.mapped.owed(), &case.item.state());
    let here = link.end_mut(sides.0);
    here.base.absorb(&case.mapping.read_part(case.item));
    here.seen = case.item.modified_on();
    Some(link)
}

/// The same for a lead that replaces one that is gone: the source may have changed since the
/// attempt, and what was sent is known.
fn adopt_as_sent(
    case: &Case<'_>,
    opposite: Opposite<'_>,
    link: &mut Link,
    sent: &BTreeMap<String, Vec<String>>,
    at: Timestamp,
) {
    let last = sent.iter().filter_map(|(to, values)| Some((to, values.last()?)));
    let written: Vec<Change> = last.map(|(to, value)| Change::new(to, Kind::Text, value)).collect();
    made(case, opposite, link, &written, at);
    let side = link.pair.side(case.source);
    let here = link.end_mut(side);
    // If the source has not changed since, it is what the two agree on; otherwise, what they agreed
    // on before.
    here.base = case.link.map(|old| old.end(side).base.clone()).unwrap_or_default();
    // The two can't have agreed about anything that was not sent.
    let is_sent = |field: &MappedField| written.iter().any(|sent| sent.to == field.to);
    let unsent = case.mapped.fields.iter().filter(|field| !is_sent(field));
    for from in unsent.filter_map(|field| field.from.as_deref()) {
        here.base.put(from, "");
    }
    let state = case.item.state();
    let is_same = |field: &&MappedField| {
        let sent = written.iter().find(|change| change.to == field.to);
        sent.zip(field.sent.written()).is_some_and(|(sent, now)| {
            value::holds(field.kind, now, &sent.value, case.mapping.reading())
        })
    };
    for field in &case.mapped.fields {
        let Some(from) = field.from.as_deref() else { continue };
        let Some(now) = state.get(from) else { continue };
        if is_same(&field) {
            here.base.put(from, now);
        } else if here.base.get(from) == Some(now)
            && let Some(sent) = written.iter().find(|change| change.to == field.to)
        {
            // The source is back to what was agreed before the other value was sent.
            here.base.put(from, sent.value.as_str());
        }
    }
}

//! Where the agreed value of a field came from, and how it was sent: stored in the link, so that a
//! mapping corrected since is noticed (`docs/two-way.md#mapping`).

use std::collections::BTreeSet;

use super::case::{Case, Opposite};
use super::cell::Own;
use super::past::whole;
use crate::change::Change;
use crate::link::{Given, Link, Side};
use crate::mapping::{Mapping, Unsent};
use crate::payload::Item;
use crate::snapshot::Snapshot;

/// These fields of the destination were set to the source's values.
pub(super) fn note_sent(case: &Case<'_>, link: &mut Link, written: &[Change]) {
    let (here, there) = (link.pair.side(case.source), link.pair.side(case.destination));
    for change in written {
        link.end_mut(there).note_sent(&change.to, Some(&change.value));
        let from = case.mapped.get(&change.to).and_then(|field| field.from.as_deref());
        if let Some(from) = from {
            link.end_mut(here).note_own(whole(from));
        }
    }
}

/// These fields of the source were set to the destination's values.
pub(super) fn note_sent_back(
    case: &Case<'_>,
    opposite: Opposite<'_>,
    link: &mut Link,
    written: &[Change],
) {
    let (here, there) = (link.pair.side(case.source), link.pair.side(case.destination));
    for change in written {
        link.end_mut(here).note_sent(&change.to, Some(&change.value));
        let row = opposite.mapping.row_to(&change.to);
        if let Some(from) = row.and_then(|row| row.from.as_deref()) {
            link.end_mut(there).note_own(whole(from));
        }
    }
}

/// What the record sends is settled, whether it was written, already there, or belongs to another
/// lead; what it can't send is outstanding. The base is still the old one.
pub(super) fn note_settled(case: &Case<'_>, link: &mut Link) {
    let (here, there) = (link.pair.side(case.source), link.pair.side(case.destination));
    for field in &case.mapped.fields {
        let Some(value) = field.sent.written() else { continue };
        let from = field.from.as_deref().map(whole);
        // What we wrote to the source ourselves came from the destination.
        match from.and_then(|from| link.end(here).given(from)) {
            Some(Given::Sent(_)) => link.end_mut(there).note_own(&field.to),
            _ => link.end_mut(there).note_sent(&field.to, Some(value)),
        }
    }
    note_owed(link, (here, there), case.mapped.owed(), &case.item.state());
}

/// What a side changed and can't send is outstanding. Its base is still the old one.
pub(super) fn note_owed<'a>(
    link: &mut Link,
    (from, to): (Side, Side),
    owed: impl Iterator<Item = &'a Unsent>,
    state: &Snapshot,
) {
    for owed in owed {
        let source = owed.from.as_deref().map(whole);
        // What we wrote there ourselves is not somebody's change.
        let base = link.end(from).base_beside(state);
        if source.is_some_and(|source| base.get(source) == state.get(source)) {
            continue;
        }
        link.end_mut(to).note_sent(&owed.to, None);
        if let Some(source) = source {
            link.end_mut(from).note_own(source);
        }
    }
}

/// What this side sends is settled, except for the `open` fields of the other, and what it can't send
/// is outstanding. Its base is still the old one. Returns its fields that will be compared with those
/// of the other side for the first time once they can be sent.
pub(super) fn note_merged(
    mapping: &Mapping,
    item: &Item,
    (before, link): (&Link, &mut Link),
    (from, to): (Side, Side),
    open: &BTreeSet<String>,
) -> BTreeSet<String> {
    let mapped = mapping.apply(item);
    for field in mapped.fields.iter().filter(|field| !open.contains(&field.to)) {
        let Some(value) = field.sent.written() else { continue };
        let pending = before.end(to).pending.get(&field.to);
        let is_ours = pending.is_some_and(|sent| sent.iter().any(|sent| sent == value));
        match link.end(to).given(&field.to) {
            _ if is_ours => link.end_mut(to).note_sent(&field.to, Some(value)),
            Some(Given::Own(_)) => {}
            Some(Given::Sent(_) | Given::Unsent) => {
                link.end_mut(to).note_sent(&field.to, Some(value));
            }
            None => link.end_mut(to).note_own(&field.to),
        }
    }
    let has_met = |owed: &Unsent| {
        let source = owed.from.as_deref().map(whole);
        let base = &before.end(from).base;
        before.end(to).base.get(&owed.to).is_some()
            || source.is_some_and(|source| base.get(source).is_some())
    };
    let (met, unmet): (Vec<&Unsent>, Vec<&Unsent>) = mapped.owed().partition(|owed| has_met(owed));
    note_owed(link, (from, to), met.into_iter(), &item.state());
    unmet.into_iter().filter_map(|owed| Some(whole(owed.from.as_deref()?).to_owned())).collect()
}

/// Fields of the destination that somebody changed and that are not synced back no longer match the
/// source, should they be synced back one day. The base is still the old one.
pub(super) fn note_apart(
    case: &Case<'_>,
    opposite: Opposite<'_>,
    link: &mut Link,
    state: &Snapshot,
) {
    let (here, there) = (link.pair.side(case.source), link.pair.side(case.destination));
    for field in &case.mapped.fields {
        let Some(from) = &field.from else { continue };
        let is_changed = link.end(there).base_beside(state).get(&field.to) != state.get(&field.to);
        if is_changed && opposite.mapping.sources().all(|source| source != field.to) {
            link.end_mut(here).note_apart(whole(from));
        }
    }
}

/// What somebody on a side changed, and the other side now has.
pub(super) fn note_own(
    link: &mut Link,
    (from, to): (Side, Side),
    own: Vec<Own>,
    open: &BTreeSet<String>,
) {
    for one in own.into_iter().filter(|one| !open.contains(&one.to)) {
        link.end_mut(to).note_sent(&one.to, Some(&one.value));
        if let Some(field) = &one.from {
            link.end_mut(from).note_own(field);
        }
    }
}

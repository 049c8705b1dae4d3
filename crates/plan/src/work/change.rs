//! Which fields have to be written.

use super::case::Case;
use super::past::{Moved, Past};
use crate::change::Change;
use crate::link::{End, is_covered};
use crate::mapping::MappedField;
use crate::metadata::Kind;
use crate::outcome::Entity;
use crate::snapshot::Snapshot;
use crate::text;
use crate::value;

/// Every value that the record sends.
pub(super) fn all(case: &Case<'_>) -> Vec<Change> {
    let fields = case.mapped.fields.iter();
    fields
        .filter(|field| !case.leaves_out(&field.to))
        .filter_map(|field| Some(Change::new(&field.to, field.kind, field.sent.written()?)))
        .collect()
}

/// The values that differ from what was last synced.
///
/// A field has changed if its mapped value differs from its last synced value under the current
/// mapping, or if that differs from what was sent then. What the destination is known to have is
/// not written again. A field that a lost call may have written is written again, whatever it has.
pub(super) fn since(case: &Case<'_>, here: &End, there: &End) -> Vec<Change> {
    let reading = case.mapping.reading();
    let past = Past::of(case.mapping, case.item, here, there);
    let mut changes = all(case);
    changes.retain_mut(|change| {
        let same = |old: &str| value::stays(change.kind, &change.value, old, reading);
        let Some(field) = case.mapped.get(&change.to) else { return false };
        let has_moved = past.moved(field, &change.value) != Moved::Not;
        let is_sure = !there.pending.contains_key(&change.to);
        if is_sure && !has_moved && !past.is_new(field) && !is_unproven(case, there, field) {
            return false;
        }
        let held = there.base.get(&change.to);
        if is_sure && held.is_some_and(same) {
            return false;
        }
        change.before = held.filter(|held| !is_covered(held)).map(str::to_owned);
        true
    });
    changes
}

/// Whether a link is too old to record what was sent: then the base shows what was written. A key
/// may belong to another lead, and was not written then.
fn is_unproven(case: &Case<'_>, there: &End, field: &MappedField) -> bool {
    let is_lead = case.item.entity() == Entity::Lead;
    is_lead && case.opposite.is_none() && there.given.is_none() && !case.is_key(&field.to)
}

/// The values and defaults that differ from what the destination shows.
pub(super) fn against(case: &Case<'_>, lead: &Snapshot) -> Vec<Change> {
    let reading = case.mapping.reading();
    let mut changes = all(case);
    changes.extend(defaults(case, |to| lead.get(to)));
    changes.retain_mut(|change| {
        let held = lead.get(&change.to).unwrap_or_default();
        change.before = Some(held.to_owned());
        !value::holds(change.kind, &change.value, held, reading)
    });
    changes
}

/// The defaults of fields for which the record has nothing and the destination, as far as `held`
/// knows, has nothing.
pub(super) fn defaults<'a>(case: &Case<'_>, held: impl Fn(&str) -> Option<&'a str>) -> Vec<Change> {
    let fields = case.mapped.fields.iter();
    fields
        .filter(|field| held(&field.to).is_none_or(text::is_blank))
        .filter_map(|field| Some(Change::new(&field.to, field.kind, field.default.as_deref()?)))
        .collect()
}

/// The *Lead Source* that the connector gives to new leads.
pub(super) fn lead_source(case: &Case<'_>) -> Option<Change> {
    let value = case.connector.basic.lead_source.as_deref().filter(|text| !text::is_blank(text))?;
    Some(Change::new("Source", Kind::Text, value))
}

/// Everything that a new lead gets.
pub(super) fn new_lead(case: &Case<'_>) -> Vec<Change> {
    let mut fields = defaults(case, |_| None);
    fields.extend(lead_source(case));
    let mut sent = all(case);
    sent.retain(|one| fields.iter().all(|field| field.to != one.to));
    fields.append(&mut sent);
    fields
}

/// Whether the lead already has everything that would be sent.
pub(super) fn holds_all(case: &Case<'_>, lead: &Snapshot) -> bool {
    let reading = case.mapping.reading();
    all(case).into_iter().all(|change| {
        let held = lead.get(&change.to).unwrap_or_default();
        value::holds(change.kind, &change.value, held, reading)
    })
}

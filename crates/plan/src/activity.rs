//! Activities: which types map to which, and how accounts show them.

mod mapping;

pub use mapping::{
    ActivityMapping, NOTE, OWNER, STANDARD, STATUS, TIME, TypeMapping, TypeRows, Unmapped, forms,
    forms_needed, type_rows,
};

use jiff::Timestamp;

use crate::connector::{ActivityRules, WithoutId};
use crate::id::ActivityId;
use crate::moment;
use crate::outcome::Entity;
use crate::payload::Item;
use crate::snapshot::Snapshot;

/// The activity with this id among those read for its lead, as a record.
pub fn read(id: &ActivityId, lead_id: &str, event: u32, found: &[Snapshot]) -> Option<Item> {
    let own = found.iter().find(|one| one.activity_id().as_ref() == Some(id))?;
    let mut state = own.clone();
    state.put("RelatedProspectId", lead_id);
    state.put("ActivityEvent", event.to_string());
    Some(Item::from_state(Entity::Activity, &state))
}

/// A record as a connector with these settings takes it: an activity whose payload has no id gets
/// one made from its fields, if it should be synced anyway.
#[must_use]
pub fn identified(item: Item, rules: &ActivityRules) -> Item {
    let is_nameless = item.entity() == Entity::Activity && item.activity_id().is_none();
    if is_nameless && rules.without_id == WithoutId::Sync { item.identified() } else { item }
}

/// When an activity happened, to the second, if shown.
pub(crate) fn happened(shown: &Snapshot) -> Option<i64> {
    second_of(shown.filled(TIME)?)
}

/// A time to the second, as written for activities.
pub(crate) fn second_of(written: &str) -> Option<i64> {
    moment::instant(written, &jiff::tz::TimeZone::UTC).map(Timestamp::as_second)
}

/// An activity as read from an account, with the field names that mappings use.
pub fn shown(
    id: &str,
    note: Option<&str>,
    (happened, modified): (Option<&str>, Option<&str>),
    values: impl IntoIterator<Item = (String, String)>,
) -> Snapshot {
    let mut shown: Snapshot = values.into_iter().collect();
    shown.put("ProspectActivityId", id);
    if let Some(note) = note {
        shown.put(NOTE, note);
    }
    let at = happened.and_then(|text| moment::instant(text, &jiff::tz::TimeZone::UTC));
    if let Some(at) = at {
        shown.put(TIME, moment::to_wire(at));
    }
    if let Some(modified) = modified {
        shown.put("ModifiedOn", modified);
    }
    shown
}

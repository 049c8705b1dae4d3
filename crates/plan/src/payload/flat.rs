//! Derived from the fields of a record: the lead in an activity that is posted flat, an id for one
//! without any, and the same record without placeholders.

use std::fmt::Write as _;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{OF_ACTIVITY, OF_OPPORTUNITIES, STANDARD};
use crate::json;
use crate::placeholder::Placeholders;
use crate::snapshot::Snapshot;
use crate::text;

/// Fields that show that an activity carries its lead.
const OF_LEADS: [&str; 5] = ["EmailAddress", "Phone", "Mobile", "FirstName", "LastName"];
/// Fields that an activity has besides those of [`STANDARD`], and that a lead lacks or uses
/// differently.
const OF_ACTIVITIES: [&str; 13] = [
    "ProspectActivityId",
    "RelatedProspectId",
    "ActivityEvent",
    "ActivityEventName",
    "ActivityName",
    "ActivityType",
    "EventCode",
    "EventName",
    "ModifiedOn",
    "CreatedBy",
    "ModifiedBy",
    "Status",
    "Owner",
];
/// The prefix of a generated id.
const MADE: &str = "made-";

/// The lead among the fields of an activity that is posted flat; `None` if it has no lead fields.
pub(super) fn lead(body: &Map<String, Value>, lead_id: Option<&str>) -> Option<Map<String, Value>> {
    if !OF_LEADS.iter().any(|name| body.get(*name).is_some_and(Value::is_string)) {
        return None;
    }
    let is_of_activity = |name: &str| {
        let standard = STANDARD.iter().any(|(_, names)| names.contains(&name));
        standard
            || OF_ACTIVITIES.contains(&name)
            || OF_OPPORTUNITIES.contains(&name)
            || OF_ACTIVITY.contains(&name)
            || name.starts_with("mx_Custom_")
    };
    let fields = body.iter().filter(|(name, _)| !is_of_activity(name));
    let mut lead: Map<String, Value> =
        fields.map(|(name, value)| (name.clone(), value.clone())).collect();
    lead.insert("ProspectID".to_owned(), lead_id?.into());
    Some(lead)
}

/// An id for an activity of this lead with these fields. It is the same for the same fields in any
/// order, with or without empty ones.
pub(super) fn made_id(lead_id: &str, state: &Snapshot) -> String {
    let mut hash = Sha256::new();
    let mut take = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    };
    take(lead_id);
    let filled: std::collections::BTreeMap<&String, &String> =
        state.0.iter().filter(|(_, value)| !text::is_blank(value)).collect();
    for (name, value) in filled {
        take(name);
        take(value.trim());
    }
    let hash = hash.finalize();
    hash.iter().take(16).fold(MADE.to_owned(), |mut id, byte| {
        let _ = write!(id, "{byte:02x}");
        id
    })
}

/// The same fields with blanks for placeholders; `None` if there are none.
pub(super) fn without(
    fields: &Map<String, Value>,
    placeholders: &Placeholders,
    is_one: &dyn Fn(&str, &str) -> bool,
) -> Option<Map<String, Value>> {
    let mut changed: Vec<(String, Value)> = Vec::new();
    for (name, value) in fields {
        if let Some(other) = cleaned(name, value, placeholders, is_one) {
            changed.push((name.clone(), other));
        }
    }
    if changed.is_empty() {
        return None;
    }
    let mut fields = fields.clone();
    for (name, value) in changed {
        fields.insert(name, value);
    }
    Some(fields)
}

/// A value without placeholders, if that differs.
fn cleaned(
    name: &str,
    value: &Value,
    placeholders: &Placeholders,
    is_one: &dyn Fn(&str, &str) -> bool,
) -> Option<Value> {
    match value {
        Value::String(text) if is_one(name, text) => Some(Value::Null),
        // A custom field set is a JSON string in reads.
        Value::String(text) if text.starts_with('{') && placeholders.may_be_in(text) => {
            let inner = without(&json::object(text)?, placeholders, is_one)?;
            Some(Value::String(Value::Object(inner).to_string()))
        }
        Value::Object(map) => without(map, placeholders, is_one).map(Value::Object),
        Value::Array(values) => {
            let clean = |value: &Value| cleaned(name, value, placeholders, is_one);
            let others: Vec<Option<Value>> = values.iter().map(clean).collect();
            if others.iter().all(Option::is_none) {
                return None;
            }
            // Blank entries of a list of options are left out.
            let kept = values.iter().zip(others).filter_map(|(value, other)| match other {
                Some(Value::Null) => None,
                Some(other) => Some(other),
                None => Some(value.clone()),
            });
            Some(Value::Array(kept.collect()))
        }
        _ => None,
    }
}

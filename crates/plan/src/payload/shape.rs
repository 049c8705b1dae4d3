//! Finds the records in a body, wherever they are.
//!
//! A record may be the whole body or an entry of a list, be wrapped in `data` or another name, and
//! be a JSON string in each of these places, as may the blocks of a record. If that is unambiguous
//! it is unwrapped here, so that the reader of a record sees one form.

use serde_json::{Map, Value};

use super::{Found, OF_ACTIVITY, OF_OPPORTUNITIES, STATES};
use crate::id;
use crate::json::{self, Room};
use crate::placeholder::is_unfilled;
use crate::problem::shortened;

/// How deeply nested JSON strings, lists and wrappers are unwrapped.
const MOST_LAYERS: usize = 4;
/// The ids that make an object a lead or an activity.
const IDS: [&str; 3] = ["ProspectID", "ProspectId", "ProspectActivityId"];
/// Fields that identify a lead even without an id.
const COMMON: [&str; 5] = ["FirstName", "LastName", "EmailAddress", "Phone", "Mobile"];
/// Names under which senders put the whole of a record or a list.
const WRAPPERS: [&str; 14] = [
    "activities",
    "activity",
    "body",
    "data",
    "event",
    "events",
    "items",
    "json",
    "lead",
    "leads",
    "message",
    "payload",
    "records",
    "result",
];

/// The names under which a list of fields and values names the field.
const PROPERTY: [&str; 3] = ["Attribute", "Key", "SchemaName"];

/// The block of this name, ignoring case.
pub(super) fn block(name: &str) -> Option<&'static str> {
    let blocks = std::iter::once("Before").chain(STATES).chain(OF_ACTIVITY);
    blocks.chain(["LeadPropertyList"]).find(|block| block.eq_ignore_ascii_case(name))
}

/// The records of a body, each in its original form.
pub(super) fn records(value: Value, room: &Room) -> Vec<Value> {
    let mut records = Vec::new();
    unfold(value, room, MOST_LAYERS, &mut records);
    records
}

fn unfold(value: Value, room: &Room, layers: usize, records: &mut Vec<Value>) {
    let Some(layers) = layers.checked_sub(1) else { return records.push(value) };
    match value {
        Value::String(text) => match json_of(&text, room) {
            Some(Ok(value)) => unfold(value, room, layers, records),
            _ => records.push(Value::String(text)),
        },
        Value::Array(items) => {
            records.reserve(items.len());
            for item in items {
                unfold(item, room, layers, records);
            }
        }
        Value::Object(mut map) => {
            name_blocks(&mut map);
            match wrapped(&mut map, room) {
                Some(inner) => unfold(inner, room, layers, records),
                None => records.push(Value::Object(map)),
            }
        }
        other => records.push(other),
    }
}

/// The JSON in a text that looks like JSON; `None` if it does not.
fn json_of(text: &str, room: &Room) -> Option<Result<Value, serde_json::Error>> {
    text.trim_start().starts_with(['{', '[', '"']).then(|| room.read(text.trim()))
}

/// Renames each block to LeadSquared's spelling.
fn name_blocks(map: &mut Map<String, Value>) {
    let is_other = |(name, value): (&String, &Value)| {
        let is_block = value.is_object() || value.is_array() || value.is_string();
        is_block && block(name).is_some_and(|block| block != name)
    };
    if !map.iter().any(is_other) {
        return;
    }
    // One that already has this name, even later in the object, is not overwritten.
    let is_filled = |name: &str| map.get(name).is_some_and(|value| !value.is_null());
    let filled: Vec<&str> =
        map.keys().filter_map(|name| block(name)).filter(|b| is_filled(b)).collect();
    for (name, value) in std::mem::take(map) {
        let block =
            block(&name).filter(|block| is_other((&name, &value)) && !filled.contains(block));
        match block {
            Some(block) if !map.contains_key(block) || map[block].is_null() => {
                map.insert(block.to_owned(), value);
            }
            _ => {
                map.insert(name, value);
            }
        }
    }
}

/// Two members that are the same block except for case, one of which would be lost.
fn twin_blocks(map: &Map<String, Value>) -> Option<(&str, &str)> {
    let is_full = |value: &Value| value.is_object() || value.is_array();
    map.iter().find_map(|(name, value)| {
        let block = block(name).filter(|block| block != name && is_full(value))?;
        map.get(block)
            .is_some_and(|other| is_full(other) && other != value)
            .then_some((block, name.as_str()))
    })
}

/// Normalises ids to the form used in reads: a number becomes text, and a GUID has dashes and nothing
/// around it.
pub(super) fn plain_ids(map: &mut Map<String, Value>) {
    const IDS_AND_RELATED: [&str; 4] =
        ["ProspectID", "ProspectId", "ProspectActivityId", "RelatedProspectId"];
    for name in IDS_AND_RELATED {
        let Some(value) = map.get_mut(name) else { continue };
        let plain = match &*value {
            Value::Number(number) => Some(number.to_string()),
            Value::String(text) => id::plain(text),
            _ => None,
        };
        if let Some(plain) = plain {
            *value = Value::String(plain);
        }
    }
    for (name, inner) in map.iter_mut() {
        if let (Some(_), Value::Object(inner)) = (block(name), inner) {
            plain_ids(inner);
        }
    }
}

/// The content of an object that is a wrapper and not a record itself.
fn wrapped(map: &mut Map<String, Value>, room: &Room) -> Option<Value> {
    if json::marked(map).is_some() {
        return None;
    }
    let is_record = is_record(map) || COMMON.iter().any(|name| map.contains_key(*name));
    if is_record || map.keys().any(|name| name.starts_with("mx_")) {
        return None;
    }
    let mut found = None;
    let is_only = map.len() == 1;
    for (name, value) in map.iter() {
        let inner = match value {
            Value::String(text) if name.len() < 40 => match json_of(text, room) {
                Some(Ok(value)) => value,
                _ => continue,
            },
            Value::Object(_) | Value::Array(_) => Value::Null,
            _ => continue,
        };
        let seen = if inner.is_null() { value } else { &inner };
        let is_wrapper =
            is_only && WRAPPERS.iter().any(|wrapper| wrapper.eq_ignore_ascii_case(name));
        if !is_wrapper && !holds_records(seen, MOST_LAYERS) {
            continue;
        }
        if found.is_some() {
            // Ambiguous.
            return None;
        }
        found = Some((name.clone(), inner));
    }
    let (name, inner) = found?;
    let outer = map.remove(&name)?;
    Some(if inner.is_null() { outer } else { inner })
}

/// The members of a body that contain records, if the body is not a record itself. If there are
/// several, it is unclear which is meant.
pub(super) fn rivals(body: &Map<String, Value>) -> Vec<&str> {
    let has = |name: &&str| body.contains_key(*name);
    let is_record = IDS.iter().any(has) || has(&"RelatedProspectId") || COMMON.iter().any(has);
    let is_lead = STATES.iter().any(|state| body.get(*state).is_some_and(Value::is_object));
    if is_record || is_lead {
        return Vec::new();
    }
    let holds = |value: &Value| {
        (value.is_object() || value.is_array()) && holds_records(value, MOST_LAYERS)
    };
    body.iter().filter(|(_, value)| holds(value)).map(|(name, _)| name.as_str()).collect()
}

/// Whether this is a record, or a list or a wrapper of some.
fn holds_records(value: &Value, layers: usize) -> bool {
    let Some(layers) = layers.checked_sub(1) else { return false };
    match value {
        Value::Object(map) => {
            is_record(map) || (map.len() == 1 && map.values().all(|v| holds_records(v, layers)))
        }
        Value::Array(items) => items.iter().any(|item| holds_records(item, layers)),
        Value::String(text) => {
            // Only its beginning is checked; it is parsed once it is used.
            let text = text.trim_start();
            text.starts_with('{') && IDS.iter().any(|id| text.contains(id))
        }
        _ => false,
    }
}

/// Whether an object identifies itself as a lead or an activity.
fn is_record(map: &Map<String, Value>) -> bool {
    let has = |name: &str| map.get(name).is_some_and(|value| !value.is_null());
    let has_block = |name: &str| {
        map.get(name).is_some_and(|value| match value {
            Value::Object(_) => true,
            Value::String(text) => text.trim_start().starts_with(['{', '[', '"']),
            _ => false,
        })
    };
    IDS.iter().any(|name| map.contains_key(*name))
        || has("RelatedProspectId")
        || map.contains_key("LeadPropertyList")
        || STATES.iter().chain(&["Before"]).any(|name| has_block(name))
}

/// Converts the blocks of a record to objects, and uses its list of properties as the record.
///
/// # Errors
/// The block that is something else, so that its content would be lost.
pub(super) fn open_blocks(body: &mut Map<String, Value>, room: &Room) -> Result<(), String> {
    name_blocks(body);
    if let Some((one, other)) = twin_blocks(body) {
        return Err(format!("has both `{one}` and `{other}`; only one of them is allowed"));
    }
    let names: Vec<&str> = body.keys().filter_map(|name| block(name)).collect();
    for name in names {
        let Some(value) = body.get_mut(name) else { continue };
        *value = opened(value.take(), room)
            .map_err(|what| format!("has a block `{name}` that is {what}"))?;
        let may_be = |value: &Value| matches!(value, Value::Object(_) | Value::Null);
        let is_of_leads = !OF_ACTIVITY.contains(&name);
        if !may_be(value) && (is_of_leads || is_activity(body)) {
            let kind = kind_of(&body[name]);
            return Err(format!("has a block `{name}` that is {kind}, not an object"));
        }
    }
    if let Some(Value::Object(properties)) = body.remove("LeadPropertyList") {
        *body = properties;
    }
    Ok(())
}

/// A block as an object, if it is a string or a list containing one.
fn opened(mut value: Value, room: &Room) -> Result<Value, String> {
    for _ in 0..MOST_LAYERS {
        let Value::String(text) = &value else { break };
        if is_unfilled(text) {
            return Ok(Value::Null);
        }
        match json_of(text, room) {
            None => break,
            Some(Ok(read)) => {
                if let Some(name) = room.named_twice(&read) {
                    let name = shortened(name);
                    return Err(format!(
                        "JSON text with `{name}` twice in one object, with different values"
                    ));
                }
                value = read;
            }
            Some(Err(error)) => {
                return Err(format!("invalid JSON text: {error}"));
            }
        }
    }
    Ok(match value {
        Value::Array(items) if items.is_empty() => Value::Null,
        Value::Array(items) if items.iter().all(is_property) => {
            Value::Object(from_properties(items)?)
        }
        Value::Array(mut items) if items.len() == 1 => items.remove(0),
        other => other,
    })
}

/// Whether this is a field and its value, as in a list of them.
fn is_property(value: &Value) -> bool {
    PROPERTY.iter().any(|name| value.get(*name).is_some_and(Value::is_string))
}

/// Whether a record is an activity, and not a lead. A lead has no fields of these names.
pub(super) fn is_activity(body: &Map<String, Value>) -> bool {
    let has = |name: &str| body.contains_key(name);
    let has_text = |name: &str| match Found::of(body.get(name)) {
        Found::Absent | Found::Blank => false,
        Found::Text(text) => !is_unfilled(&text),
    };
    has_text("ProspectActivityId")
        || OF_OPPORTUNITIES.into_iter().any(has)
        || (has("RelatedProspectId") && (has("ActivityEvent") || has("EventCode")))
        || has_text("ActivityEvent")
        || has_text("ActivityEventName")
}

/// Moves a lead's fields out of the block that wraps them. If a field also exists beside the block,
/// with another value, the one in the block stays there.
pub(super) fn lift_values(body: &mut Map<String, Value>) {
    if STATES.iter().any(|state| body.get(*state).is_some_and(Value::is_object)) {
        return;
    }
    for block in OF_ACTIVITY {
        let Some(Value::Object(values)) = body.get_mut(block) else { continue };
        for (name, value) in std::mem::take(values) {
            if super::is_block(&name, &value)
                || body.get(&name).is_some_and(|other| *other != value)
            {
                body[block][name] = value;
            } else {
                body.insert(name, value);
            }
        }
    }
}

/// The fields of a list of `{"Attribute","Value"}`, `{"Key","Value"}` or `{"SchemaName","Value"}`.
///
/// # Errors
/// A field has two values, which is ambiguous.
fn from_properties(properties: Vec<Value>) -> Result<Map<String, Value>, String> {
    let mut body = Map::new();
    for property in properties {
        let Value::Object(mut property) = property else { continue };
        let name = PROPERTY.iter().find_map(|name| property.remove(*name));
        let Some(Value::String(name)) = name else { continue };
        let fields = property.remove("Fields").unwrap_or_default();
        let mut value = property.remove("Value").unwrap_or_default();
        if is_empty(&value) && !is_empty(&fields) {
            value = fields;
        }
        let value = set_of(value)?;
        match body.get(&name) {
            Some(_) if is_empty(&value) => continue,
            Some(earlier) if !is_empty(earlier) && *earlier != value => {
                let name = shortened(&name);
                return Err(format!("a list with two different values of `{name}`"));
            }
            _ => {}
        }
        body.insert(name, value);
    }
    Ok(body)
}

/// A value in a list of properties; for a field set its parts, which are such a list too.
fn set_of(value: Value) -> Result<Value, String> {
    match value {
        Value::Array(parts) if !parts.is_empty() && parts.iter().all(is_property) => {
            from_properties(parts).map(Value::Object)
        }
        Value::Object(mut map)
            if map.len() == 1 && map.get("Fields").is_some_and(Value::is_array) =>
        {
            set_of(map.remove("Fields").unwrap_or_default())
        }
        other => Ok(other),
    }
}

fn is_empty(value: &Value) -> bool {
    Found::of(Some(value)) == Found::Blank
}

pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

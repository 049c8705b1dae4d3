//! What a payload says about a field: a value of JSON as text.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::json;
use crate::text;
use crate::value::SEPARATORS;

/// What a payload says about a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// Nothing.
    Absent,
    /// It is empty: null, an empty list or object, or text without a visible character.
    Blank,
    /// Its value.
    Text(Cow<'a, str>),
}

impl Found<'_> {
    pub(super) fn of(value: Option<&Value>) -> Found<'_> {
        match value {
            None => Found::Absent,
            Some(value) if is_nothing(value) => Found::Blank,
            Some(Value::Array(values)) => match only(values) {
                Some(only) => Found::of(Some(only)),
                None => Found::Text(Cow::Owned(Value::from(values.as_slice()).to_string())),
            },
            Some(Value::String(text)) => Found::Text(Cow::Borrowed(text)),
            Some(Value::Bool(yes)) => Found::Text(Cow::Borrowed(if *yes { "1" } else { "0" })),
            Some(other) => Found::Text(Cow::Owned(other.to_string())),
        }
    }
}

/// The only non-blank entry of a list: programs write any field as a list. An entry that looks like
/// several options stays in its list.
fn only(values: &[Value]) -> Option<&Value> {
    let mut filled = values.iter().filter(|value| !is_nothing(value));
    let only = filled.next().filter(|_| filled.next().is_none())?;
    match only {
        Value::String(text) if !text.contains(SEPARATORS) => Some(only),
        Value::Number(_) | Value::Bool(_) => Some(only),
        _ => None,
    }
}

/// Whether a value is blank. It looks at each value once, so that the cost of nested lists is
/// linear.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text::is_blank(text),
        Value::Array(values) => values.iter().all(is_nothing),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// What is at a path inside an object. A custom field set is a JSON string in reads (client code),
/// and paths lead into it as well.
pub(super) fn inside<'a>(map: &'a Map<String, Value>, path: &str) -> Option<Found<'a>> {
    if let Some(value) = map.get(path) {
        return Some(Found::of(Some(value)));
    }
    let (first, rest) = path.split_once('.')?;
    match map.get(first)? {
        Value::Object(map) => inside(map, rest),
        Value::String(text) if text.trim_start().starts_with('{') => {
            let map = json::object(text)?;
            Some(match inside(&map, rest)? {
                Found::Absent => Found::Absent,
                Found::Blank => Found::Blank,
                Found::Text(text) => Found::Text(Cow::Owned(text.into_owned())),
            })
        }
        _ => None,
    }
}

//! A row of attributes: as it is sent, and parsed.

use super::Account;
use crate::id;
use crate::lead::{Change, checked};
use crate::metadata::{FieldNo, Kind, Role, Setup};
use crate::refusal::Refusal;
use crate::switches::{EmptyValue, SystemWrite};
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// A JSON scalar as text, also if it is a number or boolean; `None` if it is null.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text<'a>(pub(crate) Option<Cow<'a, str>>);

impl<'a> Text<'a> {
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    pub(crate) fn of(text: &'a str) -> Self {
        Self(Some(Cow::Borrowed(text)))
    }
}

struct ReadText;

impl<'de> Visitor<'de> for ReadText {
    type Value = Text<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a string, a number, a boolean or null")
    }
    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Borrowed(text))))
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(text.to_owned()))))
    }
    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Borrowed(if value { "true" } else { "false" }))))
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(value.to_string()))))
    }
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(value.to_string()))))
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(value.to_string()))))
    }
    fn visit_unit<E: de::Error>(self) -> Result<Text<'de>, E> {
        Ok(Text(None))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ReadText)
    }
}

/// `{"Attribute":…,"Value":…}`, or with `SchemaName`, as in activities.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Pair<'a> {
    #[serde(rename = "Attribute", alias = "SchemaName", borrow)]
    pub(crate) attribute: Cow<'a, str>,
    #[serde(rename = "Value", borrow, default)]
    pub(crate) value: Text<'a>,
    #[serde(rename = "Fields", borrow, default)]
    pub(crate) fields: Vec<Pair<'a>>,
}

impl<'a> Pair<'a> {
    pub(crate) fn new(attribute: &'a str, value: &'a str) -> Self {
        let value = Text::of(value);
        Self { attribute: Cow::Borrowed(attribute), value, fields: Vec::new() }
    }
}

/// A row in which every attribute exists and every value is valid.
#[derive(Debug, Default)]
pub(crate) struct Row {
    pub(crate) changes: Vec<(FieldNo, Change)>,
    /// `ProspectID`, if sent with a value.
    pub(crate) id: Option<Arc<str>>,
    /// `SearchBy`, if sent with a value.
    pub(crate) search_by: Option<String>,
    /// `__UseUserDefinedGuid__`.
    pub(crate) own_guid: bool,
}

impl Row {
    /// The value that the row sets a field to.
    pub(crate) fn set(&self, no: FieldNo) -> Option<&Arc<str>> {
        self.changes.iter().find_map(|(field, change)| match change {
            Change::Set(text) if *field == no => Some(text),
            _ => None,
        })
    }
}

impl Account {
    /// Parses a row. One unknown attribute or invalid value rejects the whole row.
    pub(crate) fn row(&self, pairs: &[Pair<'_>]) -> Result<Row, Refusal> {
        let mut row = Row { changes: Vec::with_capacity(pairs.len()), ..Row::default() };
        let mut unknown = Vec::new();
        for pair in pairs {
            let text = pair.value.as_str();
            match &*pair.attribute {
                "SearchBy" => row.search_by = Some(text.to_owned()).filter(|by| !by.is_empty()),
                "__UseUserDefinedGuid__" => row.own_guid = text.eq_ignore_ascii_case("true"),
                "ProspectID" | "ProspectId" => {
                    row.id = Some(id::key(text).into()).filter(|id: &Arc<str>| !id.is_empty());
                }
                name => match self.setup.number(name) {
                    None => unknown.push(name),
                    Some(no) => {
                        if let Some(change) = read(&self.setup, no, pair)? {
                            row.changes.retain(|&(have, _)| have != no);
                            row.changes.push((no, change));
                        }
                    }
                },
            }
        }
        if unknown.is_empty() { Ok(row) } else { Err(Refusal::unknown_attributes(&unknown)) }
    }
}

/// The change that a pair asks for; `None` if it is ignored.
fn read(setup: &Setup, no: FieldNo, pair: &Pair<'_>) -> Result<Option<Change>, Refusal> {
    let field = setup.field(no);
    if field.role != Role::Stored {
        return match setup.switches.system_write {
            SystemWrite::Ignored => Ok(None),
            SystemWrite::Refused => Err(Refusal::read_only(&field.schema_name)),
        };
    }
    if field.kind == Kind::CustomObject {
        return parts(setup, no, pair).map(Some);
    }
    let text = pair.value.as_str();
    if text.trim().is_empty() {
        return Ok((setup.switches.empty_value == EmptyValue::Clears).then_some(Change::Clear));
    }
    Ok(Some(Change::Set(checked(setup, field, text)?.into())))
}

/// A custom field set: given as `Fields`, or as the JSON text that reads return.
fn parts(setup: &Setup, no: FieldNo, pair: &Pair<'_>) -> Result<Change, Refusal> {
    let field = setup.field(no);
    let sent: Vec<(String, String)> = if pair.fields.is_empty() {
        let text = pair.value.as_str();
        if text.trim().is_empty() {
            return Ok(Change::Clear);
        }
        let wrong = || Refusal::data_type(&field.schema_name, field.kind, text);
        let map: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(text).map_err(|_| wrong())?;
        map.into_iter()
            .map(|(name, value)| (name, value.as_str().unwrap_or_default().to_owned()))
            .collect()
    } else {
        pair.fields
            .iter()
            .map(|part| (part.attribute.clone().into_owned(), part.value.as_str().to_owned()))
            .collect()
    };
    let mut unknown = Vec::new();
    let mut read = Vec::with_capacity(sent.len());
    for (name, text) in &sent {
        match field.parts.iter().find(|(part, _)| **part == **name) {
            None => unknown.push(name.as_str()),
            Some((part, kind)) => {
                let as_field = crate::metadata::Field::new(part, *kind);
                let text = if text.trim().is_empty() {
                    String::new()
                } else {
                    checked(setup, &as_field, text)?.into_owned()
                };
                read.push((part.clone(), text));
            }
        }
    }
    if unknown.is_empty() {
        Ok(Change::Parts(read))
    } else {
        Err(Refusal::unknown_attributes(&unknown))
    }
}

//! Leads as JSON: flat, and as a `LeadPropertyList`.

use super::Lead;
use crate::metadata::{FieldNo, Kind, Setup};
use crate::switches::{DateReads, Switches};
use jiff::Timestamp;
use jiff::tz::Offset;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use std::borrow::Cow;
use std::fmt::Write;

/// `YYYY-MM-DD HH:MM:SS`, UTC.
pub(crate) fn moment(at: Timestamp) -> String {
    written(at, "")
}

/// `YYYY-MM-DD HH:MM:SS.000`, UTC. More precision is stored than is shown.
pub(crate) fn moment_millis(at: Timestamp) -> String {
    written(at, ".000")
}

fn written(at: Timestamp, tail: &str) -> String {
    let at = Offset::UTC.to_datetime(at);
    let mut text = String::with_capacity(23);
    write!(
        text,
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}{tail}",
        at.year(),
        at.month(),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    )
    .expect("text grows");
    text
}

/// The value as reads return it.
fn read<'a>(setup: &'a Setup, lead: &'a Lead, no: FieldNo) -> Option<Cow<'a, str>> {
    let text = lead.text(setup, no)?;
    if setup.field(no).kind == Kind::Date && setup.switches.date_reads == DateReads::WithMidnight {
        return Some(Cow::Owned(format!("{text} 00:00:00.000")));
    }
    Some(text)
}

/// A lead as one flat object of strings and nulls.
pub(crate) struct Flat<'a> {
    pub(crate) setup: &'a Setup,
    pub(crate) lead: &'a Lead,
    /// `None`: every field.
    pub(crate) columns: Option<&'a [FieldNo]>,
    /// Whether blank fields are written as null.
    pub(crate) blanks: bool,
    /// Whether `mx_` fields are written.
    pub(crate) custom: bool,
    /// More strings to write at the end.
    pub(crate) more: &'a [(std::sync::Arc<str>, std::sync::Arc<str>)],
}

impl<'a> Flat<'a> {
    pub(crate) fn whole(setup: &'a Setup, lead: &'a Lead) -> Self {
        Self { setup, lead, columns: None, blanks: true, custom: true, more: &[] }
    }
}

impl Serialize for Flat<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for &no in self.columns.unwrap_or(&self.setup.order) {
            let field = self.setup.field(no);
            if !self.custom && field.is_custom() {
                continue;
            }
            let text = read(self.setup, self.lead, no);
            if text.is_some() || self.blanks || field.mandatory {
                map.serialize_entry(&*field.schema_name, &text)?;
            }
        }
        for (key, value) in self.more {
            map.serialize_entry(&**key, &**value)?;
        }
        map.end()
    }
}

/// A lead as `{"LeadPropertyList":[…]}` with the pseudo-attributes `CanUpdate` and `Total`.
pub(crate) struct Properties<'a> {
    pub(crate) setup: &'a Setup,
    pub(crate) lead: &'a Lead,
    pub(crate) columns: Option<&'a [FieldNo]>,
    pub(crate) total: usize,
}

struct List<'a>(&'a Properties<'a>);

struct Property<'a> {
    attribute: &'a str,
    value: Option<&'a str>,
    parts: Option<serde_json::Map<String, serde_json::Value>>,
}

struct Parts<'a>(&'a serde_json::Map<String, serde_json::Value>);

impl Serialize for Parts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(name, value)| Property {
            attribute: name,
            value: value.as_str(),
            parts: None,
        }))
    }
}

impl Serialize for Property<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(if self.parts.is_some() { 3 } else { 2 }))?;
        map.serialize_entry("Attribute", self.attribute)?;
        map.serialize_entry("Value", &self.value)?;
        if let Some(parts) = &self.parts {
            map.serialize_entry("Fields", &Parts(parts))?;
        }
        map.end()
    }
}

impl Serialize for List<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Properties { setup, lead, columns, total } = self.0;
        let columns = columns.unwrap_or(&setup.order);
        let mut list = serializer.serialize_seq(Some(columns.len() + 2))?;
        for &no in columns {
            let field = setup.field(no);
            let text = read(setup, lead, no);
            let parts = (field.kind == Kind::CustomObject).then(|| {
                text.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
            });
            let value = text.as_deref();
            list.serialize_element(&Property { attribute: &field.schema_name, value, parts })?;
        }
        let total = total.to_string();
        for (attribute, value) in [("CanUpdate", "true"), ("Total", &*total)] {
            list.serialize_element(&Property { attribute, value: Some(value), parts: None })?;
        }
        list.end()
    }
}

impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("LeadPropertyList", &List(self))?;
        map.end()
    }
}

/// Whether payloads show blank fields.
pub(crate) fn payload_blanks(switches: &Switches) -> bool {
    switches.empty_fields == crate::switches::EmptyFields::Present
}

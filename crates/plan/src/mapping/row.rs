//! Applying one row of a mapping.

use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;
use serde_json::{Map, Value};

use super::translation::Translation;
use super::{Mapping, Part, Row, set};
use crate::connector::{BadField, Blank, UnlistedOption};
use crate::json;
use crate::metadata::{Field, Kind};
use crate::payload::{Found, Item};
use crate::problem::{Code, Problem, shortened};
use crate::text;
use crate::value::{self, LONGEST_VALUE, too_long};

/// The remark on a dropdown value that the destination doesn't list.
const UNLISTED: &str = "the destination field does not list this option, so it is sent unchanged";

/// The same for a default, which may not be needed.
const UNLISTED_DEFAULT: &str = "the destination field does not list the default as an option; \
                                where the default is used, it is sent unchanged";
/// The remark on a list that is sent to a field with one value.
const LIST: &str = "the value is a list, and is sent as JSON because the field holds one value";

/// What a record sends to the destination.
#[derive(Clone, Debug, Default)]
pub struct Mapped {
    /// One entry per field of the destination, in the mapping's order.
    pub fields: Vec<MappedField>,
    /// The problems; a record with problems is not written.
    pub problems: Vec<Problem>,
    /// The problems of fields that were left out because of them.
    pub left_out: Vec<Problem>,
    /// The fields for which the source has a value that can't be sent.
    pub unsent: Vec<Unsent>,
}

/// A field for which the source has a value that can't be sent under the current mapping and
/// accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsent {
    /// The source's field by plain name; `None` for a computed value.
    pub from: Option<String>,
    /// The destination's field by schema name.
    pub to: String,
}

/// One field of the destination and what a record sends to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MappedField {
    /// The source's field by plain name; `None` for a computed value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The destination's field by schema name.
    pub to: String,
    /// Its kind there.
    #[serde(skip)]
    pub kind: Kind,
    /// What the record says.
    pub sent: Sent,
    /// Its value if the record says nothing and the destination has nothing, in the form that the
    /// destination accepts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// What a person should know about the conversion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

/// What a record says about a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sent {
    /// Nothing.
    Absent,
    /// It is empty, and the destination's value is left alone.
    Blank,
    /// It is empty, and the destination's value should be emptied.
    Clear,
    /// This value, in the form that the destination accepts.
    Value(String),
}

impl Sent {
    /// The value, if there is one.
    pub fn value(&self) -> Option<&str> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Blank | Self::Clear => None,
        }
    }

    /// What is written: the value, or an empty text to empty a field.
    pub fn written(&self) -> Option<&str> {
        match self {
            Self::Clear => Some(""),
            _ => self.value(),
        }
    }
}

impl Mapped {
    /// The entry for this field of the destination.
    pub fn get(&self, to: &str) -> Option<&MappedField> {
        self.fields.iter().find(|field| field.to == to)
    }

    /// The fields that get no value, although the source has one for them.
    pub fn owed(&self) -> impl Iterator<Item = &Unsent> {
        self.unsent.iter().filter(|unsent| {
            self.get(&unsent.to).is_none_or(|field| field.sent.written().is_none())
        })
    }

    /// The value for this field of the destination.
    pub fn value(&self, to: &str) -> Option<&str> {
        self.get(to)?.sent.value()
    }

    /// Adds a field. If several rows fill one field, the first that has a value counts; parts of a
    /// custom field set are merged.
    ///
    /// # Errors
    /// The value is longer than any field holds.
    pub(super) fn put(
        &mut self,
        mut field: MappedField,
        part: Option<&str>,
    ) -> Result<(), Problem> {
        if let Some(part) = part {
            field.in_set(part);
        }
        field.check()?;
        match self.fields.iter_mut().find(|earlier| earlier.to == field.to) {
            None => self.fields.push(field),
            Some(earlier) if part.is_some() => earlier.join(field)?,
            Some(earlier) if earlier.sent.value().is_none() && field.sent.value().is_some() => {
                *earlier = field;
            }
            Some(_) => {}
        }
        Ok(())
    }
}

impl MappedField {
    /// Makes it a custom field set with this one part.
    fn in_set(&mut self, part: &str) {
        let set = |value: &str| Value::from_iter([(part, value)]).to_string();
        self.sent = match &self.sent {
            Sent::Value(value) => Sent::Value(set(value)),
            Sent::Clear => Sent::Value(set("")),
            other => other.clone(),
        };
        self.default = self.default.as_deref().map(set);
    }

    fn check(&self) -> Result<(), Problem> {
        let texts = [self.sent.value(), self.default.as_deref()];
        match texts.into_iter().flatten().map(str::len).max() {
            Some(length) if length > LONGEST_VALUE => Err(too_long(length, &self.to)),
            _ => Ok(()),
        }
    }

    /// Adds another part of the same custom field set, unless that makes it too long.
    fn join(&mut self, other: Self) -> Result<(), Problem> {
        let mut joined = self.clone();
        joined.take_parts(other);
        joined.check()?;
        *self = joined;
        Ok(())
    }

    fn take_parts(&mut self, other: Self) {
        let parts = |text: Option<&str>| text.and_then(json::object).unwrap_or_default();
        if let Some(added) = other.sent.value() {
            let mut all = parts(self.sent.value());
            all.extend(parts(Some(added)));
            self.sent = Sent::Value(Value::Object(all).to_string());
        }
        if let Some(added) = other.default {
            let mut all = parts(self.default.as_deref());
            all.extend(parts(Some(&added)));
            self.default = Some(Value::Object(all).to_string());
        }
        self.remark = self.remark.take().or(other.remark);
    }
}

impl Row {
    pub(super) fn unsent(&self) -> Unsent {
        let from = self.settings.from.as_deref().map(|path| super::plain_name(path).to_owned());
        Unsent { from, to: self.to.schema_name.clone() }
    }

    /// What the record says about the row's field. `bad` collects the problems of single parts of a
    /// custom field set, which don't affect the others.
    pub(super) fn value(
        &self,
        item: &Item,
        mapping: &Mapping,
        bad: &mut Vec<Problem>,
    ) -> Result<MappedField, Problem> {
        let row = &self.settings;
        let (text, is_blank) = match (&row.from, &row.compute) {
            (_, Some(template)) => {
                let text = computed(template, item, &mapping.templates, &row.to)?;
                let is_blank = text.is_none();
                (text, is_blank)
            }
            (Some(from), None) => match item.find(from) {
                Found::Absent => (None, false),
                Found::Blank => (None, true),
                Found::Text(text) => (Some(text.into_owned()), false),
            },
            (None, None) => (None, false),
        };
        if let Some(length) = text.as_ref().map(String::len).filter(|len| *len > LONGEST_VALUE) {
            return Err(from_field(too_long(length, &row.to), row.from.as_deref()));
        }
        let text = text.map(|text| self.translated(&text).unwrap_or(text));
        let blank = if self.blank == Blank::Clear { Sent::Clear } else { Sent::Blank };
        let (sent, remark) = match text {
            Some(text) if !text::is_blank(&text) => {
                match self.converted(&text, item, mapping, bad)? {
                    // A list of no options.
                    (Sent::Value(value), _) if text::is_blank(&value) => (blank, None),
                    converted => converted,
                }
            }
            Some(_) => (blank, None),
            None if is_blank => (blank, None),
            None => (Sent::Absent, None),
        };
        let (default, of_default) = match &row.default {
            Some(text) if !text::is_blank(text) && sent.value().is_none() => {
                let (default, remark) = self.default(text, mapping)?;
                (Some(default), remark)
            }
            _ => (None, None),
        };
        Ok(MappedField {
            from: row.from.as_deref().map(|path| super::plain_name(path).to_owned()),
            to: self.to.schema_name.clone(),
            kind: self.to.kind,
            sent,
            default,
            remark: remark.or_else(|| of_default.map(str::to_owned)),
        })
    }

    /// Whether the row reads this field of the source.
    pub(super) fn reads(&self, name: &str) -> bool {
        self.settings.from.as_deref().is_some_and(|path| {
            let path = super::plain_name(path);
            path == name || path.rsplit('.').next() == Some(name)
        })
    }

    /// Whether its table or the destination's field has this value, so that it is meant literally.
    pub(super) fn knows(&self, text: &str) -> bool {
        self.translated(text).is_some() || self.is_option(text)
    }

    /// Notes that a value was taken for a placeholder, if it was left out of the record.
    pub(super) fn note_placeholder(
        &self,
        mut field: MappedField,
        item: &Item,
        plain: &Item,
    ) -> MappedField {
        let Some(from) = &self.settings.from else { return field };
        let what = match (item.find(from), plain.find(from)) {
            (Found::Text(text), Found::Blank) => {
                let text = shortened(text.trim());
                format!("'{text}' is a placeholder, so the field counts as empty")
            }
            (Found::Text(text), Found::Text(rest)) if text != rest => {
                let text = shortened(text.trim());
                format!("placeholders were removed from '{text}'")
            }
            _ => return field,
        };
        field.remark = Some(match field.remark {
            Some(remark) => format!("{what}; {remark}"),
            None => what,
        });
        field
    }

    /// The row's translation of a value.
    fn translated(&self, text: &str) -> Option<String> {
        let (values, from_kind) = (&self.settings.values, self.from_kind);
        Translation { values, from_kind, to: self.field() }.of(text)
    }

    /// The field that is written, or the part of one.
    pub(super) fn field(&self) -> &Field {
        self.part.as_ref().map_or(&self.to, |part| &part.field)
    }

    fn is_option(&self, text: &str) -> bool {
        self.field().options.iter().any(|option| text::same(option, text))
    }

    fn converted(
        &self,
        text: &str,
        item: &Item,
        mapping: &Mapping,
        bad: &mut Vec<Problem>,
    ) -> Result<(Sent, Option<String>), Problem> {
        let from = self.settings.from.as_deref();
        match &self.part {
            Some(part) => one_value(text, (from, self.from_kind), &part.field, item, mapping),
            None if self.to.kind == Kind::FieldSet => self.set(text, item, mapping, bad),
            None => one_value(text, (from, self.from_kind), &self.to, item, mapping),
        }
    }

    /// A whole custom field set, each part converted separately.
    fn set(
        &self,
        text: &str,
        item: &Item,
        mapping: &Mapping,
        bad: &mut Vec<Problem>,
    ) -> Result<(Sent, Option<String>), Problem> {
        let from = self.settings.from.as_deref();
        let whole = text::visible(text);
        let parts = json::object(&whole)
            .ok_or_else(|| from_field(value::mismatch(&whole, &self.to), from))?;
        let mut written = Map::new();
        let mut remarks = Vec::new();
        for (name, value) in parts {
            let text = json::text(value);
            if text::is_blank(&text) {
                if self.blank == Blank::Clear {
                    written.insert(name, Value::from(""));
                }
                continue;
            }
            let kind = set::kind_of(&self.from_parts, &name);
            let converted = Part::written(&self.to, &name)
                .map_err(|problem| from_field(problem, from))
                .and_then(|part| one_value(&text, (from, kind), &part.field, item, mapping));
            match converted {
                Ok((sent, remark)) => {
                    remarks.extend(remark.map(|remark| format!("{name}: {remark}")));
                    if let Some(text) = sent.value() {
                        written.insert(name, Value::from(text));
                    }
                }
                Err(problem) => bad.push(problem),
            }
        }
        let remark = (!remarks.is_empty()).then(|| remarks.join("; "));
        let sent = if written.is_empty() {
            Sent::Blank
        } else {
            Sent::Value(Value::Object(written).to_string())
        };
        Ok((sent, remark))
    }

    fn default(&self, text: &str, mapping: &Mapping) -> Result<Fixed, Problem> {
        fixed_value(text, self.field(), mapping)
    }
}

/// A non-blank value in the form that one field of the destination, or one part of a custom field
/// set, accepts.
fn one_value(
    text: &str,
    (from, from_kind): (Option<&str>, Kind),
    to: &Field,
    item: &Item,
    mapping: &Mapping,
) -> Result<(Sent, Option<String>), Problem> {
    if to.kind == Kind::User {
        let owner = mapping.people.owner(text, from, item);
        return Ok((owner.id.map_or(Sent::Absent, Sent::Value), owner.remark));
    }
    let converted = match value::convert(text, from_kind, to, &mapping.reading) {
        Ok(converted) => converted,
        Err(problem) => {
            let Some(unlisted) = sent_unlisted(&problem, text, to, mapping) else {
                return Err(from_field(problem, from));
            };
            return Ok((Sent::Value(unlisted), Some(UNLISTED.to_owned())));
        }
    };
    if converted.is_as_typed && mapping.bad_field == BadField::LeaveOut {
        return Err(from_field(value::mismatch(text, to), from));
    }
    let is_list = to.kind == Kind::Text && value::options_of(&converted.text).is_some();
    let remark = converted.remark.or_else(|| is_list.then_some(LIST));
    Ok((Sent::Value(converted.text), remark.map(str::to_owned)))
}

/// A default in the form that the destination accepts, and a remark on it.
type Fixed = (String, Option<&'static str>);

fn fixed_value(text: &str, to: &Field, mapping: &Mapping) -> Result<Fixed, Problem> {
    match to.kind {
        Kind::User => Ok((mapping.people.named(text), None)),
        kind => match value::convert(text, kind, to, &mapping.reading) {
            Ok(converted) => Ok((converted.text, None)),
            Err(problem) => match sent_unlisted(&problem, text, to, mapping) {
                Some(unlisted) => Ok((unlisted, Some(UNLISTED_DEFAULT))),
                None => Err(problem),
            },
        },
    }
}

/// The form in which a value that the destination doesn't list is sent, if it is sent anyway.
fn sent_unlisted(problem: &Problem, text: &str, to: &Field, mapping: &Mapping) -> Option<String> {
    let is_sent =
        problem.code == Code::MissingOption && mapping.unlisted_option == UnlistedOption::Send;
    is_sent.then(|| value::unlisted(text, to)).flatten()
}

fn from_field(mut problem: Problem, from: Option<&str>) -> Problem {
    if let Some(from) = from {
        problem.message += " Mapped from ";
        problem.message += from;
        problem.message.push('.');
    }
    problem
}

pub(super) fn computed(
    template: &str,
    item: &Item,
    templates: &Environment<'static>,
    to: &str,
) -> Result<Option<String>, Problem> {
    let wrong = |what: String| {
        Problem::new(Code::BadTemplate, what, "Fix the computed value in the mapping.").about(to)
    };
    if let Some(fault) = super::template_fault(template) {
        return Err(wrong(format!("The computed value for {to} {}.", shortened(&fault))));
    }
    let text = templates.render_str(template, TemplateView(item)).map_err(|error| {
        let error = shortened(&error.to_string());
        wrong(format!("The computed value for {to} failed: {error}."))
    })?;
    Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
}

/// A record as templates see it: `{{ Current.FirstName }}`, `{{ After.City }}` and
/// `{{ FirstName }}` work whatever shape the payload has.
struct TemplateView<'a>(&'a Item);

impl From<TemplateView<'_>> for minijinja::Value {
    fn from(view: TemplateView<'_>) -> Self {
        let item = view.0;
        let mut map: std::collections::BTreeMap<String, Self> =
            item.state().0.into_iter().map(|(name, value)| (name, Self::from(value))).collect();
        let state = Self::from_pairs(map.clone());
        for (name, value) in item.body() {
            if value.is_object() {
                map.insert(name.clone(), Self::from(Serde(value.clone())));
            }
        }
        for block in ["Current", "After"] {
            map.entry(block.to_owned()).or_insert_with(|| state.clone());
        }
        Self::from_pairs(map)
    }
}

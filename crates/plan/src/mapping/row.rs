//! One row of a mapping at work.

use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;

use super::{LONGEST_COMPUTED, Row};
use crate::metadata::Kind;
use crate::payload::{Found, Item};
use crate::problem::Problem;
use crate::value::{self, Reading};

/// What a record sends to the destination.
#[derive(Clone, Debug, Default)]
pub struct Mapped {
    /// One entry a field of the destination, in the mapping's order.
    pub fields: Vec<MappedField>,
    /// What is wrong; a record with problems is not written.
    pub problems: Vec<Problem>,
}

/// One field of the destination and what a record sends to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MappedField {
    /// The source's field by plain name; `None` for a computed value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The destination's field by schema name.
    pub to: String,
    /// What it holds there.
    #[serde(skip)]
    pub kind: Kind,
    /// What the record says.
    pub sent: Sent,
    /// What it gets when the record says nothing and the destination holds nothing, in the form
    /// that the destination takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// What a person should know about the conversion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remark: Option<&'static str>,
}

/// What a record says about a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sent {
    /// Nothing.
    Absent,
    /// That it is empty. The destination's value is left alone then.
    Blank,
    /// This value, in the form that the destination takes.
    Value(String),
}

impl Sent {
    /// The value, if there is one.
    pub fn value(&self) -> Option<&str> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Blank => None,
        }
    }
}

impl Mapped {
    /// The entry for this field of the destination.
    pub fn get(&self, to: &str) -> Option<&MappedField> {
        self.fields.iter().find(|field| field.to == to)
    }

    /// The value for this field of the destination.
    pub fn value(&self, to: &str) -> Option<&str> {
        self.get(to)?.sent.value()
    }

    /// Adds a field. Of several rows to one field the first that has a value counts.
    pub(super) fn put(&mut self, field: MappedField) {
        match self.fields.iter_mut().find(|earlier| earlier.to == field.to) {
            None => self.fields.push(field),
            Some(earlier) if earlier.sent.value().is_none() && field.sent.value().is_some() => {
                *earlier = field;
            }
            Some(_) => {}
        }
    }
}

impl Row {
    pub(super) fn value(
        &self,
        item: &Item,
        reading: &Reading,
        templates: &Environment<'static>,
    ) -> Result<MappedField, Problem> {
        let row = &self.settings;
        let (text, is_blank) = match (&row.from, &row.compute) {
            (_, Some(template)) => (computed(template, item, templates, &row.to)?, false),
            (Some(from), None) => match item.find(from) {
                Found::Absent => (None, false),
                Found::Blank => (None, true),
                Found::Text(text) => (Some(text.into_owned()), false),
            },
            (None, None) => (None, false),
        };
        let text = text.map(|text| row.values.get(text.trim()).cloned().unwrap_or(text));
        let mut remark = None;
        let sent = match text {
            Some(text) if !text.trim().is_empty() => {
                let converted = value::convert(&text, self.from_kind, &self.to, reading)
                    .map_err(|problem| from_field(problem, row.from.as_deref()))?;
                remark = converted.remark;
                Sent::Value(converted.text)
            }
            Some(_) => Sent::Blank,
            None if is_blank => Sent::Blank,
            None => Sent::Absent,
        };
        let default = match &row.default {
            Some(text) if !text.trim().is_empty() && sent.value().is_none() => {
                Some(value::convert(text, self.to.kind, &self.to, reading)?.text)
            }
            _ => None,
        };
        Ok(MappedField {
            from: row.from.as_deref().map(|path| super::plain_name(path).to_owned()),
            to: row.to.clone(),
            kind: self.to.kind,
            sent,
            default,
            remark,
        })
    }
}

fn from_field(mut problem: Problem, from: Option<&str>) -> Problem {
    if let Some(from) = from {
        problem.message += " It comes from ";
        problem.message += from;
        problem.message.push('.');
    }
    problem
}

fn computed(
    template: &str,
    item: &Item,
    templates: &Environment<'static>,
    to: &str,
) -> Result<Option<String>, Problem> {
    let wrong = |what: String| {
        Problem::new("bad_template", what, "Correct the computed value in the mapping.").about(to)
    };
    let text = templates
        .render_str(template, TemplateView(item))
        .map_err(|error| wrong(format!("The computed value for {to} failed: {error}.")))?;
    if text.len() > LONGEST_COMPUTED {
        return Err(wrong(format!("The computed value for {to} is {} bytes long.", text.len())));
    }
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

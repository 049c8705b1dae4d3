//! Turning the source's fields into the destination's.

mod default;
mod row;

pub use default::{SYSTEM_FIELDS, default_rows};
pub use row::{Mapped, MappedField, Sent};

use minijinja::{Environment, UndefinedBehavior};

use crate::connector::{Definition, FieldRow};
use crate::metadata::{Field, FieldList};
use crate::payload::Item;
use crate::phone::Country;
use crate::problem::Problem;
use crate::snapshot::Snapshot;
use crate::value::Reading;

/// A connector's mapping of lead fields, ready to be used on many records.
#[derive(Debug)]
pub struct Mapping {
    rows: Vec<Row>,
    reading: Reading,
    templates: Environment<'static>,
    problems: Vec<Problem>,
}

#[derive(Debug)]
struct Row {
    settings: FieldRow,
    /// What the source's field holds, as far as the source's metadata knows it.
    from_kind: crate::metadata::Kind,
    to: Field,
}

/// How many steps a computed value may take: a template can't hold up the others.
const TEMPLATE_FUEL: u64 = 20_000;
/// The longest computed value, in bytes.
const LONGEST_COMPUTED: usize = 64 * 1024;

impl Mapping {
    /// The mapping of this connector between two accounts with these fields.
    ///
    /// What is wrong with it is not an error here: it is found in [`Mapping::problems`], and each
    /// record is refused with it, so that it is seen and can be retried.
    pub fn new(definition: &Definition, source: &FieldList, destination: &FieldList) -> Self {
        let basic = &definition.basic;
        let mut problems = Vec::new();
        let zone = match basic.time_zone.as_deref().map(jiff::tz::TimeZone::get) {
            None => jiff::tz::TimeZone::UTC,
            Some(Ok(zone)) => zone,
            Some(Err(_)) => {
                problems.push(setting("time_zone", "is no time zone", "Asia/Kolkata"));
                jiff::tz::TimeZone::UTC
            }
        };
        let country = basic.default_country_code.as_deref().and_then(|text| {
            let country = Country::parse(text);
            if country.is_none() {
                problems.push(setting("default_country_code", "is no country", "IN or +91"));
            }
            country
        });
        let settings = if definition.lead.fields.is_empty() {
            default_rows(source, destination)
        } else {
            definition.lead.fields.clone()
        };
        let mut rows = Vec::with_capacity(settings.len());
        for row in settings.into_iter().filter(|row| row.enabled) {
            match destination.get(&row.to) {
                Some(to) if to.read_only => problems.push(read_only(&row.to)),
                Some(to) => {
                    let from = row.from.as_deref().map_or("", plain_name);
                    rows.push(Row { from_kind: source.kind(from), to: to.clone(), settings: row });
                }
                None if SYSTEM_FIELDS.contains(&row.to.as_str()) => {
                    problems.push(read_only(&row.to));
                }
                None => problems.push(unknown(&row.to)),
            }
        }
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Chainable);
        templates.set_fuel(Some(TEMPLATE_FUEL));
        Self { rows, reading: Reading { zone, country }, templates, problems }
    }

    /// What makes the mapping unusable, if anything.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// How values are read and compared.
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// The destination's fields that the mapping can write.
    pub fn targets(&self) -> impl Iterator<Item = &Field> {
        self.rows.iter().map(|row| &row.to)
    }

    /// The row that writes this field of the destination.
    pub fn row_to(&self, field: &str) -> Option<&FieldRow> {
        self.rows.iter().map(|row| &row.settings).find(|row| row.to == field)
    }

    /// What a record sends to the destination, with every problem at once.
    pub fn apply(&self, item: &Item) -> Mapped {
        let mut mapped = Mapped { problems: self.problems.clone(), ..Mapped::default() };
        for row in &self.rows {
            match row.value(item, &self.reading, &self.templates) {
                Ok(field) => mapped.put(field),
                Err(problem) => mapped.problems.push(problem),
            }
        }
        mapped
    }

    /// The part of a source's state that the mapping reads: what the base of a link keeps.
    pub fn read_part(&self, item: &Item) -> Snapshot {
        let state = item.state();
        if self.rows.iter().any(|row| row.settings.compute.is_some()) {
            return state;
        }
        self.rows
            .iter()
            .filter_map(|row| row.settings.from.as_deref())
            .map(plain_name)
            .filter_map(|name| state.get(name).map(|value| (name, value)))
            .collect()
    }
}

/// The field's name in a path like `Current.FirstName`.
pub fn plain_name(path: &str) -> &str {
    for block in ["Current.", "After.", "Before."] {
        if let Some(name) = path.strip_prefix(block) {
            return name;
        }
    }
    path
}

fn setting(name: &str, what: &str, example: &str) -> Problem {
    Problem::new(
        "bad_setting",
        format!("The connector's setting {name} {what}."),
        format!("Set it to a value like {example}."),
    )
}

fn unknown(field: &str) -> Problem {
    Problem::new(
        "unknown_field",
        format!("The destination account has no lead field {field}."),
        "Correct the schema name in the mapping, switch the row off, or add the field in the \
         destination account.",
    )
    .about(field)
}

fn read_only(field: &str) -> Problem {
    Problem::new(
        "read_only_field",
        format!("The destination's field {field} can't be written: LeadSquared sets it itself."),
        "Switch this row of the mapping off or map to another field.",
    )
    .about(field)
}

#[cfg(test)]
mod tests;

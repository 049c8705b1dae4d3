//! Turning the source's fields into the destination's.

mod default;
mod filter;
mod in_force;
mod owner;
mod row;
mod set;
mod template;
mod translation;
mod unlisted;

pub use default::{SYSTEM_FIELDS, activity_proposals, lead_proposals};
pub use filter::{Filter, Verdict, is_known as may_filter_by};
pub use in_force::{Proposal, Reason, activity_rows, lead_rows, overrides};
pub use row::{Mapped, MappedField, Sent, Unsent};
pub use set::Part;
pub(crate) use template::fault as template_fault;

use std::borrow::Cow;
use std::collections::BTreeSet;

use minijinja::Environment;

use crate::connector::{self, BadField, Blank, Definition, FieldRow, OwnRows, UnlistedOption};
use crate::metadata::{Catalogue, Field, FieldList, Kind};
use crate::payload::Item;
use crate::phone::Country;
use crate::placeholder::Placeholders;
use crate::problem::{Code, Problem};
use crate::snapshot::Snapshot;
use crate::value::Reading;
use owner::{OWNER_EMAIL, People};

/// What identifies leads, and when they changed.
const OF_EVERY_LEAD: [&str; 7] =
    ["ProspectID", "CreatedOn", "ModifiedOn", "EmailAddress", "Phone", "FirstName", "LastName"];

/// A connector's mapping of the fields of leads, or of one type of activity, ready to be used on
/// many records.
#[derive(Debug)]
pub struct Mapping {
    filter: Filter,
    rows: Vec<Row>,
    reading: Reading,
    people: People,
    placeholders: Placeholders,
    templates: Environment<'static>,
    problems: Vec<Problem>,
    /// Problems of single rows, which are left out.
    left_out: Vec<Problem>,
    bad_field: BadField,
    unlisted_option: UnlistedOption,
}

#[derive(Debug)]
struct Row {
    settings: FieldRow,
    /// The kind of the source's field, if its metadata has it.
    from_kind: Kind,
    /// The parts of the source's field, if it is a custom field set.
    from_parts: Vec<Field>,
    to: Field,
    /// The part of a custom field set that is written.
    part: Option<Part>,
    blank: Blank,
}

impl Mapping {
    /// The mapping of this connector's leads between two accounts with this metadata.
    ///
    /// A defective mapping is not an error here: its problems are in [`Mapping::problems`], and
    /// each record fails with them, so that it is visible and can be retried.
    pub fn new(definition: &Definition, source: &Catalogue, destination: &Catalogue) -> Self {
        let rows = lead_rows(definition, &source.fields, &destination.fields);
        let people = People::new(&definition.owner, source, destination);
        let filter = Filter::new(&definition.filter, &source.fields);
        let mapping = Self::of(definition, rows, (&source.fields, &destination.fields), people);
        Self { filter, ..mapping }
    }

    /// The mapping of one type of activity with these fields in the source and the destination.
    pub fn of_activity(
        definition: &Definition,
        own: OwnRows<'_>,
        (from, to): (&FieldList, &FieldList),
        (source, destination): (&Catalogue, &Catalogue),
    ) -> Self {
        let rows = activity_rows(own, from, to);
        let people = People::new(&definition.owner, source, destination);
        Self::of(definition, rows, (from, to), people)
    }

    fn of(
        definition: &Definition,
        rows_in_force: Vec<Proposal>,
        (source, destination): (&FieldList, &FieldList),
        people: People,
    ) -> Self {
        let basic = &definition.basic;
        let mut problems = Vec::new();
        if basic.time_zone.as_deref().is_some_and(|zone| jiff::tz::TimeZone::get(zone).is_err()) {
            problems.push(setting("time_zone", "is not a time zone", "Asia/Kolkata"));
        }
        if basic.default_country_code.as_deref().is_some_and(|text| Country::parse(text).is_none())
        {
            problems.push(setting("default_country_code", "is not a country", "IN or +91"));
        }
        let mut left_out = Vec::new();
        let mut bad = |problem| match definition.lead.bad_field {
            BadField::Refuse => problems.push(problem),
            BadField::LeaveOut => left_out.push(problem),
        };
        let mut rows = Vec::with_capacity(rows_in_force.len());
        let in_force = rows_in_force.into_iter().map(|proposal| proposal.row);
        for row in in_force.filter(|row| row.enabled) {
            match writable(&row.to, destination) {
                Ok((to, part)) => {
                    let from = row.from.as_deref().and_then(|from| readable(from, source));
                    // A default keeps a field from being empty, so the two contradict each other.
                    let blank = match row.default {
                        Some(_) => Blank::Leave,
                        None => row.blank.unwrap_or(definition.lead.blank),
                    };
                    let from_kind = from.as_ref().map_or(Kind::Text, |field| field.kind);
                    let from_parts = from.map(|field| field.parts.clone()).unwrap_or_default();
                    let to = to.clone();
                    rows.push(Row { from_kind, from_parts, to, part, blank, settings: row });
                }
                Err(problem) => bad(problem),
            }
        }
        let templates = template::environment();
        let reading = Reading::of(basic);
        let placeholders = basic.placeholders.as_deref().map(Placeholders::new).unwrap_or_default();
        Self {
            filter: Filter::new(&connector::Filter::default(), source),
            rows,
            reading,
            people,
            placeholders,
            templates,
            problems,
            left_out,
            bad_field: definition.lead.bad_field,
            unlisted_option: definition.lead.unlisted_option,
        }
    }

    /// The connector's filter of leads.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Whether a lead passes the connector's filter. If the record shows the `whole` lead, a missing
    /// field counts as empty.
    pub fn judge(&self, item: &Item, is_whole: bool) -> Verdict {
        if self.filter.is_open() {
            return Verdict::Passes;
        }
        self.filter.judge(&self.without_placeholders(item), is_whole, &self.reading)
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

    /// The source's fields that rows read, by plain name; those of computed values are unknown.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        let paths = self.rows.iter().filter_map(|row| row.settings.from.as_deref());
        // A part of a custom field set is read out of the whole set.
        paths.map(plain_name).map(|name| name.split_once('.').map_or(name, |(set, _)| set))
    }

    /// The fields to read of the source's leads, for mapping, filters and the log; `None` means all,
    /// because a computed value may use any.
    pub fn columns(&self) -> Option<BTreeSet<String>> {
        if self.rows.iter().any(|row| row.settings.compute.is_some()) {
            return None;
        }
        let with_owner = self.rows.iter().any(|row| row.to.kind == Kind::User);
        let names = self
            .sources()
            .chain(self.filter.fields())
            .chain(with_owner.then_some(OWNER_EMAIL))
            .chain(OF_EVERY_LEAD);
        Some(names.map(str::to_owned).collect())
    }

    /// The dropdowns of the destination that the mapping writes, as its rows name them.
    pub fn dropdowns(&self) -> impl Iterator<Item = &str> {
        let rows = self.rows.iter().filter(|row| !row.field().options.is_empty());
        rows.map(|row| row.settings.to.as_str())
    }

    /// The row that writes this field of the destination.
    pub fn row_to(&self, field: &str) -> Option<&FieldRow> {
        self.rows.iter().map(|row| &row.settings).find(|row| row.to == field)
    }

    /// What the row that writes this field of the destination does if the source's is empty.
    pub fn blank_of(&self, field: &str) -> Option<Blank> {
        self.rows.iter().find(|row| row.to.schema_name == field).map(|row| row.blank)
    }

    /// What a record sends to the destination, with every problem at once.
    pub fn apply(&self, item: &Item) -> Mapped {
        let plain = self.without_placeholders(item);
        let mut mapped = Mapped {
            problems: self.problems.clone(),
            left_out: self.left_out.clone(),
            ..Mapped::default()
        };
        for row in &self.rows {
            let put = |field: MappedField| {
                // An owner for whom the destination has no user.
                if field.kind == Kind::User && field.sent == Sent::Absent && field.remark.is_some()
                {
                    mapped.unsent.push(row.unsent());
                }
                mapped.put(field, row.part.as_ref().map(|part| part.name.as_str()))
            };
            let mut bad = Vec::new();
            let value = row.value(&plain, self, &mut bad).map(|field| match &plain {
                Cow::Owned(_) => row.note_placeholder(field, item, &plain),
                Cow::Borrowed(_) => field,
            });
            bad.extend(value.and_then(put).err());
            if !bad.is_empty() {
                mapped.unsent.push(row.unsent());
                let (sinks, left_out): (Vec<_>, Vec<_>) =
                    bad.into_iter().partition(|problem| self.sinks(problem));
                mapped.problems.extend(sinks);
                mapped.left_out.extend(left_out);
            }
        }
        mapped
    }

    /// Whether a record with this problem of one of its values is not written at all.
    fn sinks(&self, problem: &Problem) -> bool {
        match (problem.code, self.unlisted_option) {
            (Code::MissingOption, UnlistedOption::Refuse) => true,
            (Code::MissingOption, UnlistedOption::LeaveOut) => false,
            _ => self.bad_field == BadField::Refuse,
        }
    }

    /// The record, with blanks for placeholders. A value that a row translates, that the destination's
    /// field offers as an option, or that the filter names, is not a placeholder.
    fn without_placeholders<'i>(&self, item: &'i Item) -> Cow<'i, Item> {
        item.without(&self.placeholders, |name, text| {
            self.rows.iter().any(|row| row.reads(name) && row.knows(text))
                || self.filter.names(text)
        })
    }

    /// The part of a source's state that the mapping reads: what the base of a link keeps.
    pub fn read_part(&self, item: &Item) -> Snapshot {
        let state = self.without_placeholders(item).state();
        if self.rows.iter().any(|row| row.settings.compute.is_some()) {
            return state;
        }
        let with_owner = self.rows.iter().any(|row| row.to.kind == Kind::User);
        let names = self.sources().chain(with_owner.then_some(OWNER_EMAIL));
        names.filter_map(|name| state.get(name).map(|value| (name, value))).collect()
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

/// The field that a row writes, and the part of it: `mx_Address.mx_CustomObject_1` is a part of
/// the custom field set `mx_Address`.
fn target<'a>(to: &'a str, destination: &FieldList) -> (&'a str, Option<&'a str>) {
    match to.split_once(['.', '~']) {
        Some((set, part)) if destination.get(to).is_none() => (set, Some(part)),
        _ => (to, None),
    }
}

/// The field of the source, or the part of a custom field set, that a path like `Current.FirstName`
/// names, if the account reports it.
pub(crate) fn readable<'a>(path: &str, source: &'a FieldList) -> Option<Cow<'a, Field>> {
    match target(plain_name(path), source) {
        (set, Some(part)) => {
            Part::of(source.get(set)?, part).ok().map(|part| Cow::Owned(part.field))
        }
        (field, None) => source.get(field).map(Cow::Borrowed),
    }
}

/// The field of the destination that a row with this `to` writes, and the part of it.
///
/// # Errors
/// There is no such field or part, or it can't be written.
pub fn writable<'a>(
    to: &str,
    destination: &'a FieldList,
) -> Result<(&'a Field, Option<Part>), Problem> {
    let (name, part) = target(to, destination);
    match destination.get(name) {
        Some(field) if field.read_only => Err(read_only(to)),
        Some(field) if part.is_some() && field.kind != Kind::FieldSet => Err(no_parts(to)),
        Some(field) => Ok((field, part.map(|part| Part::written(field, part)).transpose()?)),
        None if SYSTEM_FIELDS.contains(&to) => Err(read_only(to)),
        None => Err(unknown(to)),
    }
}

fn no_parts(field: &str) -> Problem {
    Problem::new(
        Code::UnknownField,
        format!("{field} names a part of a field that is not a custom field set."),
        "Use the schema name alone, or a part of a custom field set.",
    )
    .about(field)
}

fn setting(name: &str, what: &str, example: &str) -> Problem {
    Problem::new(
        Code::BadSetting,
        format!("The connector's setting {name} {what}."),
        format!("Set it to a value such as {example}."),
    )
}

fn unknown(field: &str) -> Problem {
    Problem::new(
        Code::UnknownField,
        format!("The destination account has no field {field}."),
        "Fix the schema name in the mapping, turn the row off, or create the field in the \
         destination account.",
    )
    .about(field)
}

fn read_only(field: &str) -> Problem {
    Problem::new(
        Code::ReadOnlyField,
        format!("The destination field {field} can't be written: LeadSquared sets it itself."),
        "Turn this mapping row off, or map to another field.",
    )
    .about(field)
}

#[cfg(test)]
mod tests;

//! A line of the editor as it is shown.

use std::collections::HashMap;

use plan::check::{Finding, Severity};
use plan::connector::{Definition, FieldRow};
use plan::mapping::{MappedField, Reason, Sent, plain_name};
use plan::metadata::{Field, Kind};

use super::draft::{Draft, Line};
use super::payload::{Payload, shortened};
use super::sheet::{Sheet, Which};
use crate::console::connector::entities::{BLANKS, POLICIES, Shown};

/// The state of an unmapped field.
const UNMAPPED: &str = "unmapped";

/// A line as it is shown.
pub(super) struct Row {
    pub(super) number: usize,
    /// Its values in the form.
    pub(super) settings: FieldRow,
    /// `mapped`, `off` or `unmapped`.
    pub(super) state: &'static str,
    pub(super) is_custom: bool,
    /// Whether the name of the destination's field was typed.
    pub(super) is_typed: bool,
    pub(super) is_changed: bool,
    pub(super) from: Option<About>,
    pub(super) to: Option<About>,
    /// What it is called in a sentence.
    pub(super) title: String,
    /// Why it is there, for a row of the default mapping.
    pub(super) why: Option<&'static str>,
    /// Which search key it is, `primary` or `secondary`.
    pub(super) key: &'static str,
    pub(super) sample: Option<String>,
    /// The value of the destination's field for the payload.
    pub(super) gets: Option<String>,
    pub(super) findings: Vec<Finding>,
    pub(super) blanks: Vec<Shown>,
    pub(super) policies: Vec<Shown>,
    /// The other settings, in short.
    pub(super) extras: String,
}

/// What is known about a field.
pub(super) struct About {
    pub(super) display_name: String,
    pub(super) kind: &'static str,
    /// Further remarks.
    pub(super) marks: Vec<&'static str>,
}

impl About {
    fn of(field: &Field) -> Self {
        let marks = [
            (field.unique, "unique"),
            (field.mandatory, "mandatory"),
            (field.read_only, "read-only"),
        ];
        Self {
            display_name: field.display_name.clone(),
            kind: kind_word(field.kind),
            marks: marks.into_iter().filter(|(is_so, _)| *is_so).map(|(_, word)| word).collect(),
        }
    }
}

/// A kind in a word or two.
pub(super) fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "Text",
        Kind::Email => "Email",
        Kind::Phone => "Phone",
        Kind::Number => "Number",
        Kind::Date => "Date",
        Kind::DateTime => "Date and time",
        Kind::Time => "Time",
        Kind::Boolean => "Yes/No",
        Kind::Select => "Dropdown",
        Kind::MultiSelect => "Multi-select",
        Kind::User => "User",
        Kind::FieldSet => "Field set",
    }
}

impl Row {
    /// Whether something fills the field.
    pub(super) fn is_mapped(&self) -> bool {
        self.state != UNMAPPED
    }

    /// The most severe finding.
    pub(super) fn problem(&self) -> &'static str {
        let worst = self.findings.iter().map(|finding| finding.severity).min();
        worst.map_or("", Severity::as_str)
    }

    /// The translated values and one empty pair.
    pub(super) fn pairs(&self) -> Vec<(&str, &str)> {
        let values = self.settings.values.iter().map(|(from, to)| (from.as_str(), to.as_str()));
        values.chain([("", "")]).collect()
    }

    pub(super) fn text(text: Option<&str>) -> &str {
        text.unwrap_or_default()
    }
}

/// Everything that is needed to show lines.
pub(super) struct Around<'a> {
    pub(super) sheet: &'a Sheet,
    pub(super) saved: &'a Definition,
    pub(super) payload: &'a Payload,
    /// The outcome of the payload's record.
    pub(super) mapped: &'a [MappedField],
}

/// The lines of a draft, and the findings that belong to no line.
pub(super) fn rows(
    draft: &Draft,
    findings: Vec<Finding>,
    around: &Around<'_>,
) -> (Vec<Row>, Vec<Finding>) {
    let place = around.sheet.place(&draft.definition);
    let mut by_place: HashMap<usize, Vec<Finding>> = HashMap::new();
    let mut by_field: HashMap<String, Vec<Finding>> = HashMap::new();
    let mut of_the_whole = Vec::new();
    for finding in findings {
        match about(&finding.at, place.as_deref(), around.sheet.which) {
            Subject::Row(number) => by_place.entry(number).or_default().push(finding),
            Subject::Field(to) => by_field.entry(to).or_default().push(finding),
            Subject::Whole => of_the_whole.push(finding),
            Subject::Elsewhere => {}
        }
    }
    let saved: HashMap<String, FieldRow> = {
        let rows = around.sheet.in_force(around.saved).into_iter();
        rows.map(|proposal| (proposal.row.to.clone(), proposal.row)).collect()
    };
    let mapped: HashMap<&str, &MappedField> =
        around.mapped.iter().map(|field| (field.to.as_str(), field)).collect();
    let rows = draft.lines.iter().map(|line| {
        let mut findings = line.place.and_then(|place| by_place.remove(&place)).unwrap_or_default();
        if line.why.is_some() && line.place.is_none() {
            findings.extend(by_field.remove(&line.row.to).unwrap_or_default());
        }
        row(line, findings, draft, around, (&saved, &mapped))
    });
    let rows = rows.collect();
    of_the_whole.extend(by_place.into_values().flatten());
    (rows, of_the_whole)
}

/// What a finding is about.
enum Subject {
    Row(usize),
    Field(String),
    Whole,
    Elsewhere,
}

fn about(at: &str, place: Option<&str>, which: Which) -> Subject {
    const DEFAULT: &str = "lead.field (default mapping) ";
    if let Some(to) = at.strip_prefix(DEFAULT) {
        let end = [".from", ".to"].iter().find_map(|end| to.strip_suffix(end));
        return Subject::Field(end.unwrap_or(to).to_owned());
    }
    let rest = place.and_then(|place| at.strip_prefix(place));
    if let Some(rest) = rest {
        let number = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let number = number.and_then(|(number, _)| number.parse::<usize>().ok());
        return number
            .and_then(|number| number.checked_sub(1))
            .map_or(Subject::Whole, Subject::Row);
    }
    let whole = ["lead.field", "basic.search_by", "basic.secondary_search_by", "owner"];
    if which == Which::Leads && whole.iter().any(|whole| at.starts_with(whole)) {
        return Subject::Whole;
    }
    Subject::Elsewhere
}

fn row(
    line: &Line,
    findings: Vec<Finding>,
    draft: &Draft,
    around: &Around<'_>,
    (saved, mapped): (&HashMap<String, FieldRow>, &HashMap<&str, &MappedField>),
) -> Row {
    let Line { number, row, why, is_custom, .. } = line;
    let is_mapped = line.is_mapped() || line.place.is_some();
    let sheet = around.sheet;
    let from = row.from.as_deref().and_then(|from| {
        let name = plain_name(from);
        let field = sheet.from.get(name);
        field.or_else(|| sheet.from.get(name.split_once('.')?.0)).map(About::of)
    });
    let to = sheet.to.get(&row.to).map(About::of);
    let basic = &draft.definition.basic;
    let has_key = sheet.which == Which::Leads;
    let key = match () {
        () if !has_key || row.to.is_empty() => "",
        () if basic.search_by == row.to => "primary",
        () if basic.secondary_search_by.as_deref() == Some(&row.to) => "secondary",
        () => "",
    };
    let saved_key = |row: &FieldRow| {
        let basic = &around.saved.basic;
        let keys = [Some(&basic.search_by), basic.secondary_search_by.as_ref()];
        keys.iter().position(|key| *key == Some(&row.to))
    };
    let now_key = [Some(&basic.search_by), basic.secondary_search_by.as_ref()]
        .iter()
        .position(|key| *key == Some(&row.to));
    let is_changed = match saved.get(&row.to) {
        Some(saved) => !is_mapped || saved != row || has_key && saved_key(saved) != now_key,
        None => is_mapped,
    };
    let is_default = sheet
        .defaults
        .iter()
        .any(|default| default.row.to == row.to && default.row.from == row.from);
    let title = to.as_ref().map_or(row.to.as_str(), |to| to.display_name.as_str());
    let title = if title.is_empty() { format!("new row {number}") } else { title.to_owned() };
    Row {
        number: *number,
        is_custom: is_mapped && !is_default,
        is_typed: *is_custom,
        is_changed,
        why: why.filter(|why| *why != Reason::Settings).map(Reason::sentence),
        key,
        sample: row.from.as_deref().and_then(|from| around.payload.sample(from)),
        gets: mapped
            .get(row.to.as_str())
            .filter(|_| is_mapped && row.enabled)
            .and_then(|f| gets(f)),
        findings,
        blanks: BLANKS.shown_or_none(row.blank),
        policies: POLICIES.shown_or_none(row.conflict),
        extras: extras(row, key),
        from,
        to,
        title,
        settings: row.clone(),
        state: match (is_mapped, row.enabled) {
            (false, _) => UNMAPPED,
            (true, false) => "off",
            (true, true) => "mapped",
        },
    }
}

/// The value of the destination's field, in words.
fn gets(field: &MappedField) -> Option<String> {
    let default = field.default.as_deref().map(|text| format!("{} (default)", shortened(text)));
    match (&field.sent, default) {
        (Sent::Value(value), _) => Some(shortened(value)),
        (_, Some(default)) => Some(default),
        (Sent::Clear, None) => Some("cleared".to_owned()),
        (Sent::Blank, None) => Some("not changed".to_owned()),
        (Sent::Absent, None) => None,
    }
}

fn extras(row: &FieldRow, key: &str) -> String {
    let mut parts = Vec::new();
    match key {
        "primary" => parts.push("search key".to_owned()),
        "secondary" => parts.push("secondary search key".to_owned()),
        _ => {}
    }
    if row.compute.is_some() {
        parts.push("computed".to_owned());
    }
    if let Some(default) = &row.default {
        parts.push(format!("default {}", shortened(default)));
    }
    match row.values.len() {
        0 => {}
        1 => parts.push("1 translated value".to_owned()),
        more => parts.push(format!("{more} translated values")),
    }
    if let Some(blank) = row.blank {
        let word = BLANKS.shown_or_none(Some(blank)).into_iter().find(|one| one.chosen);
        parts.extend(word.map(|word| format!("blank: {}", word.title.to_lowercase())));
    }
    if let Some(policy) = row.conflict {
        let word = POLICIES.shown_or_none(Some(policy)).into_iter().find(|one| one.chosen);
        parts.extend(word.map(|word| format!("conflict: {}", word.title.to_lowercase())));
    }
    parts.join(" · ")
}

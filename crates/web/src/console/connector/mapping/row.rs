//! A line of the editor as it is shown.

use std::collections::{BTreeMap, HashMap};

use admin::settings::{field, label_of};
use admin::unmapped::Unmapped;
use plan::check::{Finding, Severity, automatic_field};
use plan::connector::{Definition, FieldRow};
use plan::mapping::{MappedField, Sent, plain_name};
use plan::metadata::{Field, Kind};
use plan::problem::Code;

use super::draft::{Draft, is_own};
use super::lines::{Line, LineKind, NEW};
use super::payload::{Payload, shortened};
use super::sheet::{Sheet, Which};
use crate::console::connector::entities::{BLANKS, POLICIES, Shown};

/// A line as it is shown.
pub(super) struct Row {
    /// Its number in the form.
    pub(super) number: usize,
    pub(super) key: String,
    /// Its values in the form.
    pub(super) settings: FieldRow,
    pub(super) kind: LineKind,
    /// Whether its details are shown.
    pub(super) is_open: bool,
    /// Whether the name of the destination's field can be edited.
    pub(super) is_typed: bool,
    /// Whether it differs from what is saved.
    pub(super) is_unsaved: bool,
    /// The display name of the destination's field.
    pub(super) title: String,
    /// The display name of the source's field; empty without one.
    pub(super) source: String,
    pub(super) from: Option<About>,
    pub(super) to: Option<About>,
    /// Which search key it is, `primary` or `secondary`.
    pub(super) key_of: &'static str,
    pub(super) sample: Option<String>,
    /// The value of the destination's field for the payload.
    pub(super) gets: Option<String>,
    pub(super) findings: Vec<Finding>,
    /// Values of recent requests without an option in the destination.
    pub(super) unmapped: Vec<Unmapped>,
    /// The options of the destination's field.
    pub(super) options: Vec<String>,
    /// Those of the source's.
    pub(super) source_options: Vec<String>,
    pub(super) blanks: Vec<Shown>,
    pub(super) policies: Vec<Shown>,
    /// The other settings, in short.
    pub(super) extras: String,
}

/// What is known about a field.
pub(super) struct About {
    pub(super) schema_name: String,
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
            schema_name: field.schema_name.clone(),
            kind: kind_word(field.kind),
            marks: marks.into_iter().filter(|(is_so, _)| *is_so).map(|(_, word)| word).collect(),
        }
    }
}

/// A kind in a word or two.
fn kind_word(kind: Kind) -> &'static str {
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
    pub(super) fn is_mapped(&self) -> bool {
        self.kind != LineKind::Unmapped
    }

    /// Whether it is a row of the settings, which can be reset or removed.
    pub(super) fn is_own(&self) -> bool {
        is_own(self.kind)
    }

    pub(super) fn is_automatic(&self) -> bool {
        matches!(self.kind, LineKind::Automatic(_))
    }

    /// Whether it overrides an automatic row.
    pub(super) fn is_changed(&self) -> bool {
        self.kind == LineKind::Changed
    }

    /// Whether something about it needs attention.
    pub(super) fn has_problem(&self) -> bool {
        !self.findings.is_empty() || !self.unmapped.is_empty()
    }

    /// Its state in a word, and the look of it.
    pub(super) fn state(&self) -> (&'static str, &'static str) {
        let worst = self.findings.iter().map(|finding| finding.severity).min();
        match (self.kind, worst) {
            (LineKind::Unmapped, _) => ("quiet", "Not mapped"),
            (_, Some(Severity::Error)) => ("bad", "Error"),
            _ if !self.settings.enabled => ("quiet", "Off"),
            (_, Some(Severity::Warning)) => ("warn", "Warning"),
            _ if !self.unmapped.is_empty() => ("warn", "Unmapped values"),
            _ => ("good", "On"),
        }
    }

    /// Whether the row is automatic, in a word.
    pub(super) fn origin(&self) -> &'static str {
        match self.kind {
            LineKind::Automatic(_) => "Automatic",
            LineKind::Changed => "Changed",
            LineKind::Added => "Added",
            LineKind::Manual | LineKind::Unmapped => "",
        }
    }

    /// Why an automatic row is there.
    pub(super) fn why(&self) -> &'static str {
        match self.kind {
            LineKind::Automatic(why) => why.sentence(),
            _ => "",
        }
    }

    /// What fills the field, for the list.
    pub(super) fn filled(&self) -> &str {
        match (self.source.as_str(), &self.settings.compute, &self.settings.default) {
            (_, Some(_), _) => "Computed",
            ("", None, Some(_)) => "Default value",
            (source, ..) => source,
        }
    }

    /// The options for a translated value, with those that it has anyway.
    pub(super) fn options_for<'a>(&'a self, to: &'a str) -> Vec<(&'a str, bool)> {
        let is_listed = to.is_empty() || self.options.iter().any(|option| option == to);
        let options = self.options.iter().map(|option| (option.as_str(), option == to));
        let own = (!is_listed).then_some((to, true));
        own.into_iter().chain(options).collect()
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
    mut unmapped: BTreeMap<String, Vec<Unmapped>>,
    around: &Around<'_>,
) -> (Vec<Row>, Vec<Finding>) {
    let place = around.sheet.place(&draft.definition);
    let mut by_place: HashMap<usize, Vec<Finding>> = HashMap::new();
    let mut by_field: HashMap<String, Vec<Finding>> = HashMap::new();
    let mut of_the_whole = Vec::new();
    for finding in findings {
        let finding = in_words(finding, &draft.definition);
        match about(&finding.at, place.as_deref(), around.sheet.which) {
            Subject::Row(number) => by_place.entry(number).or_default().push(finding),
            Subject::Field(to) => by_field.entry(to).or_default().push(finding),
            Subject::Whole => of_the_whole.push(finding),
            Subject::Elsewhere => {}
        }
    }
    let saved: HashMap<String, FieldRow> = {
        let lines = super::lines::lines(around.saved, around.sheet).into_iter();
        lines.map(|line| (line.key, line.row)).collect()
    };
    let mapped: HashMap<&str, &MappedField> =
        around.mapped.iter().map(|field| (field.to.as_str(), field)).collect();
    let rows = draft.lines.iter().enumerate().map(|(number, line)| {
        let findings = match line.place {
            Some(place) => by_place.remove(&place),
            None => by_field.remove(&line.row.to),
        };
        let is_unsaved = saved.get(&line.key).is_none_or(|saved| *saved != line.row);
        let shown = Row { is_unsaved, ..row(number, line, draft, around, &mapped) };
        let unmapped = unmapped.remove(&line.row.to).filter(|_| line.row.enabled);
        Row {
            findings: findings.unwrap_or_default(),
            unmapped: unmapped.unwrap_or_default(),
            ..shown
        }
    });
    let rows = rows.collect();
    of_the_whole.extend(by_place.into_values().flatten());
    (rows, of_the_whole)
}

/// A fault of the settings names its place as the configuration file does; a page says it as people
/// do.
fn in_words(mut finding: Finding, definition: &Definition) -> Finding {
    let of_file = format!("{}: ", finding.at);
    if finding.problem.code == Code::BadSetting
        && let Some(what) = finding.problem.message.strip_prefix(&of_file)
    {
        finding.problem.message = format!("{}: {what}", label_of(definition, &finding.at));
    }
    finding
}

/// What a finding is about.
enum Subject {
    Row(usize),
    Field(String),
    Whole,
    Elsewhere,
}

fn about(at: &str, place: Option<&str>, which: Which) -> Subject {
    if let Some(rest) = place.and_then(|place| at.strip_prefix(place)) {
        if let Some(to) = automatic_field(rest) {
            return Subject::Field(to.to_owned());
        }
        let number = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let number = number.and_then(|(number, _)| number.parse::<usize>().ok());
        return number
            .and_then(|number| number.checked_sub(1))
            .map_or(Subject::Whole, Subject::Row);
    }
    let whole = ["lead.field", "basic.search_by", "basic.secondary_search_by"];
    if which == Which::Leads && whole.iter().any(|whole| at.starts_with(whole)) {
        return Subject::Whole;
    }
    Subject::Elsewhere
}

fn row(
    number: usize,
    line: &Line,
    draft: &Draft,
    around: &Around<'_>,
    mapped: &HashMap<&str, &MappedField>,
) -> Row {
    let Line { key, row, kind, .. } = line;
    let sheet = around.sheet;
    let source = row.from.as_deref().and_then(|from| {
        let name = plain_name(from);
        sheet.from.get(name).or_else(|| sheet.from.get(name.split_once('.')?.0))
    });
    let target = sheet.to.get(&row.to);
    let basic = &draft.definition.basic;
    let key_of = match () {
        () if sheet.which != Which::Leads || row.to.is_empty() => "",
        () if basic.search_by == row.to => "primary",
        () if basic.secondary_search_by.as_deref() == Some(&row.to) => "secondary",
        () => "",
    };
    let is_open = draft.open.as_ref() == Some(key);
    let title = field(&sheet.to, &row.to);
    let is_filled = *kind != LineKind::Unmapped && row.enabled;
    Row {
        number,
        key: key.clone(),
        kind: *kind,
        is_open,
        is_typed: line.is_typed(sheet) || *key == NEW,
        is_unsaved: false,
        title: if title.is_empty() { "New row".to_owned() } else { title },
        source: row.from.as_deref().map(|from| field(&sheet.from, from)).unwrap_or_default(),
        key_of,
        sample: row.from.as_deref().and_then(|from| around.payload.sample(from)),
        gets: mapped.get(row.to.as_str()).filter(|_| is_filled).and_then(|f| gets(f)),
        findings: Vec::new(),
        unmapped: Vec::new(),
        options: target.filter(|_| is_open).map(|to| to.options.clone()).unwrap_or_default(),
        source_options: source.filter(|_| is_open).map(|f| f.options.clone()).unwrap_or_default(),
        blanks: BLANKS.shown_or_none(row.blank),
        policies: POLICIES.shown_or_none(row.conflict),
        extras: extras(row, key_of),
        from: source.map(About::of),
        to: target.map(About::of),
        settings: row.clone(),
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

//! A mapping that is being edited: from the saved settings or from the form.

use std::collections::{BTreeMap, BTreeSet};

use plan::connector::{Definition, Fault, FieldRow};
use plan::mapping::{Proposal, Reason, SYSTEM_FIELDS, writable};

use super::sheet::{Sheet, Which};
use crate::console::connector::entities::{BLANKS, POLICIES};
use crate::console::form::Form;

/// The most lines of a form, including fields that are not mapped.
const MOST_LINES: usize = 5_000;

/// Unsaved settings, and the lines that show them.
pub(super) struct Draft {
    pub(super) definition: Definition,
    pub(super) lines: Vec<Line>,
    /// What can't be parsed.
    pub(super) faults: Vec<Fault>,
}

/// A line of the editor: a row of the mapping, or a field of the destination without one.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Its key in the form.
    pub(super) number: usize,
    pub(super) row: FieldRow,
    /// Why it is there; `None` for a field without a row.
    pub(super) why: Option<Reason>,
    /// Its number among the rows of the settings, from 0.
    pub(super) place: Option<usize>,
    /// Whether the name of the field that it fills was typed.
    pub(super) is_custom: bool,
}

impl Line {
    /// Whether something fills the field.
    pub(super) fn is_mapped(&self) -> bool {
        has_content(&self.row)
    }
}

fn has_content(row: &FieldRow) -> bool {
    row.from.is_some() || row.compute.is_some() || row.default.is_some()
}

/// The search keys that a line marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Primary,
    Secondary,
}

#[derive(Default)]
struct Sent {
    row: FieldRow,
    is_on: bool,
    is_custom: bool,
    key: Option<Key>,
    values_from: Vec<String>,
    values_to: Vec<String>,
}

impl Draft {
    /// The saved settings.
    pub(super) fn saved(definition: &Definition, sheet: &Sheet) -> Self {
        let is_own = !sheet.own(definition).is_empty();
        let line = |(number, Proposal { row, why }): (usize, Proposal)| Line {
            number,
            is_custom: writable(&row.to, &sheet.to).is_err() || row.to.contains('.'),
            row,
            why: Some(why),
            place: is_own.then_some(number),
        };
        let lines = sheet.in_force(definition).into_iter().enumerate().map(line).collect();
        let mut draft = Self { definition: definition.clone(), lines, faults: Vec::new() };
        draft.add_unmapped(sheet);
        draft
    }

    /// These settings with the form applied.
    pub(super) fn read(form: &Form, definition: &Definition, sheet: &Sheet) -> Self {
        let mut draft =
            Self { definition: definition.clone(), lines: Vec::new(), faults: Vec::new() };
        let sent = draft.sent(form);
        if sheet.which == Which::Leads {
            draft.take_keys(&sent);
            if !form.text("owners").is_empty() {
                draft.take_owners(form);
            }
        }
        let mut rows: Vec<FieldRow> = Vec::new();
        for (number, sent) in sent {
            let Sent { mut row, is_on, is_custom, .. } = sent;
            let is_custom = is_custom || sheet.to.get(&row.to).is_none();
            if row.to.is_empty() && !has_content(&row) {
                continue;
            }
            row.enabled = is_on;
            // A row that somebody added is kept, so that the page can say what it lacks.
            let place = (has_content(&row) || is_custom).then_some(rows.len());
            if place.is_some() {
                rows.push(row.clone());
            }
            let why = place.map(|_| why(&row, sheet));
            draft.lines.push(Line { number, row, why, place, is_custom });
        }
        let is_default = !form.text("default").is_empty()
            && rows.len() == sheet.defaults.len()
            && rows.iter().zip(&sheet.defaults).all(|(row, default)| *row == default.row);
        if is_default {
            draft.lines.iter_mut().for_each(|line| line.place = None);
            rows.clear();
        } else {
            draft
                .lines
                .iter_mut()
                .filter(|line| line.why.is_some())
                .for_each(|line| line.why = Some(Reason::Settings));
        }
        sheet.put(&mut draft.definition, rows);
        draft.add_unmapped(sheet);
        draft
    }

    /// The lines of the form by their numbers.
    fn sent(&mut self, form: &Form) -> BTreeMap<usize, Sent> {
        let mut sent: BTreeMap<usize, Sent> = BTreeMap::new();
        for (name, value) in form.fields() {
            let Some((number, part)) = name.strip_prefix('r').and_then(|name| name.split_once('.'))
            else {
                continue;
            };
            let Ok(number) = number.parse() else { continue };
            if sent.len() >= MOST_LINES && !sent.contains_key(&number) {
                self.fault("lead.field", format!("has more than {MOST_LINES} lines"));
                break;
            }
            let line = sent.entry(number).or_default();
            let text = || Some(value.to_owned()).filter(|text| !text.trim().is_empty());
            match part {
                "to" => value.trim().clone_into(&mut line.row.to),
                "from" => line.row.from = text().map(|text| text.trim().to_owned()),
                "compute" => line.row.compute = text(),
                "default" => line.row.default = text(),
                "on" => line.is_on = true,
                "custom" => line.is_custom = true,
                "blank" => line.row.blank = BLANKS.named(value),
                "conflict" => line.row.conflict = POLICIES.named(value),
                "key" if value == "primary" => line.key = Some(Key::Primary),
                "key" if value == "secondary" => line.key = Some(Key::Secondary),
                "vf" => line.values_from.push(value.trim().to_owned()),
                "vt" => line.values_to.push(value.to_owned()),
                _ => {}
            }
        }
        for line in sent.values_mut() {
            let pairs = line.values_from.drain(..).zip(line.values_to.drain(..));
            for (from, to) in pairs.filter(|(from, _)| !from.is_empty()) {
                if let Some(earlier) = line.row.values.insert(from.clone(), to.clone())
                    && earlier != to
                {
                    let what = format!("maps the value '{from}' twice; keep one of the two");
                    let at = format!("the row of {}", line.row.to);
                    self.faults.push(Fault { at, what });
                }
            }
        }
        sent
    }

    /// Which fields are search keys, by the marks on the lines. A key whose field has no line is
    /// unchanged.
    fn take_keys(&mut self, sent: &BTreeMap<usize, Sent>) {
        let marked = |key: Key| -> Vec<&str> {
            let lines = sent.values().filter(|line| line.key == Some(key));
            lines.map(|line| line.row.to.as_str()).collect()
        };
        let is_there = |name: &str| sent.values().any(|line| line.row.to == name);
        for (key, at) in
            [(Key::Primary, "basic.search_by"), (Key::Secondary, "basic.secondary_search_by")]
        {
            let basic = &self.definition.basic;
            let now = match key {
                Key::Primary => Some(basic.search_by.clone()),
                Key::Secondary => basic.secondary_search_by.clone(),
            };
            // Without the script, the previous mark stays when another is set.
            let all = marked(key);
            let new: Vec<&str> =
                all.iter().copied().filter(|to| now.as_deref() != Some(*to)).collect();
            let chosen = match (new.as_slice(), all.as_slice()) {
                ([one], _) | ([], [one, ..]) => Some((*one).to_owned()),
                ([], []) => now.filter(|now| key == Key::Primary || !is_there(now)),
                (several, _) => {
                    let names = several.join(", ");
                    self.fault(at, format!("is set on several rows: {names}; choose one"));
                    now
                }
            };
            let basic = &mut self.definition.basic;
            match key {
                Key::Primary => basic.search_by = chosen.unwrap_or_default(),
                Key::Secondary => basic.secondary_search_by = chosen,
            }
        }
        let basic = &mut self.definition.basic;
        // A field that becomes the first key is no longer the second one.
        if basic.secondary_search_by.as_ref() == Some(&basic.search_by) {
            basic.secondary_search_by = None;
        }
    }

    fn take_owners(&mut self, form: &Form) {
        let pairs = form.texts("owner_from").zip(form.texts("owner_to"));
        let pairs = pairs.map(|(from, to)| (from.trim().to_owned(), to.trim().to_owned()));
        let owner = &mut self.definition.owner;
        owner.users = pairs.filter(|(from, to)| !from.is_empty() || !to.is_empty()).collect();
        let fallback = form.text("owner_fallback").trim();
        owner.fallback = (!fallback.is_empty()).then(|| fallback.to_owned());
    }

    fn fault(&mut self, at: &str, what: String) {
        self.faults.push(Fault { at: at.to_owned(), what });
    }

    /// A line for each writable field of the destination that has none.
    fn add_unmapped(&mut self, sheet: &Sheet) {
        let mut number = self.next_number();
        let has_line: BTreeSet<String> =
            self.lines.iter().map(|line| line.row.to.clone()).collect();
        for field in sheet.to.iter() {
            let name = &field.schema_name;
            let is_system = SYSTEM_FIELDS.contains(&name.as_str());
            if is_system || writable(name, &sheet.to).is_err() || has_line.contains(name) {
                continue;
            }
            let row = FieldRow { to: name.clone(), enabled: true, ..FieldRow::default() };
            self.lines.push(Line { number, row, why: None, place: None, is_custom: false });
            number += 1;
        }
    }

    fn next_number(&self) -> usize {
        self.lines.iter().map(|line| line.number + 1).max().unwrap_or(0)
    }

    /// Adds an empty line to be filled in; returns its number.
    pub(super) fn add_line(&mut self) -> usize {
        let number = self.next_number();
        let row = FieldRow { enabled: true, ..FieldRow::default() };
        self.lines.insert(0, Line { number, row, why: None, place: None, is_custom: true });
        number
    }

    /// Removes a line.
    pub(super) fn remove_line(&mut self, number: usize, sheet: &Sheet) {
        let gone = self.lines.iter().find(|line| line.number == number).and_then(|line| line.place);
        self.lines.retain(|line| line.number != number);
        if let Some(gone) = gone {
            let mut rows = sheet.own(&self.definition).to_vec();
            rows.remove(gone);
            for line in &mut self.lines {
                line.place = line.place.map(|place| place - usize::from(place > gone));
            }
            sheet.put(&mut self.definition, rows);
        }
        self.add_unmapped(sheet);
    }
}

/// Why a row is there, if it is part of the default mapping.
fn why(row: &FieldRow, sheet: &Sheet) -> Reason {
    let default = sheet.defaults.iter().find(|default| default.row == *row);
    default.map_or(Reason::Settings, |default| default.why)
}

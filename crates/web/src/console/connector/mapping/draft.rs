//! A mapping that is being edited: from the saved settings or from the form.

use std::collections::BTreeMap;

use plan::connector::{Definition, Fault, FieldRow};
use plan::mapping::overrides;

use super::lines::{Line, LineKind, has_content, lines};
use super::sheet::{Sheet, Which};
use crate::console::connector::entities::{BLANKS, POLICIES};
use crate::console::form::Form;

/// The most lines of a form.
const MOST_LINES: usize = 5_000;

/// Unsaved settings, and the lines that show them.
pub(super) struct Draft {
    pub(super) definition: Definition,
    pub(super) lines: Vec<Line>,
    /// The key of the line whose details are shown.
    pub(super) open: Option<String>,
    /// What can't be parsed.
    pub(super) faults: Vec<Fault>,
}

/// A line as the form has it.
#[derive(Default)]
struct Sent {
    row: FieldRow,
    /// The source's field as it was typed, in place of `row.from`.
    source: Option<String>,
    /// The destination's field as it was typed.
    target: Option<String>,
    /// Whether it was an automatic row when the page was made.
    is_automatic: bool,
    is_on: bool,
    is_open: bool,
    /// Which search key it should be.
    key: String,
    /// Both sides of each translated value.
    values: (Vec<String>, Vec<String>),
    /// The same for unmapped values; only those with a choice count.
    unmapped: (Vec<String>, Vec<String>),
}

impl Draft {
    /// The saved settings, with the details of this line.
    pub(super) fn saved(definition: &Definition, sheet: &Sheet, open: &str) -> Self {
        let lines = lines(definition, sheet);
        let open = Some(open).filter(|open| lines.iter().any(|line| line.key == *open));
        let open = open.map(str::to_owned);
        Self { definition: definition.clone(), lines, open, faults: Vec::new() }
    }

    /// These settings with the form applied.
    pub(super) fn read(form: &Form, definition: &Definition, sheet: &Sheet) -> Self {
        let mut faults = Vec::new();
        let sent = sent(form, &mut faults);
        let mut definition = definition.clone();
        if sheet.which == Which::Leads {
            take_keys(form, &sent, sheet, &mut definition);
        }
        let is_automatic = !form.text("automatic").is_empty();
        let mut rows: Vec<FieldRow> = Vec::new();
        let mut open = None;
        for line in sent.into_values() {
            let is_open = line.is_open;
            let (to, place) = match line.own_row(sheet, is_automatic, &mut faults) {
                (to, Some(row)) => {
                    rows.push(row);
                    (to, Some(rows.len() - 1))
                }
                (to, None) => (to, None),
            };
            if is_open {
                open = Some((to, place));
            }
        }
        sheet.put(&mut definition, is_automatic, rows);
        let lines = lines(&definition, sheet);
        let open = open.and_then(|(to, place)| {
            let of_place = lines.iter().find(|line| place.is_some() && line.place == place);
            let line = of_place.or_else(|| lines.iter().find(|line| line.row.to == to))?;
            Some(line.key.clone())
        });
        Self { definition, lines, open, faults }
    }

    /// The line with this key.
    pub(super) fn line(&self, key: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.key == key)
    }

    /// Shows the details of another line, or of none.
    pub(super) fn show(&mut self, key: &str) {
        self.open = self.line(key).map(|line| line.key.clone());
    }

    /// Adds an empty row to be filled in.
    pub(super) fn add_row(&mut self, sheet: &Sheet) {
        let row = FieldRow { enabled: true, ..FieldRow::default() };
        let own = sheet.own(&self.definition);
        let is_automatic = own.is_automatic();
        let rows = own.rows.iter().cloned().chain([row]).collect();
        self.put(is_automatic, rows, sheet);
        self.show(super::lines::NEW);
    }

    /// Removes the row that is open from the settings: what is automatic underneath is in effect
    /// again.
    pub(super) fn remove_row(&mut self, sheet: &Sheet) {
        let open = self.open.as_ref().and_then(|open| self.line(open));
        let Some(place) = open.and_then(|line| line.place) else { return };
        let own = sheet.own(&self.definition);
        let is_automatic = own.is_automatic();
        let mut rows = own.rows.to_vec();
        rows.remove(place);
        self.put(is_automatic, rows, sheet);
    }

    /// Makes the mapping automatic, with overrides for everything that it does differently.
    pub(super) fn make_automatic(&mut self, sheet: &Sheet) {
        let rows = overrides(sheet.own(&self.definition).rows, &sheet.defaults);
        self.put(true, rows, sheet);
    }

    /// Makes every row in effect one of the settings.
    pub(super) fn make_manual(&mut self, sheet: &Sheet) {
        let rows = sheet.in_force(&self.definition).into_iter().map(|one| one.row);
        let rows = rows.filter(has_content).collect();
        self.put(false, rows, sheet);
    }

    fn put(&mut self, is_automatic: bool, rows: Vec<FieldRow>, sheet: &Sheet) {
        sheet.put(&mut self.definition, is_automatic, rows);
        self.lines = lines(&self.definition, sheet);
        let open = self.open.take();
        self.open = open.filter(|open| self.line(open).is_some());
    }
}

impl Sent {
    /// The field that the line fills, and its row among those of the settings, if it needs one.
    fn own_row(
        self,
        sheet: &Sheet,
        is_automatic: bool,
        faults: &mut Vec<Fault>,
    ) -> (String, Option<FieldRow>) {
        let Self { mut row, source, target, values, unmapped, .. } = self;
        row.enabled = self.is_on;
        if let Some(target) = target {
            row.to = sheet.target_named(&target);
        }
        let to = row.to.clone();
        let automatic = sheet.automatic(&to);
        if self.is_automatic && !self.is_open {
            // It may have disappeared from the accounts in the meantime.
            let off = automatic.filter(|_| !self.is_on);
            return (to, off.map(|row| FieldRow { enabled: false, ..row.clone() }));
        }
        if let Some(source) = source {
            row.from = sheet.source_named(&source, row.from.as_deref());
        }
        add_values(&mut row, values, unmapped, faults);
        let is_new = to.is_empty();
        let is_needed = match automatic {
            Some(automatic) if is_automatic || self.is_automatic => row != *automatic,
            _ => has_content(&row) || is_new || sheet.to.get(&to).is_none(),
        };
        (to, is_needed.then_some(row))
    }
}

fn add_values(
    row: &mut FieldRow,
    (from, to): (Vec<String>, Vec<String>),
    unmapped: (Vec<String>, Vec<String>),
    faults: &mut Vec<Fault>,
) {
    for (from, to) in from.into_iter().zip(to).filter(|(from, _)| !from.is_empty()) {
        if let Some(earlier) = row.values.insert(from.clone(), to.clone())
            && earlier != to
        {
            let what = format!("maps the value '{from}' twice; keep one of the two");
            faults.push(Fault { at: format!("lead.field[{}].values", row.to), what });
        }
    }
    for (from, to) in unmapped.0.into_iter().zip(unmapped.1).filter(|(_, to)| !to.is_empty()) {
        row.values.insert(from, to);
    }
}

/// The lines of the form by their numbers.
fn sent(form: &Form, faults: &mut Vec<Fault>) -> BTreeMap<usize, Sent> {
    let mut sent: BTreeMap<usize, Sent> = BTreeMap::new();
    for (name, value) in form.fields() {
        let Some((number, part)) = name.strip_prefix('r').and_then(|name| name.split_once('.'))
        else {
            continue;
        };
        let Ok(number) = number.parse() else { continue };
        if sent.len() >= MOST_LINES && !sent.contains_key(&number) {
            let what = format!("has more than {MOST_LINES} lines");
            faults.push(Fault { at: "lead.field".to_owned(), what });
            break;
        }
        let line = sent.entry(number).or_default();
        let text = || Some(value.to_owned()).filter(|text| !text.trim().is_empty());
        match part {
            "to" => value.trim().clone_into(&mut line.row.to),
            "target" => line.target = Some(value.trim().to_owned()),
            "from" => line.row.from = text().map(|text| text.trim().to_owned()),
            "source" => line.source = Some(value.trim().to_owned()),
            "compute" => line.row.compute = text(),
            "default" => line.row.default = text(),
            "automatic" => line.is_automatic = true,
            "on" => line.is_on = true,
            "open" => line.is_open = true,
            "blank" => line.row.blank = BLANKS.named(value),
            "conflict" => line.row.conflict = POLICIES.named(value),
            "key" => value.clone_into(&mut line.key),
            "vf" => line.values.0.push(value.trim().to_owned()),
            "vt" => line.values.1.push(value.to_owned()),
            "uf" => line.unmapped.0.push(value.trim().to_owned()),
            "ut" => line.unmapped.1.push(value.to_owned()),
            _ => {}
        }
    }
    sent
}

/// Which fields are search keys: as the form has them, but for the line that is open. The primary
/// one can only be given to another field.
fn take_keys(
    form: &Form,
    sent: &BTreeMap<usize, Sent>,
    sheet: &Sheet,
    definition: &mut Definition,
) {
    let basic = &mut definition.basic;
    let now = form.text("search_by");
    if !now.is_empty() {
        now.clone_into(&mut basic.search_by);
        let secondary = form.text("secondary_search_by");
        basic.secondary_search_by = Some(secondary.to_owned()).filter(|name| !name.is_empty());
    }
    let open = sent.values().find(|line| line.is_open);
    let Some(Sent { row, target, key, .. }) = open else { return };
    let to = target.as_deref().map_or_else(|| row.to.clone(), |target| sheet.target_named(target));
    let is_secondary = basic.secondary_search_by.as_ref() == Some(&to);
    match key.as_str() {
        "primary" => {
            basic.search_by = to;
            if is_secondary {
                basic.secondary_search_by = None;
            }
        }
        "secondary" if basic.search_by != to => basic.secondary_search_by = Some(to),
        "none" if is_secondary => basic.secondary_search_by = None,
        _ => {}
    }
}

/// Whether the line stands for a row of the settings.
pub(super) fn is_own(kind: LineKind) -> bool {
    matches!(kind, LineKind::Changed | LineKind::Added | LineKind::Manual)
}

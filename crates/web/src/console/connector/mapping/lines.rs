//! The lines of the editor: the rows of a mapping, and the fields of the destination without one.

use std::collections::{BTreeMap, BTreeSet};

use plan::connector::{Definition, FieldRow};
use plan::mapping::{Proposal, Reason, SYSTEM_FIELDS, writable};

use super::sheet::Sheet;

/// The key of a row whose field is not chosen yet.
pub(super) const NEW: &str = "#new";

/// A line of the editor.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// What the address and the buttons of the page call it: the field that it fills, and its number
    /// if several rows fill it.
    pub(super) key: String,
    pub(super) row: FieldRow,
    pub(super) kind: LineKind,
    /// Its number among the rows of the settings, from 0.
    pub(super) place: Option<usize>,
}

/// Where a line comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineKind {
    /// The automatic mapping, for this reason.
    Automatic(Reason),
    /// An override of an automatic row.
    Changed,
    /// A row on top of the automatic ones.
    Added,
    /// A row of a mapping that is not automatic.
    Manual,
    /// A field of the destination that nothing fills.
    Unmapped,
}

impl Line {
    /// Whether the name of the destination's field can be edited: another row is meant then.
    pub(super) fn is_typed(&self, sheet: &Sheet) -> bool {
        let is_own = matches!(self.kind, LineKind::Added | LineKind::Manual);
        is_own && (writable(&self.row.to, &sheet.to).is_err() || self.row.to.contains(['.', '~']))
    }
}

/// Whether something fills the field.
pub(super) fn has_content(row: &FieldRow) -> bool {
    row.from.is_some() || row.compute.is_some() || row.default.is_some()
}

/// The lines of these settings: rows in effect first, then fields without one.
pub(super) fn lines(definition: &Definition, sheet: &Sheet) -> Vec<Line> {
    let is_automatic = sheet.own(definition).is_automatic();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut lines: Vec<Line> = Vec::new();
    for Proposal { mut row, why, place } in sheet.in_force(definition) {
        let automatic = sheet.automatic(&row.to);
        let kind = match (place, automatic) {
            (None, _) => LineKind::Automatic(why),
            (Some(_), _) if !is_automatic => LineKind::Manual,
            (Some(_), Some(_)) => LineKind::Changed,
            (Some(_), None) => LineKind::Added,
        };
        // An override that only takes a row out shows what it takes out.
        if let (LineKind::Changed, false, Some(automatic)) = (kind, has_content(&row), automatic) {
            row.from.clone_from(&automatic.from);
        }
        let number = seen.entry(row.to.clone()).or_default();
        *number += 1;
        lines.push(Line { key: key(&row.to, *number), row, kind, place });
    }
    let filled: BTreeSet<String> = seen.into_keys().collect();
    let free = sheet.to.iter().map(|field| &field.schema_name).filter(|name| {
        let is_system = SYSTEM_FIELDS.contains(&name.as_str());
        !is_system && writable(name, &sheet.to).is_ok() && !filled.contains(*name)
    });
    lines.extend(free.map(|name| {
        let row = FieldRow { to: name.clone(), enabled: true, ..FieldRow::default() };
        Line { key: key(name, 1), row, kind: LineKind::Unmapped, place: None }
    }));
    lines
}

fn key(to: &str, number: usize) -> String {
    match (to, number) {
        ("", _) => NEW.to_owned(),
        (to, 1) => to.to_owned(),
        (to, number) => format!("{to}#{number}"),
    }
}

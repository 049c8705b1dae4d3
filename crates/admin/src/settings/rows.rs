//! Changes of the rows of a mapping, in one line each.

use std::collections::BTreeMap;

use plan::connector::{Blank, FieldRow, Policy};
use plan::mapping::Proposal;
use plan::metadata::FieldList;

use super::change::Change;
use super::value::field;

/// How many translated values a line names.
const NAMED: usize = 3;
/// The longest value that a line shows, in characters.
const LONGEST: usize = 60;

/// The changes of rows between two states of a mapping: `of` names the mapping, if it is not that
/// of leads.
pub(super) fn changes(
    (before, after): (&[Proposal], &[Proposal]),
    (source, destination): (&FieldList, &FieldList),
    of: Option<&str>,
) -> Vec<Change> {
    let (before, after) = (keyed(before), keyed(after));
    let find = |rows: &[Keyed<'_>], key: Key<'_>| -> Option<FieldRow> {
        rows.iter().find(|(other, _)| *other == key).map(|(_, row)| (*row).clone())
    };
    let gone = before.iter().filter(|(key, _)| !after.iter().any(|(other, _)| other == key));
    let mut changes = Vec::new();
    for (key, _) in after.iter().chain(gone) {
        let (was, is) = (find(&before, *key), find(&after, *key));
        let Some(text) = line(was.as_ref(), is.as_ref(), source) else { continue };
        let name = field(destination, key.0);
        let label = of.map_or(name.clone(), |of| format!("{of}: {name}"));
        changes.push(Change { label, text });
    }
    changes
}

/// A row is identified by the field that it fills, and its number among those that fill it.
type Key<'a> = (&'a str, usize);
type Keyed<'a> = (Key<'a>, &'a FieldRow);

fn keyed(rows: &[Proposal]) -> Vec<Keyed<'_>> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    rows.iter()
        .map(|proposal| {
            let Proposal { row, .. } = proposal;
            let number = seen.entry(row.to.as_str()).or_default();
            *number += 1;
            ((row.to.as_str(), *number), row)
        })
        .collect()
}

/// What changed about a row; nothing if it is the same.
fn line(was: Option<&FieldRow>, is: Option<&FieldRow>, source: &FieldList) -> Option<String> {
    let filled = |row: &FieldRow| filled(row, source);
    match (was, is) {
        (None, None) => None,
        (None, Some(is)) if !is.enabled => Some("added, off".to_owned()),
        (None, Some(is)) => {
            let mut parts = vec![format!("added, {}", filled(is))];
            parts.extend(extras(&FieldRow::default(), is));
            Some(parts.join("; "))
        }
        (Some(was), None) => Some(format!("removed (was {})", filled(was))),
        // What differs between two rows that are off has no effect.
        (Some(was), Some(is)) if was == is || !was.enabled && !is.enabled => None,
        (Some(was), Some(is)) if was.enabled && !is.enabled => {
            Some(format!("off (was {})", filled(was)))
        }
        (Some(was), Some(is)) => {
            let mut parts = Vec::new();
            if (&was.from, &was.compute) != (&is.from, &is.compute) {
                let before = filled(was);
                let before = before.strip_prefix("from ").unwrap_or(&before);
                parts.push(format!("now {} (was {before})", filled(is)));
            } else if !was.enabled && is.enabled {
                parts.push(format!("on, {}", filled(is)));
            }
            parts.extend(extras(was, is));
            Some(parts.join("; ")).filter(|text| !text.is_empty())
        }
    }
}

fn filled(row: &FieldRow, source: &FieldList) -> String {
    match (&row.from, &row.compute) {
        (_, Some(template)) => format!("computed as {}", quoted(template)),
        (Some(from), None) => format!("from {}", field(source, from)),
        (None, None) if row.default.is_some() => "only its default value".to_owned(),
        (None, None) => "not mapped".to_owned(),
    }
}

/// What changed besides where the value comes from.
fn extras(was: &FieldRow, is: &FieldRow) -> Vec<String> {
    let mut parts = Vec::new();
    match (&was.default, &is.default) {
        (None, Some(is)) => parts.push(format!("default {}", quoted(is))),
        (Some(was), None) => parts.push(format!("no default (was {})", quoted(was))),
        (Some(was), Some(is)) if was != is => {
            parts.push(format!("default {} (was {})", quoted(is), quoted(was)));
        }
        _ => {}
    }
    let translations = translations(&was.values, &is.values);
    let more = translations.len().saturating_sub(NAMED);
    parts.extend(translations.into_iter().take(NAMED));
    if more > 0 {
        parts.push(format!("{more} more translated values"));
    }
    if was.blank != is.blank {
        let word = |blank| match blank {
            None => "as for the connector",
            Some(Blank::Leave) => "leave",
            Some(Blank::Clear) => "clear",
        };
        parts.push(format!("when blank: {} (was {})", word(is.blank), word(was.blank)));
    }
    if was.conflict != is.conflict {
        let word = |policy| match policy {
            None => "as for the connector",
            Some(Policy::Newest) => "the newest change",
            Some(Policy::Source) => "the source",
            Some(Policy::Destination) => "the destination",
            Some(Policy::FillBlank) => "fill blanks only",
            Some(Policy::Review) => "send to review",
        };
        let (is, was) = (word(is.conflict), word(was.conflict));
        parts.push(format!("when both changed: {is} (was {was})"));
    }
    parts
}

fn translations(was: &BTreeMap<String, String>, is: &BTreeMap<String, String>) -> Vec<String> {
    let mut parts = Vec::new();
    for (from, to) in is {
        match was.get(from) {
            Some(before) if before == to => {}
            Some(before) => parts.push(format!(
                "{} becomes {} (was {})",
                quoted(from),
                quoted(to),
                quoted(before)
            )),
            None => parts.push(format!("{} becomes {}", quoted(from), quoted(to))),
        }
    }
    for from in was.keys().filter(|from| !is.contains_key(*from)) {
        parts.push(format!("{} is no longer translated", quoted(from)));
    }
    parts
}

fn quoted(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("“{}…”", &text[..end]),
        None => format!("“{text}”"),
    }
}

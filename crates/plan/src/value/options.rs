//! Values of dropdowns: one of a field's options, or several.

use serde_json::Value;

use super::named;
use crate::json;
use crate::metadata::{Field, Kind};
use crate::problem::{Code, Problem, shortened};
use crate::text;

/// The separator for writing the options of a multi-select field. A guess: LeadSquared's pages name
/// none, and its data commonly has this one.
pub(crate) const SEPARATOR: char = ';';
/// Separators of options as written by people, forms and other programs. Options may contain them
/// too.
pub(crate) const SEPARATORS: [char; 4] = [SEPARATOR, ',', '|', '\n'];

/// The option as the destination spells it.
pub(super) fn one(text: &str, field: &Field) -> Result<String, Problem> {
    if field.options.is_empty() {
        return Ok(text.to_owned());
    }
    listed(text, field).cloned().ok_or_else(|| missing(text, field))
}

/// Options as the destination spells them, in one text.
pub(super) fn several(text: &str, field: &Field) -> Result<String, Problem> {
    let mut chosen: Vec<String> = Vec::new();
    let mut add = |option: String| {
        if !chosen.contains(&option) {
            chosen.push(option);
        }
    };
    match list(text) {
        Some(parts) => {
            for part in parts.iter().filter(|part| !text::is_blank(part)) {
                add(one(part.trim(), field)?);
            }
        }
        None if field.options.is_empty() => written(text).into_iter().for_each(&mut add),
        None => chosen_of(text, field)?.into_iter().for_each(&mut add),
    }
    Ok(chosen.join(&SEPARATOR.to_string()))
}

/// The options in a value of a multi-select field, in any format, sorted.
pub(crate) fn compared(text: &str) -> Vec<String> {
    let all = list(text).unwrap_or_else(|| written(text));
    let mut all: Vec<String> = all.iter().map(|part| text::compared(part).into_owned()).collect();
    all.sort_unstable();
    all
}

/// The same, with `,` taken for the separator.
pub(super) fn compared_by_commas(text: &str) -> Vec<String> {
    compared(&text.replace(',', ";"))
}

/// The parts of a text between the separators that LeadSquared itself is assumed to write.
fn written(text: &str) -> Vec<String> {
    let parts = text.split(SEPARATOR).map(str::trim);
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// The values of a JSON list.
pub(crate) fn list(text: &str) -> Option<Vec<String>> {
    let text = text.trim();
    if !text.starts_with('[') {
        return None;
    }
    let Ok(Value::Array(values)) = json::read(text.as_bytes()) else { return None };
    let text = |value| match value {
        Value::String(text) => Some(text),
        Value::Null => Some(String::new()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    };
    values.into_iter().map(text).collect()
}

/// The listed options that a text consists of. If an option contains a separator, the longest match
/// is taken.
fn chosen_of(text: &str, field: &Field) -> Result<Vec<String>, Problem> {
    let mut parts: Vec<&str> = text.split(SEPARATORS).collect();
    // Each part begins after the end of the previous one and a separator.
    let begins: Vec<usize> =
        parts.iter().map(|part| part.as_ptr() as usize - text.as_ptr() as usize).collect();
    let most = field.options.iter().map(|option| option.split(SEPARATORS).count()).max();
    let most = most.unwrap_or(1);
    // For each part, how far the longest option reaches from which the rest can be read as well.
    let mut reaches: Vec<Option<usize>> = vec![None; parts.len() + 1];
    reaches[parts.len()] = Some(parts.len());
    for from in (0..parts.len()).rev() {
        let longest = (from + most).min(parts.len());
        reaches[from] = (from + 1..=longest).rev().find(|to| {
            let end = begins[to - 1] + parts[to - 1].len();
            let piece = text[begins[from]..end].trim();
            let is_known = listed(piece, field).is_some() || piece.is_empty() && *to == from + 1;
            is_known && reaches[*to].is_some()
        });
    }
    if reaches[0].is_none() {
        parts.retain(|part| !part.trim().is_empty() && listed(part.trim(), field).is_none());
        return Err(missing(parts.first().map_or(text, |part| part.trim()), field));
    }
    let mut chosen = Vec::new();
    let mut from = 0;
    while let Some(to) = reaches[from].filter(|to| *to > from) {
        let end = begins[to - 1] + parts[to - 1].len();
        chosen.extend(listed(text[begins[from]..end].trim(), field).cloned());
        from = to;
    }
    Ok(chosen)
}

/// A value with an unlisted option, in the form in which it is sent anyway: listed options as the
/// destination spells them, the rest unchanged. `None` if it isn't a value of a dropdown at all.
pub(crate) fn unlisted(text: &str, field: &Field) -> Option<String> {
    let text = text::trimmed(text).trim();
    let written = |part: &str| listed(part, field).cloned().unwrap_or_else(|| part.to_owned());
    match field.kind {
        Kind::Select => Some(written(text)),
        Kind::MultiSelect => {
            let parts = parts_of(text, field);
            let mut chosen: Vec<String> = Vec::new();
            for part in &parts {
                let option = written(part);
                if !chosen.contains(&option) {
                    chosen.push(option);
                }
            }
            Some(chosen.join(&SEPARATOR.to_string()))
        }
        _ => None,
    }
}

/// The parts of a value of a multi-select field, in any form, whether they are listed or not.
pub(crate) fn parts_of(text: &str, field: &Field) -> Vec<String> {
    let parts = list(text).unwrap_or_else(|| {
        // A comma may be part of an unlisted option: it counts as a separator only next to a listed
        // one.
        let is_between = |c: char| SEPARATORS.contains(&c);
        let parts: Vec<&str> = text.split(is_between).map(str::trim).collect();
        let has_listed = parts.iter().any(|part| listed(part, field).is_some());
        let separated = if has_listed { parts } else { text.split(SEPARATOR).collect() };
        separated.into_iter().map(str::to_owned).collect()
    });
    let parts = parts.into_iter().map(|part| part.trim().to_owned());
    parts.filter(|part| !part.is_empty()).collect()
}

/// The option that a text means: an exact match, or else one in different case.
pub(crate) fn listed<'a>(text: &str, field: &'a Field) -> Option<&'a String> {
    let (text, lower) = (text::compared(text), text::compared(&text.to_lowercase()).into_owned());
    let same = |option: &&String| text::compared(option) == text;
    let alike = |option: &&String| text::compared(&option.to_lowercase()) == lower;
    field.options.iter().find(same).or_else(|| field.options.iter().find(alike))
}

fn missing(text: &str, field: &Field) -> Problem {
    Problem::new(
        Code::MissingOption,
        format!("{} has no option '{}'.", named(field), shortened(text)),
        "Add the option in the destination account, translate the value in the mapping, or let \
         unlisted values be sent under Entity options.",
    )
    .about(&field.schema_name)
}

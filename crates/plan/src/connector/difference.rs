//! What differs between two definitions, setting by setting.

use serde::Serialize;
use serde_json::{Map, Value};

use super::Definition;

/// A setting that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Where, as the configuration file names it; a row of a mapping by the field that it fills,
    /// `lead.field[FirstName].default`, and a type of activity by its event code.
    pub setting: String,
    /// The old value; null for none.
    pub before: Value,
    /// What it is.
    pub after: Value,
}

/// What identifies the parts of a list, if they have it: the field that a row fills, the event code
/// of a type.
const NAMES: [&str; 2] = ["to", "from"];

/// What differs between two definitions.
pub fn differences(before: &Definition, after: &Definition) -> Vec<Difference> {
    let value = |definition| serde_json::to_value(definition).unwrap_or(Value::Null);
    compare(&value(before), &value(after))
}

/// What differs between two values, down to single settings.
pub fn compare(before: &Value, after: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    below("", before, after, &mut found);
    found
}

fn below(at: &str, before: &Value, after: &Value, found: &mut Vec<Difference>) {
    let mut differs = |at: &str, before: &Value, after: &Value| {
        found.push(Difference {
            setting: at.to_owned(),
            before: before.clone(),
            after: after.clone(),
        });
    };
    match (before, after) {
        _ if before == after => {}
        (Value::Object(old), Value::Object(new)) => {
            let place =
                |key: &str| if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") };
            for key in old.keys().chain(new.keys().filter(|key| !old.contains_key(*key))) {
                below(&place(key), part(old, key), part(new, key), found);
            }
        }
        (Value::Array(old), Value::Array(new)) => match (named(at, old), named(at, new)) {
            (Some(old), Some(new)) => {
                for (name, value) in &old {
                    let now = new.iter().find(|(other, _)| other == name);
                    below(
                        &format!("{at}[{name}]"),
                        value,
                        now.map_or(&Value::Null, |now| now.1),
                        found,
                    );
                }
                for (name, value) in &new {
                    if !old.iter().any(|(other, _)| other == name) {
                        below(&format!("{at}[{name}]"), &Value::Null, value, found);
                    }
                }
                let order = |parts: &[(String, &Value)],
                             others: &[(String, &Value)]|
                 -> Vec<String> {
                    let kept = parts.iter().filter(|(name, _)| others.iter().any(|o| o.0 == *name));
                    kept.map(|(name, _)| name.clone()).collect()
                };
                let orders = (order(&old, &new), order(&new, &old));
                if orders.0 != orders.1 {
                    let setting = format!("{at} (order)");
                    found.push(Difference {
                        setting,
                        before: orders.0.into(),
                        after: orders.1.into(),
                    });
                }
            }
            _ if old.len() == new.len() => {
                for (index, (old, new)) in old.iter().zip(new).enumerate() {
                    below(&format!("{at}[{}]", index + 1), old, new, found);
                }
            }
            _ => differs(at, before, after),
        },
        _ => differs(at, before, after),
    }
}

fn part<'a>(map: &'a Map<String, Value>, key: &str) -> &'a Value {
    map.get(key).unwrap_or(&Value::Null)
}

/// The parts of a list by name, if each has a unique one.
fn named<'a>(at: &str, list: &'a [Value]) -> Option<Vec<(String, &'a Value)>> {
    let key = NAMES[usize::from(at.ends_with("type"))];
    let mut parts: Vec<(String, &Value)> = Vec::with_capacity(list.len());
    for value in list {
        let name = match value.get(key)? {
            Value::String(name) => name.clone(),
            Value::Number(code) => code.to_string(),
            _ => return None,
        };
        parts.push((name, value));
    }
    let mut names: Vec<&String> = parts.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    names.dedup();
    (names.len() == parts.len()).then_some(parts)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(before: &Value, after: &Value) -> Vec<String> {
        compare(before, after).into_iter().map(|difference| difference.setting).collect()
    }

    #[test]
    fn differences_are_found_down_to_single_settings() {
        let before =
            json!({"basic": {"search_by": "Phone", "notify": "a"}, "rows": [1, 2], "x": [1]});
        let after =
            json!({"basic": {"search_by": "Email"}, "rows": [1, 3], "x": [1, 2], "new": true});
        assert_eq!(at(&before, &after), ["basic.search_by", "basic.notify", "rows[2]", "x", "new"]);
        assert_eq!(compare(&after, &after), []);
    }

    #[test]
    fn rows_are_told_apart_by_what_they_fill() {
        let row = |to: &str, from: &str| json!({"from": from, "to": to});
        let before = json!({"lead": {"field": [row("A", "a"), row("B", "b"), row("C", "c")]}});
        let after = json!({"lead": {"field": [row("A", "a"), row("C", "x"), row("D", "d")]}});
        assert_eq!(at(&before, &after), ["lead.field[B]", "lead.field[C].from", "lead.field[D]"]);
        let turned = json!({"lead": {"field": [row("B", "b"), row("A", "a"), row("C", "c")]}});
        assert_eq!(at(&before, &turned), ["lead.field (order)"]);
        let kind =
            |from: u32, rows: Value| json!({"type": [{"from": from, "to": 7, "field": rows}]});
        let (old, new) = (kind(201, json!([row("A", "a")])), kind(201, json!([row("A", "b")])));
        assert_eq!(at(&old, &new), ["type[201].field[A].from"]);
    }
}

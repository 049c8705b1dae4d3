//! Removing a person from texts that others are in too: bodies of several leads, bulk calls, emails.

use serde_json::Value;

use crate::json;

/// What stands in place of what was erased.
pub const ERASED: &str = "(erased)";
/// Shorter texts are not searched for: they would be found everywhere.
const SHORTEST: usize = 4;

/// What a person is recognised by in texts: ids, email addresses, phone numbers, names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// In lower case, without those that others contain.
    texts: Vec<String>,
}

impl Traces {
    /// These, unless they are too short.
    pub fn of(texts: impl IntoIterator<Item = String>) -> Self {
        let mut all: Vec<String> = texts
            .into_iter()
            .flat_map(|text| {
                let text = text.trim();
                // A database may only know the letters of ASCII.
                let (lower, ascii) = (text.to_lowercase(), text.to_ascii_lowercase());
                let encoded = lower.replace('@', "%40").replace('+', "%2b").replace(' ', "%20");
                [lower, ascii, encoded]
            })
            .filter(|text| text.chars().count() >= SHORTEST)
            .collect();
        all.sort_by_key(String::len);
        let mut texts: Vec<String> = Vec::new();
        for text in all {
            if !texts.iter().any(|known| text.contains(known)) {
                texts.push(text);
            }
        }
        Self { texts }
    }

    /// The texts, in lower case.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// Whether a text contains one of them.
    pub fn are_in(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.texts.iter().any(|trace| text.contains(trace))
    }

    /// Whether a value contains one of them, in a text or a number.
    fn are_within(&self, value: &Value) -> bool {
        match value {
            Value::Null | Value::Bool(_) => false,
            Value::Number(number) => self.are_in(&number.to_string()),
            // A text may be JSON in its turn.
            Value::String(text) => self.are_in(text),
            Value::Array(values) => values.iter().any(|value| self.are_within(value)),
            Value::Object(fields) => fields.values().any(|value| self.are_within(value)),
        }
    }

    /// The text without this person, or `None` if the person is not in it. Of a list of records,
    /// only this person's are replaced; of any other text, all of it.
    pub fn masked(&self, text: &str) -> Option<String> {
        let Ok(mut value) = json::read(text.as_bytes()) else {
            return self.are_in(text).then(|| ERASED.to_owned());
        };
        if !self.are_within(&value) {
            return self.are_in(text).then(|| json_of(&Value::from(ERASED)));
        }
        self.mask(&mut value);
        let masked = json_of(&value);
        Some(if self.are_in(&masked) { json_of(&Value::from(ERASED)) } else { masked })
    }

    fn mask(&self, value: &mut Value) {
        match value {
            Value::Array(values) if is_list_of_records(values) => {
                for value in values.iter_mut().filter(|value| self.are_within(value)) {
                    *value = Value::from(ERASED);
                }
            }
            // What surrounds a list of records.
            Value::Object(fields) => {
                let is_around = fields.values().any(
                    |value| matches!(value, Value::Array(values) if is_list_of_records(values)),
                );
                if is_around {
                    for value in fields.values_mut().filter(|value| self.are_within(value)) {
                        self.mask(value);
                    }
                } else {
                    *value = Value::from(ERASED);
                }
            }
            other => *other = Value::from(ERASED),
        }
    }
}

/// Whether a list holds several records, and not the attributes of one.
fn is_list_of_records(values: &[Value]) -> bool {
    let is_record = |value: &Value| match value {
        Value::Array(_) => true,
        Value::Object(fields) => !fields.contains_key("Attribute"),
        _ => false,
    };
    values.len() > 1 && values.iter().all(is_record)
}

fn json_of(value: &Value) -> String {
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_persons_records_are_replaced() {
        let traces = Traces::of(["Asha@Example.com", "98450 98450", "x"].map(str::to_owned));
        for (text, expected) in [
            (r#"[{"E":"asha@example.com"},{"E":"b@x.y"}]"#, Some(r#"["(erased)",{"E":"b@x.y"}]"#)),
            (
                r#"[[{"Attribute":"E","Value":"asha@example.com"}],[{"Attribute":"E","Value":"b"}]]"#,
                Some(r#"["(erased)",[{"Attribute":"E","Value":"b"}]]"#),
            ),
            (
                r#"[{"Attribute":"E","Value":"asha@example.com"},{"Attribute":"N","Value":"Asha"}]"#,
                Some(r#""(erased)""#),
            ),
            (
                r#"{"N":2,"L":[{"P":"98450 98450"},{"P":"1"}]}"#,
                Some(r#"{"L":["(erased)",{"P":"1"}],"N":2}"#),
            ),
            (r#"{"Current":{"E":"ASHA@example.com","N":"Asha"}}"#, Some(r#""(erased)""#)),
            ("Dear asha@example.com", Some("(erased)")),
            (r#"{"E":"b@x.y"}"#, None),
            ("x", None),
        ] {
            let masked = traces.masked(text);
            let same = |a: &str, b: &str| match (
                serde_json::from_str::<Value>(a),
                serde_json::from_str::<Value>(b),
            ) {
                (Ok(a), Ok(b)) => a == b,
                _ => a == b,
            };
            match (&masked, expected) {
                (Some(masked), Some(expected)) if same(masked, expected) => {}
                (None, None) => {}
                _ => panic!("{text}: {masked:?}"),
            }
        }
    }
}

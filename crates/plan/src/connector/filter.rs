//! `[connector.filter]`: which leads of the source a connector syncs.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::rules::is_default;

/// The most conditions that a filter has.
pub const MOST_CONDITIONS: usize = 50;
/// The most values that a condition names.
pub const MOST_VALUES: usize = 500;

/// Which leads are synced: all of them, unless there are conditions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Conditions that must all hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub all: Vec<Condition>,
    /// Conditions of which at least one must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub any: Vec<Condition>,
    /// What happens to a linked lead that no longer passes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub leaving: Leaving,
}

impl Filter {
    /// Whether every lead passes.
    pub fn is_open(&self) -> bool {
        self.all.is_empty() && self.any.is_empty()
    }

    /// Every condition, with its place in the file: `filter.all[1]`.
    pub fn conditions(&self) -> impl Iterator<Item = (String, &Condition)> {
        let numbered = |list: &'static str, conditions: &'_ [Condition]| {
            (1..=conditions.len()).map(move |number| format!("filter.{list}[{number}]"))
        };
        numbered("all", &self.all).zip(&self.all).chain(numbered("any", &self.any).zip(&self.any))
    }
}

/// What happens to a linked lead that no longer passes the filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leaving {
    /// It is not synced until it passes again.
    #[default]
    Stop,
    /// It is still synced: only leads that are not linked are filtered.
    Continue,
}

/// A condition on a field of the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Condition {
    /// Where in the payload the value is, as in a row of the mapping: `ProspectStage`.
    pub field: String,
    /// The test.
    pub test: Test,
}

/// What must hold for a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// It has this value.
    Equals(String),
    /// It has another value, or none.
    NotEquals(String),
    /// It has one of these values; of several options, one of these.
    OneOf(Vec<String>),
    /// It has none of these values.
    NoneOf(Vec<String>),
    /// It contains this text, or this option.
    Contains(String),
    /// It contains neither this text nor this option.
    NotContains(String),
    /// It has no value.
    Empty,
    /// It has a value.
    NotEmpty,
    /// It is a date or a time before this one.
    Before(String),
    /// It is a date or a time after this one.
    After(String),
    /// It is a number greater than this one.
    Greater(String),
    /// It is a number less than this one.
    Less(String),
}

impl Test {
    /// Every kind of test, by its name in the configuration file.
    pub const NAMES: [&'static str; 12] = [
        "equals",
        "not_equals",
        "one_of",
        "none_of",
        "contains",
        "not_contains",
        "empty",
        "not_empty",
        "before",
        "after",
        "greater",
        "less",
    ];

    /// The test with this name in the configuration file and these values; `None` for an unknown name,
    /// or the wrong number of values.
    pub fn named(name: &str, values: Vec<String>) -> Option<Self> {
        match name {
            "one_of" if !values.is_empty() => return Some(Self::OneOf(values)),
            "none_of" if !values.is_empty() => return Some(Self::NoneOf(values)),
            "empty" if values.is_empty() => return Some(Self::Empty),
            "not_empty" if values.is_empty() => return Some(Self::NotEmpty),
            _ => {}
        }
        let [value] = <[String; 1]>::try_from(values).ok()?;
        Some(match name {
            "equals" => Self::Equals(value),
            "not_equals" => Self::NotEquals(value),
            "contains" => Self::Contains(value),
            "not_contains" => Self::NotContains(value),
            "before" => Self::Before(value),
            "after" => Self::After(value),
            "greater" => Self::Greater(value),
            "less" => Self::Less(value),
            _ => return None,
        })
    }

    /// Its name in the configuration file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Equals(_) => "equals",
            Self::NotEquals(_) => "not_equals",
            Self::OneOf(_) => "one_of",
            Self::NoneOf(_) => "none_of",
            Self::Contains(_) => "contains",
            Self::NotContains(_) => "not_contains",
            Self::Empty => "empty",
            Self::NotEmpty => "not_empty",
            Self::Before(_) => "before",
            Self::After(_) => "after",
            Self::Greater(_) => "greater",
            Self::Less(_) => "less",
        }
    }

    /// The values that it names.
    pub fn values(&self) -> &[String] {
        match self {
            Self::OneOf(values) | Self::NoneOf(values) => values,
            Self::Empty | Self::NotEmpty => &[],
            Self::Equals(value)
            | Self::NotEquals(value)
            | Self::Contains(value)
            | Self::NotContains(value)
            | Self::Before(value)
            | Self::After(value)
            | Self::Greater(value)
            | Self::Less(value) => std::slice::from_ref(value),
        }
    }
}

/// A condition as the configuration file has it: `{ field = "…", one_of = ["…", "…"] }`.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    field: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    equals: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_equals: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    one_of: Option<Vec<Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    none_of: Option<Vec<Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    contains: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_contains: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    empty: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_empty: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    greater: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    less: Option<Value>,
}

impl TryFrom<Written> for Condition {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { field, .. } = written;
        let one = |name, value: Option<Value>| value.map(|Value(text)| (name, vec![text]));
        let some = |name, values: Option<Vec<Value>>| {
            values.map(|values| (name, values.into_iter().map(|Value(text)| text).collect()))
        };
        // `empty = false` is `not_empty`.
        let filled = match (written.empty, written.not_empty) {
            (Some(_), Some(_)) => {
                return Err(format!("the condition on {field} has both empty and not_empty"));
            }
            (Some(true), None) | (None, Some(false)) => Some(("empty", Vec::new())),
            (Some(false), None) | (None, Some(true)) => Some(("not_empty", Vec::new())),
            (None, None) => None,
        };
        let given = [
            one("equals", written.equals),
            one("not_equals", written.not_equals),
            some("one_of", written.one_of),
            some("none_of", written.none_of),
            one("contains", written.contains),
            one("not_contains", written.not_contains),
            filled,
            one("before", written.before),
            one("after", written.after),
            one("greater", written.greater),
            one("less", written.less),
        ];
        let mut given = given.into_iter().flatten();
        match (given.next(), given.next()) {
            (Some((name, values)), None) => match Test::named(name, values) {
                Some(test) => Ok(Self { field, test }),
                None => Err(format!("the condition on {field} has an empty list for {name}")),
            },
            (None, _) => Err(format!(
                "the condition on {field} tests nothing; add one of {}",
                Test::NAMES.join(", ")
            )),
            (Some((one, _)), Some((other, _))) => Err(format!(
                "the condition on {field} has both {one} and {other}; use two conditions"
            )),
        }
    }
}

impl From<Condition> for Written {
    fn from(Condition { field, test }: Condition) -> Self {
        let plain = Self { field, ..Self::default() };
        let one = |text| Some(Value(text));
        let some = |texts: Vec<String>| Some(texts.into_iter().map(Value).collect());
        match test {
            Test::Equals(value) => Self { equals: one(value), ..plain },
            Test::NotEquals(value) => Self { not_equals: one(value), ..plain },
            Test::OneOf(values) => Self { one_of: some(values), ..plain },
            Test::NoneOf(values) => Self { none_of: some(values), ..plain },
            Test::Contains(value) => Self { contains: one(value), ..plain },
            Test::NotContains(value) => Self { not_contains: one(value), ..plain },
            Test::Empty => Self { empty: Some(true), ..plain },
            Test::NotEmpty => Self { not_empty: Some(true), ..plain },
            Test::Before(value) => Self { before: one(value), ..plain },
            Test::After(value) => Self { after: one(value), ..plain },
            Test::Greater(value) => Self { greater: one(value), ..plain },
            Test::Less(value) => Self { less: one(value), ..plain },
        }
    }
}

/// A value of a condition. Numbers and booleans are accepted without quotes too: `greater =
/// 500000`.
#[derive(Serialize)]
struct Value(String);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Plain;
        impl Visitor<'_> for Plain {
            type Value = Value;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("text in quotes, a number, true or false")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
                Ok(Value(text.to_owned()))
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
                Ok(Value(value.to_string()))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
                Ok(Value(value.to_string()))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
                Ok(Value(value.to_string()))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
                Ok(Value(value.to_string()))
            }
        }
        deserializer.deserialize_any(Plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Condition, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn a_condition_is_written_as_it_is_read() {
        for json in [
            r#"{"field":"A","equals":"x"}"#,
            r#"{"field":"A","not_equals":"x"}"#,
            r#"{"field":"A","one_of":["x","y"]}"#,
            r#"{"field":"A","none_of":["x"]}"#,
            r#"{"field":"A","contains":"x"}"#,
            r#"{"field":"A","not_contains":"x"}"#,
            r#"{"field":"A","empty":true}"#,
            r#"{"field":"A","not_empty":true}"#,
            r#"{"field":"A","before":"2026-01-01"}"#,
            r#"{"field":"A","after":"2026-01-01"}"#,
            r#"{"field":"A","greater":"5"}"#,
            r#"{"field":"A","less":"5"}"#,
        ] {
            let condition = read(json).expect(json);
            assert_eq!(serde_json::to_string(&condition).expect("JSON"), json);
            let Condition { test, .. } = &condition;
            assert_eq!(Test::named(test.name(), test.values().to_vec()).as_ref(), Some(test));
            assert!(Test::NAMES.contains(&test.name()));
        }
    }

    #[test]
    fn numbers_and_booleans_need_no_quotes() {
        let test = |json: &str| read(json).expect(json).test;
        assert_eq!(test(r#"{"field":"A","greater":500000}"#), Test::Greater("500000".into()));
        assert_eq!(test(r#"{"field":"A","less":-1.5}"#), Test::Less("-1.5".into()));
        assert_eq!(test(r#"{"field":"A","equals":true}"#), Test::Equals("true".into()));
        assert_eq!(test(r#"{"field":"A","empty":false}"#), Test::NotEmpty);
        assert_eq!(test(r#"{"field":"A","not_empty":false}"#), Test::Empty);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let fault = |json: &str| read(json).expect_err(json);
        assert!(fault(r#"{"field":"A"}"#).contains("tests nothing; add one of equals, not_eq"));
        assert!(fault(r#"{"field":"A","equals":"x","less":"5"}"#).contains("both equals and less"));
        assert!(fault(r#"{"field":"A","empty":true,"not_empty":true}"#).contains("both empty and"));
        assert!(fault(r#"{"field":"A","one_of":[]}"#).contains("an empty list for one_of"));
        assert!(fault(r#"{"field":"A","equal":"x"}"#).contains("unknown field `equal`"));
        assert!(fault(r#"{"field":"A","equals":["x"]}"#).contains("text in quotes"));
        assert!(fault(r#"{"equals":"x"}"#).contains("missing field `field`"));
    }
}

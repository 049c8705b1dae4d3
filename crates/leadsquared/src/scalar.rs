//! Lenient reading of single values.
//!
//! LeadSquared returns the same value as a string, a number, a boolean or null, depending on the
//! endpoint, the account or the year (documented samples disagree), so no form of a scalar may fail
//! a whole response.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};

use crate::tree::Tree;

/// A value as text; null stays `None`, and an object or array becomes its JSON.
#[derive(Debug, Default)]
pub(crate) struct Text(pub Option<String>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Text, E> {
        Ok(Text(Some(value.to_owned())))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Text, E> {
        Ok(Text(Some(value)))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Text, E> {
        Ok(Text(Some(value.to_string())))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Text, E> {
        Ok(Text(Some(value.to_string())))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Text, E> {
        Ok(Text(Some(value.to_string())))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Text, E> {
        Ok(Text(Some(value.to_string())))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Text, E> {
        Ok(Text(None))
    }

    fn visit_none<E: de::Error>(self) -> Result<Text, E> {
        Ok(Text(None))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Text, D::Error> {
        Text::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Text, A::Error> {
        let value = Tree::deserialize(de::value::SeqAccessDeserializer::new(seq))?;
        Ok(Text(Some(value.0.to_string())))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Text, A::Error> {
        let value = Tree::deserialize(de::value::MapAccessDeserializer::new(map))?;
        Ok(Text(Some(value.0.to_string())))
    }
}

/// For `#[serde(deserialize_with)]`: any scalar as text.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Text::deserialize(deserializer).map(|text| text.0)
}

/// As [`text`], for values that are always there; null and absence read as empty.
pub(crate) fn plain<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    text(deserializer).map(Option::unwrap_or_default)
}

/// A whole number, as number or string; anything else is `None`.
pub(crate) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    text(deserializer).map(|text| text.and_then(|text| text.trim().parse().ok()))
}

/// A count, as number or string; anything else, and a negative one, is `None`.
pub(crate) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    text(deserializer).map(|text| text.and_then(|text| text.trim().parse().ok()))
}

/// A flag, as boolean, 0/1, or either as a string; anything else is `None`.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Ok(text(deserializer)?.and_then(|text| match text.trim() {
        "1" => Some(true),
        "0" => Some(false),
        word if word.eq_ignore_ascii_case("true") => Some(true),
        word if word.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }))
}

/// A list, or null.
pub(crate) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<Vec<T>>::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Sample {
        #[serde(default, deserialize_with = "text")]
        text: Option<String>,
        #[serde(default, deserialize_with = "count")]
        count: Option<u64>,
        #[serde(default, deserialize_with = "flag")]
        flag: Option<bool>,
    }

    fn sample(json: &str) -> Sample {
        serde_json::from_str(json).expect(json)
    }

    #[test]
    fn any_scalar_is_read() {
        for (json, expected) in [
            (r#"{"text":"a"}"#, Some("a")),
            (r#"{"text":7}"#, Some("7")),
            (r#"{"text":-7.5}"#, Some("-7.5")),
            (r#"{"text":true}"#, Some("true")),
            (r#"{"text":null}"#, None),
            (r#"{"text":{"b":[1,null]}}"#, Some(r#"{"b":[1,null]}"#)),
            ("{}", None),
        ] {
            assert_eq!(sample(json).text.as_deref(), expected, "{json}");
        }
        for (json, expected) in [
            (r#"{"count":"10"}"#, Some(10)),
            (r#"{"count":10}"#, Some(10)),
            (r#"{"count":"ten"}"#, None),
            (r#"{"count":-1}"#, None),
            (r#"{"count":null}"#, None),
        ] {
            assert_eq!(sample(json).count, expected, "{json}");
        }
        for (json, expected) in [
            (r#"{"flag":"1"}"#, Some(true)),
            (r#"{"flag":0}"#, Some(false)),
            (r#"{"flag":"True"}"#, Some(true)),
            (r#"{"flag":false}"#, Some(false)),
            (r#"{"flag":"maybe"}"#, None),
        ] {
            assert_eq!(sample(json).flag, expected, "{json}");
        }
    }
}

//! Whether a body is JSON, found out without building a tree.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// Whether it is JSON that the payload reader can read later: with its depth limit, and its ideas
/// of numbers and escapes.
pub(crate) fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<Json>(body).is_ok()
}

/// Any JSON, read as `serde_json::Value` reads it, and thrown away.
///
/// `IgnoredAny` would not do for the whole: serde_json skips it without its depth limit and
/// without a look at numbers and escapes, so that it takes what can't be read later.
struct Json;

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Json)
    }
}

impl<'de> Visitor<'de> for Json {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }
    fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
        Ok(Json)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
        Ok(Json)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Json, E> {
        Ok(Json)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json)
    }
    fn visit_str<E>(self, _: &str) -> Result<Json, E> {
        Ok(Json)
    }
    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        while items.next_element::<Json>()?.is_some() {}
        Ok(Json)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        while entries.next_entry::<IgnoredKey, Json>()?.is_some() {}
        Ok(Json)
    }
}

/// A name in an object: parsed as text, so that a broken escape in it is seen.
struct IgnoredKey;

impl<'de> Deserialize<'de> for IgnoredKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Key;
        impl Visitor<'_> for Key {
            type Value = IgnoredKey;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_str<E>(self, _: &str) -> Result<IgnoredKey, E> {
                Ok(IgnoredKey)
            }
        }
        deserializer.deserialize_str(Key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_what_a_tree_can_be_built_of() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        for (body, good) in [
            (r#"{"Current":{"a":"\u00e9"},"n":[1,-2.5e3,true,null]}"#.to_owned(), true),
            (deep(100), true),
            (deep(100_000), false),
            (r#"{"a":1e999}"#.to_owned(), false),
            (r#"{"\ud800":1}"#.to_owned(), false),
            (r#"{"a":"\ud800"}"#.to_owned(), false),
            (r#"{"a":1} x"#.to_owned(), false),
        ] {
            let shown: String = body.chars().take(40).collect();
            assert_eq!(is_json(body.as_bytes()), good, "{shown}");
            let tree = serde_json::from_str::<serde_json::Value>(&body);
            assert_eq!(tree.is_ok(), good, "{shown}");
        }
    }
}

//! Whether a body is JSON, checked without building a tree.

use std::cell::Cell;
use std::fmt;

use plan::json::{OBJECT_COST, most_values};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// Whether it is JSON that the payload reader can read later: within its bounds ([`plan::json`]),
/// with the same rules for numbers and escapes.
pub(crate) fn is_json(body: &[u8]) -> bool {
    let left = Cell::new(most_values(body.len()));
    let mut reader = serde_json::Deserializer::from_slice(body);
    Skipped { left: &left }.deserialize(&mut reader).and_then(|()| reader.end()).is_ok()
}

/// Any JSON, read as [`plan::json`] reads it, and discarded.
///
/// `IgnoredAny` is not enough: serde_json skips it without its depth limit and without checking
/// numbers and escapes, so it would accept what can't be read later.
#[derive(Clone, Copy)]
struct Skipped<'a> {
    /// How many more values are read.
    left: &'a Cell<usize>,
}

impl Skipped<'_> {
    fn take<E: serde::de::Error>(self, cost: usize) -> Result<(), E> {
        let left = self.left.get().checked_sub(cost);
        self.left.set(left.ok_or_else(|| E::custom("it holds too many values"))?);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Skipped<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.take(1)?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Skipped<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self)?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        self.take::<A::Error>(OBJECT_COST)?;
        while entries.next_key::<IgnoredKey>()?.is_some() {
            entries.next_value_seed(self)?;
        }
        Ok(())
    }
}

/// A name in an object: parsed as text, so that a broken escape in it is found.
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
    use plan::json::MOST_VALUES;

    use super::*;

    #[test]
    fn it_takes_what_a_tree_can_be_built_of() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        for (body, good) in [
            (r#"{"Current":{"a":"\u00e9"},"n":[1,-2.5e3,true,null]}"#.to_owned(), true),
            (deep(100), true),
            (deep(100_000), false),
            (r#"{"\ud800":1}"#.to_owned(), false),
            (r#"{"a":"\ud800"}"#.to_owned(), false),
            (r#"{"a":1} x"#.to_owned(), false),
            (format!("[{}0]", "0,".repeat(MOST_VALUES - 2)), true),
            (format!("[{}0]", "0,".repeat(MOST_VALUES - 1)), false),
            (format!("[{}{{}}]", "{},".repeat(MOST_VALUES / 5)), false),
        ] {
            let shown: String = body.chars().take(40).collect();
            assert_eq!(is_json(body.as_bytes()), good, "{shown}");
            let tree = plan::json::read(body.as_bytes());
            assert_eq!(tree.is_ok(), good, "{shown}");
        }
        // A number that is too large is left to the reader, which keeps its digits as a text.
        let large = br#"{"a":1e999}"#;
        assert!(!is_json(large) && plan::json::read(large).is_ok());
    }
}

//! JSON of any shape, within a response.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

/// Any JSON.
///
/// Never read a `serde_json::Value` from a response: if any crate of a program enables serde_json's
/// `raw_value`, its reader takes an object with a certain private name for JSON in a string and
/// parses that too, with a new depth count, until the stack overflows.
#[derive(Debug)]
pub(crate) struct Tree(pub Value);

/// A JSON object.
#[derive(Debug)]
pub(crate) struct Object(pub Map<String, Value>);

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Tree::deserialize(deserializer)?.0 {
            Value::Object(map) => Ok(Self(map)),
            _ => Err(de::Error::custom("it is not an object")),
        }
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Tree, E> {
        Ok(Tree(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(Tree(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree(Value::Array(list)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut map = Map::new();
        while let Some((name, Tree(value))) = entries.next_entry::<String, Tree>()? {
            map.insert(name, value);
        }
        Ok(Tree(Value::Object(map)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Activity;

    #[test]
    fn a_text_that_claims_to_be_json_is_a_text() {
        let claims = r#"{"$serde_json::private::RawValue":"[1]"}"#;
        let Tree(tree) = serde_json::from_str(claims).expect(claims);
        assert_eq!(tree.to_string(), claims);
        let row = format!(r#"{{"Id":"x","Data":{{"mx_Custom_1":{claims}}}}}"#);
        let activity: Activity = serde_json::from_str(&row).expect(&row);
        assert_eq!(activity.data.get("mx_Custom_1"), Some(claims));
        assert!(serde_json::from_str::<Object>("[]").is_err());
    }
}

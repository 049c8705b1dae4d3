//! Reading foreign JSON, within limits.
//!
//! All external JSON that becomes a tree is read here, never by `serde_json::Value`'s own reader,
//! for two reasons. That reader limits the depth but not the number of values, and a value takes up
//! to seventy times the bytes of its text. And if any crate of the program enables serde_json's
//! `raw_value`, it takes an object with one private name for JSON within a text and reads that too,
//! counting the depth from zero: a body of a few kilobytes then overflows the stack and kills the
//! process.
//!
//! serde_json itself limits the depth: 128. Numbers keep their digits (`json/digits.rs`).
//!
//! What is not quite JSON but unambiguous is read anyway (`repair`).

mod digits;
mod repair;

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Error, Map, Value};

/// The maximum number of values read from a text of up to [`DENSEST`] times as many bytes. An
/// object counts as five of them.
///
/// A body of 2 MiB written by an account has fewer: the name and value of a field take some forty
/// bytes if they are an object.
pub const MOST_VALUES: usize = 400_000;

/// Of a longer text, one value is read for this many bytes.
pub const DENSEST: usize = 10;

/// What an object counts besides its values: it uses the memory of several.
pub const OBJECT_COST: usize = 4;

/// How many values are read from a text of this many bytes.
pub fn most_values(bytes: usize) -> usize {
    MOST_VALUES.max(bytes / DENSEST)
}

/// The JSON of these bytes. A number that would lose digits is read as text.
///
/// # Errors
/// Why it can't be read, or that it holds too much.
pub fn read(bytes: &[u8]) -> Result<Value, Error> {
    keeping_digits(bytes, bounded)
}

/// Reads after quoting every number that would lose digits. An error gives the position in the
/// original.
fn keeping_digits(
    bytes: &[u8],
    read: impl Fn(&[u8]) -> Result<Value, Error>,
) -> Result<Value, Error> {
    let quoted = digits::quoted(bytes);
    let as_sent = |error| {
        if quoted.len() > bytes.len() { read(bytes).err().unwrap_or(error) } else { error }
    };
    read(&quoted).map_err(as_sent)
}

fn bounded(bytes: &[u8]) -> Result<Value, Error> {
    let room = Room { marks: false, ..Room::of(bytes.len()) };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Bounded { room: &room }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// The budget of values for one body: its JSON, and JSON in strings in it.
#[derive(Debug)]
pub(crate) struct Room {
    left: Cell<usize>,
    /// Whether to mark an object that has a name twice.
    marks: bool,
    /// Whether one was.
    has_marked: Cell<bool>,
}

/// The member of an object that holds a name that the object has twice, with different values.
const TWICE: &str = "\0twice";

impl Room {
    /// The budget for a body of this many bytes.
    pub(crate) fn of(bytes: usize) -> Self {
        Self { left: Cell::new(most_values(bytes)), marks: true, has_marked: Cell::default() }
    }

    /// A name that an object in this value has twice, with different values: either may be meant.
    pub(crate) fn named_twice<'v>(&self, value: &'v Value) -> Option<&'v str> {
        self.has_marked.get().then(|| named_twice(value)).flatten()
    }

    /// The JSON of this text, as it is or repaired. Several objects or lists in sequence are a list of
    /// them; if each has a line of its own, an unreadable line stays text.
    pub(crate) fn read(&self, text: &str) -> Result<Value, Error> {
        let before = self.left.get();
        let read = |text: &str| {
            keeping_digits(text.as_bytes(), |bytes| {
                self.left.set(before);
                self.read_strictly(bytes)
            })
        };
        let error = match read(text) {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let repaired = match repair::repair(text).map(|text| read(&text)) {
            Some(Ok(value)) => return Ok(value),
            repaired => repaired,
        };
        if let Some(lines) = lines(text) {
            self.left.set(before);
            let one = |line: &str| self.read(line).unwrap_or_else(|_| Value::from(line));
            return Ok(lines.into_iter().map(one).collect());
        }
        repaired.unwrap_or(Err(error))
    }

    fn read_strictly(&self, bytes: &[u8]) -> Result<Value, Error> {
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let mut read =
            || Bounded { room: self }.deserialize(&mut reader).map(|value| (value, reader.end()));
        let mut all = Vec::new();
        loop {
            let (value, end) = read()?;
            let is_one_of_many = value.is_object() || value.is_array();
            match end {
                Ok(()) if all.is_empty() => return Ok(value),
                Ok(()) if is_one_of_many => {
                    all.push(value);
                    return Ok(Value::Array(all));
                }
                Err(_) if is_one_of_many => all.push(value),
                Ok(()) => {
                    return Err(serde::de::Error::custom("unexpected content after the JSON"));
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// The lines of a text with a JSON object on each, or on most: JSON lines, or a list with an entry
/// on each line. `None` if no line is a whole object.
fn lines(text: &str) -> Option<Vec<&str>> {
    // Between the brackets and commas of a list, and what editors leave.
    let is_around = |c: char| c.is_whitespace() || matches!(c, ',' | '\u{feff}');
    let is_bracket = |line: &&str| line.chars().all(|c| matches!(c, '[' | ']' | ','));
    let lines = text.lines().map(|line| line.trim_matches(is_around));
    let lines: Vec<&str> = lines.filter(|line| !is_bracket(line)).collect();
    let is_object = |line: &&str| line.starts_with('{') && object(line).is_some();
    // A line that begins with a name is part of an object of several lines.
    let is_part = |line: &&str| line.starts_with('"');
    let is_list = lines.len() > 1 && !lines.iter().any(is_part) && lines.iter().any(is_object);
    is_list.then_some(lines)
}

/// The name that this object has twice, with different values.
pub(crate) fn marked(map: &Map<String, Value>) -> Option<&str> {
    map.get(TWICE).and_then(Value::as_str)
}

fn named_twice(value: &Value) -> Option<&str> {
    match value {
        Value::Object(map) => marked(map).or_else(|| map.values().find_map(named_twice)),
        Value::Array(values) => values.iter().find_map(named_twice),
        _ => None,
    }
}

/// The JSON object in a text, such as a custom field set; `None` if it is not one.
pub fn object(text: &str) -> Option<Map<String, Value>> {
    match read(text.as_bytes()) {
        Ok(Value::Object(map)) => Some(map),
        _ => None,
    }
}

/// A value of an object as text: a text is itself, null is empty, anything else is its JSON.
pub fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A value, as long as there is room for it.
#[derive(Clone, Copy)]
struct Bounded<'a> {
    room: &'a Room,
}

impl Bounded<'_> {
    fn take<E: serde::de::Error>(self, cost: usize) -> Result<(), E> {
        let left = self.room.left.get().checked_sub(cost);
        self.room.left.set(left.ok_or_else(|| E::custom("it holds too many values"))?);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.take(1)?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        self.take::<A::Error>(OBJECT_COST)?;
        let mut map = Map::new();
        let mut twice = None;
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(self)?;
            match map.get(&name) {
                Some(_) if is_nothing(&value) => continue,
                Some(earlier) if !is_nothing(earlier) && *earlier != value => {
                    twice.get_or_insert_with(|| name.clone());
                }
                _ => {}
            }
            map.insert(name, value);
        }
        if let Some(name) = twice.filter(|_| self.room.marks) {
            map.insert(TWICE.to_owned(), name.into());
            self.room.has_marked.set(true);
        }
        Ok(Value::Object(map))
    }
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(crate::text::is_blank)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_serde_json_reads_it() {
        for text in [
            r#"{"a":[1,-2,2.5e3,18446744073709551615,true,null,"\u0000\ud83d\ude00"],"a":{}}"#,
            r#"" text ""#,
            "[]",
            r#""\ud800""#,
            "{} x",
            "{\"a\":1,}",
            "",
        ] {
            let theirs = serde_json::from_str::<Value>(text).map_err(|error| error.to_string());
            assert_eq!(read(text.as_bytes()).map_err(|error| error.to_string()), theirs, "{text}");
        }
        assert!(read(&[b'['; 200]).is_err(), "too deep");
        assert!(read(b"\"\xff\"").is_err(), "no UTF-8");
    }

    #[test]
    fn there_is_a_most_of_values() {
        let list = |many: usize| format!("[{}]", vec!["0"; many].join(","));
        assert!(read(list(MOST_VALUES - 1).as_bytes()).is_ok());
        let error = read(list(MOST_VALUES).as_bytes()).unwrap_err().to_string();
        assert!(error.contains("too many values"), "{error}");
        let objects = format!("[{}{{}}]", "{},".repeat(MOST_VALUES / 5));
        assert!(read(objects.as_bytes()).is_err());
    }

    #[test]
    fn a_text_that_claims_to_be_json_is_a_text() {
        let text = r#"{"$serde_json::private::RawValue":"[1]"}"#;
        let map = object(text).unwrap();
        assert_eq!(map.get("$serde_json::private::RawValue"), Some(&Value::from("[1]")));
        assert_eq!(object("[]"), None);
    }
}

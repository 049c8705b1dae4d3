//! Forms: fields of a lead, or fields that contain JSON.

use encoding_rs::{Encoding, WINDOWS_1252};
use percent_encoding::percent_decode;
use serde_json::{Map, Value};

use super::charset;
use crate::json::{MOST_VALUES, Room};

/// The field in which a form may name its charset.
const CHARSET: &str = "_charset_";
/// Names nested deeper in brackets are taken literally.
const DEEPEST: usize = 4;

/// Whether a body can only be a form, whatever is declared: it begins with a name and an equals
/// sign.
pub(super) fn is_evident(text: &str) -> bool {
    let name = text.split_once('=').map_or("", |(name, _)| name);
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.[]%+".contains(c);
    !name.is_empty() && name.chars().all(fits)
}

/// The content of a form; `None` if it has too many fields.
pub(super) fn read(body: &[u8], declared: Option<&'static Encoding>, room: &Room) -> Option<Value> {
    if let Some(value) = unescaped(body, declared, room) {
        return Some(value);
    }
    let parts = body.split(|byte| *byte == b'&').filter(|part| !part.is_empty());
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    for (number, part) in parts.enumerate() {
        if number >= MOST_VALUES / 2 {
            return None;
        }
        match pairs.last_mut() {
            // The sender forgot to escape an ampersand of the value: `Company=Rao & Sons`.
            Some((_, value)) if !part.contains(&b'=') => {
                value.push(b'&');
                value.extend(decoded(part));
            }
            _ => pairs.push(pair(part)),
        }
    }
    let told = pairs.iter().find(|(name, _)| name == CHARSET.as_bytes());
    let told = told.and_then(|(_, label)| charset::known(std::str::from_utf8(label).ok()?));
    let is_utf_8 = pairs.iter().all(|(name, value)| {
        std::str::from_utf8(name).is_ok() && std::str::from_utf8(value).is_ok()
    });
    // As for a whole body, valid UTF-8 is hardly ever anything else.
    let declared = declared.filter(|charset| !(is_utf_8 && *charset == WINDOWS_1252));
    let charset = told.or(declared);
    let all = pairs.into_iter().map(|(name, value)| {
        let text = |bytes: &[u8]| charset::decode_part(bytes, charset).into_owned();
        (text(&name), text(&value))
    });
    Some(from_pairs(all.filter(|(name, _)| name != CHARSET)))
}

/// One field holds JSON that the sender forgot to escape, so that it can't be taken apart.
fn unescaped(body: &[u8], declared: Option<&'static Encoding>, room: &Room) -> Option<Value> {
    let text = charset::decode(body, declared);
    let (name, json) = text.split_once('=')?;
    if !json.trim_start().starts_with(['{', '[']) || name.contains('&') {
        return None;
    }
    let json = room.read(json).ok()?;
    Some(Value::Object(Map::from_iter([(name.to_owned(), json)])))
}

/// The bytes of a name and a value.
fn pair(part: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let equals = part.iter().position(|byte| *byte == b'=').unwrap_or(part.len());
    let (name, value) = (&part[..equals], part.get(equals + 1..).unwrap_or_default());
    (decoded(name), decoded(value))
}

fn decoded(part: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> =
        part.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).collect()
}

/// The content of the fields of a form. A field that occurs several times with different values is
/// a list of them; `Current[City]` and `Current.City` are the city in the block `Current`.
pub(super) fn from_pairs(pairs: impl Iterator<Item = (String, String)>) -> Value {
    let mut pairs: Vec<(String, String)> = pairs.collect();
    // The whole text is a name without a value.
    if let [(name, value)] = pairs.as_mut_slice()
        && value.is_empty()
        && name.trim_start().starts_with(['{', '[', '"'])
    {
        return Value::String(std::mem::take(name));
    }
    let mut map = Map::new();
    for (name, value) in pairs {
        put(&mut map, &name, value);
    }
    Value::Object(map)
}

fn put(map: &mut Map<String, Value>, name: &str, value: String) {
    let path = path(name).unwrap_or_else(|| vec![name]);
    let (last, blocks) = path.split_last().expect("a path has a last part");
    let mut inner = &mut *map;
    for block in blocks {
        let next = inner.entry(*block).or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(next) = next else {
            // The block has a value of its own as well: both are kept.
            return add(map, name, value);
        };
        inner = next;
    }
    add(inner, last, value);
}

fn add(map: &mut Map<String, Value>, name: &str, value: String) {
    match map.get_mut(name) {
        None => {
            map.insert(name.to_owned(), value.into());
        }
        Some(Value::Array(values)) => {
            if !values.iter().any(|other| *other == value) {
                values.push(value.into());
            }
        }
        Some(other) => {
            if *other != value {
                *other = Value::Array(vec![other.take(), value.into()]);
            }
        }
    }
}

/// The parts of `Current[City]`, `Current.City` and `Plans[]`; `None` for a plain name.
fn path(name: &str) -> Option<Vec<&str>> {
    if let Some((block, rest)) = name.split_once('.')
        && super::shape::block(block).is_some()
        && !rest.is_empty()
    {
        return Some(vec![block, rest]);
    }
    let (first, rest) = name.split_once('[')?;
    let parts: Vec<&str> = rest.strip_suffix(']')?.split("][").collect();
    let is_list = parts.last() == Some(&"");
    let inner = &parts[..parts.len() - usize::from(is_list)];
    let fits = |part: &&str| !part.is_empty() && !part.contains(['[', ']']);
    let fits = !first.is_empty() && inner.iter().all(fits) && inner.len() < DEEPEST;
    fits.then(|| std::iter::once(first).chain(inner.iter().copied()).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(body: &[u8]) -> Value {
        read(body, None, &Room::of(body.len())).expect("not too much")
    }

    #[test]
    fn forms_are_read_as_they_are_meant() {
        for (body, expected) in [
            (&b"A=1&B=&C="[..], json!({"A": "1", "B": "", "C": ""})),
            (b"A=Rao & Sons&B=1", json!({"A": "Rao & Sons", "B": "1"})),
            (b"A=Rao&Sons&Co&B=1", json!({"A": "Rao&Sons&Co", "B": "1"})),
            (b"A=New+Delhi%2B", json!({"A": "New Delhi+"})),
            (b"A=%E0%A4%85&B=\xe0\xa4\x85", json!({"A": "अ", "B": "अ"})),
            (b"A=Z%FCrich", json!({"A": "Zürich"})),
            (b"A=Z%FCrich&B=%C3%BC", json!({"A": "Zürich", "B": "ü"})),
            (b"A=%cf%f0&_charset_=windows-1251", json!({"A": "Пр"})),
            (b"A=1&A=1&B=x&B=y&B=z", json!({"A": "1", "B": ["x", "y", "z"]})),
            (b"A[]=x&A[]=y", json!({"A": ["x", "y"]})),
            (
                b"Current%5BCity%5D=Pune&Current[A]=1",
                json!({"Current": {"City": "Pune", "A": "1"}}),
            ),
            (b"after.City=Pune", json!({"after": {"City": "Pune"}})),
            (b"mx_a.b=1&[x]=2&a[=3", json!({"mx_a.b": "1", "[x]": "2", "a[": "3"})),
            (b"A=1&A[b]=2", json!({"A": "1", "A[b]": "2"})),
            (b"data={\"City\":\"A&B\"}", json!({"data": {"City": "A&B"}})),
            (b"%7B%22a%22%3A1%7D", json!("{\"a\":1}")),
            (b"A=%zz%2", json!({"A": "%zz%2"})),
        ] {
            assert_eq!(of(body), expected, "{}", String::from_utf8_lossy(body));
        }
        assert!(read(&b"a&".repeat(MOST_VALUES), None, &Room::of(1)).is_none());
    }

    #[test]
    fn a_form_is_told_from_other_text() {
        for (text, is_form) in [
            ("ProspectID=a&City=", true),
            ("Current%5BCity%5D=x", true),
            ("a + b = c", false),
            ("hello", false),
            ("=", false),
            ("<a b=\"c\">", false),
        ] {
            assert_eq!(is_evident(text), is_form, "{text}");
        }
    }
}

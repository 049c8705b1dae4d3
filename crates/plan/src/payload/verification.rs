//! Bodies that only verify the webhook URL.
//!
//! LeadSquared's *Verify*, and integrators' own checks, post nothing, `{}`, or a word (live; two
//! integrators). Such a body contains no record, and is not a failure.

use serde_json::Value;

use super::tree;
use crate::json::Room;
use crate::text;

/// A longer body is not a verification.
const LONGEST: usize = 1024;
/// Words that mark a verification.
const WORDS: [&str; 12] = [
    "challenge",
    "check",
    "health",
    "healthcheck",
    "hello",
    "ping",
    "test",
    "testing",
    "validate",
    "validation",
    "verification",
    "verify",
];
/// What may accompany them.
const BESIDE: [&str; 15] = [
    "action",
    "body",
    "data",
    "date",
    "event",
    "id",
    "message",
    "payload",
    "source",
    "status",
    "time",
    "timestamp",
    "type",
    "url",
    "webhook",
];

/// Whether a body only verifies the webhook URL: it is empty, or contains nothing, or only words
/// such as `ping` or `test`. A body that may hold a lead is not a verification.
pub fn is_verification(body: &[u8], content_type: Option<&str>) -> bool {
    if body.len() > LONGEST {
        return false;
    }
    if body.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0) || body == b"\xef\xbb\xbf" {
        return true;
    }
    match tree::read(body, content_type, &Room::of(body.len())) {
        Ok(value) => says_nothing(&value) || says_that_it_is_one(&value),
        Err(_) => body.trim_ascii() == b"null",
    }
}

/// Whether there is nothing in it.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text::is_blank(text),
        Value::Array(values) => values.iter().all(says_nothing),
        Value::Object(map) => map.values().all(says_nothing) && map.keys().all(|n| is_beside(n)),
        _ => false,
    }
}

fn says_that_it_is_one(value: &Value) -> bool {
    let Value::Object(map) = value else {
        return value.as_str().is_some_and(is_word);
    };
    let is_plain = |value: &Value| !value.is_object() && !value.is_array() || says_nothing(value);
    let is_marked = map.iter().any(|(name, value)| {
        is_word(name) || is_beside(name) && value.as_str().is_some_and(is_word)
    });
    is_marked
        && map.iter().all(|(name, value)| (is_word(name) || is_beside(name)) && is_plain(value))
}

fn is_word(text: &str) -> bool {
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(text.trim()))
}

fn is_beside(name: &str) -> bool {
    BESIDE.iter().any(|beside| beside.eq_ignore_ascii_case(name.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_is_told_from_a_record() {
        for body in [
            "",
            "  \r\n",
            "\u{feff}",
            "{}",
            "[]",
            "null",
            " null ",
            "[{}]",
            "[null]",
            "\"\"",
            r#"{"test":true}"#,
            r#"{"event":"ping"}"#,
            r#"{"type":"Verification","id":7}"#,
            r#"{"ping":"pong","timestamp":1790000000}"#,
            r#"{"data":{}}"#,
            r#"{"data":null}"#,
            r#"{"Challenge":"a1b2c3"}"#,
            r#""ping""#,
            r#"{"message":"test","source":"LeadSquared"}"#,
            r#"{"body":{},"event":"test"}"#,
            "test=1",
            "\"{}\"",
        ] {
            assert!(is_verification(body.as_bytes(), None), "{body}");
        }
        for body in [
            r#"{"ProspectID":"p1"}"#,
            r#"{"FirstName":""}"#,
            r#"{"EmailAddress":null}"#,
            r#"{"event":"test","data":{"ProspectID":"p1"}}"#,
            r#"{"Name":"Ravi","test":true}"#,
            r#"{"type":"test","EmailAddress":"a@x.y"}"#,
            r#"{"After":null,"Before":null}"#,
            r#"[{"ProspectID":"p1"},{}]"#,
            "5",
            "true",
            "hello world",
            "{",
            r#"{"a":1}"#,
            "FirstName=Asha",
            r#"{"event":"lead.created"}"#,
        ] {
            assert!(!is_verification(body.as_bytes(), None), "{body}");
        }
        assert!(!is_verification(" ".repeat(2_000).as_bytes(), None));
    }
}

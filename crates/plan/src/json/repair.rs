//! Reading text that is not quite JSON but unambiguous.
//!
//! Bodies are often built from a handwritten template, with values pasted between quotes: a note
//! with a line break in it, a path with backslashes, a missing number. None of that leaves a doubt
//! about what is meant.

/// The text with these fixed; `None` if it has none of them:
/// - in a string: control characters, backslashes that don't start an escape, and halves of a
///   surrogate pair, which become U+FFFD;
/// - elsewhere: a comma before a closing bracket, a missing value after a name, and the words
///   `NaN`, `undefined`, `None`, `True` and `False`.
pub(super) fn repair(text: &str) -> Option<String> {
    let mut repaired = Repaired { text, out: String::new(), taken: 0, changed: false };
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at = match byte {
            b'"' => repaired.string(at + 1),
            b',' if matches!(next(bytes, at + 1), Some(b'}' | b']')) => {
                repaired.put(at, at + 1, "")
            }
            b':' if matches!(next(bytes, at + 1), Some(b',' | b'}')) => {
                repaired.put(at, at + 1, ":null")
            }
            _ if byte.is_ascii_alphabetic() => repaired.word(at),
            _ => at + 1,
        };
    }
    repaired.changed.then(|| repaired.out + &text[repaired.taken..])
}

fn next(bytes: &[u8], from: usize) -> Option<u8> {
    bytes.get(from..)?.iter().copied().find(|byte| !byte.is_ascii_whitespace())
}

struct Repaired<'a> {
    text: &'a str,
    out: String,
    /// How much of the text is in `out`.
    taken: usize,
    changed: bool,
}

impl Repaired<'_> {
    /// Replaces a part of the text; returns its end.
    fn put(&mut self, from: usize, to: usize, instead: &str) -> usize {
        self.out.push_str(&self.text[self.taken..from]);
        self.out.push_str(instead);
        (self.taken, self.changed) = (to, true);
        to
    }

    /// Reads a string from after its opening quote; returns the position after its closing one.
    fn string(&mut self, mut at: usize) -> usize {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(at) {
            at = match byte {
                b'"' => return at + 1,
                b'\\' => self.escape(at),
                0..0x20 => self.put(at, at + 1, &format!("\\u{byte:04x}")),
                _ => at + 1,
            };
        }
        at
    }

    fn escape(&mut self, at: usize) -> usize {
        let bytes = self.text.as_bytes();
        match bytes.get(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => at + 2,
            Some(b'u') => match unit(bytes, at) {
                Some(0xd800..0xdc00) if matches!(unit(bytes, at + 6), Some(0xdc00..0xe000)) => {
                    at + 12
                }
                Some(0xd800..0xe000) => self.put(at, at + 6, "\\ufffd"),
                Some(_) => at + 6,
                None => self.put(at, at + 1, "\\\\"),
            },
            _ => self.put(at, at + 1, "\\\\"),
        }
    }

    /// Reads a word outside a string; returns its end.
    fn word(&mut self, at: usize) -> usize {
        let rest = &self.text[at..];
        let end = at + rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        match &self.text[at..end] {
            "NaN" | "undefined" | "None" => self.put(at, end, "null"),
            "True" => self.put(at, end, "true"),
            "False" => self.put(at, end, "false"),
            _ => end,
        }
    }
}

/// The code unit of an escape like `\u00e9` at this place.
fn unit(bytes: &[u8], at: usize) -> Option<u16> {
    let escape = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    let digits = std::str::from_utf8(escape).ok()?;
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u16::from_str_radix(digits, 16).ok().filter(|_| is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_mean_one_thing_only_is_mended() {
        for (text, expected) in [
            ("{\"a\":\"one\ntwo\"}", Some(r#"{"a":"one\u000atwo"}"#)),
            ("{\"a\":\"\u{0}\"}", Some(r#"{"a":"\u0000"}"#)),
            (r#"{"a":"C:\Users\d"}"#, Some(r#"{"a":"C:\\Users\\d"}"#)),
            (r#"{"a":"it\'s"}"#, Some(r#"{"a":"it\\'s"}"#)),
            (r#"{"a":"\ud83d"}"#, Some(r#"{"a":"\ufffd"}"#)),
            (r#"{"a":"\ude00\ud83d\ude00"}"#, Some(r#"{"a":"\ufffd\ud83d\ude00"}"#)),
            (r#"{"a":"\ud83d\ud83d\ude00"}"#, Some(r#"{"a":"\ufffd\ud83d\ude00"}"#)),
            (r#"{"a":"\u12"}"#, Some(r#"{"a":"\\u12"}"#)),
            (r#"{"a":[1,2,],"b":1, }"#, Some(r#"{"a":[1,2],"b":1 }"#)),
            (r#"{"a":,"b": }"#, Some(r#"{"a":null,"b":null }"#)),
            (r#"{"a":NaN,"b":None,"c":True}"#, Some(r#"{"a":null,"b":null,"c":true}"#)),
            (r#"{"a":",}","b":":,","c":"NaN"}"#, None),
            (r#"{"a":"\u00e9\\u12\""}"#, None),
            (r#"{"a":-NaN}"#, Some(r#"{"a":-null}"#)),
            ("\"\\", Some("\"\\\\")),
            ("", None),
        ] {
            assert_eq!(repair(text).as_deref(), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_text_that_was_pasted_between_quotes_is_read(pasted in "[^\"\\\\]{0,40}") {
            let pasted_into = format!("{{\"a\":\"{pasted}\",\"b\":,}}");
            let repaired = repair(&pasted_into).expect("it is no JSON");
            let read: serde_json::Value = serde_json::from_str(&repaired).unwrap();
            proptest::prop_assert_eq!(read, serde_json::json!({"a": pasted, "b": null}));
        }

        #[test]
        fn repairing_never_panics(text in "[\\[\\]{}:,\"\\\\ud8c0-9aNé\n ]{0,40}") {
            let _ = repair(&text);
        }
    }
}

//! JSON numbers that keep their digits.
//!
//! serde_json reads a number into 64 bits: `1234567890123456789012` and `1.50` come out as
//! `1.2345678901234568e21` and `1.5`. Its feature that keeps digits changes how every crate of the
//! program reads numbers, and brings a private name that a sender could use (see [`super`]). So a
//! number whose text would change is quoted before it is read: mappings treat all values as text
//! anyway.

use std::borrow::Cow;

use serde_json::Number;

/// The text with quotes around each number that would lose digits.
pub(super) fn quoted(text: &[u8]) -> Cow<'_, [u8]> {
    let mut out: Vec<u8> = Vec::new();
    let mut kept = 0;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => at = end_of_text(text, at),
            b'-' | b'0'..=b'9' => {
                let end = end_of_number(text, at);
                if loses(&text[at..end]) {
                    out.extend_from_slice(&text[kept..at]);
                    out.push(b'"');
                    out.extend_from_slice(&text[at..end]);
                    out.push(b'"');
                    kept = end;
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    if kept == 0 {
        return text.into();
    }
    out.extend_from_slice(&text[kept..]);
    out.into()
}

/// The end of the string that begins here.
fn end_of_text(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

fn end_of_number(text: &[u8], start: usize) -> usize {
    let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
    text[start..].iter().position(|byte| !is_part(byte)).map_or(text.len(), |end| start + end)
}

/// Whether a number's text would change. What is not a number by JSON's grammar is left to the
/// reader, which reports it.
fn loses(number: &[u8]) -> bool {
    let Ok(number) = std::str::from_utf8(number) else { return false };
    if !is_number(number) {
        return false;
    }
    if number.bytes().all(|byte| byte.is_ascii_digit()) {
        return number.parse::<u64>().is_err();
    }
    // As serde_json reads it: it takes short cuts that may miss the last digit.
    let read = serde_json::from_str::<Number>(number);
    read.map_or(true, |read| read.to_string() != number)
}

fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let mantissa = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let exponent = exponent.map(|text| text.strip_prefix(['+', '-']).unwrap_or(text));
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        String::from_utf8(quoted(text.as_bytes()).into_owned()).expect("UTF-8")
    }

    #[test]
    fn what_would_lose_digits_becomes_a_text() {
        for (text, expected) in [
            ("1234567890123456789012", r#""1234567890123456789012""#),
            ("-1234567890123456789012", r#""-1234567890123456789012""#),
            ("18446744073709551615", "18446744073709551615"),
            ("18446744073709551616", r#""18446744073709551616""#),
            ("-9223372036854775808", "-9223372036854775808"),
            ("9845098450.0", "9845098450.0"),
            ("9.845098450E9", r#""9.845098450E9""#),
            ("1.5e-7", "1.5e-7"),
            ("1.50", r#""1.50""#),
            ("0.1", "0.1"),
            ("-0", r#""-0""#),
            ("1e999", r#""1e999""#),
            ("0.30000000000000001", r#""0.30000000000000001""#),
            ("00.10", "00.10"),
            ("1.", "1."),
            ("-", "-"),
            ("1-2", "1-2"),
            (
                r#"{"a":1.50,"b":"1.50 \" 2.50","c":[3.0,4.00]}"#,
                r#"{"a":"1.50","b":"1.50 \" 2.50","c":[3.0,"4.00"]}"#,
            ),
            (r#"{"a":"\"#, r#"{"a":"\"#),
            (r#""a\"#, r#""a\"#),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    proptest::proptest! {
        /// A number is read as its text, and everything else is left alone.
        #[test]
        fn every_number_is_what_was_sent(number in "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?") {
            let body = format!(r#"{{"a":[{number}]}}"#);
            let value = super::super::read(body.as_bytes()).expect("JSON");
            let shown = match &value["a"][0] {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            proptest::prop_assert_eq!(shown, number);
        }

        #[test]
        fn it_never_panics(text in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
            let _ = quoted(&text);
        }
    }
}

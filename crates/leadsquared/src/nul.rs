//! NUL in responses: no field of an account holds one on purpose, and PostgreSQL can't store it.

const ESCAPED: &[u8] = b"\\u0000";

/// The body with U+FFFD in place of every NUL, whether it is a byte or escaped in JSON.
pub(crate) fn without_nul(body: Vec<u8>) -> Vec<u8> {
    let is_escaped = |at: usize| body[at..].starts_with(ESCAPED);
    let has_one =
        body.contains(&0) || (0..body.len()).any(|at| body[at] == b'\\' && is_escaped(at));
    if !has_one {
        return body;
    }
    let mut clean = Vec::with_capacity(body.len());
    let mut at = 0;
    while at < body.len() {
        let (written, length): (&[u8], usize) = match body[at] {
            0 => ("\u{fffd}".as_bytes(), 1),
            b'\\' if is_escaped(at) => (b"\\ufffd", ESCAPED.len()),
            // The backslash that follows is escaped, and begins nothing.
            b'\\' if body.len() > at + 1 => (&body[at..at + 2], 2),
            _ => (&body[at..=at], 1),
        };
        clean.extend_from_slice(written);
        at += length;
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::without_nul;

    #[test]
    fn nul_is_replaced_and_nothing_else() {
        for (body, expected) in [
            (r#"{"a":"b"}"#, r#"{"a":"b"}"#),
            (r#"{"a":"x\u0000y"}"#, r#"{"a":"x\ufffdy"}"#),
            (r#"{"a":"x\\u0000\u0000"}"#, r#"{"a":"x\\u0000\ufffd"}"#),
            (r#"{"a":"\\\u0000"}"#, r#"{"a":"\\\ufffd"}"#),
            ("a\0b", "a\u{fffd}b"),
            (r"\", r"\"),
            ("\0\\", "\u{fffd}\\"),
        ] {
            let clean = without_nul(body.as_bytes().to_vec());
            assert_eq!(String::from_utf8_lossy(&clean), expected, "{body}");
        }
    }
}

//! Texts as people and programs write them: which characters are invisible, when a text is blank,
//! and when two texts are the same, written differently.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Whether the character is invisible and has no meaning of its own: zero width, byte order marks,
/// marks of direction, soft hyphens, control characters, and blank fillers.
fn is_invisible(c: char) -> bool {
    c.is_control() && !c.is_whitespace()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
                | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
        )
}

/// The text with U+FFFD in place of every NUL, which PostgreSQL can't store.
pub fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

/// Whether the letter before a zero-width joiner or non-joiner is one that it changes: after a
/// virama it makes half letters and chillus of Indian scripts, at the end of a word too.
fn is_virama(c: char) -> bool {
    matches!(
        c,
        '\u{94d}'
            | '\u{9cd}'
            | '\u{a4d}'
            | '\u{acd}'
            | '\u{b4d}'
            | '\u{bcd}'
            | '\u{c4d}'
            | '\u{ccd}'
            | '\u{d4d}'
            | '\u{dca}'
    )
}

/// A text without the invisible characters at its ends, and without the white space among those.
/// White space alone stays as typed.
pub fn trimmed(text: &str) -> &str {
    let is_gone = |c: char| is_invisible(c) || c.is_whitespace();
    let head = text.len() - text.trim_start_matches(is_gone).len();
    let text = if text[..head].contains(is_invisible) { &text[head..] } else { text };
    let mut body = text.trim_end_matches(is_gone);
    let tail = &text[body.len()..];
    if body.ends_with(is_virama) && tail.starts_with(['\u{200c}', '\u{200d}']) {
        body = &text[..body.len() + '\u{200c}'.len_utf8()];
    }
    if text[body.len()..].contains(is_invisible) { body } else { text }
}

/// A text without any invisible character, and without white space at its ends: they are never part
/// of an email address, a phone number or a key.
pub fn visible(text: &str) -> Cow<'_, str> {
    let text = text.trim_matches(|c: char| is_invisible(c) || c.is_whitespace());
    if text.contains(is_invisible) {
        text.chars().filter(|c| !is_invisible(*c)).collect::<String>().into()
    } else {
        text.into()
    }
}

/// Whether a text is blank: it has no visible characters, or is an empty list or object.
pub fn is_blank(text: &str) -> bool {
    let mut seen = text.chars().filter(|c| !is_invisible(*c) && !c.is_whitespace());
    match (seen.next(), seen.next(), seen.next()) {
        (None, ..) => true,
        (Some(one), Some(other), None) => matches!((one, other), ('[', ']') | ('{', '}')),
        _ => false,
    }
}

/// A text in canonical form for comparison: composed (NFC), with `\n` between lines, and without
/// blanks and invisible characters at the ends of lines.
pub fn compared(text: &str) -> Cow<'_, str> {
    let is_gone = |c: char| is_invisible(c) || c.is_whitespace();
    let text = text.trim_matches(is_gone);
    if text.is_ascii() && !text.contains(|c: char| c.is_ascii_control()) {
        return text.into();
    }
    let mut lines = String::with_capacity(text.len());
    for line in text.replace("\r\n", "\n").split(['\n', '\r']) {
        if !lines.is_empty() {
            lines.push('\n');
        }
        lines.push_str(line.trim_end_matches(is_gone));
    }
    if is_nfc(&lines) { lines.into() } else { lines.nfc().collect::<String>().into() }
}

/// Whether two texts are the same, however they are encoded.
pub fn same(one: &str, other: &str) -> bool {
    one == other || compared(one) == compared(other)
}

/// Whether the second text is the first one as an account may return it: with `&amp;` and the like
/// for characters that HTML escapes. The reverse is a person's correction.
pub fn encodes(text: &str, encoded: &str) -> bool {
    match decoded(encoded) {
        Cow::Borrowed(_) => false,
        Cow::Owned(decoded) => same(text, &decoded),
    }
}

/// A text with HTML's character references replaced, once.
pub fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut is_changed = false;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(LONGEST_REFERENCE).position(|byte| byte == b';');
        let meant = end.and_then(|end| Some((reference(rest.get(1..end)?)?, end)));
        if let Some((c, end)) = meant {
            out.push(c);
            rest = &rest[end + 1..];
            is_changed = true;
        } else {
            out.push('&');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    if is_changed { out.into() } else { text.into() }
}

/// The longest character reference that is read, with its `&` and `;`, in bytes.
const LONGEST_REFERENCE: usize = 10;

fn reference(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return char::from_u32(code.ok()?).filter(|letter| *letter != '\0');
    }
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

//! Decoding the text of a body, in whatever charset it was written.
//!
//! The bytes themselves come first, because senders and proxies often declare the wrong charset: a
//! byte order mark, the zeros of UTF-16, and bytes that are valid UTF-8. Then comes the charset that
//! Content-Type declares. Without one, windows-1252 is assumed: most text that isn't UTF-8 is, and it
//! covers the printable part of ISO-8859-1.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

const UTF_8_MARK: &[u8] = b"\xef\xbb\xbf";

/// The charset that a Content-Type declares, if known.
pub(super) fn declared(content_type: Option<&str>) -> Option<&'static Encoding> {
    let parameters = content_type?.split(';').skip(1);
    let label = parameters.filter_map(|parameter| parameter.split_once('=')).find_map(
        |(name, value)| name.trim().eq_ignore_ascii_case("charset").then(|| value.trim()),
    )?;
    known(label.trim_matches(['"', '\'']))
}

/// The charset with this name.
pub(super) fn known(label: &str) -> Option<&'static Encoding> {
    Encoding::for_label_no_replacement(label.as_bytes())
}

/// The text of these bytes. What can't be decoded becomes U+FFFD.
pub(super) fn decode<'a>(bytes: &'a [u8], declared: Option<&'static Encoding>) -> Cow<'a, str> {
    if let Some(text) = utf_32(bytes) {
        return Cow::Owned(text);
    }
    if let Some(wide) = wide(bytes) {
        return wide.decode_with_bom_removal(bytes).0;
    }
    let bytes = bytes.strip_prefix(UTF_8_MARK).unwrap_or(bytes);
    // Bytes without the zeros or the mark of UTF-16 are not UTF-16, whatever was declared.
    let declared = declared.filter(|charset| ![UTF_8, UTF_16LE, UTF_16BE].contains(charset));
    let as_declared = |charset: &'static Encoding| charset.decode_without_bom_handling(bytes);
    let utf_8 = std::str::from_utf8(bytes);
    match (utf_8, declared) {
        // Text in a single-byte charset that happens to be valid UTF-8 is hardly ever meaningful:
        // "Ã©".
        (Ok(text), None) => Cow::Borrowed(text),
        (Ok(text), Some(charset)) if charset == WINDOWS_1252 => Cow::Borrowed(text),
        (Ok(text), Some(charset)) => match as_declared(charset) {
            (declared, false) => declared,
            _ => Cow::Borrowed(text),
        },
        (Err(_), Some(charset)) => as_declared(charset).0,
        (Err(_), None) => undeclared(bytes),
    }
}

/// The text of some bytes of a form, decoded separately: they have no byte order mark. `None` if
/// unknown.
pub(super) fn decode_part<'a>(bytes: &'a [u8], charset: Option<&'static Encoding>) -> Cow<'a, str> {
    match charset.filter(|charset| *charset != UTF_8) {
        Some(charset) => charset.decode_without_bom_handling(bytes).0,
        None => undeclared(bytes),
    }
}

/// UTF-16, by its byte order mark or by the zeros of its ASCII.
fn wide(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes {
        [0xff, 0xfe, ..] | [1..=255, 0, 1..=255, 0, ..] => Some(UTF_16LE),
        [0xfe, 0xff, ..] | [0, 1..=255, 0, 1..=255, ..] => Some(UTF_16BE),
        _ => None,
    }
}

/// UTF-32, by its byte order mark or by the zeros of its ASCII.
fn utf_32(bytes: &[u8]) -> Option<String> {
    let letter: fn([u8; 4]) -> u32 = match bytes {
        [0xff, 0xfe, 0, 0, ..] | [1..=255, 0, 0, 0, ..] => u32::from_le_bytes,
        [0, 0, 0xfe, 0xff, ..] | [0, 0, 0, 1..=255, ..] => u32::from_be_bytes,
        _ => return None,
    };
    let (letters, _) = bytes.as_chunks::<4>();
    let text = letters
        .iter()
        .map(|bytes| char::from_u32(letter(*bytes)).unwrap_or(char::REPLACEMENT_CHARACTER));
    Some(text.filter(|letter| *letter != '\u{feff}').collect())
}

/// Bytes that should be UTF-8, with nothing else known.
fn undeclared(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    if let Some(text) = surrogates_in_utf_8(bytes) {
        return Cow::Owned(text);
    }
    let (mut good, mut bad) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        good += chunk.valid().chars().filter(|letter| !letter.is_ascii()).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    // UTF-8 with one truncated character is still recognisable by the others.
    if good >= bad {
        String::from_utf8_lossy(bytes)
    } else {
        WINDOWS_1252.decode_without_bom_handling(bytes).0
    }
}

/// The text of bytes in which characters beyond U+FFFF are two surrogates of three bytes each, as
/// some senders write them ("CESU-8"); `None` if that is not the only error.
fn surrogates_in_utf_8(bytes: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        let good = match std::str::from_utf8(rest) {
            Ok(_) => rest.len(),
            Err(error) => error.valid_up_to(),
        };
        let (valid, after) = rest.split_at(good);
        text.push_str(std::str::from_utf8(valid).ok()?);
        rest = match after {
            [] => after,
            [
                0xed,
                a @ 0xa0..=0xaf,
                b @ 0x80..=0xbf,
                0xed,
                c @ 0xb0..=0xbf,
                d @ 0x80..=0xbf,
                rest @ ..,
            ] => {
                let [a, b, c, d] = [a, b, c, d].map(|byte| u32::from(byte & 0x3f));
                let high = ((a & 0x0f) << 6) | b;
                let low = ((c & 0x0f) << 6) | d;
                text.push(char::from_u32(0x1_0000 + (high << 10) + low)?);
                rest
            }
            _ => return None,
        };
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charset_is_read_as_declared_or_evident() {
        let utf_16 = |text: &str, mark: bool, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            let mark = mark.then_some(0xfeff);
            mark.into_iter().chain(text.encode_utf16()).flat_map(bytes).collect()
        };
        let text = "{\"City\":\"Zürich €\"}";
        let latin: &[u8] = b"{\"City\":\"Z\xfcrich \x80\"}";
        for (bytes, content_type, what) in [
            (text.as_bytes().to_vec(), None, "UTF-8"),
            ([UTF_8_MARK, text.as_bytes()].concat(), None, "UTF-8 with a mark"),
            (latin.to_vec(), None, "evident"),
            (latin.to_vec(), Some("application/json; charset=utf-8"), "declared wrongly"),
            (latin.to_vec(), Some("application/json;Charset=\"ISO-8859-1\""), "declared"),
            (latin.to_vec(), Some("text/plain; charset=windows-1252"), "declared"),
            (latin.to_vec(), Some("text/plain; charset=nonsense"), "declared as nothing"),
            (
                text.as_bytes().to_vec(),
                Some("text/plain; charset=iso-8859-1"),
                "UTF-8 all the same",
            ),
            (utf_16(text, true, u16::to_le_bytes), None, "UTF-16LE with a mark"),
            (utf_16(text, true, u16::to_be_bytes), None, "UTF-16BE with a mark"),
            (utf_16(text, false, u16::to_le_bytes), None, "UTF-16LE"),
            (utf_16(text, false, u16::to_be_bytes), Some("a/b; charset=utf-16"), "UTF-16BE"),
            (text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect(), None, "UTF-32LE"),
            (text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect(), None, "UTF-32BE"),
        ] {
            assert_eq!(decode(&bytes, declared(content_type)), text, "{what}");
        }
        let of = |bytes: &'static [u8], charset| decode(bytes, known(charset)).into_owned();
        assert_eq!(of(b"\xcf\xf0\xe8\xe2\xe5\xf2", "windows-1251"), "Привет");
        assert_eq!(of("Привет".as_bytes(), "koi8-r").chars().count(), 12, "as declared");
        assert_eq!(of(b"\x82\xb1", "shift_jis"), "こ");
        assert_eq!(of(b"\x1b$B$3\x1b(B", "iso-2022-jp"), "こ");
    }

    #[test]
    fn broken_utf_8_stays_utf_8() {
        assert_eq!(decode("Zürich Gen\u{e8}ve".as_bytes(), None), "Zürich Genève");
        assert_eq!(decode(b"Z\xc3\xbcrich Gen\xc3", None), "Zürich Gen\u{fffd}");
        assert_eq!(decode(b"a \xed\xa0\xbd\xed\xb8\x80 b", None), "a 😀 b");
        assert_eq!(decode(b"", None), "");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_have_a_text(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..60)) {
            for label in ["utf-8", "utf-16", "iso-8859-1", "gbk", "iso-2022-jp"] {
                let _ = decode(&bytes, known(label));
            }
        }

        #[test]
        fn text_in_utf_8_is_itself(text in "\\PC{0,40}") {
            proptest::prop_assert_eq!(decode(text.as_bytes(), None), text.as_str());
            proptest::prop_assert_eq!(decode(text.as_bytes(), known("latin1")), text.as_str());
        }
    }
}

//! From the bytes of a body to a tree: JSON, or a form.

use serde_json::Value;

use super::{charset, form};
use crate::json::Room;
use crate::problem::{Code, Problem};

/// The content of a body, as a tree.
pub(super) fn read(body: &[u8], content_type: Option<&str>, room: &Room) -> Result<Value, Problem> {
    let declared = charset::declared(content_type);
    let text = charset::decode(body, declared);
    let text = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\0' | '\u{feff}'));
    if text.is_empty() {
        return Err(unreadable("The body is empty."));
    }
    let may_be_json = text.starts_with(['{', '[', '"']);
    let is_form = content_type
        .is_some_and(|kind| kind.to_ascii_lowercase().contains("x-www-form-urlencoded"));
    if !may_be_json && (is_form || form::is_evident(text)) {
        // Escaped bytes are in the form's own charset.
        let escaped = if body.is_ascii() { body.trim_ascii() } else { text.as_bytes() };
        return form::read(escaped, declared, room)
            .ok_or_else(|| unreadable("The body is a form with too many fields."));
    }
    room.read(text).map_err(|error| match other_form(body, text, content_type) {
        Some(form) => unreadable(&format!("The body is {form}, not JSON or a plain form.")),
        None => unreadable(&format!("The body is not JSON: {error}.")),
    })
}

/// What a body is if it is not JSON, if recognisable.
fn other_form(body: &[u8], text: &str, content_type: Option<&str>) -> Option<&'static str> {
    let is_declared = |kind: &str| {
        content_type.is_some_and(|declared| declared.to_ascii_lowercase().contains(kind))
    };
    if body.starts_with(&[0x1f, 0x8b]) {
        Some("compressed (gzip)")
    } else if is_declared("multipart/") && text.starts_with("--") {
        Some("a multipart form")
    } else if text.starts_with('<') {
        Some("XML or HTML")
    } else {
        None
    }
}

pub(super) fn unreadable(what: &str) -> Problem {
    Problem::new(
        Code::UnreadableBody,
        what,
        "Set the webhook's content type to application/json and use LeadSquared's default payload. \
         The original body is stored with the request.",
    )
}

//! Request and response bodies, formatted for reading.

use serde_json::Value;

/// The most that is shown of a text, in bytes.
const LONGEST: usize = 100_000;
/// The same for all bodies of a page together, so that a browser on a phone stays fast.
const ALL: usize = 2_000_000;

/// A body as it is shown.
pub(super) struct Body {
    /// A name for it on the page.
    pub(super) id: String,
    pub(super) text: String,
    /// Whether it is longer than that.
    pub(super) is_cut: bool,
}

/// Formats the bodies of one page.
pub(super) struct Bodies {
    left: usize,
    number: usize,
}

impl Bodies {
    pub(super) fn new() -> Self {
        Self { left: ALL, number: 0 }
    }

    /// A body; `None` if it is empty.
    pub(super) fn show(&mut self, body: &str) -> Option<Body> {
        if body.trim().is_empty() {
            return None;
        }
        self.number += 1;
        let room = self.left.min(LONGEST);
        // What will be cut anyway is not parsed as JSON, which would not be worth the time.
        let text = if body.len() <= room { pretty(body) } else { None };
        let text = text.as_deref().unwrap_or(body);
        let end = text.floor_char_boundary(room);
        self.left -= end;
        let (text, is_cut) = (text[..end].to_owned(), end < text.len());
        Some(Body { id: format!("body-{}", self.number), text, is_cut })
    }

    /// The row of a bulk call that is about one record.
    pub(super) fn show_row(&mut self, body: &str, row: Option<u32>) -> Option<Body> {
        let row = usize::try_from(row?).ok()?;
        if body.len() > ALL {
            return None;
        }
        let read = plan::json::read(body.as_bytes()).ok()?;
        let rows = match &read {
            Value::Array(rows) => Some(rows),
            Value::Object(map) => map.values().find_map(Value::as_array),
            _ => None,
        };
        self.show(&rows?.get(row)?.to_string())
    }
}

fn pretty(body: &str) -> Option<String> {
    let json = plan::json::read(body.as_bytes()).ok()?;
    serde_json::to_string_pretty(&json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_made_readable_within_bounds() {
        let mut bodies = Bodies::new();
        let mut shown = |body: &str| bodies.show(body).map(|body| (body.text, body.is_cut));
        assert_eq!(shown(" "), None);
        assert_eq!(shown(r#"{"a":1}"#), Some(("{\n  \"a\": 1\n}".to_owned(), false)));
        assert_eq!(shown("no JSON"), Some(("no JSON".to_owned(), false)));
        let long = "ä".repeat(LONGEST);
        let (text, is_cut) = shown(&long).unwrap();
        assert!(is_cut && text.len() == LONGEST);
        for _ in 0..(ALL / LONGEST) {
            shown(&long);
        }
        let (text, is_cut) = shown("more").unwrap();
        assert!(is_cut && text.len() < 2, "the page is full, but for half a letter: {text}");
        let mut bodies = Bodies::new();
        let row = bodies.show_row(r#"{"Leads":[{"a":1},{"a":2}]}"#, Some(1)).unwrap();
        assert!(row.text.contains("\"a\": 2"), "{}", row.text);
        assert!(
            bodies.show_row("[1]", Some(1)).is_none() && bodies.show_row("[1]", None).is_none()
        );
    }
}

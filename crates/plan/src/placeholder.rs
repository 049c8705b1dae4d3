//! Placeholder values: what a sender fills in if a field has no value.
//!
//! Automations that post a custom body write `null` as text, or leave the mail-merge field
//! unfilled: `@{Lead:LastName,}` (client code, with tests). Such a value is a blank. What a person
//! may have typed, like the surname `Null`, is not.

use crate::text;

/// What counts as a placeholder unless a connector lists others: words written by programs, and
/// unfilled mail-merge and template fields.
pub const DEFAULT: [&str; 7] =
    ["null", "NULL", "undefined", "[object Object]", "@{*}", "{{*}}", "${*}"];
/// Longer texts are not placeholders.
const LONGEST: usize = 400;

/// Which values are placeholders.
#[derive(Clone, Debug)]
pub struct Placeholders {
    /// Literal texts, or with one `*` for anything between a prefix and a suffix.
    patterns: Vec<String>,
}

impl Default for Placeholders {
    fn default() -> Self {
        Self::new(&DEFAULT)
    }
}

impl Placeholders {
    /// These, compared case-sensitively.
    pub fn new(patterns: &[impl AsRef<str>]) -> Self {
        let patterns = patterns.iter().map(|pattern| pattern.as_ref().trim().to_owned());
        Self { patterns: patterns.filter(|pattern| !pattern.is_empty()).collect() }
    }

    /// Whether a text is a placeholder, or several of those with a pattern in a row.
    pub fn has(&self, text: &str) -> bool {
        is_one_of(self.patterns.iter().map(String::as_str), text)
    }

    /// Whether there may be one inside a longer text, such as JSON.
    pub fn may_be_in(&self, text: &str) -> bool {
        let mut begins = self.patterns.iter().filter_map(|pattern| pattern.split('*').next());
        begins.any(|begin| text.contains(begin))
    }
}

/// Whether a text is empty, or one of the usual placeholders ([`DEFAULT`]). This is for what no
/// setting covers: ids, blocks and types.
pub fn is_unfilled(text: &str) -> bool {
    text.trim().is_empty() || is_one_of(DEFAULT.into_iter(), text)
}

fn is_one_of<'p>(patterns: impl Iterator<Item = &'p str>, text: &str) -> bool {
    if text.len() > LONGEST {
        return false;
    }
    let text = text::visible(text);
    let Some(first) = text.as_bytes().first() else { return false };
    let mut patterns = patterns.filter(|pattern| pattern.as_bytes().first() == Some(first));
    patterns.any(|pattern| match pattern.split_once('*') {
        None => pattern == &*text,
        Some((begin, end)) => is_row_of(&text, begin, end),
    })
}

/// Why an entry can't be in a connector's list; `None` if it can.
pub fn fault(pattern: &str) -> Option<&'static str> {
    let pattern = pattern.trim();
    if pattern.is_empty() {
        return Some("is empty; empty values always count as placeholders");
    }
    let (begin, end) = pattern.split_once('*')?;
    if end.contains('*') {
        return Some("has more than one *");
    }
    let takes_any = begin.chars().count() < 2;
    takes_any.then_some("would match any value; write at least two characters before the *")
}

/// Whether a text consists only of such parts, each from `begin` to the next `end`.
fn is_row_of(text: &str, begin: &str, end: &str) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        let Some(inner) = rest.strip_prefix(begin) else { return false };
        let Some(at) = (if end.is_empty() { Some(inner.len()) } else { inner.find(end) }) else {
            return false;
        };
        rest = inner[at + end.len()..].trim_start();
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_programs_leave_is_a_placeholder_and_what_people_type_is_not() {
        let all = Placeholders::default();
        for text in [
            "null",
            "NULL",
            " null ",
            "null\u{200b}",
            "undefined",
            "[object Object]",
            "@{Lead:LastName,}",
            "@{Lead:Phone}",
            "@{Lead:FirstName,} @{Lead:LastName,}",
            "@{Lead:A,}@{Lead:B,}",
            "@{}",
            "{{1.email}}",
            "{{ contact.first_name }}",
            "${name}",
            "@{Owner:EmailAddress,}",
            "@{Activity:mx_Custom_1,}",
        ] {
            assert!(all.has(text), "{text:?}");
        }
        for text in [
            "Null",
            "Nullah Road",
            "nullify",
            "null null",
            "undefined behaviour",
            "NA",
            "None",
            "-",
            "0",
            "",
            " ",
            "@handle",
            "@{Lead:FirstName,} Rao",
            "Dear @{Lead:FirstName,}",
            "{}",
            "[]",
            "{x}",
            "$5",
            "@{unclosed",
            "}",
            "{{unclosed}",
            "asha@example.com",
        ] {
            assert!(!all.has(text), "{text:?}");
        }
        let own = Placeholders::new(&["n/a", "#*#"]);
        assert!(own.has("n/a") && own.has("#NAME#") && !own.has("null") && !own.has("N/A"));
        let none: [&str; 0] = [];
        assert!(!Placeholders::new(&none).has("null"));
    }

    #[test]
    fn an_entry_that_would_take_everything_is_refused() {
        for (pattern, is_wrong) in [
            ("*", true),
            ("@*", true),
            ("", true),
            (" ", true),
            ("a*b*c", true),
            ("@{*}", false),
            ("##*", false),
            ("null", false),
        ] {
            assert_eq!(fault(pattern).is_some(), is_wrong, "{pattern:?}");
        }
    }

    proptest! {
        #[test]
        fn any_merge_field_is_one(name in "[A-Za-z:_, .0-9]{0,40}") {
            let all = Placeholders::default();
            let field = format!("@{{{name}}}");
            prop_assert!(all.has(&field));
            let twice = format!(" {field} {field}");
            prop_assert!(all.has(&twice));
            let named = format!("{field} Rao");
            prop_assert!(!all.has(&named));
        }

        #[test]
        fn no_text_makes_it_fail(text in any::<String>()) {
            let all = Placeholders::default();
            let _ = (all.has(&text), all.may_be_in(&text), fault(&text));
        }
    }
}

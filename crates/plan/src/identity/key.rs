//! Which values identify a person, and which only fill a field.
//!
//! A key is a value that identifies at most one person. People fill fields with other things too:
//! `NA`, `0000000000`, `98XXXXXX50`. A search by such a value matches a stranger's lead that has it
//! too, and overwrites it. So each value is checked here before it is searched for, captured by, or
//! compared as a key (`docs/values.md#keys`).

use std::fmt;

use crate::email;
use crate::metadata::Kind;
use crate::phone::{self, NotANumber};
use crate::placeholder;
use crate::text;
use crate::value::{self, Reading};

/// Why a value is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoKey {
    /// It is a placeholder.
    Placeholder,
    /// A part of it is masked.
    Masked,
    /// It is too short to identify a person.
    Short,
    /// It is not what its field is for, or more than one.
    Unreadable,
}

impl fmt::Display for NoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Placeholder => "is a placeholder",
            Self::Masked => "is partly hidden",
            Self::Short => "is too short",
            Self::Unreadable => "is not a single valid value",
        })
    }
}

/// The minimum number of digits of a phone number to be a key without a known country.
const FEWEST_DIGITS: usize = 7;
/// The maximum number of digits of a phone number (ITU-T E.164).
const MOST_DIGITS: usize = 15;

/// Why the value of a field of this kind is not a key; `None` if it is one.
pub fn fault(kind: Kind, value: &str, reading: &Reading) -> Option<NoKey> {
    let value = text::visible(value);
    let value = value.as_ref();
    let is_absent = text::is_blank(value) || is_placeholder(value) || is_unfilled(value);
    if is_absent {
        return Some(NoKey::Placeholder);
    }
    match kind {
        Kind::Email => match email::read(value) {
            _ if email::is_masked(value) => Some(NoKey::Masked),
            email::Read::Address(address) => {
                email::is_placeholder(&address).then_some(NoKey::Placeholder)
            }
            email::Read::Several | email::Read::Not => Some(NoKey::Unreadable),
        },
        Kind::Phone => match phone::read(value, reading.country) {
            phone::Read::Number(_) => None,
            phone::Read::Not(NotANumber::Placeholder) => Some(NoKey::Placeholder),
            phone::Read::Not(NotANumber::Masked) => Some(NoKey::Masked),
            phone::Read::Not(NotANumber::Unreadable) => Some(NoKey::Unreadable),
            phone::Read::Not(NotANumber::NoCountry(digits)) => match digits.len() {
                length if length < FEWEST_DIGITS => Some(NoKey::Short),
                length if length > MOST_DIGITS => Some(NoKey::Unreadable),
                _ => None,
            },
        },
        _ if is_masked(value) => Some(NoKey::Masked),
        _ if is_repeated(value) => Some(NoKey::Placeholder),
        Kind::Text | Kind::Select | Kind::MultiSelect | Kind::FieldSet
            if value.chars().filter(|c| c.is_alphanumeric()).count() < 2
                && !value.contains(|c: char| c.is_ascii_digit()) =>
        {
            Some(NoKey::Short)
        }
        Kind::Boolean => Some(NoKey::Short),
        _ => None,
    }
}

/// Whether two values of a key are the same person's: equal, ignoring case.
pub fn same(kind: Kind, one: &str, other: &str, reading: &Reading) -> bool {
    value::same(kind, one, other, reading) || {
        let bare = |text: &str| text::compared(&text::visible(text).to_lowercase()).into_owned();
        let is_text = matches!(kind, Kind::Text | Kind::Select);
        is_text && !text::is_blank(one) && bare(one) == bare(other)
    }
}

/// What people and programs write instead of leaving a field empty: punctuation between the letters
/// is ignored.
const NOTHING: [&str; 30] = [
    "na",
    "nan",
    "nil",
    "nill",
    "none",
    "null",
    "undefined",
    "unknown",
    "notknown",
    "notavailable",
    "notapplicable",
    "notprovided",
    "notgiven",
    "notspecified",
    "nodata",
    "novalue",
    "noemail",
    "nomail",
    "nophone",
    "nonumber",
    "nomobile",
    "tbd",
    "tba",
    "tbc",
    "test",
    "testing",
    "dummy",
    "sample",
    "blank",
    "empty",
];

/// Whether a text may be the id of a record of an account: ids are opaque, so anything that isn't a
/// placeholder. Two records with an id like `NA` or `0` would be taken for one.
pub fn names_one(id: &str) -> bool {
    const SHORTEST_ROW: usize = 3;
    if id.trim().contains(char::is_control) {
        // It was meant as one; that it can't be stored is reported elsewhere.
        return true;
    }
    let id = text::visible(id);
    let bare = bare(&id);
    let is_zero = bare.bytes().all(|byte| byte == b'0');
    let is_row = bare.len() >= SHORTEST_ROW && bare.bytes().all(|byte| byte == bare.as_bytes()[0]);
    !(is_zero || is_row || is_nothing(&bare) || is_unfilled(&id) || placeholder::is_unfilled(&id))
}

fn is_placeholder(value: &str) -> bool {
    let bare = bare(value);
    bare.is_empty() || is_nothing(&bare)
}

/// The letters and digits of a value, in lower case.
fn bare(value: &str) -> String {
    value.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn is_nothing(bare: &str) -> bool {
    NOTHING.contains(&bare)
}

/// Whether it is an unfilled template field: `@{Lead:Phone,}`, `{{ Phone }}`.
fn is_unfilled(value: &str) -> bool {
    let begins = ["@{", "{{", "${", "[[", "%%"];
    begins.iter().any(|mark| value.starts_with(mark))
}

/// Whether a part is masked by symbols, or by a row of X: `ABCXXXXX4F`, `XXX-XX-1234`.
fn is_masked(value: &str) -> bool {
    const LONGEST_ROW: usize = 3;
    let mut row = 0;
    let mut longest = 0;
    for c in value.chars().filter(|c| !" -./".contains(*c)) {
        row = if matches!(c, 'x' | 'X') { row + 1 } else { 0 };
        longest = longest.max(row);
    }
    longest > LONGEST_ROW || value.contains(['*', '\u{2022}', '\u{25cf}', '\u{2588}'])
}

/// Whether it is one repeated character, or consecutive digits: `00000`, `xxx`, `1234567890`. A
/// short run of digits may be a sequence number.
fn is_repeated(value: &str) -> bool {
    const SHORTEST_ROW: usize = 5;
    const SHORTEST_COUNT: usize = 9;
    let bare: String = value.chars().filter(|c| c.is_alphanumeric()).collect();
    let Some(first) = bare.chars().next() else { return true };
    let is_row = bare.chars().all(|c| c == first);
    if bare.bytes().all(|byte| byte.is_ascii_digit()) {
        let long = bare.len() >= SHORTEST_COUNT && phone::is_placeholder(&bare);
        return long || is_row && (first == '0' || bare.len() >= SHORTEST_ROW);
    }
    is_row && bare.chars().count() > 1
}

#[cfg(test)]
mod tests;

//! Whether two values of a field are the same.

use super::{Reading, number, options, truth};
use crate::email;
use crate::json;
use crate::metadata::Kind;
use crate::moment::{self, Moment};
use crate::phone;
use crate::text;
use jiff::tz::TimeZone;

/// Whether a field that holds `held` needs no write to hold `wanted`: the two are the same, or the
/// account shows `wanted` in its own encoding. Of a custom field set only the wanted parts count.
pub fn holds(kind: Kind, wanted: &str, held: &str, reading: &Reading) -> bool {
    compare(kind, wanted, held, reading, text::encodes)
}

/// Whether a field's value is the same `now` as it `was`. An account that returns a value in its
/// own encoding has not changed it; a person who removes the encoding has. Of a custom field set
/// only the parts that it has now count.
pub fn stays(kind: Kind, now: &str, was: &str, reading: &Reading) -> bool {
    compare(kind, now, was, reading, |now, was| text::encodes(was, now))
}

fn compare(
    kind: Kind,
    one: &str,
    other: &str,
    reading: &Reading,
    is_encoded: impl Fn(&str, &str) -> bool,
) -> bool {
    if kind == Kind::FieldSet
        && let Some((one, other)) = parts(one).zip(parts(other))
    {
        let of = |name: &str| other.iter().find(|(known, _)| known == name).map_or("", |(_, v)| v);
        return one.iter().all(|(name, value)| {
            let other = of(name);
            is_same_part(value, other) || is_encoded(value, other)
        });
    }
    let is_text = matches!(kind, Kind::Text | Kind::Select | Kind::MultiSelect);
    same(kind, one, other, reading) || is_text && is_encoded(one, other)
}

/// Whether two values of a field are the same to the accounts, in whatever format. Blank and
/// absent-with-`""` are the same.
pub fn same(kind: Kind, one: &str, other: &str, reading: &Reading) -> bool {
    if one == other {
        return true;
    }
    match (text::is_blank(one), text::is_blank(other)) {
        (false, false) => {}
        (one, other) => return one && other,
    }
    if text::same(one, other) {
        return true;
    }
    let (one, other) = (&*text::visible(one), &*text::visible(other));
    match kind {
        Kind::Text | Kind::Select => false,
        Kind::Email => address(one) == address(other),
        Kind::User => one.to_lowercase() == other.to_lowercase(),
        Kind::Phone => phone::same(one, other, reading.country),
        Kind::Number => number::same(one, other).unwrap_or_default(),
        Kind::Boolean => both(truth(one), truth(other)),
        Kind::Date => {
            let day = |text| moment::read(text, reading.date_order).ok()?.day(&TimeZone::UTC);
            both(day(one), day(other))
        }
        Kind::DateTime => both(second(one, reading), second(other, reading)),
        Kind::Time => both(moment::clock(one), moment::clock(other)),
        Kind::MultiSelect => {
            options::compared(one) == options::compared(other)
                || is_by_commas(one, other)
                    && options::compared_by_commas(one) == options::compared_by_commas(other)
        }
        Kind::FieldSet => {
            parts(one).zip(parts(other)).is_some_and(|(one, other)| same_parts(&one, &other))
        }
    }
}

/// A form of a value such that two values with equal forms are the [`same`]. The reverse need not
/// hold: values whose forms differ must be compared.
pub fn form(kind: Kind, value: &str, reading: &Reading) -> String {
    if text::is_blank(value) {
        return String::new();
    }
    let visible = &*text::visible(value);
    let of_kind = match kind {
        Kind::Text | Kind::Select => None,
        Kind::Email => Some(address(visible)),
        Kind::User => Some(visible.to_lowercase()),
        Kind::Phone => phone::normalise(visible, reading.country),
        Kind::Number => number::form(visible),
        Kind::Boolean => truth(visible).map(|yes| yes.to_string()),
        Kind::Date => moment::read(visible, reading.date_order)
            .ok()
            .and_then(|written| written.day(&TimeZone::UTC))
            .map(|day| day.to_string()),
        Kind::DateTime => second(visible, reading),
        Kind::Time => moment::clock(visible).map(|(time, is_end)| format!("{time} {is_end}")),
        Kind::MultiSelect => Some(format!("{:?}", options::compared(visible))),
        Kind::FieldSet => parts(visible).map(|parts| {
            let mut parts: Vec<_> = parts
                .into_iter()
                .filter(|(_, value)| !text::is_blank(value))
                .map(|(name, value)| (name, text::compared(&value).into_owned()))
                .collect();
            parts.sort_unstable();
            format!("{parts:?}")
        }),
    };
    match of_kind {
        // Keeps a value of the kind apart from a text that only looks like its form.
        Some(form) => format!("= {form}"),
        None => format!("  {}", text::compared(value)),
    }
}

/// An address in the form used for comparison.
fn address(text: &str) -> String {
    let address = match email::read(text) {
        email::Read::Address(address) => address,
        email::Read::Several | email::Read::Not => text.to_owned(),
    };
    text::compared(&address.to_lowercase()).into_owned()
}

/// A moment in the accounts' precision: whole seconds.
fn second(text: &str, reading: &Reading) -> Option<String> {
    let moment = moment::read(text, reading.date_order).ok()?.moment(&TimeZone::UTC)?;
    let word = if matches!(moment, Moment::Never(_)) { "never" } else { "at" };
    Some(format!("{word} {}", moment.to_wire()))
}

/// Whether one text has `,` between its options where the other one has `;`.
fn is_by_commas(one: &str, other: &str) -> bool {
    let has = |text: &str, mark| text.contains(mark);
    has(one, ',') && !has(one, ';') && has(other, ';') && !has(other, ',')
        || has(other, ',') && !has(other, ';') && has(one, ';') && !has(one, ',')
}

fn both<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one == other)
}

fn parts(text: &str) -> Option<Vec<(String, String)>> {
    let map = json::object(text)?;
    Some(map.into_iter().map(|(name, value)| (name, json::text(value))).collect())
}

/// Whether two sets of parts are the same; an empty part counts as missing.
fn same_parts(one: &[(String, String)], other: &[(String, String)]) -> bool {
    let covers = |one: &[(String, String)], other: &[(String, String)]| {
        one.iter().all(|(name, value)| {
            let found = other.iter().find(|(known, _)| known == name);
            is_same_part(value, found.map_or("", |(_, value)| value))
        })
    };
    covers(one, other) && covers(other, one)
}

/// Whether two values of a part are the same. The kinds of parts are unknown here; a date that an
/// account returns with a time is recognised by its form.
fn is_same_part(one: &str, other: &str) -> bool {
    let second = |text: &str| {
        let year_first = |text: &str| text.len() > 9 && text.as_bytes()[4] == b'-';
        let text = text::visible(text);
        year_first(&text).then(|| second(&text, &Reading::default())).flatten()
    };
    text::same(one, other)
        || text::is_blank(one) && text::is_blank(other)
        || both(second(one), second(other))
}

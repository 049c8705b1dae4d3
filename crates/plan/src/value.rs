//! Converting a value for the destination's field, and comparing two values of a field
//! (`docs/values.md`).

mod number;
mod options;
mod same;

use std::cmp::Ordering;

use jiff::tz::TimeZone;

use crate::connector::Basic;
use crate::email;
use crate::json;
use crate::metadata::{Field, Kind};
use crate::moment::{self, DateOrder, Moment, Unread};
use crate::phone::{self, Country, NotANumber};
use crate::problem::{Code, Problem, shortened};
use crate::text;

pub(crate) use options::{
    SEPARATOR, SEPARATORS, compared as chosen, list as options_of, listed, parts_of, unlisted,
};
pub use same::{form, holds, same, stays};

/// What the settings say about reading values.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The zone of the source's date-times.
    pub zone: TimeZone,
    /// The country of phone numbers without a country code.
    pub country: Option<Country>,
    /// Whether the day or the month comes first in `03/04/2026`; `None` if unknown.
    pub date_order: Option<DateOrder>,
}

impl Default for Reading {
    fn default() -> Self {
        Self { zone: TimeZone::UTC, country: None, date_order: None }
    }
}

impl Reading {
    /// Reads these settings. An unreadable zone or country counts as none.
    pub fn of(basic: &Basic) -> Self {
        let zone = basic.time_zone.as_deref().and_then(|name| TimeZone::get(name).ok());
        let country = basic.default_country_code.as_deref().and_then(Country::parse);
        Self {
            zone: zone.unwrap_or(TimeZone::UTC),
            country,
            date_order: basic.date_order.or_else(|| country.and_then(DateOrder::of)),
        }
    }
}

/// A value in the form that the destination accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converted {
    /// The value.
    pub text: String,
    /// What a person should know about it.
    pub remark: Option<&'static str>,
    /// Whether it is not a value of the field's kind, so that it was passed on as typed.
    pub is_as_typed: bool,
}

impl Converted {
    fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), remark: None, is_as_typed: false }
    }

    fn remarked(text: impl Into<String>, remark: &'static str) -> Self {
        Self { remark: Some(remark), ..Self::plain(text) }
    }

    fn as_typed(text: &str, remark: &'static str) -> Self {
        Self { is_as_typed: true, ..Self::remarked(text, remark) }
    }
}

const NO_NUMBER: &str = "the value is a placeholder, not a phone number, so it was passed on \
                         unchanged";
const MASKED: &str = "digits of the phone number are hidden, so it was passed on unchanged";
const NOT_A_PHONE: &str = "the value is not a phone number, so it was passed on unchanged";
const NO_COUNTRY: &str = "the number has no country code, and the connector has no default country \
                          code, so it was passed on unchanged";
const SEVERAL_EMAILS: &str = "the value has several email addresses, so it was passed on unchanged";
const NOT_AN_EMAIL: &str = "the value is not a valid email address, so it was passed on unchanged";
const OTHER_ORDER: &str = "the date is only valid if day and month are in the other order than the \
                           connector's, so it was read that way";
const END_OF_DAY: &str = "24:00, the end of a day, was written as 00:00:00";

/// The longest value sent to a field, in bytes: no field of LeadSquared holds that much. Without
/// it, a mapping of many rows could make gigabytes of one long text.
pub const LONGEST_VALUE: usize = 64 * 1024;

/// Converts a non-blank value of the source, whose field has the kind `from`, into the form that
/// the destination's field accepts.
///
/// # Errors
/// Why the field can't hold the value, and what to do.
pub fn convert(
    text: &str,
    from: Kind,
    field: &Field,
    reading: &Reading,
) -> Result<Converted, Problem> {
    let visible = text::visible(text);
    let visible = visible.as_ref();
    let plain = |text: String| Ok(Converted::plain(text));
    let none = || mismatch(visible, field);
    match field.kind {
        Kind::Text => fitting(Converted::plain(text::trimmed(text)), field),
        Kind::Email => fitting(email(visible), field),
        Kind::Phone => match phone(visible, reading) {
            typed if typed.is_as_typed => fitting(typed, field),
            number => Ok(number),
        },
        Kind::Number => number::written(visible).map(Converted::plain).ok_or_else(none),
        Kind::Boolean => match truth(visible) {
            Some(yes) => plain(if yes { "1" } else { "0" }.to_owned()),
            None => Err(none()),
        },
        Kind::Date => {
            let written = date(visible, field, reading)?;
            let day = written.day(&reading.zone).ok_or_else(none)?;
            Ok(in_order(written, day.strftime("%Y-%m-%d").to_string()))
        }
        Kind::DateTime => {
            let written = date(visible, field, reading)?;
            let moment = written.moment(&zone_of(from, reading)).ok_or_else(none)?;
            Ok(in_order(written, moment.to_wire()))
        }
        Kind::Time => match moment::clock(visible) {
            Some((_, true)) => Ok(Converted::remarked("00:00:00", END_OF_DAY)),
            Some((time, false)) => plain(time.strftime("%H:%M:%S").to_string()),
            None => Err(none()),
        },
        Kind::Select => options::one(text::trimmed(text).trim(), field).and_then(plain),
        Kind::MultiSelect => options::several(text::trimmed(text).trim(), field).and_then(plain),
        // Users are matched by the mapping, which knows those of both accounts.
        Kind::User => plain(visible.to_owned()),
        Kind::FieldSet => match json::object(visible) {
            Some(_) => plain(visible.to_owned()),
            None => Err(none()),
        },
    }
}

fn email(text: &str) -> Converted {
    match email::read(text) {
        email::Read::Address(address) => Converted::plain(address),
        email::Read::Several => Converted::as_typed(text, SEVERAL_EMAILS),
        email::Read::Not => Converted::as_typed(text, NOT_AN_EMAIL),
    }
}

fn phone(text: &str, reading: &Reading) -> Converted {
    match phone::read(text, reading.country) {
        phone::Read::Number(number) => Converted::plain(number),
        // It may well be a number.
        phone::Read::Not(NotANumber::NoCountry(_)) => Converted::remarked(text, NO_COUNTRY),
        phone::Read::Not(NotANumber::Placeholder) => Converted::as_typed(text, NO_NUMBER),
        phone::Read::Not(NotANumber::Masked) => Converted::as_typed(text, MASKED),
        phone::Read::Not(NotANumber::Unreadable) => Converted::as_typed(text, NOT_A_PHONE),
    }
}

fn date(text: &str, field: &Field, reading: &Reading) -> Result<moment::Written, Problem> {
    moment::read(text, reading.date_order).map_err(|why| {
        let what = match why {
            Unread::NotADate => return mismatch(text, field),
            Unread::Ambiguous => "is ambiguous: day and month may be in either order",
            Unread::ShortYear => "has a two-digit year, which leadsync does not guess",
        };
        let advice = match why {
            Unread::Ambiguous => {
                "Set Date Order (date_order) or a default country code under Basic settings, or \
                 write the year first in the source."
            }
            _ => "Write the year with four digits in the source, or map another field.",
        };
        let (field_name, takes) = (named(field), field.kind.words());
        Problem::new(
            Code::TypeMismatch,
            format!("{field_name} expects {takes}, but '{}' {what}.", shortened(text)),
            advice,
        )
        .about(&field.schema_name)
    })
}

fn in_order(written: moment::Written, text: String) -> Converted {
    let remark = written.is_swapped.then_some(OTHER_ORDER);
    Converted { remark, ..Converted::plain(text) }
}

/// How two numbers compare; `None` if either isn't a number.
pub(crate) fn order_of_numbers(one: &str, other: &str) -> Option<Ordering> {
    number::order(&text::visible(one), &text::visible(other))
}

/// Whether a date or a time, written in `zone`, is before or after a limit, which is written in the
/// account's zone. A limit without a time is a whole day there. `None` if either isn't a date that can
/// be read, or stands for *never*.
pub(crate) fn order_of_times(
    text: &str,
    zone: &TimeZone,
    limit: &str,
    reading: &Reading,
) -> Option<Ordering> {
    let at = |text, zone| {
        let written = moment::read(text, reading.date_order).ok()?;
        match written.moment(zone)? {
            Moment::At(at) => Some((written, at)),
            Moment::Never(_) => None,
        }
    };
    let ((value, at), (limit, limit_at)) = (at(text, zone)?, at(limit, &reading.zone)?);
    let is_day = |written: &moment::Written| {
        written.offset.is_none() && written.local.time() == jiff::civil::Time::midnight()
    };
    if !is_day(&limit) {
        return Some(at.cmp(&limit_at));
    }
    // A day is not converted between zones.
    let day = if is_day(&value) { value.local.date() } else { reading.zone.to_datetime(at).date() };
    Some(day.cmp(&limit.local.date()))
}

/// A day that becomes a date-time is midnight UTC, whatever zone it was written in: converting it
/// would move it to the day before, further with each round.
fn zone_of(from: Kind, reading: &Reading) -> TimeZone {
    if from == Kind::Date { TimeZone::UTC } else { reading.zone.clone() }
}

/// The problem with a value longer than [`LONGEST_VALUE`].
pub(crate) fn too_long(length: usize, to: &str) -> Problem {
    Problem::new(
        Code::TooLong,
        format!(
            "The value for {to} is too long: it has {length} bytes, and a field takes at most \
             {LONGEST_VALUE}."
        ),
        "Shorten the value in the source, or turn this mapping row off.",
    )
    .about(to)
}

fn fitting(converted: Converted, field: &Field) -> Result<Converted, Problem> {
    if let Some(most) = field.max_length {
        let length = converted.text.chars().count();
        if length > most as usize {
            return Err(Problem::new(
                Code::TooLong,
                format!(
                    "{} is limited to {most} characters; the value has {length}.",
                    named(field)
                ),
                "Shorten the value in the source, map it to a longer field, or increase the \
                 field's length in the destination account.",
            )
            .about(&field.schema_name));
        }
    }
    Ok(converted)
}

/// The problem with a value of the wrong type for its field.
pub(crate) fn mismatch(text: &str, field: &Field) -> Problem {
    Problem::new(
        Code::TypeMismatch,
        format!("{} expects {}; got '{}'.", named(field), field.kind.words(), shortened(text)),
        "Fix the value in the source, or map another field.",
    )
    .about(&field.schema_name)
}

fn named(field: &Field) -> String {
    if field.display_name.is_empty() || field.display_name == field.schema_name {
        format!("The destination field {}", field.schema_name)
    } else {
        format!("The destination field {} ({})", field.schema_name, field.display_name)
    }
}

pub(crate) fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "y" | "on" => Some(true),
        "0" | "false" | "no" | "n" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

//! Checking a value against its field, and its form for storage and comparison.

use crate::metadata::{Field, Kind, Setup};
use crate::refusal::Refusal;
use crate::switches::{BadContact, PhoneMatch, Switches, TooLong, UnknownOption};
use jiff::civil::{Date, DateTime, Time};
use std::borrow::Cow;
use std::sync::Arc;

/// What a write does to one field.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Set(Arc<str>),
    Clear,
    /// The parts of a custom field set that were sent; the others keep their values.
    Parts(Vec<(Arc<str>, String)>),
}

/// The value as it is stored. The caller handles empty text.
pub(crate) fn checked<'a>(
    setup: &Setup,
    field: &Field,
    text: &'a str,
) -> Result<Cow<'a, str>, Refusal> {
    let switches = &setup.switches;
    let text = text.trim();
    let wrong = || Refusal::data_type(&field.schema_name, field.kind, text);
    let stored = match field.kind {
        Kind::Number => {
            text.parse::<f64>().ok().filter(|number| number.is_finite()).ok_or_else(wrong)?;
            Cow::Borrowed(text)
        }
        Kind::Boolean => match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" => Cow::Borrowed("1"),
            "0" | "false" | "no" => Cow::Borrowed("0"),
            _ => return Err(wrong()),
        },
        Kind::Date => Cow::Owned(day(text).ok_or_else(wrong)?.to_string()),
        Kind::DateTime => {
            let at = instant(text).ok_or_else(wrong)?;
            Cow::Owned(at.strftime("%Y-%m-%d %H:%M:%S.000").to_string())
        }
        Kind::Time => {
            let time: Time = text.parse().map_err(|_| wrong())?;
            Cow::Owned(time.strftime("%H:%M:%S").to_string())
        }
        Kind::Email | Kind::Phone if switches.bad_contact == BadContact::Stored => {
            Cow::Borrowed(text)
        }
        Kind::Email => {
            let (name, domain) = text.split_once('@').ok_or_else(wrong)?;
            if name.is_empty() || domain.is_empty() || text.contains(char::is_whitespace) {
                return Err(wrong());
            }
            Cow::Borrowed(text)
        }
        Kind::Phone => {
            let fits = |letter: char| letter.is_ascii_digit() || "+-() ".contains(letter);
            if !text.chars().all(fits) || !text.contains(|letter: char| letter.is_ascii_digit()) {
                return Err(wrong());
            }
            Cow::Borrowed(text)
        }
        Kind::ActiveUsers
            if switches.unknown_owner_refused.is_on() && setup.user(text).is_none() =>
        {
            return Err(wrong());
        }
        _ => Cow::Borrowed(text),
    };
    listed(field, &stored, switches)?;
    shortened(field, stored, switches)
}

fn listed(field: &Field, text: &str, switches: &Switches) -> Result<(), Refusal> {
    if switches.unknown_option == UnknownOption::Stored || field.options.is_empty() {
        return Ok(());
    }
    let known = |option: &str| field.options.iter().any(|have| have == option);
    let fits = match field.kind {
        Kind::MultiSelect => text.split(';').all(known),
        _ => known(text),
    };
    if fits { Ok(()) } else { Err(Refusal::option(&field.schema_name, text)) }
}

fn shortened<'a>(
    field: &Field,
    text: Cow<'a, str>,
    switches: &Switches,
) -> Result<Cow<'a, str>, Refusal> {
    let Some(limit) = field.max_length else { return Ok(text) };
    let Some((end, _)) = text.char_indices().nth(limit) else { return Ok(text) };
    match switches.too_long {
        TooLong::Refused => Err(Refusal::too_long(&field.schema_name, limit)),
        TooLong::Cut => Ok(Cow::Owned(text[..end].to_owned())),
    }
}

/// The date of `YYYY-MM-DD`, with or without a time after it.
fn day(text: &str) -> Option<Date> {
    instant(text).map(DateTime::date)
}

/// The UTC date and time of `YYYY-MM-DD[ HH:MM:SS[.fff]]`. Time zones are rejected: the API
/// accepts UTC only.
pub(crate) fn instant(text: &str) -> Option<DateTime> {
    let shaped = text.len() == 10 || text.as_bytes().get(10) == Some(&b' ');
    if !shaped || text.ends_with(['Z', 'z']) || text.get(10..)?.contains(['+', '-', '[']) {
        return None;
    }
    text.parse().ok()
}

/// The form in which values of a unique field are compared: emails and other text ignoring case,
/// phone numbers as the switch says.
pub(crate) fn unique_key(field: &Field, text: &str, switches: &Switches) -> Box<str> {
    match (field.kind, switches.phone_match) {
        (Kind::Phone, PhoneMatch::Exact) => text.into(),
        (Kind::Phone, PhoneMatch::Digits) => text.chars().filter(char::is_ascii_digit).collect(),
        _ => text.to_lowercase().into_boxed_str(),
    }
}

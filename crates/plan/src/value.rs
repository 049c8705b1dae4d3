//! Converting a value for the destination's field, and comparing two values of a field.

use jiff::tz::TimeZone;
use serde_json::Value;

use crate::json;
use crate::metadata::{Field, Kind};
use crate::moment;
use crate::phone::{self, Country};
use crate::problem::{Code, Problem, shortened};

/// What the settings say about reading values.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The zone of the source's date-times.
    pub zone: TimeZone,
    /// The country of phone numbers that name none.
    pub country: Option<Country>,
}

impl Default for Reading {
    fn default() -> Self {
        Self { zone: TimeZone::UTC, country: None }
    }
}

/// A value in the form in which the destination takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converted {
    /// The value.
    pub text: String,
    /// What a person should know about it.
    pub remark: Option<&'static str>,
}

const NOT_A_PHONE: &str = "it can't be a phone number, so it was passed on as it is";

/// The longest value that is sent to a field, in bytes: no field of LeadSquared holds as much.
/// Without it, a mapping of many rows could make gigabytes of one long text.
pub const LONGEST_VALUE: usize = 64 * 1024;

/// Between the options of a multi-select field. A guess: LeadSquared's pages name none, and its
/// data commonly has this one.
pub const OPTION_SEPARATOR: char = ';';

/// Brings a filled value of the source, whose field is of kind `from` there, into the form that
/// the destination's field takes.
///
/// # Errors
/// Why the field can't hold the value, and what to do.
pub fn convert(
    text: &str,
    from: Kind,
    field: &Field,
    reading: &Reading,
) -> Result<Converted, Problem> {
    let trimmed = text.trim();
    let plain = |text: String| Ok(Converted { text, remark: None });
    match field.kind {
        Kind::Text => fitting(text, field),
        Kind::Email => fitting(trimmed, field),
        Kind::Phone => Ok(match phone::normalise(trimmed, reading.country) {
            Some(text) => Converted { text, remark: None },
            None => Converted { text: trimmed.to_owned(), remark: Some(NOT_A_PHONE) },
        }),
        Kind::Number => match decimal(trimmed) {
            Some(_) => plain(trimmed.to_owned()),
            None => Err(mismatch(text, field)),
        },
        Kind::Boolean => match truth(trimmed) {
            Some(yes) => plain(if yes { "1" } else { "0" }.to_owned()),
            None => Err(mismatch(text, field)),
        },
        Kind::Date => match day(trimmed, reading) {
            Some(text) => plain(text),
            None => Err(mismatch(text, field)),
        },
        Kind::DateTime => match moment::instant(trimmed, &zone_of(from, reading)) {
            Some(at) => plain(moment::to_wire(at)),
            None => Err(mismatch(text, field)),
        },
        Kind::Time => match moment::clock(trimmed) {
            Some(time) => plain(time.strftime("%H:%M:%S").to_string()),
            None => Err(mismatch(text, field)),
        },
        Kind::Select => option(trimmed, field).and_then(plain),
        Kind::MultiSelect => {
            let options: Vec<String> = trimmed
                .split(OPTION_SEPARATOR)
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(|part| option(part, field))
                .collect::<Result<_, _>>()?;
            plain(options.join(";"))
        }
        // Users are matched by the mapping, which knows both accounts'.
        Kind::User => plain(trimmed.to_owned()),
        Kind::FieldSet => match json::object(trimmed) {
            Some(_) => plain(trimmed.to_owned()),
            None => Err(mismatch(text, field)),
        },
    }
}

/// A date has no zone. One that was a date-time in the source is the day it was there.
fn day(text: &str, reading: &Reading) -> Option<String> {
    let day = match moment::civil(text) {
        Some(civil) => civil.date(),
        None => reading.zone.to_datetime(text.parse().ok()?).date(),
    };
    Some(day.strftime("%Y-%m-%d").to_string())
}

/// A day that becomes a date-time is midnight UTC, whatever zone it was written in: moving it
/// would move it to the day before, further with each round.
fn zone_of(from: Kind, reading: &Reading) -> TimeZone {
    if from == Kind::Date { TimeZone::UTC } else { reading.zone.clone() }
}

/// That a value is longer than [`LONGEST_VALUE`].
pub(crate) fn too_long(length: usize, to: &str) -> Problem {
    Problem::new(
        Code::TooLong,
        format!(
            "The value for {to} is too long: it has {length} bytes, and at most {LONGEST_VALUE} \
             are sent to a field."
        ),
        "Shorten the value in the source, or switch this row of the mapping off.",
    )
    .about(to)
}

fn fitting(text: &str, field: &Field) -> Result<Converted, Problem> {
    if let Some(most) = field.max_length {
        let length = text.chars().count();
        if length > most as usize {
            return Err(Problem::new(
                Code::TooLong,
                format!(
                    "{} can't hold the value: it has {length} characters, and {most} fit.",
                    named(field)
                ),
                "Shorten the value in the source, map it to a longer field, or lengthen the field \
                 in the destination account.",
            )
            .about(&field.schema_name));
        }
    }
    Ok(Converted { text: text.to_owned(), remark: None })
}

/// The option as the destination writes it.
fn option(text: &str, field: &Field) -> Result<String, Problem> {
    if field.options.is_empty() {
        return Ok(text.to_owned());
    }
    let same = |option: &&String| option.trim() == text;
    let lower = text.to_lowercase();
    let alike = |option: &&String| option.trim().to_lowercase() == lower;
    match field.options.iter().find(same).or_else(|| field.options.iter().find(alike)) {
        Some(option) => Ok(option.clone()),
        None => Err(Problem::new(
            Code::MissingOption,
            format!("{} has no option '{}'.", named(field), shortened(text)),
            "Add the option in the destination account, or translate the value in the mapping.",
        )
        .about(&field.schema_name)),
    }
}

fn mismatch(text: &str, field: &Field) -> Problem {
    Problem::new(
        Code::TypeMismatch,
        format!(
            "{} takes {}, and '{}' is none.",
            named(field),
            field.kind.words(),
            shortened(text)
        ),
        "Correct the value in the source, or map another field.",
    )
    .about(&field.schema_name)
}

fn named(field: &Field) -> String {
    if field.display_name.is_empty() || field.display_name == field.schema_name {
        format!("The destination's field {}", field.schema_name)
    } else {
        format!("The destination's field {} ({})", field.schema_name, field.display_name)
    }
}

/// Whether a field that holds `held` needs no write to hold `wanted`: of a custom field set only
/// the parts that are wanted count.
pub fn holds(kind: Kind, wanted: &str, held: &str, reading: &Reading) -> bool {
    if kind == Kind::FieldSet
        && let Some((wanted, held)) = parts(wanted).zip(parts(held))
    {
        let of = |name: &str| held.iter().find(|(other, _)| other == name).map_or("", |(_, v)| v);
        return wanted.iter().all(|(name, value)| value.trim() == of(name).trim());
    }
    same(kind, wanted, held, reading)
}

/// Whether two values of a field are the same to the accounts, however they are written. Blank
/// and absent-with-`""` are one.
pub fn same(kind: Kind, one: &str, other: &str, reading: &Reading) -> bool {
    let (one, other) = (one.trim(), other.trim());
    if one == other {
        return true;
    }
    if one.is_empty() || other.is_empty() {
        return false;
    }
    match kind {
        Kind::Text | Kind::Select => false,
        Kind::Email | Kind::User => one.to_lowercase() == other.to_lowercase(),
        Kind::Phone => phone::same(one, other, reading.country),
        Kind::Number => both(decimal(one), decimal(other)),
        Kind::Boolean => both(truth(one), truth(other)),
        Kind::Date => both(
            moment::civil(one).map(jiff::civil::DateTime::date),
            moment::civil(other).map(jiff::civil::DateTime::date),
        ),
        Kind::DateTime => both(
            moment::instant(one, &TimeZone::UTC).map(jiff::Timestamp::as_second),
            moment::instant(other, &TimeZone::UTC).map(jiff::Timestamp::as_second),
        ),
        Kind::Time => both(moment::clock(one), moment::clock(other)),
        Kind::MultiSelect => choices(one) == choices(other),
        Kind::FieldSet => both(filled_parts(one), filled_parts(other)),
    }
}

fn both<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one == other)
}

fn choices(text: &str) -> Vec<&str> {
    let mut choices: Vec<&str> =
        text.split(OPTION_SEPARATOR).map(str::trim).filter(|choice| !choice.is_empty()).collect();
    choices.sort_unstable();
    choices
}

fn parts(text: &str) -> Option<Vec<(String, String)>> {
    let map = json::object(text)?;
    let text = |value| match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    };
    Some(map.into_iter().map(|(name, value)| (name, text(value))).collect())
}

/// A custom field set without its empty parts; `None` if none is left.
pub(crate) fn without_blank_parts(text: &str) -> Option<String> {
    let mut map = json::object(text)?;
    map.retain(|_, value| match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        _ => true,
    });
    (!map.is_empty()).then(|| Value::Object(map).to_string())
}

fn filled_parts(text: &str) -> Option<Vec<(String, String)>> {
    let mut filled: Vec<_> =
        parts(text)?.into_iter().filter(|(_, value)| !value.trim().is_empty()).collect();
    filled.sort_unstable();
    Some(filled)
}

/// A decimal number as sign, whole part and fraction, without zeros that mean nothing: exact
/// where a float would not be.
fn decimal(text: &str) -> Option<(bool, &str, &str)> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    Some((negative && !(whole.is_empty() && fraction.is_empty()), whole, fraction))
}

pub(crate) fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "y" | "on" => Some(true),
        "0" | "false" | "no" | "n" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn field(kind: Kind) -> Field {
        Field { display_name: "F".into(), ..Field::plain("mx_F", kind) }
    }

    fn india() -> Reading {
        Reading { zone: TimeZone::get("Asia/Kolkata").unwrap(), country: Country::parse("IN") }
    }

    fn check(kind: Kind, text: &str, expected: &str) {
        match convert(text, kind, &field(kind), &india()) {
            Ok(converted) => assert_eq!(converted.text, expected, "{kind:?} {text}"),
            Err(problem) => assert_eq!(problem.code.as_str(), expected, "{kind:?} {text}"),
        }
    }

    #[test]
    fn values_take_the_form_of_the_destination() {
        check(Kind::Text, " as it is ", " as it is ");
        check(Kind::Email, " Asha@Example.com ", "Asha@Example.com");
        check(Kind::Phone, "9123456789", "+91-9123456789");
        check(Kind::Phone, "extension 12", "extension 12");
        check(Kind::Number, " 42.50 ", "42.50");
        check(Kind::Number, "-0.5", "-0.5");
        check(Kind::Number, "forty", "type_mismatch");
        check(Kind::Number, "1e5", "type_mismatch");
        check(Kind::Boolean, "True", "1");
        check(Kind::Boolean, "no", "0");
        check(Kind::Boolean, "42", "type_mismatch");
        check(Kind::Date, "2026-03-01 00:00:00.000", "2026-03-01");
        check(Kind::Date, "3/1/2026", "2026-03-01");
        check(Kind::Date, "soon", "type_mismatch");
        check(Kind::DateTime, "2026-03-01 10:30:00.000", "2026-03-01 05:00:00");
        check(Kind::Time, "5:30 PM", "17:30:00");
        check(Kind::Time, "noon", "type_mismatch");
        check(Kind::FieldSet, r#"{"Status":"Done"}"#, r#"{"Status":"Done"}"#);
        check(Kind::FieldSet, "Done", "type_mismatch");
    }

    #[test]
    fn a_date_does_not_move_when_it_becomes_a_date_time() {
        let to = field(Kind::DateTime);
        let moved = convert("2026-03-01", Kind::Date, &to, &india()).unwrap();
        assert_eq!(moved.text, "2026-03-01 00:00:00");
    }

    #[test]
    fn options_are_written_as_the_destination_writes_them() {
        let mut plan = field(Kind::Select);
        plan.options = vec!["Basic".into(), "Plus".into()];
        let reading = Reading::default();
        assert_eq!(convert("basic", Kind::Select, &plan, &reading).unwrap().text, "Basic");
        let problem = convert("Gold", Kind::Select, &plan, &reading).unwrap_err();
        assert_eq!(problem.code, Code::MissingOption);
        assert!(problem.message.contains("'Gold'"), "{}", problem.message);
        plan.kind = Kind::MultiSelect;
        assert_eq!(
            convert("plus; Basic;", Kind::MultiSelect, &plan, &reading).unwrap().text,
            "Plus;Basic"
        );
        assert!(convert("Plus;Gold", Kind::MultiSelect, &plan, &reading).is_err());
    }

    #[test]
    fn a_text_that_is_too_long_is_said_to_be() {
        let mut text = field(Kind::Text);
        text.max_length = Some(3);
        assert!(convert("äöü", Kind::Text, &text, &Reading::default()).is_ok());
        let problem = convert("äöüß", Kind::Text, &text, &Reading::default()).unwrap_err();
        assert_eq!((problem.code.as_str(), problem.field.as_deref()), ("too_long", Some("mx_F")));
        assert!(problem.message.contains("4 characters, and 3 fit"), "{}", problem.message);
    }

    #[test]
    fn values_compare_by_what_they_mean() {
        for (kind, one, other, expected) in [
            (Kind::Text, "a", "a ", true),
            (Kind::Text, "a", "A", false),
            (Kind::Text, "", "a", false),
            (Kind::Email, "A@x.y", "a@X.y", true),
            (Kind::Phone, "9123456789", "+91-9123456789", true),
            (Kind::Phone, "9123456789", "9123456780", false),
            (Kind::Number, "42", "42.000000", true),
            (Kind::Number, "-0", "0", true),
            (Kind::Number, "0.30000000000000001", "0.3", false),
            (Kind::Boolean, "1", "true", true),
            (Kind::Boolean, "1", "0", false),
            (Kind::Date, "2026-03-01", "2026-03-01 00:00:00.000", true),
            (Kind::DateTime, "2026-03-01 05:00:00", "2026-03-01 05:00:00.000", true),
            (Kind::Time, "05:00", "05:00:00", true),
            (Kind::MultiSelect, "a;b", "b; a", true),
            (Kind::FieldSet, r#"{"a":"1","b":null}"#, r#"{"a":"1"}"#, true),
            (Kind::FieldSet, r#"{"a":"1"}"#, r#"{"a":"2"}"#, false),
        ] {
            assert_eq!(same(kind, one, other, &india()), expected, "{kind:?} {one} {other}");
        }
    }

    const KINDS: [Kind; 12] = [
        Kind::Text,
        Kind::Email,
        Kind::Phone,
        Kind::Number,
        Kind::Date,
        Kind::DateTime,
        Kind::Time,
        Kind::Boolean,
        Kind::Select,
        Kind::MultiSelect,
        Kind::User,
        Kind::FieldSet,
    ];

    proptest! {
        /// What was converted once is taken as it is the second time: a value that goes round
        /// between two accounts comes to rest.
        #[test]
        fn conversion_comes_to_rest(kind in prop::sample::select(&KINDS), text in "\\PC{0,24}|[0-9:/. -]{1,20}|[0-9]{10}") {
            let utc = Reading { zone: TimeZone::UTC, ..india() };
            if let Ok(once) = convert(&text, kind, &field(kind), &utc) {
                let twice = convert(&once.text, kind, &field(kind), &utc).expect("it was taken once");
                prop_assert_eq!(&twice.text, &once.text);
                prop_assert!(same(kind, &once.text, &text, &utc) || kind == Kind::Time || kind == Kind::Date || kind == Kind::DateTime
                    || kind == Kind::Boolean || kind == Kind::MultiSelect, "{:?} changed its meaning", kind);
            }
        }

        #[test]
        fn sameness_goes_both_ways(kind in prop::sample::select(&KINDS), one in "[ 0-9a;:.+-]{0,12}", other in "[ 0-9a;:.+-]{0,12}") {
            prop_assert!(same(kind, &one, &one, &india()));
            prop_assert_eq!(same(kind, &one, &other, &india()), same(kind, &other, &one, &india()));
        }

        #[test]
        fn a_moment_survives_the_way_through_a_zone(seconds in 0i64..4_000_000_000) {
            let at = jiff::Timestamp::from_second(seconds).unwrap();
            let reading = india();
            let local = reading.zone.to_datetime(at).strftime("%Y-%m-%d %H:%M:%S.000").to_string();
            let sent = convert(&local, Kind::DateTime, &field(Kind::DateTime), &reading).unwrap();
            prop_assert_eq!(sent.text, moment::to_wire(at));
        }
    }
}

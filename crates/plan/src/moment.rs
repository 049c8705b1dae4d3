//! Dates and times as accounts and people write them (`docs/values.md#dates`).

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use serde::{Deserialize, Serialize};

use crate::phone::Country;
use crate::text;

/// The order of day and month in `03/04/2026`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    /// The third of April.
    DayFirst,
    /// The fourth of March.
    MonthFirst,
}

impl DateOrder {
    /// The order in a country; `None` where more than one is in use.
    pub fn of(country: Country) -> Option<Self> {
        match country.code().as_str() {
            "US" | "AS" | "FM" | "GU" | "MH" | "MP" | "PH" | "PR" | "PW" | "VI" => {
                Some(Self::MonthFirst)
            }
            "CA" | "CN" | "HU" | "JP" | "KP" | "KR" | "LT" | "MN" | "TW" => None,
            _ => Some(Self::DayFirst),
        }
    }
}

/// Why a text can't be read as a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// It isn't a date.
    NotADate,
    /// It is ambiguous: a different day in each order.
    Ambiguous,
    /// Its year has two digits.
    ShortYear,
}

/// A date as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// The day and the time; midnight if no time is written.
    pub local: DateTime,
    /// The offset from UTC, if written.
    pub offset: Option<Offset>,
    /// Whether day and month are in the opposite of the given order, because they can't be in that.
    pub is_swapped: bool,
}

/// A date and a time, independent of zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// This instant.
    At(Timestamp),
    /// One of the dates that programs use for *never* or *unknown*, as written. It is not converted
    /// between zones: that would make it another day, or one out of range.
    Never(DateTime),
}

/// The days that programs use for *never* or *unknown*: the first and last of .NET and SQL, the
/// first of old databases, and spreadsheets' days zero and one.
const NEVER: [(i16, i8, i8); 5] =
    [(1, 1, 1), (1753, 1, 1), (1899, 12, 30), (1900, 1, 1), (9999, 12, 31)];

/// The years that are written with four digits.
const YEARS: std::ops::RangeInclusive<i16> = 1..=9999;

impl Written {
    fn civil(local: DateTime) -> Self {
        Self { local, offset: None, is_swapped: false }
    }

    /// The moment, read in `zone` unless it has its own offset.
    ///
    /// A local time that a clock change skipped is moved past the gap, and of one that happened
    /// twice the first is taken (as in RFC 5545). `None` beyond the calendar's range.
    pub fn moment(&self, zone: &TimeZone) -> Option<Moment> {
        let date = self.local.date();
        if NEVER.contains(&(date.year(), date.month(), date.day())) {
            return Some(Moment::Never(self.local));
        }
        let at = match self.offset {
            Some(offset) => offset.to_timestamp(self.local),
            None => zone.to_timestamp(self.local),
        };
        let at = at.ok().filter(|at| YEARS.contains(&utc(*at).year()))?;
        Some(Moment::At(at))
    }

    /// Its day in `zone`.
    pub fn day(&self, zone: &TimeZone) -> Option<Date> {
        match self.moment(zone)? {
            Moment::At(at) if self.offset.is_some() => Some(zone.to_datetime(at).date()),
            _ => Some(self.local.date()),
        }
        .filter(|date| YEARS.contains(&date.year()))
    }
}

/// Reads a date, with or without a time.
///
/// It reads `2026-03-01`, `2026-03-01 10:30:00`, the same with a fraction, a `T` or an offset
/// (AD/get-a-lead-by-email-id and others), and `7/31/2026 5:33:50 AM`, month first in every
/// account, as activities' fields have it (live); `/Date(1457006650000+0000)/`
/// (AD/get-lead-field-properties); and what people write: `3 Apr 2026`, and `03/04/2026` in the
/// given order. A date that makes sense only in the other order is read in that.
///
/// # Errors
/// Why it can't be read.
pub fn read(text: &str, order: Option<DateOrder>) -> Result<Written, Unread> {
    let text = text::visible(text);
    let text = text.as_ref();
    if let Some(written) = ticks(text) {
        return Ok(written);
    }
    let (date, time) = parts(text);
    let Some(time) = time else {
        let (date, is_swapped) = day(date, order, None)?;
        return Ok(Written { is_swapped, ..Written::civil(date.into()) });
    };
    let split = with_offset(time);
    let parsed = day(date, order, split.map(|(clock, _)| clock));
    let read = split.and_then(|(clock, offset)| Some((hours(clock)?, offset)));
    let Some(((time, is_next_day), offset)) = read else {
        // RFC 9557 also allows: `2026-07-01T10:30:00+05:30[Asia/Kolkata]`.
        let at: Timestamp = text.parse().map_err(|_| Unread::NotADate)?;
        return Ok(Written { offset: Some(Offset::UTC), ..Written::civil(utc(at)) });
    };
    let (date, is_swapped) = parsed?;
    let date = if is_next_day { date.tomorrow().map_err(|_| Unread::NotADate)? } else { date };
    let local = DateTime::from_parts(date, time);
    Ok(Written { local, offset, is_swapped })
}

/// The instant of a time written by an account itself: `ModifiedOn` and the like.
pub fn instant(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    match read(text, None).ok()?.moment(zone)? {
        Moment::At(at) => Some(at),
        Moment::Never(local) => TimeZone::UTC.to_timestamp(local).ok(),
    }
}

/// An instant in the API's format: `2016-09-05 02:00:00`, UTC (most pages). Fractions are
/// truncated.
pub fn to_wire(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

impl Moment {
    /// In the API's format, like [`to_wire`].
    pub fn to_wire(self) -> String {
        match self {
            Self::At(at) => to_wire(at),
            Self::Never(local) => local.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        }
    }
}

/// A time of day: `10:30`, `10:30:00`, or `10:30 PM`; and whether it is the end of the day, `24:00`.
pub fn clock(text: &str) -> Option<(Time, bool)> {
    hours(&text::visible(text))
}

fn utc(at: Timestamp) -> DateTime {
    TimeZone::UTC.to_datetime(at)
}

/// A date as .NET writes it in JSON: milliseconds since 1970. The offset does not affect the instant.
fn ticks(text: &str) -> Option<Written> {
    let inner = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    let end = inner.get(1..)?.find(['+', '-']).map_or(inner.len(), |at| at + 1);
    let at = Timestamp::from_millisecond(inner[..end].parse().ok()?).ok()?;
    Some(Written { offset: Some(Offset::UTC), ..Written::civil(utc(at)) })
}

/// The date and the time in a text.
fn parts(text: &str) -> (&str, Option<&str>) {
    let before_hour = |colon: usize| {
        let head = text[..colon].trim_end_matches(|c: char| c.is_ascii_digit());
        let date = head.trim_end_matches([' ', 'T', 't', ',']);
        (date.len() < head.len()).then(|| (date, Some(&text[head.len()..])))
    };
    match text.find(':') {
        Some(colon) => before_hour(colon).unwrap_or((text, None)),
        // A time may have dots between its parts.
        None => match text.split_once(' ') {
            Some((date, time)) if is_iso(date) && time.contains('.') => (date, Some(time.trim())),
            _ => (text, None),
        },
    }
}

fn is_iso(date: &str) -> bool {
    date.len() == 10 && date.as_bytes().get(4) == Some(&b'-')
}

/// A time of day, and the offset from UTC after it; `None` if it can't be read.
fn with_offset(time: &str) -> Option<(&str, Option<Offset>)> {
    for zero in ["Z", "z", "UTC", "GMT"] {
        if let Some(clock) = time.strip_suffix(zero) {
            return Some((clock.trim_end(), Some(Offset::UTC)));
        }
    }
    let Some(at) = time.find(['+', '-']) else { return Some((time, None)) };
    let (clock, offset) = time.split_at(at);
    Some((clock.trim_end(), Some(offset_of(offset)?)))
}

fn offset_of(text: &str) -> Option<Offset> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits = text.get(1..)?;
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() == 4 => digits.split_at(2),
        None => (digits, "00"),
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    if minutes > 59 {
        return None;
    }
    Offset::from_seconds(sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60)).ok()
}

fn hours(text: &str) -> Option<(Time, bool)> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_alphabetic() || c == '.').trim_end();
    let half = text[digits.len()..].trim().replace('.', "");
    let mut parts = digits.split([':', '.']);
    let hour: i8 = number(parts.next()?)?;
    let two = |part: &str| (part.len() == 2).then(|| number(part)).flatten();
    let minute: i8 = two(parts.next()?)?;
    let second: i8 = parts.next().map_or(Some(0), two)?;
    let fraction = parts.next().unwrap_or("0");
    if !fraction.bytes().all(|digit| digit.is_ascii_digit()) || parts.next().is_some() {
        return None;
    }
    let is_half = (1..=12).contains(&hour);
    let hour = match half.to_ascii_lowercase().as_str() {
        "" if (hour, minute, second) == (24, 0, 0) => return Some((Time::midnight(), true)),
        "" => hour,
        "am" if is_half => hour % 12,
        "pm" if is_half => hour % 12 + 12,
        _ => return None,
    };
    Some((Time::new(hour, minute, second, 0).ok()?, false))
}

fn number(text: &str) -> Option<i8> {
    ((1..=2).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit()))
        .then(|| text.parse().ok())?
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// The position of a name, or of a prefix of one, in a list.
fn named(word: &str, names: &[&str]) -> Option<i8> {
    let word = word.to_ascii_lowercase();
    let is_it = |name: &str| {
        word.len() >= 3 && name.starts_with(&word) || word == "sept" && name == "september"
    };
    let at = names.iter().position(|name| is_it(name))?;
    i8::try_from(at + 1).ok()
}

/// The day of a date, and whether it is in the opposite of the given order.
fn day(text: &str, order: Option<DateOrder>, clock: Option<&str>) -> Result<(Date, bool), Unread> {
    const MARKS: [char; 5] = ['-', '/', '.', ' ', ','];
    let words: Vec<&str> = text.split(MARKS).filter(|word| !word.is_empty()).collect();
    let words = match words.as_slice() {
        [first, rest @ ..] if rest.len() == 3 && named(first, &DAYS).is_some() => rest,
        all => all,
    };
    let [first, second, third] = *words else { return Err(Unread::NotADate) };
    let date = |year: &str, month: i8, day: i8| {
        let year: i16 = year.parse().map_err(|_| Unread::NotADate)?;
        Date::new(year, month, day).map_err(|_| Unread::NotADate)
    };
    let is_year = |word: &str| word.len() == 4 && word.bytes().all(|digit| digit.is_ascii_digit());
    let ordinal = |word: &str| {
        let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let is_day = matches!(&word[digits.len()..], "" | "st" | "nd" | "rd" | "th");
        if is_day { number(digits) } else { None }
    };
    let by_name = [(first, second, third), (second, first, third), (second, third, first)];
    for (name, day_of, year) in by_name {
        if let (Some(month), Some(day)) = (named(name, &MONTHS), ordinal(day_of)) {
            return match number(year) {
                _ if is_year(year) => Ok((date(year, month, day)?, false)),
                Some(_) => Err(Unread::ShortYear),
                None => Err(Unread::NotADate),
            };
        }
    }
    // The same separator throughout, and nothing around it.
    let mark = text.chars().find(|c| MARKS[..3].contains(c)).ok_or(Unread::NotADate)?;
    if text.split(mark).count() != 3 || text.contains([' ', ',']) {
        return Err(Unread::NotADate);
    }
    let two = |word| number(word).ok_or(Unread::NotADate);
    if is_year(first) {
        return Ok((date(first, two(second)?, two(third)?)?, false));
    }
    let (one, other) = (two(first)?, two(second)?);
    if !is_year(third) {
        return Err(if number(third).is_some() { Unread::ShortYear } else { Unread::NotADate });
    }
    let is_own = mark == '/' && clock.is_some_and(|clock| is_of_account(first, second, clock));
    let order = if is_own { Some(DateOrder::MonthFirst) } else { order };
    let means = match (one > 12, other > 12) {
        (true, true) => return Err(Unread::NotADate),
        (true, false) => DateOrder::DayFirst,
        (false, true) => DateOrder::MonthFirst,
        (false, false) if one == other => return Ok((date(third, one, one)?, false)),
        (false, false) => order.ok_or(Unread::Ambiguous)?,
    };
    let (day, month) = match means {
        DateOrder::DayFirst => (one, other),
        DateOrder::MonthFirst => (other, one),
    };
    Ok((date(third, month, day)?, order.is_some_and(|order| order != means)))
}

/// Whether it has the form `7/31/2026 5:33:50 AM`, in which accounts write the times of activities:
/// no leading zeros, with seconds and AM or PM.
fn is_of_account(month: &str, day: &str, clock: &str) -> bool {
    let is_bare = |word: &str| !word.starts_with('0');
    let has_half = clock.ends_with(" AM") || clock.ends_with(" PM");
    is_bare(month) && is_bare(day) && is_bare(clock) && has_half && clock.matches(':').count() == 2
}

#[cfg(test)]
mod tests;

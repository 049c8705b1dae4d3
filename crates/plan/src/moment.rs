//! Dates and times as accounts write them.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

/// A date, with or without a time, without a zone.
///
/// Read are `2026-03-01`, `2026-03-01 10:30:00`, the same with a fraction or a `T`
/// (AD/get-a-lead-by-email-id and others), and `7/31/2026 5:33:50 AM`, US order, as activities'
/// fields have it (live). A text that names its own offset (`…Z`, `…+05:30`) is no civil time:
/// see [`instant`].
pub fn civil(text: &str) -> Option<DateTime> {
    let text = text.trim();
    if text.contains('/') {
        return american(text);
    }
    let (date, time) = match text.find([' ', 'T', 't']) {
        Some(at) => (text.get(..at)?, Some(text.get(at + 1..)?.trim())),
        None => (text, None),
    };
    let date: Date = if date.len() == 10 { date.parse().ok()? } else { return None };
    let time = time.map_or(Some(Time::midnight()), clock)?;
    Some(DateTime::from_parts(date, time))
}

/// A time of day: `10:30`, `10:30:00`, or `10:30 PM`.
pub fn clock(text: &str) -> Option<Time> {
    let text = text.trim();
    let (digits, half) = match text.split_once(' ') {
        Some((digits, half)) => (digits, Some(half.trim())),
        None => (text, None),
    };
    let mut parts = digits.split([':', '.']);
    let hour: i8 = number(parts.next()?)?;
    let minute: i8 = number(parts.next()?)?;
    let second: i8 = parts.next().map_or(Some(0), number)?;
    let fraction = parts.next().unwrap_or("0");
    if !fraction.bytes().all(|digit| digit.is_ascii_digit()) || parts.next().is_some() {
        return None;
    }
    let hour = match half {
        None => hour,
        Some(half) if (1..=12).contains(&hour) && half.eq_ignore_ascii_case("am") => hour % 12,
        Some(half) if (1..=12).contains(&hour) && half.eq_ignore_ascii_case("pm") => hour % 12 + 12,
        Some(_) => return None,
    };
    Time::new(hour, minute, second, 0).ok()
}

fn number(text: &str) -> Option<i8> {
    ((1..=2).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit()))
        .then(|| text.parse().ok())?
}

fn american(text: &str) -> Option<DateTime> {
    let (date, time) = match text.split_once(' ') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.split('/');
    let (month, day) = (number(parts.next()?)?, number(parts.next()?)?);
    let year = parts.next().filter(|year| year.len() == 4)?.parse().ok()?;
    if parts.next().is_some() {
        return None;
    }
    let time = time.map_or(Some(Time::midnight()), clock)?;
    Some(DateTime::from_parts(Date::new(year, month, day).ok()?, time))
}

/// The instant that a date-time means which was written in `zone`; one that names its own offset
/// is taken at its word.
///
/// A local time that a clock change skipped is moved behind the gap, one that happened twice is
/// the first of the two (RFC 5545 reads them so too).
pub fn instant(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    match civil(text) {
        Some(local) => zone.to_timestamp(local).ok(),
        None => text.trim().parse().ok(),
    }
}

/// An instant as the API takes it: `2016-09-05 02:00:00`, UTC (most pages). Fractions are cut.
pub fn to_wire(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_that_accounts_write_is_read() {
        for (text, expected) in [
            ("2026-03-01", "2026-03-01T00:00:00"),
            ("2015-07-31 06:35:37.000", "2015-07-31T06:35:37"),
            ("2018-12-12 10:36:00", "2018-12-12T10:36:00"),
            ("2018-12-12T10:36:00", "2018-12-12T10:36:00"),
            ("7/31/2026 5:33:50 AM", "2026-07-31T05:33:50"),
            ("12/1/2026 12:00:01 PM", "2026-12-01T12:00:01"),
            (" 2026-03-01 10:30 ", "2026-03-01T10:30:00"),
        ] {
            assert_eq!(civil(text).expect(text).to_string(), expected, "{text}");
        }
        for text in
            ["", "soon", "2026-02-30", "31/12/2026", "2026-03-01 25:00:00", "12:30", "é/é/é"]
        {
            assert_eq!(civil(text), None, "{text}");
        }
    }

    #[test]
    fn a_local_time_becomes_utc() {
        let kolkata = TimeZone::get("Asia/Kolkata").unwrap();
        let new_york = TimeZone::get("America/New_York").unwrap();
        for (text, zone, expected) in [
            ("2026-03-01 10:30:00", &kolkata, "2026-03-01 05:00:00"),
            ("2026-07-01 10:30:00", &new_york, "2026-07-01 14:30:00"),
            ("2026-03-08 02:30:00", &new_york, "2026-03-08 07:30:00"), // skipped
            ("2026-11-01 01:30:00", &new_york, "2026-11-01 05:30:00"), // twice
            ("2026-07-01T10:30:00+05:30", &new_york, "2026-07-01 05:00:00"),
            ("2026-07-01T10:30:00Z", &kolkata, "2026-07-01 10:30:00"),
        ] {
            assert_eq!(to_wire(instant(text, zone).expect(text)), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn reading_never_panics(text in ".{0,30}") {
            let _ = (civil(&text), clock(&text), instant(&text, &TimeZone::UTC));
        }
    }
}

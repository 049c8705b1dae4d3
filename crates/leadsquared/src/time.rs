//! How LeadSquared writes times.

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};

/// A time as requests carry it: `2016-09-05 02:00:00`, UTC, whole seconds, without a zone
/// (documented on most pages). Fractions are dropped.
pub fn to_wire(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Parses a time in any of the forms of responses; `None` for anything else.
///
/// - `2015-07-31 06:35:37.000` in leads, without the fraction in activities (documented,
///   `AD/get-a-lead-by-email-id`, `AD/get-activities-of-a-lead`); UTC also in accounts whose users
///   are in another zone (live).
/// - `/Date(1457006650000+0000)/` in field metadata (documented, `AD/get-lead-field-properties`).
/// - `7/31/2026 5:33:50 AM` inside `ActivityFields`: US order, UTC (live).
pub fn from_wire(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(inner) = text.strip_prefix("/Date(") {
        let inner = inner.strip_suffix(")/")?;
        let end = inner.get(1..)?.find(['+', '-']).map_or(inner.len(), |found| found + 1);
        return Timestamp::from_millisecond(inner.get(..end)?.parse().ok()?).ok();
    }
    let moment =
        if text.contains('/') { american(text)? } else { text.parse::<DateTime>().ok()? };
    TimeZone::UTC.to_timestamp(moment).ok()
}

fn american(text: &str) -> Option<DateTime> {
    let mut words = text.split_ascii_whitespace();
    let (date, clock, half) = (words.next()?, words.next()?, words.next()?);
    let mut date = date.split('/');
    let (month, day, year) = (date.next()?, date.next()?, date.next()?);
    let mut clock = clock.split(':');
    let (hour, minute, second) = (clock.next()?, clock.next()?, clock.next()?);
    let hour = hour.parse::<i8>().ok().filter(|hour| (1..=12).contains(hour))? % 12;
    let hour = match half {
        "AM" => hour,
        "PM" => hour + 12,
        _ => return None,
    };
    let date = Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
    let time = Time::new(hour, minute.parse().ok()?, second.parse().ok()?, 0).ok()?;
    Some(DateTime::from_parts(date, time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_as_utc() {
        for (text, expected) in [
            ("2015-07-31 06:35:37.000", "2015-07-31T06:35:37Z"),
            ("2018-12-12 10:36:00", "2018-12-12T10:36:00Z"),
            ("/Date(1457006650000+0000)/", "2016-03-03T12:04:10Z"),
            ("/Date(1457006650000)/", "2016-03-03T12:04:10Z"),
            ("7/31/2026 5:33:50 AM", "2026-07-31T05:33:50Z"),
            ("12/1/2026 12:00:01 AM", "2026-12-01T00:00:01Z"),
            ("12/1/2026 12:00:01 PM", "2026-12-01T12:00:01Z"),
        ] {
            let instant = from_wire(text).expect(text);
            assert_eq!(instant.to_string(), expected, "{text}");
        }
        for text in ["", "yesterday", "/Date()/", "13/32/2026 5:33:50 AM", "1/1/2026 25:00:00 PM"] {
            assert_eq!(from_wire(text), None, "{text}");
        }
    }

    #[test]
    fn requests_carry_whole_seconds() {
        let instant: Timestamp = "2016-09-05T02:00:00.999Z".parse().expect("a timestamp");
        assert_eq!(to_wire(instant), "2016-09-05 02:00:00");
    }
}

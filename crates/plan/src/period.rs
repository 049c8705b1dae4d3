//! Times as people write them: on the command line and in the API.

use jiff::civil::{Date, Time};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

/// A time as a person writes it: RFC 3339, a day, `today`, `yesterday`, `this-month` or
/// `last-month` (their first moments), or an age like `90s`, `30m`, `2h`, `7d`. Days are UTC.
pub fn parse(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let text = text.trim();
    let today = Offset::UTC.to_datetime(now).date();
    let start = |day: Date| Offset::UTC.to_timestamp(day.to_datetime(Time::midnight()));
    let found = match text {
        "now" => Some(now),
        "today" => start(today).ok(),
        "yesterday" => today.yesterday().and_then(start).ok(),
        "this-month" => start(today.first_of_month()).ok(),
        "last-month" => {
            today.first_of_month().yesterday().and_then(|day| start(day.first_of_month())).ok()
        }
        _ => age(text)
            .and_then(|age| now.checked_sub(age).ok())
            // A time stamp also reads as a day, so it comes first.
            .or_else(|| text.parse().ok())
            .or_else(|| text.parse::<Date>().ok().and_then(|day| start(day).ok())),
    };
    found.ok_or_else(|| {
        format!(
            "'{text}' is not a time: use 2026-11-23, 2026-11-23T09:30:00Z, today, yesterday, \
             this-month, last-month or an age such as 2h or 7d"
        )
    })
}

fn age(text: &str) -> Option<SignedDuration> {
    let unit = text.chars().next_back()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let count: i64 = text.strip_suffix(unit)?.parse().ok().filter(|count| *count >= 0)?;
    count.checked_mul(seconds).map(SignedDuration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let now: Timestamp = "2026-11-23T10:20:30Z".parse().unwrap();
        for (text, expected) in [
            ("now", "2026-11-23T10:20:30Z"),
            ("today", "2026-11-23T00:00:00Z"),
            ("yesterday", "2026-11-22T00:00:00Z"),
            ("this-month", "2026-11-01T00:00:00Z"),
            ("last-month", "2026-10-01T00:00:00Z"),
            ("2h", "2026-11-23T08:20:30Z"),
            ("7d", "2026-11-16T10:20:30Z"),
            ("90s", "2026-11-23T10:19:00Z"),
            ("2026-01-02", "2026-01-02T00:00:00Z"),
            ("2026-01-02T03:04:05+05:30", "2026-01-01T21:34:05Z"),
        ] {
            assert_eq!(parse(text, now), Ok(expected.parse().unwrap()), "{text}");
        }
        for text in ["", "soon", "-2h", "h", "99999999999999999999d", "2026-13-01"] {
            assert!(parse(text, now).is_err(), "{text}");
        }
    }
}

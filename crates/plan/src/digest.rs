//! When an alert address gets a digest (a summary of a day or a week), and of which time.
//!
//! A digest is due at an hour of the clock on the wall, every day or every Monday. If nobody could send it
//! then, it is due as soon as somebody can, and it always begins where the one before ended: so none is
//! missing, and nothing is counted twice.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::connector::Definition;
use crate::outcome::words;

/// The longest time that one digest covers.
const LONGEST: SignedDuration = SignedDuration::from_hours(31 * 24);
/// How many days are searched for the last one: a week, and one around which the clock is changed.
const DAYS: usize = 9;
/// The zone of connectors that name none.
const UTC: &str = "UTC";

words! {
    /// How often a digest is sent.
    Every {
        /// Every day.
        Daily = "daily",
        /// Every Monday.
        Weekly = "weekly",
    }
}

/// The digest that an alert address gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digest {
    /// How often.
    pub every: Every,
    /// The hour of the day, from 0 to 23, in [`zone_of`] its connectors.
    #[serde(default = "usual_hour")]
    pub hour: u8,
}

fn usual_hour() -> u8 {
    Digest::HOUR
}

/// The time that a digest covers. Records are counted in whole hours, so it is one of whole hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
    /// When it was due: the next one is due later.
    pub due: Timestamp,
}

impl Digest {
    /// The hour unless another one is chosen.
    pub const HOUR: u8 = 8;

    /// The fault in it, as the rest of a sentence.
    pub fn fault(self) -> Option<String> {
        (self.hour > 23).then(|| format!("is {}; use a whole hour from 0 to 23", self.hour))
    }

    /// The digest that is due now, if one is: of an address that wants digests since `wanted`, and got
    /// the last one for the time until `sent`.
    pub fn due(
        self,
        zone: &TimeZone,
        (wanted, sent): (Timestamp, Option<Timestamp>),
        now: Timestamp,
    ) -> Option<Period> {
        let slot = self.slot(zone, now)?;
        let before = self.slot(zone, slot.checked_sub(SignedDuration::from_secs(1)).ok()?)?;
        let length = slot.duration_since(before);
        let from = match sent {
            None if slot <= wanted => return None,
            None => before,
            // The clock was set back by more than a digest's time: it would be waited for.
            Some(sent) if sent.duration_since(now) > length => before,
            // After a change of the hour, one is left out rather than sent within a few hours.
            Some(sent) if slot.duration_since(sent) < length / 2 => return None,
            Some(sent) => sent,
        };
        let from = from.max(slot.checked_sub(LONGEST).unwrap_or(from));
        Some(Period { from: whole_hour(from), to: whole_hour(slot), due: slot })
    }

    /// The last time until now when a digest was due.
    fn slot(self, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
        let today = zone.to_datetime(now).date();
        // Around a change of the clock, the hour of today may be over or still to come.
        let days = std::iter::successors(Some(today), |date| date.checked_sub(1.day()).ok());
        days.take(DAYS)
            .filter(|date| self.every == Every::Daily || date.weekday() == Weekday::Monday)
            .filter_map(|date| self.on(date, zone))
            .find(|slot| *slot <= now)
    }

    /// The time of the digest on this day. An hour that is skipped by a change of the clock is the next.
    fn on(self, date: Date, zone: &TimeZone) -> Option<Timestamp> {
        let hour = i8::try_from(self.hour.min(23)).ok()?;
        zone.to_timestamp(date.at(hour, 0, 0, 0)).ok()
    }
}

/// The whole hour that this is in.
fn whole_hour(at: Timestamp) -> Timestamp {
    const HOUR: i64 = 3_600;
    Timestamp::from_second(at.as_second().div_euclid(HOUR) * HOUR).unwrap_or(at)
}

/// The zone of the connectors that a digest is about: that of most of them, and of several the first by
/// name.
pub fn zone_of<'a>(definitions: impl IntoIterator<Item = &'a Definition>) -> (String, TimeZone) {
    let mut zones: Vec<(&str, u32)> = Vec::new();
    for definition in definitions {
        let name = definition.basic.time_zone.as_deref().unwrap_or(UTC);
        match zones.iter_mut().find(|(other, _)| *other == name) {
            Some((_, count)) => *count += 1,
            None => zones.push((name, 1)),
        }
    }
    zones.sort_by(|(one, few), (other, many)| many.cmp(few).then(one.cmp(other)));
    let name = zones.first().map_or(UTC, |(name, _)| name);
    match TimeZone::get(name) {
        Ok(zone) => (name.to_owned(), zone),
        Err(_) => (UTC.to_owned(), TimeZone::UTC),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect(text)
    }

    fn india() -> TimeZone {
        TimeZone::get("Asia/Kolkata").expect("a known zone")
    }

    const DAILY: Digest = Digest { every: Every::Daily, hour: Digest::HOUR };
    const WEEKLY: Digest = Digest { every: Every::Weekly, hour: 8 };

    fn due(digest: Digest, wanted: &str, sent: Option<&str>, now: &str) -> Option<[String; 3]> {
        let known = (at(wanted), sent.map(at));
        let period = digest.due(&india(), known, at(now))?;
        Some([period.from, period.to, period.due].map(|at| at.to_string()))
    }

    /// 08:00 in India is 02:30 UTC.
    #[test]
    fn the_first_is_due_at_the_next_hour_and_covers_the_day_before() {
        let wanted = "2026-11-29T15:00:00Z";
        assert_eq!(due(DAILY, wanted, None, "2026-11-30T02:29:59Z"), None);
        let first = due(DAILY, wanted, None, "2026-11-30T02:30:00Z").expect("it is due");
        assert_eq!(first, ["2026-11-29T02:00:00Z", "2026-11-30T02:00:00Z", "2026-11-30T02:30:00Z"]);
    }

    #[test]
    fn each_begins_where_the_one_before_ended_and_none_is_sent_twice() {
        let (wanted, sent) = ("2026-11-01T00:00:00Z", Some("2026-11-30T02:30:00Z"));
        assert_eq!(due(DAILY, wanted, sent, "2026-11-30T02:30:00Z"), None);
        assert_eq!(due(DAILY, wanted, sent, "2026-12-01T02:29:59Z"), None);
        let next = due(DAILY, wanted, sent, "2026-12-01T02:30:20Z").expect("it is due");
        assert_eq!(next[..2], ["2026-11-30T02:00:00Z", "2026-12-01T02:00:00Z"]);
        // The service was down in the morning, or for days.
        let late = due(DAILY, wanted, sent, "2026-12-01T23:00:00Z").expect("it is due");
        assert_eq!(late, next);
        let days = due(DAILY, wanted, sent, "2026-12-04T12:00:00Z").expect("it is due");
        assert_eq!(days, ["2026-11-30T02:00:00Z", "2026-12-04T02:00:00Z", "2026-12-04T02:30:00Z"]);
        let year = due(DAILY, wanted, sent, "2027-12-04T12:00:00Z").expect("it is due");
        assert_eq!(year[0], "2027-11-03T02:00:00Z", "31 days");
    }

    #[test]
    fn a_weekly_one_is_sent_on_mondays() {
        let (wanted, sent) = ("2026-11-01T00:00:00Z", Some("2026-11-23T02:30:00Z"));
        assert_eq!(due(WEEKLY, wanted, sent, "2026-11-29T23:00:00Z"), None, "not 8 in India");
        let next = due(WEEKLY, wanted, sent, "2026-11-30T02:30:00Z").expect("it is due");
        assert_eq!(next[..2], ["2026-11-23T02:00:00Z", "2026-11-30T02:00:00Z"]);
        let first = due(WEEKLY, "2026-11-25T00:00:00Z", None, "2026-12-02T00:00:00Z");
        assert_eq!(
            first.expect("it is due"),
            due(WEEKLY, wanted, sent, "2026-12-01T00:00:00Z").unwrap()
        );
        assert_eq!(due(WEEKLY, "2026-12-01T00:00:00Z", None, "2026-12-02T00:00:00Z"), None);
    }

    #[test]
    fn another_hour_neither_doubles_nor_loses_time() {
        let later = Digest { hour: 9, ..DAILY };
        let (wanted, sent) = ("2026-11-01T00:00:00Z", Some("2026-11-30T02:30:00Z"));
        assert_eq!(due(later, wanted, sent, "2026-11-30T03:30:00Z"), None);
        let next = due(later, wanted, sent, "2026-12-01T03:30:00Z").expect("it is due");
        assert_eq!(next[..2], ["2026-11-30T02:00:00Z", "2026-12-01T03:00:00Z"]);
    }

    #[test]
    fn a_clock_that_is_set_back_repeats_nothing_and_is_not_waited_for() {
        let wanted = "2026-11-01T00:00:00Z";
        let sent = Some("2026-11-30T02:30:00Z");
        assert_eq!(due(DAILY, wanted, sent, "2026-11-30T02:00:00Z"), None, "half an hour");
        assert_eq!(due(DAILY, wanted, sent, "2026-11-29T03:00:00Z"), None, "a day");
        let year = due(DAILY, "2025-11-01T00:00:00Z", sent, "2025-11-30T03:00:00Z");
        assert_eq!(year.expect("it is due")[2], "2025-11-30T02:30:00Z");
    }

    #[test]
    fn a_change_of_the_clock_moves_it_with_the_wall() {
        let zone = TimeZone::get("Europe/Berlin").expect("a known zone");
        let early = Digest { hour: 2, ..DAILY };
        // 02:00 does not exist on 29 March; it is 03:00 then.
        let period =
            early.due(&zone, (at("2026-03-01T00:00:00Z"), None), at("2026-03-29T01:00:00Z"));
        let period = period.expect("it is due");
        assert_eq!(period.due, at("2026-03-29T01:00:00Z"));
        assert_eq!(period.from, at("2026-03-28T01:00:00Z"));
        let next = early.due(
            &zone,
            (at("2026-03-01T00:00:00Z"), Some(period.due)),
            at("2026-03-30T00:00:00Z"),
        );
        assert_eq!(next.expect("it is due").due, at("2026-03-30T00:00:00Z"), "23 hours later");
    }

    #[test]
    fn every_time_has_an_answer() {
        for now in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
            for sent in [None, Some(Timestamp::MIN), Some(Timestamp::MAX)] {
                let _ = DAILY.due(&india(), (Timestamp::MIN, sent), now);
                let _ = WEEKLY.due(&india(), (Timestamp::MAX, sent), now);
            }
        }
    }

    #[test]
    fn the_zone_is_that_of_most_connectors() {
        let connector = |name: &str, zone: Option<&str>| {
            let mut definition = Definition::new(name, "a", "b");
            definition.basic.time_zone = zone.map(str::to_owned);
            definition
        };
        let all = [
            connector("a", Some("Asia/Kolkata")),
            connector("b", None),
            connector("c", Some("Asia/Dubai")),
            connector("d", Some("Asia/Kolkata")),
        ];
        assert_eq!(zone_of(&all).0, "Asia/Kolkata");
        assert_eq!(zone_of(&all[..3]).0, "Asia/Dubai", "the first by name");
        assert_eq!(zone_of(&[]).0, "UTC");
        assert_eq!(zone_of(&[connector("e", Some("Mars/Base"))]).0, "UTC");
        assert_eq!(
            Digest { hour: 24, ..DAILY }.fault().as_deref(),
            Some("is 24; use a whole hour from 0 to 23")
        );
    }
}

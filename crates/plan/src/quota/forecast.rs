//! Forecasts, at the current rate: when an account's calls for the day are used up, and when a
//! backfill ends.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Quota, SECONDS_A_DAY, day_of, hour_of};

const SECONDS_AN_HOUR: u64 = 3_600;
/// In the first hour with calls, they are assumed to have been made over at least this many
/// seconds.
const SHORTEST: u64 = 900;
/// There is no warning before this percentage of the day's calls is used: the rate of a burst does not
/// last.
const EARLIEST: u64 = 25;
/// A day whose calls are used up this long before midnight is worth a warning,
const EARLY: SignedDuration = SignedDuration::from_hours(1);
/// and one with this percentage used
const MUCH: u64 = 80;
/// while more than this many seconds of it are left.
const LONG: i64 = SECONDS_A_DAY / 5;
/// The maximum time for which the end of a backfill is forecast, in days.
const FURTHEST: usize = 366;

/// The calls made to an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spending {
    /// Today (UTC).
    pub today: u32,
    /// In this hour,
    pub this_hour: u32,
    /// and in the one before.
    pub last_hour: u32,
}

impl Spending {
    /// Picks from the calls by hour ([`hour_of`]) those that determine the rate.
    pub fn new(today: u32, hours: impl IntoIterator<Item = (i64, u32)>, now: Timestamp) -> Self {
        let mut spending = Self { today, ..Self::default() };
        for (hour, calls) in hours {
            match hour_of(now) - hour {
                0 => spending.this_hour += calls,
                1 => spending.last_hour += calls,
                _ => {}
            }
        }
        spending
    }

    /// Recent calls per hour.
    pub fn rate(&self, now: Timestamp) -> u32 {
        let elapsed = now.as_second().rem_euclid(3_600).cast_unsigned();
        let (this, last) = (u64::from(self.this_hour), u64::from(self.last_hour));
        let rate = if last == 0 {
            this * SECONDS_AN_HOUR / elapsed.max(SHORTEST)
        } else {
            this + last * (SECONDS_AN_HOUR - elapsed) / SECONDS_AN_HOUR
        };
        u32::try_from(rate).unwrap_or(u32::MAX)
    }
}

/// The forecast for an account's day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// Calls left today.
    pub left: u32,
    /// When the day ends and its calls are back.
    pub renews_at: Timestamp,
    /// Recent calls per hour.
    pub rate: u32,
    /// When the day's calls are used up at this rate; none if not before it ends.
    pub used_up_at: Option<Timestamp>,
    /// Whether that is worth a warning.
    pub is_early: bool,
}

impl Forecast {
    /// For an account with this quota.
    pub fn new(quota: Quota, spending: Spending, now: Timestamp) -> Self {
        let daily = quota.ours().daily;
        let left = daily.saturating_sub(spending.today);
        let rate = spending.rate(now);
        let renews_at = midnight(now);
        let used_up_at = if left == 0 {
            Some(now)
        } else {
            let seconds = u64::from(left) * SECONDS_AN_HOUR / u64::from(rate.max(1));
            after(now, seconds).filter(|at| rate > 0 && *at < renews_at)
        };
        let spent = u64::from(spending.today) * 100;
        let is_spent = |part: u64| spent >= u64::from(daily) * part;
        let is_soon = used_up_at.is_some_and(|at| renews_at.duration_since(at) >= EARLY);
        let is_long = renews_at.duration_since(now).as_secs() > LONG;
        let is_early = is_soon && is_spent(EARLIEST) || is_long && is_spent(MUCH);
        Self { left, renews_at, rate, used_up_at, is_early }
    }
}

/// The progress of a backfill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// When it began.
    pub begun_at: Timestamp,
    /// Leads that are done,
    pub done: u64,
    /// and leads that are not.
    pub left: u64,
}

impl Progress {
    /// When a backfill ends if it continues as so far, and an account with this quota uses calls at this
    /// rate; `None` until something is done.
    ///
    /// One that started today may use up its share of the day, and then continues at midnight. For one
    /// that started earlier, its waits until midnight are part of the time taken.
    pub fn ends_at(&self, quota: Quota, spending: Spending, now: Timestamp) -> Option<Timestamp> {
        if self.left == 0 {
            return Some(now);
        }
        let took = now.duration_since(self.begun_at).as_secs();
        let took = u64::try_from(took).ok()?.max(1);
        if self.done == 0 {
            return None;
        }
        let needs = seconds(self.left, took, self.done)?;
        let rate = u64::from(spending.rate(now));
        if day_of(self.begun_at) < day_of(now) || rate == 0 {
            return after(now, needs).filter(|at| is_near(now, *at));
        }
        let a_day = u64::from(quota.ours().spare_of_a_day());
        let mut share = a_day.saturating_sub(u64::from(spending.today));
        let (mut needs, mut from) = (needs, now);
        for _ in 0..FURTHEST {
            let until = midnight(from);
            let rest = until.duration_since(from).as_secs().cast_unsigned();
            let works = rest.min(share * SECONDS_AN_HOUR / rate);
            if needs <= works {
                return after(from, needs);
            }
            needs -= works;
            (from, share) = (until, a_day);
        }
        None
    }
}

/// How long this much takes if `done` took that many seconds.
fn seconds(left: u64, took: u64, done: u64) -> Option<u64> {
    u64::try_from(u128::from(left) * u128::from(took) / u128::from(done)).ok()
}

fn is_near(now: Timestamp, at: Timestamp) -> bool {
    at.duration_since(now).as_hours() <= 24 * i64::try_from(FURTHEST).unwrap_or(i64::MAX)
}

fn after(now: Timestamp, seconds: u64) -> Option<Timestamp> {
    now.checked_add(SignedDuration::from_secs(i64::try_from(seconds).ok()?)).ok()
}

/// When the day that contains this time ends (UTC).
fn midnight(now: Timestamp) -> Timestamp {
    Timestamp::from_second((day_of(now) + 1) * SECONDS_A_DAY).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> Timestamp {
        format!("2026-11-30T{time}Z").parse().unwrap()
    }

    fn spending(today: u32, this_hour: u32, last_hour: u32) -> Spending {
        Spending { today, this_hour, last_hour }
    }

    #[test]
    fn the_rate_is_that_of_the_last_hour() {
        let hours = [(hour_of(at("14:00:00")), 600), (hour_of(at("15:00:00")), 100), (3, 9)];
        let spending = Spending::new(5_000, hours, at("15:30:00"));
        assert_eq!(spending, super::tests::spending(5_000, 100, 600));
        assert_eq!(spending.rate(at("15:30:00")), 400);
        assert_eq!(super::tests::spending(0, 0, 600).rate(at("15:00:00")), 600);
        // The first calls of a day: neither a burst nor an incomplete hour is misleading.
        assert_eq!(super::tests::spending(0, 100, 0).rate(at("15:00:10")), 400);
        assert_eq!(super::tests::spending(0, 100, 0).rate(at("15:30:00")), 200);
        assert_eq!(Spending::default().rate(at("15:30:00")), 0);
    }

    #[test]
    fn a_day_is_used_up_when_its_calls_are_spent_at_this_rate() {
        let forecast =
            |today, rate, now| Forecast::new(Quota::PRO, spending(today, 0, rate), at(now));
        let found = forecast(8_000, 1_200, "15:00:00");
        assert_eq!(found.used_up_at, Some(at("16:40:00")));
        assert_eq!((found.left, found.rate), (2_000, 1_200));
        assert_eq!(found.renews_at, "2026-12-01T00:00:00Z".parse().unwrap());
        assert!(found.is_early);
        // It suffices, or no calls are made at all.
        for (today, rate) in [(8_000, 200), (9_999, 0), (0, 0)] {
            assert_eq!(forecast(today, rate, "15:00:00").used_up_at, None, "{today} {rate}");
        }
        let over = forecast(10_000, 0, "15:00:00");
        assert_eq!((over.left, over.used_up_at), (0, Some(at("15:00:00"))));
        // What is left to others is not counted.
        let quota = Quota { leave: 20, ..Quota::PRO };
        assert_eq!(Forecast::new(quota, spending(7_000, 0, 500), at("15:00:00")).left, 1_000);
    }

    #[test]
    fn a_warning_comes_in_time_and_not_for_every_burst() {
        for (today, rate, now, is_early) in [
            (8_000, 0, "12:00:00", true),
            (8_000, 0, "20:00:00", false),
            (7_999, 0, "12:00:00", false),
            // Used up at 22:30.
            (7_000, 2_000, "21:00:00", true),
            // Used up at 23:30.
            (7_000, 1_200, "21:00:00", false),
            // A burst just after midnight.
            (2_000, 2_000, "00:30:00", false),
            (2_500, 5_000, "00:30:00", true),
        ] {
            let found = Forecast::new(Quota::PRO, spending(today, 0, rate), at(now));
            assert_eq!(found.is_early, is_early, "{today} {rate} {now}: {found:?}");
        }
    }

    #[test]
    fn a_backfill_ends_when_its_leads_are_done_at_this_rate() {
        let progress =
            |begun: &str, done, left| Progress { begun_at: begun.parse().unwrap(), done, left };
        let today = progress("2026-11-30T10:00:00Z", 1_000, 3_000);
        let ends =
            |progress: Progress, spending| progress.ends_at(Quota::PRO, spending, at("12:00:00"));
        assert_eq!(ends(today, spending(1_000, 0, 500)), Some(at("18:00:00")));
        // Its share of the day lasts for two hours more; it needs six.
        let tomorrow = "2026-12-01T04:00:00Z".parse().unwrap();
        assert_eq!(ends(today, spending(7_000, 0, 500)), Some(tomorrow));
        // A day's share lasts for eight hours of the 48 that it needs: twelve hours today, eight of them
        // working, and five more days.
        let long = progress("2026-11-30T10:00:00Z", 1_000, 24_000);
        let found = ends(long, spending(0, 0, 1_000)).unwrap();
        assert_eq!(found, "2026-12-05T08:00:00Z".parse().unwrap());
        // It worked and waited for two days.
        let older = progress("2026-11-28T12:00:00Z", 2_000, 1_000);
        assert_eq!(
            ends(older, spending(8_000, 0, 1_000)),
            Some("2026-12-01T12:00:00Z".parse().unwrap())
        );
        assert_eq!(ends(progress("2026-11-30T11:00:00Z", 0, 10), spending(0, 0, 0)), None);
        assert_eq!(
            ends(progress("2026-11-30T11:00:00Z", 5, 0), spending(0, 0, 0)),
            Some(at("12:00:00"))
        );
        assert_eq!(ends(progress("2026-11-01T00:00:00Z", 1, u64::MAX), spending(0, 0, 0)), None);
    }
}

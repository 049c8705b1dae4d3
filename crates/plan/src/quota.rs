//! An account's API quota, and how many calls fit into it.
//!
//! The limits are those of AD/rate-limits: calls in a window of seconds, a bucket of its own for
//! the bulk endpoints, and calls a day. They hold for the whole account, so every call that we
//! make counts, look-ups and metadata too. Nothing in an answer tells what is left.
//!
//! Windows are counted on a steady clock, which is never set: a wall clock that steps neither locks
//! an account nor lets a window hold too many calls. Days are those of the wall clock.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// What an account may be asked in a given time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Calls in a window, bulk calls included.
    pub calls: u32,
    /// Calls of the bulk endpoints in a window.
    pub bulk_calls: u32,
    /// The window's length in seconds.
    pub per_seconds: u32,
    /// Calls a day (UTC).
    pub daily: u32,
}

/// The plans that LeadSquared sells (AD/rate-limits), without the extra calls that users add:
/// an account with more than the plan's base states its quota itself.
impl Quota {
    /// Plan *Pro*: 10 calls and 5 bulk calls in 5 s, 10,000 a day.
    pub const PRO: Self = Self { calls: 10, bulk_calls: 5, per_seconds: 5, daily: 10_000 };
    /// Plan *Super*: 20 calls and 10 bulk calls in 5 s, 100,000 a day.
    pub const SUPER: Self = Self { calls: 20, bulk_calls: 10, per_seconds: 5, daily: 100_000 };
}

/// The calls that were made of late to one account.
///
/// A call counts from the moment that it was sent until a window after it *ended*: the account
/// counts it somewhere in between, and we don't know where, so the count here is never below
/// the account's own.
#[derive(Clone, Debug)]
pub struct Budget {
    quota: Quota,
    calls: Bucket,
    bulk_calls: Bucket,
    /// The day of the wall clock,
    day: i64,
    /// when it ends on the steady one,
    day_ends: Timestamp,
    /// and the calls of the last days: a clock that steps over midnight and back forgets none.
    spent: BTreeMap<i64, u32>,
}

/// The calls of so many days are remembered.
const DAYS: usize = 4;

#[derive(Clone, Debug, Default)]
struct Bucket {
    in_flight: u32,
    ended: VecDeque<Timestamp>,
}

impl Bucket {
    fn counted(&mut self, since: Timestamp) -> u32 {
        while self.ended.front().is_some_and(|&ended| ended <= since) {
            self.ended.pop_front();
        }
        self.in_flight + u32::try_from(self.ended.len()).unwrap_or(u32::MAX)
    }
}

/// Which of an account's buckets a call draws on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draw {
    /// An ordinary call.
    Single,
    /// A call of a bulk endpoint, which counts in both buckets.
    Bulk,
}

impl Budget {
    /// A budget of which `spent_today` calls of the daily quota are gone, at this time of the steady
    /// clock and of the wall clock.
    pub fn new(quota: Quota, now: Timestamp, wall: Timestamp, spent_today: u32) -> Self {
        let mut budget = Self {
            quota,
            calls: Bucket::default(),
            bulk_calls: Bucket::default(),
            day: day_of(wall),
            day_ends: now,
            spent: BTreeMap::from([(day_of(wall), spent_today)]),
        };
        budget.turn(now, wall);
        budget
    }

    /// Takes over the day of the wall clock.
    pub fn turn(&mut self, now: Timestamp, wall: Timestamp) {
        self.day = day_of(wall);
        let left = Timestamp::from_second((self.day + 1) * SECONDS_A_DAY)
            .map_or(SignedDuration::ZERO, |midnight| midnight.duration_since(wall));
        self.day_ends = now + left;
        self.spent.entry(self.day).or_default();
        while self.spent.len() > DAYS {
            let oldest = self.spent.keys().find(|day| **day != self.day).copied();
            oldest.map(|day| self.spent.remove(&day));
        }
    }

    /// The same history under another quota.
    pub fn set_quota(&mut self, quota: Quota) {
        self.quota = quota;
    }

    /// Whether a call may be made now; if so, it counts from now on.
    ///
    /// Each call drawn must be [`Budget::end`]ed.
    pub fn draw(&mut self, kind: Draw, now: Timestamp) -> bool {
        if self.left(kind, now) == 0 {
            return false;
        }
        self.calls.in_flight += 1;
        if kind == Draw::Bulk {
            self.bulk_calls.in_flight += 1;
        }
        let spent = self.spent.entry(self.day).or_default();
        *spent = spent.saturating_add(1);
        true
    }

    /// A call that was drawn has ended, whatever came of it.
    pub fn end(&mut self, kind: Draw, now: Timestamp) {
        self.calls.in_flight = self.calls.in_flight.saturating_sub(1);
        self.calls.ended.push_back(now);
        if kind == Draw::Bulk {
            self.bulk_calls.in_flight = self.bulk_calls.in_flight.saturating_sub(1);
            self.bulk_calls.ended.push_back(now);
        }
    }

    /// The account said that the limit is exceeded (somebody else draws on it too): nothing is
    /// left until a window from now.
    pub fn refused(&mut self, now: Timestamp) {
        for _ in self.calls.counted(self.window_start(now))..self.quota.calls {
            self.calls.ended.push_back(now);
        }
    }

    /// How many calls of this kind could be made now.
    pub fn left(&mut self, kind: Draw, now: Timestamp) -> u32 {
        let since = self.window_start(now);
        let calls = self.quota.calls.saturating_sub(self.calls.counted(since));
        let daily = self.quota.daily.saturating_sub(self.spent_today());
        let left = calls.min(daily);
        match kind {
            Draw::Single => left,
            Draw::Bulk => {
                left.min(self.quota.bulk_calls.saturating_sub(self.bulk_calls.counted(since)))
            }
        }
    }

    /// When to ask again, on the steady clock, if nothing is left now; `None` when only the end of a call in flight
    /// can free something.
    pub fn next_free(&mut self, kind: Draw, now: Timestamp) -> Option<Timestamp> {
        if self.left(kind, now) > 0 {
            return Some(now);
        }
        if self.spent_today() >= self.quota.daily {
            return Some(self.day_ends);
        }
        let window = self.window();
        let calls_full = self.calls.counted(self.window_start(now)) >= self.quota.calls;
        let bucket = if calls_full { &self.calls } else { &self.bulk_calls };
        bucket.ended.front().map(|&ended| ended + window)
    }

    /// Calls made today (UTC).
    pub fn spent_today(&self) -> u32 {
        self.spent.get(&self.day).copied().unwrap_or_default()
    }

    fn window(&self) -> SignedDuration {
        SignedDuration::from_secs(self.quota.per_seconds.into())
    }

    fn window_start(&self, now: Timestamp) -> Timestamp {
        now - self.window()
    }
}

const SECONDS_A_DAY: i64 = 86_400;

/// The day (UTC) that a time lies in, counted from 1970-01-01.
pub fn day_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(SECONDS_A_DAY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    #[test]
    fn a_window_holds_no_more_than_its_calls() {
        let mut budget = Budget::new(Quota::PRO, at(0), at(0), 0);
        for _ in 0..10 {
            assert!(budget.draw(Draw::Single, at(0)));
            budget.end(Draw::Single, at(100));
        }
        assert!(!budget.draw(Draw::Single, at(5_099)));
        assert_eq!(budget.next_free(Draw::Single, at(200)), Some(at(5_100)));
        assert!(budget.draw(Draw::Single, at(5_100)));
    }

    #[test]
    fn bulk_calls_count_in_both_buckets() {
        let mut budget = Budget::new(Quota::PRO, at(0), at(0), 0);
        for _ in 0..5 {
            assert!(budget.draw(Draw::Bulk, at(0)));
        }
        assert!(!budget.draw(Draw::Bulk, at(0)));
        assert_eq!(budget.next_free(Draw::Bulk, at(0)), None, "all are in flight");
        assert_eq!(budget.left(Draw::Single, at(0)), 5);
    }

    #[test]
    fn the_daily_quota_comes_back_at_midnight() {
        let quota = Quota { daily: 3, ..Quota::PRO };
        let mut budget = Budget::new(quota, at(0), at(0), 2);
        assert!(budget.draw(Draw::Single, at(0)));
        budget.end(Draw::Single, at(1));
        assert!(!budget.draw(Draw::Single, at(60_000)));
        assert_eq!(budget.next_free(Draw::Single, at(60_000)), Some(at(86_400_000)));
        budget.turn(at(86_400_000), at(86_400_000));
        assert!(budget.draw(Draw::Single, at(86_400_000)));
    }

    /// Whatever the wall clock does, a day's quota is back within a day, and what was spent on a day
    /// is not forgotten while another one is shown.
    #[test]
    fn a_wall_clock_that_steps_locks_nothing() {
        const YEAR: i64 = 365 * 86_400_000;
        let quota = Quota { daily: 3, ..Quota::PRO };
        for step in [-YEAR, -86_400_000, -3_600_000, 3_600_000, 86_400_000, YEAR] {
            let noon = 2 * YEAR + 43_200_000;
            let mut budget = Budget::new(quota, at(0), at(noon), 2);
            assert!(budget.draw(Draw::Single, at(0)));
            budget.end(Draw::Single, at(1));
            budget.turn(at(10), at(noon + 10 + step));
            while budget.draw(Draw::Single, at(10_000)) {
                budget.end(Draw::Single, at(10_000));
            }
            let free = budget.next_free(Draw::Single, at(10_000)).unwrap();
            assert!(free > at(10_000) && free <= at(86_400_010), "{step}: {free}");
            budget.turn(at(20_000), at(noon + 20_000));
            assert_eq!(budget.spent_today(), 3, "{step}");
        }
    }

    #[test]
    fn a_refusal_empties_the_window() {
        let mut budget = Budget::new(Quota::SUPER, at(0), at(0), 0);
        budget.refused(at(0));
        assert_eq!(budget.left(Draw::Single, at(4_999)), 0);
        assert_eq!(budget.left(Draw::Single, at(5_000)), 20);
    }

    proptest! {
        /// Whatever the account's idea of when a call happened, between its start and its end,
        /// no window of the quota's length ever sees more calls than the quota.
        #[test]
        fn no_window_is_ever_exceeded(calls in prop::collection::vec((0i64..2_000, 0i64..3_000, 0f64..1.0, any::<bool>()), 1..80)) {
            let quota = Quota { calls: 7, bulk_calls: 3, per_seconds: 5, daily: 1_000_000 };
            let mut budget = Budget::new(quota, at(0), at(0), 0);
            let mut now = 0;
            let mut ends: Vec<(i64, Draw)> = Vec::new();
            let mut seen: Vec<(i64, Draw)> = Vec::new();
            for (gap, length, part, bulk) in calls {
                now += gap;
                ends.sort_unstable_by_key(|&(end, _)| end);
                while ends.first().is_some_and(|&(end, _)| end <= now) {
                    let (end, kind) = ends.remove(0);
                    budget.end(kind, at(end));
                }
                let kind = if bulk { Draw::Bulk } else { Draw::Single };
                if budget.draw(kind, at(now)) {
                    ends.push((now + length, kind));
                    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "small numbers in a test")]
                    seen.push((now + (length as f64 * part) as i64, kind));
                }
            }
            for &(start, _) in &seen {
                let inside = |of: Option<Draw>| seen.iter().filter(|&&(t, kind)| t >= start && t < start + 5_000 && of.is_none_or(|k| k == kind)).count();
                prop_assert!(inside(None) <= 7);
                prop_assert!(inside(Some(Draw::Bulk)) <= 3);
            }
        }
    }
}

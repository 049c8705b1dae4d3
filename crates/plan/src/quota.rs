//! An account's API quota, and how many calls fit into it.
//!
//! The limits are those of AD/rate-limits: calls in a window of seconds, a bucket of its own for
//! the bulk endpoints, and calls a day. They hold for the whole account, so every call that we
//! make counts, look-ups and metadata too. Nothing in an answer tells what is left.
//!
//! Windows are counted on a steady clock, which is never set: a wall clock that steps neither locks
//! an account nor lets a window hold too many calls. Days are those of the wall clock.

mod bucket;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use bucket::Bucket;

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

    fn of_a_window(&self, kind: Draw) -> u32 {
        match kind {
            Draw::Single => self.calls,
            Draw::Bulk => self.bulk_calls,
        }
    }

    /// How many calls of a window are for what is in no hurry: a third is left for what is live. A window
    /// of one call can't be shared.
    pub fn spare_of_a_window(&self, kind: Draw) -> u32 {
        let window = self.of_a_window(kind);
        if window > 1 { window - window.div_ceil(3) } else { window }
    }
}

/// A limit that an account named when it refused a call: `API calls exceeded the limit of 72 in 5
/// second(s)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// The calls in a window,
    pub calls: u32,
    /// and the window's length in seconds.
    pub per_seconds: u32,
}

/// The calls that were made of late to one account.
///
/// A call counts from the moment that it was sent until a window after it *ended*: the account
/// counts it somewhere in between, and we don't know where, so the count here is never below
/// the account's own.
///
/// Other programs draw on the same quota, and the account may have another one than was configured.
/// When it refuses a call, nothing is sent for a window, and from then on no more than it took in the
/// last one. After some windows without a refusal, a little more is tried.
#[derive(Clone, Debug)]
pub struct Budget {
    quota: Quota,
    calls: Bucket,
    bulk_calls: Bucket,
    /// Nothing is sent until then: the account has just refused a call.
    paused_until: Option<Timestamp>,
    /// The day of the wall clock,
    day: i64,
    /// when it ends on the steady one,
    day_ends: Timestamp,
    /// and the calls of the last days: a clock that steps over midnight and back forgets none.
    spent: BTreeMap<i64, u32>,
}

/// The calls of so many days are remembered.
const DAYS: usize = 4;
/// A limit of so many seconds or more is that of a day.
const A_DAY: u32 = 86_400;
/// How long nothing is sent when the account says that the calls of the day are used up: nobody says
/// when its day ends.
const OF_A_DAY: SignedDuration = SignedDuration::from_mins(30);

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
            paused_until: None,
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

    /// The account named this limit when it refused a call, some time ago.
    pub fn learn(&mut self, named: Limit) {
        self.calls.named = Some(named);
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

    /// A call that has ended was refused, as the limit is exceeded, which the refusal may name. Nothing
    /// is left until a window from now.
    pub fn refused(&mut self, kind: Draw, named: Option<Limit>, now: Timestamp) {
        let Quota { calls, bulk_calls, per_seconds, .. } = self.quota;
        if named.is_some_and(|named| named.per_seconds >= A_DAY) {
            self.paused_until = Some(now + OF_A_DAY).max(self.paused_until);
            return;
        }
        let window = match kind {
            Draw::Single => {
                self.calls.refuse(calls, per_seconds, named, now);
                self.calls.window(per_seconds)
            }
            Draw::Bulk => {
                self.bulk_calls.refuse(bulk_calls, per_seconds, named, now);
                self.bulk_calls.window(per_seconds)
            }
        };
        self.paused_until = self.paused_until.max(Some(now + window));
    }

    /// How many calls of this kind could be made now.
    pub fn left(&mut self, kind: Draw, now: Timestamp) -> u32 {
        if self.paused_until.is_some_and(|until| now < until) {
            return 0;
        }
        let Quota { calls, bulk_calls, per_seconds, daily } = self.quota;
        let daily = daily.saturating_sub(self.spent_today());
        let left = self.calls.left(calls, per_seconds, now).min(daily);
        match kind {
            Draw::Single => left,
            Draw::Bulk => left.min(self.bulk_calls.left(bulk_calls, per_seconds, now)),
        }
    }

    /// How many calls of this kind may be made now for what is in no hurry: a third of the window is
    /// left for what is live, and a fifth of the day.
    pub fn spare(&mut self, kind: Draw, now: Timestamp) -> u32 {
        let quota = self.quota;
        let Quota { calls, bulk_calls, per_seconds, daily } = quota;
        let spare = |left: u32, kind| {
            left.saturating_sub(quota.of_a_window(kind) - quota.spare_of_a_window(kind))
        };
        let of_the_day = (daily / 5 * 4).saturating_sub(self.spent_today());
        let left = self.left(kind, now).min(of_the_day);
        let of_all = spare(self.calls.left(calls, per_seconds, now), Draw::Single);
        match kind {
            Draw::Single => left.min(of_all),
            Draw::Bulk => {
                let of_bulk = self.bulk_calls.left(bulk_calls, per_seconds, now);
                left.min(of_all).min(spare(of_bulk, Draw::Bulk))
            }
        }
    }

    /// When to ask again, on the steady clock, if nothing is left now; `None` when only the end of a
    /// call in flight can free something.
    pub fn next_free(&mut self, kind: Draw, now: Timestamp) -> Option<Timestamp> {
        if self.left(kind, now) > 0 {
            return Some(now);
        }
        if self.spent_today() >= self.quota.daily {
            return Some(self.day_ends);
        }
        if let Some(until) = self.paused_until.filter(|until| now < *until) {
            return Some(until);
        }
        let Quota { calls, per_seconds, .. } = self.quota;
        let is_full = self.calls.left(calls, per_seconds, now) == 0;
        let bucket = if is_full { &self.calls } else { &self.bulk_calls };
        if bucket.in_flight > 0 && bucket.share.is_some() {
            return None;
        }
        let ended = bucket.ended.front()?;
        Some(*ended + bucket.window(per_seconds))
    }

    /// Whether a window has any calls of this kind.
    pub fn takes(&self, kind: Draw) -> bool {
        self.quota.of_a_window(kind) > 0
    }

    /// The calls of a day.
    pub fn daily(&self) -> u32 {
        self.quota.daily
    }

    /// Calls made today (UTC).
    pub fn spent_today(&self) -> u32 {
        self.spent.get(&self.day).copied().unwrap_or_default()
    }

    /// What the account leaves to us in a window, where that is less than was configured.
    pub fn share(&self) -> Option<Limit> {
        let calls = self.calls.share?.calls;
        let window = self.calls.window(self.quota.per_seconds).as_secs();
        Some(Limit { calls, per_seconds: u32::try_from(window).unwrap_or(u32::MAX) })
    }

    /// The limit that the account named when it refused a call.
    pub fn named(&self) -> Option<Limit> {
        self.calls.named
    }
}

const SECONDS_A_DAY: i64 = 86_400;

/// The day (UTC) that a time lies in, counted from 1970-01-01.
pub fn day_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(SECONDS_A_DAY)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_in_no_hurry_leaves_a_third_of_the_window_and_a_fifth_of_the_day() {
        let spare = |quota: Quota, spent| {
            let mut budget = Budget::new(quota, at(0), at(0), spent);
            [Draw::Single, Draw::Bulk].map(|kind| budget.spare(kind, at(0)))
        };
        assert_eq!(spare(Quota::PRO, 0), [6, 3]);
        assert_eq!(spare(Quota::PRO, 7_998), [2, 2], "two are left of the day's share");
        assert_eq!(spare(Quota::PRO, 8_000), [0, 0]);
        let small = Quota { calls: u32::MAX, bulk_calls: 1, per_seconds: 5, daily: 40 };
        assert_eq!(spare(small, 0), [32, 1], "whichever is less");
    }

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
        assert!(budget.draw(Draw::Single, at(0)));
        budget.end(Draw::Single, at(0));
        budget.refused(Draw::Single, None, at(0));
        assert_eq!(budget.left(Draw::Single, at(4_999)), 0);
        assert_eq!(budget.next_free(Draw::Single, at(0)), Some(at(5_000)));
        assert_eq!(budget.left(Draw::Single, at(5_000)), 1);
    }

    /// An account with this limit, on which others draw too.
    struct Shared {
        limit: usize,
        others: fn(i64) -> usize,
        taken: VecDeque<i64>,
    }

    impl Shared {
        fn takes(&mut self, now: i64) -> bool {
            self.taken.retain(|at| now - at < 5_000);
            let is_free = self.taken.len() + (self.others)(now) < self.limit;
            if is_free {
                self.taken.push_back(now);
            }
            is_free
        }
    }

    /// Ten minutes of work without an end; the calls that were taken, and the refusals by window.
    fn work(
        quota: Quota,
        named: Option<Limit>,
        mut account: Shared,
    ) -> (usize, BTreeMap<i64, usize>) {
        let mut budget = Budget::new(quota, at(0), at(0), 0);
        let (mut taken, mut refused) = (0, BTreeMap::new());
        let mut on_its_way: VecDeque<i64> = VecDeque::new();
        for now in (0..600_000).step_by(20) {
            while on_its_way.front().is_some_and(|sent| now - sent >= 200) {
                on_its_way.pop_front();
                budget.end(Draw::Single, at(now));
                if account.takes(now) {
                    taken += 1;
                } else {
                    *refused.entry(now / 5_000).or_default() += 1;
                    budget.refused(Draw::Single, named, at(now));
                }
            }
            while budget.draw(Draw::Single, at(now)) {
                on_its_way.push_back(now);
            }
        }
        (taken, refused)
    }

    #[test]
    fn what_others_leave_is_used_and_seldom_exceeded() {
        let of = |limit, others| Shared { limit, others, taken: VecDeque::new() };
        let limit = |calls| Some(Limit { calls, per_seconds: 5 });
        for (what, named, account, fair) in [
            ("a third of the quota", None, of(7, |_| 0), 7),
            ("a third, and named", limit(7), of(7, |_| 0), 7),
            ("others take half", limit(20), of(20, |_| 10), 10),
            (
                "others take half for a while",
                limit(20),
                of(20, |now| if now < 300_000 { 10 } else { 0 }),
                14,
            ),
            (
                "others come and go",
                limit(20),
                of(20, |now| if now / 30_000 % 2 == 0 { 10 } else { 4 }),
                10,
            ),
        ] {
            let (taken, refused) = work(Quota::SUPER, named, account);
            let later = refused.range(12..).map(|(_, count)| *count).max().unwrap_or_default();
            assert!(later <= 1, "{what}: {refused:?}");
            let windows = refused.range(12..).count();
            assert!(windows <= 30, "{what}: {windows} windows of 108 with a refusal");
            assert!(taken >= fair * 120 / 2, "{what}: {taken} of {}", fair * 120);
        }
    }

    #[test]
    fn an_account_that_refuses_no_more_gets_its_quota_back() {
        let account = Shared {
            limit: 20,
            others: |now| if now < 60_000 { 15 } else { 0 },
            taken: VecDeque::new(),
        };
        let mut budget = Budget::new(Quota::SUPER, at(0), at(0), 0);
        budget.refused(Draw::Single, None, at(0));
        assert!(budget.share().is_some());
        assert_eq!(budget.left(Draw::Single, at(3_600_001)), 20);
        assert!(budget.share().is_none());
        let (taken, _) = work(Quota::SUPER, None, account);
        assert!(taken > 1_200, "{taken}");
    }

    #[test]
    fn the_limit_of_a_day_is_asked_for_seldom() {
        let mut budget = Budget::new(Quota::SUPER, at(0), at(0), 0);
        budget.refused(Draw::Single, Some(Limit { calls: 10_000, per_seconds: 86_400 }), at(0));
        assert_eq!(budget.next_free(Draw::Single, at(1)), Some(at(1_800_000)));
        assert_eq!(budget.left(Draw::Single, at(1_800_000)), 20);
    }

    #[test]
    fn a_named_limit_is_used_in_its_own_window() {
        let mut budget = Budget::new(Quota::SUPER, at(0), at(0), 0);
        budget.refused(Draw::Single, Some(Limit { calls: 4, per_seconds: 60 }), at(0));
        assert_eq!(budget.left(Draw::Single, at(59_999)), 0);
        assert_eq!(budget.left(Draw::Single, at(60_000)), 1);
        assert_eq!(budget.named(), Some(Limit { calls: 4, per_seconds: 60 }));
        // Whoever configured less than the account has wants less.
        let mut budget = Budget::new(Quota::PRO, at(0), at(0), 0);
        budget.refused(Draw::Single, Some(Limit { calls: 72, per_seconds: 5 }), at(0));
        assert_eq!(budget.left(Draw::Single, at(3_600_001)), 10);
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

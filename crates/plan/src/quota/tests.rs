//! Tests of budgets.

use std::collections::VecDeque;

use super::*;
use proptest::prelude::*;

const LIVE: [Urgency; 1] = [Urgency::Live];

#[test]
fn what_is_in_no_hurry_leaves_a_third_of_the_window_and_a_fifth_of_the_day() {
    let spare = |quota: Quota, spent| {
        let mut budget = Budget::new(quota, at(0), at(0), spent);
        [Draw::Single, Draw::Bulk].map(|kind| budget.spare(kind, Urgency::Backfill, at(0)))
    };
    assert_eq!(spare(Quota::PRO, 0), [6, 3]);
    assert_eq!(spare(Quota::PRO, 7_998), [2, 2], "two are left of the day's share");
    assert_eq!(spare(Quota::PRO, 8_000), [0, 0]);
    let small = Quota { calls: u32::MAX, bulk_calls: 1, per_seconds: 5, daily: 40, leave: 0 };
    assert_eq!(spare(small, 0), [32, 1], "whichever is less");
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap()
}

#[test]
fn a_window_holds_no_more_than_its_calls() {
    let mut budget = Budget::new(Quota::PRO, at(0), at(0), 0);
    for _ in 0..10 {
        assert!(budget.draw(Draw::Single, &LIVE, at(0)));
        budget.end(Draw::Single, at(100));
    }
    assert!(!budget.draw(Draw::Single, &LIVE, at(5_099)));
    assert_eq!(budget.next_free(Draw::Single, at(200)), Some(at(5_100)));
    assert!(budget.draw(Draw::Single, &LIVE, at(5_100)));
}

#[test]
fn calls_made_elsewhere_count() {
    let mut budget = Budget::new(Quota::PRO, at(0), at(0), 0);
    assert!(budget.draw(Draw::Single, &LIVE, at(0)));
    for _ in 1..10 {
        budget.made_elsewhere(Draw::Single, at(100));
    }
    assert_eq!((budget.left(Draw::Single, at(100)), budget.spent_today()), (0, 10));
    budget.end(Draw::Single, at(200));
    assert_eq!(budget.left(Draw::Single, at(5_100)), 9, "only our own is in the window still");
}

#[test]
fn bulk_calls_count_in_both_buckets() {
    let mut budget = Budget::new(Quota::PRO, at(0), at(0), 0);
    for _ in 0..5 {
        assert!(budget.draw(Draw::Bulk, &LIVE, at(0)));
    }
    assert!(!budget.draw(Draw::Bulk, &LIVE, at(0)));
    assert_eq!(budget.next_free(Draw::Bulk, at(0)), None, "all are in flight");
    assert_eq!(budget.left(Draw::Single, at(0)), 5);
}

#[test]
fn the_daily_quota_comes_back_at_midnight() {
    let quota = Quota { daily: 3, ..Quota::PRO };
    let mut budget = Budget::new(quota, at(0), at(0), 2);
    assert!(budget.draw(Draw::Single, &LIVE, at(0)));
    budget.end(Draw::Single, at(1));
    assert!(!budget.draw(Draw::Single, &LIVE, at(60_000)));
    assert_eq!(budget.next_free(Draw::Single, at(60_000)), Some(at(86_400_000)));
    budget.turn(at(86_400_000), at(86_400_000));
    assert!(budget.draw(Draw::Single, &LIVE, at(86_400_000)));
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
        assert!(budget.draw(Draw::Single, &LIVE, at(0)));
        budget.end(Draw::Single, at(1));
        budget.turn(at(10), at(noon + 10 + step));
        while budget.draw(Draw::Single, &LIVE, at(10_000)) {
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
    assert!(budget.draw(Draw::Single, &LIVE, at(0)));
    budget.end(Draw::Single, at(0));
    budget.refused(Draw::Single, None, at(0));
    assert_eq!(budget.left(Draw::Single, at(4_999)), 0);
    assert_eq!(budget.next_free(Draw::Single, at(0)), Some(at(5_000)));
    assert_eq!(budget.left(Draw::Single, at(5_000)), 1);
}

/// An account with this limit, which others use too.
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

/// Ten minutes of continuous work; returns the accepted calls, and the refusals by window.
fn work(quota: Quota, named: Option<Limit>, mut account: Shared) -> (usize, BTreeMap<i64, usize>) {
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
        while budget.draw(Draw::Single, &LIVE, at(now)) {
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
    // A configured number below the account's is intended.
    let mut budget = Budget::new(Quota::PRO, at(0), at(0), 0);
    budget.refused(Draw::Single, Some(Limit { calls: 72, per_seconds: 5 }), at(0));
    assert_eq!(budget.left(Draw::Single, at(3_600_001)), 10);
}

/// What each urgency got during a flood of live changes of `seconds`, while all others wait too.
fn flood(quota: Quota, kind: Draw, spent: u32, seconds: i64) -> BTreeMap<Urgency, u32> {
    let mut budget = Budget::new(quota, at(0), at(0), spent);
    let mut made: BTreeMap<Urgency, u32> = BTreeMap::new();
    let mut on_its_way: VecDeque<i64> = VecDeque::new();
    for now in (0..seconds * 1000).step_by(50) {
        while on_its_way.front().is_some_and(|sent| now - sent >= 200) {
            on_its_way.pop_front();
            budget.end(kind, at(now));
        }
        for urgency in Urgency::ALL {
            while budget.draw(kind, &[urgency], at(now)) {
                *made.entry(urgency).or_default() += 1;
                on_its_way.push_back(now);
            }
        }
    }
    made
}

#[test]
fn a_flood_of_live_changes_starves_nobody_and_keeps_most_calls() {
    for quota in [Quota::PRO, Quota::SUPER, Quota { calls: 50, bulk_calls: 10, ..Quota::SUPER }] {
        for kind in [Draw::Single, Draw::Bulk] {
            let made = flood(quota, kind, 0, 600);
            let all: u32 = made.values().sum();
            for urgency in &Urgency::ALL[1..] {
                let calls = made[urgency];
                assert!(calls * 30 >= all && calls * 15 <= all, "{quota:?} {kind:?}: {made:?}");
            }
            assert!(made[&Urgency::Live] * 4 >= all * 3, "{quota:?} {kind:?}: {made:?}");
        }
    }
    // Even if a window has a single call.
    let one = Quota { calls: 1, bulk_calls: 1, per_seconds: 5, daily: 100_000, leave: 0 };
    let made = flood(one, Draw::Single, 0, 3_600);
    assert!(made[&Urgency::Backfill] > 20 && made[&Urgency::Live] > 400, "{made:?}");
}

/// The rest of the day is for live changes, except for one call in twenty.
#[test]
fn the_last_fifth_of_a_day_starves_nobody() {
    let quota = Quota { daily: 1_000, ..Quota::PRO };
    let mut budget = Budget::new(quota, at(0), at(0), 800);
    let mut made = 0;
    for second in 0..3_600 {
        if budget.draw(Draw::Single, &[Urgency::Sweep], at(second * 1000)) {
            made += 1;
            budget.end(Draw::Single, at(second * 1000));
        }
    }
    assert_eq!(made, 3, "one at once, and one in 1,728 seconds");
    assert_eq!(budget.room(Draw::Single, Urgency::Retry, at(3_600_000)), 6, "it is a change");
}

#[test]
fn nothing_is_kept_for_those_who_do_not_wait() {
    let mut budget = Budget::new(Quota::PRO, at(0), at(0), 0);
    assert_eq!(budget.room(Draw::Single, Urgency::Live, at(0)), 10);
    assert_eq!(budget.room(Draw::Single, Urgency::Backfill, at(0)), 6);
    assert_eq!(budget.room(Draw::Single, Urgency::Live, at(0)), 9, "one is due to the backfill");
    assert_eq!(budget.room(Draw::Bulk, Urgency::Live, at(0)), 5, "it waits for no bulk call");
    assert_eq!(budget.room(Draw::Single, Urgency::Retry, at(0)), 6);
    assert_eq!(budget.room(Draw::Single, Urgency::Live, at(0)), 8);
    // One call for both is enough.
    assert!(budget.draw(Draw::Single, &[Urgency::Retry, Urgency::Backfill], at(0)));
    assert_eq!(budget.room(Draw::Single, Urgency::Live, at(0)), 9);
    // Work that asked long ago is no longer waiting.
    budget.room(Draw::Single, Urgency::Sweep, at(1_000));
    assert_eq!(budget.room(Draw::Single, Urgency::Live, at(1_000)), 8);
    assert_eq!(budget.room(Draw::Single, Urgency::Live, at(7_000)), 9);
}

#[test]
fn what_is_left_to_others_is_never_used() {
    let quota = Quota { leave: 30, ..Quota::PRO };
    let mut budget = Budget::new(quota, at(0), at(0), 0);
    assert_eq!((budget.left(Draw::Single, at(0)), budget.left(Draw::Bulk, at(0))), (7, 3));
    assert_eq!(budget.daily(), 7_000);
    budget.set_quota(Quota { leave: 100, ..Quota::PRO });
    assert_eq!(budget.left(Draw::Single, at(0)), 1, "some calls must be ours");
}

proptest! {
    /// Whatever the account's idea of when a call happened, between its start and its end,
    /// no window of the quota's length ever sees more calls than the quota.
    #[test]
    fn no_window_is_ever_exceeded(calls in prop::collection::vec((0i64..2_000, 0i64..3_000, 0f64..1.0, any::<bool>()), 1..80)) {
        let quota = Quota { calls: 7, bulk_calls: 3, per_seconds: 5, daily: 1_000_000, leave: 0 };
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
            if budget.draw(kind, &LIVE, at(now)) {
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

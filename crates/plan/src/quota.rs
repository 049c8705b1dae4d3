//! An account's API quota, and how many calls fit into it.
//!
//! The limits are those of AD/rate-limits: calls in a window of seconds, a separate bucket for the
//! bulk endpoints, and calls a day. They apply to the whole account, so every call that we make
//! counts, including look-ups and metadata. No response says what is left.
//!
//! [`Urgency`] is the order of precedence when calls are short. Anything less urgent than live changes
//! leaves a third of a window free for those, and what can wait leaves a fifth of the day to changes. Less
//! urgent work gets at least one call in twenty, so that it never starves.
//!
//! Windows are counted on a steady (monotonic) clock: a step of the wall clock neither blocks an
//! account nor lets too many calls into a window. Days are those of the wall clock.

mod bucket;
pub mod forecast;
mod urgency;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use bucket::Bucket;
use urgency::{FLOOR, Floors, Pace};

pub use urgency::Urgency;

/// How many calls an account allows in a given time.
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
    /// How much of all this is left to the account's other API users, in per cent.
    #[serde(default, skip_serializing_if = "is_none_left")]
    pub leave: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_none_left(leave: &u32) -> bool {
    *leave == 0
}

/// The plans that LeadSquared sells (AD/rate-limits), without the extra calls that users add:
/// an account with more than the plan's base states its quota itself.
impl Quota {
    /// Plan *Pro*: 10 calls and 5 bulk calls in 5 s, 10,000 a day.
    pub const PRO: Self =
        Self { calls: 10, bulk_calls: 5, per_seconds: 5, daily: 10_000, leave: 0 };
    /// Plan *Super*: 20 calls and 10 bulk calls in 5 s, 100,000 a day.
    pub const SUPER: Self =
        Self { calls: 20, bulk_calls: 10, per_seconds: 5, daily: 100_000, leave: 0 };

    /// The most that can be left to others, in per cent.
    pub const MOST_LEFT: u32 = 95;

    /// Our part of it: without what is left to the account's other API users.
    #[must_use]
    pub fn ours(self) -> Self {
        let part = 100 - u64::from(self.leave.min(Self::MOST_LEFT));
        let ours = |all: u32| {
            let ours = u64::from(all) * part / 100;
            u32::try_from(ours).unwrap_or(u32::MAX).max(all.min(1))
        };
        Self {
            calls: ours(self.calls),
            bulk_calls: ours(self.bulk_calls),
            per_seconds: self.per_seconds,
            daily: ours(self.daily),
            leave: 0,
        }
    }

    /// How many calls of a day are for what can wait ([`Urgency::can_wait`]).
    pub fn spare_of_a_day(&self) -> u32 {
        self.daily / 5 * 4
    }

    fn of_a_window(&self, kind: Draw) -> u32 {
        match kind {
            Draw::Single => self.calls,
            Draw::Bulk => self.bulk_calls,
        }
    }

    /// How many calls of a window are for what is less urgent than live changes: a third is left free for
    /// those.
    pub fn spare_of_a_window(&self, kind: Draw) -> u32 {
        let window = self.of_a_window(kind);
        window - kept_for_live(window)
    }
}

/// How much of a window of this many calls is reserved for live changes. A window of one call can't be
/// shared.
fn kept_for_live(window: u32) -> u32 {
    if window > 1 { window.div_ceil(3) } else { 0 }
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

/// The recent calls to one account.
///
/// A call counts from when it was sent until a window after it *ended*: the account counts it
/// somewhere in between, and we don't know where, so the count here is never below the account's
/// own.
///
/// Other programs use the same quota, and the account's quota may differ from the configured one.
/// When it refuses a call, nothing is sent for a window, and from then on no more than it accepted in
/// the last one. After some windows without a refusal, a little more is tried.
#[derive(Clone, Debug)]
pub struct Budget {
    quota: Quota,
    calls: Bucket,
    bulk_calls: Bucket,
    floors: Floors,
    /// Nothing is sent until then: the account has just refused a call.
    paused_until: Option<Timestamp>,
    /// The day of the wall clock,
    day: i64,
    /// when it ends on the steady one,
    day_ends: Timestamp,
    /// and the calls of the last days, so that a clock that steps over midnight and back loses
    /// none.
    spent: BTreeMap<i64, u32>,
}

/// How many days' calls are remembered.
const DAYS: usize = 4;
/// A limit for this many seconds or more is a daily one.
const A_DAY: u32 = 86_400;
/// How long nothing is sent after the account says that the day's calls are used up: it is unknown
/// when its day ends.
const OF_A_DAY: SignedDuration = SignedDuration::from_mins(30);

/// Which of an account's buckets a call uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draw {
    /// An ordinary call.
    Single,
    /// A call of a bulk endpoint, which counts in both buckets.
    Bulk,
}

impl Budget {
    /// A budget with `spent_today` calls of the daily quota used, at this time of the steady clock
    /// and of the wall clock.
    pub fn new(quota: Quota, now: Timestamp, wall: Timestamp, spent_today: u32) -> Self {
        let mut budget = Self {
            quota: quota.ours(),
            calls: Bucket::default(),
            bulk_calls: Bucket::default(),
            floors: Floors::default(),
            paused_until: None,
            day: day_of(wall),
            day_ends: now,
            spent: BTreeMap::from([(day_of(wall), spent_today)]),
        };
        budget.turn(now, wall);
        budget
    }

    /// Updates the day from the wall clock.
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
        self.quota = quota.ours();
    }

    /// The account named this limit when it refused a call, some time ago.
    pub fn learn(&mut self, named: Limit) {
        self.calls.named = Some(named);
    }

    /// Whether a call may be made now for work of any of these urgencies; if so, it counts from now on.
    ///
    /// Each call drawn must be [`Budget::end`]ed.
    pub fn draw(&mut self, kind: Draw, urgencies: &[Urgency], now: Timestamp) -> bool {
        if !urgencies.iter().any(|urgency| self.room(kind, *urgency, now) > 0) {
            return false;
        }
        for urgency in urgencies {
            let paces = [Draw::Single, Draw::Bulk].map(|kind| self.pace(kind, *urgency));
            self.floors.made(*urgency, kind, paces, now);
        }
        self.calls.in_flight += 1;
        if kind == Draw::Bulk {
            self.bulk_calls.in_flight += 1;
        }
        let spent = self.spent.entry(self.day).or_default();
        *spent = spent.saturating_add(1);
        true
    }

    /// A call that was drawn has ended, whatever the outcome.
    pub fn end(&mut self, kind: Draw, now: Timestamp) {
        self.calls.in_flight = self.calls.in_flight.saturating_sub(1);
        self.calls.ended.push_back(now);
        if kind == Draw::Bulk {
            self.bulk_calls.in_flight = self.bulk_calls.in_flight.saturating_sub(1);
            self.bulk_calls.ended.push_back(now);
        }
    }

    /// A call that was not drawn was made just now, outside of what this budget plans: it counts anyway.
    pub fn made_elsewhere(&mut self, kind: Draw, now: Timestamp) {
        self.calls.ended.push_back(now);
        if kind == Draw::Bulk {
            self.bulk_calls.ended.push_back(now);
        }
        let spent = self.spent.entry(self.day).or_default();
        *spent = spent.saturating_add(1);
    }

    /// A call that has ended was refused because the limit is exceeded, which the refusal may name. No
    /// calls are left until a window from now.
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
        let Quota { calls, bulk_calls, per_seconds, daily, .. } = self.quota;
        let daily = daily.saturating_sub(self.spent_today());
        let left = self.calls.left(calls, per_seconds, now).min(daily);
        match kind {
            Draw::Single => left,
            Draw::Bulk => left.min(self.bulk_calls.left(bulk_calls, per_seconds, now)),
        }
    }

    /// How many calls of this kind may be made now for waiting work of this urgency.
    pub fn room(&mut self, kind: Draw, urgency: Urgency, now: Timestamp) -> u32 {
        let left = self.left(kind, now);
        if urgency != Urgency::Live {
            self.floors.ask(urgency, kind, now);
        }
        if left == 0 {
            return 0;
        }
        let fair = left
            .min(self.spare(kind, urgency, now))
            .min(self.not_due_below(kind, urgency, left, now));
        fair.max(self.due(kind, urgency, now))
    }

    /// How many calls of this kind are guaranteed to work of this urgency, whatever else waits.
    pub fn due(&mut self, kind: Draw, urgency: Urgency, now: Timestamp) -> u32 {
        let pace = self.pace(kind, urgency);
        self.floors.due(urgency, kind, pace, now).min(self.left(kind, now))
    }

    /// How many of the remaining calls are not guaranteed to less urgent work.
    fn not_due_below(&mut self, kind: Draw, urgency: Urgency, left: u32, now: Timestamp) -> u32 {
        let Quota { bulk_calls, per_seconds, .. } = self.quota;
        let since = now - self.calls.window(per_seconds);
        let (mut singles, mut bulks) = (0, 0);
        for other in Urgency::ALL.into_iter().filter(|other| *other > urgency) {
            let [single, bulk] = [Draw::Single, Draw::Bulk].map(|kind| {
                let pace = self.pace(kind, other);
                self.floors.waits_for(other, kind, pace, since, now)
            });
            singles += single.max(bulk);
            bulks += bulk;
        }
        match kind {
            Draw::Single => left.saturating_sub(singles),
            Draw::Bulk => {
                let of_bulk = self.bulk_calls.left(bulk_calls, per_seconds, now);
                let of_all = self.left(Draw::Single, now);
                left.min(of_bulk.saturating_sub(bulks)).min(of_all.saturating_sub(singles))
            }
        }
    }

    /// Each class less urgent than live changes is guaranteed one call in [`FLOOR`] of a window and, once
    /// its share of the day is used up, one in as many of the day.
    fn pace(&self, kind: Draw, urgency: Urgency) -> Pace {
        let quota = &self.quota;
        let (bucket, configured) = match kind {
            Draw::Single => (&self.calls, quota.calls),
            Draw::Bulk => (&self.bulk_calls, quota.bulk_calls),
        };
        let size = bucket.size(configured, quota.per_seconds).max(1);
        let window = bucket.window(quota.per_seconds).as_secs() * 1000;
        let of_a_window = window * i64::from(FLOOR) / i64::from(size);
        let of_a_day = SECONDS_A_DAY * 1000 * i64::from(FLOOR) / i64::from(quota.daily.max(1));
        let (every, most) = if self.spent_today() < self.most_of_a_day(urgency) {
            (of_a_window, (size / FLOOR).max(1))
        } else {
            (of_a_window.max(of_a_day), 1)
        };
        Pace { every: SignedDuration::from_millis(every), most }
    }

    /// How many calls of a day are for work of this urgency.
    fn most_of_a_day(&self, urgency: Urgency) -> u32 {
        if urgency.can_wait() { self.quota.spare_of_a_day() } else { self.quota.daily }
    }

    /// How many calls of this kind may be made now for work of this urgency, without those reserved for
    /// others.
    fn spare(&mut self, kind: Draw, urgency: Urgency, now: Timestamp) -> u32 {
        if urgency == Urgency::Live {
            return u32::MAX;
        }
        let Quota { calls, bulk_calls, per_seconds, .. } = self.quota;
        let of_the_day = self.most_of_a_day(urgency).saturating_sub(self.spent_today());
        let of_all = self.calls.spare(calls, per_seconds, now).min(of_the_day);
        match kind {
            Draw::Single => of_all,
            Draw::Bulk => of_all.min(self.bulk_calls.spare(bulk_calls, per_seconds, now)),
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

    /// What the account leaves us in a window, if less than configured.
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

/// The hour that contains a time, counted from 1970-01-01.
pub fn hour_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(3_600)
}

/// The day (UTC) that contains a time, counted from 1970-01-01.
pub fn day_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(SECONDS_A_DAY)
}

#[cfg(test)]
mod tests;

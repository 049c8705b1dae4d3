//! Whose turn it is when an account's calls are short.

use jiff::{SignedDuration, Timestamp};

use super::Draw;

/// Work less urgent than live changes gets at least one call in this many, if it waits for one.
pub(super) const FLOOR: u32 = 20;

/// What a call is for, the most urgent first. An account's calls are sent in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Urgency {
    /// A change that was just posted.
    Live,
    /// A record that a person asked to retry.
    Asked,
    /// A record whose earlier attempt failed.
    Retry,
    /// Reads for sweeps, comparisons and the directory, and the changes they found.
    Sweep,
    /// A lead that a backfill reads or syncs.
    Backfill,
}

impl Urgency {
    /// All of them, the most urgent first.
    pub const ALL: [Self; 5] = [Self::Live, Self::Asked, Self::Retry, Self::Sweep, Self::Backfill];

    /// Whether it is not a change that somebody just made and waits for: it leaves a part of the day to
    /// those.
    pub fn can_wait(self) -> bool {
        self >= Self::Sweep
    }

    fn index(self) -> usize {
        self as usize
    }
}

/// How often a call becomes available to work less urgent than live changes, and how many are saved up
/// while none can be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) every: SignedDuration,
    pub(super) most: u32,
}

/// Keeps each kind of calls from starving.
#[derive(Clone, Debug, Default)]
pub(super) struct Floors {
    of: [[Floor; 2]; Urgency::ALL.len()],
}

#[derive(Clone, Copy, Debug, Default)]
struct Floor {
    /// When work last asked for a call.
    asked_at: Option<Timestamp>,
    /// Up to when it has had the calls that became available.
    had: Option<Timestamp>,
}

impl Floor {
    /// How many calls are due.
    fn due(&self, pace: Pace, now: Timestamp) -> u32 {
        let Some(had) = self.had else { return pace.most };
        let every = pace.every.as_millis().max(1);
        let due = now.duration_since(had).as_millis().max(0) / every;
        u32::try_from(due).unwrap_or(u32::MAX).min(pace.most)
    }

    fn made(&mut self, pace: Pace, now: Timestamp) {
        let oldest = now - pace.every * i32::try_from(pace.most).unwrap_or(i32::MAX);
        let had = self.had.map_or(oldest, |had| had.max(oldest));
        *self = Self { asked_at: None, had: Some((had + pace.every).min(now)) };
    }
}

impl Floors {
    fn floor(&mut self, urgency: Urgency, kind: Draw) -> &mut Floor {
        &mut self.of[urgency.index()][usize::from(kind == Draw::Bulk)]
    }

    /// Work of this urgency waits for a call of this kind.
    pub(super) fn ask(&mut self, urgency: Urgency, kind: Draw, now: Timestamp) {
        self.floor(urgency, kind).asked_at = Some(now);
    }

    /// A call is sent for it; `paces` are those of calls and of bulk calls. A bulk call is one of both
    /// kinds.
    pub(super) fn made(&mut self, urgency: Urgency, kind: Draw, paces: [Pace; 2], now: Timestamp) {
        self.floor(urgency, Draw::Single).made(paces[0], now);
        if kind == Draw::Bulk {
            self.floor(urgency, Draw::Bulk).made(paces[1], now);
        }
    }

    /// How many calls of this kind are guaranteed to work of this urgency, whatever else waits.
    pub(super) fn due(&mut self, urgency: Urgency, kind: Draw, pace: Pace, now: Timestamp) -> u32 {
        if urgency == Urgency::Live { 0 } else { self.floor(urgency, kind).due(pace, now) }
    }

    /// How many calls of this kind are guaranteed to work of this urgency, if it has waited for one
    /// since then.
    pub(super) fn waits_for(
        &mut self,
        urgency: Urgency,
        kind: Draw,
        pace: Pace,
        since: Timestamp,
        now: Timestamp,
    ) -> u32 {
        let floor = self.floor(urgency, kind);
        if floor.asked_at.is_some_and(|at| at >= since) { floor.due(pace, now) } else { 0 }
    }
}

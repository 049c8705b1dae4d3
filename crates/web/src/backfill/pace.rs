//! How far a backfill is, how fast it goes, and when it ends.

use jiff::{SignedDuration, Timestamp};
use plan::backfill::BackfillState;
use serde::Serialize;
use store::Backfill;

/// How far a backfill is, and how fast.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pace {
    /// How many of a hundred leads are settled, if it is known how many there are.
    pub percent: Option<u64>,
    /// Leads that were settled in a minute, since it began.
    pub per_minute: Option<u64>,
    /// How many seconds are left at this rate,
    pub seconds_left: Option<u64>,
    /// and when it ends then.
    pub ends_at: Option<Timestamp>,
}

impl Pace {
    /// That of a backfill at this time.
    pub fn of(kept: &Backfill, now: Timestamp) -> Self {
        let is_read = kept.page.is_none();
        let all = if is_read { Some(kept.read) } else { kept.expected };
        let all = all.map(|all| all.max(kept.read));
        let settled = kept.settled() + kept.left_out;
        let percent = match all {
            Some(0) => Some(100),
            Some(all) => Some(settled * 100 / all),
            None => None,
        };
        if kept.state != BackfillState::Running {
            return Self { percent, ..Self::default() };
        }
        let elapsed = now.duration_since(kept.begun_at).as_secs();
        let elapsed = u64::try_from(elapsed).unwrap_or_default();
        if elapsed < SHORTEST || settled == 0 {
            return Self { percent, ..Self::default() };
        }
        let seconds_left = all.map(|all| all.saturating_sub(settled) * elapsed / settled);
        let ends_at = seconds_left.and_then(|left| {
            now.checked_add(SignedDuration::from_secs(i64::try_from(left).ok()?)).ok()
        });
        Self { percent, per_minute: Some(settled * 60 / elapsed), seconds_left, ends_at }
    }
}

/// Before this many seconds have passed, nothing is said about how fast a backfill is.
const SHORTEST: u64 = 5;

#[cfg(test)]
mod tests {
    use plan::backfill::Backfilled;
    use plan::id::ConnectorId;

    use super::*;

    fn kept(read: u64, settled: u64) -> Backfill {
        Backfill {
            id: 1,
            connector: ConnectorId(1),
            begun_at: Timestamp::UNIX_EPOCH,
            actor: String::new(),
            of: Backfilled::default(),
            state: BackfillState::Running,
            page: Some(3),
            event: None,
            read,
            activities: 0,
            left_out: 0,
            expected: Some(10_000),
            problem: None,
            ended_at: None,
            new: settled,
            updated: 0,
            unchanged: 0,
            skipped: 0,
            failed: 0,
            waiting: read - settled,
        }
    }

    #[test]
    fn a_backfill_ends_when_the_rest_went_as_fast() {
        let at = |seconds| Timestamp::from_second(seconds).expect("a time");
        let pace = Pace::of(&kept(3_000, 2_500), at(600));
        assert_eq!((pace.percent, pace.per_minute), (Some(25), Some(250)));
        assert_eq!((pace.seconds_left, pace.ends_at), (Some(1_800), Some(at(2_400))));
        // More were read than there had been.
        let more = Backfill { expected: Some(2_000), ..kept(3_000, 1_500) };
        assert_eq!(Pace::of(&more, at(600)).percent, Some(50));
        // Nobody counted.
        let unknown = Backfill { expected: None, ..kept(3_000, 2_500) };
        let pace = Pace::of(&unknown, at(600));
        assert_eq!((pace.percent, pace.per_minute, pace.ends_at), (None, Some(250), None));
        let read = Backfill { page: None, ..unknown };
        assert_eq!(Pace::of(&read, at(600)).percent, Some(83));
        // It tells nothing yet, or waits.
        assert_eq!(Pace::of(&kept(500, 10), at(2)).per_minute, None);
        let paused = Backfill { state: BackfillState::Paused, ..kept(3_000, 2_500) };
        let pace = Pace { percent: Some(25), ..Pace::default() };
        assert_eq!(Pace::of(&paused, at(600)), pace);
    }
}

//! The health of a connector.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::AccountState;
use crate::incident::ROW;
use crate::outcome::words;

/// A connector fails if at least this many records of the last hours failed,
const SEVERAL: u64 = 5;
/// and they are at least this percentage,
const LARGE_PART: u64 = 30;
/// or if this many attempts in a row failed: people are notified from then on, too.
const IN_A_ROW: u32 = ROW;
/// It is degraded if at least this percentage of a day's records failed,
const SMALL_PART: u64 = 1;
/// or if a request waits longer than this.
const LONG: SignedDuration = SignedDuration::from_mins(5);

words! {
    /// The state of a connector, the best first: that of a pair is the worse of its two.
    ConnectorState {
        /// It syncs what arrives.
        Healthy = "healthy",
        /// Nothing has arrived at it yet.
        WaitingForFirstLead = "waiting_for_first_lead",
        /// It was never enabled.
        NotSetUp = "not_set_up",
        /// Somebody disabled it.
        Paused = "paused",
        /// It syncs, but late, or not everything.
        Degraded = "degraded",
        /// It is held until a person confirms what its webhooks changed.
        Held = "held",
        /// Most of what arrives is not synced.
        Failing = "failing",
    }
}

/// Records that arrived in some time, without those that are left alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrived {
    /// All of them.
    pub records: u64,
    /// Those that failed.
    pub failed: u64,
}

impl Arrived {
    fn has_failed(self, per_cent: u64) -> bool {
        self.failed > 0 && self.failed.saturating_mul(100) >= self.records.saturating_mul(per_cent)
    }
}

/// What is known about a connector.
#[derive(Clone, Debug)]
pub struct ConnectorSigns {
    /// Whether its requests are processed.
    pub enabled: bool,
    /// Since when it is disabled.
    pub disabled_at: Option<Timestamp>,
    /// Since when it is held, and how many leads its webhooks changed.
    pub held: Option<(Timestamp, u64)>,
    /// Requests that have not been started,
    pub waiting: u64,
    /// the oldest of them,
    pub oldest: Option<Timestamp>,
    /// and whether they are expected: a backfill is running.
    pub backfill_runs: bool,
    /// When a record last succeeded,
    pub last_success: Option<Timestamp>,
    /// and when an attempt last failed.
    pub last_failure: Option<Timestamp>,
    /// Failed attempts since an account last accepted a record.
    pub streak: u32,
    /// What arrived in this hour and the one before,
    pub lately: Arrived,
    /// and in the last 24 hours.
    pub day: Arrived,
    /// Since when no webhook has arrived, if that is for longer than its settings say, and how many hours
    /// these are.
    pub silent: Option<(Timestamp, u32)>,
    /// The state of its source,
    pub source: AccountState,
    /// and of its destination.
    pub destination: AccountState,
}

impl ConnectorSigns {
    /// Whether anything ever arrived.
    pub fn is_used(&self) -> bool {
        let ended = self.last_success.is_some() || self.last_failure.is_some();
        ended || self.waiting > 0 || self.day.records > 0
    }
}

/// Why a connector is in its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It was never enabled.
    NeverEnabled,
    /// Nothing has arrived.
    NothingArrived,
    /// Somebody disabled it at this time; this many requests are held.
    Disabled(Option<Timestamp>, u64),
    /// It is held since this time: its webhooks changed this many leads.
    MassChange(Timestamp, u64),
    /// Its destination can't be written to.
    Destination(AccountState),
    /// Its source can't be read.
    Source(AccountState),
    /// This many attempts in a row failed.
    InARow(u32),
    /// Of the records of this and the last hour, so many failed.
    Lately(Arrived),
    /// No webhook has arrived since this time, which is more than this many hours.
    Silent(Timestamp, u32),
    /// Of the records of the last 24 hours, so many failed.
    Day(Arrived),
    /// This many requests wait, the oldest since this time.
    Late(u64, Timestamp),
    /// It works; so many of the last 24 hours' records failed, which are few.
    Works(u64),
}

/// The health of a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectorHealth {
    /// Its state.
    pub state: ConnectorState,
    /// Why.
    pub reason: Reason,
    /// When a record last succeeded.
    pub last_success: Option<Timestamp>,
}

impl ConnectorHealth {
    /// Decides it.
    pub fn of(signs: &ConnectorSigns, now: Timestamp) -> Self {
        let (state, reason) = decide(signs, now);
        Self { state, reason, last_success: signs.last_success }
    }
}

fn decide(signs: &ConnectorSigns, now: Timestamp) -> (ConnectorState, Reason) {
    use ConnectorState::{Degraded, Failing, Healthy, Held, NotSetUp, Paused, WaitingForFirstLead};
    if !signs.enabled {
        return if signs.is_used() {
            (Paused, Reason::Disabled(signs.disabled_at, signs.waiting))
        } else {
            (NotSetUp, Reason::NeverEnabled)
        };
    }
    if let Some((since, changes)) = signs.held {
        return (Held, Reason::MassChange(since, changes));
    }
    if signs.destination.stops_writes() {
        return (Failing, Reason::Destination(signs.destination));
    }
    if signs.streak >= IN_A_ROW {
        return (Failing, Reason::InARow(signs.streak));
    }
    if signs.lately.failed >= SEVERAL && signs.lately.has_failed(LARGE_PART) {
        return (Failing, Reason::Lately(signs.lately));
    }
    // A source that can't be called still posts webhooks.
    if signs.source.stops_writes() {
        return (Degraded, Reason::Source(signs.source));
    }
    if let Some((since, hours)) = signs.silent {
        return (Degraded, Reason::Silent(since, hours));
    }
    if !signs.is_used() {
        return (WaitingForFirstLead, Reason::NothingArrived);
    }
    let late = signs.oldest.filter(|oldest| now.duration_since(*oldest) >= LONG);
    if let Some(oldest) = late.filter(|_| !signs.backfill_runs) {
        return (Degraded, Reason::Late(signs.waiting, oldest));
    }
    if signs.day.has_failed(SMALL_PART) {
        return (Degraded, Reason::Day(signs.day));
    }
    (Healthy, Reason::Works(signs.day.failed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + minutes * 60).unwrap()
    }

    /// Synced a minute ago.
    fn works() -> ConnectorSigns {
        let arrived = Arrived { records: 1_000, failed: 0 };
        ConnectorSigns {
            enabled: true,
            disabled_at: None,
            held: None,
            waiting: 0,
            oldest: None,
            backfill_runs: false,
            last_success: Some(at(-1)),
            last_failure: None,
            streak: 0,
            lately: arrived,
            day: arrived,
            silent: None,
            source: AccountState::Healthy,
            destination: AccountState::Healthy,
        }
    }

    fn state(signs: &ConnectorSigns) -> ConnectorState {
        ConnectorHealth::of(signs, at(0)).state
    }

    #[test]
    fn one_that_syncs_is_healthy_even_if_a_few_records_fail() {
        let found = ConnectorHealth::of(&works(), at(0));
        assert_eq!((found.state, found.reason), (ConnectorState::Healthy, Reason::Works(0)));
        assert_eq!(found.last_success, Some(at(-1)));
        let few = ConnectorSigns { day: Arrived { records: 1_000, failed: 9 }, ..works() };
        let found = ConnectorHealth::of(&few, at(0));
        assert_eq!((found.state, found.reason), (ConnectorState::Healthy, Reason::Works(9)));
    }

    #[test]
    fn it_is_degraded_when_it_is_late_or_some_fail() {
        let some = Arrived { records: 1_000, failed: 10 };
        let late = ConnectorSigns { waiting: 3, oldest: Some(at(-5)), ..works() };
        let cases = [
            (ConnectorSigns { day: some, ..works() }, Reason::Day(some)),
            (late.clone(), Reason::Late(3, at(-5))),
            (
                ConnectorSigns { source: AccountState::KeysRefused, ..works() },
                Reason::Source(AccountState::KeysRefused),
            ),
            (
                ConnectorSigns { silent: Some((at(-300), 5)), ..works() },
                Reason::Silent(at(-300), 5),
            ),
        ];
        for (signs, reason) in cases {
            let found = ConnectorHealth::of(&signs, at(0));
            assert_eq!((found.state, found.reason), (ConnectorState::Degraded, reason));
        }
        // A backfill fills the queue on purpose, and a short wait is normal.
        let backfill = ConnectorSigns { backfill_runs: true, ..late.clone() };
        let short = ConnectorSigns { oldest: Some(at(-4)), ..late };
        for signs in [backfill, short] {
            assert_eq!(state(&signs), ConnectorState::Healthy);
        }
    }

    #[test]
    fn it_fails_when_most_is_not_synced() {
        let most = Arrived { records: 16, failed: 5 };
        let away = AccountState::Unreachable;
        let cases = [
            (ConnectorSigns { lately: most, ..works() }, Reason::Lately(most)),
            (ConnectorSigns { streak: 5, ..works() }, Reason::InARow(5)),
            (ConnectorSigns { destination: away, ..works() }, Reason::Destination(away)),
        ];
        for (signs, reason) in cases {
            let found = ConnectorHealth::of(&signs, at(0));
            assert_eq!((found.state, found.reason), (ConnectorState::Failing, reason));
        }
        // Too few to tell, or too small a part.
        for failing in [Arrived { records: 4, failed: 4 }, Arrived { records: 100, failed: 29 }] {
            assert_eq!(
                state(&ConnectorSigns { lately: failing, ..works() }),
                ConnectorState::Healthy
            );
        }
        let low = ConnectorSigns { destination: AccountState::QuotaLow, ..works() };
        assert_eq!(state(&low), ConnectorState::Healthy);
    }

    #[test]
    fn who_paused_it_or_has_not_set_it_up_knows() {
        let failing = Arrived { records: 100, failed: 100 };
        let paused = ConnectorSigns {
            enabled: false,
            disabled_at: Some(at(-60)),
            waiting: 4,
            lately: failing,
            day: failing,
            destination: AccountState::KeysRefused,
            ..works()
        };
        let found = ConnectorHealth::of(&paused, at(0));
        let reason = Reason::Disabled(Some(at(-60)), 4);
        assert_eq!((found.state, found.reason), (ConnectorState::Paused, reason));
        let none = Arrived::default();
        let fresh = ConnectorSigns { last_success: None, lately: none, day: none, ..works() };
        assert_eq!(state(&fresh), ConnectorState::WaitingForFirstLead);
        let silent = ConnectorSigns { silent: Some((at(-300), 5)), ..fresh.clone() };
        assert_eq!(state(&silent), ConnectorState::Degraded, "nothing ever arrived");
        assert_eq!(state(&ConnectorSigns { enabled: false, ..fresh }), ConnectorState::NotSetUp);
        let held = ConnectorSigns { held: Some((at(-9), 800)), ..works() };
        assert_eq!(state(&held), ConnectorState::Held);
    }

    #[test]
    fn the_worse_of_two_is_that_of_a_pair() {
        use ConnectorState::{Degraded, Failing, Healthy, Paused};
        assert!(Failing > Degraded && Degraded > Paused && Paused > Healthy);
    }
}

//! The health of an account.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::outcome::words;
use crate::problem::{Code, Problem};
use crate::quota::forecast::Forecast;

words! {
    /// The state of an account, the best first.
    AccountState {
        /// It responds, and its calls for the day will do.
        Healthy = "healthy",
        /// It was never called.
        NotCalled = "not_called",
        /// At the current rate, its calls for the day run out early.
        QuotaLow = "quota_low",
        /// Its calls for the day are used up.
        QuotaUsedUp = "quota_used_up",
        /// It does not respond.
        Unreachable = "unreachable",
        /// It refuses its API keys.
        KeysRefused = "keys_refused",
    }
}

impl AccountState {
    /// Whether nothing can be written to it.
    pub fn stops_writes(self) -> bool {
        matches!(self, Self::QuotaUsedUp | Self::Unreachable | Self::KeysRefused)
    }
}

/// What is known about an account.
#[derive(Clone, Debug)]
pub struct AccountSigns {
    /// When it last responded to a call.
    pub responded_at: Option<Timestamp>,
    /// Since when no calls are made because it does not respond or refuses its keys, and why.
    pub closed: Option<(Timestamp, Problem)>,
    /// The forecast for its day.
    pub forecast: Option<Forecast>,
}

/// The health of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountHealth {
    /// Its state.
    pub state: AccountState,
    /// Since when, if that is known.
    pub since: Option<Timestamp>,
    /// Why it does not respond, or refuses its keys.
    pub problem: Option<Problem>,
    /// When it last responded to a call.
    pub responded_at: Option<Timestamp>,
}

impl AccountHealth {
    /// Decides it.
    pub fn of(signs: AccountSigns) -> Self {
        let AccountSigns { responded_at, closed, forecast } = signs;
        if let Some((since, problem)) = closed {
            let state = if problem.code == Code::Credentials {
                AccountState::KeysRefused
            } else {
                AccountState::Unreachable
            };
            return Self { state, since: Some(since), problem: Some(problem), responded_at };
        }
        let state = if forecast.is_some_and(|forecast| forecast.left == 0) {
            AccountState::QuotaUsedUp
        } else if forecast.is_some_and(|forecast| forecast.is_early) {
            AccountState::QuotaLow
        } else if responded_at.is_none() {
            AccountState::NotCalled
        } else {
            AccountState::Healthy
        };
        Self { state, since: None, problem: None, responded_at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quota::Quota;
    use crate::quota::forecast::Spending;

    fn state(closed: Option<Code>, responded: bool, today: u32, rate: u32) -> AccountState {
        let now: Timestamp = "2026-11-30T15:00:00Z".parse().unwrap();
        let spending = Spending { today, this_hour: 0, last_hour: rate };
        let signs = AccountSigns {
            responded_at: responded.then_some(now),
            closed: closed.map(|code| (now, Problem::new(code, "It does not work.", "Wait."))),
            forecast: Some(Forecast::new(Quota::PRO, spending, now)),
        };
        let health = AccountHealth::of(signs);
        assert_eq!(health.since.is_some(), closed.is_some());
        health.state
    }

    #[test]
    fn what_stops_everything_counts_more_than_the_quota() {
        for (closed, responded, today, rate, expected) in [
            (None, true, 100, 10, AccountState::Healthy),
            (None, false, 0, 0, AccountState::NotCalled),
            (None, true, 8_000, 1_200, AccountState::QuotaLow),
            (None, true, 10_000, 0, AccountState::QuotaUsedUp),
            (Some(Code::Unreachable), true, 10_000, 0, AccountState::Unreachable),
            (Some(Code::AccountError), false, 0, 0, AccountState::Unreachable),
            (Some(Code::Credentials), true, 10_000, 0, AccountState::KeysRefused),
        ] {
            assert_eq!(state(closed, responded, today, rate), expected);
        }
    }
}

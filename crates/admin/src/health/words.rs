//! Why a connector or an account is in its state, in a sentence. Times are passed on next to it: each
//! face shows them in its own way.

use jiff::Timestamp;
use plan::health::{AccountHealth, AccountState, Arrived, Reason};
use plan::silence;

use crate::words::number;

/// The reason, and since when it holds.
pub(super) fn of_connector(
    reason: &Reason,
    source: &str,
    destination: &str,
) -> (String, Option<Timestamp>) {
    match *reason {
        Reason::NeverEnabled => ("Setup isn't finished.".to_owned(), None),
        Reason::NothingArrived => ("Nothing has arrived yet.".to_owned(), None),
        Reason::Disabled(since, 0) => ("Paused by hand.".to_owned(), since),
        Reason::Disabled(since, held) => {
            (format!("Paused by hand; {} held.", requests(held)), since)
        }
        Reason::MassChange(since, changes) => {
            let changes = number(changes);
            (format!("Held: webhooks changed {changes} leads within an hour."), Some(since))
        }
        Reason::Destination(state) => (of_state(destination, state), None),
        Reason::Source(state) => {
            (format!("{} Its webhooks are still received.", of_state(source, state)), None)
        }
        Reason::InARow(attempts) => (format!("The last {attempts} attempts failed."), None),
        Reason::Lately(Arrived { records, failed }) => {
            (format!("{} of the last {} records failed.", number(failed), number(records)), None)
        }
        Reason::Silent(since, hours) => (
            format!(
                "No webhook from {source} has arrived for more than {}.",
                silence::hours(hours)
            ),
            Some(since),
        ),
        Reason::Day(Arrived { records, failed }) => {
            let (failed, records) = (number(failed), number(records));
            (format!("{failed} of {records} records failed in the last 24 hours."), None)
        }
        Reason::Late(waiting, oldest) => {
            (format!("{} queued for more than 5 minutes.", requests(waiting)), Some(oldest))
        }
        Reason::Works(0) => ("Syncing.".to_owned(), None),
        Reason::Works(failed) => {
            let failed = match failed {
                1 => "1 record".to_owned(),
                many => format!("{} records", number(many)),
            };
            (format!("Syncing; {failed} failed in the last 24 hours."), None)
        }
    }
}

fn requests(count: u64) -> String {
    let or_more = if count == store::Waiting::MOST { " or more" } else { "" };
    format!("{}{or_more} request{}", number(count), if count == 1 { "" } else { "s" })
}

fn of_state(account: &str, state: AccountState) -> String {
    match state {
        AccountState::Healthy => format!("{account} responds."),
        AccountState::NotCalled => format!("{account} has not been called yet."),
        AccountState::QuotaLow => format!("The daily quota of {account} is running out."),
        AccountState::QuotaUsedUp => format!("The daily quota of {account} is used up."),
        AccountState::Unreachable => format!("{account} is not responding."),
        AccountState::KeysRefused => format!("{account} refuses its API keys."),
    }
}

pub(super) fn of_account(health: &AccountHealth) -> String {
    let problem = health.problem.as_ref().map(|problem| problem.message.clone());
    problem.unwrap_or_else(|| {
        let text = match health.state {
            AccountState::Healthy => "Responds to calls.",
            AccountState::NotCalled => "No calls have been made yet.",
            AccountState::QuotaLow => "The daily quota is running out.",
            AccountState::QuotaUsedUp => "The daily quota is used up.",
            AccountState::Unreachable => "Not responding.",
            AccountState::KeysRefused => "Refuses its API keys.",
        };
        text.to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_sentences() {
        let at = Timestamp::UNIX_EPOCH;
        let arrived = Arrived { records: 1_200, failed: 900 };
        for (reason, expected) in [
            (Reason::Disabled(Some(at), 0), "Paused by hand."),
            (Reason::Disabled(None, 1), "Paused by hand; 1 request held."),
            (Reason::MassChange(at, 8_000), "Held: webhooks changed 8,000 leads within an hour."),
            (Reason::Destination(AccountState::KeysRefused), "b refuses its API keys."),
            (
                Reason::Source(AccountState::Unreachable),
                "a is not responding. Its webhooks are still received.",
            ),
            (Reason::Lately(arrived), "900 of the last 1,200 records failed."),
            (Reason::Day(arrived), "900 of 1,200 records failed in the last 24 hours."),
            (Reason::Late(10_000, at), "10,000 or more requests queued for more than 5 minutes."),
            (Reason::Silent(at, 1), "No webhook from a has arrived for more than 1 hour."),
            (Reason::Works(1), "Syncing; 1 record failed in the last 24 hours."),
        ] {
            assert_eq!(of_connector(&reason, "a", "b").0, expected);
        }
        let (_, since) = of_connector(&Reason::Disabled(Some(at), 0), "a", "b");
        assert_eq!(since, Some(at));
    }
}

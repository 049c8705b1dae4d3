//! The states of connectors and accounts: a tone and a word for each.

use admin::health::{AccountCondition, ConnectorCondition};
use jiff::Timestamp;
use plan::health::{AccountState, ConnectorState};

/// A state as `parts::state` shows it, with its reason.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    /// `good`, `bad`, `warn`, `busy` or `quiet`.
    pub(super) tone: &'static str,
    pub(super) word: &'static str,
    /// Why, in a sentence,
    pub(super) reason: String,
    /// and since when, if that is known.
    pub(super) since: Option<Timestamp>,
}

impl From<&ConnectorCondition> for Shown {
    fn from(condition: &ConnectorCondition) -> Self {
        let (tone, word) = of_connector(condition.state);
        Self { tone, word, reason: condition.reason.clone(), since: condition.since }
    }
}

impl From<&AccountCondition> for Shown {
    fn from(condition: &AccountCondition) -> Self {
        let (tone, word) = of_account(condition.state);
        Self { tone, word, reason: condition.reason.clone(), since: condition.since }
    }
}

/// A connector that a person paused is not failing.
fn of_connector(state: ConnectorState) -> (&'static str, &'static str) {
    match state {
        ConnectorState::Healthy => ("good", "Healthy"),
        ConnectorState::WaitingForFirstLead => ("busy", "Waiting for the first lead"),
        ConnectorState::NotSetUp => ("quiet", "Not set up"),
        ConnectorState::Paused => ("quiet", "Paused"),
        ConnectorState::Degraded => ("warn", "Degraded"),
        ConnectorState::Held => ("bad", "Held"),
        ConnectorState::Failing => ("bad", "Failing"),
    }
}

fn of_account(state: AccountState) -> (&'static str, &'static str) {
    match state {
        AccountState::Healthy => ("good", "Healthy"),
        AccountState::NotCalled => ("quiet", "Not called yet"),
        AccountState::QuotaLow => ("warn", "Quota running out"),
        AccountState::QuotaUsedUp => ("bad", "Quota used up"),
        AccountState::Unreachable => ("bad", "Not responding"),
        AccountState::KeysRefused => ("bad", "Keys refused"),
    }
}

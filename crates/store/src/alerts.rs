//! The addresses that receive alerts.

use async_trait::async_trait;
use jiff::Timestamp;
use plan::alert::Address;
use plan::id::ConnectorId;
use secrecy::SecretString;
use serde::Serialize;

use crate::audit::Actor;
use crate::error::Result;
use crate::mail::{MailState, NewMail};

/// The most addresses.
pub const MOST_ALERTS: usize = 50;

/// Reading and changing the addresses that receive alerts.
#[async_trait]
pub trait Alerts: Send + Sync + std::fmt::Debug {
    /// Every address, oldest first, with what was last sent to it.
    async fn alerts(&self) -> Result<Vec<Alert>>;

    /// Adds an address, with an entry in the audit log; returns its number.
    async fn add_alert(&self, new: NewAlert, actor: &Actor, now: Timestamp) -> Result<i64>;

    /// Removes an address, with an entry in the audit log. Alerts that wait to be sent to it are
    /// dropped. Returns false if no address has this number.
    async fn remove_alert(&self, id: i64, actor: &Actor, now: Timestamp) -> Result<bool>;

    /// Where to send what is for this address; `None`: it was removed.
    async fn alert_target(&self, id: i64) -> Result<Option<Target>>;

    /// Queues a test of an address, with an entry in the audit log.
    async fn test_alert(&self, mail: NewMail, actor: &Actor, now: Timestamp) -> Result<()>;
}

/// An address to be added.
#[derive(Clone, Debug)]
pub struct NewAlert {
    /// The address.
    pub address: Address,
    /// Whose alerts it receives.
    pub connectors: AlertConnectors,
}

/// Whose alerts an address receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlertConnectors {
    /// Those of every connector, also of those that are added later.
    All,
    /// Those of these connectors.
    Some(Vec<ConnectorId>),
}

impl AlertConnectors {
    /// Whether this connector is among them.
    pub fn have(&self, connector: ConnectorId) -> bool {
        match self {
            Self::All => true,
            Self::Some(some) => some.contains(&connector),
        }
    }
}

/// An address that receives alerts.
#[derive(Clone, Debug)]
pub struct Alert {
    /// Its number.
    pub id: i64,
    /// An email address; of a webhook, its host and the last characters of its URL.
    pub shown: String,
    /// Whether it is a webhook.
    pub is_webhook: bool,
    /// Whose alerts it receives.
    pub connectors: AlertConnectors,
    /// When it was added.
    pub made_at: Timestamp,
    /// What was last sent to it.
    pub last: Option<LastAlert>,
}

/// What was last sent to an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LastAlert {
    /// When it was queued.
    pub at: Timestamp,
    /// Whether it arrived.
    pub state: MailState,
    /// Why its last try failed.
    pub error: Option<String>,
}

/// Where to send what is for an address.
#[derive(Clone, Debug)]
pub enum Target {
    /// By email, to the recipient of the mail.
    Email,
    /// To this URL.
    Webhook(SecretString),
}

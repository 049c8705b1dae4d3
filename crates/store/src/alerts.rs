//! The addresses that receive alerts.

use async_trait::async_trait;
use jiff::Timestamp;
use plan::alert::Address;
use plan::digest::{Digest, Period};
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

    /// Sets what an address receives, with an entry in the audit log. Returns false if no address has this
    /// number.
    async fn edit_alert(
        &self,
        id: i64,
        receives: Receives,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<bool>;

    /// Removes an address, with an entry in the audit log. Alerts that wait to be sent to it are
    /// dropped. Returns false if no address has this number.
    async fn remove_alert(&self, id: i64, actor: &Actor, now: Timestamp) -> Result<bool>;

    /// Where to send what is for this address; `None`: it was removed.
    async fn alert_target(&self, id: i64) -> Result<Option<Target>>;

    /// Notes that the digest of this time was sent to an address, and queues it. Returns false, and does
    /// nothing, if another node sent one since the address was read, or it no longer wants any.
    async fn queue_digest(
        &self,
        alert: &Alert,
        period: &Period,
        mail: NewMail,
        now: Timestamp,
    ) -> Result<bool>;

    /// Queues a test of an address, with an entry in the audit log.
    async fn test_alert(&self, mail: NewMail, actor: &Actor, now: Timestamp) -> Result<()>;
}

/// An address to be added.
#[derive(Clone, Debug)]
pub struct NewAlert {
    /// The address.
    pub address: Address,
    /// What it receives.
    pub receives: Receives,
}

/// What an address receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receives {
    /// What is about which connectors.
    pub connectors: AlertConnectors,
    /// Whether alerts are sent at once.
    pub immediate: bool,
    /// The digest, if it wants one.
    pub digest: Option<Digest>,
}

impl Receives {
    /// Alerts of all connectors, at once.
    pub const ALERTS: Self =
        Self { connectors: AlertConnectors::All, immediate: true, digest: None };
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
    /// Whether alerts are sent at once.
    pub immediate: bool,
    /// Its digest, if it wants one.
    pub digest: Option<WantedDigest>,
    /// When it was added.
    pub made_at: Timestamp,
    /// What was last sent to it.
    pub last: Option<LastAlert>,
}

/// The digest of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WantedDigest {
    /// How often, and when.
    pub digest: Digest,
    /// Since when it is wanted.
    pub since: Timestamp,
    /// When the last one was due; `None`: none was sent yet.
    pub sent: Option<Timestamp>,
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

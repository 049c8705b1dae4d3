//! Accounts and connectors.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use plan::connector::Definition;
use plan::id::{AccountId, ConnectorId};
use plan::metadata::{Catalogue, FieldChange};
use plan::quota::Quota;
use plan::traits::Trait;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::audit::Actor;
use crate::error::{Error, Result};
use crate::progress::TraitNews;
use crate::token::{Token, TokenHash};

/// Reading and changing accounts and connectors, and the metadata of accounts.
#[async_trait]
pub trait Settings: Send + Sync + std::fmt::Debug {
    /// A number that increases with each change of the configuration. Cheap: nodes poll it.
    async fn configuration_version(&self) -> Result<i64>;

    /// Accounts (with their keys) and connectors as they are.
    async fn configuration(&self) -> Result<Configuration>;

    /// Applies these changes, all or none, in order, each with an entry in the audit log; returns
    /// the new configuration version. An empty list changes nothing, not even the version.
    async fn change_configuration(
        &self,
        changes: Vec<Change>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<i64>;

    /// Notes that a connector's webhook URL was verified, unless that was noted within the last
    /// minute.
    async fn note_verified(&self, connector: ConnectorId, at: Timestamp) -> Result<()>;

    /// Notes when the webhook URLs with these tokens were last used.
    async fn note_urls_used(&self, used: HashMap<TokenHash, Timestamp>) -> Result<()>;

    /// The definition that a connector had at this version.
    async fn definition(&self, connector: ConnectorId, version: i64) -> Result<Option<Definition>>;

    /// The versions of a connector's settings, newest first. At most `limit`.
    async fn versions(&self, connector: ConnectorId, limit: usize) -> Result<Vec<Version>>;

    /// An account's metadata as last fetched, and when.
    async fn catalogue(&self, account: AccountId) -> Result<Option<(Timestamp, Catalogue)>>;

    /// Stores an account's metadata, and notes changes of its fields that may break a mapping.
    async fn store_catalogue(
        &self,
        account: AccountId,
        catalogue: &Catalogue,
        at: Timestamp,
    ) -> Result<()>;

    /// What responses of an account revealed about it, and when.
    async fn traits(&self, account: AccountId) -> Result<Vec<(Timestamp, Trait)>>;

    /// Stores what responses of accounts revealed.
    async fn note_traits(&self, news: Vec<TraitNews>) -> Result<()>;

    /// Starts a probe of an account, taken to be running until then, unless one already is. Returns
    /// whether it started. One that `writes` is noted in the audit log.
    async fn begin_probe(
        &self,
        account: &Account,
        writes: bool,
        actor: &Actor,
        between: (Timestamp, Timestamp),
    ) -> Result<bool>;

    /// Extends the running probe until then; `None`: it ended.
    async fn hold_probe(&self, account: AccountId, until: Option<Timestamp>) -> Result<()>;

    /// What changed in an account's fields after this time, oldest first.
    async fn field_changes(
        &self,
        account: AccountId,
        since: Timestamp,
    ) -> Result<Vec<(Timestamp, FieldChange)>>;
}

/// Accounts and connectors at one version.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    /// Increases with each change.
    pub version: i64,
    /// By name.
    pub accounts: Vec<Account>,
    /// By name.
    pub connectors: Vec<Connector>,
    /// When the store was restored from a backup, if it was: what was done between the backup and
    /// then is unknown.
    pub restored_at: Option<Timestamp>,
}

impl Configuration {
    /// The account of this name.
    pub fn account(&self, name: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.name == name)
    }

    /// The account of this id.
    pub fn account_by_id(&self, id: AccountId) -> Option<&Account> {
        self.accounts.iter().find(|account| account.id == id)
    }

    /// The account of this id, which a connector names.
    ///
    /// # Errors
    /// The account was removed meanwhile.
    pub fn account_of(&self, id: AccountId) -> Result<&Account> {
        self.account_by_id(id)
            .ok_or_else(|| Error::Refused("the connector's account is not configured".to_owned()))
    }

    /// The connector in the opposite direction, which makes a pair with this one. If there are
    /// several, an enabled one.
    pub fn opposite(&self, connector: &Connector) -> Option<&Connector> {
        let is_opposite = |other: &&Connector| {
            other.source == connector.destination && other.destination == connector.source
        };
        let others = || self.connectors.iter().filter(is_opposite);
        others().find(|other| other.enabled).or_else(|| others().next())
    }

    /// The connector of this name.
    pub fn connector(&self, name: &str) -> Option<&Connector> {
        self.connectors.iter().find(|connector| connector.definition.name == name)
    }
}

/// One LeadSquared account.
#[derive(Clone, Debug)]
pub struct Account {
    /// The store's number for it.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// Its API host, with the scheme: `https://api-in21.leadsquared.com`.
    pub host: String,
    /// Its keys.
    pub keys: Keys,
    /// Its quota.
    pub plan: AccountPlan,
}

/// An account's keys. They are stored encrypted, and never printed.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The access key.
    pub access: SecretString,
    /// The secret key.
    pub secret: SecretString,
}

/// The plan that an account is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountPlan {
    /// LeadSquared's *Pro*.
    Pro,
    /// LeadSquared's *Super*.
    Super,
    /// A custom quota.
    Quota(Quota),
}

impl AccountPlan {
    /// How many calls the account allows in a given time.
    pub fn quota(self) -> Quota {
        match self {
            Self::Pro => Quota::PRO,
            Self::Super => Quota::SUPER,
            Self::Quota(quota) => quota,
        }
    }
}

/// A connector in its current state.
#[derive(Clone, Debug)]
pub struct Connector {
    /// The store's number for it.
    pub id: ConnectorId,
    /// Its settings.
    pub definition: Definition,
    /// The version of these settings: 1 for the first.
    pub version: i64,
    /// When they were saved.
    pub saved_at: Timestamp,
    /// The source account.
    pub source: AccountId,
    /// The destination account.
    pub destination: AccountId,
    /// Whether its requests are processed.
    pub enabled: bool,
    /// Since when it has been disabled, if it is.
    pub disabled_at: Option<Timestamp>,
    /// When its webhook URL was last verified, to a minute.
    pub verified_at: Option<Timestamp>,
    /// The native webhooks that were created for it in the source account.
    pub wiring: Option<Wiring>,
    /// The secret part of its webhook URL.
    pub token: Token,
    /// The hash by which the receiver finds the connector.
    pub token_hash: TokenHash,
    /// When the URL was made or last replaced, if it was since this is noted.
    pub url_since: Option<Timestamp>,
    /// When it was last used, to a minute.
    pub url_used: Option<Timestamp>,
    /// The URLs that it replaced, the newest first.
    pub former_urls: Vec<FormerUrl>,
}

/// A webhook URL that was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormerUrl {
    /// The hash of its token.
    pub token_hash: TokenHash,
    /// When it was replaced.
    pub replaced_at: Timestamp,
    /// Until when it is valid beside the current one.
    pub ends_at: Timestamp,
    /// When it was last used, to a minute.
    pub used_at: Option<Timestamp>,
}

/// One saved version of a connector's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Version {
    /// Its number: 1 for the first.
    pub version: i64,
    /// When it was saved.
    pub at: Timestamp,
    /// By whom, as the audit log names them.
    pub actor: String,
    /// The settings.
    pub definition: Definition,
}

/// The native webhooks in a source account that were created for a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wiring {
    /// The hash of the secret that they send.
    pub secret: TokenHash,
    /// When they were created.
    pub at: Timestamp,
}

/// One change of the configuration.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a handful exist at a time")]
pub enum Change {
    /// Adds the account of this name, or changes it to this.
    PutAccount {
        /// Its name.
        name: String,
        /// Its API host.
        host: String,
        /// Its keys.
        keys: Keys,
        /// Its plan.
        plan: AccountPlan,
    },
    /// Removes an account that no connector uses.
    RemoveAccount {
        /// Its name.
        name: String,
    },
    /// Adds the connector of this name, disabled and with this token, or saves a new version of
    /// it, leaving its token and whether it is enabled as they are. The accounts that it names
    /// must exist; those of an existing connector can't be changed.
    PutConnector {
        /// Its settings.
        definition: Definition,
        /// The token for a new connector.
        token: Token,
        /// The version that these settings were based on, 0 for none: if the connector is at
        /// another version by now, nothing is changed ([`crate::Error::Changed`]). `None` skips
        /// this check.
        made_from: Option<i64>,
    },
    /// Enables or disables a connector.
    SetEnabled {
        /// Its name.
        name: String,
        /// Whether its requests are processed from now on.
        enabled: bool,
    },
    /// Notes an account's answer to a question of [`plan::probe`] as given by a person, or forgets
    /// the answer.
    SetAnswer {
        /// The account's name.
        account: String,
        /// The question's name.
        question: String,
        /// The answer's name; `None` forgets it.
        answer: Option<String>,
    },
    /// Notes that the source account's native webhooks were created with this secret, or that they
    /// are gone.
    SetWiring {
        /// The connector's name.
        name: String,
        /// The secret's hash.
        secret: Option<TokenHash>,
    },
    /// Gives a connector's webhook URL another token.
    ReplaceUrl {
        /// The connector's name.
        name: String,
        /// The new token.
        token: Token,
        /// How long the former URL stays valid.
        overlap: SignedDuration,
    },
    /// Ends the validity of the URLs that were replaced.
    EndFormerUrls {
        /// The connector's name.
        name: String,
    },
    /// Removes a connector with its requests, and the links of its accounts if no other connector
    /// has the same two.
    RemoveConnector {
        /// Its name.
        name: String,
    },
}

//! Connectors: their settings, and whether they run.

use jiff::{SignedDuration, Timestamp};
use plan::connector::Definition;
use serde::Serialize;
use store::{Actor, Change, Configuration, Connector, Store, Token};

use crate::Admin;
use crate::health::{ConnectorCondition, Signs};
use crate::refused::{Refused, Result};

/// A connector in a list. Its webhook URL is a secret and is shown elsewhere.
#[derive(Debug, Serialize)]
pub struct ConnectorItem {
    /// Its name.
    pub name: String,
    /// The account that leads come from.
    pub source: String,
    /// The account that they go to.
    pub destination: String,
    /// Whether its requests are processed.
    pub enabled: bool,
    /// Since when it is disabled.
    pub disabled_at: Option<Timestamp>,
    /// The version of its settings.
    pub version: i64,
}

impl From<&Connector> for ConnectorItem {
    fn from(connector: &Connector) -> Self {
        let Definition { name, source, destination, .. } = &connector.definition;
        Self {
            name: name.clone(),
            source: source.clone(),
            destination: destination.clone(),
            enabled: connector.enabled,
            disabled_at: connector.disabled_at,
            version: connector.version,
        }
    }
}

/// A connector in a list with its health.
#[derive(Debug, Serialize)]
pub struct ListedConnector {
    /// The connector.
    #[serde(flatten)]
    pub item: ConnectorItem,
    /// The connector in the opposite direction: the two are a pair.
    pub opposite: Option<String>,
    /// Its health.
    pub health: ConnectorCondition,
}

/// Every connector with its health.
///
/// # Errors
/// The store failed.
pub async fn list(
    store: &dyn Store,
    configuration: &Configuration,
    now: Timestamp,
) -> store::Result<Vec<ListedConnector>> {
    let signs = Signs::read(store, configuration, now).await?;
    let listed = |connector: &Connector| {
        let opposite = configuration.opposite(connector);
        ListedConnector {
            item: ConnectorItem::from(connector),
            opposite: opposite.map(|other| other.definition.name.clone()),
            health: signs.of_connector(connector),
        }
    };
    Ok(configuration.connectors.iter().map(listed).collect())
}

/// The connector of this name.
///
/// # Errors
/// No connector has this name.
pub fn known<'a>(configuration: &'a Configuration, name: &str) -> Result<&'a Connector> {
    let known = configuration.connector(name);
    known.ok_or_else(|| Refused::not_found("connector", name, "connectors"))
}

/// Applies these settings to the connector; returns whether it is new, and the result.
///
/// # Errors
/// The settings are invalid, or were changed since the version that they are based on.
pub async fn save(
    admin: &Admin,
    actor: &Actor,
    definition: &Definition,
    enabled: Option<bool>,
    made_from: Option<i64>,
) -> Result<(bool, Connector)> {
    let configuration = admin.store.configuration().await?;
    must_be_valid(&configuration, definition)?;
    let is_new = configuration.connector(&definition.name).is_none();
    let changes = configuration.to_put_connector(definition, enabled, made_from)?;
    if !changes.is_empty() {
        admin.change(changes, actor).await?;
    }
    let configuration = admin.store.configuration().await?;
    Ok((is_new, known(&configuration, &definition.name)?.clone()))
}

/// Refuses settings that are invalid, or of accounts that do not exist.
pub(crate) fn must_be_valid(configuration: &Configuration, definition: &Definition) -> Result<()> {
    let faults = definition.check();
    if !faults.is_empty() {
        return Err(Refused::Invalid(faults));
    }
    for (at, account) in [("source", &definition.source), ("destination", &definition.destination)]
    {
        if configuration.account(account).is_none() {
            return Err(Refused::wrong(
                at,
                format!("the account '{account}' does not exist; add it first"),
            ));
        }
    }
    Ok(())
}

/// How long a replaced webhook URL stays valid unless asked otherwise, in hours.
pub const OLD_URL_HOURS: u32 = 7 * 24;
/// The longest such time, in hours.
pub const LONGEST_OLD_URL_HOURS: u32 = 365 * 24;

/// Replaces a connector's webhook URL; the old one stays valid for this many hours, so that the automations
/// of the source account can be changed meanwhile. Returns the connector with its new URL.
///
/// # Errors
/// There is no such connector, or the time is too long.
pub async fn replace_url(
    admin: &Admin,
    actor: &Actor,
    name: &str,
    keep_hours: u32,
) -> Result<Connector> {
    known(&admin.store.configuration().await?, name)?;
    if keep_hours > LONGEST_OLD_URL_HOURS {
        let most = format!("is {keep_hours}; use at most {LONGEST_OLD_URL_HOURS} hours (a year)");
        return Err(Refused::wrong("keep_hours", most));
    }
    let change = Change::ReplaceUrl {
        name: name.to_owned(),
        token: Token::for_webhook()?,
        overlap: SignedDuration::from_hours(keep_hours.into()),
    };
    admin.change(vec![change], actor).await?;
    Ok(known(&admin.store.configuration().await?, name)?.clone())
}

/// Ends the validity of the URLs that a connector had before.
///
/// # Errors
/// There is no such connector.
pub async fn end_old_urls(admin: &Admin, actor: &Actor, name: &str) -> Result<()> {
    known(&admin.store.configuration().await?, name)?;
    admin.change(vec![Change::EndFormerUrls { name: name.to_owned() }], actor).await?;
    Ok(())
}

/// Enables or disables these connectors, except those that already are, all at once.
///
/// # Errors
/// There is no such connector.
pub async fn set_enabled(
    admin: &Admin,
    actor: &Actor,
    names: &[&str],
    enabled: bool,
) -> Result<()> {
    let configuration = admin.store.configuration().await?;
    let mut changes = Vec::new();
    for name in names {
        if known(&configuration, name)?.enabled != enabled {
            changes.push(Change::SetEnabled { name: (*name).to_owned(), enabled });
        }
    }
    if !changes.is_empty() {
        admin.change(changes, actor).await?;
    }
    Ok(())
}

/// Resumes a connector that is held because its webhooks changed many leads.
///
/// # Errors
/// It is not held.
pub async fn confirm_mass_change(
    admin: &Admin,
    actor: &Actor,
    connector: &Connector,
) -> Result<()> {
    let which = (connector.id, connector.definition.name.as_str());
    admin.store.confirm_mass_change(which, actor, admin.now()).await?;
    admin.wake.notify_one();
    Ok(())
}

/// Refuses a connector that is disabled.
pub(crate) fn must_be_enabled(connector: &Connector) -> Result<()> {
    if connector.enabled {
        return Ok(());
    }
    Err(Refused::wrong("connector", "is disabled; enable it first"))
}

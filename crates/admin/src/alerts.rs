//! The addresses that receive alerts.

use std::time::Duration;

use jiff::Timestamp;
use plan::alert::{Address, Kind};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use store::{
    Actor, Alert, AlertConnectors, Configuration, ForAlert, LastAlert, MailState, NewAlert,
    NewMail, Token,
};

use crate::Admin;
use crate::connectors::known;
use crate::refused::{Refused, Result};

/// How long somebody who tests an address waits for the outcome: longer than a webhook may take, and the
/// queue's interval.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often the outcome is looked up.
const LOOK: Duration = Duration::from_millis(200);

/// An address that somebody wants to receive alerts.
#[derive(Debug)]
pub struct AlertWish {
    /// An email address or a webhook's URL, as typed.
    pub address: SecretString,
    /// The names of the connectors whose alerts it receives; `None`: of all.
    pub connectors: Option<Vec<String>>,
}

/// An address that receives alerts, as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct AlertItem {
    /// Its number.
    pub id: i64,
    /// An email address; of a webhook, its host and the last characters of its URL.
    pub address: String,
    /// Whether it is a webhook.
    pub is_webhook: bool,
    /// The names of the connectors whose alerts it receives; `None`: of all.
    pub connectors: Option<Vec<String>>,
    /// When it was added.
    pub made_at: Timestamp,
    /// What was last sent to it.
    pub last: Option<LastAlert>,
}

/// Every address, oldest first.
///
/// # Errors
/// The store failed.
pub async fn list(admin: &Admin) -> Result<Vec<AlertItem>> {
    let (alerts, configuration) =
        tokio::try_join!(admin.store.alerts(), admin.store.configuration())?;
    Ok(alerts.into_iter().map(|alert| item(&configuration, alert)).collect())
}

/// Adds an address.
///
/// # Errors
/// It is not a valid address, it receives alerts already, or there is no such connector.
pub async fn add(admin: &Admin, actor: &Actor, wish: AlertWish) -> Result<AlertItem> {
    let address = Address::read(wish.address.expose_secret())
        .map_err(|what| Refused::wrong("address", what))?;
    let configuration = admin.store.configuration().await?;
    let connectors = match wish.connectors {
        None => AlertConnectors::All,
        Some(names) => {
            let mut chosen = Vec::with_capacity(names.len());
            for name in &names {
                let id = known(&configuration, name)?.id;
                if !chosen.contains(&id) {
                    chosen.push(id);
                }
            }
            if chosen.is_empty() {
                return Err(Refused::wrong("connectors", "needs at least one connector"));
            }
            AlertConnectors::Some(chosen)
        }
    };
    let id = admin.store.add_alert(NewAlert { address, connectors }, actor, admin.now()).await?;
    Ok(item(&configuration, known_alert(admin, id).await?))
}

/// Removes an address. What waits to be sent to it is given up.
///
/// # Errors
/// There is no such address.
pub async fn remove(admin: &Admin, actor: &Actor, id: i64) -> Result<()> {
    if admin.store.remove_alert(id, actor, admin.now()).await? { Ok(()) } else { Err(no_such(id)) }
}

/// Sends a test to an address and waits for the outcome: `queued` if it is not known in time.
///
/// # Errors
/// There is no such address.
pub async fn test(admin: &Admin, actor: &Actor, id: i64) -> Result<LastAlert> {
    let alert = known_alert(admin, id).await?;
    let now = admin.now();
    let (_, host) = admin.public_url.split_once("://").unwrap_or_default();
    let message_id = format!(
        "leadsync.test.{}@{}",
        Token::for_webhook()?.expose(),
        host.split(['/', ':']).next().unwrap_or_default()
    );
    let url = format!("{}/alerts", admin.public_url);
    let mail = NewMail {
        message_id: message_id.clone(),
        thread: None,
        recipient: alert.shown,
        subject: "leadsync: a test of alerts".to_owned(),
        body: format!(
            "{} sent this test. Alerts from leadsync at {} arrive here.\n",
            actor.0, admin.public_url
        ),
        private: false,
        alert: Some(ForAlert { id, kind: Kind::Test, connector: None, url }),
    };
    admin.store.test_alert(mail, actor, now).await?;
    let outcome = tokio::time::timeout(PATIENCE, outcome(admin, &message_id)).await;
    outcome.unwrap_or(Ok(LastAlert { at: now, state: MailState::Queued, error: None }))
}

/// Waits until the mail is sent or given up.
async fn outcome(admin: &Admin, message_id: &str) -> Result<LastAlert> {
    loop {
        let mail = admin.store.mail(message_id).await?;
        if let Some(mail) = mail.filter(|mail| mail.due.is_none()) {
            return Ok(LastAlert { at: mail.at, state: mail.state, error: mail.error });
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn known_alert(admin: &Admin, id: i64) -> Result<Alert> {
    let alerts = admin.store.alerts().await?;
    alerts.into_iter().find(|alert| alert.id == id).ok_or_else(|| no_such(id))
}

fn no_such(id: i64) -> Refused {
    Refused::not_found("alert address", &id.to_string(), "alerts")
}

fn item(configuration: &Configuration, alert: Alert) -> AlertItem {
    let connectors = match &alert.connectors {
        AlertConnectors::All => None,
        AlertConnectors::Some(_) => {
            let all = configuration.connectors.iter();
            let chosen = all.filter(|connector| alert.connectors.have(connector.id));
            Some(chosen.map(|connector| connector.definition.name.clone()).collect())
        }
    };
    AlertItem {
        id: alert.id,
        address: alert.shown,
        is_webhook: alert.is_webhook,
        connectors,
        made_at: alert.made_at,
        last: alert.last,
    }
}

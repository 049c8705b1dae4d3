//! The addresses that receive alerts.

use std::time::Duration;

use jiff::Timestamp;
use plan::alert::{Address, Kind};
use plan::digest::{Digest, Every, zone_of};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use store::{
    Actor, Alert, AlertConnectors, Configuration, ForAlert, LastAlert, MailState, NewAlert,
    NewMail, Receives, Token,
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
    /// Whether alerts are sent at once.
    pub immediate: bool,
    /// The digest, if it is to get one.
    pub digest: Option<Digest>,
}

/// What somebody wants to change about an address; `None`: nothing.
#[derive(Debug, Default)]
pub struct AlertEdit {
    /// The names of the connectors whose alerts it receives; `None`: of all.
    pub connectors: Option<Option<Vec<String>>>,
    /// Whether alerts are sent at once.
    pub immediate: Option<bool>,
    /// The digest, if it is to get one.
    pub digest: Option<Option<Digest>>,
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
    /// Whether alerts are sent at once.
    pub immediate: bool,
    /// The digest, if it gets one.
    pub digest: Option<Digest>,
    /// The time zone of the digest's hour: that of most of its connectors.
    pub time_zone: String,
    /// When it was added.
    pub made_at: Timestamp,
    /// What was last sent to it.
    pub last: Option<LastAlert>,
}

impl AlertItem {
    /// When its digest is sent, in words, if it gets one.
    pub fn digest_words(&self) -> Option<String> {
        let Digest { every, hour } = self.digest?;
        let days = match every {
            Every::Daily => "daily",
            Every::Weekly => "on Mondays",
        };
        Some(format!("{days} at {hour:02}:00 ({})", self.time_zone))
    }
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
    let connectors = chosen(&configuration, wish.connectors)?;
    let receives = Receives { connectors, immediate: wish.immediate, digest: wish.digest };
    must_receive(&receives)?;
    let id = admin.store.add_alert(NewAlert { address, receives }, actor, admin.now()).await?;
    Ok(item(&configuration, known_alert(admin, id).await?))
}

/// Changes what an address receives. The address itself stays: to change it, it is removed and another
/// one added.
///
/// # Errors
/// There is no such address or connector, or it would receive nothing.
pub async fn edit(admin: &Admin, actor: &Actor, id: i64, edit: AlertEdit) -> Result<AlertItem> {
    let alert = known_alert(admin, id).await?;
    let configuration = admin.store.configuration().await?;
    let receives = Receives {
        connectors: match edit.connectors {
            None => alert.connectors,
            Some(names) => chosen(&configuration, names)?,
        },
        immediate: edit.immediate.unwrap_or(alert.immediate),
        digest: edit.digest.unwrap_or(alert.digest.map(|wanted| wanted.digest)),
    };
    must_receive(&receives)?;
    if !admin.store.edit_alert(id, receives, actor, admin.now()).await? {
        return Err(no_such(id));
    }
    Ok(item(&configuration, known_alert(admin, id).await?))
}

/// The connectors of these names; `None`: all.
fn chosen(configuration: &Configuration, names: Option<Vec<String>>) -> Result<AlertConnectors> {
    let Some(names) = names else { return Ok(AlertConnectors::All) };
    let mut chosen = Vec::with_capacity(names.len());
    for name in &names {
        let id = known(configuration, name)?.id;
        if !chosen.contains(&id) {
            chosen.push(id);
        }
    }
    if chosen.is_empty() {
        return Err(Refused::wrong("connectors", "needs at least one connector"));
    }
    Ok(AlertConnectors::Some(chosen))
}

fn must_receive(receives: &Receives) -> Result<()> {
    if let Some(fault) = receives.digest.and_then(Digest::fault) {
        return Err(Refused::wrong("digest.hour", fault));
    }
    if !receives.immediate && receives.digest.is_none() {
        return Err(Refused::wrong(
            "immediate",
            "is off and there is no digest, so the address would receive nothing; choose one of them, \
             or remove the address",
        ));
    }
    Ok(())
}

/// The address of this number.
///
/// # Errors
/// There is no such address.
pub async fn show(admin: &Admin, id: i64) -> Result<AlertItem> {
    let configuration = admin.store.configuration().await?;
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
    let own = configuration.connectors.iter().filter(|one| alert.connectors.have(one.id));
    let (time_zone, _) = zone_of(own.map(|connector| &connector.definition));
    AlertItem {
        id: alert.id,
        address: alert.shown,
        is_webhook: alert.is_webhook,
        connectors,
        immediate: alert.immediate,
        digest: alert.digest.map(|wanted| wanted.digest),
        time_zone,
        made_at: alert.made_at,
        last: alert.last,
    }
}

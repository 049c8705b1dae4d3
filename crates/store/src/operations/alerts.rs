//! The addresses that receive alerts.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;
use plan::alert::Address;
use plan::id::ConnectorId;
use secrecy::SecretString;
use sqlx::Row;

use super::audit::{Entry, audit};
use super::values::{Place, ms};
use super::{Backend, Connection, DbRow, count_up, outbox};
use crate::alerts::{Alert, AlertConnectors, Alerts, LastAlert, MOST_ALERTS, NewAlert, Target};
use crate::audit::Actor;
use crate::error::{Error, Result};
use crate::mail::{MailState, NewMail};
use crate::secret::Cipher;

/// Why a mail to a removed address is given up.
const REMOVED: &str = "the address was removed";
/// What addresses are hashed for.
const HASHED_FOR: &str = "alert";

/// What the URL of an address is encrypted for.
fn url_place(id: i64) -> String {
    format!("alert/url/{id}")
}

#[async_trait]
impl Alerts for Backend {
    async fn alerts(&self) -> Result<Vec<Alert>> {
        let mut transaction = self.begin_read().await?;
        let rows = sqlx::query(
            "SELECT id, shown, url IS NOT NULL, every_connector, made_at FROM alert ORDER BY id",
        )
        .fetch_all(&mut *transaction)
        .await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let mut connectors = connectors(&mut transaction).await?;
        let mut last = last(&mut transaction).await?;
        let alert = |row| alert(row, &mut connectors, &mut last);
        rows.iter().map(alert).collect()
    }

    async fn add_alert(&self, new: NewAlert, actor: &Actor, now: Timestamp) -> Result<i64> {
        let (cipher, actor) = (self.cipher.clone(), actor.clone());
        self.write(move |connection| {
            Box::pin(async move { add(connection, &cipher, &new, (&actor, now)).await })
        })
        .await
    }

    async fn remove_alert(&self, id: i64, actor: &Actor, now: Timestamp) -> Result<bool> {
        let actor = actor.clone();
        self.write(move |connection| {
            Box::pin(async move { remove(connection, id, (&actor, now)).await })
        })
        .await
    }

    async fn alert_target(&self, id: i64) -> Result<Option<Target>> {
        let mut transaction = self.begin_read().await?;
        let row = sqlx::query("SELECT url FROM alert WHERE id = $1")
            .bind(id)
            .fetch_optional(&mut *transaction)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let Some(sealed) = row.try_get::<Option<&str>, _>(0)? else {
            return Ok(Some(Target::Email));
        };
        let url = self.cipher.open(&url_place(id), sealed);
        let url = url.ok_or_else(|| {
            Place { table: "alert", row: &id }.corrupt("the URL can't be decrypted with this key")
        })?;
        Ok(Some(Target::Webhook(url)))
    }

    async fn test_alert(&self, mail: NewMail, actor: &Actor, now: Timestamp) -> Result<()> {
        let actor = actor.clone();
        self.write(move |connection| {
            Box::pin(async move {
                outbox::queue(connection, &mail, now).await?;
                let (action, subject) = ("test_alert", mail.recipient.as_str());
                let entry = Entry { action, subject, before: None, after: None };
                audit(connection, &actor, now, &entry).await
            })
        })
        .await
    }
}

async fn add(
    connection: &mut Connection,
    cipher: &Cipher,
    new: &NewAlert,
    (actor, now): (&Actor, Timestamp),
) -> Result<i64> {
    // Taken first, so that two additions at once wait for each other.
    count_up(connection, "configuration").await?;
    let (shown, text, url) = match &new.address {
        Address::Email(email) => (email.clone(), email.to_lowercase(), None),
        Address::Webhook(url) => {
            (new.address.shown(), url.to_string(), Some(SecretString::from(url.to_string())))
        }
    };
    let hash = cipher.hash(HASHED_FOR, &text);
    let row = sqlx::query("SELECT count(*), count(CASE WHEN hash = $1 THEN 1 END) FROM alert")
        .bind(hash)
        .fetch_one(&mut *connection)
        .await?;
    let (all, same): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    if same > 0 {
        return Err(Error::Refused(format!("{shown} already receives alerts")));
    }
    if usize::try_from(all).is_ok_and(|all| all >= MOST_ALERTS) {
        return Err(Error::Refused(format!("at most {MOST_ALERTS} addresses can receive alerts")));
    }
    let row = sqlx::query(
        "INSERT INTO alert (shown, hash, every_connector, made_at) VALUES ($1, $2, $3, $4) \
         RETURNING id",
    )
    .bind(&shown)
    .bind(hash)
    .bind(i64::from(new.connectors == AlertConnectors::All))
    .bind(ms(now))
    .fetch_one(&mut *connection)
    .await?;
    let id = row.try_get(0)?;
    if let Some(url) = url {
        sqlx::query("UPDATE alert SET url = $2 WHERE id = $1")
            .bind(id)
            .bind(cipher.seal(&url_place(id), &url)?)
            .execute(&mut *connection)
            .await?;
    }
    if let AlertConnectors::Some(some) = &new.connectors {
        for connector in some {
            sqlx::query("INSERT INTO alert_connector (alert, connector) VALUES ($1, $2)")
                .bind(id)
                .bind(connector.0)
                .execute(&mut *connection)
                .await?;
        }
    }
    let after = serde_json::json!({ "connectors": names(connection, id).await? });
    let entry = Entry {
        action: "add_alert",
        subject: &shown,
        before: None,
        after: Some(after.to_string()),
    };
    audit(connection, actor, now, &entry).await?;
    Ok(id)
}

/// The names of the connectors that were chosen; `None`: all.
async fn names(connection: &mut Connection, alert: i64) -> Result<Option<Vec<String>>> {
    let rows = sqlx::query(
        "SELECT c.name FROM alert a LEFT JOIN alert_connector l ON l.alert = a.id \
         LEFT JOIN connector c ON c.id = l.connector \
         WHERE a.id = $1 AND a.every_connector = 0 ORDER BY c.name",
    )
    .bind(alert)
    .fetch_all(connection)
    .await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let names = rows.iter().map(|row| row.try_get::<Option<String>, _>(0));
    let names: Vec<Option<String>> = names.collect::<Result<_, _>>()?;
    Ok(Some(names.into_iter().flatten().collect()))
}

async fn remove(
    connection: &mut Connection,
    id: i64,
    (actor, now): (&Actor, Timestamp),
) -> Result<bool> {
    let connectors = names(connection, id).await?;
    let row = sqlx::query("DELETE FROM alert WHERE id = $1 RETURNING shown")
        .bind(id)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(false) };
    let shown: String = row.try_get(0)?;
    sqlx::query(
        "UPDATE mail SET state = $2, due = NULL, ended_at = $3, error = $4 \
         WHERE alert = $1 AND due IS NOT NULL",
    )
    .bind(id)
    .bind(MailState::GivenUp.as_str())
    .bind(ms(now))
    .bind(REMOVED)
    .execute(&mut *connection)
    .await?;
    let before = serde_json::json!({ "connectors": connectors });
    let entry = Entry {
        action: "remove_alert",
        subject: &shown,
        before: Some(before.to_string()),
        after: None,
    };
    audit(connection, actor, now, &entry).await?;
    Ok(true)
}

async fn connectors(connection: &mut Connection) -> Result<HashMap<i64, Vec<ConnectorId>>> {
    let rows = sqlx::query("SELECT alert, connector FROM alert_connector ORDER BY connector")
        .fetch_all(connection)
        .await?;
    let mut connectors: HashMap<i64, Vec<ConnectorId>> = HashMap::new();
    for row in rows {
        connectors.entry(row.try_get(0)?).or_default().push(ConnectorId(row.try_get(1)?));
    }
    Ok(connectors)
}

async fn last(connection: &mut Connection) -> Result<HashMap<i64, LastAlert>> {
    let rows = sqlx::query(
        "SELECT m.alert, m.at, m.state, m.error FROM alert a JOIN mail m ON m.id = \
         (SELECT max(id) FROM mail WHERE alert = a.id)",
    )
    .fetch_all(connection)
    .await?;
    let mut last = HashMap::new();
    for row in rows {
        let alert: i64 = row.try_get(0)?;
        let place = Place { table: "mail", row: &alert };
        let (at, state) = (place.time(row.try_get(1)?)?, place.word(row.try_get(2)?)?);
        last.insert(alert, LastAlert { at, state, error: row.try_get(3)? });
    }
    Ok(last)
}

fn alert(
    row: &DbRow,
    connectors: &mut HashMap<i64, Vec<ConnectorId>>,
    last: &mut HashMap<i64, LastAlert>,
) -> Result<Alert> {
    let id: i64 = row.try_get(0)?;
    let place = Place { table: "alert", row: &id };
    Ok(Alert {
        id,
        shown: row.try_get(1)?,
        is_webhook: row.try_get(2)?,
        connectors: if row.try_get::<i64, _>(3)? == 1 {
            AlertConnectors::All
        } else {
            AlertConnectors::Some(connectors.remove(&id).unwrap_or_default())
        },
        made_at: place.time(row.try_get(4)?)?,
        last: last.remove(&id),
    })
}

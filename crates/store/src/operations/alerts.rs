//! The addresses that receive alerts.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;
use plan::alert::Address;
use plan::digest::{Digest, Period};
use plan::id::ConnectorId;
use secrecy::SecretString;
use sqlx::Row;

use super::audit::{Entry, audit};
use super::values::{Place, ms};
use super::{Backend, Connection, DbRow, count_up, outbox};
use crate::alerts::{
    Alert, AlertConnectors, Alerts, LastAlert, MOST_ALERTS, NewAlert, Receives, Target,
    WantedDigest,
};
use crate::audit::Actor;
use crate::error::{Error, Result};
use crate::mail::{MailState, NewMail};
use crate::secret::Cipher;

/// Why a mail to a removed address is given up.
const REMOVED: &str = "the address was removed";
/// What addresses are hashed for.
const HASHED_FOR: &str = "alert";

/// What the URL of an address is encrypted for.
pub(super) fn url_place(id: i64) -> String {
    format!("alert/url/{id}")
}

#[async_trait]
impl Alerts for Backend {
    async fn alerts(&self) -> Result<Vec<Alert>> {
        let mut transaction = self.begin_read().await?;
        let rows = sqlx::query(
            "SELECT id, shown, url IS NOT NULL, every_connector, made_at, at_once, digest, \
             digest_hour, digest_since, digest_sent FROM alert ORDER BY id",
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

    async fn edit_alert(
        &self,
        id: i64,
        receives: Receives,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<bool> {
        let actor = actor.clone();
        self.write(move |connection| {
            Box::pin(async move { edit(connection, id, &receives, (&actor, now)).await })
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

    async fn queue_digest(
        &self,
        alert: &Alert,
        period: &Period,
        mail: NewMail,
        now: Timestamp,
    ) -> Result<bool> {
        let (id, wanted, due) = (alert.id, alert.digest, period.due);
        self.write(move |connection| {
            Box::pin(async move { queue_digest(connection, (id, wanted, due), &mail, now).await })
        })
        .await
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
        "INSERT INTO alert (shown, hash, every_connector, made_at) VALUES ($1, $2, 1, $3) \
         RETURNING id",
    )
    .bind(&shown)
    .bind(hash)
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
    set(connection, id, &new.receives, now).await?;
    let after = Some(described(connection, id).await?);
    let entry = Entry { action: "add_alert", subject: &shown, before: None, after };
    audit(connection, actor, now, &entry).await?;
    Ok(id)
}

/// Sets what an address receives.
async fn set(
    connection: &mut Connection,
    id: i64,
    receives: &Receives,
    now: Timestamp,
) -> Result<()> {
    let Receives { connectors, immediate, digest } = receives;
    // A digest that is wanted already goes on where the last one ended.
    sqlx::query(
        "UPDATE alert SET every_connector = $2, at_once = $3, digest = $4, digest_hour = $5, \
         digest_since = CASE WHEN $4 IS NULL THEN NULL ELSE coalesce(digest_since, $6) END, \
         digest_sent = CASE WHEN $4 IS NULL THEN NULL ELSE digest_sent END WHERE id = $1",
    )
    .bind(id)
    .bind(i64::from(*connectors == AlertConnectors::All))
    .bind(i64::from(*immediate))
    .bind(digest.map(|digest| digest.every.as_str()))
    .bind(digest.map(|digest| i64::from(digest.hour)))
    .bind(ms(now))
    .execute(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM alert_connector WHERE alert = $1")
        .bind(id)
        .execute(&mut *connection)
        .await?;
    if let AlertConnectors::Some(some) = connectors {
        for connector in some {
            sqlx::query("INSERT INTO alert_connector (alert, connector) VALUES ($1, $2)")
                .bind(id)
                .bind(connector.0)
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}

async fn edit(
    connection: &mut Connection,
    id: i64,
    receives: &Receives,
    (actor, now): (&Actor, Timestamp),
) -> Result<bool> {
    count_up(connection, "configuration").await?;
    let row = sqlx::query("SELECT shown FROM alert WHERE id = $1")
        .bind(id)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(false) };
    let shown: String = row.try_get(0)?;
    let before = described(connection, id).await?;
    set(connection, id, receives, now).await?;
    let after = described(connection, id).await?;
    if before != after {
        let (before, after) = (Some(before), Some(after));
        let entry = Entry { action: "edit_alert", subject: &shown, before, after };
        audit(connection, actor, now, &entry).await?;
    }
    Ok(true)
}

/// What an address receives, for the audit log.
async fn described(connection: &mut Connection, id: i64) -> Result<String> {
    let connectors = names(connection, id).await?;
    let row = sqlx::query("SELECT at_once = 1, digest, digest_hour FROM alert WHERE id = $1")
        .bind(id)
        .fetch_one(connection)
        .await?;
    let (immediate, every): (bool, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
    let hour: Option<i64> = row.try_get(2)?;
    let digest = every.zip(hour).map(|(every, hour)| format!("{every} at {hour:02}:00"));
    let described = serde_json::json!({
        "connectors": connectors,
        "immediate": immediate,
        "digest": digest,
    });
    Ok(described.to_string())
}

async fn queue_digest(
    connection: &mut Connection,
    (id, wanted, due): (i64, Option<WantedDigest>, Timestamp),
    mail: &NewMail,
    now: Timestamp,
) -> Result<bool> {
    // Of two nodes, one waits for the other and then finds another time.
    let done = sqlx::query(
        "UPDATE alert SET digest_sent = $2 \
         WHERE id = $1 AND digest IS NOT NULL AND coalesce(digest_sent, -1) = $3",
    )
    .bind(id)
    .bind(ms(due))
    .bind(wanted.and_then(|wanted| wanted.sent).map_or(-1, ms))
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    outbox::queue(connection, mail, now).await?;
    Ok(true)
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
    let known = sqlx::query("SELECT 1 FROM alert WHERE id = $1")
        .bind(id)
        .fetch_optional(&mut *connection)
        .await?;
    if known.is_none() {
        return Ok(false);
    }
    let before = described(connection, id).await?;
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
    let before = Some(before);
    let entry = Entry { action: "remove_alert", subject: &shown, before, after: None };
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
        immediate: row.try_get::<i64, _>(5)? == 1,
        digest: digest(row, &place)?,
        made_at: place.time(row.try_get(4)?)?,
        last: last.remove(&id),
    })
}

/// The digest that an address wants.
fn digest(row: &DbRow, place: &Place<'_>) -> Result<Option<WantedDigest>> {
    let Some(every) = row.try_get::<Option<&str>, _>(6)? else { return Ok(None) };
    let hour = u8::try_from(row.try_get::<Option<i64>, _>(7)?.unwrap_or(Digest::HOUR.into()));
    let digest = Digest { every: place.word(every)?, hour: hour.unwrap_or(Digest::HOUR) };
    let time = |column: usize| {
        let at = row.try_get::<Option<i64>, _>(column)?;
        at.map(|at| place.time(at)).transpose()
    };
    let since = time(8)?.ok_or_else(|| place.corrupt("a digest is wanted since no time"))?;
    Ok(Some(WantedDigest { digest, since, sent: time(9)? }))
}

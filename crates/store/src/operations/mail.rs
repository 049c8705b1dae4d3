//! Mails being sent, and the incidents that they report.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use plan::id::{AccountId, ConnectorId, RequestId};
use plan::incident::{Cause, Incident, ROW};
use sqlx::{AssertSqlSafe, Row};

use super::values::{Place, ms};
use super::{Backend, Connection, DbRow, incident, outbox};
use crate::error::Result;
use crate::filter::Page;
use crate::mail::{ClaimedMail, ForAlert, Mail, MailEnd, MailItem, MailState, NewMail};

#[async_trait]
impl Mail for Backend {
    async fn incidents(&self) -> Result<Vec<Incident>> {
        let mut transaction = self.begin_read().await?;
        let rows = sqlx::query(
            "SELECT connector, began, since, streak, longest, failed_at, passed, row_told, mails, \
             told_at FROM incident ORDER BY connector",
        )
        .fetch_all(&mut *transaction)
        .await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let mut causes = causes(&mut transaction).await?;
        rows.iter()
            .map(|row| {
                let (connector, course) = incident::course(row)?;
                let place = Place { table: "incident", row: &connector.0 };
                let told_at: Option<i64> = row.try_get(9)?;
                Ok(Incident {
                    connector,
                    course,
                    row_told: row.try_get(7)?,
                    mails: place.count(row.try_get(8)?)?,
                    told_at: told_at.map(|ms| place.time(ms)).transpose()?,
                    causes: causes.remove(&connector).unwrap_or_default(),
                })
            })
            .collect()
    }

    async fn queue_mail(&self, mail: &NewMail, now: Timestamp) -> Result<()> {
        let mail = mail.clone();
        self.write(move |connection| {
            Box::pin(async move { outbox::queue(connection, &mail, now).await })
        })
        .await
    }

    async fn warn_of_quota(
        &self,
        account: AccountId,
        day: i64,
        mails: Vec<NewMail>,
        now: Timestamp,
    ) -> Result<bool> {
        let mut reading = self.begin_read().await?;
        // Nodes poll this, so it must not take the write lock.
        let warned = sqlx::query(
            "SELECT 1 FROM spent WHERE account = $1 AND day = $2 AND warned_at IS NOT NULL",
        )
        .bind(account.0)
        .bind(day)
        .fetch_optional(&mut *reading)
        .await?;
        drop(reading);
        if warned.is_some() {
            return Ok(false);
        }
        self.write(move |connection| {
            let mails = mails.clone();
            Box::pin(async move { warn(connection, (account, day), &mails, now).await })
        })
        .await
    }

    async fn count_failed_records(
        &self,
        connector: ConnectorId,
        since: Option<RequestId>,
    ) -> Result<u64> {
        let Some(since) = since else { return Ok(0) };
        let mut transaction = self.begin_read().await?;
        let row = sqlx::query(
            "SELECT count(*) FROM record \
             WHERE event = 'failed' AND connector = $1 AND request >= $2",
        )
        .bind(connector.0)
        .bind(since.number())
        .fetch_one(&mut *transaction)
        .await?;
        Ok(row.try_get::<i64, _>(0)?.cast_unsigned())
    }

    async fn tell_incident(
        &self,
        incident: &Incident,
        mails: Vec<NewMail>,
        now: Timestamp,
    ) -> Result<bool> {
        let incident = incident.clone();
        self.write(move |connection| {
            Box::pin(async move { tell(connection, &incident, &mails, now).await })
        })
        .await
    }

    async fn end_incident(
        &self,
        incident: &Incident,
        mails: Vec<NewMail>,
        now: Timestamp,
    ) -> Result<bool> {
        let incident = incident.clone();
        self.write(move |connection| {
            Box::pin(async move { end(connection, &incident, &mails, now).await })
        })
        .await
    }

    async fn claim_mail(&self, now: Timestamp, until: Timestamp) -> Result<Option<ClaimedMail>> {
        // Polled every few seconds, nearly always without a result, so it must not take the write
        // lock.
        let mut reading = self.begin_read().await?;
        let due = sqlx::query("SELECT 1 FROM mail WHERE due <= $1 OR due > $2 LIMIT 1")
            .bind(ms(now))
            .bind(ms(too_far(now)))
            .fetch_optional(&mut *reading)
            .await?;
        drop(reading);
        if due.is_none() {
            return Ok(None);
        }
        self.write(move |connection| Box::pin(async move { claim(connection, now, until).await }))
            .await
    }

    async fn end_mail(&self, mail: &ClaimedMail, end: MailEnd, now: Timestamp) -> Result<()> {
        let mail = mail.clone();
        self.write(move |connection| {
            Box::pin(async move { end_mail(connection, &mail, end, now).await })
        })
        .await
    }

    async fn mails(&self, limit: usize) -> Result<Vec<MailItem>> {
        let mut transaction = self.begin_read().await?;
        let limit = i64::try_from(limit.min(Page::MOST)).unwrap_or(i64::MAX);
        let rows = sqlx::query(AssertSqlSafe(format!("{ITEM} ORDER BY id DESC LIMIT $1")))
            .bind(limit)
            .fetch_all(&mut *transaction)
            .await?;
        rows.iter().map(item).collect()
    }

    async fn mail(&self, message_id: &str) -> Result<Option<MailItem>> {
        let mut transaction = self.begin_read().await?;
        let row = sqlx::query(AssertSqlSafe(format!("{ITEM} WHERE message_id = $1")))
            .bind(message_id)
            .fetch_optional(&mut *transaction)
            .await?;
        row.as_ref().map(item).transpose()
    }
}

/// What [`item`] reads.
const ITEM: &str = "SELECT id, at, recipient, subject, \
    CASE WHEN private = 1 THEN '' ELSE body END, state, tries, due, ended_at, error, alert, kind \
    FROM mail";

fn item(row: &DbRow) -> Result<MailItem> {
    let id: i64 = row.try_get(0)?;
    let place = Place { table: "mail", row: &id };
    let time = |ms: Option<i64>| ms.map(|ms| place.time(ms)).transpose();
    let kind: Option<&str> = row.try_get(11)?;
    Ok(MailItem {
        at: place.time(row.try_get(1)?)?,
        recipient: row.try_get(2)?,
        alert: row.try_get(10)?,
        kind: kind.map(|word| place.word(word)).transpose()?,
        subject: row.try_get(3)?,
        body: row.try_get(4)?,
        state: place.word(row.try_get(5)?)?,
        tries: place.count(row.try_get(6)?)?,
        due: time(row.try_get(7)?)?,
        ended_at: time(row.try_get(8)?)?,
        error: row.try_get(9)?,
    })
}

async fn warn(
    connection: &mut Connection,
    (account, day): (AccountId, i64),
    mails: &[NewMail],
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE spent SET warned_at = $3 WHERE account = $1 AND day = $2 AND warned_at IS NULL",
    )
    .bind(account.0)
    .bind(day)
    .bind(ms(now))
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    outbox::queue_all(connection, mails, now).await?;
    Ok(true)
}

async fn tell(
    connection: &mut Connection,
    told: &Incident,
    mails: &[NewMail],
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE incident SET mails = mails + 1, told_at = $4, row_told = row_told OR $5 \
         WHERE connector = $1 AND began = $2 AND mails = $3",
    )
    .bind(told.connector.0)
    .bind(ms(told.course.began))
    .bind(i64::from(told.mails))
    .bind(ms(now))
    .bind(told.course.longest >= ROW)
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    for cause in &told.causes {
        sqlx::query(
            "UPDATE incident_cause SET told = $4 \
             WHERE connector = $1 AND kind = $2 AND name = $3",
        )
        .bind(told.connector.0)
        .bind(cause.kind.as_str())
        .bind(&cause.name)
        .bind(incident::number(cause.count))
        .execute(&mut *connection)
        .await?;
    }
    outbox::queue_all(connection, mails, now).await?;
    Ok(true)
}

async fn end(
    connection: &mut Connection,
    incident: &Incident,
    mails: &[NewMail],
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query(
        "DELETE FROM incident WHERE connector = $1 AND began = $2 AND mails = $3 \
         AND failed_at = $4 AND streak = $5",
    )
    .bind(incident.connector.0)
    .bind(ms(incident.course.began))
    .bind(i64::from(incident.mails))
    .bind(ms(incident.course.failed_at))
    .bind(i64::from(incident.course.streak))
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    outbox::queue_all(connection, mails, now).await?;
    Ok(true)
}

/// No mail is due after this, unless the clock was set back.
fn too_far(now: Timestamp) -> Timestamp {
    now.checked_add(MailEnd::LONGEST_WAIT + SignedDuration::from_mins(1)).unwrap_or(Timestamp::MAX)
}

async fn claim(
    connection: &mut Connection,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<ClaimedMail>> {
    // Of two nodes that find the same row, one waits for the other and then sees a later `due`.
    let row = sqlx::query(
        "UPDATE mail SET due = $2, tries = tries + 1 WHERE (due <= $1 OR due > $3) AND id = \
         (SELECT id FROM mail WHERE due <= $1 OR due > $3 ORDER BY due, id LIMIT 1) \
         RETURNING id, at, tries, message_id, thread, recipient, subject, body, private, alert, \
         kind, connector, url",
    )
    .bind(ms(now))
    .bind(ms(until))
    .bind(ms(too_far(now)))
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let id = row.try_get(0)?;
    let place = Place { table: "mail", row: &id };
    let alert: Option<i64> = row.try_get(9)?;
    let alert = match alert {
        None => None,
        Some(alert) => Some(ForAlert {
            id: alert,
            kind: place.word(row.try_get(10)?)?,
            connector: row.try_get(11)?,
            url: row.try_get(12)?,
        }),
    };
    Ok(Some(ClaimedMail {
        id,
        at: place.time(row.try_get(1)?)?,
        tries: place.count(row.try_get(2)?)?,
        mail: NewMail {
            message_id: row.try_get(3)?,
            thread: row.try_get(4)?,
            recipient: row.try_get(5)?,
            subject: row.try_get(6)?,
            body: row.try_get(7)?,
            private: row.try_get::<i64, _>(8)? != 0,
            alert,
        },
    }))
}

async fn end_mail(
    connection: &mut Connection,
    mail: &ClaimedMail,
    end: MailEnd,
    now: Timestamp,
) -> Result<()> {
    let (state, due, error) = match end {
        MailEnd::Sent => (MailState::Sent, None, None),
        MailEnd::Logged => (MailState::Logged, None, None),
        MailEnd::Again { due, error } => (MailState::Queued, Some(due), Some(error)),
        MailEnd::GivenUp { error } => (MailState::GivenUp, None, Some(error)),
    };
    sqlx::query(
        "UPDATE mail SET state = $3, due = $4, ended_at = $5, error = $6, \
         body = CASE WHEN private = 1 AND $4 IS NULL THEN '' ELSE body END \
         WHERE id = $1 AND tries = $2 AND due IS NOT NULL",
    )
    .bind(mail.id)
    .bind(i64::from(mail.tries))
    .bind(state.as_str())
    .bind(due.map(ms))
    .bind(due.is_none().then(|| ms(now)))
    .bind(error)
    .execute(connection)
    .await?;
    Ok(())
}

async fn causes(connection: &mut Connection) -> Result<HashMap<ConnectorId, Vec<Cause>>> {
    let rows = sqlx::query(
        "SELECT connector, kind, name, count, told, problem, request FROM incident_cause \
         ORDER BY connector, count DESC, kind, name",
    )
    .fetch_all(connection)
    .await?;
    let mut causes: HashMap<ConnectorId, Vec<Cause>> = HashMap::new();
    for row in &rows {
        let connector = ConnectorId(row.try_get(0)?);
        let place = Place { table: "incident_cause", row: &connector.0 };
        let request: Option<i64> = row.try_get(6)?;
        causes.entry(connector).or_default().push(Cause {
            kind: place.word(row.try_get(1)?)?,
            name: row.try_get(2)?,
            count: row.try_get::<i64, _>(3)?.cast_unsigned(),
            told: row.try_get::<i64, _>(4)?.cast_unsigned(),
            problem: place.parse(row.try_get(5)?)?,
            request: request.map(RequestId::from_number),
        });
    }
    Ok(causes)
}

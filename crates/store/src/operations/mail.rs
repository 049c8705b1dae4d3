//! Mails on their way.

use jiff::{SignedDuration, Timestamp};
use sqlx::Row;

use super::values::{Place, ms};
use super::{Backend, Connection};
use crate::{ClaimedMail, MailEnd, MailItem, MailState, NewMail, Page, Result};

/// How long a mail is kept that is done with.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

impl Backend {
    pub(super) async fn take_mail(
        &self,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<ClaimedMail>> {
        // Asked every few seconds, nearly always in vain: that must not take the write lock.
        let mut reading = self.begin_read().await?;
        let due = sqlx::query("SELECT 1 FROM mail WHERE due <= $1 LIMIT 1")
            .bind(ms(now))
            .fetch_optional(&mut *reading)
            .await?;
        drop(reading);
        if due.is_none() {
            return Ok(None);
        }
        let mut transaction = self.begin().await?;
        // Of two nodes that see the same row one waits for the other, and then sees another `due`.
        let row = sqlx::query(
            "UPDATE mail SET due = $2, tries = tries + 1 WHERE due <= $1 AND id = \
             (SELECT id FROM mail WHERE due <= $1 ORDER BY due, id LIMIT 1) \
             RETURNING id, at, tries, message_id, thread, recipient, subject, body, private",
        )
        .bind(ms(now))
        .bind(ms(until))
        .fetch_optional(&mut *transaction)
        .await?;
        transaction.commit().await?;
        let Some(row) = row else { return Ok(None) };
        let id = row.try_get(0)?;
        let place = Place { table: "mail", row: &id };
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
            },
        }))
    }

    pub(super) async fn finish_mail(
        &self,
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
        let mut transaction = self.begin().await?;
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
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    pub(super) async fn read_mails(&self, limit: usize) -> Result<Vec<MailItem>> {
        let mut transaction = self.begin_read().await?;
        let limit = i64::try_from(limit.min(Page::MOST)).unwrap_or(i64::MAX);
        let rows = sqlx::query(
            "SELECT id, at, recipient, subject, CASE WHEN private = 1 THEN '' ELSE body END, \
             state, tries, due, ended_at, error FROM mail ORDER BY id DESC LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&mut *transaction)
        .await?;
        rows.iter()
            .map(|row| {
                let id: i64 = row.try_get(0)?;
                let place = Place { table: "mail", row: &id };
                let time = |ms: Option<i64>| ms.map(|ms| place.time(ms)).transpose();
                let state = place.word(row.try_get(5)?)?;
                let due = time(row.try_get(7)?)?;
                Ok(MailItem {
                    at: place.time(row.try_get(1)?)?,
                    recipient: row.try_get(2)?,
                    subject: row.try_get(3)?,
                    body: row.try_get(4)?,
                    state,
                    tries: place.count(row.try_get(6)?)?,
                    due,
                    ended_at: time(row.try_get(8)?)?,
                    error: row.try_get(9)?,
                })
            })
            .collect()
    }
}

/// Queues a mail, due now, and forgets those that were done with long ago.
pub(super) async fn queue(
    connection: &mut Connection,
    mail: &NewMail,
    now: Timestamp,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO mail (message_id, thread, at, recipient, subject, body, state, tries, due, \
         private) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $3, $8)",
    )
    .bind(&mail.message_id)
    .bind(mail.thread.as_deref())
    .bind(ms(now))
    .bind(&mail.recipient)
    .bind(&mail.subject)
    .bind(&mail.body)
    .bind(MailState::Queued.as_str())
    .bind(i64::from(mail.private))
    .execute(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM mail WHERE due IS NULL AND ended_at < $1")
        .bind(ms(now.checked_sub(KEPT).unwrap_or(Timestamp::MIN)))
        .execute(connection)
        .await?;
    Ok(())
}

//! Mails that wait to be sent.

use jiff::Timestamp;

use plan::text::without_nul;

use super::Connection;
use super::values::ms;
use crate::error::Result;
use crate::mail::{MailState, NewMail};

/// Queues these mails, due now.
pub(super) async fn queue_all(
    connection: &mut Connection,
    mails: &[NewMail],
    now: Timestamp,
) -> Result<()> {
    for mail in mails {
        queue(connection, mail, now).await?;
    }
    Ok(())
}

/// Queues a mail, due now.
pub(super) async fn queue(
    connection: &mut Connection,
    mail: &NewMail,
    now: Timestamp,
) -> Result<()> {
    let alert = mail.alert.as_ref();
    sqlx::query(
        "INSERT INTO mail (message_id, thread, at, recipient, subject, body, state, tries, due, \
         private, alert, kind, connector, url) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $3, $8, $9, $10, $11, $12)",
    )
    .bind(&mail.message_id)
    .bind(mail.thread.as_deref())
    .bind(ms(now))
    .bind(&mail.recipient)
    // They quote errors, which quote values.
    .bind(without_nul(&mail.subject))
    .bind(without_nul(&mail.body))
    .bind(MailState::Queued.as_str())
    .bind(i64::from(mail.private))
    .bind(alert.map(|alert| alert.id))
    .bind(alert.map(|alert| alert.kind.as_str()))
    .bind(alert.and_then(|alert| alert.connector.as_deref()))
    .bind(alert.map(|alert| alert.url.as_str()))
    .execute(connection)
    .await?;
    Ok(())
}

//! The metadata of accounts, and what changed in it.

use jiff::Timestamp;
use plan::id::AccountId;
use plan::metadata::{self, Catalogue, FieldChange};
use sqlx::Row;

use super::values::{Place, json, ms};
use super::{Connection, contact};
use crate::error::Result;

/// The maximum number of changes kept per account: the oldest are deleted.
const MOST_CHANGES: i64 = 1_000;

pub(super) async fn find(
    connection: &mut Connection,
    account: AccountId,
) -> Result<Option<(Timestamp, Catalogue)>> {
    let row = sqlx::query("SELECT at, content FROM catalogue WHERE account = $1")
        .bind(account.0)
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let place = Place { table: "catalogue", row: &account.0 };
    Ok(Some((place.time(row.try_get(0)?)?, place.parse(row.try_get(1)?)?)))
}

pub(super) async fn store(
    connection: &mut Connection,
    account: AccountId,
    catalogue: &Catalogue,
    at: Timestamp,
) -> Result<()> {
    if let Some((_, before)) = find(connection, account).await? {
        let changes = metadata::changes(&before.fields, &catalogue.fields);
        note(connection, account, &changes, at).await?;
    }
    sqlx::query(
        "INSERT INTO catalogue (account, at, content) \
         SELECT id, $2, $3 FROM account WHERE id = $1 \
         ON CONFLICT (account) DO UPDATE SET at = excluded.at, content = excluded.content",
    )
    .bind(account.0)
    .bind(ms(at))
    .bind(json(catalogue)?)
    .execute(&mut *connection)
    .await?;
    contact::responded(connection, account, at).await
}

pub(super) async fn field_changes(
    connection: &mut Connection,
    account: AccountId,
    since: Timestamp,
) -> Result<Vec<(Timestamp, FieldChange)>> {
    let rows = sqlx::query(
        "SELECT at, content FROM field_change WHERE account = $1 AND at > $2 ORDER BY id",
    )
    .bind(account.0)
    .bind(ms(since))
    .fetch_all(connection)
    .await?;
    let place = Place { table: "field_change", row: &account.0 };
    rows.iter()
        .map(|row| Ok((place.time(row.try_get(0)?)?, place.parse(row.try_get(1)?)?)))
        .collect()
}

async fn note(
    connection: &mut Connection,
    account: AccountId,
    changes: &[FieldChange],
    at: Timestamp,
) -> Result<()> {
    for change in changes {
        sqlx::query("INSERT INTO field_change (account, at, content) VALUES ($1, $2, $3)")
            .bind(account.0)
            .bind(ms(at))
            .bind(json(change)?)
            .execute(&mut *connection)
            .await?;
    }
    if !changes.is_empty() {
        sqlx::query(
            "DELETE FROM field_change WHERE account = $1 AND id NOT IN \
             (SELECT id FROM field_change WHERE account = $1 ORDER BY id DESC LIMIT $2)",
        )
        .bind(account.0)
        .bind(MOST_CHANGES)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

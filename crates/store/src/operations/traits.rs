//! What responses of accounts revealed about them.

use jiff::Timestamp;
use plan::id::AccountId;
use plan::traits::Trait;
use sqlx::Row;

use super::Connection;
use super::values::{Place, json, ms};
use crate::error::Result;
use crate::progress::TraitNews;

/// Stores what was seen last.
pub(super) async fn keep(connection: &mut Connection, news: &TraitNews) -> Result<()> {
    if !news.holds {
        sqlx::query("DELETE FROM trait WHERE account = $1 AND name = $2")
            .bind(news.account.0)
            .bind(news.seen.key())
            .execute(connection)
            .await?;
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO trait (account, name, value, seen_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (account, name) DO UPDATE SET value = excluded.value, \
         seen_at = excluded.seen_at",
    )
    .bind(news.account.0)
    .bind(news.seen.key())
    .bind(json(&news.seen)?)
    .bind(ms(news.at))
    .execute(connection)
    .await?;
    Ok(())
}

/// All traits of an account, by name.
pub(super) async fn find(
    connection: &mut Connection,
    account: AccountId,
) -> Result<Vec<(Timestamp, Trait)>> {
    let rows = sqlx::query("SELECT value, seen_at FROM trait WHERE account = $1 ORDER BY name")
        .bind(account.0)
        .fetch_all(connection)
        .await?;
    let place = Place { table: "trait", row: &account.0 };
    rows.iter()
        .map(|row| Ok((place.time(row.try_get(1)?)?, place.parse(row.try_get(0)?)?)))
        .collect()
}

/// Notes that a probe is running, unless one already is; returns whether it did.
pub(super) async fn begin_probe(
    connection: &mut Connection,
    account: AccountId,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool> {
    let begun = sqlx::query(
        "UPDATE account SET probe_until = $2 \
         WHERE id = $1 AND (probe_until IS NULL OR probe_until < $3)",
    )
    .bind(account.0)
    .bind(ms(until))
    .bind(ms(now))
    .execute(connection)
    .await?;
    Ok(begun.rows_affected() > 0)
}

/// Notes until when it is running, or that it ended.
pub(super) async fn hold_probe(
    connection: &mut Connection,
    account: AccountId,
    until: Option<Timestamp>,
) -> Result<()> {
    sqlx::query("UPDATE account SET probe_until = $2 WHERE id = $1")
        .bind(account.0)
        .bind(until.map(ms))
        .execute(connection)
        .await?;
    Ok(())
}

//! What accounts last reported about their users.

use jiff::Timestamp;
use plan::access::AccountUser;
use plan::id::AccountId;
use sqlx::Row;

use super::Connection;
use super::values::{Place, json, ms};
use crate::error::Result;

pub(super) async fn find(
    connection: &mut Connection,
    email: &str,
) -> Result<Vec<(AccountId, Timestamp, Option<AccountUser>)>> {
    let rows = sqlx::query(
        "SELECT account, asked_at, told FROM account_user WHERE email = $1 ORDER BY account",
    )
    .bind(email.trim().to_lowercase())
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let account: i64 = row.try_get(0)?;
            let place = Place { table: "account_user", row: &account };
            let told: Option<&str> = row.try_get(2)?;
            let told = told.map(serde_json::from_str).transpose();
            let told = told.map_err(|error| place.corrupt(error.to_string()))?;
            Ok((AccountId(account), place.time(row.try_get(1)?)?, told))
        })
        .collect()
}

pub(super) async fn store(
    connection: &mut Connection,
    account: AccountId,
    email: &str,
    user: Option<&AccountUser>,
    at: Timestamp,
) -> Result<()> {
    let told = user.map(json).transpose()?;
    sqlx::query(
        "INSERT INTO account_user (account, email, asked_at, told) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (account, email) DO UPDATE \
         SET asked_at = excluded.asked_at, told = excluded.told",
    )
    .bind(account.0)
    .bind(email.trim().to_lowercase())
    .bind(ms(at))
    .bind(told)
    .execute(connection)
    .await?;
    Ok(())
}

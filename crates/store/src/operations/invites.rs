//! Invites.

use jiff::Timestamp;
use sqlx::Row;

use super::values::{Place, ms};
use super::{Connection, DbRow};
use crate::error::Result;
use crate::sign_in::{INVITED_FOR, Invite, NewInvite};
use crate::token::TokenHash;

const COLUMNS: &str = "email, role, invited_by, expires_at";

pub(super) async fn all(connection: &mut Connection, now: Timestamp) -> Result<Vec<Invite>> {
    let sql = format!("SELECT {COLUMNS} FROM invite WHERE expires_at > $1 ORDER BY email");
    let rows =
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(ms(now)).fetch_all(&mut *connection).await?;
    rows.iter().map(read).collect()
}

pub(super) async fn find(
    connection: &mut Connection,
    hash: TokenHash,
    now: Timestamp,
) -> Result<Option<Invite>> {
    let sql = format!("SELECT {COLUMNS} FROM invite WHERE hash = $1 AND expires_at > $2");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(&hash.0[..])
        .bind(ms(now))
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &DbRow) -> Result<Invite> {
    let email: String = row.try_get(0)?;
    let place = Place { table: "invite", row: &email };
    Ok(Invite {
        role: place.word(row.try_get(1)?)?,
        invited_by: row.try_get(2)?,
        expires_at: place.time(row.try_get(3)?)?,
        email: email.clone(),
    })
}

/// Stores an invite in place of an earlier one, and removes those that have expired.
pub(super) async fn put(
    connection: &mut Connection,
    new: &NewInvite,
    by: &str,
    now: Timestamp,
) -> Result<()> {
    sqlx::query("DELETE FROM invite WHERE expires_at <= $1 OR email = $2")
        .bind(ms(now))
        .bind(&new.email)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "INSERT INTO invite (email, hash, role, invited_by, made_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&new.email)
    .bind(&new.hash.0[..])
    .bind(new.role.as_str())
    .bind(by)
    .bind(ms(now))
    .bind(ms(now.checked_add(INVITED_FOR).unwrap_or(Timestamp::MAX)))
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes the invite to this address; returns whether there was one.
pub(super) async fn remove(connection: &mut Connection, email: &str) -> Result<bool> {
    let gone =
        sqlx::query("DELETE FROM invite WHERE email = $1").bind(email).execute(connection).await?;
    Ok(gone.rows_affected() == 1)
}

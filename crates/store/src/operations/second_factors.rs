//! The second factors of users.

use secrecy::SecretString;
use sqlx::Row;

use super::Connection;
use super::values::Place;
use crate::error::{Error, Result};
use crate::secret::Cipher;
use crate::sign_in::SecondFactor;
use crate::token::TokenHash;

/// The row of the user with this email address.
const OWNER: &str = "owner = (SELECT id FROM users WHERE email = $1)";

/// What the key of this user's app is encrypted for.
pub(super) fn place(owner: i64) -> String {
    format!("second_factor/{owner}")
}

pub(super) async fn find(
    connection: &mut Connection,
    cipher: &Cipher,
    email: &str,
) -> Result<Option<SecondFactor>> {
    let sql = format!(
        "SELECT owner, secret, is_on, (SELECT count(*) FROM recovery_code c \
         WHERE c.owner = second_factor.owner) FROM second_factor WHERE {OWNER}"
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(email.trim().to_lowercase())
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let owner: i64 = row.try_get(0)?;
    let corrupt = || {
        let what = "the key can't be decrypted".to_owned();
        Place { table: "second_factor", row: &owner }.corrupt(what)
    };
    let secret = cipher.open(&place(owner), row.try_get(1)?).ok_or_else(corrupt)?;
    let recovery_codes = row.try_get::<i64, _>(3)?.cast_unsigned();
    Ok(Some(SecondFactor { secret, is_on: row.try_get::<i64, _>(2)? == 1, recovery_codes }))
}

pub(super) async fn prepare(
    connection: &mut Connection,
    cipher: &Cipher,
    email: &str,
    secret: &SecretString,
) -> Result<bool> {
    let row = sqlx::query("SELECT id FROM users WHERE email = $1")
        .bind(email.trim().to_lowercase())
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(false) };
    let owner: i64 = row.try_get(0)?;
    let prepared = sqlx::query(
        "INSERT INTO second_factor (owner, secret, is_on, last_step) VALUES ($1, $2, 0, 0) \
         ON CONFLICT (owner) DO UPDATE SET secret = excluded.secret \
         WHERE second_factor.is_on = 0",
    )
    .bind(owner)
    .bind(cipher.seal(&place(owner), secret)?)
    .execute(connection)
    .await?;
    Ok(prepared.rows_affected() == 1)
}

/// Turns on what was prepared.
pub(super) async fn turn_on(
    connection: &mut Connection,
    owner: i64,
    step: i64,
    recovery: &[TokenHash],
) -> Result<()> {
    let turned = sqlx::query(
        "UPDATE second_factor SET is_on = 1, last_step = $2 WHERE owner = $1 AND is_on = 0",
    )
    .bind(owner)
    .bind(step)
    .execute(&mut *connection)
    .await?;
    if turned.rows_affected() == 0 {
        return Err(Error::Refused(
            "no second factor is being set up, or it is on already: reload the page".to_owned(),
        ));
    }
    sqlx::query("DELETE FROM recovery_code WHERE owner = $1")
        .bind(owner)
        .execute(&mut *connection)
        .await?;
    for code in recovery {
        sqlx::query("INSERT INTO recovery_code (owner, hash) VALUES ($1, $2)")
            .bind(owner)
            .bind(&code.0[..])
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Turns off what is on, or what is being set up; returns whether there was one.
pub(super) async fn turn_off(connection: &mut Connection, owner: i64) -> Result<bool> {
    sqlx::query("DELETE FROM recovery_code WHERE owner = $1")
        .bind(owner)
        .execute(&mut *connection)
        .await?;
    let gone = sqlx::query("DELETE FROM second_factor WHERE owner = $1")
        .bind(owner)
        .execute(connection)
        .await?;
    Ok(gone.rows_affected() == 1)
}

pub(super) async fn use_code(connection: &mut Connection, email: &str, step: i64) -> Result<bool> {
    let sql = format!(
        "UPDATE second_factor SET last_step = $2 WHERE {OWNER} AND is_on = 1 AND last_step < $2"
    );
    let used = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(email.trim().to_lowercase())
        .bind(step)
        .execute(connection)
        .await?;
    Ok(used.rows_affected() == 1)
}

pub(super) async fn use_recovery_code(
    connection: &mut Connection,
    email: &str,
    code: TokenHash,
) -> Result<bool> {
    let sql = format!("DELETE FROM recovery_code WHERE {OWNER} AND hash = $2");
    let used = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(email.trim().to_lowercase())
        .bind(&code.0[..])
        .execute(connection)
        .await?;
    Ok(used.rows_affected() == 1)
}

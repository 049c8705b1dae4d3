//! Replacing the key that encrypts.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Row};

use super::alerts::url_place;
use super::audit::{Entry, audit};
use super::changing::{account_place, token_place};
use super::values::Place;
use super::{Backend, Connection, marks, second_factors};
use crate::audit::Actor;
use crate::error::{Error, Result};
use crate::rekey::{Rekey, Rotated};
use crate::secret::Cipher;

/// A column whose values are encrypted.
struct Sealed {
    table: &'static str,
    /// What identifies a row.
    key: &'static str,
    column: &'static str,
    /// What a row's value is sealed for.
    place: fn(column: &str, key: &str) -> String,
}

/// Every column that holds something encrypted.
const SEALED: [Sealed; 5] = [
    Sealed { table: "account", key: "name", column: "access_key", place: account_place },
    Sealed { table: "account", key: "name", column: "secret_key", place: account_place },
    Sealed { table: "connector", key: "name", column: "token", place: |_, name| token_place(name) },
    Sealed {
        table: "alert",
        key: "id",
        column: "url",
        place: |_, id| url_place(id.parse().unwrap_or_default()),
    },
    Sealed {
        table: "second_factor",
        key: "owner",
        column: "secret",
        place: |_, owner| second_factors::place(owner.parse().unwrap_or_default()),
    },
];

#[async_trait]
impl Rekey for Backend {
    async fn rotate_key(
        &self,
        file: Option<&Path>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Rotated> {
        if self.is_in_use().await? {
            return Err(Error::Refused(
                "a service uses the database, with the old key: stop all nodes, rotate, give each \
                 the new key file, and start them again"
                    .to_owned(),
            ));
        }
        let file: PathBuf = file.map_or_else(|| self.default_key_file(), Path::to_owned);
        let renewed = self.cipher.renew(&file)?;
        let (old, new, actor) = (self.cipher.clone(), renewed.clone(), actor.clone());
        self.write(move |connection| {
            let (old, new, actor) = (old.clone(), new.clone(), actor.clone());
            Box::pin(async move { reseal(connection, (&old, &new), &actor, now).await })
        })
        .await?;
        let old_file = self.cipher.make_way(&file)?;
        Ok(Rotated { file, old_file, fingerprint: renewed.fingerprint().to_owned() })
    }
}

async fn reseal(
    connection: &mut Connection,
    (old, new): (&Cipher, &Cipher),
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    for Sealed { table, key, column, place } in SEALED {
        let sql =
            format!("SELECT CAST({key} AS TEXT), {column} FROM {table} WHERE {column} IS NOT NULL");
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *connection).await?;
        for row in &rows {
            let id: String = row.try_get(0)?;
            let sealed_for = place(column, &id);
            let secret = old.open(&sealed_for, row.try_get(1)?).ok_or_else(|| {
                Place { table, row: &id }.corrupt(format!("{column} can't be decrypted"))
            })?;
            let sql = format!("UPDATE {table} SET {column} = $2 WHERE CAST({key} AS TEXT) = $1");
            sqlx::query(AssertSqlSafe(sql))
                .bind(&id)
                .bind(new.seal(&sealed_for, &secret)?)
                .execute(&mut *connection)
                .await?;
        }
    }
    marks::put_fingerprint(connection, new.fingerprint()).await?;
    let after = serde_json::json!({ "fingerprint": new.fingerprint() }).to_string();
    let subject = old.fingerprint();
    let entry = Entry { action: "rotate_key", subject, before: None, after: Some(after) };
    audit(connection, actor, now, &entry).await
}

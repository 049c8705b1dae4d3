//! What the database knows about itself.

use jiff::Timestamp;
use sqlx::Row;

use super::values::{Place, ms};
use super::{Backend, Connection};
use crate::backup;
use crate::error::Result;
use crate::secret::KeyUse;
use crate::store::Base;

/// The fingerprint of the key file.
pub(crate) const KEY: &str = "key_fingerprint";
/// When the last backup of this database was made, in milliseconds.
pub(crate) const BACKED_UP: &str = "backed_up_at";
/// When it was restored from a backup, in milliseconds.
pub(crate) const RESTORED: &str = "restored_at";
/// In a backup only: when it was made, in milliseconds.
pub(crate) const COPIED: &str = "copy_made_at";

/// Until when a node prunes what is older than the retention period, in milliseconds.
pub(crate) const PRUNING: &str = "pruning_until";

/// The public URL with which the service was last started.
const PUBLIC_URL: &str = "public_url";
/// The beginning of webhook URLs with which the service was last started.
const HOOKS_URL: &str = "hooks_url";

/// The mark of what these URLs begin with.
pub(crate) fn of_base(base: Base) -> &'static str {
    match base {
        Base::Links => PUBLIC_URL,
        Base::Webhooks => HOOKS_URL,
    }
}
/// What the code of the first start is derived from, besides the key.
pub(crate) const FIRST_START: &str = "first_start";

pub(crate) async fn find(connection: &mut Connection, name: &str) -> Result<Option<String>> {
    let row = sqlx::query("SELECT value FROM mark WHERE name = $1")
        .bind(name)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

pub(crate) async fn find_time(
    connection: &mut Connection,
    name: &str,
) -> Result<Option<Timestamp>> {
    let Some(value) = find(connection, name).await? else { return Ok(None) };
    let place = Place { table: "mark", row: &name };
    let ms = value.parse().map_err(|_| place.corrupt(format!("'{value}' is not a time")))?;
    place.time(ms).map(Some)
}

pub(crate) async fn put(connection: &mut Connection, name: &str, value: &str) -> Result<()> {
    sqlx::query(
        "INSERT INTO mark (name, value) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )
    .bind(name)
    .bind(value)
    .execute(connection)
    .await?;
    Ok(())
}

/// Puts a mark unless it is there already.
pub(crate) async fn put_first(connection: &mut Connection, name: &str, value: &str) -> Result<()> {
    sqlx::query("INSERT INTO mark (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
        .bind(name)
        .bind(value)
        .execute(connection)
        .await?;
    Ok(())
}

pub(crate) async fn put_time(connection: &mut Connection, name: &str, at: Timestamp) -> Result<()> {
    put(connection, name, &ms(at).to_string()).await
}

/// What is known about the key that the database was written with.
pub(crate) async fn key_use(connection: &mut Connection) -> Result<KeyUse> {
    let row = sqlx::query(
        "SELECT (SELECT count(*) FROM account) + (SELECT count(*) FROM second_factor) \
         + (SELECT count(*) FROM alert WHERE url IS NOT NULL)",
    )
    .fetch_one(&mut *connection)
    .await?;
    if row.try_get::<i64, _>(0)? == 0 {
        return Ok(KeyUse::None);
    }
    Ok(find(connection, KEY).await?.map_or(KeyUse::Unknown, KeyUse::Known))
}

/// Fails if the database is a backup, which must be restored before use.
pub(crate) async fn is_no_backup(connection: &mut Connection) -> Result<()> {
    match find(connection, COPIED).await? {
        None => Ok(()),
        Some(_) => Err(backup::worked_with("the database")),
    }
}

impl Backend {
    /// Stores the fingerprint of the key, once everything was decrypted with it.
    pub(super) async fn keep_fingerprint(&self) -> Result<()> {
        let known = find(&mut *self.begin_read().await?, KEY).await?;
        let fingerprint = self.cipher.fingerprint().to_owned();
        if known.as_ref() == Some(&fingerprint) {
            return Ok(());
        }
        self.write(move |connection| {
            Box::pin(async move { put(connection, KEY, &fingerprint).await })
        })
        .await
    }
}

/// Stores the fingerprint of the key with which everything was encrypted again.
pub(super) async fn put_fingerprint(connection: &mut Connection, fingerprint: &str) -> Result<()> {
    put(connection, KEY, fingerprint).await
}

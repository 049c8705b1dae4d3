//! What a database had that a backup does not have.

use std::path::Path;

use jiff::Timestamp;
use plan::id::RequestId;
use sqlx::{Connection, Row};

use super::open;
use crate::error::Result;

/// What the replaced database had, and the backup does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Requests that are not in the backup.
    pub requests: u64,
    /// When the first and the last of these were received.
    pub received: Option<(Timestamp, Timestamp)>,
    /// Links that are not in the backup, or differ there.
    pub links: u64,
    /// Entries of the audit log: changes of settings, users and the like.
    pub changes: u64,
}

/// Compares the replaced database with the backup.
pub(super) async fn lost(old: &Path, copy: &Path) -> Result<Lost> {
    let mut old = open(old).await?;
    sqlx::query("ATTACH DATABASE ? AS copy")
        .bind(copy.display().to_string())
        .execute(&mut old)
        .await?;
    let requests = sqlx::query(
        "SELECT count(*), min(id), max(id) FROM request \
         WHERE id NOT IN (SELECT id FROM copy.request)",
    )
    .fetch_one(&mut old)
    .await?;
    let links = sqlx::query(
        "SELECT count(*) FROM (SELECT first_account, second_account, first_id, second_id, \
         first_end, second_end FROM link EXCEPT SELECT first_account, second_account, first_id, \
         second_id, first_end, second_end FROM copy.link)",
    )
    .fetch_one(&mut old)
    .await?;
    let changes = sqlx::query(
        "SELECT count(*) FROM audit WHERE id > (SELECT coalesce(max(id), 0) FROM copy.audit)",
    )
    .fetch_one(&mut old)
    .await?;
    let time = |at: usize| -> Result<Option<Timestamp>> {
        let id: Option<i64> = requests.try_get(at)?;
        Ok(id.map(|id| RequestId::from_number(id).received_at()))
    };
    let lost = Lost {
        requests: requests.try_get::<i64, _>(0)?.cast_unsigned(),
        received: time(1)?.zip(time(2)?),
        links: links.try_get::<i64, _>(0)?.cast_unsigned(),
        changes: changes.try_get::<i64, _>(0)?.cast_unsigned(),
    };
    sqlx::raw_sql("DETACH DATABASE copy").execute(&mut old).await?;
    old.close().await?;
    Ok(lost)
}

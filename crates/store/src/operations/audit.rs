//! The audit log.

use jiff::Timestamp;
use sqlx::Row;

use super::values::{Place, ms};
use super::{Connection, QueryBuilder};
use crate::audit::{ACTIONS, Access, Actor, AuditFilter, AuditItem};
use crate::error::Result;
use crate::filter::Page;

/// A line of the audit log.
pub(super) struct Entry<'a> {
    pub(super) action: &'a str,
    pub(super) subject: &'a str,
    /// The state before, as JSON without secrets.
    pub(super) before: Option<String>,
    /// The state after, likewise.
    pub(super) after: Option<String>,
}

pub(super) async fn audit(
    connection: &mut Connection,
    actor: &Actor,
    now: Timestamp,
    entry: &Entry<'_>,
) -> Result<()> {
    debug_assert!(ACTIONS.contains(&entry.action), "{} is not listed", entry.action);
    sqlx::query(
        "INSERT INTO audit (at, actor, action, subject, before, after) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(ms(now))
    .bind(&actor.0)
    .bind(entry.action)
    .bind(entry.subject)
    .bind(entry.before.as_deref())
    .bind(entry.after.as_deref())
    .execute(connection)
    .await?;
    Ok(())
}

/// Entries that match, newest first, and the number to continue after.
pub(super) async fn find(
    connection: &mut Connection,
    filter: &AuditFilter,
    limit: usize,
    after: Option<i64>,
) -> Result<(Vec<AuditItem>, Option<i64>)> {
    let limit = limit.clamp(1, Page::MOST);
    let mut query = QueryBuilder::new(
        "SELECT id, at, actor, action, subject, before, after FROM audit WHERE id < ",
    );
    query.push_bind(after.unwrap_or(i64::MAX));
    let AuditFilter { actor, action, subject, access } = filter;
    for (column, wanted) in [("actor", actor), ("action", action), ("subject", subject)] {
        if let Some(wanted) = wanted {
            query.push(format!(" AND {column} = ")).push_bind(wanted.clone());
        }
    }
    let is_narrow = actor.is_some() || action.is_some() || subject.is_some();
    if !access && !is_narrow {
        query.push(format!(" AND action NOT IN ('{}')", Access::ACTIONS.join("', '")));
    }
    query.push(" ORDER BY id DESC LIMIT ");
    query.push_bind(i64::try_from(limit + 1).unwrap_or(i64::MAX));
    let rows = query.build().persistent(false).fetch_all(connection).await?;
    let mut items = Vec::with_capacity(rows.len());
    for row in rows.iter().take(limit) {
        let id: i64 = row.try_get(0)?;
        let place = Place { table: "audit", row: &id };
        items.push(AuditItem {
            id,
            at: place.time(row.try_get(1)?)?,
            actor: row.try_get(2)?,
            action: row.try_get(3)?,
            subject: row.try_get(4)?,
            before: place.raw(row.try_get(5)?)?,
            after: place.raw(row.try_get(6)?)?,
        });
    }
    let more = rows.len() > limit;
    let cursor = items.last().filter(|_| more).map(|item| item.id);
    Ok((items, cursor))
}

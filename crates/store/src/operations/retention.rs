//! Pruning, and deleting requests with all that belongs to them.

use std::collections::HashSet;

use async_trait::async_trait;
use jiff::Timestamp;
use plan::id::RequestId;
use sqlx::Row;

use super::values::{Place, ms};
use super::{Backend, Connection, QueryBuilder, ROWS_A_STATEMENT, marks, push_list};
use crate::error::Result;
use crate::progress::CallRef;
use crate::retention::{Pruned, Retention};

/// The condition on a request whose work has ended: no record of it waits, and no review.
pub(super) const HAS_ENDED: &str = "finished_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM record r \
     WHERE r.request = request.id AND r.due IS NOT NULL) AND NOT EXISTS (SELECT 1 FROM review v \
     WHERE v.request = request.id AND v.state <> 'solved')";
/// The tables that belong to a request, with the column that names it.
const OF_REQUEST: [(&str, &str); 5] = [
    ("mention", "request"),
    ("attempt", "request"),
    ("record", "request"),
    ("delivery", "id"),
    ("request", "id"),
];
/// How many attempts of old requests that stay are examined, whose calls stay too.
const STAYING: i64 = 10_000;

#[async_trait]
impl Retention for Backend {
    async fn claim_pruning(&self, now: Timestamp, until: Timestamp) -> Result<bool> {
        let known = marks::find_time(&mut *self.begin_read().await?, marks::PRUNING).await?;
        let (now, until) = (ms(now), ms(until));
        // A claim that ends later than one made now could is from before the clock was set back.
        let is_held = move |end: i64| end > now && end <= until;
        if known.is_some_and(|end| is_held(ms(end))) {
            return Ok(false);
        }
        self.write(move |connection| {
            Box::pin(async move {
                let known = marks::find_time(connection, marks::PRUNING).await?;
                let sql = match known {
                    None => "INSERT INTO mark (value, name) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                    Some(_) => "UPDATE mark SET value = $1 WHERE name = $2 AND value = $3",
                };
                let mut query = sqlx::query(sql).bind(until.to_string()).bind(marks::PRUNING);
                if let Some(known) = known {
                    if is_held(ms(known)) {
                        return Ok(false);
                    }
                    query = query.bind(ms(known).to_string());
                }
                Ok(query.execute(connection).await?.rows_affected() > 0)
            })
        })
        .await
    }

    async fn prune_requests(&self, after: RequestId, before: RequestId) -> Result<Pruned> {
        let mut reading = self.begin_read().await?;
        let (ids, next) = examined(&mut reading, "request", after, before).await?;
        drop(reading);
        if ids.is_empty() {
            return Ok(Pruned::default());
        }
        let deleted = self
            .write(move |connection| {
                Box::pin(async move {
                    let mut query = QueryBuilder::new(format!(
                        "SELECT id FROM request WHERE {HAS_ENDED} AND finished_at < "
                    ));
                    query.push_bind(ms(before.received_at())).push(" AND id IN ");
                    push_list(&mut query, ids);
                    let rows = query.build().persistent(false).fetch_all(&mut *connection).await?;
                    let ended: Vec<i64> =
                        rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
                    delete_requests(connection, &ended).await?;
                    Ok(ended.len() as u64)
                })
            })
            .await?;
        Ok(Pruned { deleted, next })
    }

    async fn prune_calls(&self, after: RequestId, before: RequestId) -> Result<Pruned> {
        let mut reading = self.begin_read().await?;
        let (mut ids, next) = examined(&mut reading, "call", after, before).await?;
        if ids.is_empty() {
            return Ok(Pruned::default());
        }
        let rows = sqlx::query("SELECT request, calls FROM attempt WHERE request < $1 LIMIT $2")
            .bind(before.number())
            .bind(STAYING)
            .fetch_all(&mut *reading)
            .await?;
        drop(reading);
        let mut staying = HashSet::new();
        for row in &rows {
            let request: i64 = row.try_get(0)?;
            let place = Place { table: "attempt", row: &request };
            let calls: Vec<CallRef> = place.parse(row.try_get(1)?)?;
            staying.extend(calls.into_iter().map(|call| call.id));
        }
        ids.retain(|id| !staying.contains(id));
        let deleted = self
            .write(move |connection| {
                Box::pin(async move { delete(connection, ("call", "id"), &ids).await })
            })
            .await?;
        Ok(Pruned { deleted, next })
    }

    async fn prune_rest(&self, before: Timestamp) -> Result<Pruned> {
        let step = i64::try_from(Pruned::STEP).unwrap_or(i64::MAX);
        let (deleted, are_more) = self
            .write(move |connection| {
                Box::pin(async move {
                    let (mut all, mut are_more) = (0, false);
                    for sql in REST {
                        let done = sqlx::query(sql)
                            .bind(ms(before))
                            .bind(step)
                            .execute(&mut *connection)
                            .await?
                            .rows_affected();
                        all += done;
                        are_more |= done >= step.cast_unsigned();
                    }
                    Ok((all, are_more))
                })
            })
            .await?;
        Ok(Pruned { deleted, next: are_more.then(|| RequestId::first_at(before)) })
    }

    async fn release_space(&self) -> Result<()> {
        Self::release_space(self).await
    }

    async fn kept_bytes(&self) -> Result<u64> {
        Self::kept_bytes(self).await
    }
}

/// What else ends, and is deleted then.
const REST: [&str; 4] = [
    "DELETE FROM mail WHERE id IN \
     (SELECT id FROM mail WHERE due IS NULL AND ended_at < $1 ORDER BY id LIMIT $2)",
    "DELETE FROM review WHERE id IN (SELECT id FROM review WHERE state = 'solved' \
     AND opened_at < $1 AND coalesce(decided_at, opened_at) < $1 ORDER BY id LIMIT $2)",
    "DELETE FROM retry_batch WHERE id IN (SELECT id FROM retry_batch WHERE at < $1 AND NOT EXISTS \
     (SELECT 1 FROM record r WHERE r.batch = retry_batch.id) ORDER BY id LIMIT $2)",
    "DELETE FROM parity_lead WHERE (connector, number) IN (SELECT l.connector, l.number \
     FROM parity_lead l JOIN parity p ON p.connector = l.connector WHERE p.ended_at < $1 \
     AND p.asked_at IS NULL LIMIT $2)",
];

/// The next ids of a table in this range, and where to continue after them.
async fn examined(
    connection: &mut Connection,
    table: &'static str,
    after: RequestId,
    before: RequestId,
) -> Result<(Vec<i64>, Option<RequestId>)> {
    let sql = format!("SELECT id FROM {table} WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(after.number())
        .bind(before.number())
        .bind(i64::try_from(Pruned::STEP).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await?;
    let ids: Vec<i64> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let is_full = ids.len() == Pruned::STEP;
    let next = ids.last().filter(|_| is_full).map(|id| RequestId::from_number(*id));
    Ok((ids, next))
}

/// Deletes requests with all that belongs to them, except for calls, which may be other requests'
/// too. Their counts stay.
pub(super) async fn delete_requests(connection: &mut Connection, ids: &[i64]) -> Result<()> {
    for place in OF_REQUEST {
        delete(connection, place, ids).await?;
    }
    Ok(())
}

/// Deletes the rows of a table that have one of these values in a column; returns their number.
pub(super) async fn delete(
    connection: &mut Connection,
    (table, column): (&str, &str),
    values: &[i64],
) -> Result<u64> {
    let mut deleted = 0;
    for some in values.chunks(ROWS_A_STATEMENT) {
        let mut query = QueryBuilder::new(format!("DELETE FROM {table} WHERE {column} IN "));
        push_list(&mut query, some.iter().copied());
        let done = query.build().persistent(false).execute(&mut *connection).await?;
        deleted += done.rows_affected();
    }
    Ok(deleted)
}

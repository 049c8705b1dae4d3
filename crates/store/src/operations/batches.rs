//! Batches of retries, and their progress.

use std::collections::BTreeMap;

use jiff::Timestamp;
use plan::outcome::{Event, RetryWith};
use sqlx::Row;

use super::values::{Place, ms};
use super::{Connection, DbRow, QueryBuilder};
use crate::audit::Actor;
use crate::error::Result;
use crate::retry::RetryBatch;

const COLUMNS: &str = "SELECT id, at, actor, settings, per_minute, filter, requests, records, \
                       cancelled, cancelled_by, linked_by FROM retry_batch";

/// What a batch contains.
pub(super) struct Begun {
    pub(super) with: RetryWith,
    pub(super) per_minute: Option<u32>,
    /// The filter whose failed records it contains, as JSON.
    pub(super) filter: Option<String>,
    /// The connector whose linked leads it contains.
    pub(super) linked_by: Option<String>,
}

/// Starts an empty batch; returns its number.
pub(super) async fn begin(
    connection: &mut Connection,
    begun: &Begun,
    actor: &Actor,
    now: Timestamp,
) -> Result<i64> {
    let row = sqlx::query(
        "INSERT INTO retry_batch (at, actor, settings, per_minute, filter, linked_by, requests, \
         records, cancelled) VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0) RETURNING id",
    )
    .bind(ms(now))
    .bind(&actor.0)
    .bind(begun.with.as_str())
    .bind(begun.per_minute.map(i64::from))
    .bind(&begun.filter)
    .bind(&begun.linked_by)
    .fetch_one(connection)
    .await?;
    Ok(row.try_get(0)?)
}

/// Counts what was added to a batch.
pub(super) async fn add(
    connection: &mut Connection,
    batch: i64,
    requests: u64,
    records: u64,
) -> Result<()> {
    sqlx::query(
        "UPDATE retry_batch SET requests = requests + $2, records = records + $3 WHERE id = $1",
    )
    .bind(batch)
    .bind(requests.cast_signed())
    .bind(records.cast_signed())
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes how many records of which batches were cancelled.
pub(super) async fn note_cancelled(
    connection: &mut Connection,
    batches: &BTreeMap<i64, i64>,
    actor: &Actor,
) -> Result<()> {
    for (batch, records) in batches {
        sqlx::query(
            "UPDATE retry_batch SET cancelled = cancelled + $2, cancelled_by = $3 WHERE id = $1",
        )
        .bind(batch)
        .bind(records)
        .bind(&actor.0)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// The last batches, newest first.
pub(super) async fn last(connection: &mut Connection) -> Result<Vec<RetryBatch>> {
    let mut query = QueryBuilder::new(COLUMNS);
    query.push(" ORDER BY id DESC LIMIT ");
    query.push_bind(i64::try_from(RetryBatch::MOST).unwrap_or(i64::MAX));
    read(connection, query).await
}

/// The batch of this number.
pub(super) async fn find(connection: &mut Connection, id: i64) -> Result<Option<RetryBatch>> {
    let mut query = QueryBuilder::new(COLUMNS);
    query.push(" WHERE id = ").push_bind(id);
    Ok(read(connection, query).await?.into_iter().next())
}

async fn read(connection: &mut Connection, mut query: QueryBuilder) -> Result<Vec<RetryBatch>> {
    let rows = query.build().persistent(false).fetch_all(&mut *connection).await?;
    let mut batches = rows.iter().map(batch).collect::<Result<Vec<_>>>()?;
    for batch in &mut batches {
        measure(connection, batch).await?;
    }
    Ok(batches)
}

fn batch(row: &DbRow) -> Result<RetryBatch> {
    let id: i64 = row.try_get(0)?;
    let place = Place { table: "retry_batch", row: &id };
    let with: RetryWith = place.word(row.try_get(3)?)?;
    let per_minute: Option<i64> = row.try_get(4)?;
    Ok(RetryBatch {
        id,
        at: place.time(row.try_get(1)?)?,
        actor: row.try_get(2)?,
        with,
        per_minute: per_minute.map(|number| place.count(number)).transpose()?,
        filter: place.raw(row.try_get(5)?)?,
        requests: row.try_get::<i64, _>(6)?.cast_unsigned(),
        records: row.try_get::<i64, _>(7)?.cast_unsigned(),
        done: 0,
        left: 0,
        failed: 0,
        cancelled: row.try_get::<i64, _>(8)?.cast_unsigned(),
        cancelled_by: row.try_get(9)?,
        linked_by: row.try_get(10)?,
    })
}

/// Counts the progress of a batch, by its own index.
async fn measure(connection: &mut Connection, batch: &mut RetryBatch) -> Result<()> {
    let rows = sqlx::query(
        "SELECT event, count(*), count(due) FROM record WHERE batch = $1 GROUP BY event",
    )
    .bind(batch.id)
    .fetch_all(connection)
    .await?;
    let place = Place { table: "record", row: &batch.id };
    for row in &rows {
        let event: Event = place.word(row.try_get(0)?)?;
        let (all, due): (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
        let ended = (all - due).cast_unsigned();
        batch.left += due.cast_unsigned();
        match event {
            Event::Failed => batch.failed += ended,
            _ => batch.done += ended,
        }
    }
    Ok(())
}

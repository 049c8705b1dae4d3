//! Trying failed records again because a person asked.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::Timestamp;
use plan::id::RequestId;
use sqlx::Row;

use super::values::{json, ms};
use super::{
    Connection, QueryBuilder, ROWS_A_STATEMENT, audit, batches, filter, push_list, search,
};
use crate::audit::Actor;
use crate::error::Result;
use crate::filter::Filter;
use crate::retry::{Retried, Retry, Selection};

/// A record that a person asked to retry and that nobody has begun.
const NOT_BEGUN: &str = "retry IS NOT NULL AND tries = 0 AND due IS NOT NULL";

/// A record that can be retried: one that failed, or one that was left alone, as a person or a rule
/// decided, which is retried when a person decides otherwise.
const RETRIED: &str = "(record.event = 'failed' OR record.code = 'left_alone')";

/// Queues failed records again.
pub(super) async fn retry(
    connection: &mut Connection,
    retry: &Retry,
    actor: &Actor,
    now: Timestamp,
) -> Result<Retried> {
    let retried = queue(connection, retry, actor, now).await?;
    note(connection, "retry", retried.requests, &retry.selection, actor, now).await?;
    Ok(retried)
}

/// Takes back what was queued again and nobody has begun; returns how many requests that touched.
pub(super) async fn cancel(
    connection: &mut Connection,
    selection: &Selection,
    actor: &Actor,
    now: Timestamp,
) -> Result<u64> {
    let requests = selected(connection, selection).await?;
    let touched = take_back(connection, &requests, actor, now).await?;
    note(connection, "cancel_retries", touched, selection, actor, now).await?;
    Ok(touched)
}

/// The same of what is left of a batch.
pub(super) async fn cancel_batch(
    connection: &mut Connection,
    batch: i64,
    actor: &Actor,
    now: Timestamp,
) -> Result<u64> {
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
        "SELECT DISTINCT request FROM record WHERE batch = $1 AND {NOT_BEGUN}"
    )))
    .bind(batch)
    .fetch_all(&mut *connection)
    .await?;
    let requests: Vec<i64> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let touched = take_back(connection, &requests, actor, now).await?;
    if touched > 0 {
        let subject = format!("{touched} requests");
        let after = Some(json(&format!("what was left of batch {batch}"))?);
        let action = "cancel_retries";
        let entry = audit::Entry { action, subject: &subject, before: None, after };
        audit::audit(connection, actor, now, &entry).await?;
    }
    Ok(touched)
}

/// Makes failed records due again, as a batch.
pub(super) async fn queue(
    connection: &mut Connection,
    retry: &Retry,
    actor: &Actor,
    now: Timestamp,
) -> Result<Retried> {
    let mut requests = match &retry.selection {
        Selection::Requests(ids) => retriable(connection, ids).await?,
        Selection::Failed(filter) => failed(connection, filter).await?,
    };
    requests.truncate(Retry::MOST);
    if requests.is_empty() {
        return Ok(Retried { requests: 0, batch: None });
    }
    let due: Vec<(i64, i64)> =
        requests.iter().enumerate().map(|(n, id)| (*id, ms(now) + delay(n, retry))).collect();
    let batch = batches::begin(connection, retry, actor, now).await?;
    let (mut requests, mut records) = (0, 0);
    for some in due.chunks(ROWS_A_STATEMENT) {
        let touched = again(connection, some, retry, batch).await?;
        requests += touched.0;
        records += touched.1;
    }
    if requests == 0 {
        batches::forget(connection, batch).await?;
        return Ok(Retried { requests: 0, batch: None });
    }
    batches::keep(connection, batch, requests, records).await?;
    Ok(Retried { requests, batch: Some(batch) })
}

/// How many milliseconds later than at once the request at this place is tried again.
fn delay(place: usize, retry: &Retry) -> i64 {
    const MINUTE: i64 = 60_000;
    let Some(per_minute) = retry.per_minute else { return 0 };
    let after = i64::try_from(place.saturating_sub(Retry::AT_ONCE)).unwrap_or(i64::MAX);
    after.saturating_mul(MINUTE) / i64::from(per_minute.max(1))
}

async fn note(
    connection: &mut Connection,
    action: &str,
    touched: u64,
    selection: &Selection,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    if touched == 0 {
        return Ok(());
    }
    let which = match selection {
        Selection::Requests(ids) => json(ids)?,
        Selection::Failed(_) => json("failed requests by filter")?,
    };
    let subject = format!("{touched} requests");
    let entry = audit::Entry { action, subject: &subject, before: None, after: Some(which) };
    audit::audit(connection, actor, now, &entry).await
}

async fn selected(connection: &mut Connection, selection: &Selection) -> Result<Vec<i64>> {
    match selection {
        Selection::Requests(ids) => Ok(ids.iter().map(|id| id.number()).collect()),
        Selection::Failed(filter) => failed(connection, filter).await,
    }
}

/// Those of these requests that have a record to retry, in the same order.
async fn retriable(connection: &mut Connection, ids: &[RequestId]) -> Result<Vec<i64>> {
    let mut found = HashSet::with_capacity(ids.len());
    for some in ids.chunks(ROWS_A_STATEMENT) {
        let mut query = QueryBuilder::new(format!(
            "SELECT request FROM record WHERE {RETRIED} AND request IN "
        ));
        push_list(&mut query, some.iter().map(|id| id.number()));
        let rows = query.build().persistent(false).fetch_all(&mut *connection).await?;
        for row in rows {
            found.insert(row.try_get::<i64, _>(0)?);
        }
    }
    Ok(ids.iter().map(|id| id.number()).filter(|id| found.contains(id)).collect())
}

async fn failed(connection: &mut Connection, wanted: &Filter) -> Result<Vec<i64>> {
    let running = filter::running(connection).await?;
    let terms = search::terms(connection, wanted).await?;
    let mut query = filter::matching("SELECT q.id FROM request q", wanted, terms.as_ref());
    filter::push_job_status(&mut query, wanted.job_status, &running);
    query.push(
        " AND EXISTS (SELECT 1 FROM record f WHERE f.request = q.id AND f.event = 'failed') \
         ORDER BY q.id LIMIT ",
    );
    query.push_bind(i64::try_from(Retry::MOST).unwrap_or(i64::MAX));
    let rows = query.build().persistent(false).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Makes failed records of these requests, and those that were left alone, due at these times;
/// returns how many requests have one, and how many records there are.
async fn again(
    connection: &mut Connection,
    requests: &[(i64, i64)],
    retry: &Retry,
    batch: i64,
) -> Result<(u64, u64)> {
    let mut query = QueryBuilder::new("UPDATE record SET tries = 0, retry = ");
    query.push_bind(retry.with.as_str()).push(", batch = ").push_bind(batch);
    query.push(", due = v.column2 FROM (");
    query.push_values(requests, |mut row, (id, due)| {
        row.push_bind(*id).push_bind(*due);
    });
    query.push(format!(") AS v WHERE record.request = v.column1 AND {RETRIED}"));
    let records = query.build().persistent(false).execute(&mut *connection).await?;
    let mut query = QueryBuilder::new(
        "UPDATE request SET job_status = 'queued', finished_at = NULL, due = v.column2 FROM (",
    );
    query.push_values(requests, |mut row, (id, due)| {
        row.push_bind(*id).push_bind(*due);
    });
    query.push(format!(
        ") AS v WHERE request.id = v.column1 AND EXISTS (SELECT 1 FROM record \
         WHERE record.request = request.id AND {RETRIED})"
    ));
    let done = query.build().persistent(false).execute(&mut *connection).await?;
    Ok((done.rows_affected(), records.rows_affected()))
}

/// Makes records of these requests failed again that were queued and not begun; returns how many
/// requests have one.
async fn take_back(
    connection: &mut Connection,
    requests: &[i64],
    actor: &Actor,
    now: Timestamp,
) -> Result<u64> {
    let mut touched = 0;
    for some in requests.chunks(ROWS_A_STATEMENT) {
        touched += take_back_some(connection, some, actor, now).await?;
    }
    Ok(touched)
}

async fn take_back_some(
    connection: &mut Connection,
    requests: &[i64],
    actor: &Actor,
    now: Timestamp,
) -> Result<u64> {
    let mut query = QueryBuilder::new(format!(
        "SELECT request, batch FROM record WHERE {NOT_BEGUN} AND request IN "
    ));
    push_list(&mut query, requests.iter().copied());
    let rows = query.build().persistent(false).fetch_all(&mut *connection).await?;
    let (mut touched, mut batches) = (BTreeSet::new(), BTreeMap::new());
    for row in &rows {
        touched.insert(row.try_get::<i64, _>(0)?);
        if let Some(batch) = row.try_get::<Option<i64>, _>(1)? {
            *batches.entry(batch).or_insert(0) += 1;
        }
    }
    if touched.is_empty() {
        return Ok(0);
    }
    batches::note_cancelled(connection, &batches, actor).await?;
    let mut query = QueryBuilder::new(format!(
        "UPDATE record SET due = NULL, retry = NULL, batch = NULL WHERE {NOT_BEGUN} AND request IN "
    ));
    push_list(&mut query, touched.iter().copied());
    query.build().persistent(false).execute(&mut *connection).await?;
    let mut query = QueryBuilder::new(
        "UPDATE request SET job_status = CASE WHEN EXISTS (SELECT 1 FROM record \
         WHERE record.request = request.id AND record.sync_status = 'error') \
         THEN 'failure' ELSE 'success' END, finished_at = ",
    );
    query.push_bind(ms(now)).push(
        " WHERE NOT EXISTS (SELECT 1 FROM record WHERE record.request = request.id \
         AND record.due IS NOT NULL) AND id IN ",
    );
    push_list(&mut query, touched.iter().copied());
    query.build().persistent(false).execute(&mut *connection).await?;
    Ok(touched.len() as u64)
}

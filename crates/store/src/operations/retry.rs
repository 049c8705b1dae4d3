//! Retrying records because a person asked.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use plan::id::RequestId;
use plan::outcome::RetryWith;
use sqlx::Row;

use super::values::{json, ms};
use super::{
    Connection, QueryBuilder, ROWS_A_STATEMENT, audit, batches, filter, push_list, search,
};
use crate::audit::Actor;
use crate::error::Result;
use crate::filter::Filter;
use crate::progress::RecordKey;
use crate::retry::{Retried, Retry, Selection};

/// A record that a person asked to retry and that has no stored attempt of that retry.
pub(super) const NOT_BEGUN: &str = "retry IS NOT NULL AND due IS NOT NULL AND NOT EXISTS \
     (SELECT 1 FROM attempt a WHERE a.request = record.request AND a.position = record.position \
     AND a.batch = record.batch)";

/// A record that failed, or one that was left alone by a decision of a person or a rule, which is
/// retried when a person decides otherwise.
const FAILED: &str = "(record.event = 'failed' OR record.code = 'left_alone')";

/// A record, by its request and its place in it.
type Key = (i64, i64);

/// Requeues records.
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

/// Cancels what was requeued and has not started; returns how many requests that affected.
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

/// The same for the rest of a batch.
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
        let after = Some(json(&format!("the rest of batch {batch}"))?);
        let action = "cancel_retries";
        let entry = audit::Entry { action, subject: &subject, before: None, after };
        audit::audit(connection, actor, now, &entry).await?;
    }
    Ok(touched)
}

/// Makes records due again, as a batch.
pub(super) async fn queue(
    connection: &mut Connection,
    retry: &Retry,
    actor: &Actor,
    now: Timestamp,
) -> Result<Retried> {
    let (records, filter) = match &retry.selection {
        Selection::Requests(ids) => (named(connection, ids).await?, None),
        Selection::Failed(filter) => {
            let requests = matching(connection, filter, "f.event = 'failed'").await?;
            (failed_records(connection, &requests).await?, Some(json(filter)?))
        }
    };
    if records.is_empty() {
        return Ok(Retried { requests: 0, batch: None });
    }
    let (with, per_minute) = (retry.with, retry.per_minute);
    let begun = batches::Begun { with, per_minute, filter, linked_by: None };
    let batch = batches::begin(connection, &begun, actor, now).await?;
    let pace = Pace { with, per_minute, start: now, before: 0 };
    let requests = again(connection, &records, &pace, batch).await?;
    Ok(Retried { requests, batch: Some(batch) })
}

/// Makes some of the linked leads' records due again, after this many others, as part of this batch
/// or of a new one. Returns the batch, and how many requests there are.
pub(super) async fn queue_linked(
    connection: &mut Connection,
    (connector, records): (&str, &[RecordKey]),
    (batch, before): (Option<i64>, u64),
    (per_minute, actor): (Option<u32>, &Actor),
    now: Timestamp,
) -> Result<(i64, u64)> {
    let with = RetryWith::Now;
    let batch = if let Some(batch) = batch {
        batch
    } else {
        let linked_by = Some(connector.to_owned());
        let begun = batches::Begun { with, per_minute, filter: None, linked_by };
        let entry =
            audit::Entry { action: "refresh_leads", subject: connector, before: None, after: None };
        audit::audit(connection, actor, now, &entry).await?;
        batches::begin(connection, &begun, actor, now).await?
    };
    let mut keys: Vec<Key> =
        records.iter().map(|key| (key.request.number(), i64::from(key.position))).collect();
    keys.sort_unstable();
    let before = usize::try_from(before).unwrap_or(usize::MAX);
    let pace = Pace { with, per_minute, start: now, before };
    let requests = again(connection, &keys, &pace, batch).await?;
    Ok((batch, requests))
}

/// With which settings and at what pace requests are retried.
struct Pace {
    with: RetryWith,
    per_minute: Option<u32>,
    start: Timestamp,
    /// How many requests of the same batch come before these.
    before: usize,
}

impl Pace {
    /// When the request at this place is due.
    fn due(&self, place: usize) -> i64 {
        const MINUTE: i64 = 60_000;
        let Some(per_minute) = self.per_minute else { return ms(self.start) };
        let place = self.before.saturating_add(place);
        let after = i64::try_from(place.saturating_sub(Retry::AT_ONCE)).unwrap_or(i64::MAX);
        ms(self.start).saturating_add(after.saturating_mul(MINUTE) / i64::from(per_minute.max(1)))
    }
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

/// The selected requests whose retries may be cancelled.
async fn selected(connection: &mut Connection, selection: &Selection) -> Result<Vec<i64>> {
    match selection {
        Selection::Requests(ids) => Ok(ids.iter().map(|id| id.number()).collect()),
        Selection::Failed(filter) => {
            matching(connection, filter, "f.retry IS NOT NULL AND f.due IS NOT NULL").await
        }
    }
}

/// The records to retry of these requests: those that failed and, of a request in which none did,
/// all that ended.
async fn named(connection: &mut Connection, ids: &[RequestId]) -> Result<Vec<Key>> {
    let mut requests: BTreeMap<i64, [Vec<i64>; 2]> = BTreeMap::new();
    for some in ids.chunks(ROWS_A_STATEMENT) {
        let mut query = QueryBuilder::new(format!(
            "SELECT request, position, {FAILED}, due IS NULL FROM record WHERE request IN "
        ));
        push_list(&mut query, some.iter().map(|id| id.number()));
        query.push(" ORDER BY request, position");
        for row in query.build().persistent(false).fetch_all(&mut *connection).await? {
            let [failed, ended] = requests.entry(row.try_get(0)?).or_default();
            let position = row.try_get(1)?;
            if row.try_get::<Option<bool>, _>(2)?.unwrap_or_default() {
                failed.push(position);
            } else if row.try_get(3)? {
                ended.push(position);
            }
        }
    }
    let records = requests.into_iter().flat_map(|(request, [failed, ended])| {
        let positions = if failed.is_empty() { ended } else { failed };
        positions.into_iter().map(move |position| (request, position))
    });
    Ok(records.collect())
}

/// The failed records of these requests.
async fn failed_records(connection: &mut Connection, requests: &[i64]) -> Result<Vec<Key>> {
    let mut records = Vec::with_capacity(requests.len());
    for some in requests.chunks(ROWS_A_STATEMENT) {
        let mut query = QueryBuilder::new(format!(
            "SELECT request, position FROM record WHERE {FAILED} AND request IN "
        ));
        push_list(&mut query, some.iter().copied());
        query.push(" ORDER BY request, position");
        for row in query.build().persistent(false).fetch_all(&mut *connection).await? {
            records.push((row.try_get(0)?, row.try_get(1)?));
        }
    }
    Ok(records)
}

/// Matching requests with a record that is like this, at most [`Retry::MOST`].
async fn matching(connection: &mut Connection, wanted: &Filter, like: &str) -> Result<Vec<i64>> {
    let running = filter::running(connection).await?;
    let terms = search::terms(connection, wanted).await?;
    let mut query = filter::matching("SELECT q.id FROM request q", wanted, terms.as_ref());
    filter::push_status(&mut query, wanted, &running);
    query.push(format!(
        " AND EXISTS (SELECT 1 FROM record f WHERE f.request = q.id AND {like}) \
         ORDER BY q.id LIMIT "
    ));
    query.push_bind(i64::try_from(Retry::MOST).unwrap_or(i64::MAX));
    let rows = query.build().persistent(false).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Makes these records, ordered by request, due as part of a batch; returns how many requests there
/// are.
async fn again(
    connection: &mut Connection,
    records: &[Key],
    pace: &Pace,
    batch: i64,
) -> Result<u64> {
    let (mut requests, mut touched) = (0, 0);
    for some in
        records.chunk_by(|one, next| one.0 == next.0).collect::<Vec<_>>().chunks(ROWS_A_STATEMENT)
    {
        let dues = || some.iter().enumerate().map(|(n, of)| (of, pace.due(requests + n)));
        let rows: Vec<(Key, i64)> =
            dues().flat_map(|(of, due)| of.iter().map(move |key| (*key, due))).collect();
        for rows in rows.chunks(ROWS_A_STATEMENT) {
            let mut query = QueryBuilder::new("UPDATE record SET tries = 0, retry = ");
            query.push_bind(pace.with.as_str()).push(", batch = ").push_bind(batch);
            query.push(", due = v.column3 FROM (");
            query.push_values(rows, |mut row, ((request, position), due)| {
                row.push_bind(*request).push_bind(*position).push_bind(*due);
            });
            query.push(") AS v WHERE record.request = v.column1 AND record.position = v.column2");
            let done = query.build().persistent(false).execute(&mut *connection).await?;
            touched += done.rows_affected();
        }
        let mut query = QueryBuilder::new(
            "UPDATE request SET job_status = 'queued', finished_at = NULL, due = v.column2 FROM (",
        );
        query.push_values(dues(), |mut row, (of, due)| {
            row.push_bind(of[0].0).push_bind(due);
        });
        query.push(") AS v WHERE request.id = v.column1");
        query.build().persistent(false).execute(&mut *connection).await?;
        requests += some.len();
    }
    batches::add(connection, batch, requests as u64, touched).await?;
    Ok(requests as u64)
}

/// Makes records of these requests that were queued and not started final again; returns how many
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

//! Reading the log.

use std::collections::{HashMap, HashSet};

use plan::id::RequestId;
use plan::outcome::{Event, JobStatus};
use plan::problem::Problem;
use serde_json::value::RawValue;
use sqlx::Row;

use super::values::Place;
use super::{Backend, Connection, QueryBuilder, found, list, push_list};
use crate::{
    AttemptItem, CallItem, CallRef, Cursor, Delivery, Filter, IntentRecord, Page, RecordItem,
    RequestItem, RequestLine, Result,
};

impl Backend {
    pub(super) async fn find_requests(
        &self,
        filter: &Filter,
        page: &Page,
    ) -> Result<(Vec<RequestItem>, Option<Cursor>)> {
        let mut transaction = self.begin_read().await?;
        let running = running(&mut transaction).await?;
        let (ids, more) = found::page(&mut transaction, filter, page, &running).await?;
        let lines = list::requests(&mut transaction, &ids, &running).await?;
        let mut records = records(&mut transaction, &ids).await?;
        let items: Vec<RequestItem> = lines
            .into_iter()
            .map(|line| {
                let records = records.remove(&line.id.number()).unwrap_or_default();
                whole(line, records)
            })
            .collect();
        let cursor = items.last().filter(|_| more).map(|item| Cursor(item.id));
        Ok((items, cursor))
    }

    pub(super) async fn find_delivery(&self, request: RequestId) -> Result<Option<Delivery>> {
        let mut transaction = self.begin_read().await?;
        let row = sqlx::query(
            "SELECT c.name, d.received_at, d.content_type, d.body, d.origin FROM delivery d \
             JOIN connector c ON c.id = d.connector WHERE d.id = $1",
        )
        .bind(request.number())
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let place = Place { table: "delivery", row: &request };
        Ok(Some(Delivery {
            connector: row.try_get(0)?,
            received_at: place.time(row.try_get(1)?)?,
            content_type: row.try_get(2)?,
            body: row.try_get(3)?,
            origin: place.origin(row.try_get(4)?)?,
        }))
    }
}

/// Adds to `SELECT … FROM request q` what a filter asks for, but for the job status
/// ([`push_job_status`]).
pub(super) fn matching(select: &str, filter: &Filter) -> QueryBuilder {
    let mut query = QueryBuilder::new(select);
    query.push(" WHERE 1 = 1");
    if let Some(name) = &filter.connector {
        query.push(" AND q.connector = (SELECT id FROM connector WHERE name = ");
        query.push_bind(name.clone()).push(")");
    }
    if let Some(within) = &filter.within {
        query.push(" AND q.connector IN (SELECT id FROM connector WHERE name IN ");
        // An empty list is no SQL; no connector has this name.
        push_list(&mut query, within.iter().cloned().chain([String::new()]));
        query.push(")");
    }
    found::push_range(&mut query, "q.id", filter);
    push_request(&mut query, filter);
    if !filter.ids.is_empty() {
        query.push(" AND q.id IN ");
        push_list(&mut query, filter.ids.iter().map(|id| id.number()));
    }
    if let Some(q) = &filter.q {
        query.push(" AND q.id IN (SELECT m.request FROM mention m");
        if asks_of_records(filter) {
            query.push(" JOIN record r ON r.request = m.request AND r.position = m.position");
        }
        query.push(" WHERE m.value = ").push_bind(plan::identity::sought(q));
        push_record(&mut query, "r", filter);
        query.push(")");
    } else if filter.batch.is_some() {
        query.push(" AND q.id IN (SELECT r.request FROM record r WHERE 1 = 1");
        push_record(&mut query, "r", filter);
        query.push(")");
    } else if asks_of_records(filter) {
        query.push(" AND EXISTS (SELECT 1 FROM record r WHERE r.request = q.id");
        push_record(&mut query, "r", filter);
        query.push(")");
    }
    query
}

/// Adds what a filter asks for of the request `q` itself.
pub(super) fn push_request(query: &mut QueryBuilder, filter: &Filter) {
    // Literals, so that the partial index of errors is used.
    if let Some(status) = filter.sync_status {
        query.push(format!(" AND q.sync_status = '{status}'"));
    }
    let failed = filter.event == Some(Event::Failed) || filter.cause.is_some();
    if failed || filter.job_status == Some(JobStatus::Failure) {
        query.push(" AND q.sync_status = 'error'");
    }
}

/// Adds to what [`matching`] made what a filter asks for of the job status: which requests are
/// running is not in the table.
pub(super) fn push_job_status(
    query: &mut QueryBuilder,
    status: Option<JobStatus>,
    running: &HashSet<i64>,
) {
    match status {
        Some(JobStatus::Running) => {
            query.push(" AND q.finished_at IS NULL AND q.id IN ");
            // An empty list is no SQL; no request has this id.
            push_list(query, running.iter().copied().chain([-1]));
        }
        Some(JobStatus::Queued) => {
            query.push(" AND q.finished_at IS NULL AND q.id NOT IN ");
            push_list(query, running.iter().copied().chain([-1]));
        }
        Some(status) => {
            query.push(" AND q.job_status = ").push_bind(status.as_str());
            query.push(" AND q.finished_at IS NOT NULL");
        }
        None => {}
    }
}

pub(super) fn asks_of_records(filter: &Filter) -> bool {
    filter.event.is_some()
        || filter.entity.is_some()
        || filter.cause.is_some()
        || filter.batch.is_some()
}

/// Adds what a filter asks for of a record, which goes by this name.
pub(super) fn push_record(query: &mut QueryBuilder, record: &str, filter: &Filter) {
    if let Some(event) = filter.event {
        query.push(format!(" AND {record}.event = '{event}'"));
    }
    if let Some(entity) = filter.entity {
        query.push(format!(" AND {record}.entity = '{entity}'"));
    }
    if let Some(cause) = &filter.cause {
        query.push(format!(" AND {record}.sync_status = 'error' AND {record}.cause = "));
        query.push_bind(cause.clone());
    }
    if let Some(batch) = filter.batch {
        query.push(format!(" AND {record}.batch = ")).push_bind(batch);
    }
}

/// The requests that a call is under way for.
pub(super) async fn running(connection: &mut Connection) -> Result<HashSet<i64>> {
    let rows = sqlx::query("SELECT id, records FROM intent").fetch_all(connection).await?;
    let mut running = HashSet::new();
    for row in rows {
        let id: i64 = row.try_get(0)?;
        let records: Vec<IntentRecord> =
            Place { table: "intent", row: &id }.parse(row.try_get(1)?)?;
        running.extend(records.iter().map(|record| record.key.request.number()));
    }
    Ok(running)
}

fn whole(line: RequestLine, records: Vec<RecordItem>) -> RequestItem {
    RequestItem {
        id: line.id,
        connector: line.connector,
        origin: line.origin,
        received_at: line.received_at,
        finished_at: line.finished_at,
        job_status: line.job_status,
        sync_status: line.sync_status,
        behaviour: line.behaviour,
        records,
    }
}

/// The records of these requests, with their attempts and calls.
async fn records(
    connection: &mut Connection,
    requests: &[i64],
) -> Result<HashMap<i64, Vec<RecordItem>>> {
    let mut records: HashMap<i64, Vec<RecordItem>> = HashMap::new();
    if requests.is_empty() {
        return Ok(records);
    }
    let mut attempts = attempts(connection, requests).await?;
    let mut query = QueryBuilder::new(
        "SELECT request, position, entity, event, sync_status, source_id, destination_id, problem, \
         explanation, version, due, known_as FROM record WHERE request IN ",
    );
    push_list(&mut query, requests.iter().copied());
    query.push(" ORDER BY request, position");
    for row in query.build().persistent(false).fetch_all(connection).await? {
        let request: i64 = row.try_get(0)?;
        let place = Place { table: "record", row: &request };
        let position: i64 = row.try_get(1)?;
        let due: Option<i64> = row.try_get(10)?;
        let explanation: Option<String> = row.try_get(8)?;
        records.entry(request).or_default().push(RecordItem {
            position: place.count(position)?,
            entity: place.word(row.try_get(2)?)?,
            event: place.word(row.try_get(3)?)?,
            sync_status: place.word(row.try_get(4)?)?,
            known_as: row.try_get(11)?,
            source_id: row.try_get(5)?,
            destination_id: row.try_get(6)?,
            error: problem(place, row.try_get(7)?)?,
            explanation: explanation
                .map(|json| RawValue::from_string(json).map_err(|e| place.corrupt(e.to_string())))
                .transpose()?,
            version: row.try_get(9)?,
            next_attempt_at: due.map(|due| place.time(due)).transpose()?,
            attempts: attempts.remove(&(request, position)).unwrap_or_default(),
        });
    }
    Ok(records)
}

async fn attempts(
    connection: &mut Connection,
    requests: &[i64],
) -> Result<HashMap<(i64, i64), Vec<AttemptItem>>> {
    let mut query = QueryBuilder::new(
        "SELECT a.request, a.position, a.number, a.at, a.event, a.problem, a.calls, a.retry, \
         a.version, b.actor FROM attempt a LEFT JOIN retry_batch b ON b.id = a.batch \
         WHERE a.request IN ",
    );
    push_list(&mut query, requests.iter().copied());
    query.push(" ORDER BY a.request, a.position, a.number");
    let rows = query.build().persistent(false).fetch_all(&mut *connection).await?;
    let mut references: Vec<Vec<CallRef>> = Vec::with_capacity(rows.len());
    for row in &rows {
        let request: i64 = row.try_get(0)?;
        references.push(Place { table: "attempt", row: &request }.parse(row.try_get(6)?)?);
    }
    let wanted: HashSet<i64> = references.iter().flatten().map(|call| call.id).collect();
    let calls = calls(connection, wanted).await?;
    let mut attempts: HashMap<(i64, i64), Vec<AttemptItem>> = HashMap::new();
    for (row, references) in rows.iter().zip(references) {
        let request: i64 = row.try_get(0)?;
        let place = Place { table: "attempt", row: &request };
        attempts.entry((request, row.try_get(1)?)).or_default().push(AttemptItem {
            number: place.count(row.try_get(2)?)?,
            at: place.time(row.try_get(3)?)?,
            event: place.word(row.try_get(4)?)?,
            error: problem(place, row.try_get(5)?)?,
            retry: row.try_get::<Option<&str>, _>(7)?.map(|word| place.word(word)).transpose()?,
            retry_by: row.try_get(9)?,
            version: row.try_get(8)?,
            calls: references
                .iter()
                .filter_map(|reference| {
                    let mut call = calls.get(&reference.id)?.clone();
                    call.row = reference.row;
                    Some(call)
                })
                .collect(),
        });
    }
    Ok(attempts)
}

async fn calls(
    connection: &mut Connection,
    wanted: HashSet<i64>,
) -> Result<HashMap<i64, CallItem>> {
    let mut calls = HashMap::with_capacity(wanted.len());
    let wanted: Vec<i64> = wanted.into_iter().collect();
    for some in wanted.chunks(super::ROWS_A_STATEMENT) {
        let mut query = QueryBuilder::new(
            "SELECT id, at, milliseconds, method, url, status, request, response, error FROM call \
             WHERE id IN ",
        );
        push_list(&mut query, some.iter().copied());
        for row in query.build().persistent(false).fetch_all(&mut *connection).await? {
            let id: i64 = row.try_get(0)?;
            let place = Place { table: "call", row: &id };
            let status: Option<i64> = row.try_get(5)?;
            let call = CallItem {
                at: place.time(row.try_get(1)?)?,
                milliseconds: place.count(row.try_get(2)?)?,
                method: row.try_get(3)?,
                url: row.try_get(4)?,
                status: status.and_then(|status| u16::try_from(status).ok()),
                request: row.try_get(6)?,
                response: row.try_get(7)?,
                error: row.try_get(8)?,
                row: None,
            };
            calls.insert(id, call);
        }
    }
    Ok(calls)
}

pub(super) fn problem(place: Place<'_>, json: Option<&str>) -> Result<Option<Problem>> {
    json.map(|json| place.parse(json)).transpose()
}

//! A filter of the log as parts of statements.

use std::collections::HashSet;

use plan::id::RequestId;
use plan::outcome::{Event, JobStatus, SyncStatus};
use plan::state::State;
use sqlx::Row;

use super::search::{Terms, push_terms};
use super::states;
use super::values::Place;
use super::{Connection, QueryBuilder, push_list};
use crate::error::Result;
use crate::filter::{Echoes, Filter};
use crate::progress::IntentRecord;

/// Adds a filter's conditions to `SELECT … FROM request q`, except for the job status
/// ([`push_status`]). The terms of its search were determined before ([`super::search::terms`]).
pub(super) fn matching(select: &str, filter: &Filter, terms: Option<&Terms>) -> QueryBuilder {
    let mut query = QueryBuilder::new(select);
    push_candidates(&mut query, filter);
    push_records(&mut query, filter, terms);
    query
}

/// Adds what a filter asks of the records of a request `q`.
pub(super) fn push_records(query: &mut QueryBuilder, filter: &Filter, terms: Option<&Terms>) {
    if let Some(terms) = terms.filter(|terms| !terms.is_empty()) {
        query.push(" AND q.id IN (");
        push_mentions(query, filter, terms);
        query.push(")");
    } else if filter.batch.is_some() {
        query.push(" AND q.id IN (SELECT r.request FROM record r WHERE 1 = 1");
        push_record(query, "r", filter);
        query.push(")");
    } else if asks_of_records(filter) {
        query.push(" AND ");
        push_exists(query, "q.id", filter);
    }
}

/// Selects the requests with a record that matches these terms, of which there is at least one, and
/// what a filter asks of records.
fn push_mentions(query: &mut QueryBuilder, filter: &Filter, terms: &Terms) {
    let Some((first, others)) = terms.split_first() else { return };
    query.push("SELECT DISTINCT m.request FROM mention m");
    // That echoes are hidden is asked of the request, which is read anyway.
    let asks_of_records = asks_of_records(filter);
    if asks_of_records {
        query.push(" JOIN record r ON r.request = m.request AND r.position = m.position");
    }
    query.push(" WHERE m.value IN ");
    push_list(query, first.iter().cloned());
    push_terms(query, "m", others);
    if asks_of_records {
        push_record(query, "r", filter);
    }
}

/// Selects at most so many of them, the newest ones before number `before` and in the filter's time
/// range. Without a limit, PostgreSQL reads all requests to find a few thousand.
pub(super) fn push_newest_mentions(
    query: &mut QueryBuilder,
    (filter, terms): (&Filter, &Terms),
    (before, most): (i64, i64),
) {
    push_mentions(query, filter, terms);
    push_range(query, "m.request", filter);
    query.push(" AND m.request < ").push_bind(before);
    query.push(" ORDER BY m.request DESC LIMIT ").push_bind(most);
}

/// Adds a filter's conditions on the request `q`, except those on its records and its job status.
pub(super) fn push_candidates(query: &mut QueryBuilder, filter: &Filter) {
    query.push(" WHERE 1 = 1");
    if let Some(name) = &filter.connector {
        query.push(" AND q.connector = (SELECT id FROM connector WHERE name = ");
        query.push_bind(name.clone()).push(")");
    }
    if let Some(within) = &filter.within {
        query.push(" AND q.connector IN (SELECT id FROM connector WHERE name IN ");
        // SQL has no empty lists; no connector has this name.
        push_list(query, within.iter().cloned().chain([String::new()]));
        query.push(")");
    }
    push_range(query, "q.id", filter);
    push_request(query, filter);
    if !filter.ids.is_empty() {
        query.push(" AND q.id IN ");
        push_list(query, filter.ids.iter().map(|id| id.number()));
    }
}

/// Adds that the request with this id has a record that matches.
pub(super) fn push_exists(query: &mut QueryBuilder, id: &str, filter: &Filter) {
    query.push(format!("EXISTS (SELECT 1 FROM record r WHERE r.request = {id}"));
    push_record(query, "r", filter);
    query.push(")");
}

/// Adds a filter's conditions on the request `q` itself.
pub(super) fn push_request(query: &mut QueryBuilder, filter: &Filter) {
    // Literals, so that the partial index of errors is used.
    if let Some(status) = filter.sync_status {
        query.push(format!(" AND q.sync_status = '{status}'"));
    }
    if let Some(backfill) = filter.backfill {
        query.push(" AND q.backfill = ").push_bind(backfill);
    }
    match filter.echoes {
        Echoes::Any => {}
        // The sum keeps SQLite from reading the index without echoes, which has nearly all requests,
        // instead of that of errors.
        Echoes::Without if asks_for_errors(filter) => {
            query.push(" AND q.echo + 0 = 0");
        }
        Echoes::Without => {
            query.push(" AND q.echo = 0");
        }
        Echoes::Only => {
            query.push(" AND q.echo = 1");
        }
    }
    if asks_for_errors(filter) {
        query.push(" AND q.sync_status = 'error'");
    }
}

/// Whether only requests with an error match, which have an index.
pub(super) fn asks_for_errors(filter: &Filter) -> bool {
    filter.event == Some(Event::Failed)
        || filter.cause.is_some()
        || filter.job_status == Some(JobStatus::Failure)
        || filter.sync_status == Some(SyncStatus::Error)
        || states::asks_for_failures(filter)
}

/// Whether only waiting requests match.
pub(super) fn is_waiting(filter: &Filter) -> bool {
    matches!(filter.state, Some(State::Queued | State::Held))
        || filter.job_status == Some(JobStatus::Queued)
}

/// Adds a filter's conditions on the job status and the state to the result of [`matching`]: which
/// requests are running is not in the table.
pub(super) fn push_status(query: &mut QueryBuilder, filter: &Filter, running: &HashSet<i64>) {
    states::push_state(query, filter, running);
    match filter.job_status {
        Some(JobStatus::Running) => {
            query.push(" AND q.finished_at IS NULL AND q.id IN ");
            // SQL has no empty lists; no request has this id.
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
        || states::asks_of_records(filter)
}

/// Adds a filter's conditions on a record, which has this alias.
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
    if let Some(states) = states::of_records(filter) {
        states::push_any(query, record, states);
    }
}

/// The requests with a call in flight.
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

/// The connectors that a filter allows.
pub(super) async fn connectors(connection: &mut Connection, filter: &Filter) -> Result<Vec<i64>> {
    let mut query = QueryBuilder::new("SELECT c.id FROM connector c WHERE 1 = 1");
    if let Some(name) = &filter.connector {
        query.push(" AND c.name = ").push_bind(name.clone());
    }
    if let Some(within) = &filter.within {
        query.push(" AND c.name IN ");
        push_list(&mut query, within.iter().cloned().chain([String::new()]));
    }
    states::push_connectors(&mut query, filter);
    numbers(connection, query).await
}

/// Adds that the request arrived in the filter's time range: a Request ID begins with the time of
/// arrival.
pub(super) fn push_range(query: &mut QueryBuilder, column: &str, filter: &Filter) {
    if let Some(from) = filter.from {
        let from = RequestId::first_at(from).number();
        query.push(format!(" AND {column} >= ")).push_bind(from);
    }
    if let Some(to) = filter.to {
        query.push(format!(" AND {column} < ")).push_bind(RequestId::first_at(to).number());
    }
}

/// Adds that the record `r` is the first of its request that matches the filter, so that a request
/// is found once. Nearly every record is the first one, as its position shows.
pub(super) fn push_first(query: &mut QueryBuilder, filter: &Filter) {
    query.push(
        " AND (r.position = 0 OR NOT EXISTS (SELECT 1 FROM record e \
         WHERE e.request = r.request AND e.position < r.position",
    );
    push_record(query, "e", filter);
    query.push("))");
}

pub(super) async fn numbers(
    connection: &mut Connection,
    mut query: QueryBuilder,
) -> Result<Vec<i64>> {
    let rows = query.build().persistent(false).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

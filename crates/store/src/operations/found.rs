//! Which requests match a filter, newest first: fast for any filter, in a log of millions.

use std::collections::HashSet;

use plan::outcome::{Entity, Event, JobStatus, SyncStatus};

use super::filter::{
    asks_for_errors, asks_of_records, connectors, is_waiting, matching, numbers, push_candidates,
    push_first, push_newest_mentions, push_range, push_record, push_request, push_status,
};
use super::{Connection, QueryBuilder, search, states};
use crate::error::Result;
use crate::filter::{Cursor, Echoes, Filter, Page};

/// The ids of the requests of this page, and whether there are more.
pub(super) async fn page(
    connection: &mut Connection,
    filter: &Filter,
    page: &Page,
    running: &HashSet<i64>,
) -> Result<(Vec<i64>, bool)> {
    let limit = page.limit.clamp(1, Page::MOST);
    let before = page.after.map_or(i64::MAX, |Cursor(after)| after.number());
    let mut ids = if is_by_outcome(filter) {
        by_outcome(connection, filter, before, limit + 1, running).await?
    } else if is_by_due(filter) {
        by_due(connection, filter, before, limit + 1, running).await?
    } else if is_by_echo(filter) {
        by_echo(connection, filter, before, limit + 1, running).await?
    } else {
        by_search(connection, filter, before, limit + 1, running).await?
    };
    let more = ids.len() > limit;
    ids.truncate(limit);
    Ok((ids, more))
}

/// Whether the requests are best found by the outcome of their records. Those that are open, or
/// that failed, are fewer; those of a lead or a batch of retries fewer still.
pub(super) fn is_by_outcome(filter: &Filter) -> bool {
    let open = matches!(filter.job_status, Some(JobStatus::Queued | JobStatus::Running));
    let open = open || states::asks_for_open(filter);
    let failed = filter.job_status == Some(JobStatus::Failure)
        || filter.sync_status == Some(SyncStatus::Error);
    let few = open
        || filter.q.is_some()
        || filter.batch.is_some()
        || filter.backfill.is_some()
        || !filter.ids.is_empty();
    let of_failures = filter.event == Some(Event::Failed)
        || filter.cause.is_some()
        || states::asks_for_failures(filter);
    asks_of_records(filter) && !few && (!failed || of_failures)
}

/// Whether the search is for waiting requests, without any other selective condition.
fn is_by_due(filter: &Filter) -> bool {
    is_waiting(filter) && !asks_of_records(filter) && filter.q.is_none() && filter.ids.is_empty()
}

/// Whether hiding echoes may be the only selective condition. Any number of echoes may follow each
/// other, so the index by time alone would be read too far.
fn is_by_echo(filter: &Filter) -> bool {
    let is_open = matches!(filter.job_status, Some(JobStatus::Queued | JobStatus::Running));
    filter.echoes != Echoes::Any
        && !asks_of_records(filter)
        && !states::asks_for_open(filter)
        && !is_open
        && !asks_for_errors(filter)
        && filter.q.is_none()
        && filter.backfill.is_none()
        && filter.ids.is_empty()
}

/// How many of the newest requests that mention what is sought are read first.
const NEWEST_MENTIONS: i64 = 1_000;

/// Reads all requests, or those that mention what is sought: the newest of these first, as a page is
/// nearly always found among them.
async fn by_search(
    connection: &mut Connection,
    filter: &Filter,
    before: i64,
    limit: usize,
    running: &HashSet<i64>,
) -> Result<Vec<i64>> {
    let terms = search::terms(connection, filter).await?;
    if let Some(terms) = terms.as_ref().filter(|terms| !terms.is_empty()) {
        let mut query = QueryBuilder::new("SELECT q.id FROM request q");
        push_candidates(&mut query, filter);
        query.push(" AND q.id IN (");
        push_newest_mentions(&mut query, (filter, terms), (before, NEWEST_MENTIONS));
        query.push(")");
        let ids = in_order(connection, query, (filter, running), before, limit).await?;
        if ids.len() == limit {
            return Ok(ids);
        }
    }
    let query = matching("SELECT q.id FROM request q", filter, terms.as_ref());
    in_order(connection, query, (filter, running), before, limit).await
}

async fn in_order(
    connection: &mut Connection,
    mut query: QueryBuilder,
    (filter, running): (&Filter, &HashSet<i64>),
    before: i64,
    limit: usize,
) -> Result<Vec<i64>> {
    push_status(&mut query, filter, running);
    query.push(" AND q.id < ").push_bind(before).push(" ORDER BY q.id DESC LIMIT ");
    query.push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
    numbers(connection, query).await
}

/// The conditions of the filter on the request itself, and its newest `limit` requests before
/// number `before`, in the order of this expression.
fn push_newest(
    query: &mut QueryBuilder,
    (filter, running): (&Filter, &HashSet<i64>),
    order: &str,
    (before, limit): (i64, usize),
) {
    push_range(query, "q.id", filter);
    push_request(query, filter);
    push_status(query, filter, running);
    query.push(format!(" AND {order} < ")).push_bind(before);
    query.push(format!(" ORDER BY {order} DESC LIMIT "));
    query.push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
}

/// Reads the index that separates echoes from other requests, for each connector.
async fn by_echo(
    connection: &mut Connection,
    filter: &Filter,
    before: i64,
    limit: usize,
    running: &HashSet<i64>,
) -> Result<Vec<i64>> {
    let mut ids = Vec::new();
    for connector in connectors(connection, filter).await? {
        let mut query = QueryBuilder::new("SELECT q.id FROM request q WHERE q.connector = ");
        query.push_bind(connector);
        push_newest(&mut query, (filter, running), "q.id", (before, limit));
        ids.extend(numbers(connection, query).await?);
    }
    ids.sort_unstable_by(|a, b| b.cmp(a));
    ids.truncate(limit);
    Ok(ids)
}

/// The index of pending work is read for each connector: requests that were not started, which may
/// be any number, are in it in order of arrival.
async fn by_due(
    connection: &mut Connection,
    filter: &Filter,
    before: i64,
    limit: usize,
    running: &HashSet<i64>,
) -> Result<Vec<i64>> {
    let mut ids = Vec::new();
    for connector in connectors(connection, filter).await? {
        // Those that are due later are sorted: the sum keeps SQLite from reading all requests of the
        // connector in the requested order to find these few among them.
        for (due, order) in [("q.due = 0", "q.id"), ("q.due > 0", "q.id + 0")] {
            let mut query = QueryBuilder::new(format!("SELECT q.id FROM request q WHERE {due}"));
            query.push(" AND q.connector = ").push_bind(connector);
            push_newest(&mut query, (filter, running), order, (before, limit));
            ids.extend(numbers(connection, query).await?);
        }
    }
    ids.sort_unstable_by(|a, b| b.cmp(a));
    ids.truncate(limit);
    Ok(ids)
}

/// The conditions that each select a part of the records' index of outcomes, or of that of states.
fn outcomes(filter: &Filter) -> Vec<String> {
    if filter.cause.is_some() {
        // These have an index of their own.
        return vec![String::new()];
    }
    let entities = filter.entity.as_ref().map_or(Entity::ALL, std::slice::from_ref);
    let values: Vec<String> = match (states::of_records(filter), filter.event.as_ref()) {
        (Some(states), _) => states.iter().map(|state| format!("r.state = '{state}'")).collect(),
        (None, Some(event)) => vec![format!("r.event = '{event}'")],
        (None, None) => Event::ALL.iter().map(|event| format!("r.event = '{event}'")).collect(),
    };
    let of = |entity: &Entity| {
        let entity = *entity;
        values.iter().map(move |value| format!(" AND r.entity = '{entity}' AND {value}"))
    };
    entities.iter().flat_map(of).collect()
}

/// The records' index is read in order of arrival, once for each connector and outcome that the
/// filter allows.
async fn by_outcome(
    connection: &mut Connection,
    filter: &Filter,
    before: i64,
    limit: usize,
    running: &HashSet<i64>,
) -> Result<Vec<i64>> {
    let outcomes = outcomes(filter);
    let mut ids = Vec::new();
    for connector in connectors(connection, filter).await? {
        for outcome in &outcomes {
            let mut query = QueryBuilder::new("SELECT r.request FROM record r");
            query.push(" JOIN request q ON q.id = r.request WHERE r.connector = ");
            query.push_bind(connector);
            query.push(outcome);
            push_record(&mut query, "r", filter);
            push_request(&mut query, filter);
            push_status(&mut query, filter, running);
            push_range(&mut query, "r.request", filter);
            push_first(&mut query, filter);
            query.push(" AND r.request < ").push_bind(before);
            query.push(" ORDER BY r.request DESC LIMIT ");
            query.push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
            ids.extend(numbers(connection, query).await?);
        }
    }
    ids.sort_unstable_by(|a, b| b.cmp(a));
    ids.truncate(limit);
    Ok(ids)
}

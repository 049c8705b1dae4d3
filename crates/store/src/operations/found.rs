//! Which requests match a filter, newest first: fast for any filter, in a log of millions.

use std::collections::HashSet;

use plan::outcome::{Entity, Event, JobStatus, SyncStatus};

use super::filter::{
    asks_of_records, connectors, matching, numbers, push_first, push_job_status, push_range,
    push_record, push_request,
};
use super::{Connection, QueryBuilder, search};
use crate::error::Result;
use crate::filter::{Cursor, Filter, Page};

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
        by_outcome(connection, filter, before, limit + 1).await?
    } else if is_by_due(filter) {
        by_due(connection, filter, before, limit + 1, running).await?
    } else {
        let terms = search::terms(connection, filter).await?;
        let mut query = matching("SELECT q.id FROM request q", filter, terms.as_ref());
        push_job_status(&mut query, filter.job_status, running);
        query.push(" AND q.id < ").push_bind(before).push(" ORDER BY q.id DESC LIMIT ");
        query.push_bind(i64::try_from(limit + 1).unwrap_or(i64::MAX));
        numbers(connection, query).await?
    };
    let more = ids.len() > limit;
    ids.truncate(limit);
    Ok((ids, more))
}

/// Whether the requests are best found by the outcome of their records. Those that are open, or
/// that failed, are fewer; those of a lead or a batch of retries fewer still.
pub(super) fn is_by_outcome(filter: &Filter) -> bool {
    let open = matches!(filter.job_status, Some(JobStatus::Queued | JobStatus::Running));
    let failed = filter.job_status == Some(JobStatus::Failure)
        || filter.sync_status == Some(SyncStatus::Error);
    let few = open || filter.q.is_some() || filter.batch.is_some() || !filter.ids.is_empty();
    let of_failures = filter.event == Some(Event::Failed) || filter.cause.is_some();
    asks_of_records(filter) && !few && (!failed || of_failures)
}

/// Whether the search is for waiting requests, without any other selective condition.
fn is_by_due(filter: &Filter) -> bool {
    filter.job_status == Some(JobStatus::Queued)
        && !asks_of_records(filter)
        && filter.q.is_none()
        && filter.ids.is_empty()
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
            push_range(&mut query, "q.id", filter);
            push_request(&mut query, filter);
            push_job_status(&mut query, filter.job_status, running);
            query.push(format!(" AND {order} < ")).push_bind(before);
            query.push(format!(" ORDER BY {order} DESC LIMIT "));
            query.push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
            ids.extend(numbers(connection, query).await?);
        }
    }
    ids.sort_unstable_by(|a, b| b.cmp(a));
    ids.truncate(limit);
    Ok(ids)
}

/// The records' index is read in order of arrival, once for each connector and outcome that the
/// filter allows.
async fn by_outcome(
    connection: &mut Connection,
    filter: &Filter,
    before: i64,
    limit: usize,
) -> Result<Vec<i64>> {
    let entities = filter.entity.as_ref().map_or(Entity::ALL, std::slice::from_ref);
    let events = filter.event.as_ref().map_or(Event::ALL, std::slice::from_ref);
    let mut outcomes: Vec<Option<(Entity, Event)>> = Vec::new();
    if filter.cause.is_some() {
        // These have an index of their own.
        outcomes.push(None);
    } else {
        let all = entities.iter().flat_map(|entity| events.iter().map(|event| (*entity, *event)));
        outcomes.extend(all.map(Some));
    }
    let mut ids = Vec::new();
    for connector in connectors(connection, filter).await? {
        for outcome in &outcomes {
            let mut query = QueryBuilder::new("SELECT r.request FROM record r");
            query.push(" JOIN request q ON q.id = r.request WHERE r.connector = ");
            query.push_bind(connector);
            if let Some((entity, event)) = outcome {
                query.push(format!(" AND r.entity = '{entity}' AND r.event = '{event}'"));
            }
            push_record(&mut query, "r", filter);
            push_request(&mut query, filter);
            push_job_status(&mut query, filter.job_status, &HashSet::new());
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

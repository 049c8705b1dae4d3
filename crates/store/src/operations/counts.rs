//! How many requests match a filter.
//!
//! Every statement here reads at most [`Count::MOST`] candidates and one more, however many match.

use std::collections::{BTreeMap, HashSet};

use plan::outcome::{Event, JobStatus};
use sqlx::Row;

use super::filter::{
    asks_of_records, connectors, matching, push_first, push_job_status, push_range, push_record,
    push_request, running,
};
use super::found::is_by_outcome;
use super::search::{Terms, push_terms};
use super::values::Place;
use super::{Connection, QueryBuilder, push_list, search};
use crate::error::Result;
use crate::filter::Filter;
use crate::list::{Count, Counts};

pub(super) async fn requests_by_event(
    connection: &mut Connection,
    filter: &Filter,
) -> Result<Counts> {
    let running = running(connection).await?;
    let any = Filter { event: None, ..filter.clone() };
    let of = |event: Event| Filter { event: Some(event), ..any.clone() };
    let connectors = connectors(connection, filter).await?;
    let by_record = Event::ALL.iter().all(|event| is_by_outcome(&of(*event)));
    let events = if by_record {
        let mut events = BTreeMap::new();
        for event in Event::ALL {
            let count = outcomes(connection, &of(*event), &connectors).await?;
            events.insert(*event, count);
        }
        events
    } else {
        by_event(connection, &any, &connectors, &running).await?
    };
    let all = if by_record && asks_of_records(&any) {
        outcomes(connection, &any, &connectors).await?
    } else {
        let terms = search::terms(connection, &any).await?;
        requests(connection, &any, &connectors, &running, terms.as_ref()).await?
    };
    Ok(Counts { all, events })
}

fn limit() -> i64 {
    i64::try_from(Count::MOST + 1).unwrap_or(i64::MAX)
}

fn count(candidates: i64, found: i64) -> Count {
    let (candidates, found) = (candidates.cast_unsigned(), found.cast_unsigned());
    let most = Count::MOST as u64;
    Count { requests: found.min(most), more: candidates > most }
}

/// Requests by the outcome of their records, by the index of outcomes.
async fn outcomes(
    connection: &mut Connection,
    filter: &Filter,
    connectors: &[i64],
) -> Result<Count> {
    if connectors.is_empty() {
        return Ok(Count::default());
    }
    let asks_of_requests = filter.job_status.is_some() || filter.sync_status.is_some();
    let mut query = QueryBuilder::new(if asks_of_requests {
        "SELECT count(*), count(q.id) FROM ("
    } else {
        "SELECT count(*), count(*) FROM ("
    });
    query.push("SELECT r.request FROM record r WHERE r.connector IN ");
    push_list(&mut query, connectors.iter().copied());
    if filter.entity.is_none() && filter.cause.is_none() {
        // All values, so that the next columns of the index can be searched.
        query.push(" AND r.entity IN ('lead', 'activity')");
    }
    push_record(&mut query, "r", filter);
    push_range(&mut query, "r.request", filter);
    push_first(&mut query, filter);
    query.push(" LIMIT ").push_bind(limit()).push(") AS found");
    if asks_of_requests {
        query.push(" LEFT JOIN request q ON q.id = found.request");
        push_request(&mut query, filter);
        push_job_status(&mut query, filter.job_status, &HashSet::new());
    }
    let row = query.build().persistent(false).fetch_one(connection).await?;
    Ok(count(row.try_get(0)?, row.try_get(1)?))
}

/// Requests, whatever the outcome of their records.
async fn requests(
    connection: &mut Connection,
    filter: &Filter,
    connectors: &[i64],
    running: &HashSet<i64>,
    terms: Option<&Terms>,
) -> Result<Count> {
    let mut query = matching("SELECT count(*) FROM (SELECT q.id FROM request q", filter, terms);
    push_job_status(&mut query, filter.job_status, running);
    push_connectors(&mut query, filter, connectors);
    query.push(" LIMIT ").push_bind(limit()).push(") AS found");
    let row = query.build().persistent(false).fetch_one(connection).await?;
    let found = row.try_get(0)?;
    Ok(count(found, found))
}

/// Adds the connectors of waiting requests, which the filter allows anyway, and that they are due
/// some time, as all are: the index of pending work begins with these two columns, and SQLite uses
/// an index only if its first columns are given.
fn push_connectors(query: &mut QueryBuilder, filter: &Filter, connectors: &[i64]) {
    if filter.job_status == Some(JobStatus::Queued) {
        query.push(" AND q.due >= 0 AND q.connector IN ");
        push_list(query, connectors.iter().copied().chain([-1]));
    }
}

/// The few requests that match a filter, by the outcome of their records.
async fn by_event(
    connection: &mut Connection,
    filter: &Filter,
    connectors: &[i64],
    running: &HashSet<i64>,
) -> Result<BTreeMap<Event, Count>> {
    let terms = search::terms(connection, filter).await?;
    let found = requests(connection, filter, connectors, running, terms.as_ref()).await?;
    let mut query = matching(
        "SELECT r.event, count(DISTINCT r.request) FROM (SELECT q.id FROM request q",
        filter,
        terms.as_ref(),
    );
    push_job_status(&mut query, filter.job_status, running);
    push_connectors(&mut query, filter, connectors);
    query.push(" LIMIT ").push_bind(limit()).push(") AS found");
    query.push(" JOIN record r ON r.request = found.id WHERE 1 = 1");
    push_record(&mut query, "r", filter);
    push_terms(&mut query, "r", terms.as_deref().unwrap_or_default());
    query.push(" GROUP BY r.event");
    let rows = query.build().persistent(false).fetch_all(connection).await?;
    let place = Place { table: "record", row: &"count" };
    let mut events: BTreeMap<_, _> =
        Event::ALL.iter().map(|event| (*event, Count { more: found.more, requests: 0 })).collect();
    for row in &rows {
        let event: Event = place.word(row.try_get(0)?)?;
        let requests: i64 = row.try_get(1)?;
        if let Some(count) = events.get_mut(&event) {
            count.requests = requests.cast_unsigned();
        }
    }
    Ok(events)
}

//! How many requests match a filter.
//!
//! Every statement here reads at most [`Count::MOST`] candidates and one more, however many match;
//! fewer, [`MOST_ROWS`], if whole rows must be read.

use std::collections::{BTreeMap, HashSet};

use plan::outcome::Event;
use plan::state::State;
use sqlx::Row;

use super::filter::{
    asks_for_errors, asks_of_records, connectors, is_waiting, push_candidates, push_exists,
    push_first, push_newest_mentions, push_range, push_record, push_records, push_request,
    push_status, running,
};
use super::found::is_by_outcome;
use super::search::{Terms, push_terms};
use super::values::Place;
use super::{Connection, QueryBuilder, push_list, search, states};
use crate::error::Result;
use crate::filter::{Echoes, Filter};
use crate::list::{Count, Counts, StateCounts};

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
            let count = outcomes(connection, &of(*event), &connectors, &running).await?;
            events.insert(*event, count);
        }
        events
    } else {
        by_event(connection, &any, &connectors, &running).await?
    };
    let all = if by_record && asks_of_records(&any) {
        outcomes(connection, &any, &connectors, &running).await?
    } else {
        let terms = search::terms(connection, &any).await?;
        requests(connection, &any, &connectors, &running, terms.as_ref()).await?
    };
    Ok(Counts { all, events })
}

/// The most candidates of which whole rows are read, where no index has all that is asked.
const MOST_ROWS: usize = 2_000;

/// At how many candidates the count ends.
fn most(filter: &Filter) -> usize {
    if is_selective(filter) { MOST_ROWS } else { Count::MOST }
}

/// One more than that, so that it is known whether there are more.
fn limit(filter: &Filter) -> i64 {
    i64::try_from(most(filter) + 1).unwrap_or(i64::MAX)
}

fn count(filter: &Filter, candidates: i64, found: i64) -> Count {
    let (candidates, found) = (candidates.cast_unsigned(), found.cast_unsigned());
    let most = most(filter) as u64;
    Count { requests: found.min(most), more: candidates > most }
}

/// Requests by the outcome of their records, by the index of outcomes.
async fn outcomes(
    connection: &mut Connection,
    filter: &Filter,
    connectors: &[i64],
    running: &HashSet<i64>,
) -> Result<Count> {
    if connectors.is_empty() {
        return Ok(Count::default());
    }
    let asks_of_requests = filter.job_status.is_some()
        || filter.sync_status.is_some()
        || filter.echoes == Echoes::Only;
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
    if filter.state == Some(State::Retrying) && !running.is_empty() {
        query.push(" AND r.request NOT IN ");
        push_list(&mut query, running.iter().copied());
    }
    query.push(" LIMIT ").push_bind(limit(filter)).push(") AS found");
    if asks_of_requests {
        query.push(" LEFT JOIN request q ON q.id = found.request");
        push_request(&mut query, filter);
        push_status(&mut query, filter, running);
    }
    let row = query.build().persistent(false).fetch_one(connection).await?;
    Ok(count(filter, row.try_get(0)?, row.try_get(1)?))
}

/// Requests, whatever the outcome of their records.
async fn requests(
    connection: &mut Connection,
    filter: &Filter,
    connectors: &[i64],
    running: &HashSet<i64>,
    terms: Option<&Terms>,
) -> Result<Count> {
    let mut query = QueryBuilder::new("SELECT ");
    if let Some(terms) = terms.filter(|terms| !terms.is_empty()) {
        query.push("(SELECT count(*) FROM (");
        push_newest_mentions(&mut query, (filter, terms), (i64::MAX, limit(filter)));
        query.push(") AS candidate)");
    } else {
        query.push("count(*)");
    }
    query.push(", count(CASE WHEN ");
    if is_by_candidate(filter, terms) {
        push_exists(&mut query, "found.id", filter);
    } else {
        query.push("1 = 1");
    }
    query.push(" THEN 1 END) FROM (");
    push_found(&mut query, "q.id", (filter, terms), connectors, running);
    let row = query.build().persistent(false).fetch_one(connection).await?;
    Ok(count(filter, row.try_get(0)?, row.try_get(1)?))
}

/// Whether what a filter asks of records is asked of each candidate. Where few have such a record
/// the database would otherwise look through all.
fn is_by_candidate(filter: &Filter, terms: Option<&Terms>) -> bool {
    asks_of_records(filter) && terms.is_none() && filter.batch.is_none()
}

/// Adds these columns of the requests that match a filter, or of the candidates
/// ([`is_by_candidate`]), as `found`.
fn push_found(
    query: &mut QueryBuilder,
    columns: &str,
    (filter, terms): (&Filter, Option<&Terms>),
    connectors: &[i64],
    running: &HashSet<i64>,
) {
    query.push(format!("SELECT {columns} FROM request q"));
    if is_waiting(filter) {
        // The sum keeps SQLite from reading all requests of the time range to find these few.
        push_candidates(query, &Filter { from: None, to: None, ..filter.clone() });
        push_range(query, "q.id + 0", filter);
    } else {
        push_candidates(query, filter);
    }
    if let Some(terms) = terms.filter(|terms| !terms.is_empty()) {
        query.push(" AND q.id IN (");
        push_newest_mentions(query, (filter, terms), (i64::MAX, limit(filter)));
        query.push(")");
    } else if !is_by_candidate(filter, terms) {
        push_records(query, filter, None);
    }
    push_status(query, filter, running);
    push_connectors(query, filter, connectors);
    query.push(" LIMIT ").push_bind(limit(filter)).push(") AS found");
}

/// Adds the connectors of waiting requests, which the filter allows anyway, and that they are due
/// some time, as all are: the index of pending work begins with these two columns, and SQLite uses
/// an index only if its first columns are given.
fn push_connectors(query: &mut QueryBuilder, filter: &Filter, connectors: &[i64]) {
    if is_waiting(filter) {
        query.push(" AND q.due >= 0 AND q.connector IN ");
        push_list(query, connectors.iter().copied().chain([-1]));
    } else if filter.echoes != Echoes::Any && filter.q.is_none() && !asks_for_errors(filter) {
        // The index of echoes begins with it.
        query.push(" AND q.connector IN ");
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
    let mut query = QueryBuilder::new("SELECT r.event, count(DISTINCT r.request) FROM (");
    push_found(&mut query, "q.id", (filter, terms.as_ref()), connectors, running);
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

/// How many requests match a filter.
pub(super) async fn all(connection: &mut Connection, filter: &Filter) -> Result<Count> {
    let running = running(connection).await?;
    let own = connectors(connection, filter).await?;
    let terms = search::terms(connection, filter).await?;
    matching_any(connection, filter, &own, &running, terms.as_ref()).await
}

/// How many requests match a filter, by state.
pub(super) async fn by_state(connection: &mut Connection, filter: &Filter) -> Result<StateCounts> {
    let running = running(connection).await?;
    let any = Filter { state: None, ..filter.clone() };
    let terms = search::terms(connection, &any).await?;
    let own = connectors(connection, &any).await?;
    let all = matching_any(connection, &any, &own, &running, terms.as_ref()).await?;
    let echoes = if states::is_maybe_echo(&any) {
        let only = Filter { echoes: Echoes::Only, ..any.clone() };
        matching_any(connection, &only, &own, &running, terms.as_ref()).await?
    } else {
        Count::default()
    };
    if is_selective(&any) && !is_by_outcome(&any) {
        let around = (&any, all.more);
        let states = few_by_state(connection, around, &own, &running, terms.as_ref()).await?;
        return Ok(StateCounts { all, states, echoes });
    }
    let mut states = BTreeMap::new();
    for state in State::ALL {
        let of = Filter { state: Some(*state), ..any.clone() };
        let count = if states::can_be(&any, *state) {
            let own = connectors(connection, &of).await?;
            matching_any(connection, &of, &own, &running, terms.as_ref()).await?
        } else {
            Count::default()
        };
        states.insert(*state, count);
    }
    Ok(StateCounts { all, states, echoes })
}

/// Whether a filter has conditions that no index of records knows, so that its requests are counted
/// by state together.
fn is_selective(filter: &Filter) -> bool {
    filter.job_status.is_some()
        || filter.sync_status.is_some()
        || filter.q.is_some()
        || filter.batch.is_some()
        || filter.backfill.is_some()
        || !filter.ids.is_empty()
}

/// How many requests match, by the outcome of their records where that is better.
async fn matching_any(
    connection: &mut Connection,
    filter: &Filter,
    connectors: &[i64],
    running: &HashSet<i64>,
    terms: Option<&Terms>,
) -> Result<Count> {
    if is_by_outcome(filter) {
        outcomes(connection, filter, connectors, running).await
    } else {
        requests(connection, filter, connectors, running, terms).await
    }
}

/// The few requests that match a filter, by the state of their records.
async fn few_by_state(
    connection: &mut Connection,
    (filter, more): (&Filter, bool),
    connectors: &[i64],
    running: &HashSet<i64>,
    terms: Option<&Terms>,
) -> Result<BTreeMap<State, Count>> {
    let ids: Vec<String> = running.iter().chain(&[-1]).map(i64::to_string).collect();
    let select = format!(
        "SELECT CASE WHEN found.finished_at IS NULL AND found.id IN ({running}) THEN 'running' \
         WHEN found.finished_at IS NULL AND coalesce(r.state, 'queued') IN ('retrying', 'queued') \
         THEN CASE WHEN found.is_held THEN 'held' ELSE coalesce(r.state, 'queued') END \
         WHEN r.state = 'echo' THEN 'no_change' ELSE r.state END AS is_in, \
         count(DISTINCT found.id) FROM (",
        running = ids.join(", "),
    );
    let mut query = QueryBuilder::new(select);
    let columns = format!(
        "q.id, q.finished_at, q.connector IN (SELECT c.id FROM connector c WHERE {}) AS is_held",
        states::HELD
    );
    push_found(&mut query, &columns, (filter, terms), connectors, running);
    // A request that was not processed yet has no record.
    let join = if asks_of_records(filter) { "JOIN" } else { "LEFT JOIN" };
    query.push(format!(" {join} record r ON r.request = found.id"));
    push_record(&mut query, "r", filter);
    push_terms(&mut query, "r", terms.map(Vec::as_slice).unwrap_or_default());
    query.push(" GROUP BY 1");
    let rows = query.build().persistent(false).fetch_all(connection).await?;
    let place = Place { table: "record", row: &"count" };
    let mut states: BTreeMap<_, _> =
        State::ALL.iter().map(|state| (*state, Count { more, requests: 0 })).collect();
    for row in &rows {
        let Some(state) = row.try_get::<Option<&str>, _>(0)? else { continue };
        let requests: i64 = row.try_get(1)?;
        if let Some(count) = states.get_mut(&place.word(state)?) {
            count.requests = requests.cast_unsigned();
        }
    }
    Ok(states)
}

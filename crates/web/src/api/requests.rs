//! `/requests` and `/failures`: the log.

use axum::Json;
use axum::extract::State;
use plan::id::RequestId;
use plan::period;
use store::{Counts, Cursor, Echoes, FailureGroup, Filter, Page, RequestItem};

use super::asker::Asker;
use super::input::{Named, Params};
use super::refusal::Refusal;
use super::{List, Part, Result, limit};
use crate::Shared;
use admin::access::Reach;

/// Reads the filter of a list of requests, limited to what is in reach. An unknown connector is an
/// error, not an empty list.
pub(crate) async fn filter(shared: &Shared, reach: &Reach, params: &mut Params) -> Result<Filter> {
    let now = (shared.clock)();
    let connector = params.text("connector");
    let filter = Filter {
        connector,
        within: reach.limit(),
        from: params.read("from", |text| period::parse(text, now))?,
        to: params.read("to", |text| period::parse(text, now))?,
        job_status: params.parse("job_status")?,
        sync_status: params.parse("sync_status")?,
        state: params.parse("state")?,
        echoes: params.read("echoes", echoes)?.unwrap_or_default(),
        event: params.parse("event")?,
        entity: params.parse("entity")?,
        q: params.text("q"),
        cause: params.text("cause"),
        batch: params.parse("batch")?,
        backfill: params.parse("backfill")?,
        ids: Vec::new(),
    };
    if let Some(name) = &filter.connector
        && reach.narrow(shared.store.configuration().await?).connector(name).is_none()
    {
        return Err(Refusal::wrong("connector", format!("the connector '{name}' does not exist")));
    }
    Ok(filter)
}

fn echoes(word: &str) -> std::result::Result<Echoes, String> {
    match word {
        "any" => Ok(Echoes::Any),
        "without" => Ok(Echoes::Without),
        "only" => Ok(Echoes::Only),
        _ => Err(format!("'{word}' is not one of any, without, only")),
    }
}

pub(crate) async fn list(
    State(shared): State<Shared>,
    asker: Asker,
    mut params: Params,
) -> Result<Json<Part<RequestItem>>> {
    let filter = filter(&shared, &asker.reach, &mut params).await?;
    let page = Page { limit: limit(&mut params)?, after: params.parse("cursor")?.map(Cursor) };
    params.end()?;
    let (items, next) = shared.store.requests(&filter, &page).await?;
    Ok(Json(Part { items, cursor: next.map(|Cursor(id)| id.to_string()) }))
}

/// How many requests match, by outcome; without an event in the filter.
pub(crate) async fn counts(
    State(shared): State<Shared>,
    asker: Asker,
    mut params: Params,
) -> Result<Json<Counts>> {
    let filter = filter(&shared, &asker.reach, &mut params).await?;
    params.end()?;
    Ok(Json(shared.store.count_requests(&filter).await?))
}

pub(crate) async fn show(
    State(shared): State<Shared>,
    asker: Asker,
    Named(id): Named,
) -> Result<Json<RequestItem>> {
    Ok(Json(known_request(&shared, &asker.reach, &id).await?))
}

pub(super) async fn known_request(shared: &Shared, reach: &Reach, id: &str) -> Result<RequestItem> {
    let id: RequestId = id
        .parse()
        .map_err(|error: plan::id::NotARequestId| Refusal::wrong("id", error.to_string()))?;
    let filter = Filter { ids: vec![id], within: reach.limit(), ..Filter::default() };
    let (items, _) = shared.store.requests(&filter, &Page { limit: 1, after: None }).await?;
    let found = items.into_iter().next();
    found.ok_or_else(|| Refusal::not_found("request", &id.to_string(), "requests"))
}

pub(crate) async fn failures(
    State(shared): State<Shared>,
    asker: Asker,
    mut params: Params,
) -> Result<Json<List<FailureGroup>>> {
    let filter = filter(&shared, &asker.reach, &mut params).await?;
    params.end()?;
    Ok(Json(List { items: shared.store.failures(&filter).await? }))
}

//! `/retry` and `/requests/{id}/retry`.

use std::collections::BTreeMap;

use admin::retry;
use axum::Json;
use axum::extract::State;
use plan::id::RequestId;
use plan::outcome::RetryWith;
use serde::{Deserialize, Serialize};
use store::{Retried, Retry, Selection};

use super::Result;
use super::asker::Asker;
use super::input::{Input, Named, Params};
use super::refusal::Refusal;
use super::requests::{filter, known_request};
use crate::Shared;
use admin::access::Reach;

/// The most requests that can be listed by id.
const MOST_IDS: usize = 1_000;

/// How one request is retried.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct How {
    with: Option<RetryWith>,
}

/// Which requests: one of the two.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    ids: Option<Vec<RequestId>>,
    filter: Option<BTreeMap<String, String>>,
}

impl Which {
    /// These.
    pub(crate) fn ids(ids: Vec<RequestId>) -> Self {
        Self { ids: Some(ids), filter: None }
    }

    /// All matching requests with a failed record.
    pub(crate) fn filter(filter: BTreeMap<String, String>) -> Self {
        Self { ids: None, filter: Some(filter) }
    }
}

/// Which requests, and how they are retried.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    ids: Option<Vec<RequestId>>,
    filter: Option<BTreeMap<String, String>>,
    with: Option<RetryWith>,
    per_minute: Option<u32>,
}

/// How many requests were affected.
#[derive(Serialize)]
pub(crate) struct Touched {
    pub(super) requests: u64,
}

/// How many requests are retried, and as which batch.
#[derive(Serialize)]
pub(crate) struct Begun {
    requests: u64,
    batch: Option<i64>,
}

impl From<Retried> for Begun {
    fn from(Retried { requests, batch }: Retried) -> Self {
        Self { requests, batch }
    }
}

pub(crate) async fn one(
    State(shared): State<Shared>,
    asker: Asker,
    Named(id): Named,
    Input(How { with }): Input<How>,
) -> Result<Json<Begun>> {
    let id = known_request(&shared, &asker.reach, &id).await?.id;
    let with = with.unwrap_or(RetryWith::Now);
    queue(&shared, &asker, Retry { with, ..Selection::Requests(vec![id]).into() }).await
}

/// The pace of a retry, in records a minute.
pub(super) fn pace(per_minute: Option<u32>) -> Result<u32> {
    match per_minute {
        Some(0) => Err(Refusal::wrong("per_minute", "must be 1 or more")),
        given => Ok(given.unwrap_or(Retry::PER_MINUTE)),
    }
}

pub(crate) async fn many(
    State(shared): State<Shared>,
    asker: Asker,
    Input(Wish { ids, filter, with, per_minute }): Input<Wish>,
) -> Result<Json<Begun>> {
    let per_minute = pace(per_minute)?;
    let retry = Retry {
        selection: selection(&shared, &asker.reach, Which { ids, filter }).await?,
        with: with.unwrap_or(RetryWith::Now),
        per_minute: Some(per_minute),
    };
    queue(&shared, &asker, retry).await
}

pub(crate) async fn cancel(
    State(shared): State<Shared>,
    asker: Asker,
    Input(which): Input<Which>,
) -> Result<Json<Touched>> {
    let selection = selection(&shared, &asker.reach, which).await?;
    let now = (shared.clock)();
    let requests = shared.store.cancel_retries(&selection, &asker.actor, now).await?;
    Ok(Json(Touched { requests }))
}

async fn queue(shared: &Shared, asker: &Asker, retry: Retry) -> Result<Json<Begun>> {
    Ok(Json(Begun::from(retry::queue(shared, &asker.actor, retry).await?)))
}

/// The requested requests, of those in reach.
pub(crate) async fn selection(shared: &Shared, reach: &Reach, which: Which) -> Result<Selection> {
    match (which.ids, which.filter) {
        (Some(ids), None) if (1..=MOST_IDS).contains(&ids.len()) => {
            Ok(Selection::Requests(retry::in_reach(shared, reach, ids).await?))
        }
        (Some(_), None) => {
            Err(Refusal::wrong("ids", format!("must be 1 to {MOST_IDS}; use a filter for more")))
        }
        (None, Some(given)) => {
            // In a query this means that a form left the filter out; here it would match
            // everything.
            if let Some((name, _)) = given.iter().find(|(_, value)| value.trim().is_empty()) {
                let what = "is empty; send a value or leave it out";
                return Err(Refusal::wrong(name.chars().take(60).collect::<String>(), what));
            }
            let mut params = Params::new(given);
            let filter = filter(shared, reach, &mut params).await?;
            params.end()?;
            Ok(Selection::Failed(filter))
        }
        (Some(_), Some(_)) => {
            Err(Refusal::wrong("filter", "can't be combined with ids; send only one of the two"))
        }
        (None, None) => Err(Refusal::wrong(
            "ids",
            "is missing; send ids, or a filter ({} for everything that failed)",
        )),
    }
}

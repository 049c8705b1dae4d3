//! `/alerts`.

use admin::alerts::{self, AlertEdit, AlertItem, AlertWish};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use plan::digest::Digest;
use serde::Deserialize;
use store::LastAlert;

use super::asker::Asker;
use super::input::{Input, Named, Params, Secret};
use super::{List, Refusal, Result};
use crate::Shared;

/// An address to be added.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    address: Secret,
    connectors: Option<Vec<String>>,
    #[serde(default = "yes")]
    immediate: bool,
    digest: Option<Digest>,
}

fn yes() -> bool {
    true
}

/// What an address is to receive: all of it, so what is left out is as for a new address.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Received {
    connectors: Option<Vec<String>>,
    #[serde(default = "yes")]
    immediate: bool,
    digest: Option<Digest>,
}

pub(crate) async fn list(
    State(shared): State<Shared>,
    params: Params,
) -> Result<Json<List<AlertItem>>> {
    params.end()?;
    Ok(Json(List { items: alerts::list(&shared).await? }))
}

pub(crate) async fn add(
    State(shared): State<Shared>,
    asker: Asker,
    Input(wanted): Input<Wanted>,
) -> Result<(StatusCode, Json<AlertItem>)> {
    let Wanted { address: Secret(address), connectors, immediate, digest } = wanted;
    let wish = AlertWish { address, connectors, immediate, digest };
    Ok((StatusCode::CREATED, Json(alerts::add(&shared, &asker.actor, wish).await?)))
}

pub(crate) async fn show(
    State(shared): State<Shared>,
    Named(id): Named,
) -> Result<Json<AlertItem>> {
    Ok(Json(alerts::show(&shared, number(&id)?).await?))
}

pub(crate) async fn edit(
    State(shared): State<Shared>,
    asker: Asker,
    Named(id): Named,
    Input(Received { connectors, immediate, digest }): Input<Received>,
) -> Result<Json<AlertItem>> {
    let edit = AlertEdit {
        connectors: Some(connectors),
        immediate: Some(immediate),
        digest: Some(digest),
    };
    Ok(Json(alerts::edit(&shared, &asker.actor, number(&id)?, edit).await?))
}

pub(crate) async fn remove(
    State(shared): State<Shared>,
    asker: Asker,
    Named(id): Named,
) -> Result<StatusCode> {
    alerts::remove(&shared, &asker.actor, number(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn test(
    State(shared): State<Shared>,
    asker: Asker,
    Named(id): Named,
) -> Result<Json<LastAlert>> {
    Ok(Json(alerts::test(&shared, &asker.actor, number(&id)?).await?))
}

/// The number of an address in a path.
pub(crate) fn number(id: &str) -> Result<i64> {
    id.parse().map_err(|_| Refusal::not_found("alert address", id, "alerts"))
}

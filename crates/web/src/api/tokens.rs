//! `/tokens`.

use admin::people::{self, Made, TokenWish};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use plan::permission::Scope;
use serde::Deserialize;
use store::ApiToken;

use super::asker::Asker;
use super::input::{Input, Named, Params};
use super::{List, Result};
use crate::Shared;

/// A token to be created.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    name: String,
    user: Option<String>,
    scope: Scope,
    expires_days: Option<u32>,
}

pub(crate) async fn list(
    State(shared): State<Shared>,
    params: Params,
) -> Result<Json<List<ApiToken>>> {
    params.end()?;
    Ok(Json(List { items: shared.store.api_tokens().await? }))
}

pub(crate) async fn add(
    State(shared): State<Shared>,
    asker: Asker,
    Input(Wanted { name, user, scope, expires_days }): Input<Wanted>,
) -> Result<(StatusCode, Json<Made>)> {
    let wish = TokenWish { name, user, scope: Some(scope), expires_days };
    Ok((StatusCode::CREATED, Json(people::make_token(&shared, &asker.actor, wish).await?)))
}

pub(crate) async fn remove(
    State(shared): State<Shared>,
    asker: Asker,
    Named(name): Named,
) -> Result<StatusCode> {
    people::remove_token(&shared, &asker.actor, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

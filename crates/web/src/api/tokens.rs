//! `/tokens`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use plan::permission::Scope;
use serde::{Deserialize, Serialize};
use store::{ApiToken, NewApiToken, Token, UserChange};

use super::asker::Asker;
use super::input::{Input, Named, Params};
use super::refusal::Refusal;
use super::{List, Result};
use crate::{Shared, expiry};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    name: String,
    user: Option<String>,
    scope: Scope,
    expires_days: Option<u32>,
}

/// A token that was just made: the only answer that has the secret itself.
#[derive(Serialize)]
pub(crate) struct Made {
    #[serde(flatten)]
    item: ApiToken,
    token: String,
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
    let expires_at = expires_days
        .map(|days| expiry((shared.clock)(), days))
        .transpose()
        .map_err(|what| Refusal::wrong("expires_days", what))?;
    let token = Token::for_api()?;
    let name = name.trim().to_owned();
    let scope = Some(scope);
    let new = NewApiToken { name: name.clone(), user, scope, hash: token.hash(), expires_at };
    shared.change_users(UserChange::AddToken(new), &asker.actor).await?;
    let item = known_token(&shared, &name).await?;
    Ok((StatusCode::CREATED, Json(Made { item, token: token.expose().to_owned() })))
}

pub(crate) async fn remove(
    State(shared): State<Shared>,
    asker: Asker,
    Named(name): Named,
) -> Result<StatusCode> {
    let name = known_token(&shared, &name).await?.name;
    shared.change_users(UserChange::RemoveToken { name }, &asker.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn known_token(shared: &Shared, name: &str) -> Result<ApiToken> {
    let tokens = shared.store.api_tokens().await?;
    let found = tokens.into_iter().find(|token| token.name == name);
    found.ok_or_else(|| Refusal::not_found("token", name, "tokens"))
}

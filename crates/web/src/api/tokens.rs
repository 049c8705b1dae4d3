//! `/tokens`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use plan::permission::Scope;
use serde::{Deserialize, Serialize};
use store::{Actor, ApiToken, NewApiToken, Token, UserChange};

use super::asker::Asker;
use super::input::{Input, Named, Params};
use super::refusal::Refusal;
use super::{List, Result};
use crate::{Shared, expiry};

/// A token to be created.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) user: Option<String>,
    pub(crate) scope: Scope,
    pub(crate) expires_days: Option<u32>,
}

/// A token that was just created: the only response that contains the secret.
#[derive(Serialize)]
pub(crate) struct Made {
    #[serde(flatten)]
    pub(crate) item: ApiToken,
    pub(crate) token: String,
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
    Input(wanted): Input<Wanted>,
) -> Result<(StatusCode, Json<Made>)> {
    Ok((StatusCode::CREATED, Json(make(&shared, &asker.actor, wanted).await?)))
}

pub(crate) async fn remove(
    State(shared): State<Shared>,
    asker: Asker,
    Named(name): Named,
) -> Result<StatusCode> {
    remove_named(&shared, &asker.actor, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Creates a token.
pub(crate) async fn make(shared: &Shared, actor: &Actor, wanted: Wanted) -> Result<Made> {
    let Wanted { name, user, scope, expires_days } = wanted;
    let expires_at = expires_days
        .map(|days| expiry((shared.clock)(), days))
        .transpose()
        .map_err(|what| Refusal::wrong("expires_days", what))?;
    let token = Token::for_api()?;
    let name = name.trim().to_owned();
    let scope = Some(scope);
    let new = NewApiToken { name: name.clone(), user, scope, hash: token.hash(), expires_at };
    shared.change_users(UserChange::AddToken(new), actor).await?;
    let item = known_token(shared, &name).await?;
    Ok(Made { item, token: token.expose().to_owned() })
}

/// Removes a token. It stops working immediately.
pub(crate) async fn remove_named(shared: &Shared, actor: &Actor, name: &str) -> Result<()> {
    let name = known_token(shared, name).await?.name;
    Ok(shared.change_users(UserChange::RemoveToken { name }, actor).await?)
}

async fn known_token(shared: &Shared, name: &str) -> Result<ApiToken> {
    let tokens = shared.store.api_tokens().await?;
    let found = tokens.into_iter().find(|token| token.name == name);
    found.ok_or_else(|| Refusal::not_found("token", name, "tokens"))
}

//! `/users`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use plan::permission::Role;
use plan::problem::Problem;
use serde::Deserialize;
use store::{PasswordHash, User, UserChange};

use super::asker::Asker;
use super::input::{Input, Named, Params, Secret};
use super::refusal::Refusal;
use super::{List, Result};
use crate::{Shared, password};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    email: String,
    role: Role,
    password: Secret,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Password {
    password: Secret,
}

pub(crate) async fn list(State(shared): State<Shared>, params: Params) -> Result<Json<List<User>>> {
    params.end()?;
    Ok(Json(List { items: shared.store.users().await? }))
}

pub(crate) async fn add(
    State(shared): State<Shared>,
    asker: Asker,
    Input(Wanted { email, role, password }): Input<Wanted>,
) -> Result<(StatusCode, Json<User>)> {
    let password = hash(password).await?;
    let change = UserChange::Add { email: email.clone(), role, password };
    shared.change_users(change, &asker.actor).await?;
    Ok((StatusCode::CREATED, Json(known_user(&shared, &email).await?)))
}

pub(crate) async fn set_password(
    State(shared): State<Shared>,
    asker: Asker,
    Named(email): Named,
    Input(Password { password }): Input<Password>,
) -> Result<StatusCode> {
    let email = known_user(&shared, &email).await?.email;
    let password = hash(password).await?;
    shared.change_users(UserChange::SetPassword { email, password }, &asker.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn remove(
    State(shared): State<Shared>,
    asker: Asker,
    Named(email): Named,
) -> Result<StatusCode> {
    let email = known_user(&shared, &email).await?.email;
    shared.change_users(UserChange::Remove { email }, &asker.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn known_user(shared: &Shared, email: &str) -> Result<User> {
    let wanted = email.trim().to_lowercase();
    let users = shared.store.users().await?;
    let found = users.into_iter().find(|user| user.email == wanted);
    found.ok_or_else(|| Refusal::not_found("user", email, "users"))
}

async fn hash(Secret(password): Secret) -> Result<PasswordHash> {
    if let Some(what) = password::fault(&password) {
        return Err(Refusal::wrong("password", what));
    }
    password::hash(password).await.map_err(|message| {
        let problem = Problem::new("not_hashed", message, "Try again.");
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, problem)
    })
}

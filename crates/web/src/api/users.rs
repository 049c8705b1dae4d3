//! `/users`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use plan::permission::Role;
use plan::problem::{Code, Problem};
use secrecy::SecretString;
use serde::Deserialize;
use store::{Actor, Guest, PasswordHash, User, UserChange};

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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ranked {
    role: Role,
}

pub(crate) async fn list(State(shared): State<Shared>, params: Params) -> Result<Json<List<User>>> {
    params.end()?;
    Ok(Json(List { items: shared.store.users().await? }))
}

pub(crate) async fn add(
    State(shared): State<Shared>,
    asker: Asker,
    Input(Wanted { email, role, password: Secret(password) }): Input<Wanted>,
) -> Result<(StatusCode, Json<User>)> {
    let user = add_user(&shared, &asker.actor, &email, role, password).await?;
    Ok((StatusCode::CREATED, Json(user)))
}

pub(crate) async fn set_role(
    State(shared): State<Shared>,
    asker: Asker,
    Named(email): Named,
    Input(Ranked { role }): Input<Ranked>,
) -> Result<Json<User>> {
    Ok(Json(set_user_role(&shared, &asker.actor, &email, role).await?))
}

pub(crate) async fn set_password(
    State(shared): State<Shared>,
    asker: Asker,
    Named(email): Named,
    Input(Password { password: Secret(password) }): Input<Password>,
) -> Result<StatusCode> {
    set_user_password(&shared, &asker.actor, &email, password).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn remove(
    State(shared): State<Shared>,
    asker: Asker,
    Named(email): Named,
) -> Result<StatusCode> {
    remove_user(&shared, &asker.actor, &email).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Users of LeadSquared accounts who are signed in.
pub(crate) async fn guests(
    State(shared): State<Shared>,
    params: Params,
) -> Result<Json<List<Guest>>> {
    params.end()?;
    Ok(Json(List { items: shared.store.guests((shared.clock)()).await? }))
}

pub(crate) async fn end_guest(
    State(shared): State<Shared>,
    asker: Asker,
    Named(email): Named,
) -> Result<StatusCode> {
    shared.change_users(UserChange::EndGuest { email }, &asker.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Adds a user.
pub(crate) async fn add_user(
    shared: &Shared,
    actor: &Actor,
    email: &str,
    role: Role,
    password: SecretString,
) -> Result<User> {
    let password = hash(password).await?;
    let change = UserChange::Add { email: email.to_owned(), role, password };
    shared.change_users(change, actor).await?;
    known_user(shared, email).await
}

/// Makes a user an operator or an administrator.
pub(crate) async fn set_user_role(
    shared: &Shared,
    actor: &Actor,
    email: &str,
    role: Role,
) -> Result<User> {
    let email = known_user(shared, email).await?.email;
    shared.change_users(UserChange::SetRole { email: email.clone(), role }, actor).await?;
    known_user(shared, &email).await
}

/// Sets a new password for a user, which ends every session of this user.
pub(crate) async fn set_user_password(
    shared: &Shared,
    actor: &Actor,
    email: &str,
    password: SecretString,
) -> Result<()> {
    let email = known_user(shared, email).await?.email;
    let password = hash(password).await?;
    Ok(shared.change_users(UserChange::SetPassword { email, password }, actor).await?)
}

/// Removes a user with all tokens and sessions of this user.
pub(crate) async fn remove_user(shared: &Shared, actor: &Actor, email: &str) -> Result<()> {
    let email = known_user(shared, email).await?.email;
    Ok(shared.change_users(UserChange::Remove { email }, actor).await?)
}

async fn known_user(shared: &Shared, email: &str) -> Result<User> {
    let wanted = email.trim().to_lowercase();
    let users = shared.store.users().await?;
    let found = users.into_iter().find(|user| user.email == wanted);
    found.ok_or_else(|| Refusal::not_found("user", email, "users"))
}

async fn hash(password: SecretString) -> Result<PasswordHash> {
    if let Some(what) = password::fault(&password) {
        return Err(Refusal::wrong("password", what));
    }
    password::hash(password).await.map_err(|message| {
        let problem = Problem::new(Code::NotHashed, message, "Retry.");
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, problem)
    })
}

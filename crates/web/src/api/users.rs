//! `/users`.

use admin::{people, second_factor};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use plan::permission::Role;
use serde::Deserialize;
use store::{Guest, User, UserChange};

use super::asker::Asker;
use super::input::{Input, Named, Params, Secret};
use super::{List, Result};
use crate::Shared;

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
    let user = people::add_user(&shared, &asker.actor, &email, role, password).await?;
    Ok((StatusCode::CREATED, Json(user)))
}

pub(crate) async fn set_role(
    State(shared): State<Shared>,
    asker: Asker,
    Named(email): Named,
    Input(Ranked { role }): Input<Ranked>,
) -> Result<Json<User>> {
    Ok(Json(people::set_user_role(&shared, &asker.actor, &email, role).await?))
}

pub(crate) async fn set_password(
    State(shared): State<Shared>,
    asker: Asker,
    Named(email): Named,
    Input(Password { password: Secret(password) }): Input<Password>,
) -> Result<StatusCode> {
    people::set_user_password(&shared, &asker.actor, &email, password).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn remove(
    State(shared): State<Shared>,
    asker: Asker,
    Named(email): Named,
) -> Result<StatusCode> {
    people::remove_user(&shared, &asker.actor, &email).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn turn_off_second_factor(
    State(shared): State<Shared>,
    asker: Asker,
    Named(email): Named,
) -> Result<StatusCode> {
    let user = people::known_user(&shared, &email).await?;
    second_factor::turn_off(&shared, &asker.actor, &user.email).await?;
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

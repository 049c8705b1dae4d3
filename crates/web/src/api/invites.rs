//! `/invites`.

use admin::people::{self, Invited};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use plan::permission::Role;
use serde::Deserialize;
use store::Invite;

use super::asker::Asker;
use super::input::{Input, Named, Params};
use super::{List, Result};
use crate::Shared;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    email: String,
    role: Role,
}

pub(crate) async fn list(
    State(shared): State<Shared>,
    params: Params,
) -> Result<Json<List<Invite>>> {
    params.end()?;
    Ok(Json(List { items: shared.store.invites((shared.clock)()).await? }))
}

/// The response contains the link only if it was not mailed.
pub(crate) async fn add(
    State(shared): State<Shared>,
    asker: Asker,
    Input(Wanted { email, role }): Input<Wanted>,
) -> Result<(StatusCode, Json<Invited>)> {
    let invited = people::invite(&shared, &asker.actor, (&email, role), shared.mails_are_sent);
    Ok((StatusCode::CREATED, Json(invited.await?)))
}

pub(crate) async fn remove(
    State(shared): State<Shared>,
    asker: Asker,
    Named(email): Named,
) -> Result<StatusCode> {
    people::remove_invite(&shared, &asker.actor, &email).await?;
    Ok(StatusCode::NO_CONTENT)
}

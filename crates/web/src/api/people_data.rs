//! `/people-data`: what is kept of one person, and erasing it. Who is meant is in the body, never in
//! the address, which proxies log.

use admin::person::{self, PersonItem};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use store::{Forgotten, Who};

use super::Result;
use super::asker::Asker;
use super::input::Input;
use crate::Shared;

/// Who is meant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    who: String,
    #[serde(default)]
    all: bool,
}

pub(crate) async fn export(
    State(shared): State<Shared>,
    asker: Asker,
    Input(Wanted { who, all }): Input<Wanted>,
) -> Result<Json<PersonItem>> {
    let who = Who::of(&who, all)?;
    Ok(Json(person::export(&shared, &who, &asker.actor).await?))
}

pub(crate) async fn forget(
    State(shared): State<Shared>,
    asker: Asker,
    Input(Wanted { who, all }): Input<Wanted>,
) -> Result<Json<Forgotten>> {
    let who = Who::of(&who, all)?;
    Ok(Json(person::forget(&shared, &who, &asker.actor).await?))
}

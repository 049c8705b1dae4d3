//! `/leads/{account}/{lead}`: why each field of a lead has its value.

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};

use super::asker::Asker;
use super::input::Input;
use super::refusal::Refusal;
use super::{Result, known_account};
use crate::Shared;
use admin::lead::{self, LeadItem};

pub(crate) async fn show(
    State(shared): State<Shared>,
    asker: Asker,
    Path((account, id)): Path<(String, String)>,
) -> Result<Json<LeadItem>> {
    let configuration = shared.store.configuration().await?;
    let known = known_account(&configuration, &account)?;
    let within = (&configuration, &asker.reach);
    let found = lead::lead(shared.store.as_ref(), within, known, &id, (shared.clock)()).await?;
    let short: String = id.chars().take(60).collect();
    found.map(Json).ok_or_else(|| Refusal::not_found("lead", &short, "requests"))
}

/// Which field.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    field: String,
}

/// What was done.
#[derive(Serialize)]
pub(crate) struct Released {
    /// Whether the field was frozen.
    released: bool,
}

/// Releases a field that is frozen because it went back and forth.
pub(crate) async fn release(
    State(shared): State<Shared>,
    asker: Asker,
    Path((account, id)): Path<(String, String)>,
    Input(Which { field }): Input<Which>,
) -> Result<Json<Released>> {
    let configuration = shared.store.configuration().await?;
    let known = known_account(&configuration, &account)?;
    let within = (&configuration, &asker.reach);
    let done = lead::release(&shared, within, known, &id, &field, &asker.actor).await?;
    Ok(Json(Released { released: done }))
}

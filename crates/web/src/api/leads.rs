//! `/leads/{account}/{lead}`: why each field of a lead holds what it holds.

use axum::Json;
use axum::extract::{Path, State};

use super::Result;
use super::refusal::Refusal;
use crate::Shared;
use crate::lead::{self, LeadItem};

pub(crate) async fn show(
    State(shared): State<Shared>,
    Path((account, id)): Path<(String, String)>,
) -> Result<Json<LeadItem>> {
    let configuration = shared.store.configuration().await?;
    let known = configuration.account(&account);
    let known = known.ok_or_else(|| Refusal::not_found("account", &account, "accounts"))?;
    let found =
        lead::lead(shared.store.as_ref(), &configuration, known, &id, (shared.clock)()).await?;
    let short: String = id.chars().take(60).collect();
    found.map(Json).ok_or_else(|| Refusal::not_found("lead", &short, "requests"))
}

//! `/audit`.

use axum::Json;
use axum::extract::State;
use store::AuditItem;

use super::input::Params;
use super::{Part, Result, limit};
use crate::Shared;

pub(crate) async fn list(
    State(shared): State<Shared>,
    mut params: Params,
) -> Result<Json<Part<AuditItem>>> {
    let limit = limit(&mut params)?;
    let after = params.read("cursor", |text| {
        text.parse().map_err(|_| format!("'{text}' is no cursor of this list"))
    })?;
    params.end()?;
    let (items, next) = shared.store.audit(limit, after).await?;
    Ok(Json(Part { items, cursor: next.map(|id| id.to_string()) }))
}

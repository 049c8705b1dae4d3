//! `/audit`.

use axum::Json;
use axum::extract::State;
use store::{ACTIONS, AuditFilter, AuditItem};

use super::input::Params;
use super::{Part, Result, limit};
use crate::Shared;

pub(crate) async fn list(
    State(shared): State<Shared>,
    params: Params,
) -> Result<Json<Part<AuditItem>>> {
    Ok(Json(read(&shared, params).await?))
}

/// The requested entries.
pub(crate) async fn read(shared: &Shared, mut params: Params) -> Result<Part<AuditItem>> {
    let filter = AuditFilter {
        actor: params.text("actor"),
        action: params.read("action", |text| {
            let known = ACTIONS.iter().find(|action| **action == text);
            let known = known.map(|action| (*action).to_owned());
            known.ok_or_else(|| format!("'{text}' is not one of {}", ACTIONS.join(", ")))
        })?,
        subject: params.text("subject"),
        access: params
            .read("access", |text| match text {
                "yes" => Ok(true),
                "no" => Ok(false),
                _ => Err(format!("'{text}' is not one of yes, no")),
            })?
            .unwrap_or_default(),
    };
    let limit = limit(&mut params)?;
    let after = params.read("cursor", |text| {
        text.parse().map_err(|_| format!("'{text}' is not a cursor of this list"))
    })?;
    params.end()?;
    let (items, next) = shared.store.audit(&filter, limit, after).await?;
    Ok(Part { items, cursor: next.map(|id| id.to_string()) })
}

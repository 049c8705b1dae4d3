//! `/mails`.

use axum::Json;
use axum::extract::State;
use store::MailItem;

use super::input::Params;
use super::{List, Result, limit};
use crate::Shared;

pub(crate) async fn list(
    State(shared): State<Shared>,
    mut params: Params,
) -> Result<Json<List<MailItem>>> {
    let limit = limit(&mut params)?;
    params.end()?;
    Ok(Json(List { items: shared.store.mails(limit).await? }))
}

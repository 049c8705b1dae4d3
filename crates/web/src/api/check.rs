//! `/connectors/{name}/check`.

use axum::Json;
use axum::extract::State;
use plan::check::Finding;

use super::input::Named;
use super::{List, Result, known_connector};
use crate::Shared;

/// It reads the metadata of both accounts, which costs a few calls.
pub(crate) async fn check(
    State(shared): State<Shared>,
    Named(name): Named,
) -> Result<Json<List<Finding>>> {
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    let items = admin::check::check(
        shared.store.as_ref(),
        shared.accounts.as_ref(),
        (&configuration, connector),
        (shared.clock)(),
    )
    .await?;
    Ok(Json(List { items }))
}

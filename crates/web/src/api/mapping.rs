//! `/connectors/{name}/mapping`.

use axum::Json;
use axum::extract::State;

use super::input::Named;
use super::{Result, known_connector};
use crate::Shared;
use admin::mapping::MappingItem;

/// It may read the metadata of both accounts, which costs a few calls.
pub(crate) async fn show(
    State(shared): State<Shared>,
    Named(name): Named,
) -> Result<Json<MappingItem>> {
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    let mapping = admin::mapping::mapping(
        shared.store.as_ref(),
        shared.accounts.as_ref(),
        (&configuration, connector),
    );
    Ok(Json(mapping.await?))
}

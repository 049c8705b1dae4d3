//! `/connectors/{name}/mass-change`: a connector that is held because its webhooks changed many leads.

use admin::connectors;
use axum::Json;
use axum::extract::State;
use store::{Connector, MassChange};

use super::asker::Asker;
use super::input::Named;
use super::{Result, known_connector};
use crate::Shared;

pub(crate) async fn show(
    State(shared): State<Shared>,
    Named(name): Named,
) -> Result<Json<MassChange>> {
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    Ok(Json(kept(&shared, connector).await?))
}

pub(crate) async fn confirm(
    State(shared): State<Shared>,
    asker: Asker,
    Named(name): Named,
) -> Result<Json<MassChange>> {
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    connectors::confirm_mass_change(&shared, &asker.actor, connector).await?;
    Ok(Json(kept(&shared, connector).await?))
}

async fn kept(shared: &Shared, connector: &Connector) -> store::Result<MassChange> {
    let found = shared.store.mass_changes(&[connector.id]).await?;
    Ok(found.first().map(|(_, kept)| *kept).unwrap_or_default())
}

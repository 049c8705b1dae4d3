//! `/connectors/{name}/refresh`: updating linked leads.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use store::{Actor, Connector, Retried};

use super::asker::Asker;
use super::input::{Input, Named};
use super::retry::{Begun, pace};
use super::{Result, known_connector};
use crate::Shared;
use crate::preview::Previewed;
use crate::refresh::RefreshPlan;

/// At what pace.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct How {
    per_minute: Option<u32>,
}

pub(crate) async fn plan(
    State(shared): State<Shared>,
    Named(name): Named,
) -> Result<Json<RefreshPlan>> {
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    let previewed = Previewed { configuration: &configuration, connector, now: (shared.clock)() };
    let (store, accounts) = (shared.store.as_ref(), shared.accounts.as_ref());
    Ok(Json(crate::refresh::plan(store, accounts, previewed).await?))
}

pub(crate) async fn begin(
    State(shared): State<Shared>,
    asker: Asker,
    Named(name): Named,
    Input(How { per_minute }): Input<How>,
) -> Result<Json<Begun>> {
    let per_minute = pace(per_minute)?;
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    Ok(Json(Begun::from(refresh_leads(&shared, &asker.actor, connector, per_minute).await?)))
}

/// Queues the newest records of the connector's linked leads and notifies the dispatcher.
pub(crate) async fn refresh_leads(
    shared: &Shared,
    actor: &Actor,
    connector: &Connector,
    per_minute: u32,
) -> store::Result<Retried> {
    let which = (connector.id, connector.definition.name.as_str());
    let now = (shared.clock)();
    let retried = shared.store.refresh_leads(which, Some(per_minute), actor, now).await?;
    shared.wake.notify_one();
    Ok(retried)
}

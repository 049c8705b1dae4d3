//! `/connectors/{name}/refresh`: updating linked leads.

use admin::retry;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use super::asker::Asker;
use super::input::{Input, Named};
use super::retry::{Begun, pace};
use super::{Result, known_connector};
use crate::Shared;
use admin::preview::Previewed;
use admin::refresh::RefreshPlan;

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
    Ok(Json(admin::refresh::plan(store, accounts, previewed).await?))
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
    Ok(Json(Begun::from(retry::refresh_leads(&shared, &asker.actor, connector, per_minute).await?)))
}

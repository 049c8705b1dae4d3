//! `/connectors/{name}/versions`, `/connectors/{name}/draft` and `/connectors/{name}/draft/check`:
//! settings that are not in force.

use axum::Json;
use axum::extract::State;
use plan::check::Finding;
use plan::connector::Definition;
use serde_json::{Map, Value};
use store::Version;

use super::connectors::read_definition;
use super::input::{Input, Named, Params};
use super::{List, Result, known_connector, limit};
use crate::Shared;
use crate::draft::DraftItem;
use crate::preview::Asked;

/// To bring one back, its `definition` is put again.
pub(crate) async fn list(
    State(shared): State<Shared>,
    Named(name): Named,
    mut params: Params,
) -> Result<Json<List<Version>>> {
    let limit = limit(&mut params)?;
    params.end()?;
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    Ok(Json(List { items: shared.store.versions(connector.id, limit).await? }))
}

/// Takes settings as `PUT` does.
pub(crate) async fn draft(
    State(shared): State<Shared>,
    Named(name): Named,
    mut params: Params,
    Input(wanted): Input<Map<String, Value>>,
) -> Result<Json<List<DraftItem>>> {
    let limit = limit(&mut params)?;
    params.end()?;
    let definition = settings(&name, wanted)?;
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    let asked = Asked { configuration: &configuration, connector, now: (shared.clock)() };
    let items = crate::draft::draft(
        shared.store.as_ref(),
        shared.accounts.as_ref(),
        asked,
        definition,
        limit,
    );
    Ok(Json(List { items: items.await? }))
}

/// Takes settings as `PUT` does.
pub(crate) async fn check_draft(
    State(shared): State<Shared>,
    Named(name): Named,
    Input(wanted): Input<Map<String, Value>>,
) -> Result<Json<List<Finding>>> {
    let definition = settings(&name, wanted)?;
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    let items = crate::draft::check_draft(
        shared.store.as_ref(),
        shared.accounts.as_ref(),
        (&configuration, connector),
        definition,
    );
    Ok(Json(List { items: items.await? }))
}

fn settings(name: &str, mut wanted: Map<String, Value>) -> Result<Definition> {
    for state in ["enabled", "version"] {
        wanted.shift_remove(state);
    }
    read_definition(name, wanted)
}

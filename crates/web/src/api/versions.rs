//! `/connectors/{name}/versions`, `/connectors/{name}/draft` and `/connectors/{name}/draft/check`:
//! settings that are not in effect.

use axum::Json;
use axum::extract::State;
use plan::check::Finding;
use plan::connector::Definition;
use serde_json::{Map, Value};
use store::{Connector, Version};

use super::connectors::read_definition;
use super::input::{Input, Named, Params};
use super::refusal::Refusal;
use super::{List, Result, known_connector, limit};
use crate::Shared;
use admin::draft::DraftItem;
use admin::preview::Previewed;

/// To restore one, `PUT` its `definition`.
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
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    let definition = settings(connector, wanted)?;
    let previewed = Previewed { configuration: &configuration, connector, now: (shared.clock)() };
    let items = admin::draft::draft(
        shared.store.as_ref(),
        shared.accounts.as_ref(),
        previewed,
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
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    let definition = settings(connector, wanted)?;
    let items = admin::draft::check_draft(
        shared.store.as_ref(),
        shared.accounts.as_ref(),
        (&configuration, connector),
        definition,
    );
    Ok(Json(List { items: items.await? }))
}

/// The settings of a draft, which must be between the connector's own accounts: somebody who may
/// draft need not have access to others.
fn settings(connector: &Connector, mut wanted: Map<String, Value>) -> Result<Definition> {
    for state in ["enabled", "version"] {
        wanted.shift_remove(state);
    }
    let of = &connector.definition;
    let draft = read_definition(&of.name, wanted)?;
    for (at, own, drafted) in [
        ("source", &of.source, &draft.source),
        ("destination", &of.destination, &draft.destination),
    ] {
        if own != drafted {
            return Err(Refusal::wrong(at, format!("is {own} and can't be changed in a draft")));
        }
    }
    Ok(draft)
}

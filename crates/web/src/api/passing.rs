//! `/connectors/{name}/filter/count`: how many recent leads pass a filter.

use axum::Json;
use axum::extract::State;
use plan::connector::{Definition, Filter};
use serde::Deserialize;

use super::input::{Input, Named};
use super::refusal::Refusal;
use super::{Result, known_connector};
use crate::Shared;
use admin::passing::{Passing, passing};

/// A filter that is not saved.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tried {
    filter: Option<Filter>,
}

/// Without a filter, the connector's own is counted.
pub(crate) async fn count(
    State(shared): State<Shared>,
    Named(name): Named,
    Input(Tried { filter }): Input<Tried>,
) -> Result<Json<Passing>> {
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    let saved = &connector.definition;
    let filter = filter.unwrap_or_else(|| saved.filter.clone());
    let mut faults = Definition { filter: filter.clone(), ..saved.clone() }.check();
    faults.retain(|fault| fault.at.starts_with("filter"));
    if !faults.is_empty() {
        return Err(Refusal::faulty(faults));
    }
    Ok(Json(passing(shared.store.as_ref(), &configuration, connector, filter).await?))
}

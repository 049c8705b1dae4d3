//! `/connectors/{name}/parity` and `/sweep`: comparisons, and changes that no webhook reported.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use plan::parity::Apart;
use serde::{Deserialize, Serialize};
use store::Differing;

use super::asker::Asker;
use super::input::{Input, Named, Params};
use super::refusal::Refusal;
use super::{Part, Result, known_connector, limit};
use crate::Shared;
use admin::catch_up::{self, Chosen, Direction, ParityItem, SweepItem};

pub(crate) async fn parity(
    State(shared): State<Shared>,
    Named(name): Named,
) -> Result<Json<ParityItem>> {
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    Ok(Json(catch_up::parity(shared.store.as_ref(), &configuration, connector).await?))
}

pub(crate) async fn compare(
    State(shared): State<Shared>,
    asker: Asker,
    Named(name): Named,
) -> Result<Json<ParityItem>> {
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    catch_up::ask_for_parity(&shared, &asker.actor, connector).await?;
    Ok(Json(catch_up::parity(shared.store.as_ref(), &configuration, connector).await?))
}

pub(crate) async fn differences(
    State(shared): State<Shared>,
    Named(name): Named,
    mut params: Params,
) -> Result<Json<Part<Differing>>> {
    let limit = limit(&mut params)?;
    let apart: Option<Apart> = params.parse("apart")?;
    let after = params.parse("cursor")?.unwrap_or_default();
    params.end()?;
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    let items = shared.store.differences(connector.id, apart, after, limit).await?;
    let cursor = items.last().filter(|_| items.len() == limit).map(|last| last.number.to_string());
    Ok(Json(Part { items, cursor }))
}

/// Which leads, and whose values.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    direction: Direction,
    /// None: all that are listed, or all of this kind.
    numbers: Option<Vec<i64>>,
    /// When the comparison ended whose list the numbers are from.
    compared_at: Option<Timestamp>,
    apart: Option<Apart>,
}

impl Wanted {
    fn chosen(self) -> Result<Chosen> {
        match (self.numbers, self.compared_at, self.apart) {
            (Some(numbers), Some(at), None) => Ok(Chosen::Numbers(numbers, at)),
            (Some(_), None, None) => Err(Refusal::wrong(
                "compared_at",
                "is required with numbers: they belong to the comparison that ended at `at`",
            )),
            (Some(_), _, Some(_)) => Err(Refusal::wrong(
                "apart",
                "can't be combined with numbers; send only one of the two",
            )),
            (None, at, None) => Ok(Chosen::All(at)),
            (None, at, Some(apart)) => Ok(Chosen::Kind(apart, at)),
        }
    }
}

/// How many are synced.
#[derive(Serialize)]
pub(crate) struct Synced {
    leads: u64,
}

pub(crate) async fn sync(
    State(shared): State<Shared>,
    asker: Asker,
    Named(name): Named,
    Input(wanted): Input<Wanted>,
) -> Result<Json<Synced>> {
    let direction = wanted.direction;
    let chosen = wanted.chosen()?;
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    let between = (&configuration, connector);
    let by = (&asker.actor, &asker.reach);
    let leads = catch_up::sync_differences(&shared, by, between, (&chosen, direction)).await?;
    Ok(Json(Synced { leads }))
}

pub(crate) async fn sweep(
    State(shared): State<Shared>,
    Named(name): Named,
) -> Result<Json<SweepItem>> {
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    Ok(Json(catch_up::sweep(shared.store.as_ref(), &configuration, connector).await?))
}

/// Whether a mass change is confirmed.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct How {
    #[serde(default)]
    confirm: bool,
}

pub(crate) async fn sweep_now(
    State(shared): State<Shared>,
    asker: Asker,
    Named(name): Named,
    Input(How { confirm }): Input<How>,
) -> Result<Json<SweepItem>> {
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    catch_up::ask_for_sweep(&shared, &asker.actor, connector, confirm).await?;
    Ok(Json(catch_up::sweep(shared.store.as_ref(), &configuration, connector).await?))
}

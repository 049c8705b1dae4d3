//! `/connectors/{name}/parity` and `/sweep`: comparisons, and changes that no webhook reported.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use plan::parity::Apart;
use serde::{Deserialize, Serialize};
use store::{Actor, Configuration, Connector, Differing};

use super::asker::Asker;
use super::input::{Input, Named, Params};
use super::refusal::Refusal;
use super::{Part, Result, known_connector, limit};
use crate::Shared;
use crate::access::Reach;
use crate::catch_up::{self, Chosen, Direction, NotSynced, ParityItem, SweepItem};

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
    ask_for_parity(&shared, &asker.actor, connector).await?;
    Ok(Json(catch_up::parity(shared.store.as_ref(), &configuration, connector).await?))
}

/// Asks for a comparison and notifies the dispatcher.
pub(crate) async fn ask_for_parity(
    shared: &Shared,
    actor: &Actor,
    connector: &Connector,
) -> Result<()> {
    must_be_enabled(connector)?;
    let which = (connector.id, connector.definition.name.as_str());
    shared.store.ask_for_parity(which, actor, (shared.clock)()).await?;
    shared.wake.notify_one();
    Ok(())
}

fn must_be_enabled(connector: &Connector) -> Result<()> {
    if connector.enabled {
        return Ok(());
    }
    Err(Refusal::wrong("connector", "is disabled; enable it first"))
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
    let leads = sync_differences(&shared, by, between, (&chosen, direction)).await?;
    Ok(Json(Synced { leads }))
}

/// Has leads that differ synced and notifies the dispatcher.
pub(crate) async fn sync_differences(
    shared: &Shared,
    (actor, reach): (&Actor, &Reach),
    (configuration, connector): (&Configuration, &Connector),
    (chosen, direction): (&Chosen, Direction),
) -> Result<u64> {
    let refused = |error| match error {
        NotSynced::Store(error) => Refusal::from(error),
        NotSynced::NoWay(why) => Refusal::wrong("direction", format!("is not possible: {why}")),
    };
    let going = catch_up::going(configuration, connector, direction).map_err(refused)?;
    if !reach.has(&going.definition.name) {
        return Err(Refusal::wrong("direction", "is not accessible to you"));
    }
    let next_id = |now| shared.ids.next(now);
    let (between, what) = ((configuration, connector), (chosen, direction));
    let by = (actor, (shared.clock)());
    let leads = catch_up::sync(shared.store.as_ref(), between, what, next_id, by).await;
    let leads = leads.map_err(refused)?;
    shared.wake.notify_one();
    Ok(leads)
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
    ask_for_sweep(&shared, &asker.actor, connector, confirm).await?;
    Ok(Json(catch_up::sweep(shared.store.as_ref(), &configuration, connector).await?))
}

/// Asks for a round of a sweep and notifies the dispatcher.
pub(crate) async fn ask_for_sweep(
    shared: &Shared,
    actor: &Actor,
    connector: &Connector,
    confirms: bool,
) -> Result<()> {
    must_be_enabled(connector)?;
    let which = (connector.id, connector.definition.name.as_str());
    shared.store.ask_for_sweep(which, confirms, actor, (shared.clock)()).await?;
    shared.wake.notify_one();
    Ok(())
}

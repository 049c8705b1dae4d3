//! `/connectors/{name}/backfills`: leads that the source had before.

use axum::Json;
use axum::extract::{Path, State};
use plan::backfill::{BackfillState, Backfilled};
use store::{Actor, Backfill, Connector, NewBackfill};

use super::asker::Asker;
use super::input::{Input, Named};
use super::refusal::Refusal;
use super::{List, Result, known_connector};
use crate::Shared;
use crate::backfill::{self, BackfillPlan};
use crate::preview::Previewed;

pub(crate) async fn list(
    State(shared): State<Shared>,
    Named(name): Named,
) -> Result<Json<List<Backfill>>> {
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    Ok(Json(List { items: shared.store.backfills(Some(connector.id)).await? }))
}

/// Counts what a backfill would do.
pub(crate) async fn plan(
    State(shared): State<Shared>,
    Named(name): Named,
    Input(of): Input<Backfilled>,
) -> Result<Json<BackfillPlan>> {
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    check(&shared, connector, &of).await?;
    let previewed = Previewed { configuration: &configuration, connector, now: (shared.clock)() };
    let (store, accounts) = (shared.store.as_ref(), shared.accounts.as_ref());
    Ok(Json(backfill::plan(store, accounts, previewed, &of).await?))
}

pub(crate) async fn begin(
    State(shared): State<Shared>,
    asker: Asker,
    Named(name): Named,
    Input(of): Input<Backfilled>,
) -> Result<Json<Backfill>> {
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    Ok(Json(begin_backfill(&shared, &asker.actor, connector, of).await?))
}

/// Begins a backfill and notifies the dispatcher.
pub(crate) async fn begin_backfill(
    shared: &Shared,
    actor: &Actor,
    connector: &Connector,
    of: Backfilled,
) -> Result<Backfill> {
    check(shared, connector, &of).await?;
    if !connector.enabled {
        let what = "is disabled, so nothing would be synced; enable it first";
        return Err(Refusal::wrong("connector", what));
    }
    let name = connector.definition.name.clone();
    let new = NewBackfill { connector: connector.id, name, of };
    let begun = shared.store.begin_backfill(&new, actor, (shared.clock)()).await?;
    shared.wake.notify_one();
    Ok(begun)
}

/// Refuses conditions that can't be tested.
async fn check(shared: &Shared, connector: &Connector, of: &Backfilled) -> Result<()> {
    let faults = backfill::faults(shared.store.as_ref(), connector, of).await?;
    if faults.is_empty() { Ok(()) } else { Err(Refusal::faulty(faults)) }
}

pub(crate) async fn pause(
    shared: State<Shared>,
    asker: Asker,
    which: Path<(String, String)>,
) -> Result<Json<Backfill>> {
    set(shared, asker, which, BackfillState::Paused).await
}

pub(crate) async fn resume(
    shared: State<Shared>,
    asker: Asker,
    which: Path<(String, String)>,
) -> Result<Json<Backfill>> {
    set(shared, asker, which, BackfillState::Running).await
}

pub(crate) async fn cancel(
    shared: State<Shared>,
    asker: Asker,
    which: Path<(String, String)>,
) -> Result<Json<Backfill>> {
    set(shared, asker, which, BackfillState::Cancelled).await
}

async fn set(
    State(shared): State<Shared>,
    asker: Asker,
    Path((name, number)): Path<(String, String)>,
    state: BackfillState,
) -> Result<Json<Backfill>> {
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    Ok(Json(set_backfill(&shared, &asker.actor, connector, &number, state).await?))
}

/// Pauses, resumes or cancels a backfill of a connector.
pub(crate) async fn set_backfill(
    shared: &Shared,
    actor: &Actor,
    connector: &Connector,
    number: &str,
    state: BackfillState,
) -> Result<Backfill> {
    let found = match number.parse() {
        Ok(number) => shared.store.backfill(number).await?,
        Err(_) => None,
    };
    let name = &connector.definition.name;
    let found = found.filter(|backfill| backfill.connector == connector.id).ok_or_else(|| {
        Refusal::not_found("backfill", number, &format!("connectors/{name}/backfills"))
    })?;
    let set = shared.store.set_backfill(found.id, state, actor, (shared.clock)()).await?;
    shared.wake.notify_one();
    Ok(set)
}

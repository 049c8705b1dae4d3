//! `/connectors/{name}/backfills`: leads that the source had before.

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use plan::backfill::{BackfillState, Backfilled, Planning};
use plan::connector::Filter;
use serde::{Deserialize, Serialize};
use store::{Actor, Backfill, Configuration, Connector, NewBackfill};

use super::asker::Asker;
use super::input::{Input, Named};
use super::refusal::Refusal;
use super::{List, Result, known_connector};
use crate::Shared;
use crate::backfill::{self, Pace};

/// A backfill, how far it is, and how fast.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    #[serde(flatten)]
    kept: Backfill,
    #[serde(flatten)]
    pace: Pace,
}

impl Shown {
    async fn all(
        shared: &Shared,
        configuration: &Configuration,
        backfills: Vec<Backfill>,
    ) -> store::Result<Vec<Self>> {
        let (store, now) = (shared.store.as_ref(), (shared.clock)());
        let paces = Pace::of_all(store, configuration, &backfills, now).await?;
        Ok(backfills.into_iter().zip(paces).map(|(kept, pace)| Self { kept, pace }).collect())
    }

    async fn of(
        shared: &Shared,
        configuration: &Configuration,
        kept: Backfill,
    ) -> store::Result<Self> {
        let mut shown = Self::all(shared, configuration, vec![kept]).await?;
        Ok(shown.remove(0))
    }
}

/// Which leads are to be synced, and whether it was confirmed that many may be changed.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Begin {
    #[serde(default)]
    since: Option<Timestamp>,
    #[serde(default, rename = "where")]
    filter: Filter,
    #[serde(default)]
    activities: bool,
    #[serde(default)]
    confirm: bool,
}

pub(crate) async fn list(
    State(shared): State<Shared>,
    Named(name): Named,
) -> Result<Json<List<Shown>>> {
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    let backfills = shared.store.backfills(Some(connector.id)).await?;
    let items = Shown::all(&shared, &configuration, backfills).await?;
    Ok(Json(List { items }))
}

/// The last count of what a backfill would do.
pub(crate) async fn planning(
    State(shared): State<Shared>,
    Named(name): Named,
) -> Result<Json<Planning>> {
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    Ok(Json(shared.store.planning(connector.id).await?))
}

/// Has what a backfill would do counted.
pub(crate) async fn plan(
    State(shared): State<Shared>,
    asker: Asker,
    Named(name): Named,
    Input(of): Input<Backfilled>,
) -> Result<Json<Planning>> {
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    ask_for_plan(&shared, &asker.actor, connector, &of).await?;
    Ok(Json(shared.store.planning(connector.id).await?))
}

/// Asks for a count and notifies the dispatcher.
pub(crate) async fn ask_for_plan(
    shared: &Shared,
    actor: &Actor,
    connector: &Connector,
    of: &Backfilled,
) -> Result<()> {
    check(shared, connector, of).await?;
    let which = (connector.id, connector.definition.name.as_str());
    shared.store.ask_for_plan(which, of, actor, (shared.clock)()).await?;
    shared.wake.notify_one();
    Ok(())
}

pub(crate) async fn begin(
    State(shared): State<Shared>,
    asker: Asker,
    Named(name): Named,
    Input(wish): Input<Begin>,
) -> Result<Json<Shown>> {
    let Begin { since, filter, activities, confirm } = wish;
    let of = Backfilled { since, filter, activities };
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    let begun = begin_backfill(&shared, &asker.actor, connector, of, confirm).await?;
    Ok(Json(Shown::of(&shared, &configuration, begun).await?))
}

/// Begins a backfill and notifies the dispatcher. Unless the person `confirms` that it may change any
/// number of leads, it must have been counted within the last hour.
pub(crate) async fn begin_backfill(
    shared: &Shared,
    actor: &Actor,
    connector: &Connector,
    of: Backfilled,
    confirms: bool,
) -> Result<Backfill> {
    check(shared, connector, &of).await?;
    if !connector.enabled {
        let what = "is disabled; enable it first";
        return Err(Refusal::wrong("connector", what));
    }
    let (name, now) = (connector.definition.name.clone(), (shared.clock)());
    let planning = shared.store.planning(connector.id).await?;
    let plan = planning.fresh(&of, connector.version, now);
    if !confirms {
        let Some(plan) = plan else {
            let what = "is required: the leads were not counted within the last hour; count them first, \
                        or confirm without a count";
            return Err(Refusal::wrong("confirm", what));
        };
        if let Some(guarded) = plan.guarded(&connector.definition) {
            let what = format!("is required: {guarded}; check the plan and confirm it");
            return Err(Refusal::wrong("confirm", what));
        }
    }
    let expected = plan.map(|plan| plan.leads);
    let new = NewBackfill { connector: connector.id, name, of, expected };
    let begun = shared.store.begin_backfill(&new, actor, now).await?;
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
) -> Result<Json<Shown>> {
    set(shared, asker, which, BackfillState::Paused).await
}

pub(crate) async fn resume(
    shared: State<Shared>,
    asker: Asker,
    which: Path<(String, String)>,
) -> Result<Json<Shown>> {
    set(shared, asker, which, BackfillState::Running).await
}

pub(crate) async fn cancel(
    shared: State<Shared>,
    asker: Asker,
    which: Path<(String, String)>,
) -> Result<Json<Shown>> {
    set(shared, asker, which, BackfillState::Cancelled).await
}

async fn set(
    State(shared): State<Shared>,
    asker: Asker,
    Path((name, number)): Path<(String, String)>,
    state: BackfillState,
) -> Result<Json<Shown>> {
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    let set = set_backfill(&shared, &asker.actor, connector, &number, state).await?;
    Ok(Json(Shown::of(&shared, &configuration, set).await?))
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

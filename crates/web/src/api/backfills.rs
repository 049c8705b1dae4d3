//! `/connectors/{name}/backfills`: leads that the source had before.

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use plan::backfill::{BackfillState, Backfilled, Planning};
use plan::connector::Filter;
use serde::{Deserialize, Serialize};
use store::{Backfill, Configuration};

use super::asker::Asker;
use super::input::{Input, Named};
use super::{List, Result, known_connector};
use crate::Shared;
use admin::backfill::{self, Pace};

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
    backfill::ask_for_plan(&shared, &asker.actor, connector, &of).await?;
    Ok(Json(shared.store.planning(connector.id).await?))
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
    let begun = backfill::begin(&shared, &asker.actor, connector, of, confirm).await?;
    Ok(Json(Shown::of(&shared, &configuration, begun).await?))
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
    let set = backfill::set(&shared, &asker.actor, connector, &number, state).await?;
    Ok(Json(Shown::of(&shared, &configuration, set).await?))
}

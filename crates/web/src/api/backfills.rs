//! `/connectors/{name}/backfills`: leads that the source had before.

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use plan::backfill::{BackfillState, Backfilled};
use plan::connector::Filter;
use serde::{Deserialize, Serialize};
use store::{Actor, Backfill, Configuration, Connector, NewBackfill};

use super::asker::Asker;
use super::input::{Input, Named};
use super::refusal::Refusal;
use super::{List, Result, known_connector};
use crate::Shared;
use crate::backfill::{self, BackfillPlan, Pace};
use crate::preview::Previewed;

/// A backfill, how far it is, and how fast.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    #[serde(flatten)]
    kept: Backfill,
    #[serde(flatten)]
    pace: Pace,
}

impl Shown {
    fn of(shared: &Shared, kept: Backfill) -> Self {
        let pace = Pace::of(&kept, (shared.clock)());
        Self { kept, pace }
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

/// How many leads a backfill changes is known to who begins it, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Confirmed {
    /// It is to be counted first.
    No,
    /// It may change any number of leads; it reads so many, if they were counted.
    Yes { expected: Option<u64> },
}

pub(crate) async fn list(
    State(shared): State<Shared>,
    Named(name): Named,
) -> Result<Json<List<Shown>>> {
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    let backfills = shared.store.backfills(Some(connector.id)).await?;
    let items = backfills.into_iter().map(|kept| Shown::of(&shared, kept)).collect();
    Ok(Json(List { items }))
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
    Ok(Json(counted(&shared, &configuration, connector, &of).await?))
}

async fn counted(
    shared: &Shared,
    configuration: &Configuration,
    connector: &Connector,
    of: &Backfilled,
) -> Result<BackfillPlan> {
    let previewed = Previewed { configuration, connector, now: (shared.clock)() };
    let (store, accounts) = (shared.store.as_ref(), shared.accounts.as_ref());
    Ok(backfill::plan(store, accounts, previewed, of).await?)
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
    let confirmed = if confirm { Confirmed::Yes { expected: None } } else { Confirmed::No };
    let begun =
        begin_backfill(&shared, &asker.actor, &configuration, connector, of, confirmed).await?;
    Ok(Json(Shown::of(&shared, begun)))
}

/// Begins a backfill and notifies the dispatcher.
pub(crate) async fn begin_backfill(
    shared: &Shared,
    actor: &Actor,
    configuration: &Configuration,
    connector: &Connector,
    of: Backfilled,
    confirmed: Confirmed,
) -> Result<Backfill> {
    check(shared, connector, &of).await?;
    if !connector.enabled {
        let what = "is disabled, so nothing would be synced; enable it first";
        return Err(Refusal::wrong("connector", what));
    }
    let name = connector.definition.name.clone();
    let expected = match confirmed {
        Confirmed::Yes { expected } => expected,
        Confirmed::No => {
            let kept = shared.store.backfills(Some(connector.id)).await?;
            // Whether another one is under way, the store says when it begins.
            if kept.iter().all(|kept| kept.state.is_over()) {
                let plan = counted(shared, configuration, connector, &of).await?;
                if let Some(guarded) = plan.guarded(&connector.definition) {
                    let what = format!("is needed: {guarded}; look at the plan, and confirm it");
                    return Err(Refusal::wrong("confirm", what));
                }
                Some(plan.leads)
            } else {
                None
            }
        }
    };
    let new = NewBackfill { connector: connector.id, name, of, expected };
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
    Ok(Json(Shown::of(&shared, set)))
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

//! `/failures/{name}/{cause}`: repairing and dismissing a group of failures.

use admin::failures::{self, Group};
use admin::repair::{self, Case, Choices, DryRun};
use axum::Json;
use axum::extract::{Path, State};
use plan::repair::Fix;
use serde::{Deserialize, Serialize};

use super::asker::Asker;
use super::input::Input;
use super::retry::Begun;
use super::{Refusal, Result, known_connector};
use crate::Shared;

/// A connector's name and a cause.
type Which = Path<(String, String)>;

/// A group and what can be done about it.
#[derive(Serialize)]
pub(crate) struct Shown {
    group: Group,
    choices: Choices,
    /// The version of the connector's settings.
    version: i64,
}

/// A repair to be tried; none: a retry with the current settings.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tried {
    fix: Option<Fix>,
}

/// A repair to be made, and the version of the settings that it is based on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    fix: Fix,
    version: i64,
}

/// Why a group is dismissed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Note {
    note: String,
}

async fn open(shared: &Shared, Path((name, cause)): Which) -> Result<Case> {
    let configuration = shared.store.configuration().await?;
    Ok(Case::open(shared.store.as_ref(), configuration, (&name, &cause)).await?)
}

pub(crate) async fn show(State(shared): State<Shared>, which: Which) -> Result<Json<Shown>> {
    let case = open(&shared, which).await?;
    let (choices, version) = (Choices::of(&case), case.connector.version);
    Ok(Json(Shown { group: case.group, choices, version }))
}

pub(crate) async fn preview(
    State(shared): State<Shared>,
    which: Which,
    Input(Tried { fix }): Input<Tried>,
) -> Result<Json<DryRun>> {
    let case = open(&shared, which).await?;
    let definition = match fix {
        Some(fix) => case.fixed(&fix)?,
        None => case.connector.definition.clone(),
    };
    let run = case.dry_run(shared.store.as_ref(), definition, (shared.clock)()).await?;
    let unread = || Refusal::wrong("fix", "needs the fields of both accounts; refresh them first");
    run.map(Json).ok_or_else(unread)
}

pub(crate) async fn fix(
    State(shared): State<Shared>,
    asker: Asker,
    which: Which,
    Input(Wish { fix, version }): Input<Wish>,
) -> Result<Json<Begun>> {
    let case = open(&shared, which).await?;
    let retried = repair::apply(&shared, &asker.actor, &case, (&fix, version)).await?;
    Ok(Json(Begun::from(retried)))
}

pub(crate) async fn refresh(State(shared): State<Shared>, which: Which) -> Result<Json<Shown>> {
    let Path((name, cause)) = which;
    let opened = open(&shared, Path((name.clone(), cause.clone()))).await?;
    repair::refresh_metadata(&shared, &opened).await?;
    show(State(shared), Path((name, cause))).await
}

pub(crate) async fn dismiss(
    State(shared): State<Shared>,
    asker: Asker,
    Path((name, cause)): Which,
    Input(Note { note }): Input<Note>,
) -> Result<Json<Group>> {
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    failures::dismiss(&shared, &asker.actor, connector, (&cause, &note)).await?;
    Ok(Json(failures::known(shared.store.as_ref(), connector, &cause).await?))
}

pub(crate) async fn restore(
    State(shared): State<Shared>,
    asker: Asker,
    Path((name, cause)): Which,
) -> Result<Json<Group>> {
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    failures::restore(&shared, &asker.actor, connector, &cause).await?;
    Ok(Json(failures::known(shared.store.as_ref(), connector, &cause).await?))
}

//! `/connectors/{name}/wiring`: the source account's native webhooks that a connector makes for itself.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use plan::wiring::Wired;

use super::asker::Asker;
use super::input::Named;
use super::refusal::Refusal;
use super::{List, Result, known_connector};
use crate::Shared;
use admin::wiring::{Act, Job, NotWired};

impl From<NotWired> for Refusal {
    fn from(error: NotWired) -> Self {
        match error {
            NotWired::Store(error) => error.into(),
            NotWired::Account(problem) => Self::new(StatusCode::BAD_GATEWAY, problem),
        }
    }
}

pub(crate) async fn show(
    State(shared): State<Shared>,
    asker: Asker,
    Named(name): Named,
) -> Result<Json<List<Wired>>> {
    act(&shared, &asker, &name, Act::Check).await
}

pub(crate) async fn wire(
    State(shared): State<Shared>,
    asker: Asker,
    Named(name): Named,
) -> Result<Json<List<Wired>>> {
    act(&shared, &asker, &name, Act::Wire).await
}

pub(crate) async fn unwire(
    State(shared): State<Shared>,
    asker: Asker,
    Named(name): Named,
) -> Result<Json<List<Wired>>> {
    act(&shared, &asker, &name, Act::Unwire).await
}

async fn act(shared: &Shared, asker: &Asker, name: &str, act: Act) -> Result<Json<List<Wired>>> {
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, name)?;
    let (store, accounts) = (shared.store.as_ref(), shared.accounts.as_ref());
    let job = Job { store, accounts, configuration: &configuration, connector };
    let items = job.run(act, &shared.hooks_url, &asker.actor, (shared.clock)()).await?;
    Ok(Json(List { items }))
}

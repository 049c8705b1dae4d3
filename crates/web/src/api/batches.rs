//! `/retries`: batches of retries and their progress.

use axum::Json;
use axum::extract::State;
use store::RetryBatch;

use super::asker::Asker;
use super::input::Named;
use super::refusal::Refusal;
use super::retry::Touched;
use super::{List, Result};
use crate::Shared;

pub(crate) async fn list(State(shared): State<Shared>) -> Result<Json<List<RetryBatch>>> {
    Ok(Json(List { items: shared.store.retry_batches().await? }))
}

pub(crate) async fn show(
    State(shared): State<Shared>,
    Named(number): Named,
) -> Result<Json<RetryBatch>> {
    Ok(Json(known(&shared, &number).await?))
}

pub(crate) async fn cancel(
    State(shared): State<Shared>,
    asker: Asker,
    Named(number): Named,
) -> Result<Json<Touched>> {
    let batch = known(&shared, &number).await?.id;
    let now = (shared.clock)();
    let requests = shared.store.cancel_retry_batch(batch, &asker.actor, now).await?;
    Ok(Json(Touched { requests }))
}

async fn known(shared: &Shared, number: &str) -> Result<RetryBatch> {
    let found = match number.parse() {
        Ok(number) => shared.store.retry_batch(number).await?,
        Err(_) => None,
    };
    found.ok_or_else(|| Refusal::not_found("batch", number, "retries"))
}

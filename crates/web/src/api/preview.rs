//! `/connectors/{name}/preview`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use plan::preview::RecordPreview;

use super::input::{Body, Named};
use super::refusal::Refusal;
use super::{List, Result, known_connector};
use crate::Shared;
use crate::preview::NotPreviewed;

/// The body is a webhook's, with its Content-Type.
pub(crate) async fn preview(
    State(shared): State<Shared>,
    Named(name): Named,
    Body { bytes, content_type }: Body,
) -> Result<Json<List<RecordPreview>>> {
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, &name)?;
    let previewed = crate::preview::preview(
        shared.store.as_ref(),
        shared.catalogues.as_ref(),
        (&configuration, connector),
        &bytes,
        content_type.as_deref(),
    );
    let items = previewed.await.map_err(|error| match error {
        NotPreviewed::Store(error) => error.into(),
        NotPreviewed::Account(problem) => Refusal::new(StatusCode::BAD_GATEWAY, problem),
        NotPreviewed::Payload(problem) => Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, problem),
    })?;
    Ok(Json(List { items }))
}

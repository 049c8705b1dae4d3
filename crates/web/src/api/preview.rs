//! `/connectors/{name}/preview` and `/requests/{id}/preview`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use plan::preview::RecordPreview;
use store::Origin;

use super::input::{Body, Named};
use super::refusal::Refusal;
use super::requests::known_request;
use super::{List, Result, known_connector};
use crate::Shared;
use admin::access::Reach;
use admin::preview::{NotPreviewed, Payload, Previewed};

/// The body is that of a webhook, with its Content-Type.
pub(crate) async fn preview(
    State(shared): State<Shared>,
    Named(name): Named,
    Body { bytes, content_type }: Body,
) -> Result<Json<List<RecordPreview>>> {
    let content_type = content_type.as_deref();
    of(&shared, &name, Payload { body: &bytes, content_type, origin: Origin::Webhook }).await
}

/// What the body of a past request would do now.
pub(crate) async fn past(
    State(shared): State<Shared>,
    Named(id): Named,
) -> Result<Json<List<RecordPreview>>> {
    let request = known_request(&shared, &Reach::All, &id).await?;
    let delivery = shared.store.delivery(request.id).await?;
    let Some(delivery) = delivery else {
        return Err(Refusal::not_found("request", &id, "requests"));
    };
    of(&shared, &request.connector, Payload::of(&delivery)).await
}

async fn of(
    shared: &Shared,
    connector: &str,
    payload: Payload<'_>,
) -> Result<Json<List<RecordPreview>>> {
    let configuration = shared.store.configuration().await?;
    let connector = known_connector(&configuration, connector)?;
    let previewed = admin::preview::preview(
        shared.store.as_ref(),
        shared.accounts.as_ref(),
        Previewed { configuration: &configuration, connector, now: (shared.clock)() },
        payload,
    );
    Ok(Json(List { items: previewed.await? }))
}

impl From<NotPreviewed> for Refusal {
    fn from(error: NotPreviewed) -> Self {
        match error {
            NotPreviewed::Store(error) => error.into(),
            NotPreviewed::Account(problem) => Self::new(StatusCode::BAD_GATEWAY, problem),
            NotPreviewed::Payload(problem) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, problem),
        }
    }
}

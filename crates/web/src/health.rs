//! Pages about the process itself.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use store::{Health, TokenHash};

use crate::Shared;
use crate::api::bearer;

/// `/healthz`: the process is up.
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// `/readyz`: the store is up too, with every migration.
pub(crate) async fn ready(State(shared): State<Shared>) -> Response {
    match shared.store.ready().await {
        Ok(()) => "ok\n".into_response(),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            // The error of the store may contain hosts and files, so it goes to the log of the
            // process.
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response()
        }
    }
}

/// `/metrics`: for Prometheus.
pub(crate) async fn metrics(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let given = bearer(&headers).map(TokenHash::of);
    if shared.metrics_token.is_some() && given != shared.metrics_token {
        let what = "the metrics need `Authorization: Bearer` with LEADSYNC_METRICS_TOKEN\n";
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], what)
            .into_response();
    }
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    let mut text = (shared.metrics)();
    // What waits is in the database, and the same on every node. This route may be open, so it returns
    // no names.
    let now = (shared.clock)();
    match shared.store.health(now).await {
        Ok(health) => text.push_str(&backlog(&health, now)),
        Err(error) => tracing::warn!(%error, "what waits could not be counted"),
    }
    (kind, text).into_response()
}

fn backlog(health: &[Health], now: Timestamp) -> String {
    let waiting: u64 = health.iter().map(|connector| connector.waiting.count).sum();
    let retrying: u64 = health.iter().map(|connector| connector.retrying.count).sum();
    let oldest = health.iter().filter_map(|connector| connector.waiting.oldest).min();
    let oldest = oldest.map_or(0, |oldest| now.duration_since(oldest).as_secs().max(0));
    format!(
        "# TYPE leadsync_waiting_requests gauge\nleadsync_waiting_requests {waiting}\n\
         # TYPE leadsync_retrying_records gauge\nleadsync_retrying_records {retrying}\n\
         # TYPE leadsync_oldest_waiting_seconds gauge\nleadsync_oldest_waiting_seconds {oldest}\n"
    )
}

//! The access log: one line for each request, without its query, whose values may name a person.
//!
//! What programs and open pages ask for again and again (webhooks, health, files, parts of pages that
//! refresh) is logged as `debug`, refusals as `warn` under the target `leadsync::security`, and the rest
//! as `info`.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use store::Actor;

use crate::connections::Peer;

/// Who sent a request, once that is known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Who(Arc<OnceLock<String>>);

impl Who {
    /// It was this person, or this token.
    pub(crate) fn is(&self, actor: &Actor) {
        // A second answer would be the same.
        let _ = self.0.set(actor.0.clone());
    }
}

/// Routes that programs use all the time.
const BY_PROGRAMS: [&str; 5] =
    ["/hooks/{token}", "/hooks/{token}/wired", "/healthz", "/readyz", "/metrics"];

/// Logs a request.
pub(crate) async fn log(mut request: Request, next: Next) -> Response {
    let who = Who::default();
    request.extensions_mut().insert(who.clone());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let from = request.extensions().get::<Peer>().map(|peer| peer.0);
    let method = request.method().clone();
    // A page's script refreshes parts of it; a person navigates.
    let mode = request.headers().get("sec-fetch-mode").map(|mode| mode.as_bytes().to_vec());
    let is_by_script = method == Method::GET && mode.is_some_and(|mode| mode != b"navigate");
    let begun = Instant::now();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("none", |route| route.as_str());
    let (status, milliseconds) = (response.status(), begun.elapsed().as_millis());
    let who = who.0.get().map_or("nobody", String::as_str);
    let from = from.map(|from| from.to_string()).unwrap_or_default();
    let is_refused = matches!(
        status,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS
    );
    let status = status.as_u16();
    let is_frequent = is_by_script
        || BY_PROGRAMS.contains(&route)
        || route.rsplit('/').next().is_some_and(|last| last.contains('.'));
    if is_refused {
        tracing::warn!(
            target: "leadsync::security",
            %method, route, status, milliseconds, who, from, "request refused"
        );
    } else if is_frequent {
        tracing::debug!(
            target: "leadsync::access",
            %method, route, status, milliseconds, who, from, "request"
        );
    } else {
        tracing::info!(
            target: "leadsync::access",
            %method, route, status, milliseconds, who, from, "request"
        );
    }
    response
}

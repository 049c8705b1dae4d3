//! The pages on which people see and edit an account.

mod automations;
mod leads;
mod users;
mod watching;

use crate::Sandbox;
use askama::Template;
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use jiff::Timestamp;

/// All pages of an account.
pub(crate) fn router(sandbox: Sandbox) -> Router {
    Router::new()
        .route("/", get(|| async { Redirect::to("/leads") }))
        .route("/leads", get(leads::list))
        .route("/leads/new", get(leads::blank).post(leads::create))
        .route("/leads/{id}", get(leads::show).post(leads::save))
        .route("/automations", get(automations::list).post(automations::add))
        .route("/automations/{id}", post(automations::change))
        .route("/users", get(users::list))
        .route("/users/{id}", post(users::change))
        .route("/deliveries", get(watching::deliveries))
        .route("/calls", get(watching::calls))
        .layer(middleware::from_fn(same_origin))
        .with_state(sandbox)
}

/// Refuses forms that are posted by another site's page.
async fn same_origin(request: Request, next: Next) -> Response {
    if request.method().is_safe() || is_own(request.headers()) {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, "This form was posted from another site.").into_response()
}

fn is_own(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let host = text(header::HOST.as_str()).unwrap_or_default();
            origin.split_once("://").is_some_and(|(_, of)| of == host)
        }
        // Not a browser.
        (None, None) => true,
    }
}

fn page(template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("The page can't be rendered: {error}"))
                .into_response()
        }
    }
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "Page not found.").into_response()
}

fn shown(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

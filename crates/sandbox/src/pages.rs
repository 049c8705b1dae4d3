//! The pages for people.

use crate::Sandbox;
use axum::Router;
use axum::response::Html;
use axum::routing::get;

/// All pages of an account.
pub(crate) fn router(sandbox: Sandbox) -> Router {
    Router::new().route("/", get(home)).with_state(sandbox)
}

async fn home(axum::extract::State(sandbox): axum::extract::State<Sandbox>) -> Html<String> {
    Html(format!("{} leads", sandbox.lead_count()))
}

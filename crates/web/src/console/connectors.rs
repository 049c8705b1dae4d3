//! `/connectors`.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::page;
use super::visitor::Visitor;
use crate::{ConnectorItem, Shared};

#[derive(Template)]
#[template(path = "connectors.html")]
struct List {
    page: &'static str,
    visitor: Visitor,
    connectors: Vec<ConnectorItem>,
}

pub(super) async fn first() -> Response {
    Redirect::to("/connectors").into_response()
}

pub(super) async fn list(State(shared): State<Shared>, visitor: Visitor) -> Response {
    match shared.store.configuration().await {
        Ok(configuration) => {
            let connectors = configuration.connectors.iter().map(ConnectorItem::from).collect();
            page::page(StatusCode::OK, &List { page: "Connectors", visitor, connectors })
        }
        Err(error) => page::unavailable(&error),
    }
}

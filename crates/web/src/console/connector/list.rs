//! `/connectors`: all of them.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use store::Configuration;

use super::page::{self, told};
use crate::Shared;
use crate::console::visitor::Visitor;

#[derive(Template)]
#[template(path = "connectors.html")]
struct List {
    page: &'static str,
    visitor: Visitor,
    told: Option<&'static str>,
    connectors: Vec<Item>,
}

struct Item {
    name: String,
    address: String,
    source: String,
    destination: String,
    enabled: bool,
    /// The connector in the opposite direction.
    opposite: Option<String>,
}

fn items(configuration: &Configuration) -> Vec<Item> {
    let all = configuration.connectors.iter();
    let item = |connector: &store::Connector| {
        let opposite = configuration.opposite(connector);
        let definition = &connector.definition;
        Item {
            name: definition.name.clone(),
            address: super::address(&definition.name),
            source: definition.source.clone(),
            destination: definition.destination.clone(),
            enabled: connector.enabled,
            opposite: opposite.map(|other| other.definition.name.clone()),
        }
    };
    all.map(item).collect()
}

pub(in crate::console) async fn list(
    State(shared): State<Shared>,
    visitor: Visitor,
    Query(given): Query<BTreeMap<String, String>>,
) -> Response {
    match shared.store.configuration().await {
        Ok(configuration) => {
            let connectors = items(&visitor.reach.narrow(configuration));
            let told = told(&given);
            page::page(StatusCode::OK, &List { page: "Connectors", visitor, told, connectors })
        }
        Err(error) => page::unavailable(&error),
    }
}

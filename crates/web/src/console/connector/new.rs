//! `/connectors/new`: the first step of the set-up, which joins two accounts.

use admin::connectors;
use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use plan::connector::Definition;

use super::page::{self, Choice, Faults, choices, told};
use crate::Shared;
use crate::api::Refusal;
use crate::console::form::Form;
use crate::console::visitor::Visitor;

#[derive(Template)]
#[template(path = "connector_new.html")]
struct New {
    page: &'static str,
    visitor: Visitor,
    told: Option<&'static str>,
    name: String,
    sources: Vec<Choice>,
    destinations: Vec<Choice>,
    faults: Faults,
}

impl New {
    async fn read(
        shared: &Shared,
        visitor: Visitor,
        [name, source, destination]: [&str; 3],
    ) -> store::Result<Self> {
        let configuration = shared.store.configuration().await?;
        let names: Vec<&str> = configuration.accounts.iter().map(|a| a.name.as_str()).collect();
        let list = |chosen: &str| choices(names.iter().map(|name| (*name, *name)), chosen);
        Ok(Self {
            page: "Connectors",
            visitor,
            told: None,
            name: name.to_owned(),
            sources: list(source),
            destinations: list(destination),
            faults: Faults::default(),
        })
    }
}

pub(in crate::console) async fn add(
    State(shared): State<Shared>,
    visitor: Visitor,
    Query(given): Query<BTreeMap<String, String>>,
) -> Response {
    let of = |name: &str| given.get(name).map_or("", String::as_str);
    let chosen = [of("name"), of("source"), of("destination")];
    match New::read(&shared, visitor, chosen).await {
        Ok(new) => page::page(StatusCode::OK, &New { told: told(&given), ..new }),
        Err(error) => page::unavailable(&error),
    }
}

pub(in crate::console) async fn create(
    State(shared): State<Shared>,
    visitor: Visitor,
    form: Form,
) -> Response {
    let chosen = ["name", "source", "destination"].map(|name| form.text(name).trim());
    let [name, source, destination] = chosen;
    let definition = Definition::new(name, source, destination);
    // 0: no connector may have this name yet.
    let saved = connectors::save(&shared, &visitor.actor(), &definition, None, Some(0)).await;
    match saved {
        Ok(_) => Redirect::to(&format!("{}/basic", super::address(name))).into_response(),
        Err(refused) => refuse(&shared, visitor, chosen, &refused.into()).await,
    }
}

async fn refuse(
    shared: &Shared,
    visitor: Visitor,
    chosen: [&str; 3],
    refusal: &Refusal,
) -> Response {
    match New::read(shared, visitor, chosen).await {
        Ok(new) => page::page(refusal.status(), &New { faults: Faults::of(refusal), ..new }),
        Err(error) => page::unavailable(&error),
    }
}

//! `/connectors/new`: the first step of the set-up, which joins two accounts, one way or both ways.

use admin::pairing::{self, NewConnector};
use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};

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
    both_ways: bool,
    sources: Vec<Choice>,
    destinations: Vec<Choice>,
    faults: Faults,
}

impl New {
    async fn read(
        shared: &Shared,
        visitor: Visitor,
        chosen: NewConnector<'_>,
    ) -> store::Result<Self> {
        let configuration = shared.store.configuration().await?;
        let names: Vec<&str> = configuration.accounts.iter().map(|a| a.name.as_str()).collect();
        let list = |chosen: &str| choices(names.iter().map(|name| (*name, *name)), chosen);
        Ok(Self {
            page: "Connectors",
            visitor,
            told: None,
            name: chosen.name.to_owned(),
            both_ways: chosen.both_ways,
            sources: list(chosen.source),
            destinations: list(chosen.destination),
            faults: Faults::default(),
        })
    }
}

/// What is chosen, by a form or by the address of the page.
fn chosen<'a>(of: impl Fn(&str) -> &'a str) -> NewConnector<'a> {
    NewConnector {
        name: of("name").trim(),
        source: of("source").trim(),
        destination: of("destination").trim(),
        both_ways: of("ways") == "both",
    }
}

pub(in crate::console) async fn add(
    State(shared): State<Shared>,
    visitor: Visitor,
    Query(given): Query<BTreeMap<String, String>>,
) -> page::Shown {
    let chosen = chosen(|name| given.get(name).map_or("", String::as_str));
    let new = New::read(&shared, visitor, chosen).await?;
    Ok(page::page(StatusCode::OK, &New { told: told(&given), ..new }))
}

pub(in crate::console) async fn create(
    State(shared): State<Shared>,
    visitor: Visitor,
    form: Form,
) -> page::Shown {
    let chosen = chosen(|name| form.text(name));
    match pairing::create(&shared, &visitor.actor(), chosen).await {
        Ok(name) => Ok(Redirect::to(&format!("{}/basic", super::address(&name))).into_response()),
        Err(refused) => {
            let refusal = Refusal::from(refused);
            let new = New::read(&shared, visitor, chosen).await?;
            Ok(page::page(refusal.status(), &New { faults: Faults::of(&refusal), ..new }))
        }
    }
}

//! `/connectors`: all of them, with their health and their numbers of today.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use plan::period;

use super::page::{self, told};
use super::pairs::{Row, rows};
use crate::Shared;
use crate::console::visitor::Visitor;
use admin::health::Signs;
use admin::overview::{Grid, OverviewQuery, read};

#[derive(Template)]
#[template(path = "connectors.html")]
struct List {
    page: &'static str,
    visitor: Visitor,
    told: Option<&'static str>,
    rows: Vec<Row>,
}

pub(in crate::console) async fn list(
    State(shared): State<Shared>,
    visitor: Visitor,
    Query(given): Query<BTreeMap<String, String>>,
) -> page::Shown {
    let (rows, told) = (connectors(&shared, &visitor).await?, told(&given));
    Ok(page::page(StatusCode::OK, &List { page: "Connectors", visitor, told, rows }))
}

async fn connectors(shared: &Shared, visitor: &Visitor) -> store::Result<Vec<Row>> {
    let configuration = visitor.reach.narrow(shared.store.configuration().await?);
    let now = (shared.clock)();
    let from = period::parse("today", now).unwrap_or(now);
    let asked = OverviewQuery { from, to: OverviewQuery::up_to(now), connector: None };
    let grid = Grid::of_hours(asked.from, asked.to, 24);
    let store = &*shared.store;
    let signs = Signs::read(store, &configuration, now).await?;
    let overview = read(store, &configuration, &signs, &asked, &grid, now).await?;
    Ok(rows(&configuration, &overview))
}

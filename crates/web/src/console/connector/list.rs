//! `/connectors`: all of them, with today's health.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use plan::period;
use store::{Configuration, Waiting};

use super::page::{self, told};
use crate::Shared;
use crate::console::visitor::Visitor;
use crate::console::words::{number, time};
use admin::overview::{AccountOverview, ConnectorOverview, Overview, OverviewQuery, read};

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
    health: Option<Health>,
}

/// A connector's numbers of today (UTC), as they are shown.
struct Health {
    written: String,
    failed: String,
    has_failed: bool,
    waiting: String,
    lag: String,
    /// The used part of the destination's daily calls.
    quota: String,
}

impl Health {
    fn of(connector: &ConnectorOverview, destination: Option<&AccountOverview>) -> Self {
        let counts = &connector.sum.counts;
        let more = if connector.waiting.count == Waiting::MOST { "+" } else { "" };
        let quota = destination.map(|account| {
            let daily = u64::from(account.quota.daily).max(1);
            match u64::from(account.used.today) * 100 / daily {
                0 if account.used.today > 0 => "under 1 %".to_owned(),
                per_cent => format!("{per_cent} %"),
            }
        });
        Self {
            written: number(counts.written()),
            failed: number(counts.failed),
            has_failed: counts.failed > 0,
            waiting: format!("{}{more}", number(connector.waiting.count)),
            lag: time(connector.sum.lag.p95_ms),
            quota: quota.unwrap_or_default(),
        }
    }
}

fn items(configuration: &Configuration, overview: &Overview) -> Vec<Item> {
    let all = configuration.connectors.iter();
    let item = |connector: &store::Connector| {
        let opposite = configuration.opposite(connector);
        let definition = &connector.definition;
        let health = overview.connectors.iter().find(|health| health.name == definition.name);
        let mut accounts = overview.accounts.iter();
        let destination = accounts.find(|account| account.name == definition.destination);
        Item {
            name: definition.name.clone(),
            address: super::address(&definition.name),
            source: definition.source.clone(),
            destination: definition.destination.clone(),
            enabled: connector.enabled,
            opposite: opposite.map(|other| other.definition.name.clone()),
            health: health.map(|health| Health::of(health, destination)),
        }
    };
    all.map(item).collect()
}

pub(in crate::console) async fn list(
    State(shared): State<Shared>,
    visitor: Visitor,
    Query(given): Query<BTreeMap<String, String>>,
) -> Response {
    match connectors(&shared, &visitor).await {
        Ok(connectors) => {
            let told = told(&given);
            page::page(StatusCode::OK, &List { page: "Connectors", visitor, told, connectors })
        }
        Err(error) => page::unavailable(&error),
    }
}

async fn connectors(shared: &Shared, visitor: &Visitor) -> store::Result<Vec<Item>> {
    let configuration = visitor.reach.narrow(shared.store.configuration().await?);
    let now = (shared.clock)();
    let from = period::parse("today", now).unwrap_or(now);
    let asked = OverviewQuery { from, to: OverviewQuery::up_to(now), connector: None };
    let span = store::Span { from: asked.from, to: asked.to, hours: 24 };
    let overview = read(&*shared.store, &configuration, &asked, &span, now).await?;
    Ok(items(&configuration, &overview))
}

//! Posts and calls.

use super::{page, shown};
use crate::Sandbox;
use askama::Template;
use axum::extract::State;
use axum::response::Response;

/// How many posts the page shows.
const SHOWN: usize = 100;

#[derive(Template)]
#[template(path = "deliveries.html")]
struct Deliveries<'a> {
    account: &'a str,
    pending: usize,
    rows: Vec<Row>,
}

struct Row {
    at: String,
    automation: String,
    lead_id: String,
    url: String,
    statuses: String,
    taken: bool,
    size: usize,
    payload: String,
}

pub(super) async fn deliveries(State(sandbox): State<Sandbox>) -> Response {
    let deliveries = sandbox.deliveries();
    let rows = deliveries.into_iter().rev().take(SHOWN).map(|delivery| {
        let statuses: Vec<String> = delivery
            .statuses
            .iter()
            .map(|status| status.map_or_else(|| "no answer".to_owned(), |code| code.to_string()))
            .collect();
        let pretty = serde_json::from_str::<serde_json::Value>(&delivery.payload)
            .and_then(|value| serde_json::to_string_pretty(&value));
        Row {
            at: shown(delivery.at),
            taken: delivery.succeeded(),
            automation: delivery.automation,
            lead_id: delivery.lead_id,
            // The rest of the URL is a secret.
            url: delivery.url.chars().take(40).collect::<String>() + "…",
            statuses: statuses.join(", "),
            size: delivery.payload.len(),
            payload: pretty.unwrap_or(delivery.payload),
        }
    });
    page(&Deliveries {
        account: sandbox.name(),
        pending: sandbox.deliveries_pending(),
        rows: rows.collect(),
    })
}

#[derive(Template)]
#[template(path = "calls.html")]
struct Calls<'a> {
    account: &'a str,
    host: String,
    access_key: &'a str,
    secret_key: &'a str,
    total: u64,
    refused: u64,
    peak: u32,
    peak_bulk: u32,
    rows: Vec<(String, u64)>,
}

pub(super) async fn calls(State(sandbox): State<Sandbox>) -> Response {
    let counts = sandbox.calls();
    page(&Calls {
        account: sandbox.name(),
        host: sandbox.url(),
        access_key: sandbox.access_key(),
        secret_key: sandbox.secret_key(),
        total: counts.total,
        refused: counts.refused,
        peak: counts.peak,
        peak_bulk: counts.peak_bulk,
        rows: counts.by_operation.into_iter().collect(),
    })
}

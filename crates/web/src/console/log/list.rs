//! `/requests`: the list.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use plan::id::RequestId;
use plan::outcome::Event;
use store::{Configuration, Count, Counts, Cursor, Filter, Page};

use super::address::{Address, Facets, Part};
use super::line::Line;
use crate::Shared;
use crate::console::page;
use crate::console::visitor::Visitor;
use crate::console::words::number;
use admin::access::Reach;

/// How many requests a page has.
const REQUESTS: usize = 50;

/// An outcome of records, as a tab above the list.
struct Tab {
    label: &'static str,
    path: String,
    count: String,
    is_current: bool,
}

#[derive(Template)]
#[template(path = "requests.html")]
struct List {
    page: &'static str,
    visitor: Visitor,
    told: Option<&'static str>,
    address: Address,
    facets: Facets,
    parts: Vec<Part>,
    tabs: Vec<Tab>,
    failed: Count,
    wrong: Option<String>,
    rows: Vec<Line>,
    /// Parts of the filter without which the list would not be empty.
    instead: Vec<Part>,
    older: Option<String>,
    downloads: Vec<(&'static str, String)>,
}

impl List {
    /// The number of failed requests that match, as text.
    fn failed(&self) -> Option<String> {
        (self.failed.requests > 0).then(|| shown(self.failed))
    }
}

/// The rows alone, for an open page that polls for new ones.
#[derive(Template)]
#[template(path = "request_rows.html")]
struct Rows {
    visitor: Visitor,
    rows: Vec<Line>,
}

pub(in crate::console) async fn list(
    State(shared): State<Shared>,
    visitor: Visitor,
    Query(given): Query<BTreeMap<String, String>>,
) -> Response {
    let told = page::told(&given);
    let address = match Address::read(given) {
        Ok(address) => address,
        Err(shorter) => return Redirect::to(&shorter).into_response(),
    };
    let (filter, after, wrong) = match address.filter(&shared, &visitor.reach).await {
        Ok((filter, after)) => (filter, after, None),
        // An invalid filter matches nothing.
        Err(wrong) => {
            let ids = vec![RequestId::from_number(0)];
            (Filter { ids, ..Filter::default() }, None, Some(wrong))
        }
    };
    match whole(&shared, visitor, address, (filter, after)).await {
        Ok(list) => {
            let status = if wrong.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
            page::page(status, &List { told, wrong, ..list })
        }
        Err(error) => page::unavailable(&error),
    }
}

async fn whole(
    shared: &Shared,
    visitor: Visitor,
    address: Address,
    (filter, after): (Filter, Option<Cursor>),
) -> store::Result<List> {
    let store = &shared.store;
    let page = Page { limit: REQUESTS, after };
    let ((requests, next), counts, configuration) = tokio::try_join!(
        store.request_lines(&filter, &page),
        store.count_requests(&filter),
        store.configuration(),
    )?;
    let configuration = visitor.reach.narrow(configuration);
    let rows = lines(&requests, &address, &configuration);
    let parts = address.parts();
    let instead = if rows.is_empty() && !address.is_later() {
        instead(shared, &visitor.reach, &address).await?
    } else {
        Vec::new()
    };
    let names = configuration.connectors.iter().map(|c| c.definition.name.as_str());
    Ok(List {
        page: "Requests",
        visitor,
        told: None,
        facets: address.facets(names),
        tabs: tabs(&address, &counts),
        failed: counts.events.get(&Event::Failed).copied().unwrap_or_default(),
        parts,
        wrong: None,
        rows,
        instead,
        older: next.map(|cursor| address.after(cursor)),
        downloads: downloads(&address),
        address,
    })
}

fn tabs(address: &Address, counts: &Counts) -> Vec<Tab> {
    let label = |event: Event| match event {
        Event::New => "New",
        Event::Updated => "Updated",
        Event::Unchanged => "Unchanged",
        Event::Skipped => "Skipped",
        Event::Failed => "Failed",
    };
    let current = address.of("event");
    let all = Tab {
        label: "All",
        path: address.without("event"),
        count: shown(counts.all),
        is_current: current.is_empty(),
    };
    let events = Event::ALL.iter().map(|event| Tab {
        label: label(*event),
        path: address.with("event", event.as_str()),
        count: shown(counts.events.get(event).copied().unwrap_or_default()),
        is_current: current == event.as_str(),
    });
    std::iter::once(all).chain(events).collect()
}

fn shown(count: Count) -> String {
    format!("{}{}", number(count.requests), if count.more { "+" } else { "" })
}

/// The parts of a filter that matches nothing, without which it would match something.
async fn instead(shared: &Shared, reach: &Reach, address: &Address) -> store::Result<Vec<Part>> {
    let mut parts = address.parts();
    if !address.of("event").is_empty() {
        let value = address.of("event").to_owned();
        parts.push(Part { name: "Event", value, without: address.without("event") });
    }
    let mut instead = Vec::new();
    for part in parts {
        let given = part.without.split_once('?').map_or("", |(_, query)| query);
        let given = form_urlencoded::parse(given.as_bytes()).into_owned().collect();
        let Ok(shorter) = Address::read(given) else { continue };
        let Ok((filter, _)) = shorter.filter(shared, reach).await else { continue };
        let page = Page { limit: 1, after: None };
        if !shared.store.request_lines(&filter, &page).await?.0.is_empty() {
            instead.push(part);
        }
    }
    Ok(instead)
}

/// The address of the filtered list as a file.
fn downloads(address: &Address) -> Vec<(&'static str, String)> {
    let given = address.of_api().unwrap_or_default();
    let mut query = form_urlencoded::Serializer::new(String::new());
    let query = query.extend_pairs(given.iter().filter(|(_, value)| !value.is_empty())).finish();
    let path = |ending: &str| {
        let joint = if query.is_empty() { "" } else { "?" };
        format!("/api/v1/requests.{ending}{joint}{query}")
    };
    vec![
        ("CSV (for spreadsheets)", path("csv")),
        ("JSON lines (with all API calls)", path("jsonl")),
    ]
}

pub(in crate::console) async fn rows(
    State(shared): State<Shared>,
    visitor: Visitor,
    Query(given): Query<BTreeMap<String, String>>,
) -> Response {
    let Ok(address) = Address::read(given) else {
        return page::forbidden("This filter has empty values.");
    };
    let read = async {
        let Ok((filter, after)) = address.filter(&shared, &visitor.reach).await else {
            return Ok(Vec::new());
        };
        let page = Page { limit: REQUESTS, after };
        let (requests, _) = shared.store.request_lines(&filter, &page).await?;
        let configuration = shared.store.configuration().await?;
        Ok(lines(&requests, &address, &configuration))
    };
    match read.await {
        Ok(rows) => page::page(StatusCode::OK, &Rows { visitor, rows }),
        Err(error) => page::unavailable(&error),
    }
}

fn lines(
    requests: &[store::RequestLine],
    address: &Address,
    configuration: &Configuration,
) -> Vec<Line> {
    requests.iter().map(|line| Line::of(line, address, configuration)).collect()
}

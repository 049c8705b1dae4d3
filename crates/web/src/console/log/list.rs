//! `/requests`: the list.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use plan::id::RequestId;
use plan::state;
use store::{Configuration, Count, Cursor, Filter, Page, StateCounts};

use super::address::{Address, Facets, Part};
use super::line::Line;
use super::views::Saved;
use crate::Shared;
use crate::console::page;
use crate::console::visitor::Visitor;
use crate::console::words::number;
use admin::access::Reach;
use admin::log::FieldNames;

/// How many requests a page has.
const REQUESTS: usize = 50;

/// States with tabs of their own even if no request is in them.
const ALWAYS: [state::State; 3] =
    [state::State::Synced, state::State::NoChange, state::State::Failed];
/// The tabs, in their order.
const TABS: [state::State; 9] = [
    state::State::Synced,
    state::State::NoChange,
    state::State::Failed,
    state::State::Retrying,
    state::State::Held,
    state::State::Review,
    state::State::Skipped,
    state::State::Queued,
    state::State::Running,
];

/// A state of requests, as a tab above the list.
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
    echoes: Count,
    views: Vec<Saved>,
    wrong: Option<String>,
    rows: Vec<Line>,
    /// Parts of the filter without which the list would not be empty.
    instead: Vec<Part>,
    older: Option<String>,
    downloads: Vec<(&'static str, String)>,
}

impl List {
    /// The number of failed requests that match, as text, and where all of them are retried.
    fn failed(&self) -> Option<(String, String)> {
        let path = match self.address.of("state") {
            "" => self.address.with("state", state::State::Failed.as_str()),
            _ => self.address.path(),
        };
        let path = path.replacen("/requests", "/retries/new", 1);
        self.failed.is_some().then(|| (shown(self.failed), path))
    }

    /// How many echoes are hidden, as text.
    fn echoes(&self) -> Option<String> {
        // Nothing else is an echo.
        let may_be = ["", state::State::NoChange.as_str()].contains(&self.address.of("state"));
        let hides = may_be && self.address.hides_echoes() && self.echoes.requests > 0;
        let word = if self.echoes.requests == 1 { "echo" } else { "echoes" };
        hides.then(|| format!("{} {word}", shown(self.echoes)))
    }

    /// The name of the view that is shown.
    fn view(&self) -> Option<&str> {
        self.views.iter().find(|saved| saved.is_current).map(|saved| saved.view.name.as_str())
    }

    /// Whether a row can be ticked.
    fn has_ticks(&self) -> bool {
        has_ticks(&self.visitor, &self.rows)
    }
}

/// The rows alone, for an open page that polls for new ones.
#[derive(Template)]
#[template(path = "request_rows.html")]
struct Rows {
    visitor: Visitor,
    rows: Vec<Line>,
}

impl Rows {
    fn has_ticks(&self) -> bool {
        has_ticks(&self.visitor, &self.rows)
    }
}

fn has_ticks(visitor: &Visitor, rows: &[Line]) -> bool {
    visitor.operates() && rows.iter().any(|row| row.has_failed)
}

pub(in crate::console) async fn list(
    State(shared): State<Shared>,
    visitor: Visitor,
    Query(given): Query<BTreeMap<String, String>>,
) -> page::Shown {
    let told = page::told(&given);
    let address = match Address::read(given) {
        Ok(address) => address,
        Err(shorter) => return Ok(Redirect::to(&shorter).into_response()),
    };
    let (filter, after, wrong) = match address.filter(&shared, &visitor.reach).await {
        Ok((filter, after)) => (filter, after, None),
        // An invalid filter matches nothing.
        Err(wrong) => {
            let ids = vec![RequestId::from_number(0)];
            (Filter { ids, ..Filter::default() }, None, Some(wrong))
        }
    };
    let list = whole(&shared, visitor, address, (filter, after)).await?;
    let status = if wrong.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    Ok(page::page(status, &List { told, wrong, ..list }))
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
        store.count_states(&filter),
        store.configuration(),
    )?;
    let configuration = visitor.reach.narrow(configuration);
    let rows = lines(shared, &requests, &address, &configuration).await?;
    let parts = address.parts();
    let instead = if rows.is_empty() && !address.is_later() {
        instead(shared, &visitor.reach, &address).await?
    } else {
        Vec::new()
    };
    let views = Saved::of(shared, &visitor, &address).await?;
    let names = configuration.connectors.iter().map(|c| c.definition.name.as_str());
    Ok(List {
        page: "Requests",
        visitor,
        told: None,
        facets: address.facets(names),
        tabs: tabs(&address, &counts),
        failed: counts.states.get(&state::State::Failed).copied().unwrap_or_default(),
        echoes: counts.echoes,
        parts,
        views,
        wrong: None,
        rows,
        instead,
        older: next.map(|cursor| address.after(cursor)),
        downloads: downloads(&address),
        address,
    })
}

fn tabs(address: &Address, counts: &StateCounts) -> Vec<Tab> {
    let current = address.of("state");
    let all = Tab {
        label: "All",
        path: address.without("state"),
        count: shown(counts.all),
        is_current: current.is_empty(),
    };
    let states = TABS.iter().filter_map(|state| {
        let count = counts.states.get(state).copied().unwrap_or_default();
        let is_current = current == state.as_str();
        let is_shown = is_current || count.is_some() || ALWAYS.contains(state);
        is_shown.then(|| Tab {
            label: state.label(),
            path: address.with("state", state.as_str()),
            count: shown(count),
            is_current,
        })
    });
    std::iter::once(all).chain(states).collect()
}

fn shown(count: Count) -> String {
    format!("{}{}", number(count.requests), if count.more { "+" } else { "" })
}

/// The parts of a filter that matches nothing, without which it would match something.
async fn instead(shared: &Shared, reach: &Reach, address: &Address) -> store::Result<Vec<Part>> {
    let mut parts = address.parts();
    if let Ok(state) = address.of("state").parse::<state::State>() {
        let value = state.label().to_owned();
        parts.push(Part { name: "State", value, without: address.without("state") });
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
) -> page::Shown {
    let Ok(address) = Address::read(given) else {
        return Err(page::forbidden("This filter has empty values.").into());
    };
    let Ok((filter, after)) = address.filter(&shared, &visitor.reach).await else {
        return Ok(page::page(StatusCode::OK, &Rows { visitor, rows: Vec::new() }));
    };
    let page = Page { limit: REQUESTS, after };
    let (requests, _) = shared.store.request_lines(&filter, &page).await?;
    let configuration = visitor.reach.narrow(shared.store.configuration().await?);
    let rows = lines(&shared, &requests, &address, &configuration).await?;
    Ok(page::page(StatusCode::OK, &Rows { visitor, rows }))
}

/// The newest requests of a connector as rows, without echoes.
pub(in crate::console) async fn newest(
    shared: &Shared,
    configuration: &Configuration,
    connector: &str,
    limit: usize,
) -> store::Result<Vec<Line>> {
    let echoes = store::Echoes::Without;
    let filter = Filter { connector: Some(connector.to_owned()), echoes, ..Filter::default() };
    let (requests, _) = shared.store.request_lines(&filter, &Page { limit, after: None }).await?;
    lines(shared, &requests, &Address::of_query(""), configuration).await
}

async fn lines(
    shared: &Shared,
    requests: &[store::RequestLine],
    address: &Address,
    configuration: &Configuration,
) -> store::Result<Vec<Line>> {
    let listed = |name: &str| requests.iter().any(|request| request.connector == name);
    let connectors = configuration.connectors.iter().filter(|one| listed(&one.definition.name));
    let names = FieldNames::read(shared.store.as_ref(), connectors).await?;
    let around = (configuration, &names);
    Ok(requests.iter().map(|line| Line::of(line, address, around)).collect())
}

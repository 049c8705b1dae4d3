//! `/requests`: the log.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use plan::id::RequestId;
use plan::outcome::{Event, JobStatus, RetryWith};
use store::{Cursor, Filter, Page, RequestItem, Retry, Selection};

use super::form::Form;
use super::page::{self, Choice, choices};
use super::visitor::Visitor;
use crate::Shared;
use crate::api::{Params, filter};

/// How many requests a page has.
const REQUESTS: usize = 50;
/// The periods that can be chosen: the word in the address, what people read, and the first and
/// the last time.
const PERIODS: [(&str, &str, &str, &str); 4] = [
    ("today", "Today", "today", ""),
    ("7d", "Last 7 days", "7d", ""),
    ("this-month", "This month", "this-month", ""),
    ("last-month", "Last month", "last-month", "this-month"),
];

#[derive(Template)]
#[template(path = "requests.html")]
struct List {
    page: &'static str,
    visitor: Visitor,
    q: String,
    cause: String,
    connectors: Vec<Choice>,
    events: Vec<Choice>,
    statuses: Vec<Choice>,
    periods: Vec<Choice>,
    wrong: Option<String>,
    requests: Vec<RequestItem>,
    is_filtered: bool,
    more: Option<String>,
}

pub(super) async fn list(
    State(shared): State<Shared>,
    visitor: Visitor,
    Query(given): Query<BTreeMap<String, String>>,
) -> Response {
    let given: BTreeMap<String, String> =
        given.into_iter().filter(|(_, value)| !value.trim().is_empty()).collect();
    let of = |name: &str| given.get(name).cloned().unwrap_or_default();
    let (filter, after, wrong) = match read(&shared, given.clone()).await {
        Ok((filter, after)) => (filter, after, None),
        Err(wrong) => (
            Filter { ids: vec![RequestId::from_number(0)], ..Filter::default() },
            None,
            Some(wrong),
        ),
    };
    let found = shared.store.requests(&filter, &Page { limit: REQUESTS, after }).await;
    let configuration = shared.store.configuration().await;
    let ((requests, next), configuration) = match (found, configuration) {
        (Ok(found), Ok(configuration)) => (found, configuration),
        (Err(error), _) | (_, Err(error)) => return page::unavailable(&error),
    };
    let names = configuration.connectors.iter().map(|connector| &connector.definition.name);
    let status = if wrong.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let list = List {
        page: "Requests",
        visitor,
        q: of("q"),
        cause: of("cause"),
        connectors: choices(names.map(|name| (name.as_str(), name.as_str())), &of("connector")),
        events: choices(Event::ALL.iter().map(|e| (e.as_str(), e.as_str())), &of("event")),
        statuses: choices(
            JobStatus::ALL.iter().map(|s| (s.as_str(), s.as_str())),
            &of("job_status"),
        ),
        periods: choices(PERIODS.iter().map(|(word, label, ..)| (*word, *label)), &of("period")),
        wrong,
        requests,
        is_filtered: given.keys().any(|name| name != "cursor"),
        more: next.map(|Cursor(id)| address(&given, &id.to_string())),
    };
    page::page(status, &list)
}

/// The filter in the address, or what is wrong with it.
async fn read(
    shared: &Shared,
    mut given: BTreeMap<String, String>,
) -> Result<(Filter, Option<Cursor>), String> {
    if let Some(period) = given.remove("period") {
        let known = PERIODS.iter().find(|(word, ..)| *word == period);
        let (.., from, to) = known.ok_or_else(|| format!("'{period}' is no period."))?;
        given.insert("from".to_owned(), (*from).to_owned());
        given.insert("to".to_owned(), (*to).to_owned());
    }
    let mut params = Params::new(given);
    let filter = filter(shared, &mut params).await.map_err(|refusal| refusal.message())?;
    let after = params.parse("cursor").map_err(|refusal| refusal.message())?;
    params.end().map_err(|refusal| refusal.message())?;
    Ok((filter, after.map(Cursor)))
}

/// The address of the next part of this list.
fn address(given: &BTreeMap<String, String>, cursor: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(given.iter().filter(|(name, _)| *name != "cursor"));
    format!("/requests?{}", query.append_pair("cursor", cursor).finish())
}

#[derive(Template)]
#[template(path = "request.html")]
struct One {
    page: &'static str,
    visitor: Visitor,
    request: RequestItem,
    body: String,
}

impl One {
    /// A body as people read it.
    fn shown(body: &str) -> String {
        shown(body)
    }

    fn can_be_retried(&self) -> bool {
        let mut records = self.request.records.iter();
        records.any(|record| record.event == Event::Failed)
    }
}

fn shown(body: &str) -> String {
    let json = plan::json::read(body.as_bytes()).ok();
    let pretty = json.and_then(|json| serde_json::to_string_pretty(&json).ok());
    pretty.unwrap_or_else(|| body.to_owned())
}

pub(super) async fn show(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Response {
    let Ok(id) = id.parse::<RequestId>() else { return page::not_found("no Request ID") };
    let filter = Filter { ids: vec![id], ..Filter::default() };
    let found = shared.store.requests(&filter, &Page { limit: 1, after: None }).await;
    let delivery = shared.store.delivery(id).await;
    match (found.map(|(items, _)| items.into_iter().next()), delivery) {
        (Ok(Some(request)), Ok(delivery)) => {
            let body = delivery.map(|delivery| delivery.body).unwrap_or_default();
            let body = shown(&String::from_utf8_lossy(&body));
            page::page(StatusCode::OK, &One { page: "Requests", visitor, request, body })
        }
        (Ok(None), Ok(_)) => page::not_found("no request"),
        (Err(error), _) | (_, Err(error)) => page::unavailable(&error),
    }
}

pub(super) async fn retry(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
    _: Form,
) -> Response {
    let Ok(id) = id.parse::<RequestId>() else { return page::not_found("no Request ID") };
    let selection = Selection::Requests(vec![id]);
    let retry = Retry { selection, with: RetryWith::Now, per_minute: None };
    match shared.store.retry(&retry, &visitor.actor(), (shared.clock)()).await {
        Ok(_) => {
            shared.wake.notify_one();
            Redirect::to(&format!("/requests/{id}")).into_response()
        }
        Err(error) => page::unavailable(&error),
    }
}

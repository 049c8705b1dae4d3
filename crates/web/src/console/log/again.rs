//! Retrying failed requests: one, the selected ones, or all that match.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use plan::id::RequestId;
use plan::outcome::{Event, RetryWith};
use store::{Count, Retry};

use super::address::{Address, Part};
use crate::Shared;
use crate::api::{self, Refusal, Which};
use crate::console::form::Form;
use crate::console::page;
use crate::console::visitor::Visitor;
use crate::console::words::number;

/// Names of form fields that are not part of the filter.
const OWN: [&str; 5] = ["csrf", "with", "per_minute", "id", "event"];

#[derive(Template)]
#[template(path = "retry_all.html")]
struct AskAll {
    page: &'static str,
    visitor: Visitor,
    address: Address,
    parts: Vec<Part>,
    count: String,
    is_none: bool,
    at_once: usize,
    per_minute: u32,
    most: String,
}

/// `/requests/{id}/retry`.
pub(in crate::console) async fn one(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Form,
) -> Response {
    let Ok(id) = id.parse::<RequestId>() else { return page::not_found("request") };
    let begun = async {
        let with = with(&form)?;
        let which = api::selection(&shared, &visitor.reach, Which::ids(vec![id])).await?;
        let retry = Retry { with, ..which.into() };
        Ok::<_, Refusal>(admin::retry::queue(&shared, &visitor.actor(), retry).await?)
    };
    match begun.await {
        Ok(retried) => {
            let word = if retried.batch.is_some() { "retried" } else { "nothing_failed" };
            Redirect::to(&page::with_told(&format!("/requests/{id}"), word)).into_response()
        }
        Err(refusal) => page::refused(refusal),
    }
}

/// `/requests/retry`: those whose boxes are ticked.
pub(in crate::console) async fn selected(
    State(shared): State<Shared>,
    visitor: Visitor,
    form: Form,
) -> Response {
    let ids: Result<Vec<RequestId>, _> = form.texts("id").map(str::parse).collect();
    let Ok(ids) = ids else { return page::not_found("request") };
    if ids.is_empty() {
        return Redirect::to(&page::with_told("/requests", "none_selected")).into_response();
    }
    begin(&shared, &visitor, &form, Which::ids(ids), None).await
}

/// `/retries/new`: asks to confirm a retry of all that match.
pub(in crate::console) async fn ask_all(
    State(shared): State<Shared>,
    visitor: Visitor,
    Query(given): Query<BTreeMap<String, String>>,
) -> page::Shown {
    let address = Address::of_fields(given.iter().map(|(n, v)| (n.as_str(), v.as_str())));
    let address = address.of_failed();
    let filter = match address.filter(&shared, &visitor.reach).await {
        Ok((filter, _)) => filter,
        Err(wrong) => return Err(page::forbidden(&wrong).into()),
    };
    let counts = shared.store.count_requests(&filter).await?;
    let Count { requests, more } = counts.events.get(&Event::Failed).copied().unwrap_or_default();
    let ask = AskAll {
        page: "Requests",
        visitor,
        parts: address.parts(),
        address,
        count: format!("{}{}", number(requests), if more { "+" } else { "" }),
        is_none: requests == 0 && !more,
        at_once: Retry::AT_ONCE,
        per_minute: Retry::PER_MINUTE,
        most: number(Retry::MOST as u64),
    };
    Ok(page::page(StatusCode::OK, &ask))
}

/// `/retries`: all that match.
pub(in crate::console) async fn all(
    State(shared): State<Shared>,
    visitor: Visitor,
    form: Form,
) -> Response {
    let fields = form.fields().filter(|(name, _)| !OWN.contains(name));
    let address = Address::of_fields(fields).of_failed();
    let pace = match form.per_minute() {
        Ok(pace) => pace,
        Err(wrong) => return page::refused(wrong),
    };
    let mut filter = match address.of_api() {
        Ok(filter) => filter,
        Err(wrong) => return page::forbidden(&wrong),
    };
    filter.retain(|_, value| !value.is_empty());
    begin(&shared, &visitor, &form, Which::filter(filter), Some(pace)).await
}

async fn begin(
    shared: &Shared,
    visitor: &Visitor,
    form: &Form,
    which: Which,
    per_minute: Option<u32>,
) -> Response {
    let begun = async {
        let (selection, with) = (api::selection(shared, &visitor.reach, which).await?, with(form)?);
        let retry = Retry { selection, with, per_minute };
        Ok::<_, Refusal>(admin::retry::queue(shared, &visitor.actor(), retry).await?)
    };
    match begun.await {
        Ok(retried) => {
            let path = match retried.batch {
                Some(batch) => format!("/retries/{batch}"),
                None => page::with_told("/requests", "nothing_failed"),
            };
            Redirect::to(&path).into_response()
        }
        Err(refusal) => page::refused(refusal),
    }
}

fn with(form: &Form) -> Result<RetryWith, Refusal> {
    match form.text("with") {
        "" => Ok(RetryWith::Now),
        word => word.parse().map_err(|wrong: String| Refusal::wrong("with", wrong)),
    }
}

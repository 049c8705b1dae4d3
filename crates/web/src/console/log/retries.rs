//! `/retries`: batches of retries and their progress.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use store::RetryBatch;

use crate::Shared;
use crate::console::form::Form;
use crate::console::page;
use crate::console::visitor::Visitor;
use crate::console::words::{counted, number};
use admin::access::Reach;

/// A batch as it is shown.
struct Batch {
    kept: RetryBatch,
    /// What was requested, in words.
    which: String,
    /// Its parts: the word for it, how many, and where they are.
    parts: Vec<(&'static str, String, Option<String>)>,
    percent: u64,
}

impl Batch {
    fn of(batch: RetryBatch) -> Self {
        let id = batch.id;
        let found = |filter: &str| Some(format!("/requests?batch={id}{filter}"));
        let mut parts = vec![
            ("done", number(batch.done), found("&sync_status=success")),
            ("remaining", number(batch.left), found("&job_status=queued")),
            ("failed again", number(batch.failed), found("&job_status=failure")),
        ];
        if batch.cancelled > 0 {
            parts.push(("cancelled", number(batch.cancelled), None));
        }
        if batch.moved() > 0 {
            parts.push(("retried again since", number(batch.moved()), None));
        }
        let ended = batch.records.saturating_sub(batch.left);
        Self {
            percent: ended * 100 / batch.records.max(1),
            which: which(&batch),
            parts,
            kept: batch,
        }
    }

    fn is_at_work(&self) -> bool {
        self.kept.left > 0
    }

    fn with(&self) -> &'static str {
        self.kept.with.as_str()
    }
}

fn which(batch: &RetryBatch) -> String {
    let requests = counted(batch.requests, "request", "requests");
    if let Some(connector) = &batch.linked_by {
        return format!("{requests}: the newest of each lead linked by {connector}");
    }
    let Some(filter) = &batch.filter else { return requests };
    let filter: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(filter.get()).unwrap_or_default();
    let parts: Vec<String> = filter
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "event" | "within"))
        .map(|(name, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            format!("{} {value}", name.replace('_', " "))
        })
        .collect();
    match parts.as_slice() {
        [] => format!("{requests}: all failed requests"),
        parts => format!("{requests}: all failed requests with {}", parts.join(", ")),
    }
}

#[derive(Template)]
#[template(path = "retries.html")]
struct List {
    page: &'static str,
    visitor: Visitor,
    batches: Vec<Batch>,
}

#[derive(Template)]
#[template(path = "retry.html")]
struct One {
    page: &'static str,
    visitor: Visitor,
    told: Option<&'static str>,
    batch: Batch,
}

/// The progress of a batch alone, for an open page.
#[derive(Template)]
#[template(path = "retry_progress.html")]
struct Progress {
    batch: Batch,
}

pub(in crate::console) async fn retries(
    State(shared): State<Shared>,
    visitor: Visitor,
) -> page::Shown {
    let batches = shared.store.retry_batches().await?.into_iter();
    let batches = batches.filter(|batch| sees(&visitor, batch)).map(Batch::of).collect();
    Ok(page::page(StatusCode::OK, &List { page: "Requests", visitor, batches }))
}

pub(in crate::console) async fn retry(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(given): Query<BTreeMap<String, String>>,
) -> page::Shown {
    let (batch, told) = (read(&shared, &visitor, &id).await?, page::told(&given));
    Ok(page::page(StatusCode::OK, &One { page: "Requests", visitor, told, batch }))
}

pub(in crate::console) async fn progress(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> page::Shown {
    let batch = read(&shared, &visitor, &id).await?;
    Ok(page::page(StatusCode::OK, &Progress { batch }))
}

/// Somebody who does not see everything sees what they requested themselves.
fn sees(visitor: &Visitor, batch: &RetryBatch) -> bool {
    visitor.reach == Reach::All || batch.actor == visitor.actor().0
}

async fn read(shared: &Shared, visitor: &Visitor, id: &str) -> Result<Batch, page::Instead> {
    let unknown = || page::not_found("retry");
    let id = id.parse().map_err(|_| unknown())?;
    let batch = shared.store.retry_batch(id).await?.filter(|batch| sees(visitor, batch));
    Ok(Batch::of(batch.ok_or_else(unknown)?))
}

pub(in crate::console) async fn cancel(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
    _: Form,
) -> page::Shown {
    let id = read(&shared, &visitor, &id).await?.kept.id;
    shared.store.cancel_retry_batch(id, &visitor.actor(), (shared.clock)()).await?;
    Ok(Redirect::to(&page::with_told(&format!("/retries/{id}"), "cancelled")).into_response())
}

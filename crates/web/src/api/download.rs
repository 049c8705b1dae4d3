//! `/requests.csv` and `/requests.jsonl`: the filtered log as a file of any length.
//!
//! A separate task reads the log page by page, each in its own transaction, and waits until a page
//! is sent before it reads the next one. So a download takes the memory of two pages and keeps
//! nothing open in the database, however long it is and however slow the reader.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame};
use store::{Access, Cursor, Filter, Page};
use tokio::sync::mpsc;

use super::Result;
use super::asker::Asker;
use super::input::Params;
use super::requests::filter;
use crate::{Shared, csv};

/// How many requests are read at a time: their calls, which the JSON contains, may be long.
const PAGE_OF_JSON: usize = 50;
const PAGE_OF_CSV: usize = Page::MOST;
/// A reader that takes nothing for this long is gone.
const STALLED: Duration = Duration::from_mins(2);

#[derive(Clone, Copy)]
enum Format {
    Csv,
    JsonLines,
}

pub(crate) async fn csv(
    State(shared): State<Shared>,
    asker: Asker,
    params: Params,
) -> Result<Response> {
    download(shared, &asker, params, Format::Csv).await
}

pub(crate) async fn json_lines(
    State(shared): State<Shared>,
    asker: Asker,
    params: Params,
) -> Result<Response> {
    download(shared, &asker, params, Format::JsonLines).await
}

async fn download(
    shared: Shared,
    asker: &Asker,
    mut params: Params,
    format: Format,
) -> Result<Response> {
    let sought = params.summary();
    let filter = filter(&shared, &asker.reach, &mut params).await?;
    params.end()?;
    let (kind, ending) = match format {
        Format::Csv => ("text/csv; charset=utf-8; header=present", "csv"),
        Format::JsonLines => ("application/jsonl", "jsonl"),
    };
    let day = (shared.clock)().strftime("%Y-%m-%d");
    let name = format!("attachment; filename=\"leadsync-requests-{day}.{ending}\"");
    shared.note_access(&asker.actor, Access::Log(format!("{ending} {sought}"))).await;
    // What fails at once is reported as an error.
    let (first, next) = part(&shared, &filter, format, None).await?;
    let first = match format {
        Format::Csv => [csv::head().into_bytes(), first].concat(),
        Format::JsonLines => first,
    };
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(send(shared, filter, format, (first.into(), next), sender));
    let mut response = Body::new(Parts(receiver)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

type Part = store::Result<Bytes>;

/// Sends the log part by part, until its end or until nobody is reading any more.
async fn send(
    shared: Shared,
    filter: Filter,
    format: Format,
    (first, mut next): (Bytes, Option<Cursor>),
    sender: mpsc::Sender<Part>,
) {
    let mut ready = Ok(first);
    loop {
        let is_last = ready.is_err() || next.is_none();
        let sent = tokio::time::timeout(STALLED, sender.send(ready)).await;
        if is_last || !matches!(sent, Ok(Ok(()))) {
            return;
        }
        ready = match part(&shared, &filter, format, next).await {
            Ok((bytes, after)) => {
                next = after;
                Ok(bytes.into())
            }
            // The reader sees that the file is incomplete: its last chunk never arrives.
            Err(error) => {
                tracing::warn!(%error, "a download broke off");
                Err(error)
            }
        };
    }
}

async fn part(
    shared: &Shared,
    filter: &Filter,
    format: Format,
    after: Option<Cursor>,
) -> store::Result<(Vec<u8>, Option<Cursor>)> {
    match format {
        Format::Csv => {
            let page = Page { limit: PAGE_OF_CSV, after };
            let (lines, next) = shared.store.request_lines(filter, &page).await?;
            let mut text = String::new();
            for line in &lines {
                csv::push(&mut text, line);
            }
            Ok((text.into_bytes(), next))
        }
        Format::JsonLines => {
            let page = Page { limit: PAGE_OF_JSON, after };
            let (items, next) = shared.store.requests(filter, &page).await?;
            let mut text = Vec::new();
            for item in &items {
                serde_json::to_writer(&mut text, item).map_err(|error| {
                    store::Error::Refused(format!("a request can't be written: {error}"))
                })?;
                text.push(b'\n');
            }
            Ok((text, next))
        }
    }
}

/// A body that arrives part by part.
struct Parts(mpsc::Receiver<Part>);

impl HttpBody for Parts {
    type Data = Bytes;
    type Error = store::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<store::Result<Frame<Bytes>>>> {
        self.0.poll_recv(context).map(|part| part.map(|part| part.map(Frame::data)))
    }
}

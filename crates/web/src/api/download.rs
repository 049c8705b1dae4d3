//! `/requests.csv` and `/requests.jsonl`: the filtered log as a file of any length.
//!
//! A task of its own reads the log page by page, each in a transaction of its own, and waits until
//! a page is sent before it reads the next one. So a download takes the memory of two pages and
//! holds nothing in the database, however long it is and however slow the reader.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame};
use store::{Cursor, Filter, Page};
use tokio::sync::mpsc;

use super::Result;
use super::input::Params;
use super::requests::filter;
use crate::{Shared, csv};

/// How many requests are read at one time: their calls, which JSON has, may be long.
const PAGE_OF_JSON: usize = 50;
const PAGE_OF_CSV: usize = Page::MOST;
/// A reader that takes nothing for so long is gone.
const STALLED: Duration = Duration::from_mins(2);

#[derive(Clone, Copy)]
enum Format {
    Csv,
    JsonLines,
}

pub(crate) async fn csv(State(shared): State<Shared>, params: Params) -> Result<Response> {
    download(shared, params, Format::Csv).await
}

pub(crate) async fn json_lines(State(shared): State<Shared>, params: Params) -> Result<Response> {
    download(shared, params, Format::JsonLines).await
}

async fn download(shared: Shared, mut params: Params, format: Format) -> Result<Response> {
    let filter = filter(&shared, &mut params).await?;
    params.end()?;
    let (kind, ending) = match format {
        Format::Csv => ("text/csv; charset=utf-8; header=present", "csv"),
        Format::JsonLines => ("application/jsonl", "jsonl"),
    };
    let day = (shared.clock)().strftime("%Y-%m-%d");
    let name = format!("attachment; filename=\"leadsync-requests-{day}.{ending}\"");
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(send(shared, filter, format, sender));
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

/// Sends the log part by part, until its end or until nobody reads on.
async fn send(shared: Shared, filter: Filter, format: Format, sender: mpsc::Sender<Part>) {
    let mut after = None;
    let mut first = true;
    loop {
        let part = part(&shared, &filter, format, after, first).await;
        first = false;
        let (part, next) = match part {
            Ok((part, next)) => (Ok(part), next),
            // The reader sees that the file broke off: its length never comes.
            Err(error) => {
                tracing::warn!(%error, "a download broke off");
                (Err(error), None)
            }
        };
        let sent = tokio::time::timeout(STALLED, sender.send(part)).await;
        after = next;
        if !matches!(sent, Ok(Ok(()))) || after.is_none() {
            return;
        }
    }
}

async fn part(
    shared: &Shared,
    filter: &Filter,
    format: Format,
    after: Option<Cursor>,
    first: bool,
) -> store::Result<(Bytes, Option<Cursor>)> {
    match format {
        Format::Csv => {
            let page = Page { limit: PAGE_OF_CSV, after };
            let (lines, next) = shared.store.request_lines(filter, &page).await?;
            let mut text = if first { csv::head() } else { String::new() };
            lines.iter().for_each(|line| csv::push(&mut text, line));
            Ok((text.into(), next))
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
            Ok((text.into(), next))
        }
    }
}

/// A body that comes part by part.
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

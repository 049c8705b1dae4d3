//! `/connectors/{name}/webhook`: the webhook URL and what to do with it in the source account.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use store::{Filter, Page, RequestItem};

use super::page;
use super::{Frame, open};
use crate::console::visitor::Visitor;
use crate::{Shared, webhook_url};

const HERE: &str = "/webhook";

#[derive(Template)]
#[template(path = "connector_webhook.html")]
struct Webhook {
    page: &'static str,
    visitor: Visitor,
    frame: Frame,
    told: Option<&'static str>,
    url: String,
    /// The URL as LeadSquared's form takes it: without the scheme.
    scheme: &'static str,
    bare: String,
    /// Whether LeadSquared can reach the URL at all.
    is_local: bool,
    activities: bool,
    /// Whether leads are marked whose counterparts are gone.
    marks_removed: bool,
    verified_at: Option<Timestamp>,
    newest: Option<RequestItem>,
}

pub(in crate::console) async fn show(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Response {
    let opened = match open(&shared, &visitor, &name, HERE).await {
        Ok(opened) => opened,
        Err(response) => return response,
    };
    let filter = Filter { connector: Some(name), ..Filter::default() };
    let newest = match shared.store.requests(&filter, &Page { limit: 1, after: None }).await {
        Ok((items, _)) => items.into_iter().next(),
        Err(error) => return page::unavailable(&error),
    };
    let url = webhook_url(&shared.public_url, &opened.connector.token);
    let scheme = if url.starts_with("https://") { "https://" } else { "http://" };
    let bare = url.strip_prefix(scheme).unwrap_or(&url).to_owned();
    let webhook = Webhook {
        page: "Connectors",
        visitor,
        frame: opened.frame,
        told: None,
        is_local: ["127.", "localhost", "[::1]"].iter().any(|host| bare.starts_with(host)),
        url,
        scheme,
        bare,
        activities: opened.connector.definition.activity.enabled,
        marks_removed: opened.connector.definition.removed.is_some(),
        verified_at: opened.connector.verified_at,
        newest,
    };
    page::page(StatusCode::OK, &webhook)
}

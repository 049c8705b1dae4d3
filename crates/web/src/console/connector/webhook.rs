//! `/connectors/{name}/webhook`: the webhook URL and what to do with it in the source account.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use plan::problem::Problem;
use plan::wiring::Wired;
use store::{Filter, Page, RequestItem};

use super::page;
use super::{Frame, open};
use crate::Shared;
use crate::console::form::Form;
use crate::console::visitor::Visitor;
use admin::webhook_url;
use admin::wiring::{Act, Job, NotWired};

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
    /// When the source account's native webhooks were made, if they were.
    wired_at: Option<Timestamp>,
    /// How they stand, or what was just done, and why not.
    wired: Vec<Wired>,
    not_wired: Option<Problem>,
}

pub(in crate::console) async fn show(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Response {
    shown(&shared, visitor, &name, Ok(None)).await
}

/// Makes the source account's native webhooks, or renews them.
pub(in crate::console) async fn wire(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    _: Form,
) -> Response {
    act(&shared, visitor, &name, Act::Wire).await
}

/// Removes them.
pub(in crate::console) async fn unwire(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    _: Form,
) -> Response {
    act(&shared, visitor, &name, Act::Unwire).await
}

async fn act(shared: &Shared, visitor: Visitor, name: &str, act: Act) -> Response {
    let configuration = match shared.store.configuration().await {
        Ok(configuration) => configuration,
        Err(error) => return page::unavailable(&error),
    };
    let Some(connector) = configuration.connector(name) else {
        return page::not_found("connector");
    };
    let (store, accounts) = (shared.store.as_ref(), shared.accounts.as_ref());
    let job = Job { store, accounts, configuration: &configuration, connector };
    let (actor, now) = (visitor.actor(), (shared.clock)());
    let done = match job.run(act, &shared.public_url, &actor, now).await {
        Ok(done) => Ok(Some(done)),
        Err(NotWired::Account(problem)) => Err(problem),
        Err(NotWired::Store(error)) => return page::unavailable(&error),
    };
    shown(shared, visitor, name, done).await
}

/// The page, with what was just done about the webhooks.
async fn shown(
    shared: &Shared,
    visitor: Visitor,
    name: &str,
    done: Result<Option<Vec<Wired>>, Problem>,
) -> Response {
    let opened = match open(shared, &visitor, name, HERE).await {
        Ok(opened) => opened,
        Err(response) => return response,
    };
    let filter = Filter { connector: Some(name.to_owned()), ..Filter::default() };
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
        wired_at: opened.connector.wiring.map(|wiring| wiring.at),
        wired: done.as_ref().ok().cloned().flatten().unwrap_or_default(),
        not_wired: done.err(),
    };
    let status = if webhook.not_wired.is_some() { StatusCode::BAD_GATEWAY } else { StatusCode::OK };
    page::page(status, &webhook)
}

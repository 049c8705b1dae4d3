//! `/connectors/{name}/versions`: earlier settings, what each save changed, and restoring them.

use std::collections::BTreeMap;

use admin::connectors;
use admin::settings::{Change, Names, changes};

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use jiff::Timestamp;

use super::page::{self, Shown, told};
use super::{Frame, open};
use crate::Shared;
use crate::api::Refusal;
use crate::console::form::Form;
use crate::console::visitor::Visitor;

const HERE: &str = "/versions";
/// How many of the newest are listed.
const LISTED: usize = 50;

/// A saved version, as it is shown.
struct Saved {
    number: i64,
    at: Timestamp,
    actor: String,
    /// What it changed; `None` if the version before it is not known here.
    changed: Option<Vec<Change>>,
    /// What restoring it would change now.
    undone: Vec<Change>,
}

#[derive(Template)]
#[template(path = "connector_versions.html")]
struct Versions {
    page: &'static str,
    visitor: Visitor,
    frame: Frame,
    told: Option<&'static str>,
    version: i64,
    /// Newest first.
    all: Vec<Saved>,
    has_more: bool,
}

pub(in crate::console) async fn show(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    Query(given): Query<BTreeMap<String, String>>,
) -> Shown {
    let opened = open(&shared, &visitor, &name, HERE).await?;
    let connector = &opened.connector;
    // One more than is listed, because the page also says what the oldest one changed.
    let versions = shared.store.versions(connector.id, LISTED + 1).await?;
    let source = shared.store.catalogue(connector.source).await?;
    let destination = shared.store.catalogue(connector.destination).await?;
    // Without metadata, fields are named by their schema names.
    let [source, destination] =
        [source, destination].map(|known| known.map(|(_, known)| known).unwrap_or_default());
    let names = Names { source: &source, destination: &destination };
    let saved = versions.iter().take(LISTED).enumerate().map(|(place, version)| Saved {
        number: version.version,
        at: version.at,
        actor: version.actor.clone(),
        changed: versions
            .get(place + 1)
            .map(|before| changes(&before.definition, &version.definition, names)),
        undone: changes(&connector.definition, &version.definition, names),
    });
    let page = Versions {
        page: "Connectors",
        version: connector.version,
        all: saved.collect(),
        has_more: versions.len() > LISTED,
        told: told(&given),
        visitor,
        frame: opened.frame,
    };
    Ok(page::page(StatusCode::OK, &page))
}

/// Restores a version: its settings are saved again, as the newest.
pub(in crate::console) async fn restore(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path((name, version)): Path<(String, i64)>,
    form: Form,
) -> Shown {
    let opened = open(&shared, &visitor, &name, HERE).await?;
    let old = shared.store.definition(opened.connector.id, version).await?;
    let old = old.ok_or_else(|| page::not_found("version"))?;
    let made_from = form.text("version").parse();
    let made_from = made_from.map_err(|_| Refusal::wrong("version", "is not a number"))?;
    connectors::save(&shared, &visitor.actor(), &old, None, Some(made_from)).await?;
    let there = format!("{}{HERE}", opened.frame.address);
    Ok(Redirect::to(&page::with_told(&there, "restored")).into_response())
}

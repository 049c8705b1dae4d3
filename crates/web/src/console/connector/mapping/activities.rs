//! `/connectors/{name}/mapping/activities`: the activity types of a connector, each with a mapping of
//! its own.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use plan::activity::TypeRows;
use plan::connector::Definition;
use plan::mapping::{Proposal, Reason};
use plan::problem::Problem;

use super::sheet::{BothMetadata, Which};
use super::{HERE, Part, parts};
use crate::Shared;
use crate::console::connector::{Frame, open, page};
use crate::console::visitor::Visitor;

/// An activity type, as it is shown.
struct Kind {
    address: String,
    name: String,
    /// What it is called in the destination.
    to: String,
    fields: usize,
    is_automatic: bool,
    /// How many of its rows override the automatic mapping.
    changed: usize,
}

#[derive(Template)]
#[template(path = "connector_mapping_activities.html")]
struct Activities {
    page: &'static str,
    visitor: Visitor,
    frame: Frame,
    told: Option<&'static str>,
    parts: Vec<Part>,
    silent: Option<Problem>,
    is_on: bool,
    kinds: Vec<Kind>,
}

pub(in crate::console) async fn show(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> page::Shown {
    let opened = open(&shared, &visitor, &name, HERE).await?;
    let told = BothMetadata::read(&shared, &opened, Which::Leads).await?;
    let (definition, frame) = (&opened.connector.definition, opened.frame);
    let kinds = told.types(definition).into_iter().map(|kind| of(&frame, definition, &told, &kind));
    let page = Activities {
        page: "Connectors",
        visitor,
        told: None,
        parts: parts(&frame, "/activities"),
        is_on: definition.activity.enabled,
        kinds: kinds.collect(),
        silent: told.silent,
        frame,
    };
    Ok(page::page(StatusCode::OK, &page))
}

fn of(frame: &Frame, definition: &Definition, told: &BothMetadata, kind: &TypeRows) -> Kind {
    let rule = definition.activity.types.iter().find(|rule| rule.from == kind.from);
    let is_own = |row: &&Proposal| row.why == Reason::Settings;
    Kind {
        address: format!("{}{}", frame.address, Which::Activities(kind.from).path()),
        name: kind.name.clone().unwrap_or_else(|| format!("Type {}", kind.from)),
        to: match told.destination.activity_type(kind.to) {
            Some(known) => known.name.clone(),
            None => format!("Type {}", kind.to),
        },
        fields: kind.rows.iter().filter(|row| row.row.enabled).count(),
        is_automatic: rule.is_none_or(|rule| rule.own().is_automatic()),
        changed: kind.rows.iter().filter(is_own).count(),
    }
}

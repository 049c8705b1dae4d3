//! `/leads/{account}/{id}`: the field history of a lead.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::lead_path;
use super::record::origin_of;
use crate::Shared;
use crate::console::form::Form;
use crate::console::page::{self, LastAction};
use crate::console::visitor::Visitor;
use admin::lead::{self, ChangeItem, Direction, FieldItem, LeadItem, MadeBy, Twin};

#[derive(Template)]
#[template(path = "lead.html")]
struct One {
    page: &'static str,
    told: Option<&'static str>,
    visitor: Visitor,
    lead: LeadItem,
}

impl One {
    fn path(twin: &Twin) -> String {
        lead_path(&twin.account, &twin.id)
    }

    fn own_path(&self) -> String {
        lead_path(&self.lead.account, &self.lead.id)
    }

    fn filled(&self) -> Vec<&FieldItem> {
        self.lead.fields.iter().filter(|field| !field.is_idle()).collect()
    }

    /// Fields that were never filled.
    fn idle(&self) -> Vec<&str> {
        let idle = self.lead.fields.iter().filter(|field| field.is_idle());
        idle.map(|field| field.field.as_str()).collect()
    }

    /// Why a field has its value, in words.
    fn why(change: &ChangeItem) -> String {
        match (change.made_by, &change.origin, change.version) {
            (MadeBy::Account, ..) => "Changed in this account.".to_owned(),
            (_, Some(origin), Some(version)) => {
                format!(
                    "Written by {} (version {version}); source: {}.",
                    change.connector,
                    origin_of(origin)
                )
            }
            _ => format!("Written by {}.", change.connector),
        }
    }

    fn arrow(direction: Direction) -> &'static str {
        match direction {
            Direction::In => "to this account",
            Direction::Out => "from this account",
        }
    }
}

/// Releases a frozen field.
pub(in crate::console) async fn release(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path((account, id)): Path<(String, String)>,
    form: Form,
) -> Response {
    let done = async {
        let configuration = visitor.reach.narrow(shared.store.configuration().await?);
        let Some(account) = configuration.account(&account) else { return Ok(false) };
        let (field, actor) = (form.text("field"), visitor.actor());
        lead::release(&shared, &configuration, account, &id, field, &actor).await
    };
    match done.await {
        Ok(true) => {
            let path = lead_path(&account, &id);
            Redirect::to(&page::with_told(&path, "released")).into_response()
        }
        Ok(false) => page::not_found("frozen field"),
        Err(error) => page::unavailable(&error),
    }
}

pub(in crate::console) async fn lead(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path((account, id)): Path<(String, String)>,
    LastAction(told): LastAction,
) -> Response {
    let read = async {
        let configuration = visitor.reach.narrow(shared.store.configuration().await?);
        let Some(account) = configuration.account(&account) else { return Ok(None) };
        lead::lead(shared.store.as_ref(), &configuration, account, &id, (shared.clock)()).await
    };
    match read.await {
        Ok(Some(lead)) => {
            page::page(StatusCode::OK, &One { page: "Requests", told, visitor, lead })
        }
        Ok(None) => page::not_found("lead"),
        Err(error) => page::unavailable(&error),
    }
}

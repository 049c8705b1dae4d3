//! `/leads`: finding a lead.

use std::collections::BTreeMap;

use admin::leads::{self, FoundLead};
use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};

use super::lead_path;
use super::line::tone;
use crate::Shared;
use crate::console::page;
use crate::console::visitor::Visitor;

#[derive(Template)]
#[template(path = "leads.html")]
struct List {
    page: &'static str,
    visitor: Visitor,
    q: String,
    leads: Vec<FoundLead>,
    more: bool,
}

impl List {
    fn path(lead: &FoundLead) -> String {
        path(lead).unwrap_or_else(|| format!("/requests/{}", lead.last))
    }

    /// What a person recognises it by.
    fn who(lead: &FoundLead) -> &str {
        let id = lead.places.first().map(|(_, id)| id.as_str());
        let texts = [lead.name.as_deref(), lead.known_as.as_deref(), id];
        texts.into_iter().flatten().next().unwrap_or("Unnamed lead")
    }

    /// What else it is known by.
    fn known_as(lead: &FoundLead) -> &str {
        lead.known_as.as_deref().filter(|_| lead.name.is_some()).unwrap_or_default()
    }

    fn accounts(lead: &FoundLead) -> String {
        let names: Vec<&str> = lead.places.iter().map(|(account, _)| account.as_str()).collect();
        names.join(", ")
    }

    fn tone(lead: &FoundLead) -> &'static str {
        tone(lead.state)
    }
}

/// The page of a lead that was found: the one in the account where it was found first.
fn path(lead: &FoundLead) -> Option<String> {
    let (account, id) = lead.places.first()?;
    Some(lead_path(account, id))
}

pub(in crate::console) async fn leads(
    State(shared): State<Shared>,
    visitor: Visitor,
    Query(given): Query<BTreeMap<String, String>>,
) -> page::Shown {
    let q = given.get("q").map(|q| q.trim().to_owned()).unwrap_or_default();
    let configuration = visitor.reach.narrow(shared.store.configuration().await?);
    let sought = Some(q.as_str()).filter(|q| !q.is_empty());
    let within = (&configuration, &visitor.reach);
    let found = leads::find(shared.store.as_ref(), within, sought).await?;
    // The only one that matches is the one that was meant.
    if let ([only], false, false) = (found.leads.as_slice(), found.more, q.is_empty())
        && let Some(path) = path(only)
    {
        return Ok(Redirect::to(&path).into_response());
    }
    let list = List { page: "Leads", visitor, q, leads: found.leads, more: found.more };
    Ok(page::page(StatusCode::OK, &list))
}

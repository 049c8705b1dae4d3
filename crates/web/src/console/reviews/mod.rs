//! `/reviews`: leads for which a person decides the match, or which values win.

mod by_rule;

pub(super) use by_rule::{resolve_by_rule, show_by_rule};

use admin::Refused;
use admin::connectors;
use admin::log::FieldNames;
use admin::reviews;
use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use plan::connector::Identity;
use plan::id::{AccountId, LeadId};
use plan::review::{self, Candidate, Reason};
use store::ReviewItem;

use super::connector::{KEYS_DISAGREE, LINKED, SEVERAL, Shown, address};
use super::form::Form;
use super::log::lead_path;
use super::page::{self, Choice, choices, told};
use super::visitor::Visitor;
use crate::Shared;
use crate::api::{Params, Refusal, read_reviews};

/// The states and their labels.
const STATES: [(&str, &str); 3] =
    [("open", "Open"), ("decided", "Resolved"), ("solved", "Resolved automatically")];

/// The reason, in a few words.
pub(super) fn words(reason: Reason) -> &'static str {
    match reason {
        Reason::Several => "several leads match",
        Reason::KeysDisagree => "search keys match different leads",
        Reason::Linked => "the match is linked to another lead",
        Reason::Conflict => "both accounts changed a field",
    }
}

/// The decision, in words.
fn decision(choice: &review::Choice) -> String {
    match choice {
        review::Choice::Link { lead_id } => format!("Linked to lead {lead_id}."),
        review::Choice::Create => "Created as a new lead.".to_owned(),
        review::Choice::Ignore => "Lead ignored.".to_owned(),
        review::Choice::Source => "Values of the source kept.".to_owned(),
        review::Choice::Destination => "Values of the destination kept.".to_owned(),
    }
}

#[derive(Template)]
#[template(path = "reviews.html")]
struct List {
    page: &'static str,
    visitor: Visitor,
    told: Option<&'static str>,
    wrong: Option<String>,
    state: String,
    states: Vec<Choice>,
    items: Vec<ReviewItem>,
    /// Whether it is the list of a single lead or connector.
    is_narrow: bool,
    /// Where the list continues.
    older: Option<String>,
    /// The review that was just resolved, the last that was open.
    resolved: Option<i64>,
}

impl List {
    fn words(reason: Reason) -> &'static str {
        words(reason)
    }

    fn name(item: &ReviewItem) -> &str {
        item.known_as.as_ref().unwrap_or(&item.source_id)
    }

    fn decision(choice: &review::Choice) -> String {
        decision(choice)
    }
}

pub(super) async fn list(
    State(shared): State<Shared>,
    visitor: Visitor,
    Query(mut given): Query<BTreeMap<String, String>>,
) -> Response {
    let told = told(&given);
    given.remove("told");
    let resolved = given.remove("resolved").and_then(|id| id.parse().ok());
    given.retain(|_, value| !value.trim().is_empty());
    let is_narrow = given.contains_key("lead") || given.contains_key("connector");
    let mut wanted = given.clone();
    // By default what waits; for a single lead, everything.
    match wanted.get("state").map(String::as_str) {
        None if !is_narrow => wanted.insert("state".to_owned(), "open".to_owned()),
        Some("all") => wanted.remove("state"),
        _ => None,
    };
    let state = wanted.get("state").cloned().unwrap_or_else(|| "all".to_owned());
    let read = read_reviews(&shared, &visitor.reach, Params::new(wanted)).await;
    let (code, wrong, items, cursor) = match read {
        Ok(part) => (StatusCode::OK, None, part.items, part.cursor),
        Err(refusal) => (refusal.status(), Some(refusal.message()), Vec::new(), None),
    };
    let older = cursor.map(|cursor| {
        let parts = given.iter().filter(|(name, _)| *name != "cursor");
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(parts).append_pair("cursor", &cursor);
        format!("/reviews?{}", query.finish())
    });
    let states = choices(STATES.into_iter().chain([("all", "all")]), &state);
    let page = "Reviews";
    let list =
        List { page, visitor, told, wrong, state, states, items, is_narrow, older, resolved };
    page::page(code, &list)
}

/// A field in which the lead and its candidates are compared.
struct Compared {
    /// Its display name in the destination.
    field: String,
    /// What the lead sends.
    sends: String,
    /// What each candidate holds.
    held: Vec<Held>,
    /// Whether the decision is about this field: a search key, or in conflict.
    is_asked: bool,
    differs: bool,
}

/// What a candidate holds in a field.
struct Held {
    /// The candidate, with its number and what distinguishes it.
    of: String,
    value: String,
    /// Whether the lead sends the same value.
    is_same: bool,
}

#[derive(Template)]
#[template(path = "review.html")]
struct One {
    page: &'static str,
    visitor: Visitor,
    told: Option<&'static str>,
    wrong: Option<String>,
    /// The review that was just resolved, before this one.
    resolved: Option<i64>,
    item: ReviewItem,
    /// The accounts' names.
    source: String,
    destination: String,
    /// The page of the lead in the source.
    path: String,
    /// Fields that differ or are to be decided come first.
    differing: Vec<Compared>,
    same: Vec<Compared>,
    /// The rules for future leads; empty if there is none for this.
    rules: Vec<Shown>,
    connector: String,
    names: FieldNames,
    /// The destination.
    there: Option<AccountId>,
}

impl One {
    async fn read(shared: &Shared, visitor: Visitor, item: ReviewItem) -> store::Result<Self> {
        let configuration = shared.store.configuration().await?;
        let connector = configuration.connector(&item.connector);
        let name = |id| configuration.account_of(id).map(|account| account.name.clone());
        let (source, destination) = match connector {
            Some(connector) => (name(connector.source)?, name(connector.destination)?),
            None => (String::new(), String::new()),
        };
        let rules = connector
            .map(|connector| rules(connector.definition.identity, item.reason))
            .filter(|_| visitor.administers())
            .unwrap_or_default();
        let names = FieldNames::read(shared.store.as_ref(), connector).await?;
        let there = connector.map(|connector| connector.destination);
        let display = |field: &str| names.of(there, field).to_owned();
        let (differing, same) = compared(&item, display).into_iter().partition(|one| one.differs);
        Ok(Self {
            page: "Reviews",
            told: None,
            wrong: None,
            resolved: None,
            path: lead_path(&source, &item.source_id),
            connector: address(&item.connector),
            visitor,
            source,
            destination,
            differing,
            same,
            rules,
            item,
            names,
            there,
        })
    }

    fn words(&self) -> &'static str {
        words(self.item.reason)
    }

    fn name(&self) -> &str {
        self.item.known_as.as_ref().unwrap_or(&self.item.source_id)
    }

    fn message(&self) -> String {
        self.item.evidence.problem().message
    }

    fn decision(choice: &review::Choice) -> String {
        decision(choice)
    }

    /// The display name of a field of the destination.
    fn display<'a>(&'a self, field: &'a str) -> &'a str {
        self.names.of(self.there, field)
    }

    fn is_open(&self) -> bool {
        self.item.state == review::State::Open
    }

    fn is_conflict(&self) -> bool {
        self.item.reason == Reason::Conflict
    }

    fn path_there(&self, candidate: &Candidate) -> String {
        lead_path(&self.destination, candidate.lead_id.as_str())
    }

    /// What distinguishes a candidate.
    fn label(candidate: &Candidate) -> String {
        let name = ["FirstName", "LastName"].map(|field| candidate.fields.filled(field));
        let name = name.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let known = ["EmailAddress", "Phone"].map(|field| candidate.fields.filled(field));
        let known = known.into_iter().flatten().next();
        match (name.is_empty(), known) {
            (false, Some(known)) => format!("{name}, {known}"),
            (false, None) => name,
            (true, Some(known)) => known.to_owned(),
            (true, None) => candidate.lead_id.to_string(),
        }
    }
}

/// What the lead sends and what the candidates hold, field by field.
fn compared(item: &ReviewItem, display: impl Fn(&str) -> String) -> Vec<Compared> {
    let evidence = &item.evidence;
    let mut fields: Vec<&str> = evidence.sends.0.keys().map(String::as_str).collect();
    for candidate in &evidence.candidates {
        fields.extend(candidate.fields.0.keys().map(String::as_str));
    }
    fields.sort_unstable();
    fields.dedup();
    let is_asked = |field: &str| {
        evidence.candidates.iter().any(|one| one.found_by.as_deref() == Some(field))
            || evidence.disputes.iter().any(|dispute| dispute.field == field)
    };
    let compare = |field: &str| {
        let sends = evidence.sends.get(field).unwrap_or_default().to_owned();
        let held = evidence.candidates.iter().zip(1..).map(|(candidate, number)| {
            let value = candidate.fields.get(field).unwrap_or_default().to_owned();
            let is_same = !value.is_empty() && value == sends;
            Held { of: format!("{number}: {}", One::label(candidate)), value, is_same }
        });
        let held: Vec<Held> = held.collect();
        let is_sent = evidence.sends.get(field).is_some();
        let differs = held.iter().any(|one| is_sent && one.value != sends)
            || held.windows(2).any(|two| two[0].value != two[1].value)
            || is_asked(field);
        Compared { field: display(field), sends, held, is_asked: is_asked(field), differs }
    };
    let mut all: Vec<Compared> = fields.into_iter().map(compare).collect();
    all.retain(|one| !one.sends.is_empty() || one.held.iter().any(|held| !held.value.is_empty()));
    all.sort_by_key(|one| !one.is_asked);
    all
}

/// The rules for all future leads of a connector, instead of asking.
fn rules(identity: Identity, reason: Reason) -> Vec<Shown> {
    match reason {
        Reason::Several => SEVERAL.shown(identity.several),
        Reason::KeysDisagree => KEYS_DISAGREE.shown(identity.keys_disagree),
        Reason::Linked => LINKED.shown(identity.linked),
        Reason::Conflict => Vec::new(),
    }
}

pub(super) async fn show(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(number): Path<String>,
    Query(given): Query<BTreeMap<String, String>>,
) -> page::Shown {
    let item = match reviews::known(&shared, &visitor.reach, &number).await {
        Err(Refused::NotFound { .. }) => return Err(page::not_found("review").into()),
        known => known?,
    };
    let one = One::read(&shared, visitor, item).await?;
    let resolved = given.get("resolved").and_then(|id| id.parse().ok());
    Ok(page::page(StatusCode::OK, &One { told: told(&given), resolved, ..one }))
}

pub(super) async fn decide(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(number): Path<String>,
    form: Form,
) -> page::Shown {
    let item = reviews::known(&shared, &visitor.reach, &number).await?;
    match decided(&shared, &visitor, &item, &form).await {
        Ok(retried) => {
            let word = if retried > 0 { "decided_and_retried" } else { "decided" };
            let next = reviews::next_open(&shared, &visitor.reach, item.id).await?;
            Ok(Redirect::to(&after(item.id, next, word)).into_response())
        }
        Err(refusal) => {
            let one = One::read(&shared, visitor, item).await?;
            let wrong = Some(refusal.message());
            Ok(page::page(refusal.status(), &One { wrong, ..one }))
        }
    }
}

/// The page after a review was resolved: the next open one, or the list without one.
fn after(resolved: i64, next: Option<i64>, word: &str) -> String {
    let path = next.map_or_else(|| "/reviews".to_owned(), |next| format!("/reviews/{next}"));
    page::with_told(&format!("{path}?resolved={resolved}"), word)
}

async fn decided(
    shared: &Shared,
    visitor: &Visitor,
    item: &ReviewItem,
    form: &Form,
) -> Result<u64, Refusal> {
    let choice = match form.text("choice") {
        "create" => review::Choice::Create,
        "ignore" => review::Choice::Ignore,
        "source" => review::Choice::Source,
        "destination" => review::Choice::Destination,
        lead => match lead.strip_prefix("link ") {
            Some(lead_id) => review::Choice::Link { lead_id: LeadId::new(lead_id) },
            None => return Err(Refusal::wrong("choice", "is missing; choose an option")),
        },
    };
    keep_rule(shared, visitor, item, form.text("rule")).await?;
    let retried = reviews::decide(shared, &visitor.actor(), item, Some(&choice)).await?;
    Ok(retried.requests)
}

/// Saves the decision as a rule for future leads, if requested: a setting of the connector.
async fn keep_rule(
    shared: &Shared,
    visitor: &Visitor,
    item: &ReviewItem,
    rule: &str,
) -> Result<(), Refusal> {
    if rule.is_empty() || !visitor.administers() {
        return Ok(());
    }
    let configuration = shared.store.configuration().await?;
    let Some(connector) = configuration.connector(&item.connector) else { return Ok(()) };
    let mut wanted = connector.definition.clone();
    let wrong =
        || Refusal::wrong("rule", format!("'{rule}' is not an option; choose one from the list"));
    let identity = &mut wanted.identity;
    match item.reason {
        Reason::Several => identity.several = SEVERAL.named(rule).ok_or_else(wrong)?,
        Reason::KeysDisagree => {
            identity.keys_disagree = KEYS_DISAGREE.named(rule).ok_or_else(wrong)?;
        }
        Reason::Linked => identity.linked = LINKED.named(rule).ok_or_else(wrong)?,
        Reason::Conflict => return Ok(()),
    }
    if wanted != connector.definition {
        connectors::save(shared, &visitor.actor(), &wanted, None, Some(connector.version)).await?;
    }
    Ok(())
}

pub(super) async fn undo(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(number): Path<String>,
    _form: Form,
) -> Response {
    let done = async {
        let item = reviews::known(&shared, &visitor.reach, &number).await?;
        reviews::decide(&shared, &visitor.actor(), &item, None).await?;
        Ok::<_, Refusal>(item.id)
    };
    match done.await {
        Ok(id) => {
            Redirect::to(&page::with_told(&format!("/reviews/{id}"), "undone")).into_response()
        }
        Err(refusal) => page::refused(refusal),
    }
}

//! The list of leads, and a page for each.

use super::{not_found, page, shown};
use crate::handle::LeadFields;
use crate::metadata::{Field, Kind};
use crate::{Refusal, Sandbox};
use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

/// How many leads a page shows.
const PAGE: usize = 50;
/// The fields that a form shows first.
const MAIN: [&str; 10] = [
    "FirstName",
    "LastName",
    "EmailAddress",
    "Phone",
    "Mobile",
    "Company",
    "ProspectStage",
    "Source",
    "mx_City",
    "mx_Country",
];

#[derive(Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    q: String,
    #[serde(default)]
    page: usize,
}

#[derive(Template)]
#[template(path = "leads.html")]
struct List<'a> {
    account: &'a str,
    q: &'a str,
    total: usize,
    rows: Vec<Row>,
    before: Option<usize>,
    after: Option<usize>,
}

struct Row {
    id: String,
    name: String,
    email: String,
    phone: String,
    stage: String,
    city: String,
    modified_on: String,
    modified_by: String,
}

fn value(fields: &LeadFields, name: &str) -> String {
    fields.get(name).cloned().flatten().unwrap_or_default()
}

fn full_name(fields: &LeadFields) -> String {
    let name = format!("{} {}", value(fields, "FirstName"), value(fields, "LastName"));
    let name = name.trim();
    if name.is_empty() { "(no name)".to_owned() } else { name.to_owned() }
}

pub(super) async fn list(State(sandbox): State<Sandbox>, Query(search): Query<Search>) -> Response {
    let q = search.q.trim();
    let found = sandbox.search(q);
    let skip = search.page.saturating_mul(PAGE);
    let rows = found.iter().skip(skip).take(PAGE).filter_map(|id| {
        let fields = sandbox.lead(id)?;
        Some(Row {
            id: id.clone(),
            name: full_name(&fields),
            email: value(&fields, "EmailAddress"),
            phone: value(&fields, "Phone"),
            stage: value(&fields, "ProspectStage"),
            city: value(&fields, "mx_City"),
            modified_on: value(&fields, "ModifiedOn"),
            modified_by: sandbox.history(id).last().map_or_else(String::new, |v| v.who.to_string()),
        })
    });
    page(&List {
        account: sandbox.name(),
        q,
        total: found.len(),
        rows: rows.collect(),
        before: search.page.checked_sub(1),
        after: (found.len() > skip.saturating_add(PAGE)).then_some(search.page + 1),
    })
}

#[derive(Template)]
#[template(path = "lead.html")]
struct Lead<'a> {
    account: &'a str,
    id: &'a str,
    name: String,
    action: String,
    refusal: Option<String>,
    main: Vec<Input>,
    more: Vec<Input>,
    history: Vec<Version>,
    activities: Vec<String>,
}

struct Input {
    name: String,
    display: String,
    value: String,
    /// The options, and whether each is selected.
    options: Vec<(String, bool)>,
    long: bool,
}

struct Version {
    at: String,
    who: String,
    changes: Vec<Change>,
}

struct Change {
    field: String,
    before: String,
    after: String,
}

fn input(field: &Field, fields: &LeadFields) -> Input {
    let value = value(fields, field.schema_name());
    let one_of = matches!(field.kind(), Kind::Select | Kind::SearchableDropdown);
    let mut options: Vec<(String, bool)> = if one_of {
        field.options.iter().map(|option| (option.clone(), *option == value)).collect()
    } else {
        Vec::new()
    };
    // Saving must not lose a value that is not one of the options.
    if !options.is_empty() && !value.is_empty() && options.iter().all(|(_, chosen)| !chosen) {
        options.push((value.clone(), true));
    }
    let long = matches!(field.kind(), Kind::TextArea | Kind::CustomObject);
    let display = field.display_name().to_owned();
    Input { name: field.schema_name().to_owned(), display, value, options, long }
}

fn form(sandbox: &Sandbox, id: &str, fields: &LeadFields, refusal: Option<&Refusal>) -> Response {
    let inputs = sandbox.writable_fields();
    let (main, more): (Vec<&Field>, Vec<&Field>) =
        inputs.iter().partition(|field| MAIN.contains(&field.schema_name()));
    let of = |fields_of: Vec<&Field>| fields_of.iter().map(|field| input(field, fields)).collect();
    let text =
        |text: Option<&std::sync::Arc<str>>| text.map_or_else(String::new, ToString::to_string);
    let history = sandbox.history(id).into_iter().rev().map(|version| Version {
        at: shown(version.at),
        who: version.who.to_string(),
        changes: version
            .changes
            .iter()
            .map(|change| Change {
                field: change.field.to_string(),
                before: text(change.before.as_ref()),
                after: text(change.after.as_ref()),
            })
            .collect(),
    });
    let activities = sandbox.activities(id).into_iter().map(|(event, note, fields)| {
        let fields: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        format!("{event} {note} {}", fields.join(", "))
    });
    let is_new = id.is_empty();
    page(&Lead {
        account: sandbox.name(),
        id,
        name: if is_new { "New lead".to_owned() } else { full_name(fields) },
        action: if is_new { "/leads/new".to_owned() } else { format!("/leads/{id}") },
        refusal: refusal.map(ToString::to_string),
        main: of(main),
        more: of(more),
        history: history.collect(),
        activities: activities.collect(),
    })
}

pub(super) async fn show(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Response {
    match sandbox.lead(&id) {
        Some(fields) => form(&sandbox, &id, &fields, None),
        None => not_found(),
    }
}

pub(super) async fn blank(State(sandbox): State<Sandbox>) -> Response {
    form(&sandbox, "", &LeadFields::new(), None)
}

pub(super) async fn create(
    State(sandbox): State<Sandbox>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Response {
    let filled: Vec<(&str, &str)> = sent
        .iter()
        .filter(|(_, value)| !value.trim().is_empty())
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    match sandbox.create_lead(&filled) {
        Ok(id) => Redirect::to(&format!("/leads/{id}")).into_response(),
        Err(refusal) => form(&sandbox, "", &as_fields(&sent), Some(&refusal)),
    }
}

pub(super) async fn save(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Response {
    let Some(mut fields) = sandbox.lead(&id) else { return not_found() };
    // Browsers send line breaks as CR LF, whatever they were before.
    let plain = |text: &str| text.replace("\r\n", "\n");
    let changed: Vec<(&str, &str)> = sent
        .iter()
        .filter(|(name, new)| plain(&value(&fields, name)) != plain(new))
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    if changed.is_empty() {
        return Redirect::to(&format!("/leads/{id}")).into_response();
    }
    match sandbox.edit_lead(&id, &changed) {
        Ok(_) => Redirect::to(&format!("/leads/{id}")).into_response(),
        Err(refusal) => {
            fields.extend(as_fields(&sent));
            form(&sandbox, &id, &fields, Some(&refusal))
        }
    }
}

fn as_fields(sent: &[(String, String)]) -> LeadFields {
    sent.iter().map(|(name, value)| (name.clone(), Some(value.clone()))).collect()
}

//! The page of a group: its error, the repairs that fit, and what each would do.

use admin::failures;
use admin::repair::{self, Case, Choices, DryRun, FieldItem, Sample, UnlistedValue};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use plan::connector::Fault;
use plan::problem::Code;
use plan::repair::{Fix, Remedy, Rows};
use store::Retry;

use super::failure_path;
use super::fields::{self, Fields};
use crate::Shared;
use crate::api::Refusal;
use crate::console::accounts::account_address;
use crate::console::connector::address;
use crate::console::form::Form;
use crate::console::page::{self, Instead, Shown, with_told};
use crate::console::visitor::Visitor;
use crate::console::words::{counted, number};

/// How many of the group's records are listed.
const EXAMPLES: usize = 10;
/// How many values can be mapped at a time, the most frequent.
const MOST_SHOWN: usize = 100;

#[derive(Template)]
#[template(path = "failure.html")]
struct One {
    page: &'static str,
    visitor: Visitor,
    told: Option<&'static str>,
    /// Why a repair can't be used.
    wrong: Vec<String>,
    case: Case,
    choices: Choices,
    path: String,
    /// The repair in the address: its fields, what it changes, and what it would do.
    chosen: Fields,
    changes: Vec<Change>,
    trial: Option<DryRun>,
    per_minute: u32,
}

impl One {
    fn number(count: u64) -> String {
        number(count)
    }

    fn records(count: u64) -> String {
        counted(count, "record", "records")
    }

    fn title(&self) -> String {
        failures::title(&self.case.group.error, self.label())
    }

    /// What the field of the error is called.
    fn label(&self) -> Option<&str> {
        let field = self.choices.field.as_ref()?;
        (Some(&field.name) == self.case.group.error.field.as_ref()).then_some(&*field.label)
    }

    fn all_records(&self) -> String {
        Self::records(self.case.group.records)
    }

    /// The API calls that a retry takes, by account.
    fn calls_of(&self, trial: &DryRun) -> Option<String> {
        let to = |count: u64, account: &str| {
            (count > 0).then(|| format!("{} to {account}", counted(count, "API call", "API calls")))
        };
        let both = [
            to(trial.destination_calls, self.destination()),
            to(trial.source_calls, self.source()),
        ];
        let all: Vec<String> = both.into_iter().flatten().collect();
        (!all.is_empty()).then(|| all.join(" and "))
    }

    fn connector(&self) -> String {
        address(&self.case.group.connector)
    }

    fn destination(&self) -> &str {
        &self.case.connector.definition.destination
    }

    fn source(&self) -> &str {
        &self.case.connector.definition.source
    }

    fn examples(&self) -> &[Sample] {
        &self.case.records[..self.case.records.len().min(EXAMPLES)]
    }

    fn name(record: &Sample) -> String {
        let known = record.known_as.as_ref().or(record.source_id.as_ref());
        known.cloned().unwrap_or_else(|| format!("Request {}", record.request))
    }

    fn requests(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let group = &self.case.group;
        query.extend_pairs([("connector", &group.connector), ("cause", &group.cause)]);
        format!("/requests?{}", query.finish())
    }

    fn values(&self) -> &[UnlistedValue] {
        &self.choices.values[..self.choices.values.len().min(MOST_SHOWN)]
    }

    /// The option that the form shows for a value: what was chosen, or the closest.
    fn is_option(&self, value: &UnlistedValue, option: &str) -> bool {
        let froms = self.chosen.iter().filter(|(name, _)| name == "from");
        let tos = self.chosen.iter().filter(|(name, _)| name == "to");
        let chosen = froms.zip(tos).find(|((_, from), _)| *from == value.value);
        match chosen {
            Some((_, (_, to))) => to == option,
            None => value.suggestion.as_deref() == Some(option),
        }
    }

    /// What a field of the form has.
    fn of(&self, name: &str) -> &str {
        self.chosen.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
    }

    /// Whether this field is the one that the form shows as chosen.
    fn is_field(&self, field: &FieldItem) -> bool {
        let known = self.choices.field.as_ref();
        match self.of("field") {
            "" => known == Some(field),
            chosen => chosen == field.name,
        }
    }

    fn is_primary(&self, field: &FieldItem) -> bool {
        match self.of("search_by") {
            "" => field.name == self.choices.search_by,
            chosen => chosen == field.name,
        }
    }

    fn is_secondary(&self, field: &FieldItem) -> bool {
        match self.of("fix") {
            "search_key" => field.name == self.of("secondary"),
            _ => Some(&field.name) == self.choices.secondary.as_ref(),
        }
    }

    /// Whether the form of this repair is open: the chosen one, or the most likely.
    fn is_open(&self, remedy: Remedy) -> bool {
        match self.of("fix") {
            "" => self.choices.repairs.first() == Some(&remedy),
            chosen => chosen == remedy.as_str(),
        }
    }

    /// The field that a repair is about, unless a person must choose it.
    fn field(&self) -> Option<&FieldItem> {
        self.choices.field.as_ref()
    }

    /// The mapping that a repair changes, with the row of the field.
    fn mapping(&self) -> String {
        let mapping = match self.case.rows {
            Rows::Leads => format!("{}/mapping", self.connector()),
            Rows::Activities(code) => format!("{}/mapping/activities/{code}", self.connector()),
        };
        let Some(field) = self.field() else { return mapping };
        let mut query = form_urlencoded::Serializer::new(String::new());
        format!("{mapping}?{}", query.append_pair("row", &field.name).finish())
    }

    /// The pages of accounts whose keys may be wrong.
    fn accounts(&self) -> Vec<(String, &str)> {
        let both = [self.source(), self.destination()];
        let words = |name: &&&str| self.case.group.error.message.contains(**name);
        let mut named: Vec<&str> = both.iter().filter(words).copied().collect();
        if named.is_empty() {
            named = both.to_vec();
        }
        named.into_iter().map(|name| (account_address(name), name)).collect()
    }

    /// The page of the settings that the error is about, and its title.
    fn settings(&self) -> (String, &'static str) {
        match self.case.group.error.code {
            Code::BadSetting => (format!("{}/basic", self.connector()), "Basic settings"),
            _ => (format!("{}/entities", self.connector()), "Entity options"),
        }
    }

    fn retry_all(&self) -> String {
        format!("Retry {}", self.all_records())
    }

    /// Whether a retry of these records sends them to review.
    fn opens_reviews(&self) -> bool {
        self.case.group.error.code == Code::Duplicate
    }

    fn can_retry(&self) -> bool {
        self.choices.repairs.contains(&Remedy::Retry)
    }
}

/// A line of what a repair changes.
struct Change {
    setting: String,
    before: Option<String>,
    after: String,
}

/// What a repair changes, a line each.
fn changes(fix: &Fix, choices: &Choices) -> Vec<Change> {
    let label = |name: &str| {
        let mut known = choices.fields.iter().chain(&choices.field).chain(&choices.keys);
        known.find(|field| field.name == name).map_or(name, |field| &field.label).to_owned()
    };
    let none = || "none".to_owned();
    let change = |setting: &str, before: Option<String>, after: String| {
        let setting = setting.to_owned();
        Change { setting, before, after }
    };
    match fix {
        Fix::MapValues { field, values } => {
            let field = label(field);
            let pairs = values.iter();
            pairs.map(|(from, to)| change(&field, Some(from.clone()), to.clone())).collect()
        }
        Fix::LeaveOut { field } => {
            vec![change(&label(field), Some("synced".to_owned()), "left out".to_owned())]
        }
        Fix::DefaultValue { field, value } => {
            vec![change(&format!("{}, default value", label(field)), None, value.clone())]
        }
        Fix::SearchKey { search_by, secondary } => {
            let second = |key: &Option<String>| key.as_deref().map_or_else(none, label);
            vec![
                change("Search key", Some(label(&choices.search_by)), label(search_by)),
                change("Secondary search key", Some(second(&choices.secondary)), second(secondary)),
            ]
        }
    }
}

/// Why a repair can't be used, in whole sentences.
fn sentences(refusal: &Refusal) -> Vec<String> {
    let sentence = |Fault { at, what }: &Fault| {
        let subject = match at.as_str() {
            "field" => "The field",
            "fix" => "The repair",
            "secondary" => "The secondary search key",
            "value" => "The value",
            "values" => "The options",
            _ => "",
        };
        let is_predicate =
            ["is ", "are ", "has ", "needs "].iter().any(|verb| what.starts_with(verb));
        if is_predicate && !subject.is_empty() {
            return format!("{subject} {what}.");
        }
        let mut letters = what.chars();
        let first = letters.next().map(char::to_uppercase).into_iter().flatten();
        format!("{}.", first.chain(letters).collect::<String>())
    };
    match refusal.faults() {
        [] => vec![format!("{} {}", refusal.message(), refusal.advice())],
        faults => faults.iter().map(sentence).collect(),
    }
}

async fn open(shared: &Shared, which: (&str, &str)) -> Result<Case, Instead> {
    let configuration = shared.store.configuration().await?;
    let found = Case::open(shared.store.as_ref(), configuration, which).await;
    found.map_err(|refused| match refused {
        admin::Refused::NotFound { .. } => page::not_found("group of failures").into(),
        refused => refused.into(),
    })
}

/// The page with a repair as described by these fields.
async fn one(
    shared: &Shared,
    visitor: Visitor,
    case: Case,
    chosen: Fields,
) -> Result<(StatusCode, One), Refusal> {
    let choices = Choices::of(&case);
    let fixed = match fields::read(&chosen) {
        Ok(Some(fix)) => case.fixed(&fix).map(|fixed| (Some(fix), fixed)).map_err(Refusal::from),
        Ok(None) => Ok((None, case.connector.definition.clone())),
        Err(refusal) => Err(refusal),
    };
    let (status, wrong, fix, definition) = match fixed {
        Ok((fix, definition)) => (StatusCode::OK, Vec::new(), fix, Some(definition)),
        Err(refusal) => {
            let faults = sentences(&refusal);
            (refusal.status(), faults, None, None)
        }
    };
    let trial = match definition {
        Some(definition) => {
            case.dry_run(shared.store.as_ref(), definition, (shared.clock)()).await?
        }
        None => None,
    };
    let changes = fix.map(|fix| changes(&fix, &choices)).unwrap_or_default();
    let path = failure_path(&case.group.connector, &case.group.cause);
    let (told, per_minute) = (None, Retry::PER_MINUTE);
    let page = "Overview";
    let one =
        One { page, visitor, told, wrong, case, choices, path, chosen, changes, trial, per_minute };
    Ok((status, one))
}

pub(in crate::console) async fn show(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path((name, cause)): Path<(String, String)>,
    page::LastAction(told): page::LastAction,
    Query(given): Query<Vec<(String, String)>>,
) -> Shown {
    let opened = open(&shared, (&name, &cause)).await?;
    let chosen = fields::of_a_fix(given.iter().map(|(n, v)| (n.as_str(), v.as_str())));
    let (status, one) = one(&shared, visitor, opened, chosen).await?;
    Ok(page::page(status, &One { told, ..one }))
}

/// Saves a repair and retries the group.
pub(in crate::console) async fn fix(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path((name, cause)): Path<(String, String)>,
    form: Form,
) -> Shown {
    let opened = open(&shared, (&name, &cause)).await?;
    let chosen = fields::of_a_fix(form.fields());
    let applied = async {
        let missing = || Refusal::wrong("fix", "is missing; choose a repair");
        let fix = fields::read(&chosen)?.ok_or_else(missing)?;
        let version = form.text("version").parse();
        let version = version.map_err(|_| Refusal::wrong("version", "is not a number"))?;
        let retried = repair::apply(&shared, &visitor.actor(), &opened, (&fix, version)).await?;
        Ok::<_, Refusal>(retried)
    };
    let refusal = match applied.await {
        Ok(retried) => {
            let path = match retried.batch {
                Some(batch) => with_told(&format!("/retries/{batch}"), "fixed"),
                None => with_told("/failures", "nothing_failed"),
            };
            return Ok(Redirect::to(&path).into_response());
        }
        Err(refusal) => refusal,
    };
    let wrong = sentences(&refusal);
    let (_, one) = one(&shared, visitor, opened, chosen).await?;
    Ok(page::page(refusal.status(), &One { wrong, ..one }))
}

/// Reads the metadata of both accounts again.
pub(in crate::console) async fn metadata(
    State(shared): State<Shared>,
    Path((name, cause)): Path<(String, String)>,
    _: Form,
) -> Shown {
    let opened = open(&shared, (&name, &cause)).await?;
    repair::refresh_metadata(&shared, &opened).await?;
    let path = with_told(&failure_path(&name, &cause), "metadata_read");
    Ok(Redirect::to(&path).into_response())
}

pub(in crate::console) async fn dismiss(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path((name, cause)): Path<(String, String)>,
    form: Form,
) -> Shown {
    let opened = open(&shared, (&name, &cause)).await?;
    let what = (cause.as_str(), form.text("note"));
    failures::dismiss(&shared, &visitor.actor(), &opened.connector, what).await?;
    Ok(Redirect::to(&with_told("/failures", "dismissed")).into_response())
}

pub(in crate::console) async fn restore(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path((name, cause)): Path<(String, String)>,
    _: Form,
) -> Shown {
    let opened = open(&shared, (&name, &cause)).await?;
    failures::restore(&shared, &visitor.actor(), &opened.connector, &cause).await?;
    let path = with_told(&failure_path(&name, &cause), "reopened");
    Ok(Redirect::to(&path).into_response())
}

//! `/accounts/{name}/traits`: what an account is like, where accounts differ or LeadSquared's
//! documentation is silent; and probing it.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use jiff::Timestamp;
use plan::probe::{By, QUESTIONS, Question};
use plan::traits::Trait;
use store::Change;

use super::accounts::account_address;
use super::form::Form;
use super::page::{self, told, with_told};
use super::visitor::Visitor;
use crate::Shared;
use crate::api::Refusal;
use admin::probing::Run;

#[derive(Template)]
#[template(path = "account_traits.html")]
struct Traits {
    page: &'static str,
    visitor: Visitor,
    told: Option<&'static str>,
    name: String,
    questions: Vec<Row>,
    /// Since when a probe is running.
    running: Option<Timestamp>,
    /// How the last one ended.
    ended: Option<Ended>,
    /// Whether an enabled connector reads from the account, so that leadsync receives its webhooks.
    listens: bool,
    answered: usize,
}

/// A question, with what is known of this account.
struct Row {
    question: &'static Question,
    needs: &'static str,
    known: Option<Known>,
}

struct Known {
    words: String,
    differs: bool,
    by_hand: bool,
    at: Timestamp,
}

/// How a probe ended.
struct Ended {
    at: Timestamp,
    /// What went wrong, if anything did.
    wrong: Option<String>,
    calls: u32,
    left: Vec<String>,
    /// The questions that it could not answer, and why not.
    unclear: Vec<(&'static str, String)>,
}

impl Row {
    fn of(question: &'static Question, traits: &[(Timestamp, Trait)]) -> Self {
        let known = traits.iter().find_map(|(at, seen)| match seen {
            Trait::Answered { question: name, answer, by_hand } if name == question.name => {
                Some(Known {
                    words: question.words(answer).to_owned(),
                    differs: answer != question.assumed,
                    by_hand: *by_hand,
                    at: *at,
                })
            }
            _ => None,
        });
        let needs = match question.by {
            By::Reading => "one read call",
            By::Writing => "a test lead",
            By::Listening => "a test lead and a webhook",
        };
        Self { question, needs, known }
    }
}

impl Ended {
    fn of(run: &Run) -> Option<Self> {
        let Run::Ended { at, report } = run else { return None };
        let at = *at;
        let report = match report {
            Ok(report) => report,
            Err(error) => {
                let wrong = Some(format!("The leadsync database failed: {error}"));
                return Some(Self { at, wrong, calls: 0, left: Vec::new(), unclear: Vec::new() });
            }
        };
        let stopped = report
            .stopped
            .then(|| "The probe was stopped before all questions were answered.".into());
        let unclear = report.findings.iter().filter(|finding| finding.seen.is_none());
        let title = |name| Question::named(name).map_or(name, |question| question.title);
        Some(Self {
            at,
            wrong: report.ended_by.as_ref().map(ToString::to_string).or(stopped),
            calls: report.calls,
            left: report.left.clone(),
            unclear: unclear.map(|f| (title(f.question), f.words.clone())).collect(),
        })
    }
}

/// The address of this page for an account.
pub(super) fn traits_address(name: &str) -> String {
    format!("{}/traits", account_address(name))
}

pub(super) async fn show(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    Query(given): Query<BTreeMap<String, String>>,
) -> page::Shown {
    let configuration = shared.store.configuration().await?;
    let account = configuration.account(&name).ok_or_else(|| page::not_found("account"))?;
    let traits = shared.store.traits(account.id).await?;
    let mut connectors = configuration.connectors.iter();
    let listens =
        connectors.any(|connector| connector.enabled && connector.definition.source == name);
    let run = shared.probes.of(account.id);
    let mut questions: Vec<Row> =
        QUESTIONS.iter().map(|question| Row::of(question, &traits)).collect();
    // The differing ones first.
    questions.sort_by_key(|row| !row.known.as_ref().is_some_and(|known| known.differs));
    let traits = Traits {
        page: "Accounts",
        visitor,
        told: told(&given),
        name,
        answered: questions.iter().filter(|row| row.known.is_some()).count(),
        questions,
        running: match &run {
            Some(Run::Running { since, .. }) => Some(*since),
            _ => None,
        },
        ended: run.as_ref().and_then(Ended::of),
        listens,
    };
    Ok(page::page(StatusCode::OK, &traits))
}

/// Does this to the account, and shows its page with the word that this returns.
async fn act(
    shared: &Shared,
    name: &str,
    act: impl FnOnce(&Shared, &store::Account) -> Option<&'static str>,
) -> page::Shown {
    let configuration = shared.store.configuration().await?;
    let account = configuration.account(name).ok_or_else(|| page::not_found("account"))?;
    let (word, path) = (act(shared, account), traits_address(name));
    Ok(Redirect::to(&word.map_or(path.clone(), |word| with_told(&path, word))).into_response())
}

pub(super) async fn probe(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Form,
) -> page::Shown {
    let writes = !form.text("write").is_empty();
    act(&shared, &name, |shared, account| {
        if shared.probes.begin(shared, account, writes, visitor.actor()) {
            None
        } else {
            Some("probe_runs")
        }
    })
    .await
}

pub(super) async fn stop(
    State(shared): State<Shared>,
    _: Visitor,
    Path(name): Path<String>,
    _: Form,
) -> page::Shown {
    act(&shared, &name, |shared, account| {
        Some(if shared.probes.end(account.id) { "stopping" } else { "no_probe" })
    })
    .await
}

/// Sets a trait of an account, as `question=answer`; without an answer, it is cleared.
pub(super) async fn answer(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Form,
) -> page::Shown {
    let (question, answer) = form.text("answer").split_once('=').unwrap_or_default();
    let change = Change::SetAnswer {
        account: name.clone(),
        question: question.to_owned(),
        answer: Some(answer.to_owned()).filter(|answer| !answer.is_empty()),
    };
    shared.change(vec![change], &visitor.actor()).await.map_err(Refusal::from)?;
    Ok(Redirect::to(&with_told(&traits_address(&name), "saved")).into_response())
}

//! `/accounts/{name}/probe` and `/accounts/{name}/answers`: what an account is like.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use plan::probe::{Finding, Report};
use plan::problem::{Code, Problem};
use serde::{Deserialize, Serialize};
use store::Change;

use super::asker::Asker;
use super::input::{Input, Named};
use super::refusal::Refusal;
use super::{Result, known_account};
use crate::Shared;
use admin::probing::Run;

/// The last probe of an account since this process started.
#[derive(Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(crate) enum ProbeItem {
    /// There was none.
    None,
    /// The probe is running.
    Running { since: Timestamp },
    /// It ended.
    Ended {
        ended_at: Timestamp,
        calls: u32,
        findings: Vec<Finding>,
        /// Test leads that the account does not let be deleted, by id.
        test_leads_left: Vec<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        problem: Option<Problem>,
        stopped: bool,
    },
    /// It could not use the store.
    Failed { ended_at: Timestamp, error: String },
}

impl ProbeItem {
    fn of(run: Option<Run>) -> Self {
        match run {
            None => Self::None,
            Some(Run::Running { since, .. }) => Self::Running { since },
            Some(Run::Ended { at, report: Ok(report) }) => {
                let Report { calls, findings, left, ended_by, stopped } = report;
                Self::Ended {
                    ended_at: at,
                    calls,
                    findings,
                    test_leads_left: left,
                    problem: ended_by,
                    stopped,
                }
            }
            Some(Run::Ended { at, report: Err(error) }) => Self::Failed { ended_at: at, error },
        }
    }
}

pub(crate) async fn show(
    State(shared): State<Shared>,
    Named(name): Named,
) -> Result<Json<ProbeItem>> {
    let configuration = shared.store.configuration().await?;
    let account = known_account(&configuration, &name)?;
    Ok(Json(ProbeItem::of(shared.probes.of(account.id))))
}

/// What to ask.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Also what takes a test lead.
    #[serde(default)]
    write: bool,
}

/// Starts a probe unless one is running.
pub(crate) async fn begin(
    State(shared): State<Shared>,
    asker: Asker,
    Named(name): Named,
    Input(Wanted { write }): Input<Wanted>,
) -> Result<(StatusCode, Json<ProbeItem>)> {
    let configuration = shared.store.configuration().await?;
    let account = known_account(&configuration, &name)?;
    if !shared.probes.begin(&shared, account, write, asker.actor) {
        let problem = Problem::new(
            Code::Refused,
            format!("A probe of the account {name} is already running."),
            "Wait until it finishes, or stop it with DELETE.",
        );
        return Err(Refusal::new(StatusCode::CONFLICT, problem));
    }
    let item = ProbeItem::of(shared.probes.of(account.id));
    Ok((StatusCode::ACCEPTED, Json(item)))
}

/// Stops a running probe; it removes its test lead first.
pub(crate) async fn end(State(shared): State<Shared>, Named(name): Named) -> Result<StatusCode> {
    let configuration = shared.store.configuration().await?;
    shared.probes.end(known_account(&configuration, &name)?.id);
    Ok(StatusCode::NO_CONTENT)
}

/// A trait of an account that is set manually.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    answer: String,
}

pub(crate) async fn put_answer(
    State(shared): State<Shared>,
    asker: Asker,
    Path((account, question)): Path<(String, String)>,
    Input(Answer { answer }): Input<Answer>,
) -> Result<StatusCode> {
    set_answer(&shared, &asker, account, question, Some(answer)).await
}

pub(crate) async fn forget_answer(
    State(shared): State<Shared>,
    asker: Asker,
    Path((account, question)): Path<(String, String)>,
) -> Result<StatusCode> {
    set_answer(&shared, &asker, account, question, None).await
}

async fn set_answer(
    shared: &Shared,
    asker: &Asker,
    account: String,
    question: String,
    answer: Option<String>,
) -> Result<StatusCode> {
    known_account(&shared.store.configuration().await?, &account)?;
    let change = Change::SetAnswer { account, question, answer };
    shared.change(vec![change], &asker.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

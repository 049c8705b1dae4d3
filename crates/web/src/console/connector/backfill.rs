//! `/connectors/{name}/backfill`: leads that the source had before, counted first and then synced.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use plan::backfill::{BackfillState, Backfilled};
use plan::period;
use store::Backfill;

use super::page::{self, Faults};
use super::{Frame, Opened, open};
use crate::Shared;
use crate::api::{Confirmed, Refusal, begin_backfill, set_backfill};
use crate::backfill::{self, BackfillPlan, Guarded, Pace, duration};
use crate::console::form::Form;
use crate::console::visitor::Visitor;
use crate::console::words::{counted, number};
use crate::preview::Previewed;

const HERE: &str = "/backfill";

#[derive(Template)]
#[template(path = "connector_backfill.html")]
struct BackfillPage {
    page: &'static str,
    visitor: Visitor,
    frame: Frame,
    told: Option<&'static str>,
    faults: Faults,
    /// What was typed: since when.
    since: String,
    plan: Option<BackfillPlan>,
    /// Why what was counted is to be confirmed, if so.
    guarded: Option<Guarded>,
    /// The backfills, newest first.
    shown: Vec<Shown>,
    /// Whether one is under way.
    is_under_way: bool,
    is_filtered: bool,
    /// Whether activities were asked for too; `None`: the connector syncs none.
    activities: Option<bool>,
}

/// The progress of a connector's backfills alone, for an open page.
#[derive(Template)]
#[template(path = "backfill_progress.html")]
struct Progress {
    visitor: Visitor,
    frame: Frame,
    shown: Vec<Shown>,
}

/// A backfill as it is shown.
struct Shown {
    kept: Backfill,
    /// Its parts: the word for it, how many, and where they are.
    parts: Vec<(&'static str, String, String)>,
    pace: Pace,
}

impl Shown {
    fn of(kept: Backfill, now: Timestamp) -> Self {
        let id = kept.id;
        let found = |filter: &str| format!("/requests?backfill={id}{filter}");
        let parts = [
            ("created", kept.new, "&event=new"),
            ("updated", kept.updated, "&event=updated"),
            ("unchanged", kept.unchanged, "&event=unchanged"),
            ("skipped", kept.skipped, "&event=skipped"),
            ("failed", kept.failed, "&event=failed"),
            ("waiting", kept.waiting, "&job_status=queued"),
        ];
        let parts =
            parts.map(|(what, count, filter)| (what, number(count), found(filter))).to_vec();
        let pace = Pace::of(&kept, now);
        Self { kept, parts, pace }
    }

    /// How far it is, how fast, and when it ends; empty if nothing is known of that.
    fn progress(&self) -> String {
        let Pace { percent, per_minute, seconds_left, .. } = self.pace;
        let all = self.kept.expected.filter(|_| !self.is_read());
        let parts = [
            percent.map(|percent| format!("{percent} %")),
            all.map(|all| format!("of {}", counted(all, "lead", "leads"))),
            per_minute.map(|leads| format!("{} a minute", counted(leads, "lead", "leads"))),
            seconds_left.map(|seconds| format!("{} left", duration(seconds))),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ").replace(" %, of", " % of")
    }

    fn is_at_work(&self) -> bool {
        self.kept.state == BackfillState::Running
    }

    fn is_paused(&self) -> bool {
        self.kept.state == BackfillState::Paused
    }

    fn is_read(&self) -> bool {
        self.kept.page.is_none()
    }

    fn left_out(&self) -> String {
        number(self.kept.left_out)
    }

    fn read(&self) -> String {
        let leads = counted(self.kept.read, "lead", "leads");
        match self.kept.activities {
            0 => leads,
            count => format!("{leads} and {}", counted(count, "activity", "activities")),
        }
    }
}

impl BackfillPage {
    fn number(count: u64) -> String {
        number(count)
    }

    fn duration(plan: &BackfillPlan) -> String {
        duration(plan.seconds)
    }

    async fn read(shared: &Shared, visitor: Visitor, opened: Opened) -> store::Result<Self> {
        let Opened { connector, frame, .. } = opened;
        let shown = shown(shared, &connector).await?;
        Ok(Self {
            page: "Connectors",
            visitor,
            frame,
            told: None,
            faults: Faults::default(),
            since: String::new(),
            plan: None,
            guarded: None,
            is_under_way: shown.iter().any(|one| !one.kept.state.is_over()),
            shown,
            is_filtered: !connector.definition.filter.is_open(),
            activities: connector.definition.activity.enabled.then_some(false),
        })
    }
}

async fn shown(shared: &Shared, connector: &store::Connector) -> store::Result<Vec<Shown>> {
    let backfills = shared.store.backfills(Some(connector.id)).await?;
    let now = (shared.clock)();
    Ok(backfills.into_iter().map(|kept| Shown::of(kept, now)).collect())
}

pub(in crate::console) async fn show(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    page::LastAction(told): page::LastAction,
) -> Response {
    let opened = match open(&shared, &visitor, &name, HERE).await {
        Ok(opened) => opened,
        Err(response) => return response,
    };
    match BackfillPage::read(&shared, visitor, opened).await {
        Ok(shown) => page::page(StatusCode::OK, &BackfillPage { told, ..shown }),
        Err(error) => page::unavailable(&error),
    }
}

pub(in crate::console) async fn progress(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Response {
    let Opened { connector, frame, .. } = match open(&shared, &visitor, &name, HERE).await {
        Ok(opened) => opened,
        Err(response) => return response,
    };
    match shown(&shared, &connector).await {
        Ok(shown) => page::page(StatusCode::OK, &Progress { visitor, frame, shown }),
        Err(error) => page::unavailable(&error),
    }
}

/// Counts what a backfill would do, or begins it.
pub(in crate::console) async fn begin(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Form,
) -> Response {
    let opened = match open(&shared, &visitor, &name, HERE).await {
        Ok(opened) => opened,
        Err(response) => return response,
    };
    let since = form.text("since").trim().to_owned();
    let mut plan = None;
    let refusal = match read(&since, &form, (shared.clock)()) {
        Err(refusal) => Some(refusal),
        Ok(of) if form.text("do") == "begin" => {
            let Opened { configuration, connector, .. } = &opened;
            let actor = visitor.actor();
            let confirmed = confirmed(&form, &since);
            match begin_backfill(&shared, &actor, configuration, connector, of, confirmed).await {
                Ok(_) => return back(&opened.frame, "backfill_begun"),
                Err(refusal) => Some(refusal),
            }
        }
        Ok(of) => {
            let (store, accounts) = (shared.store.as_ref(), shared.accounts.as_ref());
            let previewed = Previewed {
                configuration: &opened.configuration,
                connector: &opened.connector,
                now: (shared.clock)(),
            };
            match backfill::plan(store, accounts, previewed, &of).await {
                Ok(counted) => {
                    plan = Some(counted);
                    None
                }
                Err(error) => Some(Refusal::from(error)),
            }
        }
    };
    let connector = opened.connector.clone();
    match BackfillPage::read(&shared, visitor, opened).await {
        Ok(shown) => {
            let status = refusal.as_ref().map_or(StatusCode::OK, Refusal::status);
            let faults = refusal.as_ref().map(Faults::of).unwrap_or_default();
            let definition = &connector.definition;
            let guarded = plan.as_ref().and_then(|plan| plan.guarded(definition));
            let asked = form.text("activities") == "yes";
            let activities = shown.activities.map(|_| asked);
            let shown = BackfillPage { faults, since, plan, guarded, activities, ..shown };
            page::page(status, &shown)
        }
        Err(error) => page::unavailable(&error),
    }
}

/// What was counted before counts, if it was for the same leads, and many changes were confirmed.
fn confirmed(form: &Form, since: &str) -> Confirmed {
    let is_same = form.text("counted_since") == since;
    let is_confirmed = form.text("guarded").is_empty() || !form.text("confirm").is_empty();
    match form.text("counted").parse() {
        Ok(leads) if is_same && is_confirmed => Confirmed::Yes { expected: Some(leads) },
        _ => Confirmed::No,
    }
}

fn read(since: &str, form: &Form, now: Timestamp) -> Result<Backfilled, Refusal> {
    let since = match since {
        "" => None,
        text => Some(period::parse(text, now).map_err(|what| Refusal::wrong("since", what))?),
    };
    let activities = form.text("activities") == "yes";
    Ok(Backfilled { since, activities, ..Backfilled::default() })
}

/// Pauses, resumes or cancels a backfill.
pub(in crate::console) async fn set(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path((name, number)): Path<(String, String)>,
    form: Form,
) -> Response {
    let Opened { connector, frame, .. } = match open(&shared, &visitor, &name, HERE).await {
        Ok(opened) => opened,
        Err(response) => return response,
    };
    let (state, told) = match form.text("do") {
        "pause" => (BackfillState::Paused, "backfill_paused"),
        "cancel" => (BackfillState::Cancelled, "backfill_cancelled"),
        _ => (BackfillState::Running, "backfill_resumed"),
    };
    match set_backfill(&shared, &visitor.actor(), &connector, &number, state).await {
        Ok(_) => back(&frame, told),
        Err(refusal) => page::refused(&refusal),
    }
}

fn back(frame: &Frame, told: &str) -> Response {
    let path = format!("{}{HERE}", frame.address);
    Redirect::to(&page::with_told(&path, told)).into_response()
}

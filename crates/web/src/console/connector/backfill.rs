//! `/connectors/{name}/backfill`: leads that the source had before, counted first and then synced.

use admin::backfill;
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use plan::backfill::{BackfillPlan, BackfillState, Backfilled, Guarded, Planning};
use plan::connector::FirstMeeting;
use plan::period;
use store::{Backfill, Configuration, Connector};

use super::page::{self, Faults, of_the_page};
use super::{Frame, Opened, open};
use crate::Shared;
use crate::api::Refusal;
use crate::console::form::Form;
use crate::console::visitor::Visitor;
use crate::console::words::{counted, number};
use admin::backfill::{Pace, duration};

const HERE: &str = "/backfill";
/// How many differing fields are shown.
const MOST_FIELDS: usize = 8;

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
    counted: Counted,
    /// The backfills, newest first.
    shown: Vec<Shown>,
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
    counted: Counted,
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
    fn of(kept: Backfill, pace: Pace) -> Self {
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
        Self { kept, parts, pace }
    }

    /// How far it is, how fast, and when it ends; empty if nothing is known of that.
    fn progress(&self) -> String {
        let Pace { percent, per_minute, seconds_left, .. } = self.pace;
        let all = self.kept.expected.filter(|_| !self.is_read());
        let parts = [
            percent.map(|percent| format!("{percent}%")),
            all.map(|all| format!("of {}", counted(all, "lead", "leads"))),
            per_minute.map(|leads| format!("{} per minute", counted(leads, "lead", "leads"))),
            seconds_left.map(|seconds| format!("{} left", duration(seconds))),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ").replace("%, of", "% of")
    }

    fn is_at_work(&self) -> bool {
        self.kept.state == BackfillState::Running
    }

    /// Whether its numbers still change: a paused or cancelled one syncs what it has read.
    fn is_moving(&self) -> bool {
        self.is_at_work() || self.kept.state != BackfillState::Done && self.kept.waiting > 0
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

/// What a backfill would do, as far as it was counted.
struct Counted {
    planning: Planning,
    /// The last plan, if it is of what a backfill that begins now would do.
    plan: Option<BackfillPlan>,
    /// Why it is to be confirmed, if so.
    guarded: Option<Guarded>,
    /// Whether a backfill can begin.
    can_begin: bool,
    /// What happens to leads that both accounts have and no link ties yet.
    meeting: String,
}

impl Counted {
    async fn read(
        shared: &Shared,
        configuration: &Configuration,
        connector: &Connector,
        shown: &[Shown],
    ) -> store::Result<Self> {
        let planning = shared.store.planning(connector.id).await?;
        let of = planning.plan_of.clone().unwrap_or_default();
        // A count from before the last backfill started is outdated.
        let begun_at = shown.iter().map(|one| one.kept.begun_at).max();
        let plan = planning
            .fresh(&of, connector.version, (shared.clock)())
            .filter(|_| planning.at > begun_at)
            .cloned();
        let guarded = plan.as_ref().and_then(|plan| plan.guarded(&connector.definition));
        let is_under_way = shown.iter().any(|one| !one.kept.state.is_over());
        let can_begin = connector.enabled && plan.is_some() && !is_under_way;
        let is_pair = configuration.opposite(connector).is_some_and(|opposite| opposite.enabled);
        let meeting = meeting(connector, is_pair);
        Ok(Self { planning, plan, guarded, can_begin, meeting })
    }

    fn number(count: u64) -> String {
        number(count)
    }

    fn duration(plan: &BackfillPlan) -> String {
        duration(plan.seconds)
    }

    /// The fields in which most leads differ.
    fn fields(plan: &BackfillPlan) -> Vec<(&str, u64)> {
        let mut fields = plan.fields_by_count();
        fields.truncate(MOST_FIELDS);
        fields
    }

    fn has_activities(&self) -> bool {
        self.planning.plan_of.as_ref().is_some_and(|of| of.activities)
    }
}

/// What happens to leads that both accounts have and no link ties yet, in words.
fn meeting(connector: &Connector, is_pair: bool) -> String {
    let definition = &connector.definition;
    let (source, destination) = (&definition.source, &definition.destination);
    if !is_pair {
        return format!("different values in {destination} are overwritten with those of {source}");
    }
    let differs = match definition.conflict.first_meeting {
        FirstMeeting::Changed | FirstMeeting::FillBlank => "are not changed".to_owned(),
        FirstMeeting::Source => format!("get the value of {source}"),
        FirstMeeting::Destination => format!("get the value of {destination}"),
        FirstMeeting::Newest => "get the value of the lead that was modified last".to_owned(),
    };
    format!("empty fields are filled from the other account, and fields that differ {differs}")
}

impl BackfillPage {
    async fn read(shared: &Shared, visitor: Visitor, opened: Opened) -> store::Result<Self> {
        let Opened { configuration, connector, frame } = opened;
        let shown = shown(shared, &configuration, &connector).await?;
        Ok(Self {
            page: "Connectors",
            visitor,
            frame,
            told: None,
            faults: Faults::default(),
            since: String::new(),
            counted: Counted::read(shared, &configuration, &connector, &shown).await?,
            shown,
            is_filtered: !connector.definition.filter.is_open(),
            activities: connector.definition.activity.enabled.then_some(false),
        })
    }
}

async fn shown(
    shared: &Shared,
    configuration: &Configuration,
    connector: &Connector,
) -> store::Result<Vec<Shown>> {
    let (store, now) = (shared.store.as_ref(), (shared.clock)());
    let backfills = store.backfills(Some(connector.id)).await?;
    let paces = Pace::of_all(store, configuration, &backfills, now).await?;
    Ok(backfills.into_iter().zip(paces).map(|(kept, pace)| Shown::of(kept, pace)).collect())
}

pub(in crate::console) async fn show(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    page::LastAction(told): page::LastAction,
) -> page::Shown {
    let opened = open(&shared, &visitor, &name, HERE).await?;
    let shown = BackfillPage::read(&shared, visitor, opened).await?;
    Ok(page::page(StatusCode::OK, &BackfillPage { told, ..shown }))
}

pub(in crate::console) async fn progress(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> page::Shown {
    let opened = open(&shared, &visitor, &name, HERE).await?;
    let Opened { configuration, connector, frame } = opened;
    let shown = shown(&shared, &configuration, &connector).await?;
    let counted = Counted::read(&shared, &configuration, &connector, &shown).await?;
    Ok(page::page(StatusCode::OK, &Progress { visitor, frame, counted, shown }))
}

/// Counts what a backfill would do, or starts the counted backfill.
pub(in crate::console) async fn begin(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Form,
) -> page::Shown {
    let opened = open(&shared, &visitor, &name, HERE).await?;
    let refusal = match carry_out(&shared, &visitor, &opened.connector, &form).await {
        Ok(told) => return Ok(back(&opened.frame, told)),
        Err(refusal) => refusal,
    };
    let shown = BackfillPage::read(&shared, visitor, opened).await?;
    let activities = shown.activities.map(|_| form.text("activities") == "yes");
    let (faults, since) = (Faults::of(&refusal), form.text("since").trim().to_owned());
    let shown = BackfillPage { faults, since, activities, ..shown };
    Ok(page::page(refusal.status(), &shown))
}

/// Does what the button says; returns what to tell of it.
async fn carry_out(
    shared: &Shared,
    visitor: &Visitor,
    connector: &Connector,
    form: &Form,
) -> Result<&'static str, Refusal> {
    let (actor, now) = (visitor.actor(), (shared.clock)());
    if form.text("do") != "begin" {
        let of = read(form, now)?;
        backfill::ask_for_plan(shared, &actor, connector, &of).await?;
        return Ok("backfill_planned");
    }
    let planning = shared.store.planning(connector.id).await?;
    let is_shown = planning.at.is_some_and(|at| at.to_string() == form.text("planned_at"));
    let (Some(of), true) = (planning.plan_of, is_shown) else {
        let what = "The leads were counted again after you opened this page. Check the new count, \
                    and start the backfill there.";
        return Err(of_the_page(StatusCode::BAD_REQUEST, what));
    };
    let confirms = !form.text("confirm").is_empty();
    backfill::begin(shared, &actor, connector, of, confirms).await?;
    Ok("backfill_begun")
}

fn read(form: &Form, now: Timestamp) -> Result<Backfilled, Refusal> {
    let since = match form.text("since").trim() {
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
) -> page::Shown {
    let Opened { connector, frame, .. } = open(&shared, &visitor, &name, HERE).await?;
    let (state, told) = match form.text("do") {
        "pause" => (BackfillState::Paused, "backfill_paused"),
        "cancel" => (BackfillState::Cancelled, "backfill_cancelled"),
        _ => (BackfillState::Running, "backfill_resumed"),
    };
    backfill::set(&shared, &visitor.actor(), &connector, &number, state).await?;
    Ok(back(&frame, told))
}

fn back(frame: &Frame, told: &str) -> Response {
    let path = format!("{}{HERE}", frame.address);
    Redirect::to(&page::with_told(&path, told)).into_response()
}

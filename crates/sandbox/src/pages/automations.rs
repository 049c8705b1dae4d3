//! Listing, publishing, pausing and removing automations.

use super::page;
use crate::account::RUNS_A_DAY;
use crate::{Automation, AutomationId, Sandbox, Trigger};
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "automations.html")]
struct List<'a> {
    account: &'a str,
    most: u32,
    refusal: Option<&'a str>,
    rows: Vec<Row>,
}

struct Row {
    id: String,
    name: String,
    trigger: String,
    url: String,
    retries: u32,
    cut_off: u64,
    enabled: bool,
}

fn show(sandbox: &Sandbox, refusal: Option<&str>) -> Response {
    let rows = sandbox.automations().into_iter().map(|(id, automation, enabled, cut_off)| Row {
        id: id.0.to_string(),
        name: automation.name,
        trigger: automation.trigger.to_string(),
        url: automation.url,
        retries: automation.retries,
        cut_off,
        enabled,
    });
    page(&List { account: sandbox.name(), most: RUNS_A_DAY, refusal, rows: rows.collect() })
}

pub(super) async fn list(State(sandbox): State<Sandbox>) -> Response {
    show(&sandbox, None)
}

#[derive(Deserialize)]
pub(super) struct New {
    name: String,
    trigger: String,
    url: String,
    retries: u32,
}

pub(super) async fn add(State(sandbox): State<Sandbox>, Form(new): Form<New>) -> Response {
    let trigger = match new.trigger.as_str() {
        "new_lead" => Trigger::NewLead,
        "lead_update" => Trigger::LeadUpdate(Vec::new()),
        "new_activity" => Trigger::NewActivity(Vec::new()),
        "activity_update" => Trigger::ActivityUpdate(Vec::new()),
        _ => return show(&sandbox, Some("Unknown trigger.")),
    };
    let url = new.url.trim();
    if !(url.starts_with("http://") || url.starts_with("https://")) {
        return show(&sandbox, Some("The webhook URL must begin with http:// or https://."));
    }
    sandbox.add_automation(Automation {
        name: new.name.trim().to_owned(),
        trigger,
        url: url.to_owned(),
        retries: new.retries,
    });
    Redirect::to("/automations").into_response()
}

#[derive(Deserialize)]
pub(super) struct Changed {
    r#do: String,
}

pub(super) async fn change(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    Form(changed): Form<Changed>,
) -> Response {
    let id = AutomationId(id.into());
    let done = match changed.r#do.as_str() {
        "enable" => sandbox.set_automation_enabled(&id, true),
        "disable" => sandbox.set_automation_enabled(&id, false),
        "remove" => sandbox.remove_automation(&id),
        _ => false,
    };
    if done {
        Redirect::to("/automations").into_response()
    } else {
        show(&sandbox, Some("This automation no longer exists."))
    }
}

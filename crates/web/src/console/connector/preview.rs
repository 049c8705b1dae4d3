//! `/connectors/{name}/preview`: what a payload would do.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use plan::mapping::{MappedField, Sent};
use plan::preview::RecordPreview;
use store::Origin;

use super::page;
use super::{Frame, Opened, open};
use crate::Shared;
use crate::api::Refusal;
use crate::console::form::Form;
use crate::console::visitor::Visitor;
use admin::preview::{Payload, Previewed};

#[derive(Template)]
#[template(path = "connector_preview.html")]
struct Preview {
    page: &'static str,
    visitor: Visitor,
    frame: Frame,
    told: Option<&'static str>,
    payload: String,
    records: Option<Vec<RecordPreview>>,
    /// The problem, and what to do.
    wrong: Option<(String, String)>,
}

impl Preview {
    fn new(visitor: Visitor, frame: Frame, payload: &str) -> Self {
        let payload = payload.to_owned();
        let page = "Connectors";
        Self { page, visitor, frame, told: None, payload, records: None, wrong: None }
    }

    fn json(value: &impl serde::Serialize) -> String {
        serde_json::to_string_pretty(value).unwrap_or_default()
    }

    /// The record's value of a field.
    fn sent(field: &MappedField) -> &str {
        match &field.sent {
            Sent::Absent => "(not sent)",
            Sent::Blank => "(empty: destination value is kept)",
            Sent::Clear => "(empty: destination value is cleared)",
            Sent::Value(value) => value,
        }
    }

    fn decision(record: &RecordPreview) -> String {
        decision_word(record)
    }
}

/// What would happen, in a word.
pub(super) fn decision_word(record: &RecordPreview) -> String {
    record.plan.kind.as_str().replace('_', " ")
}

pub(in crate::console) async fn show(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> page::Shown {
    let frame = open(&shared, &visitor, &name, "/preview").await?.frame;
    Ok(page::page(StatusCode::OK, &Preview::new(visitor, frame, "")))
}

pub(in crate::console) async fn preview(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Form,
) -> page::Shown {
    let Opened { configuration, connector, frame } =
        open(&shared, &visitor, &name, "/preview").await?;
    let payload = form.text("payload");
    let mut shown = Preview::new(visitor, frame, payload);
    let previewed = admin::preview::preview(
        shared.store.as_ref(),
        shared.accounts.as_ref(),
        Previewed { configuration: &configuration, connector: &connector, now: (shared.clock)() },
        Payload { body: payload.as_bytes(), content_type: None, origin: Origin::Webhook },
    );
    let status = match previewed.await {
        Ok(records) => {
            shown.records = Some(records);
            StatusCode::OK
        }
        Err(error) => {
            let refusal = Refusal::from(error);
            shown.wrong = Some((refusal.message(), refusal.advice().to_owned()));
            refusal.status()
        }
    };
    Ok(page::page(status, &shown))
}

//! What every page has.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use plan::connector::Fault;
use plan::problem::{Code, Problem};

use crate::api::Refusal;

/// Nothing from other hosts, nothing inline, not in a frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

pub(super) fn protect(response: &mut Response) {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
}

/// An option of a choice.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) chosen: bool,
}

/// The options, each with its value and label, and the chosen one marked.
pub(super) fn choices<'a>(
    all: impl IntoIterator<Item = (&'a str, &'a str)>,
    chosen: &str,
) -> Vec<Choice> {
    let choice = |(value, label): (&str, &str)| Choice {
        value: value.to_owned(),
        label: label.to_owned(),
        chosen: value == chosen,
    };
    all.into_iter().map(choice).collect()
}

/// A page, with this status.
pub(super) fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page can't be made");
            (StatusCode::INTERNAL_SERVER_ERROR, "This page can't be made.").into_response()
        }
    }
}

#[derive(Template)]
#[template(path = "wrong.html")]
struct Wrong<'a> {
    title: &'a str,
    what: &'a str,
}

pub(super) fn forbidden(what: &str) -> Response {
    page(StatusCode::FORBIDDEN, &Wrong { title: "This is not allowed", what })
}

pub(super) fn not_found(what: &str) -> Response {
    let what = format!("There is {what} like this; it may have been removed with its connector.");
    page(StatusCode::NOT_FOUND, &Wrong { title: "It is not here", what: &what })
}

pub(super) fn unavailable(error: &store::Error) -> Response {
    tracing::warn!(%error, "a page could not be made");
    if let store::Error::Defect(_) = error {
        let what = "Trying again will not help. Please report what the log of the service says.";
        let title = "This is a defect in leadsync";
        return page(StatusCode::INTERNAL_SERVER_ERROR, &Wrong { title, what });
    }
    let what = "The database does not answer. Try again in a moment; the log of the service says \
                more.";
    let title = "leadsync can't be reached now";
    page(StatusCode::SERVICE_UNAVAILABLE, &Wrong { title, what })
}

/// A refusal in the words of a page, where nothing is wrong with a single setting.
pub(super) fn of_the_page(status: StatusCode, message: &str) -> Refusal {
    Refusal::new(status, Problem::new(Code::Refused, message, "Look at the page again."))
}

/// The faults of a form, at their places and as a whole.
#[derive(Debug, Default)]
pub(super) struct Faults {
    faults: Vec<Fault>,
    whole: Option<String>,
}

impl From<Vec<Fault>> for Faults {
    fn from(faults: Vec<Fault>) -> Self {
        Self { faults, whole: None }
    }
}

impl Faults {
    pub(super) fn of(refusal: &Refusal) -> Self {
        let faults = refusal.faults().to_vec();
        let whole = faults.is_empty().then(|| refusal.message());
        Self { faults, whole }
    }

    /// The faults of this setting.
    pub(super) fn at(&self, place: &str) -> Option<&str> {
        let fault = self.faults.iter().find(|fault| fault.at == place)?;
        Some(&fault.what)
    }

    /// All faults, for the head of the form.
    pub(super) fn all(&self) -> Vec<String> {
        let parts = self.faults.iter().map(|Fault { at, what }| format!("{at} {what}."));
        self.whole.iter().cloned().chain(parts).collect()
    }
}

/// The address of one of our own pages, never of another host.
pub(super) fn own_path(path: &str) -> &str {
    let is_path = path.starts_with('/') && !path.starts_with("//") && !path.contains('\\');
    if is_path && !path.contains(char::is_control) { path } else { "/" }
}

/// What a page says about the last action, by its word in the address.
const TOLD: [(&str, &str); 33] = [
    ("backfill_begun", "The backfill has started."),
    ("backfill_paused", "Paused: no more leads are read. Those that were read are synced."),
    ("backfill_resumed", "Resumed."),
    ("compare_begun", "The accounts are being compared. Nothing is written."),
    ("sweep_begun", "A sweep has started."),
    ("sweep_confirmed", "Confirmed: the next sweep syncs what it finds."),
    ("differences_synced", "The leads are being synced. Compare again to see the result."),
    ("confirmed", "The connector has resumed. It will not be held again for 24 hours."),
    ("backfill_planned", "The leads are being counted. Nothing is written."),
    ("differences_left", "None of these leads can be synced in this direction."),
    ("backfill_cancelled", "Cancelled: no more leads are read. Those that were read are synced."),
    ("saved", "Saved."),
    (
        "right_region",
        "Saved, with the host of another region: LeadSquared says that the account is there.",
    ),
    ("stopping", "Stopping: a test lead is deleted first."),
    ("no_probe", "No probe of this account is running here, so there is nothing to stop."),
    ("probe_runs", "A probe of this account is running already, and goes on."),
    ("restored", "Brought back: its settings are in force again, as the newest version."),
    ("added", "Added."),
    ("password_set", "The new password is set; every session of this user ended."),
    ("signed_out", "Signed out everywhere."),
    ("removed", "Removed."),
    ("enabled", "Enabled: requests are worked from now on."),
    ("disabled", "Disabled: nothing is written until it is enabled again."),
    ("decided", "Decided."),
    ("decided_and_retried", "Decided: what waited for it is tried again."),
    ("released", "Released: the field is written again, unless it goes back and forth once more."),
    ("undone", "Undone: it is to be decided again."),
    ("retried", "The retry has begun."),
    ("renewed", "Read again."),
    ("nothing_failed", "Nothing of it has ended, so there is nothing to retry."),
    ("none_linked", "No linked lead came by this connector, so there is nothing to update."),
    ("none_selected", "Nothing was selected: tick the boxes of failed requests first."),
    ("cancelled", "Cancelled: what had not begun stands as it did before."),
];

pub(super) fn told(given: &BTreeMap<String, String>) -> Option<&'static str> {
    let word = given.get("told")?;
    TOLD.iter().find(|(other, _)| other == word).map(|(_, text)| *text)
}

/// The last action, from the address.
pub(super) struct LastAction(pub(super) Option<&'static str>);

impl<S: Send + Sync> FromRequestParts<S> for LastAction {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let given = Query::<BTreeMap<String, String>>::from_request_parts(parts, state).await;
        Ok(Self(given.ok().and_then(|Query(given)| told(&given))))
    }
}

/// The path of a page that says so.
pub(super) fn with_told(path: &str, word: &str) -> String {
    let joint = if path.contains('?') { '&' } else { '?' };
    format!("{path}{joint}told={word}")
}

/// The request was refused.
pub(super) fn refused(refusal: &Refusal) -> Response {
    let what = format!("{} {}", refusal.message(), refusal.advice());
    page(refusal.status(), &Wrong { title: "This was not done", what: &what })
}

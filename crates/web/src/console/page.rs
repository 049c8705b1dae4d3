//! What every page has.

use std::collections::BTreeMap;

use admin::pairing::BACK;
use admin::settings::{label, label_of};
use askama::Template;
use axum::extract::{FromRequestParts, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Response};
use plan::connector::{Definition, Fault};
use plan::problem::{Code, Problem};

use crate::api::Refusal;

/// An option of a choice.
#[derive(Clone)]
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
            (StatusCode::INTERNAL_SERVER_ERROR, "This page can't be displayed.").into_response()
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
    page(StatusCode::FORBIDDEN, &Wrong { title: "Access denied", what })
}

/// That a request can't be valid.
pub(crate) fn invalid(what: &str) -> Response {
    page(StatusCode::BAD_REQUEST, &Wrong { title: "Invalid request", what })
}

/// That something worked once, and no longer.
pub(super) fn gone(what: &str) -> Response {
    page(StatusCode::GONE, &Wrong { title: "No longer valid", what })
}

/// That a request is for another host.
pub(crate) fn wrong_host(what: &str) -> Response {
    page(StatusCode::MISDIRECTED_REQUEST, &Wrong { title: "Wrong address", what })
}

pub(super) fn too_slow() -> Response {
    let what = "The form did not arrive in time. Go back, and submit it again.";
    page(StatusCode::REQUEST_TIMEOUT, &Wrong { title: "Timeout", what })
}

pub(super) fn not_found(what: &str) -> Response {
    let what = format!("This {what} was not found. It may have been removed.");
    page(StatusCode::NOT_FOUND, &Wrong { title: "Page not found", what: &what })
}

pub(super) fn unavailable(error: &store::Error) -> Response {
    tracing::warn!(%error, "a page could not be made");
    if let store::Error::Defect(_) = error {
        let what = "Retrying will not help. Please report what the server log says.";
        let title = "Internal error in leadsync";
        return page(StatusCode::INTERNAL_SERVER_ERROR, &Wrong { title, what });
    }
    let what = "The database is not responding. Reload the page in a moment; see the server log for \
                details.";
    let title = "leadsync is not available";
    page(StatusCode::SERVICE_UNAVAILABLE, &Wrong { title, what })
}

/// The page that is shown instead of the one that was asked for, because something failed.
pub(super) struct Instead(Response);

/// A page, or what is shown instead.
pub(super) type Shown = Result<Response, Instead>;

impl IntoResponse for Instead {
    fn into_response(self) -> Response {
        self.0
    }
}

impl From<Response> for Instead {
    fn from(response: Response) -> Self {
        Self(response)
    }
}

impl From<store::Error> for Instead {
    fn from(error: store::Error) -> Self {
        Self(unavailable(&error))
    }
}

impl From<Refusal> for Instead {
    fn from(refusal: Refusal) -> Self {
        Self(refused(refusal))
    }
}

impl From<admin::preview::NotPreviewed> for Instead {
    fn from(error: admin::preview::NotPreviewed) -> Self {
        Self(refused(error))
    }
}

impl From<admin::Refused> for Instead {
    fn from(refusal: admin::Refused) -> Self {
        Self(refused(refusal))
    }
}

/// A refusal in the words of a page, where nothing is wrong with a single setting.
pub(super) fn of_the_page(status: StatusCode, message: &str) -> Refusal {
    Refusal::new(status, Problem::new(Code::Refused, message, "Reload the page."))
}

/// The faults of a form, at their places and as a whole.
#[derive(Debug, Default)]
pub(super) struct Faults {
    faults: Vec<Fault>,
    /// All of them for the head of the form, in the words of the page.
    lines: Vec<String>,
}

impl From<Vec<Fault>> for Faults {
    fn from(faults: Vec<Fault>) -> Self {
        Self::named(faults, label)
    }
}

impl Faults {
    fn named(faults: Vec<Fault>, name: impl Fn(&str) -> String) -> Self {
        let line = |Fault { at, what }: &Fault| match at.strip_prefix(BACK) {
            Some(at) => format!("Way back, {}: {what}.", name(at)),
            None => format!("{}: {what}.", name(at)),
        };
        Self { lines: faults.iter().map(line).collect(), faults }
    }

    pub(super) fn of(refusal: &Refusal) -> Self {
        Self::of_named(refusal, label)
    }

    /// The same for settings of a connector, whose rows are named by the fields that they fill.
    pub(super) fn of_settings(refusal: &Refusal, definition: &Definition) -> Self {
        Self::of_named(refusal, |at| label_of(definition, at))
    }

    fn of_named(refusal: &Refusal, name: impl Fn(&str) -> String) -> Self {
        let faults = Self::named(refusal.faults().to_vec(), name);
        match faults.faults.as_slice() {
            [] => Self { lines: vec![refusal.message()], ..faults },
            _ => faults,
        }
    }

    /// The faults of this setting.
    pub(super) fn at(&self, place: &str) -> Option<&str> {
        let fault = self.faults.iter().find(|fault| fault.at == place)?;
        Some(&fault.what)
    }

    /// All faults, for the head of the form.
    pub(super) fn all(&self) -> &[String] {
        &self.lines
    }
}

/// The address of one of our own pages, never of another host.
pub(super) fn own_path(path: &str) -> &str {
    let is_path = path.starts_with('/') && !path.starts_with("//") && !path.contains('\\');
    if is_path && !path.contains(char::is_control) { path } else { "/" }
}

/// What a page says about the last action, by its word in the address.
const TOLD: &[(&str, &str)] = &[
    ("backfill_begun", "The backfill has started."),
    ("backfill_paused", "Backfill paused. Leads already read are still synced."),
    ("backfill_resumed", "Backfill resumed."),
    ("compare_begun", "The comparison has started. Nothing is written."),
    ("sweep_begun", "A sweep has started."),
    ("sweep_confirmed", "Confirmed. The next sweep syncs what it finds."),
    ("differences_synced", "The leads are being synced. Compare again to see the result."),
    ("confirmed", "The connector has resumed. It will not be held again for 24 hours."),
    ("backfill_planned", "The count has started. Nothing is written."),
    ("differences_left", "None of these leads can be synced in this direction."),
    ("backfill_cancelled", "Backfill cancelled. Leads already read are still synced."),
    ("saved", "Saved."),
    ("right_region", "Saved with the host of another region, where LeadSquared found the account."),
    ("stopping", "Stopping the probe. A test lead is deleted first."),
    ("no_probe", "No probe of this account is running."),
    ("probe_runs", "A probe of this account is already running."),
    ("restored", "Version restored as the newest version."),
    ("added", "Added."),
    ("password_set", "Password changed. All sessions of this user have ended."),
    ("signed_out", "Signed out everywhere."),
    ("removed", "Removed."),
    ("enabled", "Connector enabled."),
    ("both_enabled", "Both connectors enabled."),
    ("disabled", "Connector disabled. Nothing is synced until it is enabled."),
    ("decided", "Review resolved."),
    ("decided_and_retried", "Review resolved. Retrying held changes."),
    ("resolved_by_rule", "Reviews resolved. Retrying held changes."),
    ("none_resolved", "No review was resolved: the rule decides none of the open ones."),
    ("own_password_set", "Password changed."),
    ("second_factor_off", "Second factor turned off."),
    ("uninvited", "Invite removed. Its link no longer works."),
    ("invited", "Invite emailed. The link works once, for 3 days."),
    ("released", "Field released. It syncs again unless another loop is detected."),
    ("url_replaced", "Webhook URL replaced. Put the new one into the automations."),
    ("urls_ended", "The old webhook URLs are no longer valid."),
    ("view_saved", "View saved."),
    ("view_renamed", "View renamed."),
    ("view_removed", "View removed."),
    ("lead_syncing", "The lead was read and is being synced."),
    ("undone", "Decision undone. The review is open again."),
    ("retried", "The retry has started."),
    ("renewed", "Refreshed."),
    ("fixed", "Settings saved. Retrying the failed records."),
    ("metadata_read", "Metadata refreshed. The preview uses it."),
    ("dismissed", "Dismissed. These failures come back if they recur."),
    ("reopened", "Restored. These failures need attention again."),
    ("nothing_failed", "No finished records to retry."),
    ("none_linked", "This connector has no linked leads to update."),
    ("none_selected", "Select at least one failed request."),
    ("cancelled", "Retry cancelled. Requests not yet started stay as they were."),
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
pub(super) fn refused(refusal: impl Into<Refusal>) -> Response {
    let refusal = refusal.into();
    let what = format!("{} {}", refusal.message(), refusal.advice());
    page(refusal.status(), &Wrong { title: "That didn't work", what: &what })
}

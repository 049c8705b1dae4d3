//! `/alerts`: the addresses that receive alerts.

use admin::alerts::{self, AlertItem, AlertWish};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use store::{LastAlert, MailState};

use super::form::Form;
use super::page::{self, Faults, LastAction};
use super::visitor::Visitor;
use crate::Shared;
use crate::api::{Refusal, alert_number};

#[derive(Template)]
#[template(path = "alerts.html")]
struct AlertsPage {
    page: &'static str,
    visitor: Visitor,
    told: Option<&'static str>,
    faults: Faults,
    /// The outcome of a test, and the address.
    tested: Option<(String, LastAlert)>,
    mails_are_sent: bool,
    alerts: Vec<AlertItem>,
    /// The names of all connectors, and whether each is chosen.
    connectors: Vec<(String, bool)>,
    /// The typed email address. A URL is a secret and never comes back.
    typed: String,
    /// Whether only the chosen connectors were asked for.
    some: bool,
}

impl AlertsPage {
    async fn read(shared: &Shared, visitor: Visitor) -> admin::Result<Self> {
        let configuration = shared.store.configuration().await?;
        let name = |connector: &store::Connector| connector.definition.name.clone();
        Ok(Self {
            page: "Alerts",
            visitor,
            told: None,
            faults: Faults::default(),
            tested: None,
            mails_are_sent: shared.mails_are_sent,
            alerts: alerts::list(shared).await?,
            connectors: configuration.connectors.iter().map(|one| (name(one), false)).collect(),
            typed: String::new(),
            some: false,
        })
    }

    /// The tone and the word for what was last sent to an address.
    fn outcome(last: &LastAlert) -> (&'static str, &'static str) {
        match (last.state, &last.error) {
            (MailState::Sent, _) => ("good", "Delivered"),
            (MailState::Logged, _) => ("warn", "Only logged"),
            (MailState::Queued, None) => ("busy", "Sending"),
            (MailState::Queued, Some(_)) => ("warn", "Retrying"),
            (MailState::GivenUp, _) => ("bad", "Not delivered"),
        }
    }

    /// The class of the box with the outcome of a test, and what it says.
    fn verdict(address: &str, test: &LastAlert) -> (&'static str, String) {
        match test.state {
            MailState::Sent => ("told", format!("The test was delivered to {address}.")),
            MailState::Logged => (
                "warning",
                format!(
                    "The test to {address} was only written to the server log, because email is \
                     not configured."
                ),
            ),
            MailState::Queued => (
                "info",
                format!(
                    "The test to {address} is still being sent. Reload this page to see the outcome."
                ),
            ),
            MailState::GivenUp => ("wrong", format!("The test to {address} was not delivered.")),
        }
    }

    /// Whether an email would only be logged.
    fn lacks_mail(&self) -> bool {
        !self.mails_are_sent && self.alerts.iter().any(|alert| !alert.is_webhook)
    }
}

fn unavailable(refused: admin::Refused) -> Response {
    match refused {
        admin::Refused::Store(error) => page::unavailable(&error),
        other => page::refused(other),
    }
}

pub(super) async fn show(
    State(shared): State<Shared>,
    visitor: Visitor,
    LastAction(told): LastAction,
) -> Response {
    match AlertsPage::read(&shared, visitor).await {
        Ok(alerts) => page::page(StatusCode::OK, &AlertsPage { told, ..alerts }),
        Err(refused) => unavailable(refused),
    }
}

/// The page again, with the faults and the input.
async fn again(shared: &Shared, visitor: Visitor, form: &Form, refusal: &Refusal) -> Response {
    let alerts = match AlertsPage::read(shared, visitor).await {
        Ok(alerts) => alerts,
        Err(refused) => return unavailable(refused),
    };
    let typed = form.text("address");
    let is_chosen = |name: &str| form.texts("connector").any(|chosen| chosen == name);
    let connectors = alerts.connectors.iter().map(|(name, _)| (name.clone(), is_chosen(name)));
    let again = AlertsPage {
        faults: Faults::of(refusal),
        typed: if typed.contains("://") { String::new() } else { typed.to_owned() },
        some: form.text("of") == "some",
        connectors: connectors.collect(),
        ..alerts
    };
    page::page(refusal.status(), &again)
}

pub(super) async fn add(State(shared): State<Shared>, visitor: Visitor, form: Form) -> Response {
    let chosen = || form.texts("connector").map(str::to_owned).collect();
    let wish = AlertWish {
        address: form.secret("address"),
        connectors: (form.text("of") == "some").then(chosen),
    };
    match alerts::add(&shared, &visitor.actor(), wish).await {
        Ok(_) => Redirect::to(&page::with_told("/alerts", "added")).into_response(),
        Err(refused) => again(&shared, visitor, &form, &refused.into()).await,
    }
}

/// Sends a test. The page with its outcome is the response itself: reloading `/alerts` sends no other.
pub(super) async fn test(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Response {
    let tested = async {
        let id = alert_number(&id)?;
        Ok::<_, Refusal>((id, alerts::test(&shared, &visitor.actor(), id).await?))
    };
    let (id, test) = match tested.await {
        Ok(tested) => tested,
        Err(refusal) => return page::refused(refusal),
    };
    match AlertsPage::read(&shared, visitor).await {
        Ok(alerts) => {
            let address = alerts.alerts.iter().find(|alert| alert.id == id);
            let tested = address.map(|alert| (alert.address.clone(), test));
            page::page(StatusCode::OK, &AlertsPage { tested, ..alerts })
        }
        Err(refused) => unavailable(refused),
    }
}

pub(super) async fn remove(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Response {
    let removed = async {
        alerts::remove(&shared, &visitor.actor(), alert_number(&id)?).await?;
        Ok::<_, Refusal>(())
    };
    match removed.await {
        Ok(()) => Redirect::to(&page::with_told("/alerts", "removed")).into_response(),
        Err(refusal) => page::refused(refusal),
    }
}

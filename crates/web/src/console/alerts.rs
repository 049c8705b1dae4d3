//! `/alerts`: the addresses that receive alerts.

use admin::alerts::{self, AlertEdit, AlertItem, AlertWish};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use plan::digest::{Digest, Every};
use store::{Configuration, LastAlert, MailState};

use super::form::Form;
use super::page::{self, Choice, Faults, LastAction, Shown};
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
    receives: Receives,
    /// The typed email address. A URL is a secret and never comes back.
    typed: String,
}

/// The page of one address.
#[derive(Template)]
#[template(path = "alert_edit.html")]
struct EditPage {
    page: &'static str,
    visitor: Visitor,
    told: Option<&'static str>,
    faults: Faults,
    alert: AlertItem,
    receives: Receives,
}

/// What an address receives, as the form has it.
struct Receives {
    /// Whether only the chosen connectors are asked for,
    some: bool,
    /// the names of all connectors, and whether each is chosen.
    connectors: Vec<(String, bool)>,
    /// Whether alerts are sent at once.
    immediate: bool,
    /// How often a digest is sent,
    digests: Vec<Choice>,
    /// and at which hour.
    hours: Vec<Choice>,
    /// Whose time zone the hour is in.
    zone: Option<String>,
}

impl Receives {
    /// With a choice for each connector that there is.
    fn of(configuration: &Configuration, wanted: &Wanted<'_>, zone: Option<String>) -> Self {
        let name = |connector: &store::Connector| connector.definition.name.clone();
        let is_chosen = |name: &String| wanted.connectors.iter().flatten().any(|one| one == name);
        let all = configuration.connectors.iter().map(name);
        let every = wanted.digest.map_or("", |digest| digest.every.as_str());
        let hour = wanted.digest.map_or(Digest::HOUR, |digest| digest.hour).to_string();
        let hours = (0..24).map(|hour: u8| (hour.to_string(), format!("{hour:02}:00")));
        let hours: Vec<(String, String)> = hours.collect();
        let hours = hours.iter().map(|(value, label)| (value.as_str(), label.as_str()));
        Self {
            some: wanted.connectors.is_some(),
            connectors: all.map(|name| (name.clone(), is_chosen(&name))).collect(),
            immediate: wanted.immediate,
            digests: page::choices(DIGESTS, every),
            hours: page::choices(hours, &hour),
            zone,
        }
    }
}

const DIGESTS: [(&str, &str); 3] =
    [("", "No digest"), ("daily", "Daily"), ("weekly", "Weekly, on Mondays")];

/// What an address is to receive.
struct Wanted<'a> {
    connectors: Option<Vec<&'a str>>,
    immediate: bool,
    digest: Option<Digest>,
}

impl<'a> Wanted<'a> {
    /// As for a new address.
    const NEW: Self = Self { connectors: None, immediate: true, digest: None };

    fn of_form(form: &'a Form) -> Self {
        let every = Every::from_word(form.text("digest"));
        // An hour that is not one is refused with the rest.
        let hour = form.text("hour").parse().unwrap_or(u8::MAX);
        Self {
            connectors: (form.text("of") == "some").then(|| form.texts("connector").collect()),
            immediate: !form.text("immediate").is_empty(),
            digest: every.map(|every| Digest { every, hour }),
        }
    }

    fn of_alert(alert: &'a AlertItem) -> Self {
        let names = |names: &'a Vec<String>| names.iter().map(String::as_str).collect();
        let AlertItem { immediate, digest, .. } = *alert;
        Self { connectors: alert.connectors.as_ref().map(names), immediate, digest }
    }

    fn names(&self) -> Option<Vec<String>> {
        let names = |names: &Vec<&str>| names.iter().map(|name| (*name).to_owned()).collect();
        self.connectors.as_ref().map(names)
    }
}

impl AlertsPage {
    async fn read(shared: &Shared, visitor: Visitor) -> admin::Result<Self> {
        let configuration = shared.store.configuration().await?;
        Ok(Self {
            page: "Alerts",
            visitor,
            told: None,
            faults: Faults::default(),
            tested: None,
            mails_are_sent: shared.mails_are_sent,
            alerts: alerts::list(shared).await?,
            receives: Receives::of(&configuration, &Wanted::NEW, None),
            typed: String::new(),
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
    let configuration = match shared.store.configuration().await {
        Ok(configuration) => configuration,
        Err(error) => return page::unavailable(&error),
    };
    let typed = form.text("address");
    let again = AlertsPage {
        faults: Faults::of(refusal),
        typed: if typed.contains("://") { String::new() } else { typed.to_owned() },
        receives: Receives::of(&configuration, &Wanted::of_form(form), None),
        ..alerts
    };
    page::page(refusal.status(), &again)
}

pub(super) async fn add(State(shared): State<Shared>, visitor: Visitor, form: Form) -> Response {
    let wanted = Wanted::of_form(&form);
    let wish = AlertWish {
        address: form.secret("address"),
        connectors: wanted.names(),
        immediate: wanted.immediate,
        digest: wanted.digest,
    };
    match alerts::add(&shared, &visitor.actor(), wish).await {
        Ok(_) => Redirect::to(&page::with_told("/alerts", "added")).into_response(),
        Err(refused) => again(&shared, visitor, &form, &refused.into()).await,
    }
}

/// The page of one address.
pub(super) async fn ask_edit(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Shown {
    let alert = alerts::show(&shared, alert_number(&id)?).await?;
    let configuration = shared.store.configuration().await?;
    let zone = Some(alert.time_zone.clone());
    let receives = Receives::of(&configuration, &Wanted::of_alert(&alert), zone);
    let faults = Faults::default();
    let edit = EditPage { page: "Alerts", visitor, told: None, faults, alert, receives };
    Ok(page::page(StatusCode::OK, &edit))
}

/// Changes what an address receives.
pub(super) async fn edit(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Form,
) -> Shown {
    let id = alert_number(&id)?;
    let wanted = Wanted::of_form(&form);
    let edit = AlertEdit {
        connectors: Some(wanted.names()),
        immediate: Some(wanted.immediate),
        digest: Some(wanted.digest),
    };
    let refusal: Refusal = match alerts::edit(&shared, &visitor.actor(), id, edit).await {
        Ok(_) => return Ok(Redirect::to(&page::with_told("/alerts", "saved")).into_response()),
        Err(refused) => refused.into(),
    };
    let alert = alerts::show(&shared, id).await?;
    let configuration = shared.store.configuration().await?;
    let receives = Receives::of(&configuration, &wanted, Some(alert.time_zone.clone()));
    let faults = Faults::of(&refusal);
    let edit = EditPage { page: "Alerts", visitor, told: None, faults, alert, receives };
    Ok(page::page(refusal.status(), &edit))
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

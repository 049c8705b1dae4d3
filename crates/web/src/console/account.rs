//! `/account`: who is signed in, and where.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect};
use store::{EndSessions, Person, SessionItem};

use super::form::Form;
use super::page::{self, Faults, LastAction};
use super::sign_in;
use super::visitor::Visitor;
use super::words;
use crate::Shared;
use crate::api::Refusal;
use admin::{password, people};

#[derive(Template)]
#[template(path = "account.html")]
struct Account {
    page: &'static str,
    visitor: Visitor,
    told: Option<&'static str>,
    sessions: Vec<SessionItem>,
    faults: Faults,
    shortest: usize,
}

impl Account {
    fn browser(agent: &str) -> String {
        words::browser(agent)
    }

    /// Whether this visitor signs in with a password.
    fn has_password(&self) -> bool {
        matches!(self.visitor.session.person, Person::User(_))
    }
}

pub(super) async fn show(
    State(shared): State<Shared>,
    visitor: Visitor,
    LastAction(told): LastAction,
) -> page::Shown {
    shown(&shared, visitor, told, None).await
}

async fn shown(
    shared: &Shared,
    visitor: Visitor,
    told: Option<&'static str>,
    refusal: Option<&Refusal>,
) -> page::Shown {
    let sessions = shared.store.sessions(&visitor.session, (shared.clock)()).await?;
    let status = refusal.map_or(StatusCode::OK, Refusal::status);
    let faults = refusal.map(Faults::of).unwrap_or_default();
    let (page, shortest) = ("Account", password::SHORTEST);
    Ok(page::page(status, &Account { page, visitor, told, sessions, faults, shortest }))
}

/// Changes the visitor's own password. All sessions end, and this browser gets a new one.
pub(super) async fn set_password(
    State(shared): State<Shared>,
    visitor: Visitor,
    headers: HeaderMap,
    form: Form,
) -> page::Shown {
    let Person::User(_) = visitor.session.person else {
        let what = "You sign in with an emailed link, without a password.";
        return Err(page::forbidden(what).into());
    };
    let (email, now) = (visitor.email.clone(), (shared.clock)());
    if let Some(wait) = shared.throttle.wait(&email, now) {
        let wait = wait.as_secs().max(0) + 1;
        let what =
            format!("Too many wrong passwords. Wait {wait} seconds before the next attempt.");
        let refusal = page::of_the_page(StatusCode::TOO_MANY_REQUESTS, &what);
        return shown(&shared, visitor, None, Some(&refusal)).await;
    }
    let (current, new) = (form.secret("current"), form.secret("password"));
    let changed =
        people::change_own_password(&shared, &visitor.actor(), &email, current, new).await;
    match changed {
        Ok(()) => {
            shared.throttle.forget(&email);
            let next = page::with_told("/account", "own_password_set");
            sign_in::begin(&shared, &email, &headers, &next).await
        }
        Err(refused) => {
            let refusal = Refusal::from(refused);
            if refusal.faults().iter().any(|fault| fault.at == "current") {
                shared.throttle.count(&email, now);
            }
            shown(&shared, visitor, None, Some(&refusal)).await
        }
    }
}

pub(super) async fn end(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(id): Path<i64>,
    _: Form,
) -> page::Shown {
    end_some(&shared, &visitor, EndSessions::One(id)).await
}

pub(super) async fn end_others(
    State(shared): State<Shared>,
    visitor: Visitor,
    _: Form,
) -> page::Shown {
    end_some(&shared, &visitor, EndSessions::Others(visitor.session.id)).await
}

async fn end_some(shared: &Shared, visitor: &Visitor, which: EndSessions) -> page::Shown {
    shared.store.end_sessions(&visitor.session, which).await?;
    Ok(Redirect::to("/account").into_response())
}

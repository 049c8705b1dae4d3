//! `/account`: who is signed in, and where.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect};
use store::{EndSessions, Person, SessionItem};

use super::form::Form;
use super::page::{self, Faults, LastAction};
use super::sign_in::{Proof, With};
use super::visitor::Visitor;
use super::{sign_in, throttle, words};
use crate::Shared;
use crate::api::Refusal;
use crate::source::Source;
use admin::password;
use admin::people::{self, OwnPassword};

#[derive(Template)]
#[template(path = "account.html")]
struct Account {
    page: &'static str,
    visitor: Visitor,
    told: Option<&'static str>,
    sessions: Vec<SessionItem>,
    faults: Faults,
    shortest: usize,
    longest: usize,
    /// Whether this visitor signs in with a password.
    has_password: bool,
    /// How many recovery codes are left, if there is a second factor.
    second_factor: Option<u64>,
}

impl Account {
    fn browser(agent: &str) -> String {
        words::browser(agent)
    }

    /// Whether this is a user of leadsync.
    fn is_user(&self) -> bool {
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
    let factor = shared.store.second_factor(&visitor.email).await?;
    let second_factor = factor.filter(|factor| factor.is_on).map(|factor| factor.recovery_codes);
    let has_password = shared.store.password(&visitor.email).await?.is_some();
    let (shortest, longest) = (password::SHORTEST, password::LONGEST);
    let page = "Account";
    let account = Account {
        page,
        visitor,
        told,
        sessions,
        faults,
        shortest,
        longest,
        has_password,
        second_factor,
    };
    Ok(page::page(status, &account))
}

/// Changes the visitor's own password. This browser gets a new session; others end if they are to.
pub(super) async fn set_password(
    State(shared): State<Shared>,
    visitor: Visitor,
    (headers, source): (HeaderMap, Source),
    form: Form,
) -> page::Shown {
    let Person::User(_) = visitor.session.person else {
        let what = "You sign in with an emailed link, without a password.";
        return Err(page::forbidden(what).into());
    };
    let attempt = match throttle::admit_again(&shared, &visitor) {
        Ok(attempt) => attempt,
        Err(wait) => {
            let refusal = page::of_the_page(StatusCode::TOO_MANY_REQUESTS, &wait);
            return shown(&shared, visitor, None, Some(&refusal)).await;
        }
    };
    let email = visitor.email.clone();
    let change = OwnPassword {
        current: form.secret("current"),
        new: form.secret("password"),
        session: visitor.session.id,
        end_others: !form.text("end_others").is_empty(),
        remove_tokens: !form.text("remove_tokens").is_empty(),
    };
    match people::change_own_password(&shared, &visitor.actor(), &email, change).await {
        Ok(()) => {
            attempt.succeeded(&shared);
            let next = page::with_told("/account", "own_password_set");
            // The session that changed it had the second factor.
            let with = (With::Password, Proof::Fresh);
            sign_in::begin_fully(&shared, &email, (&headers, &source), (&next, None, with)).await
        }
        Err(refused) => shown(&shared, visitor, None, Some(&refused.into())).await,
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

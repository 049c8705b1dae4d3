//! The second factor of one's own account: set up, turned on and off.

use admin::second_factor::{self, Setup};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use store::Person;

use super::form::Form;
use super::page;
use super::visitor::Visitor;
use crate::Shared;
use crate::api::Refusal;

#[derive(Template)]
#[template(path = "second_factor.html")]
struct SetUp {
    page: &'static str,
    visitor: Visitor,
    wrong: Option<String>,
    setup: Setup,
}

#[derive(Template)]
#[template(path = "recovery_codes.html")]
struct RecoveryCodes {
    page: &'static str,
    visitor: Visitor,
    codes: Vec<String>,
}

/// Shows what an app needs.
pub(super) async fn set_up(State(shared): State<Shared>, visitor: Visitor, _: Form) -> page::Shown {
    if let Some(refusal) = without_password(&visitor) {
        return Err(refusal.into());
    }
    shown(&shared, visitor, None).await
}

async fn shown(shared: &Shared, visitor: Visitor, refusal: Option<Refusal>) -> page::Shown {
    let status = refusal.as_ref().map_or(StatusCode::OK, Refusal::status);
    let wrong = refusal.map(|refusal| match refusal.faults() {
        [fault, ..] => format!("The {} {}.", fault.at, fault.what),
        [] => refusal.message(),
    });
    match second_factor::set_up(shared, &visitor.email).await {
        Ok(setup) => Ok(page::page(status, &SetUp { page: "Account", visitor, wrong, setup })),
        Err(refused) => Ok(page::refused(refused)),
    }
}

/// Turns it on, and shows the recovery codes.
pub(super) async fn turn_on(
    State(shared): State<Shared>,
    visitor: Visitor,
    form: Form,
) -> page::Shown {
    if let Some(refusal) = without_password(&visitor) {
        return Err(refusal.into());
    }
    let code = form.text("code");
    match second_factor::turn_on(&shared, &visitor.actor(), &visitor.email, code).await {
        Ok(codes) => {
            let page = "Account";
            Ok(page::page(StatusCode::CREATED, &RecoveryCodes { page, visitor, codes }))
        }
        Err(refused) => shown(&shared, visitor, Some(refused.into())).await,
    }
}

pub(super) async fn turn_off(
    State(shared): State<Shared>,
    visitor: Visitor,
    _: Form,
) -> page::Shown {
    if let Some(refusal) = without_password(&visitor) {
        return Err(refusal.into());
    }
    match second_factor::turn_off(&shared, &visitor.actor(), &visitor.email).await {
        Ok(()) => {
            Ok(Redirect::to(&page::with_told("/account", "second_factor_off")).into_response())
        }
        Err(refused) => Ok(page::refused(refused)),
    }
}

/// The refusal for somebody who signs in without a password.
fn without_password(visitor: &Visitor) -> Option<Response> {
    match visitor.session.person {
        Person::User(_) => None,
        Person::AccountUser => {
            Some(page::forbidden("You sign in with an emailed link, without a password."))
        }
    }
}

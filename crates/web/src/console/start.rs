//! `/start`: the first user.
//!
//! Whoever reaches an installation before its owner could make it theirs, so the page asks for a
//! code that only the log contains.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use store::{Actor, TokenHash, UserChange};

use super::form::Form;
use super::sign_in::{Proof, With};
use super::{page, sign_in, throttle};
use crate::Shared;
use crate::source::Source;
use admin::password;

#[derive(Template)]
#[template(path = "start.html")]
struct Start<'a> {
    wrong: Option<&'a str>,
    email: &'a str,
    code: &'a str,
    shortest: usize,
    longest: usize,
}

pub(super) async fn show() -> Response {
    shown(StatusCode::OK, None, ("", ""))
}

fn shown(status: StatusCode, wrong: Option<&str>, (email, code): (&str, &str)) -> Response {
    let (shortest, longest) = (password::SHORTEST, password::LONGEST);
    page::page(status, &Start { wrong, email, code, shortest, longest })
}

pub(super) async fn make_first(
    State(shared): State<Shared>,
    headers: HeaderMap,
    source: Source,
    form: Form,
) -> page::Shown {
    let (email, code, password) = (form.text("email"), form.text("code"), form.secret("password"));
    let refused = |status, wrong: &str| shown(status, Some(wrong), (email, code));
    let bad = StatusCode::BAD_REQUEST;
    let attempt = match throttle::admit_source(&shared, &source) {
        Ok(attempt) => attempt,
        Err(wait) => return Ok(refused(StatusCode::TOO_MANY_REQUESTS, &wait)),
    };
    let right = shared.store.first_start_code().await?;
    if !right.is_some_and(|right| is_same(&right, code)) {
        let wrong = "The code is wrong. It is in the log of leadsync, in the line that says \
                     \"first start\".";
        return Ok(refused(bad, wrong));
    }
    attempt.succeeded(&shared);
    if let Some(fault) = password::fault(&password, email) {
        return Ok(refused(bad, &format!("The password {fault}.")));
    }
    let hash = match password::hash(password).await {
        Ok(hash) => hash,
        Err(error) => return Ok(refused(StatusCode::SERVICE_UNAVAILABLE, &error.to_string())),
    };
    let change = UserChange::AddFirst { email: email.to_owned(), password: hash };
    let actor = Actor("first start".to_owned());
    match shared.store.change_users(change, &actor, (shared.clock)()).await {
        Ok(()) => {
            let with = (With::Password, Proof::Fresh);
            sign_in::begin(&shared, email, (&headers, &source), ("/", with)).await
        }
        Err(store::Error::Refused(wrong)) => Ok(refused(bad, &format!("{wrong}."))),
        Err(error) => Err(error.into()),
    }
}

/// Whether two codes are the same, however their groups are separated. Hashes are compared, so that
/// the time reveals nothing.
fn is_same(right: &str, given: &str) -> bool {
    let hash = |code: &str| {
        let letters = code.chars().filter(char::is_ascii_alphanumeric);
        TokenHash::of(&letters.collect::<String>().to_ascii_lowercase())
    };
    hash(right) == hash(given)
}

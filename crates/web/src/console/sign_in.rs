//! `/start`, `/sign-in` and `/sign-out`.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use store::{Actor, EndSessions, NewSession, Token, UserChange};

use super::form::Form;
use super::page;
use super::visitor::{Visitor, cookie_name};
use crate::Shared;
use admin::password;

#[derive(Template)]
#[template(path = "start.html")]
struct Start<'a> {
    wrong: Option<&'a str>,
    email: &'a str,
    shortest: usize,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn<'a> {
    wrong: Option<&'a str>,
    email: &'a str,
    next: &'a str,
}

/// Where to go after signing in.
#[derive(Deserialize)]
pub(super) struct After {
    #[serde(default)]
    next: String,
}

/// The address of the sign-in page, which leads back to this page.
pub(super) fn path(next: &str) -> String {
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    format!("/sign-in?next={next}")
}

pub(super) async fn start() -> Response {
    start_page(None, "")
}

fn start_page(wrong: Option<&str>, email: &str) -> Response {
    let status = if wrong.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    page::page(status, &Start { wrong, email, shortest: password::SHORTEST })
}

pub(super) async fn make_first(
    State(shared): State<Shared>,
    headers: HeaderMap,
    form: Form,
) -> page::Shown {
    let (email, password) = (form.text("email"), form.secret("password"));
    if let Some(fault) = password::fault(&password) {
        return Ok(start_page(Some(&format!("The password {fault}.")), email));
    }
    let hash = match password::hash(password).await {
        Ok(hash) => hash,
        Err(wrong) => return Ok(start_page(Some(&wrong), email)),
    };
    let change = UserChange::AddFirst { email: email.to_owned(), password: hash };
    let actor = Actor("first start".to_owned());
    match shared.store.change_users(change, &actor, (shared.clock)()).await {
        Ok(()) => begin(&shared, email, &headers, "/").await,
        Err(store::Error::Refused(wrong)) => Ok(start_page(Some(&format!("{wrong}.")), email)),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn show(Query(After { next }): Query<After>) -> Response {
    page::page(StatusCode::OK, &SignIn { wrong: None, email: "", next: page::own_path(&next) })
}

pub(super) async fn sign_in(
    State(shared): State<Shared>,
    headers: HeaderMap,
    form: Form,
) -> page::Shown {
    let (email, next) = (form.text("email"), page::own_path(form.text("next")));
    let refused =
        |status, wrong: &str| page::page(status, &SignIn { wrong: Some(wrong), email, next });
    let now = (shared.clock)();
    if let Some(wait) = shared.throttle.wait(email, now) {
        let wait = wait.as_secs().max(0) + 1;
        let wrong =
            format!("Too many wrong passwords. Wait {wait} seconds before the next attempt.");
        return Ok(refused(StatusCode::TOO_MANY_REQUESTS, &wrong));
    }
    let kept = shared.store.password(email).await?;
    // An unknown address takes the same time and gets the same response.
    Ok(match password::is_right_or_none(form.secret("password"), kept).await {
        Ok(true) => {
            shared.throttle.forget(email);
            begin(&shared, email, &headers, next).await?
        }
        Ok(false) => {
            shared.throttle.count(email, now);
            refused(StatusCode::UNAUTHORIZED, "The email address or the password is wrong.")
        }
        Err(error) => {
            tracing::error!(error, "a password could not be checked");
            refused(StatusCode::SERVICE_UNAVAILABLE, "The password can't be checked right now.")
        }
    })
}

/// Signs a user in, and leads to `next`.
pub(super) async fn begin(
    shared: &Shared,
    email: &str,
    headers: &HeaderMap,
    next: &str,
) -> page::Shown {
    let (secret, session) = new_session(headers)?;
    if shared.store.begin_session(email, session, (shared.clock)()).await? {
        let response = Redirect::to(next).into_response();
        return Ok(with_cookie(shared, response, secret.expose()));
    }
    Ok(Redirect::to("/sign-in").into_response())
}

/// A session for this browser, and the value of its cookie.
pub(super) fn new_session(headers: &HeaderMap) -> store::Result<(Token, NewSession)> {
    let secret = Token::for_webhook()?;
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let agent = agent.unwrap_or("unknown").to_owned();
    let session = NewSession { hash: secret.hash(), agent };
    Ok((secret, session))
}

pub(super) async fn sign_out(
    State(shared): State<Shared>,
    visitor: Visitor,
    _: Form,
) -> page::Shown {
    let end = EndSessions::One(visitor.session.id);
    shared.store.end_sessions(&visitor.session, end).await?;
    Ok(with_cookie(&shared, Redirect::to("/sign-in").into_response(), ""))
}

/// Sets this cookie in the browser, or removes it.
pub(super) fn with_cookie(shared: &Shared, mut response: Response, value: &str) -> Response {
    let secure = if shared.has_tls() { "; Secure" } else { "" };
    let name = cookie_name(shared);
    let end = if value.is_empty() { "; Max-Age=0" } else { "" };
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{end}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

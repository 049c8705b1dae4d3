//! `/sign-in` and `/sign-out`, with the page for the code of the second factor.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use store::{Actor, EndSessions, KNOWN_FOR, NewSession, Token, TokenHash};

use super::form::Form;
use super::throttle::What;
use super::visitor::{Visitor, browser_cookie_name, cookie, cookie_name, known_browser};
use super::{page, throttle};
use crate::Shared;
use crate::api::Refusal;
use crate::source::Source;
use admin::{password, second_factor};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn<'a> {
    wrong: Option<&'a str>,
    email: &'a str,
    next: &'a str,
    /// The OpenID Connect provider, if there is one, and the address that leads to it.
    provider: Option<(&'a str, String)>,
}

#[derive(Template)]
#[template(path = "sign_in_code.html")]
struct EnterCode<'a> {
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

impl After {
    /// The path of our own that this is.
    pub(super) fn path(&self) -> &str {
        page::own_path(&self.next)
    }
}

/// With what somebody signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum With {
    /// A password.
    Password,
    /// A password and a code.
    SecondFactor,
    /// The OpenID Connect provider.
    Provider,
}

impl With {
    const fn word(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::SecondFactor => "second factor",
            Self::Provider => "OpenID Connect",
        }
    }
}

/// How recently somebody proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// A moment ago.
    Fresh,
    /// At some time, to somebody else.
    Old,
}

/// The address of the sign-in page, which leads back to this page.
pub(super) fn path(next: &str) -> String {
    with_next("/sign-in", next)
}

fn with_next(path: &str, next: &str) -> String {
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    format!("{path}?next={next}")
}

pub(super) async fn show(State(shared): State<Shared>, Query(after): Query<After>) -> Response {
    shown(&shared, (StatusCode::OK, None), "", after.path())
}

fn shown(
    shared: &Shared,
    (status, wrong): (StatusCode, Option<&str>),
    email: &str,
    next: &str,
) -> Response {
    let provider = shared
        .provider
        .as_ref()
        .map(|provider| (provider.settings().name.as_str(), with_next("/sign-in/oidc", next)));
    page::page(status, &SignIn { wrong, email, next, provider })
}

/// The sign-in page, which says why somebody was not signed in.
pub(super) fn refused(shared: &Shared, status: StatusCode, wrong: &str, next: &str) -> Response {
    shown(shared, (status, Some(wrong)), "", next)
}

pub(super) async fn sign_in(
    State(shared): State<Shared>,
    headers: HeaderMap,
    source: Source,
    form: Form,
) -> page::Shown {
    let (email, next) = (form.text("email"), page::own_path(form.text("next")));
    let refused = |status, wrong: &str| shown(&shared, (status, Some(wrong)), email, next);
    let attempt = match throttle::admit(&shared, (What::Password, email), &source, &headers).await?
    {
        Ok(attempt) => attempt,
        Err(wait) => {
            shared.note_failure(email, "too many attempts", &source).await;
            return Ok(refused(StatusCode::TOO_MANY_REQUESTS, &wait));
        }
    };
    let kept = shared.store.password(email).await?;
    // An unknown address takes the same time and gets the same response.
    match password::is_right_or_none(form.secret("password"), kept).await {
        Ok(true) => {
            attempt.succeeded(&shared);
            let with = (With::Password, Proof::Fresh);
            begin(&shared, email, (&headers, &source), (next, with)).await
        }
        Ok(false) => {
            shared.note_failure(email, "wrong password", &source).await;
            Ok(refused(StatusCode::UNAUTHORIZED, "The email address or the password is wrong."))
        }
        Err(password::NotHashed::Busy) => Ok(refused(
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many people are signing in right now. Wait a moment, then retry.",
        )),
        Err(error) => {
            tracing::error!(%error, "a password could not be checked");
            let wrong = "The password can't be checked right now.";
            Ok(refused(StatusCode::SERVICE_UNAVAILABLE, wrong))
        }
    }
}

/// Signs a user in who gave the right password, or whom the provider vouches for, and leads to
/// `next`; with a second factor, to the page for its code first.
pub(super) async fn begin(
    shared: &Shared,
    email: &str,
    (headers, source): (&HeaderMap, &Source),
    (next, with): (&str, (With, Proof)),
) -> page::Shown {
    let factor = shared.store.second_factor(email).await?;
    if !factor.is_some_and(|factor| factor.is_on) {
        return begin_fully(shared, email, (headers, source), (next, None, with)).await;
    }
    let (secret, session) = new_session(headers)?;
    let session = NewSession { needs_code: true, ..session };
    if shared.store.begin_session(email, session, (shared.clock)()).await? {
        let response = Redirect::to(&with_next("/sign-in/code", next)).into_response();
        return Ok(with_cookie(shared, response, secret.expose()));
    }
    Ok(Redirect::to("/sign-in").into_response())
}

/// Signs a user in who proved everything, and leads to `next`. `replaces`: the session that waited
/// for the code.
pub(super) async fn begin_fully(
    shared: &Shared,
    email: &str,
    (headers, source): (&HeaderMap, &Source),
    (next, replaces, (with, proof)): (&str, Option<TokenHash>, (With, Proof)),
) -> page::Shown {
    let now = (shared.clock)();
    let (secret, session) = new_session(headers)?;
    // A cookie that is not known may be somebody else's.
    let browser = match known_browser(shared, email, headers).await? {
        Some((cookie, _)) => cookie,
        None => Token::for_webhook()?.expose().to_owned(),
    };
    let browser_hash = Some(TokenHash::of(&browser));
    let is_confirmed = proof == Proof::Fresh;
    let session = NewSession { browser: browser_hash, replaces, is_confirmed, ..session };
    if shared.store.begin_session(email, session, now).await? {
        let actor = Actor(email.trim().to_lowercase());
        shared.note_sign_in(actor, with.word(), source).await;
        let response = Redirect::to(next).into_response();
        let mut response = with_cookie(shared, response, secret.expose());
        let lasts = format!("; Max-Age={}", KNOWN_FOR.as_secs());
        add_cookie(shared, &mut response, (browser_cookie_name(shared), &browser), &lasts);
        return Ok(response);
    }
    Ok(Redirect::to("/sign-in").into_response())
}

pub(super) async fn ask_code(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Query(After { next }): Query<After>,
) -> page::Shown {
    let next = page::own_path(&next);
    Ok(match waiting(&shared, &headers).await? {
        Some((_, email)) => {
            page::page(StatusCode::OK, &EnterCode { wrong: None, email: &email, next })
        }
        None => Redirect::to(&path(next)).into_response(),
    })
}

pub(super) async fn check_code(
    State(shared): State<Shared>,
    headers: HeaderMap,
    source: Source,
    form: Form,
) -> page::Shown {
    let next = page::own_path(form.text("next"));
    let Some((session, email)) = waiting(&shared, &headers).await? else {
        return Ok(Redirect::to(&path(next)).into_response());
    };
    let email = email.as_str();
    let refused =
        |status, wrong: &str| page::page(status, &EnterCode { wrong: Some(wrong), email, next });
    let attempt = match throttle::admit(&shared, (What::Code, email), &source, &headers).await? {
        Ok(attempt) => attempt,
        Err(wait) => {
            shared.note_failure(email, "too many attempts", &source).await;
            return Ok(refused(StatusCode::TOO_MANY_REQUESTS, &wait));
        }
    };
    match second_factor::is_right(&shared, email, form.text("code")).await {
        Ok(true) => {
            attempt.succeeded(&shared);
            let with = (With::SecondFactor, Proof::Fresh);
            begin_fully(&shared, email, (&headers, &source), (next, Some(session), with)).await
        }
        Ok(false) => {
            shared.note_failure(email, "wrong code", &source).await;
            let wrong = "The code is wrong or was already used. Wait for the next one.";
            Ok(refused(StatusCode::UNAUTHORIZED, wrong))
        }
        Err(error) => Ok(refused(StatusCode::SERVICE_UNAVAILABLE, &Refusal::from(error).message())),
    }
}

/// The session of this browser that waits for its code, and its user.
async fn waiting(
    shared: &Shared,
    headers: &HeaderMap,
) -> store::Result<Option<(TokenHash, String)>> {
    let Some(secret) = cookie(headers, cookie_name(shared)) else { return Ok(None) };
    let hash = TokenHash::of(secret);
    let email = shared.store.session_without_code(hash, (shared.clock)()).await?;
    Ok(email.map(|email| (hash, email)))
}

/// A session for this browser, and the value of its cookie.
pub(super) fn new_session(headers: &HeaderMap) -> store::Result<(Token, NewSession)> {
    let secret = Token::for_webhook()?;
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let agent = agent.unwrap_or("unknown").to_owned();
    let hash = secret.hash();
    let session = NewSession {
        hash,
        agent,
        browser: None,
        is_confirmed: true,
        needs_code: false,
        replaces: None,
    };
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

/// Sets the session's cookie in the browser, or removes it.
pub(super) fn with_cookie(shared: &Shared, mut response: Response, value: &str) -> Response {
    let end = if value.is_empty() { "; Max-Age=0" } else { "" };
    add_cookie(shared, &mut response, (cookie_name(shared), value), end);
    response
}

pub(super) fn add_cookie(
    shared: &Shared,
    response: &mut Response,
    (name, value): (&str, &str),
    lasts: &str,
) {
    let secure = if shared.has_tls() { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{lasts}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

//! `/sign-in/link`: users of LeadSquared accounts sign in by a link that is mailed to them.
//!
//! The response to a request for a link is immediate and the same whether the address is known or
//! not; accounts are called afterwards. Mail servers open links too, so a link only shows a form,
//! and sending it signs in.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::{SignedDuration, Timestamp};
use store::{Actor, NewLink, Token, TokenHash};

use super::form::Form;
use super::sign_in::{new_session, with_cookie};
use super::{page, throttle};
use crate::Shared;
use crate::source::Source;
use admin::access::{may_ask_about, reach_of_newcomer};
use admin::letter::letter;

/// How long a link works.
const LASTS: SignedDuration = SignedDuration::from_mins(15);
/// The longest email address (RFC 5321, 4.5.3.1.3), and the longest secret of a link.
const LONGEST: usize = 254;

#[derive(Template)]
#[template(path = "link_ask.html")]
struct Ask {
    wrong: Option<String>,
    mails_are_sent: bool,
}

#[derive(Template)]
#[template(path = "link_sent.html")]
struct Sent<'a> {
    email: &'a str,
    minutes: i64,
}

#[derive(Template)]
#[template(path = "link.html")]
struct Confirm<'a> {
    email: &'a str,
    path: String,
}

pub(super) async fn ask(State(shared): State<Shared>) -> Response {
    let mails_are_sent = shared.mails_are_sent;
    page::page(StatusCode::OK, &Ask { wrong: None, mails_are_sent })
}

pub(super) async fn send(State(shared): State<Shared>, source: Source, form: Form) -> Response {
    let email = form.text("email").trim().to_lowercase();
    let mails_are_sent = shared.mails_are_sent;
    let refused =
        |status, wrong: String| page::page(status, &Ask { wrong: Some(wrong), mails_are_sent });
    let is_address = email.split_once('@').is_some_and(|(name, domain)| {
        !name.is_empty() && !domain.is_empty() && !email.contains(char::is_whitespace)
    });
    if !is_address || email.len() > LONGEST || email.contains(char::is_control) {
        let wrong = "This is not a valid email address. Use an address like sam@example.com.";
        return refused(StatusCode::BAD_REQUEST, wrong.to_owned());
    }
    if let Err(wait) = throttle::admit_link(&shared, &email, &source) {
        return refused(StatusCode::TOO_MANY_REQUESTS, wait);
    }
    let now = (shared.clock)();
    let answer = page::page(StatusCode::OK, &Sent { email: &email, minutes: LASTS.as_mins() });
    tokio::spawn(async move {
        if let Err(error) = mail_link(&shared, (&email, &source), now).await {
            tracing::error!(%error, "a link to sign in could not be sent");
        }
    });
    answer
}

/// Mails a link to somebody who may use a connector.
async fn mail_link(
    shared: &Shared,
    (email, source): (&str, &Source),
    now: Timestamp,
) -> store::Result<()> {
    if !may_ask_about(shared, email, &source.0).await? {
        tracing::warn!(
            "too many sign-in links were requested within an hour; this user is not looked up"
        );
        return Ok(());
    }
    let reach = reach_of_newcomer(shared, email).await?;
    let Some(connectors) = reach.limit().filter(|connectors| !connectors.is_empty()) else {
        tracing::info!("a sign-in link was requested by a user without access to any connector");
        return Ok(());
    };
    let secret = Token::for_webhook()?;
    let hash = secret.hash();
    let url = format!("{}/sign-in/link/{}", shared.public_url, secret.expose());
    let body = format!(
        "Sign in to leadsync with this link. The link works once and expires at {}.\n\n{url}\n\n\
         You have access to: {}.\n\n\
         If you did not request this link, ignore this email.\n",
        now.checked_add(LASTS).unwrap_or(now).strftime("%Y-%m-%d %H:%M UTC"),
        connectors.join(", "),
    );
    let mail = letter(shared, email, ("Your leadsync sign-in link", body), true)?;
    let link = NewLink {
        hash,
        email: email.to_owned(),
        expires_at: now.checked_add(LASTS).unwrap_or(now),
    };
    shared.store.keep_link(link, &mail, now).await
}

/// The page of the link, with the form that signs in.
pub(super) async fn show(State(shared): State<Shared>, Path(secret): Path<String>) -> page::Shown {
    let email = shared.store.link_of(TokenHash::of(&secret), (shared.clock)()).await?;
    let email = email.ok_or_else(|| used_up(&shared))?;
    let secret: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let path = format!("/sign-in/link/{secret}");
    Ok(page::page(StatusCode::OK, &Confirm { email: &email, path }))
}

pub(super) async fn sign_in(
    State(shared): State<Shared>,
    headers: HeaderMap,
    source: Source,
    Path(secret): Path<String>,
    _: Form,
) -> page::Shown {
    let (cookie, session) = new_session(&headers)?;
    let link = TokenHash::of(&secret);
    let email = shared.store.link_of(link, (shared.clock)()).await?;
    if !shared.store.begin_session_by_link(link, session, (shared.clock)()).await? {
        return Err(used_up(&shared).into());
    }
    let actor = Actor(format!("{} (LeadSquared user)", email.unwrap_or_default()));
    shared.note_sign_in(actor, "emailed link", &source).await;
    Ok(with_cookie(&shared, Redirect::to("/").into_response(), cookie.expose()))
}

fn used_up(shared: &Shared) -> Response {
    let wrong = "This link was already used or has expired. Request a new one.".to_owned();
    let mails_are_sent = shared.mails_are_sent;
    page::page(StatusCode::GONE, &Ask { wrong: Some(wrong), mails_are_sent })
}

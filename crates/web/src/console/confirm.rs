//! The password again, before something that changes accounts or people.
//!
//! A form that needs it is answered by a page that asks for the password, keeps what was sent, and
//! sends it again: nothing typed is lost.

use askama::Template;
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use store::Person;

use super::form::Form;
use super::{Visitor, page, throttle};
use crate::Shared;
use admin::password;

/// The field with the password.
const FIELD: &str = "confirm_password";

#[derive(Template)]
#[template(path = "confirm.html")]
struct Confirm<'a> {
    wrong: Option<&'a str>,
    email: &'a str,
    path: &'a str,
    /// Whether the visitor has a password; otherwise the provider is asked.
    has_password: bool,
    /// The OpenID Connect provider, if there is one.
    provider: Option<&'a str>,
    /// What was sent.
    fields: Vec<(&'a str, &'a str)>,
}

/// The request of this visitor, who gave the password a short while ago, or gives it with this
/// request.
///
/// # Errors
/// The page that asks for it.
pub(super) async fn confirmed(
    shared: &Shared,
    visitor: &Visitor,
    (mut parts, body): (Parts, Body),
) -> Result<Request, page::Instead> {
    // Somebody without a password is refused by the page itself.
    if visitor.session.is_confirmed((shared.clock)())
        || visitor.session.person == Person::AccountUser
    {
        return Ok(Request::from_parts(parts, body));
    }
    let form = Form::from_request(Request::from_parts(parts.clone(), body), shared).await?;
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let kept = shared.store.password(&visitor.email).await?;
    let has_password = kept.is_some();
    let provider = shared.provider.as_ref().map(|provider| provider.settings().name.as_str());
    let ask = |status, wrong: Option<&str>| -> Response {
        let fields = form.fields().filter(|(name, _)| *name != FIELD).collect();
        let email = &visitor.email;
        page::page(status, &Confirm { wrong, email, path, has_password, provider, fields })
    };
    if form.text(FIELD).is_empty() {
        return Err(ask(StatusCode::OK, None).into());
    }
    let attempt = throttle::admit_again(shared, visitor)
        .map_err(|wait| ask(StatusCode::TOO_MANY_REQUESTS, Some(&wait)))?;
    match password::is_right_or_none(form.secret(FIELD), kept).await {
        Ok(true) => attempt.succeeded(shared),
        Ok(false) => {
            return Err(ask(StatusCode::UNAUTHORIZED, Some("The password is wrong.")).into());
        }
        Err(error) => {
            let wrong = error.to_string();
            return Err(ask(StatusCode::SERVICE_UNAVAILABLE, Some(&wrong)).into());
        }
    }
    shared.store.confirm_session(visitor.session.id, (shared.clock)()).await?;
    parts.extensions.insert(form.without(FIELD));
    Ok(Request::from_parts(parts, Body::empty()))
}

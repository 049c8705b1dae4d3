//! `/invite/{secret}`: an invited person chooses a password.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use plan::permission::Role;
use store::TokenHash;

use super::form::Form;
use super::sign_in::{Proof, With};
use super::{page, sign_in};
use crate::Shared;
use crate::api::Refusal;
use crate::source::Source;
use admin::{Refused, password, people};

#[derive(Template)]
#[template(path = "invite.html")]
struct Invited<'a> {
    wrong: Option<String>,
    email: &'a str,
    role: Role,
    path: String,
    shortest: usize,
    longest: usize,
}

pub(super) async fn show(State(shared): State<Shared>, Path(secret): Path<String>) -> page::Shown {
    shown(&shared, &secret, None).await
}

async fn shown(shared: &Shared, secret: &str, refusal: Option<Refusal>) -> page::Shown {
    let invite = shared.store.invite_of(TokenHash::of(secret), (shared.clock)()).await?;
    let invite = invite.ok_or_else(used_up)?;
    let status = refusal.as_ref().map_or(StatusCode::OK, Refusal::status);
    let wrong = refusal.map(|refusal| match refusal.faults() {
        [fault, ..] => format!("The {} {}.", fault.at, fault.what),
        [] => refusal.message(),
    });
    let path: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let invited = Invited {
        wrong,
        email: &invite.email,
        role: invite.role,
        path: format!("/invite/{path}"),
        shortest: password::SHORTEST,
        longest: password::LONGEST,
    };
    Ok(page::page(status, &invited))
}

pub(super) async fn accept(
    State(shared): State<Shared>,
    headers: HeaderMap,
    source: Source,
    Path(secret): Path<String>,
    form: Form,
) -> page::Shown {
    match people::accept_invite(&shared, &secret, form.secret("password")).await {
        Ok(user) => {
            let with = (With::Password, Proof::Fresh);
            sign_in::begin(&shared, &user.email, (&headers, &source), ("/", with)).await
        }
        Err(Refused::NotFound { .. }) => Err(used_up().into()),
        Err(refused) => shown(&shared, &secret, Some(refused.into())).await,
    }
}

fn used_up() -> Response {
    page::gone(
        "This invite was already used or has expired. Ask an administrator of leadsync for a new one.",
    )
}

//! Reading forms.

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use http_body_util::{BodyExt, Limited};
use secrecy::SecretString;

use super::Visitor;
use super::page;
use crate::Shared;
use crate::api::Refusal;
use crate::connections::is_too_slow;

/// The longest form of somebody who is not signed in, in bytes.
const LONGEST_OF_A_STRANGER: usize = 64 * 1024;
/// A form of somebody who is signed in has room for the body of a webhook, where each byte may take
/// three.
const BYTES_A_BYTE: usize = 3;

/// Whether a form was sent from our own pages, which browsers indicate in one of two ways (Fetch
/// Metadata; RFC 6454).
pub(super) fn is_ours(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let origin = text("origin").and_then(|origin| origin.split_once("://"));
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    origin.zip(host).is_some_and(|((_, origin), host)| origin.eq_ignore_ascii_case(host))
}

/// The fields of a form. The forms of a signed-in user contain the session's token.
#[derive(Clone, Debug)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// The pace of a retry, in records a minute.
    pub(super) fn per_minute(&self) -> Result<u32, Refusal> {
        let pace = self.text("per_minute").trim().parse().ok();
        let wrong = || Refusal::wrong("per_minute", "must be 1 or more");
        pace.filter(|pace| *pace > 0).ok_or_else(wrong)
    }

    pub(super) fn text(&self, name: &str) -> &str {
        let mut fields = self.0.iter();
        fields.find(|(other, _)| other == name).map_or("", |(_, value)| value.as_str())
    }

    /// Every field of this name, in order.
    pub(super) fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |(other, _)| other == name);
        named.map(|(_, value)| value.as_str())
    }

    /// Every field, with its name.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The form without this field.
    pub(super) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(other, _)| other != name);
        self
    }

    pub(super) fn secret(&self, name: &str) -> SecretString {
        SecretString::from(self.text(name))
    }
}

impl FromRequest<Shared> for Form {
    type Rejection = Response;

    async fn from_request(mut request: Request, shared: &Shared) -> Result<Self, Response> {
        // `confirm` may have read it already.
        if let Some(form) = request.extensions_mut().remove::<Self>() {
            return Ok(form);
        }
        let visitor = request.extensions().get::<Visitor>().cloned();
        let of_a_webhook = BYTES_A_BYTE * shared.limits.longest_body;
        let longest = LONGEST_OF_A_STRANGER + if visitor.is_some() { of_a_webhook } else { 0 };
        let body = Limited::new(request.into_body(), longest).collect().await;
        let body = body.map_err(|error| {
            if is_too_slow(error.as_ref()) {
                page::too_slow()
            } else {
                page::forbidden("This form is too long or incomplete.")
            }
        })?;
        let fields: Vec<(String, String)> =
            form_urlencoded::parse(&body.to_bytes()).into_owned().collect();
        if fields.iter().any(|(name, value)| name.contains('\0') || value.contains('\0')) {
            return Err(page::invalid("A field of this form holds a NUL character."));
        }
        let form = Self(fields);
        match visitor {
            Some(visitor) if !visitor.has_csrf(form.text("csrf")) => Err(page::forbidden(
                "This form belongs to another session. Reload the page and submit it again.",
            )),
            _ => Ok(form),
        }
    }
}

//! What every page has.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

/// Nothing from outside, nothing inline, in nobody's frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

pub(super) fn protect(response: &mut Response) {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
}

/// One of several things to choose from.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) chosen: bool,
}

/// What can be chosen, each as its value and what people read, with the chosen one marked.
pub(super) fn choices<'a>(
    all: impl IntoIterator<Item = (&'a str, &'a str)>,
    chosen: &str,
) -> Vec<Choice> {
    let choice = |(value, label): (&str, &str)| Choice {
        value: value.to_owned(),
        label: label.to_owned(),
        chosen: value == chosen,
    };
    all.into_iter().map(choice).collect()
}

/// A page, with this status.
pub(super) fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page can't be made");
            (StatusCode::INTERNAL_SERVER_ERROR, "This page can't be made.").into_response()
        }
    }
}

#[derive(Template)]
#[template(path = "wrong.html")]
struct Wrong<'a> {
    title: &'a str,
    what: &'a str,
}

pub(super) fn forbidden(what: &str) -> Response {
    page(StatusCode::FORBIDDEN, &Wrong { title: "This is not allowed", what })
}

pub(super) fn not_found(what: &str) -> Response {
    let what = format!("There is {what} like this; it may have been removed with its connector.");
    page(StatusCode::NOT_FOUND, &Wrong { title: "It is not here", what: &what })
}

pub(super) fn unavailable(error: &store::Error) -> Response {
    tracing::warn!(%error, "a page could not be made");
    let what = "The database does not answer. Try again in a moment; the log of the service says \
                more.";
    let title = "leadsync can't be reached now";
    page(StatusCode::SERVICE_UNAVAILABLE, &Wrong { title, what })
}

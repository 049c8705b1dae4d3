//! The response when something is refused: the reason, the place, and what to do.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use plan::connector::Fault;
use plan::problem::{Code, Problem};
use serde::Serialize;

/// When to try again after a 503, in seconds.
const TRY_AGAIN: HeaderValue = HeaderValue::from_static("5");

/// Why something was refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    body: Box<RefusalBody>,
}

#[derive(Debug, Serialize)]
struct RefusalBody {
    #[serde(flatten)]
    problem: Problem,
    /// The invalid parts of the input.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<Fault>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, problem: Problem) -> Self {
        Self { status, body: Box::new(RefusalBody { problem, faults: Vec::new() }) }
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// What to do about it.
    pub(crate) fn advice(&self) -> &str {
        &self.body.problem.advice
    }

    /// The invalid parts of the input.
    pub(crate) fn faults(&self) -> &[Fault] {
        &self.body.faults
    }

    /// The reason, for a person.
    pub(crate) fn message(&self) -> String {
        self.body.problem.message.clone()
    }

    /// The caller is not known. The response is the same whatever the reason: nobody should learn
    /// that a token was once valid.
    pub(crate) fn not_known() -> Self {
        let problem = Problem::new(
            Code::NotKnown,
            "There is no API token with this request that is valid.",
            "Send `Authorization: Bearer TOKEN`; `leadsync user token NAME` makes a token.",
        );
        Self::new(StatusCode::UNAUTHORIZED, problem)
    }

    /// It does not exist.
    pub(crate) fn not_found(what: &str, name: &str, list: &str) -> Self {
        let problem = Problem::new(
            Code::NotFound,
            format!("There is no {what} '{name}'."),
            format!("Look at GET /api/v1/{list} for those that there are."),
        );
        Self::new(StatusCode::NOT_FOUND, problem)
    }

    /// A part of the input is invalid.
    pub(crate) fn wrong(at: impl Into<String>, what: impl Into<String>) -> Self {
        Self::faulty(vec![Fault { at: at.into(), what: what.into() }])
    }

    /// Parts of the input are invalid.
    pub(crate) fn faulty(faults: Vec<Fault>) -> Self {
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        let problem = Problem::new(
            Code::BadInput,
            format!("It can't be done as it was sent: {}.", told.join("; ")),
            "Correct what `faults` names, and send it again.",
        );
        Self { status: StatusCode::BAD_REQUEST, body: Box::new(RefusalBody { problem, faults }) }
    }
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        use store::Error;
        // The store's error may name hosts and files: it goes to the log of the process.
        match error {
            Error::Refused(message) => Self::new(
                StatusCode::CONFLICT,
                Problem::new(
                    Code::Refused,
                    message,
                    "Change that first, or ask for something else.",
                ),
            ),
            Error::Changed(message) => Self::new(
                StatusCode::CONFLICT,
                Problem::new(
                    Code::Changed,
                    message,
                    "Read it again, make your change to what it is now, and send that.",
                ),
            ),
            Error::Defect(_) => {
                tracing::error!(%error, "the store did not do what the API was asked for");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    Problem::new(
                        Code::Defect,
                        "This is a defect in leadsync.",
                        "Trying again will not help: please report what the log of the service says.",
                    ),
                )
            }
            // The error of the store may contain hosts and files, so it goes to the log of the
            // process.
            Error::Unavailable(_)
            | Error::LeaseLost
            | Error::Corrupt { .. }
            | Error::CannotOpen(_) => {
                tracing::error!(%error, "the store did not do what the API was asked for");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    Problem::new(
                        Code::NotAvailable,
                        "The database did not do it.",
                        "Try again; if it stays so, look at the log of the service.",
                    ),
                )
            }
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, kind);
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, TRY_AGAIN);
            }
            _ => {}
        }
        response
    }
}

//! The response when something is refused: the reason, the place, and what to do.

use admin::Refused;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use plan::connector::Fault;
use plan::problem::{Code, Problem};
use serde::Serialize;

/// When to retry after a 503, in seconds.
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
            "The API token is missing or not valid.",
            "Send `Authorization: Bearer TOKEN`. Create a token with `leadsync user token NAME`.",
        );
        Self::new(StatusCode::UNAUTHORIZED, problem)
    }

    /// It does not exist.
    pub(crate) fn not_found(what: &str, name: &str, list: &str) -> Self {
        let problem = Problem::new(
            Code::NotFound,
            format!("The {what} '{name}' does not exist."),
            format!("See GET /api/v1/{list} for the existing ones."),
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
            format!("The request is not valid: {}.", told.join("; ")),
            "Correct the parts listed in `faults` and send the request again.",
        );
        Self { status: StatusCode::BAD_REQUEST, body: Box::new(RefusalBody { problem, faults }) }
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotFound { what, name, list } => Self::not_found(what, &name, &list),
            Refused::Invalid(faults) => Self::faulty(faults),
            Refused::Store(error) => error.into(),
            Refused::Failed(problem) if problem.code == Code::Busy => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, problem)
            }
            Refused::Failed(problem) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, problem),
        }
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
                    "Resolve this first, then send the request again.",
                ),
            ),
            Error::Changed(message) => Self::new(
                StatusCode::CONFLICT,
                Problem::new(
                    Code::Changed,
                    message,
                    "Read the current version, apply your change to it, and send it again.",
                ),
            ),
            Error::Defect(_) => {
                tracing::error!(%error, "an API request failed in the store");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    Problem::new(
                        Code::Defect,
                        "Internal error in leadsync.",
                        "Retrying will not help. Please report what the server log says.",
                    ),
                )
            }
            // The error of the store may contain hosts and files, so it goes to the log of the
            // process.
            Error::Unavailable(_)
            | Error::LeaseLost
            | Error::Corrupt { .. }
            | Error::CannotOpen(_) => {
                tracing::error!(%error, "an API request failed in the store");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    Problem::new(
                        Code::NotAvailable,
                        "The database is not available.",
                        "Retry. If the problem persists, check the server log.",
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

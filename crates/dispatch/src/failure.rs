//! Translates the client's errors into the plan's.

use leadsquared::{Effect, Error};
use plan::quota::Limit;
use plan::verdict::Failure;

const OK: u16 = 200;

/// What a failed call means to the plan.
pub(crate) fn of(error: &Error) -> Failure {
    match error {
        Error::Invalid { problem } => Failure::Impossible { problem: problem.clone() },
        Error::Refused { exception, message, status, .. } => Failure::Refused {
            exception: exception.clone(),
            // The response may come not from LeadSquared, but from something in front of it.
            message: match exception {
                None if *status != OK => format!("HTTP {status}: {message}"),
                _ => message.clone(),
            },
        },
        Error::RateLimited { limit, .. } => Failure::RateLimited(limit.map(|limit| Limit {
            calls: limit.calls,
            per_seconds: u32::try_from(limit.per.as_secs()).unwrap_or(u32::MAX),
        })),
        Error::Credentials { message, right_host, .. } => Failure::Credentials {
            message: match right_host {
                Some(host) => format!("{message} The account's host is {host}"),
                None => message.clone(),
            },
        },
        other => {
            Failure::Broken { problem: short(other), maybe_done: other.effect() == Effect::Unknown }
        }
    }
}

/// The error without the client's advice: the plan gives its own.
fn short(error: &Error) -> String {
    match error {
        Error::Transient { status, problem, .. } => match status {
            Some(status) => format!("HTTP {status}: {problem}"),
            None => problem.clone(),
        },
        Error::Unreadable { status, problem, .. } => {
            format!("HTTP {status} with an unreadable body: {problem}")
        }
        other => other.to_string(),
    }
}

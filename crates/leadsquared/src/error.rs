//! What can go wrong, grouped by what the caller can do about it.
//!
//! - [`Error::Invalid`]: correct the settings or the arguments. Nothing was sent.
//! - [`Error::Refused`]: final. LeadSquared refused *this* request and will refuse it again.
//! - [`Error::RateLimited`]: wait, then send the same again.
//! - [`Error::Transient`]: send it again, after checking [`Error::effect`] if it writes.
//! - [`Error::Credentials`]: stop calling the account until somebody corrects its keys or host.
//! - [`Error::Unreadable`]: like `Transient`, but report it if it persists.

use crate::RateLimit;

/// The most characters of a message that an [`Error`] keeps; the whole response is in the exchange.
pub const MESSAGE_LIMIT: usize = 1_000;

/// What a failed call may have done to the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Nothing: it was never sent, it was refused, or it only reads. It may be sent again.
    None,
    /// Unknown: it was sent, and no response says what happened. Read the account before writing
    /// again, because LeadSquared has no idempotency key (documented, `AD/rate-limits`) and a
    /// repeated create creates a second lead or activity.
    Unknown,
}

/// A failed call. `operation` is the path below `/v2/`, such as `LeadManagement.svc/Lead.Capture`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Settings or arguments with which no request can be made. Nothing was sent.
    #[error("nothing was sent: {problem}")]
    Invalid {
        /// Which value is invalid and why, and what to give instead.
        problem: String,
    },

    /// A final refusal by LeadSquared. The whole write is refused, never a part of it (live).
    #[error(
        "LeadSquared refused {operation} (HTTP {status}{}): {message}; the same request would be \
         refused again, so change it", named(exception.as_deref())
    )]
    Refused {
        /// The operation that was called.
        operation: &'static str,
        /// The HTTP status: mostly 500, but 200 was seen as well.
        status: u16,
        /// `ExceptionType`, such as `MXDuplicateEntryException`. LeadSquared publishes no list.
        exception: Option<String>,
        /// `ExceptionMessage`, or whatever else the response says; up to [`MESSAGE_LIMIT`]
        /// characters.
        message: String,
    },

    /// The rate limit was exceeded, under whatever HTTP status. Nothing was done.
    #[error(
        "LeadSquared's rate limit is reached ({operation}, HTTP {status}): {message}; wait for the \
         window to pass, then send the request again"
    )]
    RateLimited {
        /// The operation that was called.
        operation: &'static str,
        /// The HTTP status: 429 (documented), 403 and 200 (client code).
        status: u16,
        /// LeadSquared's message.
        message: String,
        /// The limit, if the message names it. No header does (documented, `AE/rate-limits`).
        limit: Option<RateLimit>,
    },

    /// No result from LeadSquared: no connection, no response in time, or a server error.
    #[error("{operation} got no result from LeadSquared{}: {problem}; {}", http(*status), repeat(*effect))]
    Transient {
        /// The operation that was called.
        operation: &'static str,
        /// The HTTP status, if a response began.
        status: Option<u16>,
        /// What happened.
        problem: String,
        /// Whether the request may have taken effect.
        effect: Effect,
    },

    /// The keys or the host are invalid, or the user of the keys is deactivated. Nothing was done.
    #[error(
        "LeadSquared rejected the keys ({operation}, HTTP {status}): {message}; {}",
        credentials(right_host.as_deref())
    )]
    Credentials {
        /// The operation that was called.
        operation: &'static str,
        /// The HTTP status, 401 (documented).
        status: u16,
        /// LeadSquared's message.
        message: String,
        /// The host that the message names, if it is not the one that was called: the account is in
        /// another region. That it is named is documented (`AD/api-host`); the wording is not, so
        /// any `*.leadsquared.com` in it counts (guess).
        right_host: Option<String>,
    },

    /// A response that begins as a success and can't be read: cut off, too large, not JSON, or JSON
    /// of another shape.
    #[error("the response to {operation} (HTTP {status}) can't be read: {problem}; {}", repeat(*effect))]
    Unreadable {
        /// The operation that was called.
        operation: &'static str,
        /// The HTTP status.
        status: u16,
        /// The fault, and where in the response it is.
        problem: String,
        /// Whether the request may have taken effect; unknown for everything that writes.
        effect: Effect,
    },
}

impl Error {
    /// What the failed call may have done to the account.
    pub fn effect(&self) -> Effect {
        match self {
            Self::Transient { effect, .. } | Self::Unreadable { effect, .. } => *effect,
            Self::Invalid { .. }
            | Self::Refused { .. }
            | Self::RateLimited { .. }
            | Self::Credentials { .. } => Effect::None,
        }
    }

    /// The `ExceptionType` of a refusal.
    pub fn exception(&self) -> Option<&str> {
        match self {
            Self::Refused { exception, .. } => exception.as_deref(),
            _ => None,
        }
    }
}

fn named(exception: Option<&str>) -> String {
    exception.map_or_else(String::new, |name| format!(", {name}"))
}

fn http(status: Option<u16>) -> String {
    status.map_or_else(String::new, |status| format!(" (HTTP {status})"))
}

fn repeat(effect: Effect) -> &'static str {
    match effect {
        Effect::None => "the request changed nothing and can be sent again",
        Effect::Unknown => {
            "the request may have taken effect, so check the account before sending it again"
        }
    }
}

fn credentials(right_host: Option<&str>) -> String {
    right_host.map_or_else(
        || "check both keys, the API host, and that the user of the keys is active".to_owned(),
        |host| format!("the account is in another region: set its host to {host}"),
    )
}

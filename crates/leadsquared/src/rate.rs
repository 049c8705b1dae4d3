//! The rate limit, as the refusal names it.

use std::time::Duration;

/// The text that identifies a refusal for the rate limit, whatever its status and type: 429 is
/// documented, 403 and 200 were reported (client code).
const PHRASE: &str = "api calls exceeded the limit";

/// `calls` in each window of `per`, as in `API calls exceeded the limit of 20 in 5 second(s)`
/// (documented, `AD/update-a-lead`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// The calls allowed in a window.
    pub calls: u32,
    /// The length of the window.
    pub per: Duration,
}

impl RateLimit {
    /// Whether a message is about the rate limit.
    pub(crate) fn is_named_in(message: &str) -> bool {
        message
            .as_bytes()
            .windows(PHRASE.len())
            .any(|window| window.eq_ignore_ascii_case(PHRASE.as_bytes()))
    }

    /// The two numbers of a message; `None` if it does not have both, in seconds.
    pub(crate) fn read(message: &str) -> Option<Self> {
        let rest = message.to_ascii_lowercase();
        let (_, rest) = rest.split_once(" of ")?;
        let (calls, rest) = rest.split_once(" in ")?;
        let (seconds, unit) = rest.trim().split_once(' ')?;
        if !unit.starts_with("second") {
            return None;
        }
        Some(Self {
            calls: calls.trim().parse().ok()?,
            per: Duration::from_secs(seconds.parse::<u32>().ok()?.into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_read_from_the_message() {
        let message = "API calls exceeded the limit of 20 in 5 second(s)";
        assert!(RateLimit::is_named_in(message));
        let limit = RateLimit::read(message).expect(message);
        assert_eq!(limit, RateLimit { calls: 20, per: Duration::from_secs(5) });
        assert!(RateLimit::is_named_in("LeadSquared 429: api calls Exceeded the limit"));
        assert_eq!(RateLimit::read("API calls exceeded the limit"), None);
        assert_eq!(RateLimit::read("limit of many in 5 second(s)"), None);
        assert!(!RateLimit::is_named_in(""));
    }
}

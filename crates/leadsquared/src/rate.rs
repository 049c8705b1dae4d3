//! The rate limit, as the refusal names it.

use std::time::Duration;

/// The text that identifies a refusal for the rate limit, whatever its status and type: 429 is
/// documented, 403 and 200 were reported (client code).
const PHRASE: &str = "api calls exceeded the limit";

/// What windows are measured in; seconds are documented, days a guess.
const UNITS: [(&str, u64); 4] = [("second", 1), ("minute", 60), ("hour", 3_600), ("day", 86_400)];

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

    /// The two numbers of a message; `None` if it does not have both.
    pub(crate) fn read(message: &str) -> Option<Self> {
        let rest = message.to_ascii_lowercase();
        let (_, rest) = rest.split_once(" of ")?;
        let (calls, rest) = rest.split_once(" in ")?;
        let (length, unit) = rest.trim().split_once(' ')?;
        let seconds =
            UNITS.iter().find_map(|(name, seconds)| unit.starts_with(name).then_some(*seconds))?;
        Some(Self {
            calls: calls.trim().parse().ok()?,
            per: Duration::from_secs(u64::from(length.parse::<u32>().ok()?) * seconds),
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
        let daily = RateLimit::read("API calls exceeded the limit of 10000 in 1 day(s)");
        assert_eq!(daily, Some(RateLimit { calls: 10_000, per: Duration::from_hours(24) }));
        assert_eq!(RateLimit::read("limit of many in 5 second(s)"), None);
        assert!(!RateLimit::is_named_in(""));
    }
}

//! The log's record of a call, and what keeps keys out of it.

use std::{borrow::Cow, fmt::Write as _, sync::Arc, time::Duration};

use secrecy::{ExposeSecret, SecretString};

use crate::{Error, account::Keys};

/// The most bytes of a response that an [`Exchange`] keeps, unless [`crate::Limits::record`] says
/// otherwise.
pub const DEFAULT_RECORD_LIMIT: usize = 64 * 1024;

/// What is shown instead of a key.
const REDACTED: &str = "[redacted]";

/// Shorter strings are not keys, and replacing them would only garble the record.
const SHORTEST_KEY: usize = 8;

/// One request and its response, for the log. It never contains a key.
///
/// The bodies are shared, so a clone for each lead of a bulk call costs no copy of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The path below `/v2/`, such as `LeadManagement.svc/Lead.Capture`.
    pub operation: &'static str,
    /// `GET` or `POST`; LeadSquared's API has no other (deletes are `GET`).
    pub method: &'static str,
    /// The whole address, without the keys that [`crate::Authentication::Query`] adds.
    pub url: String,
    /// The body as sent; empty for `GET`. Values of webhook headers are redacted.
    pub request: Arc<str>,
    /// The HTTP status, if a response began.
    pub status: Option<u16>,
    /// The body of the response as text, up to [`crate::Limits::record`] bytes, cut at a character
    /// and marked. Keys that LeadSquared repeats in it are redacted. Empty if none arrived.
    pub response: Arc<str>,
    /// From the start of the call, including connecting, to the end of the response.
    pub elapsed: Duration,
}

/// The outcome of a call: the record always, and a value or an error.
#[derive(Clone, Debug)]
#[must_use]
pub struct Reply<T> {
    /// The record for the log.
    pub exchange: Exchange,
    /// What the response says.
    pub result: Result<T, Error>,
}

impl<T> Reply<T> {
    /// The same reply with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Reply<U> {
        Reply { exchange: self.exchange, result: self.result.map(change) }
    }
}

/// Replaces both keys of an account, raw and percent-encoded, wherever they occur.
#[derive(Clone)]
pub(crate) struct Redactor(Vec<SecretString>);

impl Redactor {
    pub fn new(keys: &Keys) -> Self {
        let mut secrets = Vec::new();
        for key in [&keys.access, &keys.secret] {
            let raw = key.expose_secret();
            if raw.len() < SHORTEST_KEY {
                continue;
            }
            let encoded = encoded(raw);
            if encoded != raw {
                secrets.push(encoded.into_owned().into());
            }
            secrets.push(key.clone());
        }
        Self(secrets)
    }

    pub fn redact(&self, text: String) -> String {
        self.0.iter().map(ExposeSecret::expose_secret).fold(text, |text, key| {
            if text.contains(key) { text.replace(key, REDACTED) } else { text }
        })
    }

    /// The record of a body: redacted, at most `limit` bytes, cut at a character and marked.
    pub fn record(&self, body: &[u8], limit: usize) -> Arc<str> {
        let whole = body.len() <= limit;
        let kept = if whole { body } else { &body[..limit] };
        let text = String::from_utf8_lossy(kept);
        if whole && !self.0.iter().any(|key| text.contains(key.expose_secret())) {
            return Arc::from(text);
        }
        let mut text = self.redact(text.into_owned());
        if whole {
            return Arc::from(text);
        }
        // The cut may have left the beginning of a character or of a key.
        while text.ends_with(char::REPLACEMENT_CHARACTER) {
            text.pop();
        }
        for key in self.0.iter().map(ExposeSecret::expose_secret) {
            let half = key.char_indices().map(|(at, _)| &key[..at]).filter(|half| !half.is_empty());
            if let Some(half) = half.rev().find(|half| text.ends_with(*half)) {
                text.truncate(text.len() - half.len());
            }
        }
        let kept = text.len();
        write!(text, "… [cut: {kept} of {} bytes]", body.len()).expect("a String takes all writes");
        Arc::from(text)
    }
}

/// Percent-encodes a query value: everything but unreserved characters, and a space as `%20`, which
/// every server reads the same way, unlike `+`.
pub(crate) fn encoded(value: &str) -> Cow<'_, str> {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if value.bytes().all(unreserved) {
        return Cow::Borrowed(value);
    }
    let mut encoded = String::with_capacity(value.len() + 16);
    for byte in value.bytes() {
        if unreserved(byte) {
            encoded.push(byte.into());
        } else {
            write!(encoded, "%{byte:02X}").expect("a String takes all writes");
        }
    }
    Cow::Owned(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCESS: &str = "u$r0123456789abcdef";

    fn redactor() -> Redactor {
        Redactor::new(&Keys::new(ACCESS.to_owned(), "fedcba9876543210".to_owned()))
    }

    #[test]
    fn values_are_percent_encoded() {
        assert_eq!(encoded("u$r +&=é"), "u%24r%20%2B%26%3D%C3%A9");
        assert_eq!(encoded("a-b.c_d~9"), "a-b.c_d~9");
    }

    #[test]
    fn keys_are_redacted_raw_and_encoded() {
        let body = format!("a {ACCESS} b u%24r0123456789abcdef c fedcba9876543210 d");
        let record = redactor().record(body.as_bytes(), 1_000);
        assert_eq!(&*record, "a [redacted] b [redacted] c [redacted] d");
    }

    #[test]
    fn a_cut_leaves_no_half_of_a_key() {
        let body = format!("ab{ACCESS}");
        for limit in 2..body.len() {
            let record = redactor().record(body.as_bytes(), limit);
            assert_eq!(&*record, format!("ab… [cut: 2 of {} bytes]", body.len()), "{limit}");
        }
    }

    #[test]
    fn a_cut_is_at_a_character() {
        let record = redactor().record("aéz".as_bytes(), 2);
        assert_eq!(&*record, "a… [cut: 1 of 4 bytes]");
        assert_eq!(&*redactor().record("aéz".as_bytes(), 4), "aéz");
        assert_eq!(&*redactor().record(&[0xff, b'a'], 4), "\u{fffd}a");
    }
}

//! Interpreting a response by its body, whatever its HTTP status.

use serde::{Deserialize, de::DeserializeOwned, de::IgnoredAny};

use crate::{
    Effect, Error, MESSAGE_LIMIT, RateLimit,
    scalar::{self, Text},
};

/// Exceptions that mean invalid keys, whatever the status. The first was seen live; the second in
/// one team's older tests only (client code).
const CREDENTIAL_EXCEPTIONS: [&str; 3] = [
    "MXInvalidAccessDetailsException",
    "MXAuthenticationFailedException",
    // Rights or keys (client code): either way, nothing works until somebody fixes it.
    "MXUnAuthorizedAccessException",
];

/// The exception for the rate limit (client code).
const RATE_EXCEPTION: &str = "MXAPIRateLimitExceededException";

/// Exceptions of the application begin with this, and LeadSquared's own retries depend on it
/// (documented, `AD/async-api`): they are final, anything else is a server error.
const APPLICATION_PREFIX: &str = "MX";

/// Words in the name of an exception that indicate a temporary state, whatever its prefix (guess:
/// no such name was seen with [`APPLICATION_PREFIX`]).
const PASSING_NAMES: [&str; 5] = ["timeout", "timedout", "deadlock", "unavailable", "serverbusy"];

/// SQL Server's messages for such a state.
const PASSING_MESSAGES: [&str; 4] =
    ["timeout expired", "wait operation timed out", "deadlock victim", "deadlocked on lock"];

/// Whether an exception is about a timeout or a deadlock: the same call may work later, and may
/// have taken effect.
fn is_passing(name: &str, message: &str) -> bool {
    let (name, message) = (name.to_ascii_lowercase(), message.to_ascii_lowercase());
    PASSING_NAMES.iter().any(|word| name.contains(word))
        || PASSING_MESSAGES.iter().any(|words| message.contains(words))
}

/// What is known about the call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallContext<'a> {
    pub operation: &'static str,
    /// What a failure without a verdict may have done.
    pub effect: Effect,
    /// The name of the host that was called.
    pub host: &'a str,
}

/// The failure envelope: `Status`, `ExceptionType`, `ExceptionMessage` (documented,
/// `AD/error-handling`), all of them optional here and others ignored.
#[derive(Deserialize)]
struct Envelope {
    #[serde(default, rename = "Status")]
    status: Option<Status>,
    #[serde(default, rename = "ExceptionType", deserialize_with = "scalar::text")]
    exception: Option<String>,
    #[serde(default, rename = "ExceptionMessage", deserialize_with = "scalar::text")]
    exception_message: Option<String>,
    #[serde(default, rename = "Message")]
    message: Text,
}

/// `Status` is a word, except in the response of `UpdateV2`, where it is an object.
#[derive(Deserialize)]
#[serde(untagged)]
enum Status {
    Word(String),
    Other(IgnoredAny),
}

impl Envelope {
    /// The envelope of a body that is a JSON object.
    fn read(body: &[u8]) -> Option<Self> {
        if body.trim_ascii_start().first() != Some(&b'{') {
            return None;
        }
        serde_json::from_slice(body).ok()
    }

    fn is_failure(&self) -> bool {
        let word = match &self.status {
            Some(Status::Word(word)) => Some(word.trim()),
            Some(Status::Other(_)) | None => None,
        };
        word.is_some_and(|word| word.eq_ignore_ascii_case("Error"))
            || (self.exception.is_some()
                && !word.is_some_and(|word| word.eq_ignore_ascii_case("Success")))
    }
}

/// Interprets a complete response.
pub(crate) fn judge<T: DeserializeOwned>(
    asked: CallContext<'_>,
    status: u16,
    body: &[u8],
) -> Result<T, Error> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let envelope = Envelope::read(body);
    if let Some(envelope) = envelope.as_ref().filter(|envelope| envelope.is_failure()) {
        return Err(refusal(asked, status, envelope));
    }
    if !(200..300).contains(&status) {
        let said = envelope.and_then(|envelope| envelope.message.0);
        return Err(by_status(asked, status, said.unwrap_or_else(|| excerpt(body))));
    }
    serde_json::from_slice(body).map_err(|error| {
        let said = excerpt(body);
        if RateLimit::is_named_in(&said) {
            return rate_limited(asked, status, said);
        }
        Error::Unreadable {
            operation: asked.operation,
            status,
            problem: format!(
                "{error} in a response of {} bytes that begins with {said:?}",
                body.len()
            ),
            effect: asked.effect,
        }
    })
}

fn refusal(asked: CallContext<'_>, status: u16, envelope: &Envelope) -> Error {
    let exception = envelope.exception.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let message = [envelope.exception_message.as_deref(), envelope.message.0.as_deref()]
        .into_iter()
        .flatten()
        .find(|message| !message.trim().is_empty())
        .map_or_else(|| "the response gives no reason".to_owned(), clipped);
    if exception == Some(RATE_EXCEPTION) || status == 429 || RateLimit::is_named_in(&message) {
        return rate_limited(asked, status, message);
    }
    if status == 401 || exception.is_some_and(|name| CREDENTIAL_EXCEPTIONS.contains(&name)) {
        return credentials(asked, status, message);
    }
    let is_fault = match exception {
        Some(name) => !name.starts_with(APPLICATION_PREFIX) || is_passing(name, &message),
        None => status >= 500,
    };
    if is_fault {
        return Error::Transient {
            operation: asked.operation,
            status: Some(status),
            problem: exception.map_or_else(|| message.clone(), |name| format!("{name}: {message}")),
            effect: asked.effect,
        };
    }
    Error::Refused {
        operation: asked.operation,
        status,
        exception: exception.map(clipped),
        message,
    }
}

/// The meaning of a status whose body is not an envelope.
fn by_status(asked: CallContext<'_>, status: u16, said: String) -> Error {
    if status == 429 || RateLimit::is_named_in(&said) {
        return rate_limited(asked, status, said);
    }
    match status {
        401 => credentials(asked, status, said),
        // A redirect is not followed, because the keys would go with it. It comes from a gateway in
        // trouble and says nothing about the call.
        ..=399 | 408 | 425 | 500.. => Error::Transient {
            operation: asked.operation,
            status: Some(status),
            problem: said,
            effect: asked.effect,
        },
        _ => Error::Refused { operation: asked.operation, status, exception: None, message: said },
    }
}

fn rate_limited(asked: CallContext<'_>, status: u16, message: String) -> Error {
    let limit = RateLimit::read(&message);
    Error::RateLimited { operation: asked.operation, status, message, limit }
}

fn credentials(asked: CallContext<'_>, status: u16, message: String) -> Error {
    let right_host = host_in(&message).filter(|host| !host.eq_ignore_ascii_case(asked.host));
    Error::Credentials { operation: asked.operation, status, message, right_host }
}

/// The first API host that a message names.
fn host_in(message: &str) -> Option<String> {
    message
        .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-' && letter != '.')
        .map(|word| word.trim_matches('.').to_ascii_lowercase())
        .find(|word| word.starts_with("api") && word.ends_with(".leadsquared.com"))
}

/// The beginning of a body that is not an envelope, for a message: one line, without HTML.
fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * MESSAGE_LIMIT)]);
    let text = text.trim();
    if text.is_empty() {
        return "an empty response".to_owned();
    }
    if let Some(page) = text.strip_prefix('<') {
        let title = page
            .split_once("<title>")
            .and_then(|(_, rest)| rest.split_once("</title>"))
            .map_or(" without a title".to_owned(), |(title, _)| format!(": {}", title.trim()));
        return clipped(&format!("a web page{title}"));
    }
    match serde_json::from_str::<String>(text) {
        Ok(text) => clipped(&text),
        Err(_) => clipped(text),
    }
}

fn clipped(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(MESSAGE_LIMIT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Written;
    use crate::fuzzing::judge_all;

    const ASKED: CallContext<'_> = CallContext {
        operation: "Service.svc/Operation",
        effect: Effect::Unknown,
        host: "api.leadsquared.com",
    };

    fn written(status: u16, body: &str) -> Result<Written, Error> {
        judge(ASKED, status, body.as_bytes())
    }

    #[test]
    fn the_body_decides_and_not_the_status() {
        let body = r#"{"Status":"Error","ExceptionType":"MXDuplicateEntryException","ExceptionMessage":"A Lead with same Email already exists.","IsMXException":true}"#;
        for status in [500, 200, 400] {
            let error = written(status, body).expect_err(body);
            assert_eq!(error.exception(), Some("MXDuplicateEntryException"), "{status}: {error}");
            assert_eq!(error.effect(), Effect::None);
        }
    }

    #[test]
    fn the_limit_is_known_by_type_by_text_and_by_status() {
        for (status, body) in [
            (429, ""),
            (429, r#"{"Status":"Error","ExceptionType":"MXOther","ExceptionMessage":"slow"}"#),
            (200, r#"{"Status":"Error","ExceptionType":"MXAPIRateLimitExceededException"}"#),
            (403, r#"{"Message":"API calls exceeded the limit of 20 in 5 second(s)"}"#),
            (403, "API calls exceeded the limit of 20 in 5 second(s)"),
            (200, r#""API calls exceeded the limit of 20 in 5 second(s)""#),
            (
                500,
                r#"{"Status":"Error","ExceptionMessage":"API calls exceeded the limit of 20 in 5 second(s)"}"#,
            ),
        ] {
            let error = written(status, body).expect_err(body);
            assert!(matches!(error, Error::RateLimited { .. }), "{status} {body}: {error:?}");
        }
    }

    #[test]
    fn faults_of_the_server_are_no_verdict() {
        for (status, body) in [
            (500, "<html><title>Runtime Error</title></html>"),
            (500, ""),
            (502, "Bad Gateway"),
            (408, ""),
            (302, ""),
            (
                200,
                r#"{"Status":"Error","ExceptionType":"NullReferenceException","ExceptionMessage":"There was an error processing the request."}"#,
            ),
            (500, r#"{"Status":"Error","ExceptionType":"MXTimeoutException"}"#),
            (500, r#"{"Status":"Error","ExceptionType":"MXServiceUnavailableException"}"#),
            (
                500,
                r#"{"Status":"Error","ExceptionType":"SqlException","ExceptionMessage":"Transaction (Process ID 52) was deadlocked on lock resources with another process and has been chosen as the deadlock victim. Rerun the transaction."}"#,
            ),
            (
                200,
                r#"{"Status":"Error","ExceptionType":"MXException","ExceptionMessage":"Execution Timeout Expired."}"#,
            ),
        ] {
            let error = written(status, body).expect_err(body);
            assert!(matches!(error, Error::Transient { .. }), "{status} {body}: {error:?}");
            assert_eq!(error.effect(), Effect::Unknown, "{status} {body}");
        }
    }

    #[test]
    fn a_page_is_told_by_its_title() {
        let error =
            written(500, "<!DOCTYPE html><html><title> Runtime Error </title>").expect_err("");
        assert!(error.to_string().contains("a web page: Runtime Error"), "{error}");
    }

    #[test]
    fn other_statuses_are_final() {
        for status in [400, 403, 404, 405, 413] {
            let error = written(status, "Unexpected character").expect_err("");
            assert!(matches!(error, Error::Refused { exception: None, .. }), "{error:?}");
        }
    }

    #[test]
    fn the_right_host_is_told() {
        let body = r#"{"Status":"Error","ExceptionType":"MXInvalidAccessDetailsException","ExceptionMessage":"Use https://api-in21.leadsquared.com."}"#;
        let error = written(401, body).expect_err(body);
        let Error::Credentials { right_host, .. } = &error else { panic!("{error:?}") };
        assert_eq!(right_host.as_deref(), Some("api-in21.leadsquared.com"));
        let error = written(401, r#""Invalid User Details! api.leadsquared.com""#).expect_err("");
        assert!(matches!(error, Error::Credentials { right_host: None, .. }), "{error:?}");
    }

    #[test]
    fn missing_rights_are_as_wrong_keys_in_any_envelope() {
        for status in [200, 401, 403, 500] {
            let body = r#"{"Status":"Error","ExceptionType":"MXUnAuthorizedAccessException","ExceptionMessage":"Access denied"}"#;
            let error = written(status, body).expect_err(body);
            assert!(matches!(error, Error::Credentials { .. }), "{status}: {error:?}");
        }
    }

    #[test]
    fn a_success_that_cannot_be_read_is_no_success() {
        for body in
            ["", "{", "[]", "null", r#"{"Status":"Success","Message":{"Id":"1""#, "<html>", "{}"]
        {
            let error = written(200, body).expect_err(body);
            assert!(matches!(error, Error::Unreadable { .. }), "{body}: {error:?}");
            assert_eq!(error.effect(), Effect::Unknown, "{body}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_no_obstacle() {
        written(200, "\u{feff}{\"Status\":\"Success\"}").expect("readable");
    }

    #[test]
    fn messages_are_clipped_at_a_character() {
        let body = "é".repeat(3 * MESSAGE_LIMIT);
        let error = written(400, &body).expect_err("");
        let Error::Refused { message, .. } = error else { panic!("{error:?}") };
        assert_eq!(message.chars().count(), MESSAGE_LIMIT + 1);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_judge_panic(status in 100_u16..600, body in prop::collection::vec(any::<u8>(), 0..300)) {
            judge_all(status, &body);
        }

        #[test]
        fn no_text_near_an_envelope_makes_the_judge_panic(
            status in 100_u16..600,
            body in r#"\{?("Status"|"Message"|"Leads"|"ExceptionType"):?("Error"|"Success"|[0-9]{1,30}|\{|\[|null|"[^"]{0,9}),?("RecordCount":-?[0-9]{0,4})?\}?"#,
        ) {
            judge_all(status, body.as_bytes());
        }
    }
}

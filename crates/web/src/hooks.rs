//! `/hooks/{token}`: what a source account's automation posts to.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::BodyExt;
use store::{NewDelivery, Origin};
use tokio::sync::OwnedSemaphorePermit;

use crate::Shared;
use crate::committer::{Committer, NotKept};
use crate::syntax;
use crate::tokens::Unknown;

/// The longest body that is accepted.
pub(crate) const LONGEST_BODY: usize = 2 * 1024 * 1024;
/// When a sender should try again after a 503, in seconds.
const TRY_AGAIN: &str = "5";

/// `POST`: stores the body.
pub(crate) async fn receive(
    State(shared): State<Shared>,
    Path(token): Path<String>,
    request: Request,
) -> Response {
    let answer = keep(&shared, &token, request).await;
    let answer = match answer {
        Ok(answer) | Err(answer) => answer,
    };
    metrics::counter!("leadsync_received_total", "status" => answer.label()).increment(1);
    answer.into_response()
}

/// `GET` and `HEAD`: the sender's *Verify*.
pub(crate) async fn verify(State(shared): State<Shared>, Path(token): Path<String>) -> Response {
    match shared.tokens.connector(&token).await {
        Ok(connector) => {
            // A note for the console must not prevent the response to the sender.
            if let Err(error) = shared.store.note_verified(connector, (shared.clock)()).await {
                tracing::warn!(%error, "that a webhook URL was verified can't be noted");
            }
            Answer::Kept.into_response()
        }
        Err(unknown) => Answer::Unknown(unknown).into_response(),
    }
}

async fn keep(shared: &Shared, token: &str, request: Request) -> Result<Answer, Answer> {
    let connector = shared.tokens.connector(token).await.map_err(Answer::Unknown)?;
    let (parts, body) = request.into_parts();
    if announced_length(&parts.headers).is_some_and(|length| length > LONGEST_BODY) {
        return Err(Answer::TooLong);
    }
    let read = tokio::time::timeout(shared.limits.body, read(body, &shared.committer)).await;
    let (body, room) = read.map_err(|_| Answer::TooSlow)??;
    let content_type = parts
        .headers
        .get(header::CONTENT_TYPE)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let unreadable = unreadable(&body, content_type.as_deref());
    let now = (shared.clock)();
    let delivery = NewDelivery {
        id: shared.ids.next(now),
        connector,
        received_at: now,
        origin: origin(parts.uri.query()),
        content_type,
        body,
    };
    shared.committer.keep(delivery, room).await.map_err(Answer::NotKept)?;
    Ok(unreadable.map_or(Answer::Kept, Answer::Unreadable))
}

/// What a webhook is about. Only its URL can say so: with `event=deleted` or `event=merged`, as the
/// console asks for, or with the `eventType` that LeadSquared may append (AE/asyncapi), whose names
/// are those of AD/retrieve-a-webhook.
fn origin(query: Option<&str>) -> Origin {
    let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let mut events = pairs.filter(|(name, _)| name == "event" || name == "eventType");
    events
        .find_map(|(_, event)| match &*event {
            "deleted" | "Lead_Delete" => Some(Origin::Deleted),
            "merged" | "Lead_Merge" => Some(Origin::Merged),
            _ => None,
        })
        .unwrap_or(Origin::Webhook)
}

fn announced_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A body, and the room that was reserved for it.
async fn read(
    mut body: Body,
    committer: &Committer,
) -> Result<(Bytes, OwnedSemaphorePermit), Answer> {
    let mut room = committer.take_room(0).map_err(Answer::NotKept)?;
    // Copied out of the connection's buffer, which a small body that waits would keep as a whole.
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Answer::Broken)?.into_data() else { continue };
        if data.len() > LONGEST_BODY - bytes.len() {
            return Err(Answer::TooLong);
        }
        room.merge(committer.take_room(data.len()).map_err(Answer::NotKept)?);
        bytes.extend_from_slice(&data);
    }
    Ok((bytes.into(), room))
}

/// Why a body can't be read. It is stored anyway, and shown as failed.
fn unreadable(body: &[u8], content_type: Option<&str>) -> Option<&'static str> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii();
    let is_form = content_type
        .is_some_and(|kind| kind.to_ascii_lowercase().contains("x-www-form-urlencoded"));
    match body.first() {
        None => Some("The body is empty."),
        Some(b'{' | b'[') if !syntax::is_json(body) => {
            Some("The body is not JSON that can be read.")
        }
        Some(b'{' | b'[') => None,
        Some(_) if is_form => None,
        Some(_) => Some("The body is neither a JSON object or list nor a form."),
    }
}

/// The response to a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Kept,
    Unreadable(&'static str),
    Unknown(Unknown),
    TooLong,
    TooSlow,
    Broken,
    NotKept(NotKept),
}

impl Answer {
    fn label(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Unreadable(_) => "unreadable",
            Self::Unknown(Unknown::Nobody) => "unknown_token",
            Self::Unknown(Unknown::CannotTell) => "not_looked_up",
            Self::TooLong => "too_long",
            Self::TooSlow => "too_slow",
            Self::Broken => "broken",
            Self::NotKept(NotKept::Full) => "full",
            Self::NotKept(NotKept::Failed) => "not_stored",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Kept | Self::Unreadable(_) => StatusCode::OK,
            Self::Unknown(Unknown::Nobody) => StatusCode::NOT_FOUND,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken => StatusCode::BAD_REQUEST,
            Self::NotKept(_) | Self::Unknown(Unknown::CannotTell) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Kept => "",
            Self::Unreadable(reason) => reason,
            Self::Unknown(Unknown::Nobody) => "No connector has this webhook URL.",
            Self::Unknown(Unknown::CannotTell) => "The URL can't be looked up now. Send it again.",
            Self::TooLong => "The body is longer than 2 MiB.",
            Self::TooSlow => "The body did not come in time.",
            Self::Broken => "The body broke off.",
            Self::NotKept(NotKept::Full) => "Too much waits to be stored. Send it again.",
            Self::NotKept(NotKept::Failed) => "It could not be stored. Send it again.",
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        // No reason needs escaping.
        let word = if self == Self::Kept { "Success" } else { "Error" };
        let body = match self {
            Self::Kept => Bytes::from_static(br#"{"Status":"Success","StatusReason":""}"#),
            _ => format!(r#"{{"Status":"{word}","StatusReason":"{}"}}"#, self.reason()).into(),
        };
        let mut response = (self.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        match self {
            Self::NotKept(_) | Self::Unknown(Unknown::CannotTell) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static(TRY_AGAIN));
            }
            // The rest of the body is not read, so the connection can't be used again.
            Self::TooLong | Self::TooSlow | Self::Broken => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_says_what_a_webhook_tells_of() {
        for (query, expected) in [
            (None, Origin::Webhook),
            (Some("entityType=automation&entityId=7"), Origin::Webhook),
            (Some("event=deleted"), Origin::Deleted),
            (Some("event=merged&entityId=7"), Origin::Merged),
            (Some("entityType=webhook&eventType=Lead_Delete"), Origin::Deleted),
            (Some("eventType=Lead_Merge"), Origin::Merged),
            (Some("eventType=Lead_Post_Update"), Origin::Webhook),
            (Some("event=updated"), Origin::Webhook),
        ] {
            assert_eq!(origin(query), expected, "{query:?}");
        }
    }

    #[test]
    fn bodies_that_can_not_be_read_are_told() {
        let form = Some("application/x-www-form-urlencoded");
        for (body, content_type, expected) in [
            ("", None, Some("empty")),
            ("  \n", None, Some("empty")),
            (r#"{"a":1}"#, None, None),
            ("[{}]", None, None),
            ("\u{feff}{}", None, None),
            (r#"{"a":1"#, None, Some("not JSON")),
            ("a=1", form, None),
            ("a=1", None, Some("neither")),
            ("5", None, Some("neither")),
        ] {
            let told = unreadable(body.as_bytes(), content_type);
            match expected {
                None => assert_eq!(told, None, "{body}"),
                Some(part) => {
                    assert!(told.is_some_and(|told| told.contains(part)), "{body}: {told:?}");
                }
            }
        }
        let deep = "[".repeat(100_000);
        assert!(unreadable(deep.as_bytes(), None).is_some());
    }
}

//! `/hooks/{token}`: what a source account's automation posts to.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::BodyExt;
use plan::id::ConnectorId;
use plan::payload;
use plan::wiring::SECRET_HEADER;
use serde_json::json;
use store::{NewDelivery, Origin, TooLong};
use tokio::sync::OwnedSemaphorePermit;

use crate::Shared;
use crate::committer::{Committer, NotKept};
use crate::connections::{Peer, is_too_slow};
use crate::source::{FORWARDED_FOR, address_of};
use crate::syntax;
use crate::tokens::Unknown;

/// How much is kept of a body that is too long, in bytes.
const KEPT_OF_TOO_LONG: usize = 8 * 1024;
/// How long the beginning of a body is waited for that was announced to be too long.
const LONGEST_WAIT_FOR_TOO_LONG: Duration = Duration::from_secs(5);
/// When a sender should retry after a 503, in seconds.
const TRY_AGAIN: &str = "5";

/// `POST`: stores the body.
pub(crate) async fn receive(
    State(shared): State<Shared>,
    Path(token): Path<String>,
    request: Request,
) -> Response {
    let connector = shared.tokens.connector(&token, (shared.clock)()).await;
    answered(&shared, connector, request).await
}

/// `POST` to the URL of native webhooks that a connector made for itself: they send its secret.
pub(crate) async fn receive_wired(
    State(shared): State<Shared>,
    Path(token): Path<String>,
    request: Request,
) -> Response {
    let secret = request.headers().get(SECRET_HEADER).and_then(|secret| secret.to_str().ok());
    let secret = secret.unwrap_or_default();
    let connector = shared.tokens.wired(&token, secret, (shared.clock)()).await;
    answered(&shared, connector, request).await
}

async fn answered(
    shared: &Shared,
    connector: Result<ConnectorId, Unknown>,
    request: Request,
) -> Response {
    let answer = match connector {
        Ok(connector) => keep(shared, connector, request).await,
        Err(unknown) => Err(Answer::Unknown(unknown)),
    };
    let answer = match answer {
        Ok(answer) | Err(answer) => answer,
    };
    metrics::counter!("leadsync_received_total", "status" => answer.label()).increment(1);
    answer.into_response()
}

/// `GET` and `HEAD`: the sender's *Verify*.
pub(crate) async fn verify(State(shared): State<Shared>, Path(token): Path<String>) -> Response {
    match shared.tokens.connector(&token, (shared.clock)()).await {
        Ok(connector) => verified(&shared, connector).await.into_response(),
        Err(unknown) => Answer::Unknown(unknown).into_response(),
    }
}

/// Notes that the URL was tried.
async fn verified(shared: &Shared, connector: ConnectorId) -> Answer {
    // A note for the console must not prevent the response to the sender.
    if let Err(error) = shared.store.note_verified(connector, (shared.clock)()).await {
        tracing::warn!(%error, "that a webhook URL was verified can't be noted");
    }
    Answer::Verified
}

async fn keep(shared: &Shared, connector: ConnectorId, request: Request) -> Result<Answer, Answer> {
    let (parts, body) = request.into_parts();
    let most = shared.limits.longest_body;
    let announced = announced_length(&parts.headers);
    let mut reading = Reading::new(&shared.committer, most, announced)?;
    let patience = if reading.is_too_long { LONGEST_WAIT_FOR_TOO_LONG } else { Duration::MAX };
    let patience = patience.min(shared.limits.body);
    let read = tokio::time::timeout(patience, reading.read(body)).await;
    // What there is of a body that is too long is kept, however it ends.
    if !reading.is_too_long {
        read.map_err(|_| Answer::TooSlow)??;
    }
    let Reading { bytes, room, seen, is_too_long, .. } = reading;
    let body = Bytes::from(bytes);
    let content_type = parts
        .headers
        .get(header::CONTENT_TYPE)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    if !is_too_long && payload::is_verification(&body, content_type.as_deref()) {
        return Ok(verified(shared, connector).await);
    }
    let origin = if is_too_long {
        let bytes = announced.unwrap_or(0).max(seen);
        Origin::TooLong(TooLong {
            bytes: bytes.try_into().unwrap_or(u64::MAX),
            most: most.try_into().unwrap_or(u64::MAX),
            sender: sender(&parts.extensions),
            on_behalf_of: on_behalf_of(&parts.headers),
        })
    } else {
        origin(parts.uri.query())
    };
    let now = (shared.clock)();
    let delivery = NewDelivery {
        id: shared.ids.next(now),
        connector,
        received_at: now,
        origin,
        content_type: content_type.clone(),
        body: body.clone(),
    };
    shared.committer.keep(delivery, room).await.map_err(Answer::NotKept)?;
    if is_too_long {
        return Err(Answer::TooLong(most));
    }
    Ok(unreadable(&body, content_type.as_deref()).map_or(Answer::Kept, Answer::Unreadable))
}

/// Who sent a request.
fn sender(extensions: &Extensions) -> IpAddr {
    extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0)
}

/// The client on whose behalf a proxy sends, as the nearest proxy reports it.
fn on_behalf_of(headers: &HeaderMap) -> Option<IpAddr> {
    let named = headers.get_all(FORWARDED_FOR).iter().next_back()?;
    address_of(named.to_str().ok()?.rsplit(',').next()?)
}

/// What a webhook is about. Only its URL shows it: with `event=deleted` or `event=merged`, as the
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

/// A body that is being read, and the room that is reserved for it.
struct Reading<'a> {
    committer: &'a Committer,
    /// How many bytes are allowed.
    most: usize,
    bytes: Vec<u8>,
    room: OwnedSemaphorePermit,
    /// How many bytes came.
    seen: usize,
    /// Only the beginning is kept then.
    is_too_long: bool,
}

impl<'a> Reading<'a> {
    fn new(
        committer: &'a Committer,
        most: usize,
        announced: Option<usize>,
    ) -> Result<Self, Answer> {
        let room = committer.take_room(0).map_err(Answer::NotKept)?;
        let is_too_long = announced.is_some_and(|length| length > most);
        // Copied out of the connection's buffer, which a small body that waits would keep as a whole.
        Ok(Self { committer, most, bytes: Vec::new(), room, seen: 0, is_too_long })
    }

    async fn read(&mut self, mut body: Body) -> Result<(), Answer> {
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame
                .map_err(
                    |error| if is_too_slow(&error) { Answer::TooSlow } else { Answer::Broken },
                )?
                .into_data()
            else {
                continue;
            };
            self.seen += data.len();
            self.is_too_long |= self.seen > self.most;
            let most = if self.is_too_long { KEPT_OF_TOO_LONG } else { self.most };
            let wanted = &data[..data.len().min(most.saturating_sub(self.bytes.len()))];
            self.room.merge(self.committer.take_room(wanted.len()).map_err(Answer::NotKept)?);
            self.bytes.extend_from_slice(wanted);
            if self.is_too_long && self.seen >= KEPT_OF_TOO_LONG {
                self.bytes.truncate(KEPT_OF_TOO_LONG);
                break;
            }
        }
        Ok(())
    }
}

/// The response to whatever is no webhook, where only webhooks are accepted.
pub(crate) async fn nothing_else() -> Response {
    (StatusCode::NOT_FOUND, "Only webhooks are accepted here.\n").into_response()
}

/// Why a body can't be read. It is stored anyway, and shown as failed.
fn unreadable(body: &[u8], content_type: Option<&str>) -> Option<String> {
    // Nearly every body is plain JSON, of which no tree is needed here.
    if matches!(body.trim_ascii().first(), Some(b'{' | b'[')) && syntax::is_json(body) {
        return None;
    }
    payload::read(body, content_type).err().map(|problem| problem.message)
}

/// The response to a sender.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    Kept,
    /// The body only tried whether the URL is there.
    Verified,
    Unreadable(String),
    Unknown(Unknown),
    TooLong(usize),
    TooSlow,
    Broken,
    NotKept(NotKept),
}

impl Answer {
    fn label(&self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Verified => "verified",
            Self::Unreadable(_) => "unreadable",
            Self::Unknown(Unknown::Nobody) => "unknown_token",
            Self::Unknown(Unknown::Stranger) => "wrong_secret",
            Self::Unknown(Unknown::CannotTell) => "not_looked_up",
            Self::TooLong(_) => "too_long",
            Self::TooSlow => "too_slow",
            Self::Broken => "broken",
            Self::NotKept(NotKept::Full) => "full",
            Self::NotKept(NotKept::Failed) => "not_stored",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Kept | Self::Verified | Self::Unreadable(_) => StatusCode::OK,
            Self::Unknown(Unknown::Nobody) => StatusCode::NOT_FOUND,
            Self::Unknown(Unknown::Stranger) => StatusCode::UNAUTHORIZED,
            Self::TooLong(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken => StatusCode::BAD_REQUEST,
            Self::NotKept(_) | Self::Unknown(Unknown::CannotTell) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    fn reason(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Kept | Self::Verified => "",
            Self::Unreadable(reason) => return Cow::Owned(reason.clone()),
            Self::Unknown(Unknown::Nobody) => "No connector has this webhook URL.",
            Self::Unknown(Unknown::Stranger) => {
                "The webhook secret is missing or wrong. Create the connector's webhooks again."
            }
            Self::Unknown(Unknown::CannotTell) => {
                "The URL can't be checked right now. Send the request again."
            }
            Self::TooLong(most) => return Cow::Owned(longer_than(*most)),
            Self::TooSlow => "The body did not arrive in time.",
            Self::Broken => "The body is incomplete.",
            Self::NotKept(NotKept::Full) => {
                "Too many requests are waiting to be stored. Send the request again."
            }
            Self::NotKept(NotKept::Failed) => "The request could not be stored. Send it again.",
        })
    }
}

/// That a body is longer than this many bytes.
pub(crate) fn longer_than(bytes: usize) -> String {
    const MIB: usize = 1024 * 1024;
    if bytes.is_multiple_of(MIB) {
        format!("The body is larger than {} MiB.", bytes / MIB)
    } else {
        format!("The body is larger than {bytes} bytes.")
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let body = match self {
            Self::Kept | Self::Verified => {
                Bytes::from_static(br#"{"Status":"Success","StatusReason":""}"#)
            }
            _ => json!({"Status": "Error", "StatusReason": self.reason()}).to_string().into(),
        };
        let mut response = (self.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        match self {
            Self::NotKept(_) | Self::Unknown(Unknown::CannotTell) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static(TRY_AGAIN));
            }
            // The rest of the body is not read, so the connection can't be used again.
            Self::TooLong(_) | Self::TooSlow | Self::Broken => {
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
            ("\u{feff}{\"a\":1}", None, None),
            (r#"{"a":1"#, None, Some("not JSON")),
            ("a=1", form, None),
            ("a=1", None, None),
            (r#""{\"ProspectID\":\"a\"}""#, None, None),
            (r#"{"a":"\ud83d"}"#, None, None),
            ("5", None, Some("not an object but a number")),
            ("hello", None, Some("not JSON")),
        ] {
            let told = unreadable(body.as_bytes(), content_type);
            match expected {
                None => assert_eq!(told, None, "{body}"),
                Some(part) => {
                    assert!(
                        told.as_ref().is_some_and(|told| told.contains(part)),
                        "{body}: {told:?}"
                    );
                }
            }
        }
        let deep = "[".repeat(100_000);
        assert!(unreadable(deep.as_bytes(), None).is_some());
    }
}

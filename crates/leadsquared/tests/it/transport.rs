//! What the network does to a call.

use std::time::Duration;

use leadsquared::{Effect, Error, Exchange, Limits, UpdateBehaviour};
use tokio::net::TcpListener;

use crate::server::{Misbehaving, Server, Then, client, lead};

async fn fail(origin: &str, limits: Limits) -> (Exchange, Error) {
    let reply = client(origin, limits).capture_lead(&lead(), UpdateBehaviour::UpdateAll).await;
    (reply.exchange, reply.result.expect_err("no whole answer"))
}

fn short() -> Limits {
    Limits { deadline: Duration::from_millis(200), ..Limits::default() }
}

#[tokio::test]
async fn a_refused_connection_was_never_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let (exchange, error) = fail(&origin, Limits::default()).await;
    assert!(matches!(error, Error::Transient { status: None, .. }), "{error:?}");
    assert_eq!(error.effect(), Effect::None, "{error}");
    assert_eq!(exchange.status, None);
    assert!(exchange.request.contains("Asha"), "the log still tells what would have been sent");
}

#[tokio::test]
async fn a_reset_after_sending_leaves_the_outcome_unknown() {
    for then in [Then::Reset, Then::Close] {
        let server = Misbehaving::answering(b"", then).await;
        let (exchange, error) = fail(&server.origin, Limits::default()).await;
        assert!(matches!(error, Error::Transient { status: None, .. }), "{error:?}");
        assert_eq!(error.effect(), Effect::Unknown, "{error}");
        assert_eq!(exchange.status, None);
        assert_eq!(server.connections(), 1, "nothing is sent twice");
    }
}

#[tokio::test]
async fn silence_ends_at_the_deadline_with_the_outcome_unknown() {
    let server = Misbehaving::answering(b"", Then::Hold).await;
    let (exchange, error) = fail(&server.origin, short()).await;
    assert!(matches!(error, Error::Transient { status: None, .. }), "{error:?}");
    assert_eq!(error.effect(), Effect::Unknown);
    assert!(error.to_string().contains("within 200ms"), "{error}");
    assert!(exchange.elapsed >= Duration::from_millis(200), "{:?}", exchange.elapsed);
}

#[tokio::test]
async fn the_deadline_covers_the_answer_too() {
    let begun = b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{\"Status\":";
    let server = Misbehaving::answering(begun, Then::Hold).await;
    let (exchange, error) = fail(&server.origin, short()).await;
    assert!(matches!(error, Error::Transient { status: Some(200), .. }), "{error:?}");
    assert_eq!(error.effect(), Effect::Unknown);
    assert_eq!(&*exchange.response, "{\"Status\":");
}

#[tokio::test]
async fn a_connection_that_breaks_within_the_answer_leaves_the_outcome_unknown() {
    let begun = b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{\"Status\":\"Success\"}";
    let server = Misbehaving::answering(begun, Then::Close).await;
    let (exchange, error) = fail(&server.origin, Limits::default()).await;
    assert!(matches!(error, Error::Unreadable { status: 200, .. }), "{error:?}");
    assert_eq!(error.effect(), Effect::Unknown);
    assert_eq!(&*exchange.response, "{\"Status\":\"Success\"}");
}

#[tokio::test]
async fn a_status_counts_although_its_body_breaks_off() {
    let begun = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 90\r\n\r\n{\"Sta";
    let server = Misbehaving::answering(begun, Then::Close).await;
    let (_, error) = fail(&server.origin, Limits::default()).await;
    assert!(matches!(error, Error::RateLimited { .. }), "{error:?}");
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_not_read() {
    let limits = Limits { answer: 20, ..Limits::default() };
    let body = r#"{"Status":"Success","Message":{"Id":"a"}}"#;
    let server = Server::answering(200, body).await;
    let (exchange, error) = fail(&server.origin, limits).await;
    assert!(matches!(error, Error::Unreadable { .. }), "{error:?}");
    assert!(error.to_string().contains("larger than 20 bytes"), "{error}");
    assert!(exchange.response.len() <= 20, "{exchange:?}");

    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
        0a\r\n{\"Status\":\r\n0b\r\n\"Success\"  \r\n0a\r\n         }\r\n0\r\n\r\n";
    let server = Misbehaving::answering(chunked, Then::Hold).await;
    let (_, error) = fail(&server.origin, limits).await;
    assert!(error.to_string().contains("larger than 20 bytes"), "{error}");
}

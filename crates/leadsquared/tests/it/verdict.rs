//! Every class of error, over HTTP.

use std::time::Duration;

use leadsquared::{Effect, Error, RateLimit, UpdateBehaviour, Written};

use crate::server::{Server, lead};

/// The error that an answer to a write gives, after checking that it was asked for once.
async fn error(status: u16, body: &'static str) -> Error {
    let server = Server::answering(status, body).await;
    let reply = server.client().capture_lead(&lead(), UpdateBehaviour::UpdateAll).await;
    server.only();
    assert_eq!(reply.exchange.status, Some(status));
    assert_eq!(&*reply.exchange.response, body);
    reply.result.expect_err(body)
}

#[tokio::test]
async fn a_duplicate_is_refused_under_500_and_200() {
    let body = r#"{"Status":"Error","ExceptionType":"MXDuplicateEntryException","ExceptionMessage":"A Lead with same Phone Number already exists.","IsMXException":true}"#;
    for status in [500, 200] {
        let error = error(status, body).await;
        assert_eq!(error.exception(), Some("MXDuplicateEntryException"), "{error:?}");
        assert_eq!(error.effect(), Effect::None);
        let text = error.to_string();
        assert!(text.contains("Lead.Capture") && text.contains("same Phone Number"), "{text}");
    }
}

#[tokio::test]
async fn the_limit_is_known_under_429_403_and_200() {
    let envelope = r#"{"Status":"Error","ExceptionType":"MXAPIRateLimitExceededException","ExceptionMessage":"API calls exceeded the limit of 20 in 5 second(s)"}"#;
    let text = "API calls exceeded the limit of 20 in 5 second(s)";
    for (status, body) in
        [(429, envelope), (403, envelope), (200, envelope), (429, text), (403, text)]
    {
        let Error::RateLimited { limit, .. } = error(status, body).await else {
            panic!("{status} {body} is the limit of calls");
        };
        assert_eq!(limit, Some(RateLimit { calls: 20, per: Duration::from_secs(5) }));
    }
    assert!(matches!(error(429, "").await, Error::RateLimited { limit: None, .. }));
}

#[tokio::test]
async fn wrong_keys_stop_the_account_and_a_wrong_region_names_the_host() {
    let error_ = error(
        401,
        r#"{"Status":"Error","ExceptionType":"MXInvalidAccessDetailsException","ExceptionMessage":"Invalid Access Details provided."}"#,
    )
    .await;
    assert!(matches!(error_, Error::Credentials { right_host: None, .. }), "{error_:?}");
    let error = error(401, r#""Please use api-us11.leadsquared.com for this account""#).await;
    let Error::Credentials { ref right_host, .. } = error else { panic!("{error:?}") };
    assert_eq!(right_host.as_deref(), Some("api-us11.leadsquared.com"));
    assert!(error.to_string().contains("set its host to api-us11.leadsquared.com"), "{error}");
}

#[tokio::test]
async fn a_page_instead_of_an_answer_leaves_the_outcome_unknown() {
    let error = error(500, "<html><head><title>Runtime Error</title></head></html>").await;
    assert!(matches!(error, Error::Transient { status: Some(500), .. }), "{error:?}");
    assert_eq!(error.effect(), Effect::Unknown);
    assert!(error.to_string().contains("Runtime Error"), "{error}");
}

#[tokio::test]
async fn a_fault_in_an_envelope_is_no_verdict() {
    let body = r#"{"Status":"Error","ExceptionType":"NullReferenceException","ExceptionMessage":"There was an error processing the request."}"#;
    for status in [500, 200] {
        let error = error(status, body).await;
        assert!(matches!(error, Error::Transient { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_cut_answer_to_a_write_leaves_the_outcome_unknown() {
    let error = error(200, r#"{"Status":"Success","Message":{"Id":"00727"#).await;
    assert!(matches!(error, Error::Unreadable { status: 200, .. }), "{error:?}");
    assert_eq!(error.effect(), Effect::Unknown);
}

#[tokio::test]
async fn a_read_may_always_be_repeated() {
    for body in ["[{", "<html>"] {
        let server = Server::answering(200, body).await;
        let reply = server.client().lead_by_id("a").await;
        let error = reply.result.expect_err(body);
        assert_eq!(error.effect(), Effect::None, "{error:?}");
    }
    let server = Server::answering(503, "").await;
    let error = server.client().users().await.result.expect_err("503");
    assert_eq!(error.effect(), Effect::None, "{error:?}");
}

#[tokio::test]
async fn an_error_in_place_of_a_list_is_an_error() {
    let body = r#"{"Status":"Error","ExceptionType":"MXInvalidInputException","ExceptionMessage":"Invalid Input! Parameter Name: FromDate value is not correct."}"#;
    let server = Server::answering(200, body).await;
    let error = server.client().users().await.result.expect_err(body);
    assert_eq!(error.exception(), Some("MXInvalidInputException"));
}

#[tokio::test]
async fn wrong_verb_and_unknown_operation_are_final() {
    for status in [404, 405, 400] {
        let error = error(status, "no").await;
        assert!(matches!(error, Error::Refused { exception: None, .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let error = error(302, "").await;
    assert!(matches!(error, Error::Transient { status: Some(302), .. }), "{error:?}");
}

#[tokio::test]
async fn a_success_is_read_whatever_ids_it_has() {
    let server = Server::answering(
        200,
        r#"{"Status":"Success","Message":{"Id":"a","RelatedId":"b","IsCreated":false},"Extra":[1]}"#,
    )
    .await;
    let reply = server.client().capture_lead(&lead(), UpdateBehaviour::UpdateAll).await;
    let expected = Written {
        id: Some("a".to_owned()),
        related_id: Some("b".to_owned()),
        is_created: Some(false),
        ..Written::default()
    };
    assert_eq!(reply.result.expect("captured"), expected);
}

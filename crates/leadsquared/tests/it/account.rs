//! How the keys travel, and what is refused before anything does.

use leadsquared::{Account, Client, Error, Host, Keys, Limits, UpdateBehaviour};

use crate::server::{ACCESS, ACCESS_ENCODED, SECRET, Server, client_with_query, lead};

const CAPTURED: &str = r#"{"Status":"Success","Message":{"Id":"a"}}"#;

#[tokio::test]
async fn keys_travel_in_headers() {
    let server = Server::answering(200, CAPTURED).await;
    let reply = server.client().capture_lead(&lead(), UpdateBehaviour::UpdateAll).await;
    reply.result.expect("captured");
    let seen = server.only();
    assert_eq!(seen.headers["x-lsq-accesskey"], ACCESS);
    assert_eq!(seen.headers["x-lsq-secretkey"], SECRET);
    assert_eq!(seen.headers["content-type"], "application/json");
    assert_eq!(seen.uri, "/v2/LeadManagement.svc/Lead.Capture");
}

#[tokio::test]
async fn keys_travel_in_the_query_percent_encoded() {
    let server = Server::answering(200, CAPTURED).await;
    let client = client_with_query(&server.origin);
    for behaviour in [UpdateBehaviour::UpdateAll, UpdateBehaviour::DoNotUpdate] {
        client.capture_lead(&lead(), behaviour).await.result.expect("captured");
    }
    let keys = format!("accessKey={ACCESS_ENCODED}&secretKey={SECRET}");
    let uris: Vec<_> = server.seen().into_iter().map(|seen| seen.uri).collect();
    assert_eq!(
        uris,
        [
            format!("/v2/LeadManagement.svc/Lead.Capture?{keys}"),
            format!("/v2/LeadManagement.svc/Lead.Capture?LeadUpdateBehavior=DoNotUpdate&{keys}"),
        ]
    );
    assert!(!server.seen()[0].headers.contains_key("x-lsq-accesskey"));
}

#[tokio::test]
async fn keys_are_checked_before_they_travel() {
    let host = Host::parse("api.leadsquared.com").expect("a host");
    for (access, secret) in [("", SECRET), (ACCESS, ""), ("u$r\n", SECRET), (ACCESS, "é")] {
        let account = Account::new(host.clone(), Keys::new(access.to_owned(), secret.to_owned()));
        let error = Client::new(account, Limits::default()).expect_err("unusable keys");
        assert!(matches!(error, Error::Invalid { .. }), "{error:?}");
        assert!(error.to_string().contains("API and Webhooks"), "{error}");
    }
}

#[tokio::test]
async fn too_many_rows_are_not_sent() {
    let server = Server::answering(200, "[]").await;
    let leads = vec![lead(); leadsquared::BULK_CREATE_OR_UPDATE_MAX + 1];
    for leads in [&leads[..], &[]] {
        let reply = server.client().create_or_update_leads(leads).await;
        let error = reply.result.expect_err("too many, or none");
        assert!(matches!(error, Error::Invalid { .. }), "{error:?}");
        assert_eq!(reply.exchange.status, None);
    }
    assert!(server.seen().is_empty());
}

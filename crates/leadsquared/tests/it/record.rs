//! The exchange: whole, bounded, and without keys.

use std::fmt::Debug;

use leadsquared::{
    Direction, Limits, Paging, Sorting, UpdateBehaviour, WebhookEvent, WebhookQuery, WebhookWrite,
};

use crate::server::{
    ACCESS, ACCESS_ENCODED, SECRET, Server, account, client, client_with_query, lead,
};

#[tokio::test]
async fn an_exchange_tells_what_was_sent_and_answered() {
    let body = r#"{"Status":"Success","Message":{"Id":"a"}}"#;
    let server = Server::answering(200, body).await;
    let reply = server.client().capture_lead(&lead(), UpdateBehaviour::UpdateOnlyEmptyFields).await;
    let seen = server.only();
    let exchange = reply.exchange;
    assert_eq!(exchange.operation, "LeadManagement.svc/Lead.Capture");
    assert_eq!(exchange.method, seen.method);
    assert_eq!(exchange.url, format!("{}{}", server.origin, seen.uri));
    assert_eq!(*exchange.request, *seen.body);
    assert_eq!(
        seen.body,
        r#"[{"Attribute":"FirstName","Value":"Asha"},{"Attribute":"EmailAddress","Value":"asha@example.com"}]"#
    );
    assert_eq!(exchange.status, Some(200));
    assert_eq!(&*exchange.response, body);
    assert!(!exchange.elapsed.is_zero());

    let server = Server::answering(200, "[]").await;
    let reply = server.client().leads_by_email("a+b@example.com").await;
    assert_eq!(&*reply.exchange.request, "");
    assert_eq!(reply.exchange.method, "GET");
    assert!(reply.exchange.url.ends_with("?emailaddress=a%2Bb%40example.com"), "{reply:?}");
}

#[tokio::test]
async fn a_long_answer_is_cut_in_the_record_and_read_whole() {
    let server = Server::answering(200, r#"[{"ProspectID":"a","FirstName":"Āsha"}]"#).await;
    let client = client(&server.origin, Limits { record: 33, ..Limits::default() });
    let reply = client.lead_by_id("a").await;
    assert_eq!(
        &*reply.exchange.response,
        r#"[{"ProspectID":"a","FirstName":"… [cut: 32 of 40 bytes]"#
    );
    let lead = reply.result.expect("read").expect("a lead");
    assert_eq!(lead.get("FirstName"), Some("Āsha"));
}

fn assert_no_key(what: &str, value: &dyn Debug) {
    let text = format!("{value:?} {value:#?}");
    for key in [ACCESS, ACCESS_ENCODED, SECRET] {
        assert!(!text.contains(key), "{what} shows a key: {text}");
    }
}

#[tokio::test]
async fn no_key_is_ever_shown() {
    let echoes = [
        format!(
            r#"{{"Status":"Error","ExceptionType":"MXInvalidAccessDetailsException","ExceptionMessage":"{ACCESS} and {SECRET} are wrong"}}"#
        ),
        format!("<html><title>/?accessKey={ACCESS_ENCODED}&secretKey={SECRET}</title></html>"),
        format!(r#"{{"Status":"Success","Message":"{SECRET}""#),
        format!("{ACCESS}{SECRET}"),
    ];
    for body in echoes {
        for status in [200, 401, 429, 500, 400] {
            let server = Server::answering(status, body.as_str()).await;
            for client in [server.client(), client_with_query(&server.origin)] {
                assert_no_key("the client", &client);
                let reply = client.capture_lead(&lead(), UpdateBehaviour::UpdateAll).await;
                assert_no_key("the reply", &reply);
                assert_no_key("the error", &reply.result.expect_err("an echo").to_string());
            }
        }
    }
    // An address that can't be reached is where other clients print it with its query.
    let client = client_with_query("http://127.0.0.1:1");
    let reply = client.users().await;
    assert_no_key("the reply", &reply);
    assert_no_key("the account", &account("http://127.0.0.1:1"));
}

#[tokio::test]
async fn values_of_webhook_headers_are_sent_and_not_recorded() {
    let token = "a-token-of-the-receiver";
    let answer = format!(
        r#"{{"Status":"Success","RecordCount":1,"Message":{{"Id":"w"}},"Response":[{{"WebhookId":"w","CustomHeaders":[{{"Value":"{token}"}}]}}]}}"#
    );
    let server = Server::answering(200, answer.as_str()).await;
    let client = server.client();
    let webhook = WebhookWrite {
        description: "leads".into(),
        url: "https://example.com/in".into(),
        event: WebhookEvent::LeadActivityCreate,
        activity_event: Some(22),
        notify_on_failure: true,
        headers: vec![("x-token".into(), token.to_owned().into())],
    };
    let created = client.create_webhook(&webhook).await;
    let updated = client.update_webhook("w", &webhook).await;
    assert_eq!(created.result.expect("created").id.as_deref(), Some("w"));
    updated.result.expect("updated");
    for (exchange, seen) in [&created.exchange, &updated.exchange].into_iter().zip(server.seen()) {
        assert!(seen.body.contains(token), "{seen:?}");
        assert!(seen.body.contains(r#""ActivityEvent":"22""#), "{seen:?}");
        assert!(!exchange.request.contains(token), "{exchange:?}");
        assert_eq!(*exchange.request, seen.body.replace(token, "[redacted]"));
    }
    let query = WebhookQuery {
        event: "LeadActivity_Post_Create",
        status_code: None,
        webhook_id: "",
        search_text: "",
        sorting: Sorting { column_name: "ModifiedOn".into(), direction: Direction::Descending },
        paging: Paging { page_index: 1, page_size: 25 },
    };
    let found = client.webhooks(&query).await;
    assert!(!format!("{found:?}").contains(token), "{found:?}");
    assert_eq!(found.result.expect("found").rows[0].webhook_id, "w");
}

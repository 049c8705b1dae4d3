//! Requests, failures, retries, mails and the audit log.

use serde_json::{Value, json};

use super::Client;
use super::fixture::{at, id, ten};

async fn ids(client: &Client, query: &str) -> Vec<Value> {
    let items = client.items(&format!("/requests?{query}")).await;
    items.into_iter().map(|item| item["id"].clone()).collect()
}

fn named(numbers: impl IntoIterator<Item = i64>) -> Vec<Value> {
    numbers.into_iter().map(|n| json!(id(n))).collect()
}

#[tokio::test]
async fn filters_let_through_what_they_say() {
    let client = Client::start().await;
    ten(&client.house).await;
    for (query, expected) in [
        ("", (0..10).rev().collect()),
        (&format!("from={}", at(7)), vec![9, 8, 7]),
        (&format!("to={}", at(2)), vec![1, 0]),
        ("from=2h&to=now", vec![]),
        ("connector=ab&limit=2", vec![9, 8]),
        ("job_status=queued", vec![9, 8]),
        ("job_status=failure", vec![6, 3, 0]),
        ("sync_status=error", vec![6, 3, 0]),
        ("event=new", vec![7, 5, 4, 2, 1]),
        ("event=failed&q=person3@example.com", vec![3]),
        ("entity=activity", vec![]),
        ("entity=lead&limit=1", vec![7]),
        ("q=Person5%40Example.com", vec![5]),
        ("cause=too_long", vec![6, 3, 0]),
        ("cause=other", vec![]),
    ] {
        assert_eq!(ids(&client, query).await, named(expected), "{query}");
    }
    client.house.end().await;
}

#[tokio::test]
async fn parts_hold_every_request_once() {
    let client = Client::start().await;
    ten(&client.house).await;
    let (mut seen, mut cursor, mut parts) = (Vec::new(), String::new(), 0);
    loop {
        let part = client.get(&format!("/requests?limit=4&cursor={cursor}")).await.expect(200);
        seen.extend(part["items"].as_array().unwrap().iter().map(|item| item["id"].clone()));
        parts += 1;
        match &part["cursor"] {
            Value::Null => break,
            next => next.as_str().unwrap().clone_into(&mut cursor),
        }
    }
    assert_eq!((parts, seen), (3, named((0..10).rev())));
    client.house.end().await;
}

#[tokio::test]
async fn a_request_shows_its_whole_story() {
    let client = Client::start().await;
    ten(&client.house).await;
    let item = client.get(&format!("/requests/{}", id(3))).await.expect(200);
    assert_eq!(item, client.items("/requests?q=person3@example.com").await[0]);
    for (pointer, expected) in [
        ("/id", json!(id(3))),
        ("/connector", json!("ab")),
        ("/received_at", json!(at(3))),
        ("/finished_at", json!(at(4))),
        ("/job_status", json!("failure")),
        ("/sync_status", json!("error")),
        ("/behaviour", json!("create_and_update")),
        ("/records/0/entity", json!("lead")),
        ("/records/0/event", json!("failed")),
        ("/records/0/source_id", json!("lead-3")),
        ("/records/0/destination_id", json!("twin-3")),
        ("/records/0/error/code", json!("too_long")),
        ("/records/0/attempts/0/at", json!(at(3))),
        ("/records/0/attempts/0/calls/0/method", json!("POST")),
        ("/records/0/attempts/0/calls/0/status", json!(200)),
        ("/records/0/attempts/0/calls/0/request", json!("[]")),
        ("/records/0/attempts/0/calls/0/response", json!("{}")),
    ] {
        assert_eq!(item.pointer(pointer), Some(&expected), "{pointer} of {item}");
    }
    client.house.end().await;
}

#[tokio::test]
async fn failures_are_told_by_cause() {
    let client = Client::start().await;
    ten(&client.house).await;
    let groups = client.items("/failures").await;
    assert_eq!(groups.len(), 1);
    assert_eq!((&groups[0]["cause"], &groups[0]["records"]), (&json!("too_long"), &json!(3)));
    assert_eq!(groups[0]["last_request"], json!(id(6)));
    assert_eq!(client.items("/failures?cause=other").await, [] as [Value; 0]);
    client.house.end().await;
}

#[tokio::test]
async fn records_are_tried_again_and_that_can_be_taken_back() {
    let client = Client::start().await;
    ten(&client.house).await;
    let queued = async || ids(&client, "job_status=queued").await;
    let retry = async |path: &str, body: Value| {
        client.post(path, body).await.expect(200)["requests"].clone()
    };
    let one = |n: i64| format!("/requests/{}/retry", id(n));
    assert_eq!(retry(&one(3), json!({"with": "then"})).await, 1);
    assert_eq!(queued().await, named([9, 8, 3]));
    tokio::time::timeout(crate::wire::PATIENCE, client.house.wake.notified()).await.unwrap();
    assert_eq!(retry("/retry/cancel", json!({"ids": [id(3)]})).await, 1);
    assert_eq!(queued().await, named([9, 8]));
    assert_eq!(retry(&one(4), json!({})).await, 1, "it went well, and is synced again");
    assert_eq!(retry(&one(9), json!({})).await, 0, "nothing of it has ended");
    assert_eq!(retry("/retry", json!({"ids": [id(0), id(77)]})).await, 1);
    assert_eq!(queued().await, named([9, 8, 4, 0]));
    let filter = json!({"cause": "too_long", "from": at(1)});
    let wish = json!({"filter": filter, "with": "now", "per_minute": 60});
    assert_eq!(retry("/retry", wish).await, 2);
    assert_eq!(queued().await, named([9, 8, 6, 4, 3, 0]));
    assert_eq!(retry("/retry/cancel", json!({"filter": {}})).await, 4);
    assert_eq!(retry("/retry", json!({"filter": {"job_status": "queued"}})).await, 0);
    let plan = client.get("/connectors/ab/refresh").await.expect(200);
    assert_eq!((&plan["linked"], &plan["leads"]), (&json!(0), &json!(0)));
    assert_eq!(retry("/connectors/ab/refresh", json!({})).await, 0, "no lead is linked");
    client.post("/connectors/ab/refresh", json!({"per_minute": 0})).await.expect(400);
    let told: Vec<Value> =
        client.items("/audit?limit=3").await.iter().map(|e| e["action"].clone()).collect();
    assert_eq!(told, ["cancel_retries", "retry", "retry"]);
    client.house.end().await;
}

#[tokio::test]
async fn the_audit_log_is_told_part_by_part() {
    let client = Client::start().await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let part = client.get(&format!("/audit?limit=2&cursor={cursor}")).await.expect(200);
        seen.extend(part["items"].as_array().unwrap().iter().map(|item| item["action"].clone()));
        match &part["cursor"] {
            Value::Null => break,
            next => next.as_str().unwrap().clone_into(&mut cursor),
        }
    }
    assert_eq!(seen, ["add_token", "put_connector", "put_account", "put_account"]);
    assert_eq!(client.items("/mails?limit=5").await, [] as [Value; 0]);
    client.house.end().await;
}

//! Bodies and queries that are not as they should be.

use serde_json::json;

use super::Client;

#[tokio::test]
async fn bad_queries_are_refused_by_their_parameter() {
    let client = Client::start().await;
    for (query, at, what) in [
        ("limit=0", "limit", "1 to 200"),
        ("limit=201", "limit", "1 to 200"),
        ("limit=many", "limit", "1 to 200"),
        ("cursor=x", "cursor", "not a Request ID"),
        ("from=soon", "from", "2026-11-23"),
        ("to=x", "to", "2026-11-23"),
        ("job_status=odd", "job_status", "queued, running"),
        ("sync_status=odd", "sync_status", "success, error"),
        ("event=odd", "event", "new, updated"),
        ("entity=odd", "entity", "lead, activity"),
        ("connector=nobody", "connector", "'nobody'"),
        ("conector=ab", "conector", "connector, from"),
        ("event=new&event=failed", "event", "twice"),
    ] {
        let told = client.get(&format!("/requests?{query}")).await;
        let fault = told.body["faults"][0].clone();
        told.refused(400, "bad_input", &[what]);
        assert_eq!(fault["at"], at, "{fault}");
    }
    for path in ["/failures?limit=1", "/mails?cursor=1", "/accounts?x=1", "/audit?cursor=x"] {
        client.get(path).await.refused(400, "bad_input", &[]);
    }
    client.get("/requests/short").await.refused(400, "bad_input", &["13 letters"]);
    client.get("/requests/02XJ4W7Q1B000").await.refused(404, "not_found", &["02XJ4W7Q1B000"]);
    client.get("/connectors/%ff").await.refused(400, "bad_input", &["UTF-8"]);
    // Empty parameters are what an empty form sends.
    client.get("/requests?connector=&q=&event=&limit=").await.expect(200);
    client.house.end().await;
}

#[tokio::test]
async fn bad_retries_are_refused_by_their_part() {
    let client = Client::start().await;
    for (path, body, at, what) in [
        ("/retry", json!({}), "ids", "missing"),
        ("/retry", json!({"ids": []}), "ids", "1 to 1000"),
        ("/retry", json!({"ids": ["x"]}), "ids[0]", "not a Request ID"),
        ("/retry", json!({"ids": ["02XJ4W7Q1B000"], "filter": {}}), "filter", "combined with ids"),
        ("/retry", json!({"filter": {"conector": "ab"}}), "conector", "not known"),
        ("/retry", json!({"filter": {"event": "odd"}}), "event", "failed"),
        ("/retry", json!({"filter": {"connector": " "}}), "connector", "empty"),
        ("/retry", json!({"filter": {}, "with": "later"}), "with", "now"),
        ("/retry", json!({"filter": {}, "per_minute": 0}), "per_minute", "1 or more"),
        ("/retry", json!({"filter": {}, "per_minute": -1}), "per_minute", "-1"),
        ("/retry/cancel", json!({"filter": {}, "with": "now"}), "with", "unknown field"),
        ("/retry/cancel", json!([]), "body", "invalid"),
    ] {
        let told = client.post(path, body).await;
        let fault = told.body["faults"][0].clone();
        told.refused(400, "bad_input", &[what]);
        assert_eq!(fault["at"], at, "{fault}");
    }
    let told = client.post("/requests/02XJ4W7Q1B000/retry", json!({})).await;
    told.refused(404, "not_found", &[]);
    client.house.end().await;
}

#[tokio::test]
async fn bodies_that_can_not_be_read_are_refused() {
    let client = Client::start().await;
    let token = format!("Authorization: Bearer {}\r\n", client.token);
    let json = format!("{token}Content-Type: application/json; charset=utf-8\r\n");
    let form = format!("{token}Content-Type: application/x-www-form-urlencoded\r\n");
    let send =
        async |headers: &str, body: &str| client.send_raw("POST", "/retry", headers, body).await;
    send(&json, "{").await.refused(400, "bad_input", &["line 1"]);
    send(&json, "{} x").await.refused(400, "bad_input", &["line 1"]);
    send(&form, "ids=1").await.refused(415, "not_json", &[]);
    let deep = "[".repeat(100_000);
    send(&json, &deep).await.refused(400, "bad_input", &[]);
    send(&token, r#"{"filter":{}}"#).await.expect(200);
    let long = " ".repeat(2 * 1024 * 1024 + 1);
    send(&json, &long).await.refused(413, "too_long", &["2 MiB"]);
    client.house.end().await;
}

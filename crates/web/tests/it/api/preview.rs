//! Previews and checks.

use serde_json::json;

use super::Client;

#[tokio::test]
async fn a_payload_is_previewed_and_nothing_is_kept() {
    let client = Client::start().await;
    let lead = json!({"ProspectID": "x", "FirstName": "Asha", "EmailAddress": "asha@example.com"});
    let told = client.post("/connectors/ab/preview", lead).await.expect(200);
    let record = &told["items"][0];
    assert_eq!((&record["entity"], &record["decision"]), (&json!("lead"), &json!("capture")));
    assert_eq!(record["calls"][0]["operation"], "Lead.Capture", "{record}");
    assert!(client.house.kept().await.is_empty());
    client.house.end().await;
}

#[tokio::test]
async fn what_can_not_be_previewed_says_why() {
    let client = Client::start().await;
    let headers = format!("Authorization: Bearer {}\r\n", client.token);
    let told = client.send_raw("POST", "/connectors/ab/preview", &headers, "nonsense").await;
    assert_eq!(told.status, 422, "{told:?}");
    assert!(told.body["advice"].as_str().is_some_and(|text| !text.is_empty()), "{told:?}");
    let settings = json!({"source": "b", "destination": "a"});
    client.put("/connectors/silent", settings).await.expect(201);
    let told = client.post("/connectors/silent/preview", json!({"ProspectID": "x"})).await;
    told.refused(502, "no_fields", &[]);
    let told = client.post("/connectors/nobody/preview", json!({})).await;
    told.refused(404, "not_found", &["'nobody'"]);
    client.house.end().await;
}

#[tokio::test]
async fn a_check_says_what_will_fail_and_who_says_nothing() {
    let client = Client::start().await;
    let found = client.post("/connectors/ab/check", json!({})).await.expect(200);
    let finding = &found["items"][0];
    let told = (&finding["severity"], &finding["at"], &finding["code"]);
    let expected = (&json!("error"), &json!("basic.search_by"), &json!("search_key_not_unique"));
    assert_eq!(told, expected, "{found}");
    let settings = json!({"source": "b", "destination": "a"});
    client.put("/connectors/silent", settings).await.expect(201);
    let found = client.post("/connectors/silent/check", json!({})).await.expect(200);
    assert_eq!(found["items"][0]["at"], "source", "{found}");
    client.post("/connectors/nobody/check", json!({})).await.refused(
        404,
        "not_found",
        &["'nobody'"],
    );
    client.house.end().await;
}

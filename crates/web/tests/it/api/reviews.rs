//! What a person decides about leads, by the API.

use plan::permission::Scope;
use serde_json::json;

use super::Client;
use super::fixture::ten_and_reviews;

#[tokio::test]
async fn a_review_is_decided_once_and_undone() {
    let client = Client::start().await;
    ten_and_reviews(&client.house).await;
    let open = client.items("/reviews?state=open").await;
    let about: Vec<&str> = open.iter().filter_map(|one| one["source_id"].as_str()).collect();
    assert_eq!(about, ["lead-3", "lead-0"], "newest first");
    let of_lead = client.items("/reviews?lead=lead-0").await;
    assert_eq!((of_lead.len(), &of_lead[0]["id"]), (1, &json!(1)));
    assert_eq!(of_lead[0]["evidence"]["candidates"][1]["found_by"], "Phone");

    let decide =
        async |id: i64, choice| client.post(&format!("/reviews/{id}/decide"), choice).await;
    // What was sent must be an answer to what is asked.
    decide(1, json!({ "choice": "maybe" })).await.refused(400, "bad_input", &["maybe"]);
    decide(1, json!({ "choice": "link" })).await.refused(400, "bad_input", &["lead_id"]);
    decide(1, json!({ "choice": "link", "lead_id": " " })).await.refused(400, "bad_input", &["id"]);
    decide(1, json!({ "choice": "source" })).await.refused(400, "bad_input", &["choice"]);
    decide(2, json!({ "choice": "create" })).await.refused(400, "bad_input", &["choice"]);
    decide(7, json!({ "choice": "create" })).await.refused(404, "not_found", &["review"]);
    client.post("/reviews/1/undo", json!({})).await.refused(409, "refused", &["nothing to undo"]);

    let choice = json!({ "choice": "link", "lead_id": "twin-b" });
    decide(1, choice.clone()).await.expect(200);
    let known = client.get("/reviews/1").await.expect(200);
    assert_eq!((&known["state"], &known["choice"]), (&json!("decided"), &choice));
    assert_eq!(known["decided_by"], "token test");
    decide(1, choice).await.refused(409, "refused", &["undo"]);
    let noted = client.items("/audit?action=decide_review").await;
    assert_eq!((noted.len(), &noted[0]["subject"]), (1, &json!("lead-0")));

    client.post("/reviews/1/undo", json!({})).await.expect(200);
    let known = client.get("/reviews/1").await.expect(200);
    assert_eq!((&known["state"], &known["choice"]), (&json!("open"), &json!(null)));
    client.house.end().await;
}

#[tokio::test]
async fn who_only_reads_decides_nothing() {
    let mut client = Client::start().await;
    ten_and_reviews(&client.house).await;
    client.token = client.token_with("reader", Scope::Read).await;
    client.get("/reviews/2").await.expect(200);
    let choice = json!({ "choice": "source" });
    client.post("/reviews/2/decide", choice).await.refused(403, "not_allowed", &[]);
    client.house.end().await;
}

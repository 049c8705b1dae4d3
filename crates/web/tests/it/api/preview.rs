//! Previews and checks.

use std::sync::atomic::Ordering;

use plan::backfill::BackfillPlan;
use serde_json::{Value, json};

use super::Client;
use crate::wire::post;

#[tokio::test]
async fn a_payload_is_previewed_and_nothing_is_kept() {
    let client = Client::start().await;
    let lead = json!({"ProspectID": "x", "FirstName": "Asha", "EmailAddress": "asha@example.com"});
    let told = client.post("/connectors/ab/preview", lead).await.expect(200);
    let record = &told["items"][0];
    assert_eq!((&record["entity"], &record["decision"]), (&json!("lead"), &json!("capture")));
    assert_eq!(record["calls"][0]["operation"], "Lead.Capture", "{record}");
    assert!(record["fields"][0]["sent"].is_object(), "what the mapping makes of it: {record}");
    assert_eq!(record["plan"]["key"]["field"], "EmailAddress", "{record}");
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
    told.refused(502, "unreachable", &[]);
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

#[tokio::test]
async fn a_draft_says_what_it_would_make_of_what_came() {
    let client = Client::start().await;
    let lead = json!({"ProspectID": "x", "FirstName": "Asha", "EmailAddress": "asha@example.com"});
    let mut wire = client.house.wire().await;
    for body in [lead.to_string(), "nonsense".to_owned()] {
        wire.send(post(&client.house.hook, &body)).await;
        assert_eq!(wire.answer().await.map(|answer| answer.status), Some(200));
    }
    let row = |from: &str, to: &str| json!({"from": from, "to": to});
    let draft = |rows: Vec<serde_json::Value>| json!({"source": "a", "destination": "b", "lead": {"field": rows}});
    let email = row("EmailAddress", "EmailAddress");
    let told = client.post("/connectors/ab/draft", draft(vec![email.clone()])).await.expect(200);
    let items = told["items"].as_array().expect("a list");
    assert_eq!(items.len(), 2, "{told}");
    assert!(items[0]["error"]["message"].is_string(), "newest first: {told}");
    let fields = items[1]["records"][0]["calls"][0]["fields"].as_array().expect("fields");
    assert_eq!(fields.len(), 1, "{told}");
    let both = draft(vec![email, row("FirstName", "FirstName")]);
    let told = client.post("/connectors/ab/draft?limit=2", both).await.expect(200);
    let fields = told["items"][1]["records"][0]["calls"][0]["fields"].as_array().expect("fields");
    assert_eq!(fields.len(), 2, "{told}");
    let shown = client.get("/connectors/ab").await.expect(200);
    assert!(shown["lead"]["field"].is_null(), "nothing is saved: {shown}");
    // The search key is not mapped.
    let bad = client.post("/connectors/ab/draft", draft(vec![row("FirstName", "FirstName")])).await;
    bad.refused(400, "bad_input", &["basic.search_by"]);
    client.house.end().await;
}

#[tokio::test]
async fn a_filter_says_how_many_recent_leads_pass() {
    let client = Client::start().await;
    let mut wire = client.house.wire().await;
    for city in ["Pune", "Agra", "pune"] {
        let lead = json!({"ProspectID": city, "EmailAddress": "a@example.com", "City": city});
        wire.send(post(&client.house.hook, &lead.to_string())).await;
        assert_eq!(wire.answer().await.map(|answer| answer.status), Some(200));
    }
    let lead = json!({"ProspectID": "x", "EmailAddress": "asha@example.com"});
    wire.send(post(&client.house.hook, &lead.to_string())).await;
    assert_eq!(wire.answer().await.map(|answer| answer.status), Some(200));
    let path = "/connectors/ab/filter/count";
    let counted = client.post(path, json!({})).await.expect(200);
    assert_eq!((&counted["leads"], &counted["pass"]), (&json!(4), &json!(4)), "{counted}");
    let filter = json!({"all": [{"field": "City", "equals": "Pune"}]});
    let counted = client.post(path, json!({"filter": filter})).await.expect(200);
    let counts = ["requests", "leads", "pass", "fail", "unclear"].map(|name| counted[name].clone());
    assert_eq!(counts, [4, 4, 2, 1, 1].map(|count| json!(count)), "{counted}");
    let why = counted["samples"][0]["why"].as_str().expect("a reason");
    assert_eq!(why, "City is 'Agra' but must be 'Pune'");
    let shown = client.get("/connectors/ab").await.expect(200);
    assert!(shown["filter"].is_null(), "nothing is saved: {shown}");
    let bad = json!({"filter": {"any": [{"field": "City", "greater": "much"}]}});
    client.post(path, bad).await.refused(400, "bad_input", &["filter.any[1].greater"]);
    let bad = json!({"filter": {"any": [{"field": "City"}]}});
    client.post(path, bad).await.refused(400, "bad_input", &["tests nothing; add one of"]);
    client.house.end().await;
}

/// A plan of 501 leads, of which the destination, which has twice as many, has so many.
fn plan_of(linked: u64) -> BackfillPlan {
    let (leads, there) = (501, 1_001);
    let fields = [("City".to_owned(), linked)].into();
    let new = leads - linked;
    BackfillPlan { leads, there, linked, new, differing: linked, fields, ..BackfillPlan::default() }
}

#[tokio::test]
async fn a_backfill_is_counted_begun_and_ended() {
    let client = Client::start().await;
    let path = "/connectors/ab/backfills";
    let planning = client.get(&format!("{path}/plan")).await.expect(200);
    assert_eq!((&planning["asked_at"], &planning["plan"]), (&Value::Null, &Value::Null));
    // Of one that is disabled too.
    let narrow = json!({"where": {"all": [{"field": "EmailAddress", "equals": "L1@example.com"}]}});
    let asked = client.post(&format!("{path}/plan"), narrow.clone()).await.expect(200);
    assert_eq!((&asked["of"], &asked["plan"]), (&narrow, &Value::Null), "{asked}");
    client.post("/connectors/ab/enable", json!({})).await.expect(200);
    client.house.counts("ab", plan_of(3)).await;
    let planning = client.get(&format!("{path}/plan")).await.expect(200);
    let plan = &planning["plan"];
    let counts = ["leads", "new", "linked", "differing"].map(|name| plan[name].clone());
    assert_eq!(counts, [501, 498, 3, 3].map(|count| json!(count)), "{plan}");
    assert_eq!((&planning["plan_of"], &planning["asked_at"]), (&narrow, &Value::Null));
    assert_eq!(client.get(path).await.expect(200)["items"], json!([]), "nothing has begun");

    let bad = json!({"where": {"all": [{"field": "A", "greater": "much"}]}});
    client.post(path, bad).await.refused(400, "bad_input", &["where.all[1].greater"]);
    // Other leads were not counted.
    client.post(path, json!({})).await.refused(400, "bad_input", &["confirm", "not counted"]);
    let begun = client.post(path, narrow.clone()).await.expect(200);
    assert_eq!((&begun["state"], &begun["of"]), (&json!("running"), &narrow), "{begun}");
    let again = json!({"confirm": true});
    client.post(path, again).await.refused(409, "refused", &["is already running"]);
    let id = &begun["id"];
    let paused = client.post(&format!("{path}/{id}/pause"), json!({})).await.expect(200);
    assert_eq!(paused["state"], "paused");
    let resumed = client.post(&format!("{path}/{id}/resume"), json!({})).await.expect(200);
    assert_eq!(resumed["state"], "running");
    let ended = client.post(&format!("{path}/{id}/cancel"), json!({})).await.expect(200);
    assert_eq!(ended["state"], "cancelled");
    client.post(&format!("{path}/{id}/resume"), json!({})).await.refused(
        409,
        "refused",
        &["already"],
    );
    client.post(&format!("{path}/99/pause"), json!({})).await.refused(404, "not_found", &["'99'"]);
    let found = client.get(&format!("/requests?backfill={id}")).await.expect(200);
    assert_eq!(found["items"], json!([]));
    let settings = json!({"source": "b", "destination": "a"});
    client.put("/connectors/silent", settings).await.expect(201);
    client.post("/connectors/silent/backfills", json!({})).await.refused(
        400,
        "bad_input",
        &["disabled"],
    );
    client.house.end().await;
}

#[tokio::test]
async fn a_backfill_that_changes_many_leads_is_confirmed() {
    let client = Client::start().await;
    let path = "/connectors/ab/backfills";
    client.post("/connectors/ab/enable", json!({})).await.expect(200);
    client.post(&format!("{path}/plan"), json!({})).await.expect(200);
    client.house.counts("ab", plan_of(501)).await;
    for refused in [json!({}), json!({"confirm": false})] {
        let told = ["confirm: is required", "change 501", "1001 leads", "20%"];
        client.post(path, refused).await.refused(400, "bad_input", &told);
    }
    assert_eq!(client.get(path).await.expect(200)["items"], json!([]), "nothing has begun");
    let begun = client.post(path, json!({"confirm": true})).await.expect(200);
    assert_eq!((&begun["state"], &begun["expected"]), (&json!("running"), &json!(501)));
    client.post(&format!("{path}/1/cancel"), json!({})).await.expect(200);

    // A connector may change more.
    let settings = |confirm_above: u32| json!({"source": "a", "destination": "b", "backfill": {"confirm_above": confirm_above}});
    let fault = ["backfill.confirm_above", "more than 100 per cent"];
    client.put("/connectors/ab", settings(101)).await.refused(400, "bad_input", &fault);
    client.put("/connectors/ab", settings(51)).await.expect(200);
    // By other settings it may change other leads.
    client.post(path, json!({})).await.refused(400, "bad_input", &["not counted"]);
    client.post(&format!("{path}/plan"), json!({})).await.expect(200);
    client.house.counts("ab", plan_of(501)).await;
    let begun = client.post(path, json!({})).await.expect(200);
    assert_eq!((&begun["expected"], &begun["percent"]), (&json!(501), &json!(0)), "{begun}");
    client.post(&format!("{path}/2/cancel"), json!({})).await.expect(200);

    // A plan gets old.
    client.house.later.store(3_700, Ordering::SeqCst);
    client.post(path, json!({})).await.refused(400, "bad_input", &["the last hour"]);
    client.house.end().await;
}

#[tokio::test]
async fn every_saved_version_is_kept() {
    let client = Client::start().await;
    for source in ["first", "second"] {
        let settings = json!({"source": "a", "destination": "b", "basic": {"lead_source": source}});
        client.put("/connectors/ab", settings).await.expect(200);
    }
    let told = client.get("/connectors/ab/versions?limit=2").await.expect(200);
    let kept: Vec<_> = told["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|item| item["definition"]["basic"]["lead_source"].clone())
        .collect();
    assert_eq!(kept, [json!("second"), json!("first")], "{told}");
    let first = told["items"][1]["definition"].clone();
    client.put("/connectors/ab", first).await.expect(200);
    let shown = client.get("/connectors/ab").await.expect(200);
    assert_eq!(shown["basic"]["lead_source"], "first", "it was brought back");
    client.house.end().await;
}

//! A request's story.

use plan::metadata::{Catalogue, Field, FieldList, Kind};
use plan::outcome::{Event, RetryWith};
use plan::problem::Problem;
use serde_json::json;
use store::{AttemptOutcome, CallRef, Progress};

use super::{Browser, Filler, at, has_inline_code, id, text};

#[tokio::test]
async fn a_request_tells_its_story() {
    let mut browser = Browser::signed_in().await;
    let filler = Filler::of(&browser).await;
    for n in 1..4 {
        let body = json!({ "ProspectID": "in-a", "FirstName": "Asha", "EmailAddress": "a@x.y" });
        filler.deliver(n, filler.connector, &body).await;
    }
    let explanation = json!({
        "plan": {
            "decision": "update",
            "lead_id": "in-b",
            "fields": [
                { "to": "FirstName", "value": "Asha", "before": "Aasha" },
                { "to": "mx_City", "value": "Pune", "before": "" },
            ],
        },
        "origins": { "mx_City": { "from": "City" } },
        "left_out": [Problem::new(plan::problem::Code::TypeMismatch, "mx_Date is no date.", "Correct it.")],
        "remarks": [{ "field": "FirstName", "remark": "It was trimmed." }],
        "looked_because": "An earlier write got no answer.",
    });
    let first = AttemptOutcome {
        explanation: Some(explanation.to_string()),
        calls: vec![CallRef { id: 7, row: Some(1) }],
        ..filler.attempt(2, Event::Failed)
    };
    let calls = vec![filler.call(7, r#"[{"of":"another"},{"of":"this"}]"#, "no JSON")];
    let requests = (1..3).map(|n| Filler::ended(n, Event::Failed)).collect();
    let attempts = vec![filler.attempt(1, Event::Failed), first.clone()];
    filler.keep(Progress { calls, attempts, requests, ..Progress::default() }).await;
    let path = format!("/requests/{}", id(2));
    let again = [("with", "then")];
    let lease = filler.lease.clone();
    let retried = browser.submit(&format!("{path}/retry"), &again).await;
    assert_eq!(retried.status, 303, "{retried:?}");
    let waiting = browser.get(&path).await.body;
    assert!(waiting.contains("data-refresh"), "it is made new until it is finished: {waiting}");
    let second =
        AttemptOutcome { attempt: 2, retry: Some(RetryWith::Then), calls: Vec::new(), ..first };
    let requests = vec![Filler::ended(2, Event::Failed)];
    let progress = Progress { attempts: vec![second], requests, ..Progress::default() };
    browser.house.store.record_progress(&lease, progress).await.unwrap();
    let mut page = browser.get(&path).await.body;
    for tab in ["attempts", "payload"] {
        page += &browser.get(&format!("{path}?tab={tab}")).await.body;
    }
    assert!(!page.contains("data-refresh") && !has_inline_code(&page), "{page}");
    let story = text(&page);
    for part in [
        "It is too long.",
        "Cut it.",
        "Update the lead in-b.",
        "FirstName FirstName Aasha Asha It was trimmed.",
        "mx_City City empty Pune",
        "Left out: mx_Date is no date.",
        "An earlier write got no answer.",
        "Attempt 1: failed",
        "Attempt 2: failed",
        "retried by admin@example.com with the settings of the last attempt",
        "500 POST https://api/v2/LeadManagement.svc/Lead.Capture 321 ms, row 2 of a bulk call",
        "HTTP 500",
        "no JSON",
        "&#34;FirstName&#34;: &#34;Asha&#34;",
        "Retry",
        "Previous for this lead",
        "Payload",
    ] {
        assert!(story.contains(part), "{part} is not in {story}");
    }
    let own = page.split_once("Request (this record)").expect("the record's own part").1;
    let own = own.split_once("Request (whole call)").expect("and all of it").0;
    assert!(own.contains("this") && !own.contains("another"), "{own}");
    for path in ["/requests/nonsense", "/requests/0000000000000"] {
        assert_eq!(browser.get(path).await.status, 404, "{path}");
    }
    let nothing_yet = browser.get(&format!("/requests/{}", id(3))).await.body;
    assert!(nothing_yet.contains("Its records appear here once it is processed"), "{nothing_yet}");
    browser.house.end().await;
}

#[tokio::test]
async fn what_was_mapped_is_shown_as_far_as_the_accounts_told_their_fields() {
    let mut browser = Browser::signed_in().await;
    let filler = Filler::of(&browser).await;
    let body = json!({ "ProspectID": "in-a", "FirstName": "Asha", "EmailAddress": "a@x.y" });
    filler.deliver(1, filler.connector, &body).await;
    let attempts = vec![filler.attempt(1, Event::New)];
    let requests = vec![Filler::ended(1, Event::New)];
    filler.keep(Progress { attempts, requests, ..Progress::default() }).await;
    let accounts = filler.accounts.clone();
    let path = format!("/requests/{}", id(1));
    assert!(!browser.get(&path).await.body.contains("mapped fields (settings version 1)"));
    let field = |name: &str| Field {
        schema_name: name.to_owned(),
        display_name: name.to_owned(),
        kind: Kind::Text,
        max_length: None,
        parts: Vec::new(),
        options: Vec::new(),
        unique: false,
        mandatory: false,
        read_only: false,
    };
    let fields = vec![field("FirstName"), field("LastName")];
    let fields: Catalogue = FieldList::from(fields).into();
    for account in accounts {
        browser.house.store.store_catalogue(account, &fields, at(0)).await.unwrap();
    }
    let page = text(&browser.get(&path).await.body);
    assert!(page.contains("2 mapped fields (settings version 1)"), "{page}");
    assert!(page.contains("FirstName FirstName Asha"), "{page}");
    assert!(page.contains("LastName LastName not in the payload"), "{page}");
    browser.house.end().await;
}

#[tokio::test]
async fn what_both_accounts_changed_is_told_and_what_was_written_back() {
    let mut browser = Browser::signed_in().await;
    let filler = Filler::of(&browser).await;
    let body = json!({ "ProspectID": "in-a", "FirstName": "Asha", "City": "Pune" });
    filler.deliver(1, filler.connector, &body).await;
    let back = json!([{ "to": "FirstName", "value": "Usha", "before": "Asha" }]);
    let explanation = json!({
        "plan": { "decision": "update", "lead_id": "in-b",
            "fields": [{ "to": "City", "value": "Pune", "before": "Agra" }] },
        "then": { "decision": "update_source", "lead_id": "in-a", "fields": back },
        "disputes": [{ "field": "FirstName", "source": "Asha", "destination": "Usha",
            "ruling": "destination" }],
    });
    let attempt = AttemptOutcome {
        explanation: Some(explanation.to_string()),
        ..filler.attempt(1, Event::Updated)
    };
    let requests = vec![Filler::ended(1, Event::Updated)];
    filler.keep(Progress { attempts: vec![attempt], requests, ..Progress::default() }).await;
    let story = text(&browser.get(&format!("/requests/{}", id(1))).await.body);
    for part in [
        "Conflicting values",
        "value was written to the source.",
        "Written back to the source, because these fields had changed in the destination",
    ] {
        assert!(story.contains(part), "no {part:?} in {story}");
    }
    // The lead of each account knows what was written to it, and no more.
    for (path, field, other) in [
        ("/api/v1/leads/a/in-a", "FirstName", "City"),
        ("/api/v1/leads/b/in-b", "City", "FirstName"),
    ] {
        let lead = browser.get(path).await.body;
        let lead: serde_json::Value = serde_json::from_str(&lead).unwrap();
        let step = &lead["steps"][0];
        assert!(step["fields"].as_array().unwrap().contains(&json!(field)), "{path}: {lead}");
        let fields = lead["fields"].as_array().unwrap();
        let by_connector = |field: &str| {
            let found = fields.iter().find(|one| one["field"] == field);
            found.is_some_and(|one| one["changes"][0]["made_by"] == "connector")
        };
        assert!(by_connector(field) && !by_connector(other), "{path}: {lead}");
    }
    browser.house.end().await;
}

//! The running service, seen through the commands.

use std::time::Duration;

use sandbox::{Fault, Trouble};
use serde_json::{Value, json};

use crate::rig::{Database, Program, SOON, Service, until};

fn asha() -> Value {
    json!({ "ProspectID": "a", "EmailAddress": "asha@example.com", "Phone": "+91-9876543210", "FirstName": "Asha" })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_tells_a_leads_story() {
    let mut service = Service::prepare(Database::Sqlite, "").await;
    service.start();
    service.post(&asha()).await;
    service.post(&json!({ "ProspectID": "n", "FirstName": "Nobody" })).await;
    service.settled().await;

    let all = service.run(&["logs"]).succeeded().out;
    assert!(all.contains("new") && all.contains("failed") && all.contains("no value for"), "{all}");
    for q in ["asha@example.com", "98765 43210", "a"] {
        let items = service.run(&["logs", "--q", q, "--json"]).json();
        assert_eq!(items.as_array().map(Vec::len), Some(1), "{q}: {items}");
        let record = &items[0]["records"][0];
        assert_eq!((&record["event"], &record["source_id"]), (&json!("new"), &json!("a")));
        let call = &record["attempts"][0]["calls"][0];
        assert_eq!((&call["method"], &call["status"]), (&json!("POST"), &json!(200)));
        for part in ["url", "request", "response"] {
            let text = call[part].as_str().expect("a text");
            assert!(!text.contains(service.destination.secret_key()), "{part} shows a key");
        }
    }
    let failed = service.run(&["logs", "--event", "failed", "--from", "1h", "--json"]).json();
    let id = failed[0]["id"].as_str().expect("a Request ID").to_owned();
    assert_eq!(failed[0]["records"][0]["error"]["code"], "no_key");
    let story = service.run(&["logs", &id]).succeeded().out;
    assert!(story.contains("Fix:") && story.contains("attempt 1"), "{story}");
    service.run(&["logs", "0000000000000"]).failed(1, &["no request"]);
    service.run(&["logs", "--connector", "nobody"]).failed(1, &["no connector nobody"]);
    service.run(&["logs", "--from", "soon"]).failed(2, &["soon"]);
    service.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_retries_what_failed() {
    let mut service = Service::prepare(Database::Sqlite, "trigger_automations = true").await;
    service.destination.put_fault(Fault::always(Trouble::Html500).of("Lead.Capture"));
    service.start();
    service.post(&asha()).await;
    let items = until(SOON, || async {
        let items = service.run(&["logs", "--json"]).json();
        let waits = items[0]["records"][0]["next_attempt_at"].is_string();
        if waits { Ok(items) } else { Err(items) }
    })
    .await;
    assert_eq!(items[0]["job_status"], "queued", "{items}");
    service.destination.clear_faults();
    let id = items[0]["id"].as_str().expect("a Request ID");
    let retried = service.run(&["retry", id, "--json"]).json();
    assert_eq!(retried, json!({ "requests": 1 }));
    service.settled().await;
    let items = service.run(&["logs", "--json"]).json();
    assert_eq!(items[0]["records"][0]["event"], "new", "{items}");
    assert_eq!(items[0]["records"][0]["attempts"].as_array().map(Vec::len), Some(2));
    let nothing = service.run(&["retry", "--failed"]).succeeded().out;
    assert!(nothing.contains("Nothing to retry"), "{nothing}");
    service.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_tells_and_does_nothing() {
    let mut service = Service::prepare(Database::Sqlite, "").await;
    let file = |name: &str, text: &str| {
        std::fs::write(service.folder().join(name), text).expect("a file");
    };
    file("new.json", &asha().to_string());
    file("bad.json", "{");
    let preview = |file: &str| service.run(&["preview", "source-to-destination", file, "--json"]);
    let records = preview("new.json").json();
    assert_eq!(
        (&records[0]["decision"], &records[0]["calls"][0]["operation"]),
        (&json!("capture"), &json!("Lead.Capture"))
    );
    let shown = service.run(&["preview", "source-to-destination", "new.json"]).succeeded().out;
    assert!(shown.contains("would be created") && shown.contains("EmailAddress"), "{shown}");
    preview("bad.json").failed(1, &["bad.json", "not JSON"]);
    preview("absent.json").failed(1, &["absent.json"]);
    service.run(&["preview", "nobody", "new.json"]).failed(1, &["no connector nobody"]);
    assert_eq!(service.destination.lead_count(), 0);

    service.start();
    service.post(&asha()).await;
    service.settled().await;
    let records = service.run(&["preview", "source-to-destination", "new.json", "--json"]).json();
    assert_eq!((&records[0]["decision"], &records[0]["calls"]), (&json!("unchanged"), &json!([])));
    service.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_asked_to_stop_finishes_what_is_in_flight() {
    let mut service = Service::prepare(Database::Sqlite, "trigger_automations = true").await;
    service.destination.set_latency(Duration::from_millis(300));
    service.start();
    for n in 0..5 {
        let email = format!("l{n}@example.com");
        service.post(&json!({ "ProspectID": n.to_string(), "EmailAddress": email })).await;
    }
    service.stop();
    service.start();
    service.settled().await;
    assert_eq!(service.destination.lead_count(), 5);
    service.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_service_a_file_and_one_an_address() {
    let mut service = Service::prepare(Database::Sqlite, "").await;
    service.start();
    service.post(&asha()).await;
    service.run(&["serve"]).failed(1, &["can't listen", "--listen"]);
    service.run(&["serve", "--listen", "127.0.0.1:0"]).failed(1, &["another leadsync process"]);
    service.stop();
}

#[test]
fn the_demo_ends_with_all_leads_in_sync() {
    let ran = Program::new()
        .run(&["demo", "--listen", "127.0.0.1:0", "--seconds", "4", "--pace", "8", "--json"])
        .succeeded();
    let last = ran.out.lines().last().expect("lines");
    let summary: Value = serde_json::from_str(last).expect(last);
    let leads = summary["leads"].as_u64().expect("a count");
    assert!(leads >= 3, "{summary}");
    assert_eq!(summary["in_sync"], leads, "{}", ran.out);
    assert_eq!(summary["refused_calls"], 0, "{summary}");
}

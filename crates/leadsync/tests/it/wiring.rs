//! Native webhooks that a connector makes for itself in the source account.

use std::time::Duration;

use serde_json::Value;

use crate::rig::{Database, SOON, Service, until};

const NAME: &str = "source-to-destination";

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_is_wired_found_again_and_unwired_on_sqlite() {
    a_connector_is_wired_found_again_and_unwired(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_is_wired_found_again_and_unwired_on_postgres() {
    a_connector_is_wired_found_again_and_unwired(Database::Postgres).await;
}

/// What a command says of each webhook.
fn states(service: &Service, command: &[&str]) -> Vec<(String, String)> {
    let told = service.run(&[&["connector"], command, &["--json"]].concat()).json();
    let hooks = told["webhooks"].as_array().expect("a list").clone();
    let text = |hook: &Value, name: &str| hook[name].as_str().expect("a text").to_owned();
    hooks.iter().map(|hook| (text(hook, "event"), text(hook, "state"))).collect()
}

fn all(state: &str) -> Vec<(String, String)> {
    let events = ["new leads", "changed leads", "new activities 201", "changed activities 201"];
    events.map(|event| (event.to_owned(), state.to_owned())).to_vec()
}

/// A person adds a lead in the source; returns its id.
fn lead(service: &Service, email: &str) -> String {
    let lead = [("EmailAddress", email), ("FirstName", "Asha")];
    service.source.create_lead(&lead).expect("a lead")
}

/// Waits until the destination has a lead with this address.
async fn synced(service: &Service, email: &str) -> String {
    until(SOON, || async {
        let found = service.destination.find_leads("EmailAddress", email);
        found.into_iter().next().ok_or_else(|| service.log().to_string())
    })
    .await
}

async fn a_connector_is_wired_found_again_and_unwired(database: Database) {
    let mut service = Service::prepare(database, "").await;
    service.apply_file(&format!(
        "[[connector]]\nname = \"{NAME}\"\nsource = \"source\"\ndestination = \"destination\"\n\
         enabled = true\n[connector.activity]\nenabled = true\n\
         [[connector.activity.type]]\nfrom = 201\nto = 201\n",
    ));
    service.start();
    assert_eq!(states(&service, &["wire", NAME, "--check"]), all("missing"));
    assert_eq!(states(&service, &["wire", NAME]), all("made"));

    // A lead and its activity are synced without a hand on the source account.
    let id = lead(&service, "asha@example.com");
    let twin = synced(&service, "asha@example.com").await;
    let activity = [("mx_Custom_1", "Green Acres")];
    service.source.create_activity(&id, 201, "came by", &activity).expect("an activity");
    service.source.create_activity(&id, 206, "not mapped", &[]).expect("an activity");
    until(SOON, || async {
        let kept = service.destination.activities(&twin);
        let has = kept.iter().any(|(event, note, _)| (*event, note.as_str()) == (201, "came by"));
        if has { Ok(()) } else { Err((kept, service.log().to_string())) }
    })
    .await;
    assert_eq!(states(&service, &["wire", NAME, "--check"]), all("on"));

    // Nobody else gets in by this URL.
    let client = reqwest::Client::builder().build().expect("an HTTP client");
    let url = format!("{}/wired", service.hook_of(NAME));
    for secret in ["", "0123456789abcdef"] {
        let post = client.post(&url).header("x-leadsync-secret", secret);
        let body = r#"{"ProspectID":"stranger","EmailAddress":"stranger@example.com"}"#;
        assert_eq!(post.body(body).send().await.expect("an answer").status(), 401, "{secret}");
    }
    assert_eq!(client.head(&url).send().await.expect("an answer").status(), 200, "verification");

    // Ten failures, and LeadSquared switches the webhook off.
    service.kill_hard();
    for n in 0..10 {
        lead(&service, &format!("unheard{n}@example.com"));
    }
    tokio::time::timeout(Duration::from_mins(1), service.source.idle()).await.expect("it ends");
    service.start();
    let found = states(&service, &["wire", NAME, "--check"]);
    assert_eq!(found[0], ("new leads".to_owned(), "off_by_failures".to_owned()), "{found:?}");
    let renewed = states(&service, &["wire", NAME]);
    assert_eq!(renewed[0], ("new leads".to_owned(), "switched_on".to_owned()), "{renewed:?}");
    assert_eq!(renewed[1], ("changed leads".to_owned(), "on".to_owned()), "{renewed:?}");
    lead(&service, "bina@example.com");
    synced(&service, "bina@example.com").await;

    assert_eq!(states(&service, &["unwire", NAME]), all("removed"));
    assert_eq!(states(&service, &["wire", NAME, "--check"]), all("missing"));
    lead(&service, "after@example.com");
    service.source.idle().await;
    service.settled().await;
    assert!(service.destination.find_leads("EmailAddress", "after@example.com").is_empty());
}

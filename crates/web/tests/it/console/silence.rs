//! What is shown of a connector at which no webhook arrives.

use jiff::SignedDuration;
use plan::silence;
use serde_json::Value;
use store::{Actor, Change};

use super::overview::text;
use super::{Browser, location};
use crate::harness::now;

impl Browser {
    async fn health(&mut self) -> Value {
        let listed = self.get("/api/v1/connectors").await;
        let listed: Value = serde_json::from_str(&listed.body).expect("JSON");
        listed["items"][0]["health"].clone()
    }
}

#[tokio::test]
async fn a_silent_connector_is_degraded_and_says_what_to_check() {
    let mut browser = Browser::signed_in().await;
    let basic = [("version", "1"), ("search_by", "EmailAddress"), ("silent_hours", " 24 ")];
    let saved = browser.submit("/connectors/ab/basic", &basic).await;
    assert_eq!(saved.status, 303, "{saved:?}");
    assert!(location(&saved).is_some(), "{saved:?}");
    let page = browser.get("/connectors/ab/basic").await.body;
    assert!(page.contains(r#"name="silent_hours""#) && page.contains(r#"value="24""#), "{page}");
    let store = browser.house.store.clone();
    let enabled = Change::SetEnabled { name: "ab".to_owned(), enabled: true };
    store.change_configuration(vec![enabled], &Actor::command_line(), now()).await.unwrap();
    let definition = store.configuration().await.unwrap().connectors[0].definition.clone();
    assert_eq!(definition.basic.silent_hours, 24);
    assert_eq!(browser.health().await["state"], "waiting_for_first_lead");

    let seen = store.arrivals().await.unwrap()[0];
    let problem = silence::silent(&definition, seen.since);
    let later = now() + SignedDuration::from_hours(25);
    assert!(store.begin_silence(&seen, &problem, later).await.unwrap());
    let health = browser.health().await;
    assert_eq!(health["state"], "degraded", "{health}");
    assert_eq!(health["reason"], "No webhook from a has arrived for more than 24 hours.");
    assert!(health["since"].is_string() && health["last_webhook"].is_null(), "{health}");
    let home = browser.get("/").await.body;
    let said = "ab: no webhook from a has arrived for more than 24 hours.";
    assert!(text(&home).contains(said), "{home}");
    assert!(home.contains(r#"href="/connectors/ab/webhook""#), "{home}");
    let summary = text(&browser.get("/connectors/ab").await.body);
    assert!(summary.contains("none yet; alert after 24 hours without one"), "{summary}");

    let body = r#"{"EmailAddress":"asha@example.com"}"#;
    let hook = browser.house.hook.clone();
    let mut wire = browser.house.wire().await;
    wire.send(format!(
        "POST {hook} HTTP/1.1\r\nHost: leadsync.example\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ))
    .await;
    assert_eq!(wire.answer().await.unwrap().status, 200);
    let health = browser.health().await;
    assert_eq!(health["state"], "healthy", "{health}");
    assert!(health["last_webhook"].is_string(), "{health}");
    let home = text(&browser.get("/").await.body);
    assert!(!home.contains(said), "{home}");
    browser.house.end().await;
}

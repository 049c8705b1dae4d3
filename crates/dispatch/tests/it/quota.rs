//! The destination's quota is never exceeded.

use std::time::Duration;

use plan::outcome::Event;
use sandbox::{Fault, Plan, Quota, Trouble};
use serde_json::json;
use store::AccountPlan;

use crate::scene::{Scene, problem};

fn quota(calls: u32, bulk_calls: u32, daily: u32) -> (AccountPlan, Plan) {
    let configured = plan::quota::Quota { calls, bulk_calls, per_seconds: 1, daily };
    let window = Duration::from_secs(1);
    let actual = Quota { calls, bulk_calls, window, daily: daily.into() };
    (AccountPlan::Quota(configured), Plan::Explicit(actual))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_window_is_exceeded() {
    for automations in ["true", "false"] {
        let (configured, actual) = quota(6, 2, 100_000);
        let parts = format!(r#""lead":{{"trigger_automations":{automations}}}"#);
        let mut scene = Scene::with(&parts, configured, actual).await;
        scene.work();
        let mut requests = Vec::new();
        for n in 0..30 {
            let lead = json!({ "ProspectID": format!("l{n}"), "EmailAddress": format!("l{n}@example.com") });
            requests.push(scene.post(&lead).await);
        }
        for request in requests {
            scene.ends_as(request, Event::New).await;
        }
        let counts = scene.there.calls();
        assert_eq!(counts.refused, 0, "{counts:?}");
        assert!(counts.peak <= 6 && counts.peak_bulk <= 2, "{counts:?}");
        scene.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_is_used_up_is_told_and_the_next_one_goes_on() {
    let (configured, actual) = quota(100, 100, 5);
    let mut scene = Scene::with(r#""lead":{"trigger_automations":true}"#, configured, actual).await;
    scene.work();
    let mut requests = Vec::new();
    for n in 0..6 {
        let lead =
            json!({ "ProspectID": format!("l{n}"), "EmailAddress": format!("l{n}@example.com") });
        requests.push(scene.post(&lead).await);
    }
    // Two calls told the fields and users, three leads are through.
    let last = requests[5];
    let item = scene.waits_with(last, "quota").await;
    assert!(problem(&item).message.contains("there"), "{item:#?}");
    for request in &requests[..3] {
        scene.ends_as(*request, Event::New).await;
    }
    assert_eq!(scene.there.lead_count(), 3);
    scene.there.set_plan(Plan::Unlimited);
    scene.advance(jiff::SignedDuration::from_hours(25));
    for request in requests {
        scene.ended(request).await;
    }
    assert_eq!(scene.there.lead_count(), 6);
    assert_eq!(scene.there.calls().refused, 0);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_whose_calls_others_used_up_is_asked_later_and_nothing_fails() {
    let mut scene = Scene::new("").await;
    let refused = Fault::once(Trouble::RateLimited).of("LeadManagement.svc/LeadsMetaData.Get");
    scene.there.put_fault(refused);
    scene.work();
    let request = scene.post(&json!({ "ProspectID": "a", "EmailAddress": "a@example.com" })).await;
    while scene.there.calls().total == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    scene.advance(jiff::SignedDuration::from_secs(10));
    let item = scene.ends_as(request, Event::New).await;
    assert_eq!(item.records[0].attempts.len(), 1, "it waited in silence: {item:#?}");
    scene.stop().await;
}

//! The wall clock is set while records wait: nothing waits longer than it would have.

use jiff::SignedDuration;
use plan::outcome::Event;
use sandbox::{Fault, Trouble};
use serde_json::json;

use crate::scene::Scene;

const STEPS: [SignedDuration; 6] = [
    SignedDuration::from_hours(-365 * 24),
    SignedDuration::from_hours(-24),
    SignedDuration::from_hours(-1),
    SignedDuration::from_hours(1),
    SignedDuration::from_hours(24),
    SignedDuration::from_hours(365 * 24),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_waits_for_its_next_try_is_not_locked() {
    for step in STEPS {
        let mut scene = Scene::new("").await;
        let fault = Fault::once(Trouble::Gateway(503)).of("LeadManagement.svc/Lead.Capture");
        scene.there.put_fault(fault);
        scene.work();
        let lead = json!({ "ProspectID": "a", "EmailAddress": "a@example.com" });
        let request = scene.post(&lead).await;
        scene.waits_with(request, "unreachable").await;
        scene.step(step);
        scene.advance(SignedDuration::from_mins(1));
        scene.ends_as(request, Event::New).await;
        scene.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_was_away_is_probed() {
    for step in STEPS {
        let mut scene = Scene::at_work("").await;
        let lead = |n: u32| json!({ "ProspectID": format!("l{n}"), "EmailAddress": format!("l{n}@example.com") });
        let first = scene.post(&lead(0)).await;
        scene.ends_as(first, Event::New).await;
        scene.there.put_fault(Fault::always(Trouble::Gateway(503)));
        let request = scene.post(&lead(1)).await;
        scene.waits_with(request, "unreachable").await;
        scene.step(step);
        scene.there.clear_faults();
        scene.advance(SignedDuration::from_mins(2));
        scene.ends_as(request, Event::New).await;
        scene.stop().await;
    }
}

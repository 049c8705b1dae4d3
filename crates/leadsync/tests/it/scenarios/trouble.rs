//! What happens to leads when something goes wrong.

use plan::outcome::Event;
use sandbox::{Fault, Plan, Trouble};

use super::world::Place;

scenarios! {
    lost_answers,
    passing_errors,
    quota_is_kept,
    unknown_field_in_the_destination,
}

const ASHA: &str = "asha@example.com";

async fn lost_answers(place: Place) {
    let world = place.world(r#""activity":{"enabled":true}"#).await;
    let reset = |operation| Fault::once(Trouble::ResetAfter).of(operation);
    for operation in ["Lead.Capture", "Lead.Update", "ProspectActivity.svc/Create"] {
        world.there.put_fault(reset(operation));
    }
    let id = world.lead(&[("EmailAddress", ASHA), ("JobTitle", "Nurse")]);
    world.settled().await;
    world.edit(&id, &[("JobTitle", "Doctor")]);
    world.here.create_activity(&id, 201, "came", &[]).expect("a new activity");
    world.settled().await;
    assert_eq!(world.there.lead_count(), 1, "not doubled");
    assert_eq!(world.there(ASHA, "JobTitle").as_deref(), Some("Doctor"));
    let twin = world.there.find_leads("EmailAddress", ASHA).remove(0);
    let visits = world.there.activities(&twin).into_iter().filter(|(event, ..)| *event == 201);
    assert_eq!(visits.count(), 1, "not doubled");
    let log = world.log().await;
    assert!(!world.events().await.contains(&Event::Failed), "{log:#?}");
    world.end().await;
}

async fn passing_errors(place: Place) {
    let world = place.world("").await;
    for trouble in [Trouble::Html500, Trouble::ResetBefore, Trouble::Gateway(503)] {
        world.there.put_fault(Fault::once(trouble).of("Lead.Capture"));
    }
    world.lead(&[("EmailAddress", ASHA)]);
    world.worked().await;
    assert_eq!(world.events().await, [Event::Failed], "it is shown while it waits");
    world.settled().await;
    let log = world.log().await;
    assert_eq!(world.events().await, [Event::New], "{log:#?}");
    assert_eq!(log[0].records[0].attempts.len(), 4);
    world.end().await;
}

async fn quota_is_kept(place: Place) {
    let settings = r#""lead":{"trigger_automations":true}"#;
    let world = place.world_with_plan(settings, Plan::Pro).await;
    for n in 0..15 {
        world.lead(&[("EmailAddress", &format!("q{n}@example.com"))]);
    }
    world.settled().await;
    assert_eq!(world.there.lead_count(), 15);
    assert_eq!(world.there.calls().refused, 0, "no call went over the quota");
    world.end().await;
}

async fn unknown_field_in_the_destination(place: Place) {
    let world = place.world("").await;
    let id = world.lead(&[("EmailAddress", ASHA), ("JobTitle", "Nurse")]);
    world.settled().await;
    world.there.remove_field("Company");
    world.edit(&id, &[("Company", "Clinic"), ("JobTitle", "Doctor")]);
    world.settled().await;
    // The default mapping is derived again from the account's current fields.
    assert_eq!(world.there(ASHA, "JobTitle").as_deref(), Some("Doctor"));
    assert!(!world.events().await.contains(&Event::Failed));
    world.end().await;
}

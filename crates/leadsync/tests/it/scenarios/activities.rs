//! What happens to activities.

use plan::outcome::{Entity, Event};
use sandbox::{ActivityType, Kind};

use super::world::{Place, World};

scenarios! {
    added_and_updated,
    create_only_activities,
    update_only_activities,
    types_and_fields_of_ones_own,
    an_option_that_is_not_listed,
    activities_off,
}

const ASHA: &str = "asha@example.com";

/// Creates Asha and a visit of hers; returns both ids.
fn visit(world: &World) -> (String, String) {
    let lead = world.lead(&[("EmailAddress", ASHA), ("FirstName", "Asha")]);
    let fields = [("mx_Custom_1", "Green Acres"), ("mx_Custom_2", "3"), ("Status", "Active")];
    let activity = world.here.create_activity(&lead, 201, "came early", &fields);
    (lead, activity.expect("a new activity"))
}

/// Asha's activities there, without those that LeadSquared itself may add.
fn kept(world: &World) -> Vec<(u32, String, std::collections::BTreeMap<String, String>)> {
    let twin = world.there.find_leads("EmailAddress", ASHA).remove(0);
    let all = world.there.activities(&twin).into_iter();
    all.filter(|(event, ..)| *event >= 100).collect()
}

async fn events(world: &World, entity: Entity) -> Vec<Event> {
    let records = world.records().await.into_iter().filter(|record| record.entity == entity);
    records.map(|record| record.event).collect()
}

async fn added_and_updated(place: Place) {
    let world = place.world(r#""activity":{"enabled":true}"#).await;
    let (_, activity) = visit(&world);
    world.settled().await;
    let there = kept(&world);
    assert_eq!(there.len(), 1, "{there:?}");
    assert_eq!((there[0].0, there[0].1.as_str()), (201, "came early"));
    assert_eq!(there[0].2["mx_Custom_1"], "Green Acres");
    let edit = [("Status", "Completed")];
    world.here.edit_activity(&activity, Some("came late"), &edit).expect("an edit");
    world.settled().await;
    let there = kept(&world);
    assert_eq!(there.len(), 1, "not added twice: {there:?}");
    assert_eq!((there[0].1.as_str(), there[0].2["Status"].as_str()), ("came late", "Completed"));
    assert_eq!(events(&world, Entity::Activity).await, [Event::New, Event::Updated]);
    assert_eq!(world.there.lead_count(), 1);
    world.end().await;
}

async fn create_only_activities(place: Place) {
    let world = place.world(r#""activity":{"enabled":true,"behaviour":"create_only"}"#).await;
    let (_, activity) = visit(&world);
    world.settled().await;
    world.here.edit_activity(&activity, Some("came late"), &[]).expect("an edit");
    world.settled().await;
    let there = kept(&world);
    assert_eq!((there.len(), there[0].1.as_str()), (1, "came early"), "never updated");
    assert_eq!(events(&world, Entity::Activity).await, [Event::New, Event::Skipped]);
    world.end().await;
}

async fn update_only_activities(place: Place) {
    let world = place.world(r#""activity":{"enabled":true,"behaviour":"update_only"}"#).await;
    visit(&world);
    world.settled().await;
    assert_eq!(kept(&world).len(), 0, "never added");
    assert_eq!(events(&world, Entity::Activity).await, [Event::Skipped]);
    world.end().await;
}

async fn types_and_fields_of_ones_own(place: Place) {
    let world = place
        .world(
            r#""activity":{"enabled":true,"type":[{"from":201,"to":305,"field":[
                {"from":"mx_Custom_1","to":"mx_Custom_9"},{"from":"ActivityNote","to":"ActivityNote"}]}]}"#,
        )
        .await;
    let own = ActivityType::new(305, "Tour", 0).field("mx_Custom_9", "Place", Kind::Text);
    world.there.put_activity_type(own);
    let (lead, _) = visit(&world);
    world.here.create_activity(&lead, 206, "not mapped", &[]).expect("a new activity");
    world.settled().await;
    let there = kept(&world);
    assert_eq!(there.len(), 1, "{there:?}");
    assert_eq!((there[0].0, there[0].1.as_str()), (305, "came early"));
    assert_eq!(there[0].2["mx_Custom_9"], "Green Acres");
    let mut events = events(&world, Entity::Activity).await;
    events.sort();
    assert_eq!(events, [Event::New, Event::Skipped], "one is not mapped, and says so");
    world.end().await;
}

async fn an_option_that_is_not_listed(place: Place) {
    let world = place.world(r#""activity":{"enabled":true}"#).await;
    let lead = world.lead(&[("EmailAddress", ASHA), ("FirstName", "Asha")]);
    let activity = world.here.create_activity(&lead, 201, "came", &[("mx_Custom_4", "Superb")]);
    let activity = activity.expect("a new activity");
    world.settled().await;
    let there = kept(&world);
    assert_eq!(there[0].2["mx_Custom_4"], "Superb", "LeadSquared does not check it");
    let edit = [("mx_Custom_4", "Awful")];
    world.here.edit_activity(&activity, None, &edit).expect("an edit");
    world.settled().await;
    assert_eq!(kept(&world)[0].2["mx_Custom_4"], "Awful");
    assert_eq!(events(&world, Entity::Activity).await, [Event::New, Event::Updated]);
    world.end().await;
}

async fn activities_off(place: Place) {
    let world = place.world("").await;
    visit(&world);
    world.settled().await;
    assert_eq!(kept(&world).len(), 0);
    assert_eq!(events(&world, Entity::Activity).await, [Event::Skipped]);
    world.end().await;
}

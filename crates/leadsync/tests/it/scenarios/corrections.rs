//! Values that a mapping got wrong, once it is right.

use admin::preview::Previewed;
use admin::refresh::RefreshPlan;
use plan::outcome::Event;
use sandbox::{Field, Kind};
use store::{Actor, Selection};

use super::mapping::{ASHA, held, rows};
use super::world::{Place, World};
use crate::rig::Nobody;

scenarios! {
    what_was_wrong_is_written_once_it_is_right,
    what_was_wrong_is_written_by_a_retry,
    linked_leads_are_brought_up_to_date,
    in_a_pair_a_correction_spares_what_people_typed,
}

fn actor() -> Actor {
    Actor("test".to_owned())
}

/// Rows for what a mapping can get wrong, with these settings around them.
fn flawed(country: &str, plan: &str, more: &str) -> String {
    let rows = rows(&format!(
        r#"{{"from":"Phone","to":"Phone"}},{{"from":"OwnerId","to":"OwnerId"}},
           {{"from":"FirstName","to":"FirstName"}},{{"from":"Company","to":"mx_Plan"}},
           {{"from":"LastName","to":"LastName","values":{{"one":"{plan}"}}}}{more}"#
    ));
    let rows = rows.replacen(
        "\"lead\":{",
        r#""lead":{"bad_field":"leave_out","unlisted_option":"leave_out","#,
        1,
    );
    format!(r#""basic":{{"default_country_code":"{country}"}},{rows}"#)
}

const KNOWN: [&str; 2] =
    ["aaaaaaaa-1111-4111-8111-000000000002", "bbbbbbbb-1111-4111-8111-000000000002"];

fn user(id: &str) -> sandbox::User {
    sandbox::User::new(id, "Some", "One", "late@example.com", "Sales_User")
}

/// A lead that is synced with a wrong country, a wrong translation, an option and a user that the
/// destination lacks, and without a row for its job title.
async fn wrong_lead(world: &World) -> String {
    world.here.put_user(user(KNOWN[0]));
    world.configure(&flawed("US", "wrong", "")).await;
    let id = world.lead(&[
        ("EmailAddress", ASHA),
        ("Phone", "9845098450"),
        ("OwnerId", KNOWN[0]),
        ("Company", "Platinum"),
        ("LastName", "one"),
        ("JobTitle", "Nurse"),
    ]);
    world.settled().await;
    assert_eq!(held(world, "Phone").as_deref(), Some("+1-9845098450"));
    assert_eq!(held(world, "LastName").as_deref(), Some("wrong"));
    assert_eq!(held(world, "mx_Plan"), None);
    assert_eq!(held(world, "JobTitle"), None);
    id
}

/// All of that is put right.
async fn put_right(world: &World) {
    world.there.put_user(user(KNOWN[1]));
    let plan = Field::new("mx_Plan", Kind::Select).options(&["Basic", "Premium", "Platinum"]);
    world.there.put_field(plan);
    let title = r#",{"from":"JobTitle","to":"JobTitle"}"#;
    world.configure(&flawed("IN", "right", title)).await;
    // By then the accounts are asked again what they have.
    world.node.advance(jiff::SignedDuration::from_mins(11));
}

fn is_right(world: &World) {
    assert_eq!(held(world, "Phone").as_deref(), Some("+91-9845098450"));
    assert_eq!(held(world, "LastName").as_deref(), Some("right"));
    assert_eq!(held(world, "mx_Plan").as_deref(), Some("Platinum"));
    assert_eq!(held(world, "JobTitle").as_deref(), Some("Nurse"));
    assert_eq!(held(world, "OwnerId").as_deref(), Some(KNOWN[1]));
}

async fn what_was_wrong_is_written_once_it_is_right(place: Place) {
    let world = place.world("").await;
    let id = wrong_lead(&world).await;
    put_right(&world).await;
    // The metadata is read beside the work: a change that comes sooner is written without the option
    // and the owner, and the next one has them.
    let has_all = || {
        held(&world, "mx_Plan").is_some() && held(&world, "OwnerId").as_deref() == Some(KNOWN[1])
    };
    for change in 0..50 {
        world.edit(&id, &[("FirstName", &format!("Asha {change}"))]);
        world.settled().await;
        if has_all() {
            break;
        }
    }
    is_right(&world);
    assert!(!world.events().await.contains(&Event::Failed));
    world.end().await;
}

async fn what_was_wrong_is_written_by_a_retry(place: Place) {
    let world = place.world("").await;
    wrong_lead(&world).await;
    put_right(&world).await;
    let [request] = world.log().await.try_into().expect("one request");
    assert_eq!(request.records[0].event, Event::New);
    let selection = Selection::Requests(vec![request.id]);
    let retried = world.node.store.retry(&selection.into(), &actor(), world.node.now()).await;
    assert_eq!(retried.expect("a retry").requests, 1);
    world.settled().await;
    is_right(&world);
    assert_eq!(world.events().await, [Event::Updated]);
    world.end().await;
}

async fn linked_leads_are_brought_up_to_date(place: Place) {
    let world = place.world(&rows(r#"{"from":"FirstName","to":"FirstName"}"#)).await;
    let both = ["b@example.com", ASHA];
    let ids = both.map(|email| world.lead(&[("EmailAddress", email), ("FirstName", "one")]));
    world.settled().await;
    world.edit(&ids[0], &[("FirstName", "two")]);
    // What nobody maps is posted all the same.
    world.edit(&ids[1], &[("JobTitle", "Nurse")]);
    world.settled().await;
    let before = world.records().await;
    let title = r#"{"from":"FirstName","to":"FirstName"},{"from":"JobTitle","to":"JobTitle"}"#;
    world.configure(&rows(title)).await;

    let store = &world.node.store;
    let configuration = store.configuration().await.expect("the configuration");
    let connector = configuration.connector(&world.name).expect("the connector");
    let previewed = Previewed { configuration: &configuration, connector, now: world.node.now() };
    let plan = admin::refresh::plan(store.as_ref(), &Nobody, previewed).await.expect("a plan");
    let RefreshPlan { linked, leads, examined, changed, unchanged, refused } = plan;
    assert_eq!((linked, leads, examined), (2, 2, 2));
    assert_eq!((changed, unchanged, refused), (1, 1, 0));

    world.there.reset_calls();
    let which = (connector.id, world.name.as_str());
    let begun = store.refresh_leads(which, Some(60), &actor(), world.node.now()).await;
    let begun = begun.expect("a batch");
    assert_eq!(begun.requests, 2);
    world.settled().await;
    assert_eq!(held(&world, "JobTitle").as_deref(), Some("Nurse"));
    assert_eq!(world.there(both[0], "FirstName").as_deref(), Some("two"));
    let written = world.there.calls().by_operation;
    assert!(written.keys().any(|call| call.contains("Update") || call.contains("Capture")));
    let batch = store.retry_batch(begun.batch.expect("a number")).await.expect("the store");
    let batch = batch.expect("the batch");
    assert_eq!((batch.done, batch.left, batch.failed), (2, 0, 0));
    assert_eq!(batch.linked_by.as_ref(), Some(&world.name));

    // What needed nothing stands as it did before; the change that nobody mapped is written now.
    let after = world.records().await;
    let changed: Vec<[Event; 2]> = before
        .iter()
        .zip(&after)
        .map(|(before, after)| [before.event, after.event])
        .filter(|[before, after]| before != after)
        .collect();
    assert_eq!((before.len(), changed), (after.len(), vec![[Event::Unchanged, Event::Updated]]));
    let tried: usize = after.iter().map(|record| record.attempts.len()).sum();
    assert_eq!(tried, before.len() + 2);
    world.end().await;
}

async fn in_a_pair_a_correction_spares_what_people_typed(place: Place) {
    let world = place.world("").await;
    world.configure(&flawed("IN", "wrong", "")).await;
    let back = rows(r#"{"from":"FirstName","to":"FirstName"},{"from":"LastName","to":"LastName"}"#);
    world.connect_back(&back).await;
    let both = ["b@example.com", ASHA];
    let ids = both.map(|email| world.lead(&[("EmailAddress", email), ("LastName", "one")]));
    world.settled().await;
    // A person there corrects one of the two by hand.
    let there = world.there.find_leads("EmailAddress", both[0]).remove(0);
    world.there.edit_lead(&there, &[("LastName", "typed")]).expect("an edit");
    world.settled().await;
    world.configure(&flawed("IN", "right", "")).await;
    for id in &ids {
        world.edit(id, &[("FirstName", "Asha")]);
    }
    world.settled().await;
    assert_eq!(held(&world, "LastName").as_deref(), Some("right"));
    assert_eq!(world.there(both[0], "LastName").as_deref(), Some("typed"));
    let here = world.here.lead(&ids[0]).expect("a lead").remove("LastName").flatten();
    assert_eq!(here.as_deref(), Some("typed"));
    let here = world.here.lead(&ids[1]).expect("a lead").remove("LastName").flatten();
    assert_eq!(here.as_deref(), Some("one"));
    world.end().await;
}

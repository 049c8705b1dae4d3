//! What becomes of leads when all goes well.

use std::time::Duration;

use plan::outcome::{Event, JobStatus, SyncStatus};
use sandbox::{Fault, Trouble};
use serde_json::json;
use store::Filter;

use crate::scene::{Scene, calls, capture, captured, connector, problem};

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_is_created_updated_and_left_alone() {
    let mut scene = Scene::at_work("").await;
    let lead = |city: &str, second: u32| {
        json!({ "ProspectID": "a", "EmailAddress": "asha@example.com", "FirstName": "Asha",
                "mx_City": city, "ModifiedOn": format!("2026-01-01 00:00:{second:02}.000") })
    };
    let first = scene.post(&lead("Pune", 1)).await;
    let item = scene.ends_as(first, Event::New).await;
    assert_eq!(calls(&item), ["Lead.Capture"]);
    assert_eq!(
        (item.job_status, item.sync_status, item.behaviour.as_deref()),
        (JobStatus::Success, Some(SyncStatus::Success), Some("create_and_update"))
    );
    let id = item.records[0].destination_id.clone().expect("the new lead's id");
    assert_eq!(item.records[0].source_id.as_deref(), Some("a"));

    let again = scene.post(&lead("Pune", 1)).await;
    let item = scene.ends_as(again, Event::Unchanged).await;
    assert_eq!(calls(&item).len(), 0, "a duplicate costs no call");

    let moved = scene.post(&lead("Delhi", 5)).await;
    let item = scene.ends_as(moved, Event::Updated).await;
    assert_eq!(calls(&item), ["Lead.Update"]);
    assert_eq!(item.records[0].destination_id.as_deref(), Some(&*id));
    let sent = &item.records[0].attempts[0].calls[0].request;
    assert!(sent.contains("Delhi") && !sent.contains("Asha"), "only what changed: {sent}");

    let late = scene.post(&lead("Pune", 3)).await;
    scene.ends_as(late, Event::Unchanged).await;
    let there = scene.there.lead(&id).expect("the lead");
    assert_eq!(there["mx_City"].as_deref(), Some("Delhi"), "an older state does not win");
    assert_eq!(scene.there.lead_count(), 1);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_and_its_echo_end() {
    let mut scene = Scene::at_work("").await;
    let mut back = connector("");
    (back.name, back.source, back.destination) =
        ("back".to_owned(), "there".to_owned(), "here".to_owned());
    scene.put_connector(back).await;
    capture(&scene.here);
    capture(&scene.there);
    let id = scene
        .here
        .create_lead(&[
            ("FirstName", "Asha"),
            ("EmailAddress", "asha@example.com"),
            ("Phone", "+91-9876543210"),
        ])
        .expect("a new lead");
    let posted = captured(&scene.here).await;
    assert_eq!(posted.len(), 1);
    let request = scene.post_to("there", posted[0].clone()).await;
    scene.ends_as(request, Event::New).await;

    let echo = captured(&scene.there).await;
    assert_eq!(echo.len(), 1, "a creation by API fires New Lead");
    let request = scene.post_to("back", echo[0].clone()).await;
    let item = scene.ends_as(request, Event::Unchanged).await;
    assert_eq!(calls(&item).len(), 0, "an echo costs no call: {item:#?}");
    assert_eq!(scene.here.history(&id).len(), 1, "and changes nothing");

    // A person's change on the other side goes the other way.
    let twin = &scene.there.leads()[0];
    scene.there.edit_lead(twin, &[("mx_City", "Pune")]).expect("an edit");
    let posted = captured(&scene.there).await;
    let request = scene.post_to("back", posted[1].clone()).await;
    scene.ends_as(request, Event::Updated).await;
    assert_eq!(scene.here.lead(&id).expect("the lead")["mx_City"].as_deref(), Some("Pune"));
    assert_eq!(scene.here.find_leads("EmailAddress", "asha@example.com"), [id]);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_shares_calls() {
    let mut scene = Scene::new("").await;
    let mut requests = Vec::new();
    for n in 0..100 {
        let lead = json!({ "ProspectID": format!("lead-{n}"), "EmailAddress": format!("l{n}@example.com") });
        requests.push(scene.post(&lead).await);
    }
    scene.work();
    for request in requests {
        scene.ends_as(request, Event::New).await;
    }
    assert_eq!(scene.there.lead_count(), 100);
    let counts = scene.there.calls();
    // One call told the fields, one the users, one read the account; the rest wrote 25 leads each.
    assert!(counts.total <= 7, "{counts:?}");
    scene.stop().await;
}

/// Requests about so many leads, of which the first ten are in the destination already.
async fn backlog(scene: &Scene, count: usize) -> Vec<plan::id::RequestId> {
    let email = |n| format!("l{n}@example.com");
    for n in 0..10 {
        let known = [("EmailAddress", &*email(n)), ("Source", "Organic Search")];
        scene.there.create_lead(&known).expect("a lead");
    }
    let mut requests = Vec::new();
    for n in 0..count {
        let lead = json!({ "ProspectID": format!("lead-{n}"), "EmailAddress": email(n), "mx_City": "Pune" });
        requests.push(scene.post(&lead).await);
    }
    requests
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_of_new_leads_shares_calls_though_they_get_a_source_of_their_own() {
    let settings = r#""basic":{"lead_source":"Referral Sites","secondary_search_by":"Phone"}"#;
    let mut scene = Scene::new(settings).await;
    let requests = backlog(&scene, 100).await;
    scene.work();
    for (n, request) in requests.into_iter().enumerate() {
        let event = if n < 10 { Event::Updated } else { Event::New };
        scene.ends_as(request, event).await;
    }
    assert_eq!(scene.there.lead_count(), 100);
    for id in scene.there.leads() {
        let lead = scene.there.lead(&id).expect("the lead");
        let number = lead["EmailAddress"].as_deref().expect("an address")[1..].split('@').next();
        let known = number.expect("a number").parse::<u32>().expect("a number") < 10;
        let source = if known { "Organic Search" } else { "Referral Sites" };
        assert_eq!(lead["Source"].as_deref(), Some(source), "{lead:?}");
        assert_eq!(lead["mx_City"].as_deref(), Some("Pune"));
    }
    let counts = scene.there.calls();
    // Fields and users were read, and which leads there are, until a page was empty; the rest wrote 50
    // new leads each, and read and wrote the ten in a call each.
    assert!(counts.total <= 8, "{counts:?}");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_that_only_creates_leaves_alone_what_is_there() {
    let mut scene = Scene::new(r#""lead":{"behaviour":"create_only"}"#).await;
    let requests = backlog(&scene, 60).await;
    scene.work();
    for (n, request) in requests.into_iter().enumerate() {
        let event = if n < 10 { Event::Skipped } else { Event::New };
        scene.ends_as(request, event).await;
    }
    assert_eq!(scene.there.lead_count(), 60);
    let untouched = scene.there.find_leads("mx_City", "Pune");
    assert_eq!(untouched.len(), 50, "those that were there are as they were");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_key_is_tried_where_the_first_belongs_to_another_lead() {
    let mut scene = Scene::at_work(r#""basic":{"secondary_search_by":"Phone"}"#).await;
    let known = scene
        .there
        .create_lead(&[("FirstName", "A."), ("Phone", "+91-9876543210")])
        .expect("a lead");
    let request = scene
        .post(&json!({ "ProspectID": "a", "FirstName": "Asha", "EmailAddress": "asha@example.com",
                       "Phone": "+91-9876543210" }))
        .await;
    scene.ends_as(request, Event::Updated).await;
    assert_eq!(scene.there.lead_count(), 1, "not doubled");
    let lead = scene.there.lead(&known).expect("the lead");
    assert_eq!(lead["EmailAddress"].as_deref(), Some("asha@example.com"));
    assert_eq!(lead["FirstName"].as_deref(), Some("Asha"));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behaviours_are_kept_to() {
    let mut scene = Scene::at_work(r#""lead":{"behaviour":"update_only"}"#).await;
    let lead = json!({ "ProspectID": "a", "EmailAddress": "asha@example.com", "mx_City": "Pune" });
    let request = scene.post(&lead).await;
    let item = scene.ends_as(request, Event::Skipped).await;
    assert_eq!(problem(&item).code.as_str(), "not_found");
    assert_eq!(scene.there.lead_count(), 0);

    // A change of the settings is seen a moment later; with a new start it is seen at once.
    scene.stop().await;
    scene.put_connector(connector(r#""lead":{"behaviour":"create_only"}"#)).await;
    scene.work();
    let known = scene.there.create_lead(&[("EmailAddress", "asha@example.com")]).expect("a lead");
    let request = scene.post(&lead).await;
    let item = scene.ended(request).await;
    assert_eq!(item.behaviour.as_deref(), Some("create_only"));
    assert_eq!(scene.there.lead(&known).expect("the lead")["mx_City"], None, "left alone");
    assert_eq!(scene.there.lead_count(), 1);

    scene.stop().await;
    scene.put_connector(connector(r#""lead":{"behaviour":"do_nothing"}"#)).await;
    scene.work();
    let request = scene.post(&json!({ "ProspectID": "b", "EmailAddress": "b@example.com" })).await;
    let item = scene.ends_as(request, Event::Skipped).await;
    assert_eq!(problem(&item).code.as_str(), "do_nothing");
    assert_eq!(scene.there.lead_count(), 1);
    scene.stop().await;
}

/// The answer of the next such look comes late.
fn slow(operation: &str) -> Fault {
    Fault::once(Trouble::Slow(Duration::from_millis(300))).of(operation)
}

/// Waits until the look was made.
async fn looked(scene: &Scene, operation: &str) {
    while !scene.there.calls().by_operation.contains_key(operation) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn create_only_updates_nothing_though_the_lead_appears_after_the_look() {
    // A second key that is not unique is looked for first.
    let settings =
        r#""basic":{"secondary_search_by":"mx_External_Id"},"lead":{"behaviour":"create_only"}"#;
    let mut scene = Scene::at_work(settings).await;
    let warm = scene.post(&json!({ "ProspectID": "w", "EmailAddress": "w@example.com" })).await;
    scene.ends_as(warm, Event::New).await;
    let lead = json!({ "ProspectID": "a", "EmailAddress": "asha@example.com", "mx_City": "Pune",
                       "mx_External_Id": "7" });
    scene.there.put_fault(slow("LeadManagement.svc/Leads.Get"));
    let request = scene.post(&lead).await;
    looked(&scene, "LeadManagement.svc/Leads.Get").await;
    let known = scene.there.create_lead(&[("EmailAddress", "asha@example.com")]).expect("a lead");
    let item = scene.ends_as(request, Event::Skipped).await;
    assert_eq!(problem(&item).code.as_str(), "exists");
    assert_eq!(calls(&item).last().map(String::as_str), Some("Lead.Capture"), "it was under way");
    assert_eq!(scene.there.lead(&known).expect("the lead")["mx_City"], None, "left alone");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn update_only_creates_nothing_though_the_lead_goes_after_the_look() {
    let mut scene = Scene::at_work(r#""lead":{"behaviour":"update_only"}"#).await;
    let known = scene.there.create_lead(&[("EmailAddress", "asha@example.com")]).expect("a lead");
    let warm = scene.post(&json!({ "ProspectID": "w", "EmailAddress": "w@example.com" })).await;
    scene.ends_as(warm, Event::Skipped).await;
    let lead = json!({ "ProspectID": "a", "EmailAddress": "asha@example.com", "mx_City": "Pune" });
    scene.there.reset_calls();
    scene.there.put_fault(slow("LeadManagement.svc/Leads.GetByEmailaddress"));
    let request = scene.post(&lead).await;
    looked(&scene, "LeadManagement.svc/Leads.GetByEmailaddress").await;
    scene.there.delete_lead(&known).expect("it is there");
    let item = scene.ends_as(request, Event::Skipped).await;
    assert_eq!(problem(&item).code.as_str(), "not_found");
    assert!(calls(&item).iter().any(|call| call == "Lead.Update"), "{:?}", calls(&item));
    assert_eq!(scene.there.lead_count(), 0, "never created");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_posts_of_one_lead_at_once_make_one_lead() {
    let mut scene = Scene::new(r#""lead":{"trigger_automations":true}"#).await;
    let mut requests = Vec::new();
    for n in 0..20 {
        let lead = json!({ "ProspectID": "a", "EmailAddress": "asha@example.com", "mx_City": format!("City {n}"),
                           "ModifiedOn": format!("2026-01-01 00:00:{n:02}.000") });
        requests.push(scene.post(&lead).await);
    }
    scene.work();
    for request in requests {
        scene.ended(request).await;
    }
    assert_eq!(scene.there.lead_count(), 1);
    let id = &scene.there.leads()[0];
    assert_eq!(scene.there.lead(id).expect("the lead")["mx_City"].as_deref(), Some("City 19"));
    let failed = Filter { event: Some(Event::Failed), ..Filter::default() };
    assert_eq!(scene.find(failed).await.len(), 0);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_finds_a_lead_by_whatever_is_known_of_it() {
    let mut scene = Scene::at_work(r#""basic":{"default_country_code":"IN"}"#).await;
    let request = scene
        .post(&json!({ "ProspectID": "a-b-c", "EmailAddress": "Asha.Rao@Example.com", "Phone": "9876543210" }))
        .await;
    let item = scene.ends_as(request, Event::New).await;
    let id = item.records[0].destination_id.clone().expect("an id");
    for q in [
        "asha.rao@example.com",
        "ASHA.RAO@EXAMPLE.COM",
        "9876543210",
        "+91 98765 43210",
        "a-b-c",
        &id,
    ] {
        let filter = Filter { q: Some(q.to_owned()), ..Filter::default() };
        assert_eq!(scene.find(filter).await.len(), 1, "{q}");
    }
    let filter = Filter { q: Some("somebody@example.com".to_owned()), ..Filter::default() };
    assert_eq!(scene.find(filter).await.len(), 0);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_waiting_changes_of_one_lead_become_one_write() {
    let mut scene = Scene::new("").await;
    let lead = |id: &str, fields: serde_json::Value, second: u32| {
        let mut lead = json!({ "ProspectID": id, "EmailAddress": format!("{id}@example.com"),
            "ModifiedOn": format!("2026-01-01 00:00:{second:02}.000") });
        let (Some(lead), Some(fields)) = (lead.as_object_mut(), fields.as_object()) else {
            panic!("objects")
        };
        lead.extend(fields.clone());
        json!(lead)
    };
    let city = |city: &str| json!({ "FirstName": "Asha", "mx_City": city });
    let mut asha = Vec::new();
    for second in 1..=4 {
        asha.push(scene.post(&lead("asha", city(&format!("City {second}")), second)).await);
    }
    // An older state that comes late is no newer change.
    asha.push(scene.post(&lead("asha", city("City 0"), 0)).await);
    // What an older one has and the newer has not, another key, and the same second: each is worked.
    let parts = [
        scene.post(&lead("bina", json!({ "FirstName": "Bina", "mx_City": "Pune" }), 1)).await,
        scene.post(&lead("bina", json!({ "FirstName": "Bina", "LastName": "Das" }), 2)).await,
    ];
    let mut moved = lead("chitra", json!({ "FirstName": "Chitra" }), 2);
    moved["EmailAddress"] = json!("other@example.com");
    let keys = [
        scene.post(&lead("chitra", json!({ "FirstName": "Chitra" }), 1)).await,
        scene.post(&moved).await,
    ];
    let ties = [
        scene.post(&lead("dev", json!({ "FirstName": "Dev" }), 1)).await,
        scene.post(&lead("dev", json!({ "FirstName": "Devi" }), 1)).await,
        scene.post(&lead("dev", json!({ "FirstName": "Devi" }), 1)).await,
    ];
    scene.work();

    let newest = scene.ends_as(asha[3], Event::New).await;
    assert_eq!(calls(&newest).len(), 1);
    for id in &asha[..3] {
        let item = scene.ends_as(*id, Event::Skipped).await;
        assert_eq!(problem(&item).code.as_str(), "superseded");
        assert!(problem(&item).message.contains(&asha[3].to_string()), "{item:#?}");
        assert_eq!((calls(&item).len(), item.job_status), (0, JobStatus::Success));
    }
    let late = scene.ended(asha[4]).await;
    assert_eq!((late.records[0].event, calls(&late).len()), (Event::Unchanged, 0), "{late:#?}");
    let of = |email: &str| {
        let found = scene.there.find_leads("EmailAddress", email);
        assert_eq!(found.len(), 1, "{email}");
        scene.there.lead(&found[0]).expect("the lead")
    };
    assert_eq!(of("asha@example.com")["mx_City"].as_deref(), Some("City 4"));
    for id in [&parts[..], &keys[..], &ties[..1]].concat() {
        let item = scene.ended(id).await;
        assert!(item.records[0].error.is_none(), "{item:#?}");
    }
    let bina = of("bina@example.com");
    assert_eq!(
        (bina["mx_City"].as_deref(), bina["LastName"].as_deref()),
        (Some("Pune"), Some("Das"))
    );
    of("other@example.com");
    let equals = [scene.ended(ties[1]).await, scene.ended(ties[2]).await];
    assert_eq!(problem(&equals[0]).code.as_str(), "superseded", "{equals:#?}");
    assert_eq!(of("dev@example.com")["FirstName"].as_deref(), Some("Devi"));
    assert_eq!(scene.there.lead_count(), 4);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_goes_to_two_accounts_gets_to_both() {
    let mut scene = Scene::new("").await;
    let third = scene.add_account("third").await;
    let mut requests = Vec::new();
    for n in 0..20 {
        let lead = json!({"ProspectID": format!("l{n}"), "EmailAddress": format!("l{n}@x.y")});
        let body = json!({ "Current": lead }).to_string();
        for connector in ["there", "third"] {
            requests.push(scene.post_to(connector, body.clone()).await);
        }
    }
    // They are taken up together, so that each waits for the other's turn.
    scene.work();
    for request in requests {
        scene.ends_as(request, Event::New).await;
    }
    assert_eq!((scene.there.lead_count(), third.lead_count()), (20, 20));
    scene.stop().await;
}

//! What becomes of activities.

use plan::outcome::{Entity, Event};
use sandbox::{ActivityType, Fault, Kind, Sandbox, Trouble, User};
use serde_json::json;

use crate::scene::{Scene, calls, capture, captured, connector, problem};

const ON: &str = r#""activity":{"enabled":true}"#;

/// A lead of the source with one activity on it; answers their ids.
fn visit(account: &Sandbox, email: &str) -> (String, String) {
    let lead = account.create_lead(&[("EmailAddress", email), ("FirstName", "Asha")]);
    let lead = lead.expect("a new lead");
    let fields = [("mx_Custom_1", "Green Acres"), ("mx_Custom_2", "3"), ("Status", "Active")];
    let activity = account.create_activity(&lead, 201, "came early", &fields);
    (lead, activity.expect("a new activity"))
}

/// A destination in which the same type has another code and its fields other places.
fn rename_type(account: &Sandbox) {
    account.put_activity_type(
        ActivityType::new(305, "Site visit", 0)
            .field("mx_Custom_1", "Visitors", Kind::Number)
            .field("mx_Custom_9", "Project", Kind::Text)
            .dropdown("Status", "Status", &["Active", "Completed"]),
    );
    account.put_activity_type(ActivityType::new(201, "Something else", 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_activity_finds_its_lead_and_is_added_once_and_edited() {
    let mut scene = Scene::new(ON).await;
    rename_type(&scene.there);
    capture(&scene.here);
    scene.work();
    let (_, activity) = visit(&scene.here, "asha@example.com");
    let posted = captured(&scene.here).await;
    let lead = scene.post_to("there", posted[0].clone()).await;
    let item = scene.ends_as(lead, Event::New).await;
    let twin = item.records[0].destination_id.clone().expect("the lead");

    let request = scene.post_to("there", posted[1].clone()).await;
    let item = scene.ends_as(request, Event::New).await;
    assert_eq!(calls(&item), ["Create"], "the lead is known by its link");
    let record = &item.records[0];
    assert_eq!((record.entity, record.source_id.as_deref()), (Entity::Activity, Some(&*activity)));
    let there = scene.there.activities(&twin);
    assert_eq!(there.len(), 1, "{there:?}");
    let (event, note, fields) = &there[0];
    assert_eq!((*event, note.as_str()), (305, "came early"));
    let held: Vec<_> = fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let expected = [("Status", "Active"), ("mx_Custom_1", "3"), ("mx_Custom_9", "Green Acres")];
    assert_eq!(held, expected, "each field in the place that the type has for it there");

    let again = scene.post_to("there", posted[1].clone()).await;
    let item = scene.ends_as(again, Event::Unchanged).await;
    assert_eq!(calls(&item).len(), 0, "a webhook that comes twice costs no call");

    // What comes in the same second might be older, and would be read again.
    scene.next_second().await;
    scene
        .here
        .edit_activity(&activity, Some("came late"), &[("Status", "Completed")])
        .expect("an edit");
    let posted = captured(&scene.here).await;
    let request = scene.post_to("there", posted[2].clone()).await;
    let item = scene.ends_as(request, Event::Updated).await;
    assert_eq!(calls(&item), ["CustomActivity/Update"]);
    let there = scene.there.activities(&twin);
    assert_eq!(there.len(), 1);
    assert_eq!((there[0].1.as_str(), there[0].2["Status"].as_str()), ("came late", "Completed"));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_activitys_echo_ends_and_costs_nothing() {
    let mut scene = Scene::at_work(ON).await;
    let mut back = connector(ON);
    (back.name, back.source, back.destination) =
        ("back".to_owned(), "there".to_owned(), "here".to_owned());
    scene.put_connector(back).await;
    capture(&scene.here);
    capture(&scene.there);
    let (lead, _) = visit(&scene.here, "asha@example.com");
    for body in captured(&scene.here).await {
        let request = scene.post_to("there", body).await;
        scene.ends_as(request, Event::New).await;
    }
    let echoes = captured(&scene.there).await;
    assert_eq!(echoes.len(), 2, "a new lead and a new activity");
    for body in echoes {
        let request = scene.post_to("back", body).await;
        let item = scene.ends_as(request, Event::Unchanged).await;
        assert_eq!(calls(&item).len(), 0, "{item:#?}");
    }
    assert_eq!(scene.here.activities(&lead).len(), 1);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_is_missing_is_created_first() {
    let mut scene = Scene::at_work(ON).await;
    capture(&scene.here);
    let (_, activity) = visit(&scene.here, "asha@example.com");
    let posted = captured(&scene.here).await;
    let request = scene.post_to("there", posted[1].clone()).await;
    let item = scene.ends_as(request, Event::New).await;
    assert_eq!(calls(&item), ["Lead.Capture", "Create"]);
    let twin = scene.there.leads().remove(0);
    assert_eq!(scene.there.activities(&twin).len(), 1);
    // The lead's own webhook comes late.
    let late = scene.post_to("there", posted[0].clone()).await;
    scene.ends_as(late, Event::Unchanged).await;
    assert_eq!(scene.there.lead_count(), 1);

    // A native webhook shows nothing of the lead, and comes as a list.
    let (other, second) = visit(&scene.here, "bina@example.com");
    let native = |activity: &str, lead: &str| {
        json!({ "ProspectActivityId": activity, "RelatedProspectId": lead, "ActivityEvent": "201",
                "CreatedOn": "2026-01-02 03:04:05", "Data": { "Note": "n", "mx_Custom_1": "P" } })
    };
    let both = json!([native(&second, &other), native("third", &other)]);
    let request = scene.post_to("there", both.to_string()).await;
    let item = scene.ended(request).await;
    assert!(item.records.iter().all(|record| record.event == Event::New), "{item:#?}");
    assert_eq!(calls(&item)[..2], ["Leads.GetById", "Lead.Capture"]);
    let twin = scene.there.find_leads("EmailAddress", "bina@example.com").remove(0);
    assert_eq!(scene.there.activities(&twin).len(), 2);
    assert_ne!(activity, second);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_adds_no_second_activity() {
    for trouble in [Trouble::ResetAfter, Trouble::CutJson, Trouble::ResetBefore] {
        let mut scene = Scene::at_work(ON).await;
        capture(&scene.here);
        let (lead, _) = visit(&scene.here, "asha@example.com");
        let posted = captured(&scene.here).await;
        let request = scene.post_to("there", posted[0].clone()).await;
        scene.ends_as(request, Event::New).await;
        // An activity that is alike is there already.
        let twin = scene.post_to("there", posted[1].clone()).await;
        scene.ends_as(twin, Event::New).await;
        let alike = posted[1].replace(
            serde_json::from_str::<serde_json::Value>(&posted[1]).expect("JSON")
                ["ProspectActivityId"].as_str().expect("an id"),
            "another-activity",
        );
        scene.there.put_fault(Fault::once(trouble.clone()).of("ProspectActivity.svc/Create"));
        let request = scene.post_to("there", alike).await;
        scene.until(request, |item| !item.records.is_empty()).await;
        scene.advance(jiff::SignedDuration::from_mins(5));
        scene.ended(request).await;
        let twin = scene.there.leads().remove(0);
        let item = scene.item(request).await;
        assert_eq!(scene.there.activities(&twin).len(), 2, "{trouble:?}: {item:#?}");
        assert_ne!(lead, twin);
        scene.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_of_activities_goes_by_bulk() {
    let mut scene = Scene::new(ON).await;
    capture(&scene.here);
    let mut requests = Vec::new();
    for n in 0..30 {
        visit(&scene.here, &format!("lead{n}@example.com"));
    }
    let posted = captured(&scene.here).await;
    assert_eq!(posted.len(), 60);
    for body in posted {
        requests.push(scene.post_to("there", body).await);
    }
    scene.work();
    for request in requests {
        scene.ends_as(request, Event::New).await;
    }
    for lead in scene.there.leads() {
        assert_eq!(scene.there.activities(&lead).len(), 1);
    }
    let counts = scene.there.calls();
    assert!(counts.total <= 30, "{counts:?}");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_wanted_or_can_not_be_is_told() {
    let scene = Scene::at_work(r#""activity":{"enabled":true,"behaviour":"update_only"}"#).await;
    capture(&scene.here);
    let (lead, _) = visit(&scene.here, "asha@example.com");
    let posted = captured(&scene.here).await;
    let request = scene.post_to("there", posted[1].clone()).await;
    let item = scene.ends_as(request, Event::Skipped).await;
    assert_eq!(problem(&item).code.as_str(), "not_found");

    let unmapped =
        json!({ "ProspectActivityId": "x", "RelatedProspectId": lead, "ActivityEvent": 21 });
    let request = scene.post_to("there", unmapped.to_string()).await;
    assert_eq!(
        problem(&scene.ends_as(request, Event::Skipped).await).code.as_str(),
        "activity_type_unmapped"
    );

    let mut wrong = connector(r#""activity":{"enabled":true,"type":[{"from":201,"to":999}]}"#);
    wrong.name = "wrong".to_owned();
    scene.put_connector(wrong).await;
    let request = scene.post_to("wrong", posted[1].clone()).await;
    let item = scene.ends_as(request, Event::Failed).await;
    assert_eq!(problem(&item).code.as_str(), "unknown_activity_type");

    let mut off = connector("");
    off.name = "off".to_owned();
    scene.put_connector(off).await;
    let request = scene.post_to("off", posted[1].clone()).await;
    assert_eq!(
        problem(&scene.ends_as(request, Event::Skipped).await).code.as_str(),
        "activities_off"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_are_the_same_people_in_the_other_account() {
    let mut scene = Scene::new(ON).await;
    for account in [&scene.here, &scene.there] {
        let id = format!("{}-user", account.name());
        account.put_user(User::new(&id, "Bina", "Das", "bina@both.example", "Sales_User"));
    }
    capture(&scene.here);
    scene.work();
    let fields = [("EmailAddress", "a@example.com"), ("OwnerId", "here-user")];
    let lead = scene.here.create_lead(&fields).expect("a lead");
    let visit = [("Owner", "here-user")];
    scene.here.create_activity(&lead, 201, "n", &visit).expect("an activity");
    for body in captured(&scene.here).await {
        let request = scene.post_to("there", body).await;
        scene.ends_as(request, Event::New).await;
    }
    let twin = scene.there.leads().remove(0);
    let there = scene.there.lead(&twin).expect("the lead");
    assert_eq!(there["OwnerId"].as_deref(), Some("there-user"));
    assert_eq!(scene.there.activities(&twin)[0].2["Owner"], "there-user");
    scene.stop().await;
}

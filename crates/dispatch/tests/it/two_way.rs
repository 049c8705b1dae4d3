//! Two opposite connectors: what both sides changed is merged.

use jiff::SignedDuration;
use plan::outcome::Event;
use serde_json::Value;

use crate::scene::{Scene, calls, capture, captured, connector, problem};

/// A two-way pair at work, with live automations whose webhooks the test delivers.
async fn pair(parts: &str) -> Scene {
    let mut scene = Scene::new(parts).await;
    let mut back = connector(parts);
    (back.name, back.source, back.destination) =
        ("back".to_owned(), "there".to_owned(), "here".to_owned());
    scene.put_connector(back).await;
    capture(&scene.here);
    capture(&scene.there);
    scene.work();
    scene
}

/// Creates a lead here, and has it synced; answers its id and that of its twin.
async fn linked(scene: &Scene, email: &str) -> (String, String) {
    let fields = [("FirstName", "Asha"), ("EmailAddress", email)];
    let id = scene.here.create_lead(&fields).expect("a new lead");
    let posted = captured(&scene.here).await.pop().expect("a webhook");
    let request = scene.post_to("there", posted).await;
    let item = scene.ends_as(request, Event::New).await;
    let twin = item.records[0].destination_id.clone().expect("its twin");
    // What comes later is provably newer than what we wrote.
    (id, twin)
}

fn field(scene: &Scene, id: &str, name: &str) -> Option<String> {
    let lead = scene.here.lead(id).or_else(|| scene.there.lead(id));
    lead.expect("the lead")[name].clone()
}

fn explanation(item: &store::RequestItem) -> Value {
    let text = item.records[0].explanation.as_ref().expect("an explanation");
    serde_json::from_str(text.get()).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_changed_different_fields_and_both_are_kept() {
    let mut scene = pair("").await;
    let (id, twin) = linked(&scene, "asha@example.com").await;
    scene.here.edit_lead(&id, &[("mx_City", "Pune")]).expect("an edit");
    scene.there.edit_lead(&twin, &[("FirstName", "Usha")]).expect("an edit");
    // The other side's webhook never comes: this one is enough.
    let posted = captured(&scene.here).await.pop().expect("a webhook");
    let request = scene.post_to("there", posted).await;
    let item = scene.ends_as(request, Event::Updated).await;
    for id in [&id, &twin] {
        assert_eq!(field(&scene, id, "mx_City").as_deref(), Some("Pune"));
        assert_eq!(field(&scene, id, "FirstName").as_deref(), Some("Usha"));
    }
    let told = explanation(&item);
    assert_eq!(told["then"]["decision"], "update_source", "{told}");
    assert_eq!(told["then"]["fields"][0]["to"], "FirstName", "{told}");

    let late = captured(&scene.there).await.pop().expect("a webhook");
    let request = scene.post_to("back", late).await;
    let item = scene.ends_as(request, Event::Unchanged).await;
    assert!(calls(&item).iter().all(|call| call == "Leads.GetById"), "no write: {item:#?}");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_decides_where_both_changed_the_same_field() {
    for (policy, winner) in [
        ("newest", Some("there")),
        ("source", Some("here")),
        ("destination", Some("there")),
        ("review", None),
    ] {
        let mut scene = pair(&format!(r#""conflict":{{"policy":"{policy}"}}"#)).await;
        let (id, twin) = linked(&scene, "asha@example.com").await;
        scene.here.edit_lead(&id, &[("mx_City", "here")]).expect("an edit");
        scene.next_second().await;
        scene.there.edit_lead(&twin, &[("mx_City", "there")]).expect("an edit");
        let posted = captured(&scene.here).await.pop().expect("a webhook");
        let request = scene.post_to("there", posted).await;
        let item = scene.ended(request).await;
        let held = [&id, &twin].map(|id| field(&scene, id, "mx_City"));
        if let Some(winner) = winner {
            assert_eq!(item.records[0].event, Event::Updated, "{policy}: {item:#?}");
            assert_eq!(held, [Some(winner.to_owned()), Some(winner.to_owned())], "{policy}");
        } else {
            assert_eq!(problem(&item).code.as_str(), "conflict", "{item:#?}");
            assert_eq!(held, [Some("here".to_owned()), Some("there".to_owned())]);
        }
        let dispute = &explanation(&item)["disputes"][0];
        assert_eq!(
            (&dispute["source"], &dispute["destination"]),
            (&"here".into(), &"there".into())
        );
        scene.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_edit_of_a_lead_that_both_had_is_synced_and_no_other_field() {
    let mut scene = pair("").await;
    let email = ("EmailAddress", "asha@example.com");
    let twin = scene
        .there
        .create_lead(&[email, ("FirstName", "Usha"), ("mx_City", "Agra"), ("LastName", "Rao")])
        .expect("a lead");
    let id = scene
        .here
        .create_lead(&[email, ("FirstName", "Asha"), ("Company", "Acme"), ("LastName", "Rao")])
        .expect("a lead");
    scene.here.edit_lead(&id, &[("LastName", "Nair")]).expect("an edit");
    let posted = captured(&scene.here).await.pop().expect("a webhook");
    let request = scene.post_to("there", posted).await;
    let item = scene.ends_as(request, Event::Updated).await;
    assert_eq!(field(&scene, &twin, "LastName").as_deref(), Some("Nair"));
    assert_eq!(field(&scene, &id, "FirstName").as_deref(), Some("Asha"));
    assert_eq!(field(&scene, &twin, "FirstName").as_deref(), Some("Usha"));
    assert_eq!(field(&scene, &twin, "Company").as_deref(), Some("Acme"));
    assert_eq!(field(&scene, &id, "mx_City").as_deref(), Some("Agra"));
    let disputes = explanation(&item)["disputes"].to_string();
    assert!(disputes.contains("\"left\"") && disputes.contains("FirstName"), "{disputes}");
    assert_eq!((scene.here.lead_count(), scene.there.lead_count()), (1, 1));
    // From now on a change of either side is the other's.
    scene.next_second().await;
    scene.here.edit_lead(&id, &[("FirstName", "Ashwini")]).expect("an edit");
    let posted = captured(&scene.here).await.pop().expect("a webhook");
    let request = scene.post_to("there", posted).await;
    scene.ends_as(request, Event::Updated).await;
    assert_eq!(field(&scene, &twin, "FirstName").as_deref(), Some("Ashwini"));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_at_war_is_frozen_and_the_others_go_on() {
    let mut scene = pair("").await;
    let (id, twin) = linked(&scene, "asha@example.com").await;
    // Each side's automation sets it back whenever the other had its way.
    let mut rounds = 0;
    let war = loop {
        rounds += 1;
        assert!(rounds < 12, "the war is never seen");
        scene.here.edit_lead(&id, &[("mx_City", "Pune")]).expect("an edit");
        let posted = captured(&scene.here).await.pop().expect("a webhook");
        let request = scene.post_to("there", posted).await;
        let item = scene.ended(request).await;
        if item.records[0].event == Event::Failed {
            break item;
        }
        scene.there.edit_lead(&twin, &[("mx_City", "Agra")]).expect("an edit");
        let posted = captured(&scene.there).await.pop().expect("a webhook");
        let request = scene.post_to("back", posted).await;
        let item = scene.ended(request).await;
        if item.records[0].event == Event::Failed {
            break item;
        }
        scene.advance(SignedDuration::from_secs(30));
    };
    assert_eq!(problem(&war).code.as_str(), "alternates", "{war:#?}");
    let said = &problem(&war).message;
    assert!(said.contains("mx_City") && (said.contains("Pune") || said.contains("Agra")), "{said}");
    // The lead's other fields are synced as before.
    scene.here.edit_lead(&id, &[("Company", "Acme")]).expect("an edit");
    let posted = captured(&scene.here).await.pop().expect("a webhook");
    let request = scene.post_to("there", posted).await;
    scene.ends_as(request, Event::Updated).await;
    assert_eq!(field(&scene, &twin, "Company").as_deref(), Some("Acme"));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_of_changes_is_read_and_written_by_few_calls() {
    const LEADS: usize = 60;
    let mut scene = pair("").await;
    let mut ids = Vec::new();
    for n in 0..LEADS {
        ids.push(linked(&scene, &format!("l{n}@example.com")).await.0);
    }
    scene.stop().await;
    scene.there.reset_calls();
    for id in &ids {
        scene.here.edit_lead(id, &[("mx_City", "Pune")]).expect("an edit");
    }
    let posted = captured(&scene.here).await;
    let mut requests = Vec::new();
    for body in &posted[posted.len() - LEADS..] {
        requests.push(scene.post_to("there", body.clone()).await);
    }
    scene.advance(SignedDuration::from_secs(60));
    scene.work();
    for request in requests {
        scene.ends_as(request, Event::Updated).await;
    }
    let counts = scene.there.calls();
    let reads = counts.by_operation.get("LeadManagement.svc/Leads/Retrieve/ByIds");
    assert!(reads.is_some_and(|reads| (1..=4).contains(reads)), "{counts:?}");
    assert!(counts.total <= 12, "{LEADS} leads were read and written: {counts:?}");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_webhook_of_our_own_activity_reverts_nothing() {
    let mut scene = pair(r#""activity":{"enabled":true,"type":[{"from":22,"to":22}]}"#).await;
    let (id, twin) = linked(&scene, "asha@example.com").await;
    let activity = scene.here.create_activity(&id, 22, "first", &[]).expect("an activity");
    let posted = captured(&scene.here).await.pop().expect("a webhook");
    let request = scene.post_to("there", posted).await;
    scene.ends_as(request, Event::New).await;
    let late = captured(&scene.there).await.pop().expect("the webhook of what we made");
    let note = |account: &sandbox::Sandbox, lead: &str| account.activities(lead)[0].1.clone();
    scene.next_second().await;
    scene.here.edit_activity(&activity, Some("second"), &[]).expect("an edit");
    let posted = captured(&scene.here).await.pop().expect("a webhook");
    let request = scene.post_to("there", posted).await;
    scene.ends_as(request, Event::Updated).await;
    assert_eq!(note(&scene.there, &twin), "second");
    let request = scene.post_to("back", late).await;
    scene.ends_as(request, Event::Unchanged).await;
    assert_eq!([note(&scene.here, &id), note(&scene.there, &twin)], ["second", "second"]);
    scene.stop().await;
}

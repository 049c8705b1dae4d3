//! Leads that are deleted or merged in the source: their counterparts are marked, and never deleted.

use plan::outcome::Event;
use sandbox::Sandbox;
use sandbox::switches::{RemovalPayload, Switches};
use serde_json::json;
use store::Origin;

use crate::scene::{Scene, captured, connector, problem};

const MARKED: &str = r#""removed":{"field":"mx_Remarks"}"#;

/// A pair of which the first marks what is gone.
async fn pair(parts: &str, payload: RemovalPayload) -> Scene {
    let mut scene = Scene::new(parts).await;
    let mut back = connector("");
    (back.name, back.source, back.destination) =
        ("back".to_owned(), "there".to_owned(), "here".to_owned());
    scene.put_connector(back).await;
    scene.here.set_switches(Switches { removal_payload: payload, ..Switches::default() });
    // Nothing listens there.
    scene.here.post_deletes_to("http://127.0.0.1:1/deleted");
    scene.here.post_merges_to("http://127.0.0.1:1/merged");
    scene.work();
    scene
}

async fn linked(scene: &Scene, email: &str) -> (String, String) {
    let id = scene.here.create_lead(&[("EmailAddress", email)]).expect("a lead");
    let request = scene.post(&json!(scene.here.lead(&id))).await;
    let item = scene.ends_as(request, Event::New).await;
    (id, item.records[0].destination_id.clone().expect("its twin"))
}

fn remarks(account: &Sandbox, id: &str) -> String {
    account.lead(id).expect("the lead")["mx_Remarks"].clone().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_lead_is_marked_once_and_not_made_again() {
    for payload in [RemovalPayload::Leads, RemovalPayload::Ids] {
        let mut scene = pair(MARKED, payload).await;
        let (id, twin) = linked(&scene, "asha@example.com").await;
        let late = json!({ "Current": scene.here.lead(&id) }).to_string();
        scene.here.delete_lead(&id).expect("it is deleted");
        let body = captured(&scene.here).await.pop().expect("a webhook");
        let request = scene.post_as(Origin::Deleted, "there", body.clone()).await;
        let item = scene.ends_as(request, Event::Updated).await;
        assert_eq!(item.records[0].destination_id.as_ref(), Some(&twin), "{item:#?}");
        assert_eq!(remarks(&scene.there, &twin), "Deleted", "{payload:?}");
        // It comes twice.
        let request = scene.post_as(Origin::Deleted, "there", body).await;
        scene.ends_as(request, Event::Unchanged).await;
        // A webhook of before comes late, and the other side goes on.
        let request = scene.post_to("there", late).await;
        let item = scene.ends_as(request, Event::Skipped).await;
        assert_eq!(problem(&item).code.as_str(), "removed", "{item:#?}");
        scene.there.edit_lead(&twin, &[("mx_City", "Pune")]).expect("an edit");
        let edited = json!({ "Current": scene.there.lead(&twin) }).to_string();
        let request = scene.post_to("back", edited).await;
        let item = scene.ends_as(request, Event::Skipped).await;
        assert_eq!(problem(&item).code.as_str(), "twin_removed", "{item:#?}");
        assert_eq!((scene.here.lead_count(), scene.there.lead_count()), (0, 1));
        scene.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_merge_only_the_lead_that_is_gone_is_marked() {
    for payload in [RemovalPayload::Leads, RemovalPayload::Ids] {
        let mut scene = pair(MARKED, payload).await;
        let (kept, its_twin) = linked(&scene, "asha@example.com").await;
        let (gone, other_twin) = linked(&scene, "usha@example.com").await;
        scene.here.merge_leads(&kept, &gone).expect("they are merged");
        let body = captured(&scene.here).await.pop().expect("a webhook");
        let request = scene.post_as(Origin::Merged, "there", body).await;
        let item = scene.ended(request).await;
        assert!(item.records.iter().all(|one| one.event != Event::Failed), "{item:#?}");
        assert_eq!(remarks(&scene.there, &other_twin), "Merged", "{payload:?}: {item:#?}");
        assert_eq!(remarks(&scene.there, &its_twin), "", "{payload:?}: {item:#?}");
        // The one that stays is synced as before.
        scene.here.edit_lead(&kept, &[("mx_City", "Pune")]).expect("an edit");
        let request = scene.post(&json!(scene.here.lead(&kept))).await;
        scene.ends_as(request, Event::Updated).await;
        scene.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_a_hint_and_a_lead_that_is_there_is_not_marked() {
    let mut scene = pair(MARKED, RemovalPayload::Leads).await;
    let (id, twin) = linked(&scene, "asha@example.com").await;
    scene.here.edit_lead(&id, &[("mx_City", "Pune")]).expect("an edit");
    let body = json!({ "ProspectID": id }).to_string();
    let request = scene.post_as(Origin::Deleted, "there", body).await;
    scene.ends_as(request, Event::Updated).await;
    assert_eq!(remarks(&scene.there, &twin), "");
    assert_eq!(scene.there.lead(&twin).expect("it")["mx_City"].as_deref(), Some("Pune"));
    for (body, code) in [
        (json!({ "ProspectID": "nobody" }).to_string(), "not_linked"),
        (json!({ "Name": "x" }).to_string(), "unreadable_body"),
    ] {
        let request = scene.post_as(Origin::Merged, "there", body).await;
        assert_eq!(problem(&scene.ended(request).await).code.as_str(), code);
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_webhook_of_a_lead_that_was_made_again_makes_no_double() {
    let mut scene = pair("", RemovalPayload::Leads).await;
    let (id, twin) = linked(&scene, "asha@example.com").await;
    let late = json!({ "Current": scene.here.lead(&id) }).to_string();
    scene.here.delete_lead(&id).expect("it is deleted");
    // Nobody told that, so the other side's next change makes it again.
    let fields = [("mx_City", "Pune"), ("EmailAddress", "asha.nair@example.com")];
    scene.there.edit_lead(&twin, &fields).expect("an edit");
    let edited = json!({ "Current": scene.there.lead(&twin) }).to_string();
    let request = scene.post_to("back", edited).await;
    scene.ends_as(request, Event::New).await;
    assert_eq!((scene.here.lead_count(), scene.there.lead_count()), (1, 1));
    let request = scene.post_to("there", late).await;
    let item = scene.ends_as(request, Event::Skipped).await;
    assert_eq!(problem(&item).code.as_str(), "removed", "{item:#?}");
    assert_eq!((scene.here.lead_count(), scene.there.lead_count()), (1, 1));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_field_nothing_is_done() {
    let mut scene = pair("", RemovalPayload::Leads).await;
    let (id, twin) = linked(&scene, "asha@example.com").await;
    let before = scene.there.lead(&twin);
    scene.here.delete_lead(&id).expect("it is deleted");
    let body = captured(&scene.here).await.pop().expect("a webhook");
    let request = scene.post_as(Origin::Deleted, "there", body).await;
    let item = scene.ends_as(request, Event::Skipped).await;
    assert_eq!(problem(&item).code.as_str(), "removal_ignored", "{item:#?}");
    assert_eq!(scene.there.lead(&twin), before);
    scene.stop().await;
}

//! Leads of which it is not plain which lead of the destination they are: they wait for a person.

use jiff::SignedDuration;
use plan::outcome::Event;
use plan::review::{Choice, Reason, State};
use sandbox::Sandbox;
use serde_json::{Value, json};
use store::{Actor, RequestItem, ReviewFilter, ReviewItem};

use crate::scene::{Scene, calls, capture, captured, connector, problem};

const TWO_KEYS: &str = r#""basic":{"secondary_search_by":"Phone","default_country_code":"IN"}"#;
/// A second key that is not unique.
const BY_EXTERNAL_ID: &str = r#""basic":{"secondary_search_by":"mx_External_Id"}"#;

async fn reviews(scene: &Scene, state: State) -> Vec<ReviewItem> {
    let filter = ReviewFilter { state: Some(state), ..ReviewFilter::default() };
    scene.store.reviews(&filter, 10, None).await.expect("the reviews").0
}

async fn only_open(scene: &Scene) -> ReviewItem {
    let mut open = reviews(scene, State::Open).await;
    assert_eq!(open.len(), 1, "{open:#?}");
    open.remove(0)
}

/// Decides a review, or undoes that; answers how many requests are tried again.
async fn decide(scene: &Scene, id: i64, choice: Option<Choice>) -> u64 {
    let actor = Actor("asha".to_owned());
    let now = (scene.clock())();
    let retried = scene.store.decide_review(id, choice.as_ref(), &actor, now).await;
    scene.advance(SignedDuration::ZERO);
    retried.expect("it is decided").requests
}

fn link(lead_id: &str) -> Choice {
    Choice::Link { lead_id: plan::id::LeadId::new(lead_id) }
}

fn made(account: &Sandbox, fields: &[(&str, &str)]) -> String {
    account.create_lead(fields).expect("a lead")
}

/// The lead as an automation would post it now.
fn lead(account: &Sandbox, id: &str) -> Value {
    json!(account.lead(id).expect("the lead"))
}

fn held(account: &Sandbox, id: &str, field: &str) -> Option<String> {
    account.lead(id).expect("the lead")[field].clone()
}

async fn posted(scene: &Scene, id: &str) -> plan::id::RequestId {
    scene.post(&lead(&scene.here, id)).await
}

/// Two leads there, and one here that has a key of each.
fn disagreeing(scene: &Scene) -> [String; 3] {
    let email = made(&scene.there, &[("EmailAddress", "asha@example.com"), ("FirstName", "Asha")]);
    let phone = made(&scene.there, &[("Phone", "+91-9988776655"), ("FirstName", "Ashish")]);
    let here = made(
        &scene.here,
        &[
            ("EmailAddress", "asha@example.com"),
            ("Phone", "+91-9988776655"),
            ("FirstName", "Asha"),
            ("mx_City", "Pune"),
        ],
    );
    [here, email, phone]
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_two_leads_wait_for_a_person_and_then_drain_in_order() {
    let mut scene = Scene::at_work(TWO_KEYS).await;
    let [here, by_email, by_phone] = disagreeing(&scene);
    let before = [lead(&scene.there, &by_email), lead(&scene.there, &by_phone)];
    let first = posted(&scene, &here).await;
    let item = scene.ends_as(first, Event::Failed).await;
    assert_eq!(problem(&item).code.as_str(), "keys_disagree", "{item:#?}");
    let after = [lead(&scene.there, &by_email), lead(&scene.there, &by_phone)];
    assert_eq!(before, after, "nothing is written while it is not plain");

    let open = only_open(&scene).await;
    assert_eq!((open.reason, open.source_id.as_str()), (Reason::KeysDisagree, here.as_str()));
    let found: Vec<_> = open
        .evidence
        .candidates
        .iter()
        .map(|one| (one.lead_id.as_str(), one.found_by.as_deref(), one.fields.get("FirstName")))
        .collect();
    assert_eq!(
        found,
        [
            (by_email.as_str(), Some("EmailAddress"), Some("Asha")),
            (by_phone.as_str(), Some("Phone"), Some("Ashish")),
        ]
    );
    assert_eq!(open.evidence.sends.get("mx_City"), Some("Pune"));

    // What comes later waits too, at no cost; other leads go on.
    scene.here.edit_lead(&here, &[("mx_City", "Agra")]).expect("an edit");
    let second = posted(&scene, &here).await;
    let item = scene.ends_as(second, Event::Failed).await;
    assert!(calls(&item).is_empty(), "{item:#?}");
    let other = scene.post(&json!({"ProspectID":"other","EmailAddress":"other@example.com"})).await;
    scene.ends_as(other, Event::New).await;

    assert_eq!(decide(&scene, open.id, Some(link(&by_email))).await, 2);
    let first = succeeds(&scene, first).await;
    let second = succeeds(&scene, second).await;
    assert!(first.finished_at <= second.finished_at, "{first:#?} {second:#?}");
    assert_eq!(held(&scene.there, &by_email, "mx_City").as_deref(), Some("Agra"));
    // The other lead keeps its number.
    assert_eq!(held(&scene.there, &by_phone, "Phone").as_deref(), Some("+91-9988776655"));
    assert_eq!(scene.there.lead_count(), 3);
    assert!(reviews(&scene, State::Open).await.is_empty());

    // They are one from now on.
    scene.here.edit_lead(&here, &[("mx_City", "Delhi")]).expect("an edit");
    let third = posted(&scene, &here).await;
    scene.ends_as(third, Event::Updated).await;
    assert_eq!(held(&scene.there, &by_email, "mx_City").as_deref(), Some("Delhi"));
    scene.stop().await;
}

/// Waits until a request that was tried again went well.
async fn succeeds(scene: &Scene, id: plan::id::RequestId) -> RequestItem {
    scene
        .until(id, |item| {
            item.finished_at.is_some()
                && item.records.iter().all(|record| record.event != Event::Failed)
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_undone_and_made_anew() {
    let mut scene = Scene::at_work(TWO_KEYS).await;
    let [here, by_email, by_phone] = disagreeing(&scene);
    let first = posted(&scene, &here).await;
    scene.ends_as(first, Event::Failed).await;
    let id = only_open(&scene).await.id;

    assert_eq!(decide(&scene, id, Some(Choice::Ignore)).await, 1);
    let item = succeeds(&scene, first).await;
    assert_eq!(item.records[0].event, Event::Skipped, "{item:#?}");
    assert_eq!(problem(&item).code.as_str(), "left_alone");
    let second = posted(&scene, &here).await;
    let item = scene.ends_as(second, Event::Skipped).await;
    assert!(calls(&item).is_empty(), "{item:#?}");

    assert_eq!(decide(&scene, id, None).await, 0);
    assert_eq!(only_open(&scene).await.id, id);
    // What was left alone is made good.
    assert_eq!(decide(&scene, id, Some(link(&by_phone))).await, 2);
    scene.until(second, |item| item.records[0].event != Event::Skipped).await;
    assert_eq!(held(&scene.there, &by_phone, "mx_City").as_deref(), Some("Pune"));
    assert_eq!(held(&scene.there, &by_email, "mx_City").as_deref().unwrap_or_default(), "");
    assert_eq!(decided(&scene).await.len(), 1);

    // Undone, the lead is tied to nobody, and waits.
    assert_eq!(decide(&scene, id, None).await, 0);
    scene.here.edit_lead(&here, &[("mx_City", "Agra")]).expect("an edit");
    let third = posted(&scene, &here).await;
    let item = scene.ends_as(third, Event::Failed).await;
    assert_eq!(problem(&item).code.as_str(), "keys_disagree");
    assert_eq!(held(&scene.there, &by_phone, "mx_City").as_deref(), Some("Pune"));
    scene.stop().await;
}

async fn decided(scene: &Scene) -> Vec<ReviewItem> {
    reviews(scene, State::Decided).await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_leads_none_is_guessed() {
    let mut scene = Scene::at_work(BY_EXTERNAL_ID).await;
    let twins = ["one", "two"]
        .map(|name| made(&scene.there, &[("mx_External_Id", "7"), ("FirstName", name)]));
    let email = ("EmailAddress", "asha@example.com");
    let fields = [email, ("mx_External_Id", "7"), ("FirstName", "three")];
    let here = made(&scene.here, &fields);
    let request = posted(&scene, &here).await;
    let item = scene.ends_as(request, Event::Failed).await;
    assert_eq!(problem(&item).code.as_str(), "ambiguous", "{item:#?}");
    let open = only_open(&scene).await;
    assert_eq!(open.reason, Reason::Several);
    let found: Vec<&str> =
        open.evidence.candidates.iter().map(|one| one.lead_id.as_str()).collect();
    assert_eq!(found, twins);

    // It is none of them.
    assert_eq!(decide(&scene, open.id, Some(Choice::Create)).await, 1);
    let item = succeeds(&scene, request).await;
    assert_eq!(item.records[0].event, Event::New, "{item:#?}");
    assert_eq!(scene.there.lead_count(), 3);
    let twin = item.records[0].destination_id.clone().expect("the new lead");
    assert_eq!(held(&scene.there, &twin, "FirstName").as_deref(), Some("three"));
    // Once.
    let again = posted(&scene, &here).await;
    scene.ends_as(again, Event::Unchanged).await;
    assert_eq!(scene.there.lead_count(), 3);
    scene.stop().await;
}

/// The account keeps phone numbers unique, although leads are matched by email address alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_duplicate_goes_to_review_once_a_person_retries_it() {
    for is_linked in [true, false] {
        let mut scene = Scene::at_work(r#""basic":{"default_country_code":"IN"}"#).await;
        let phone = ("Phone", "+91-9988776655");
        let holder = made(&scene.there, &[phone, ("FirstName", "Ashish")]);
        let email = ("EmailAddress", "asha@example.com");
        let here = made(&scene.here, &[email, phone, ("FirstName", "Asha")]);
        let request = posted(&scene, &here).await;
        scene.waits_with(request, "duplicate").await;
        assert!(reviews(&scene, State::Open).await.is_empty(), "the number may be on its way");

        assert_eq!(scene.retry(request).await, 1);
        let is_asked = |item: &RequestItem| {
            let error = item.records[0].error.as_ref();
            error.is_some_and(|error| error.code.as_str() == "keys_disagree")
        };
        let item = scene.until(request, is_asked).await;
        let message = &problem(&item).message;
        assert!(message.contains("match no lead in the destination, but Phone"), "{message}");
        let open = only_open(&scene).await;
        let found = open.evidence.candidates.iter();
        let found: Vec<_> =
            found.map(|one| (one.lead_id.as_str(), one.found_by.as_deref())).collect();
        assert_eq!(found, [(holder.as_str(), Some("Phone"))]);
        assert_eq!(scene.there.lead_count(), 1);

        let choice = if is_linked { link(&holder) } else { Choice::Create };
        assert_eq!(decide(&scene, open.id, Some(choice)).await, 1);
        let item = succeeds(&scene, request).await;
        let twin = item.records[0].destination_id.clone().expect("its counterpart");
        assert_eq!(twin == holder, is_linked, "{item:#?}");
        assert_eq!(held(&scene.there, &twin, "EmailAddress").as_deref(), Some("asha@example.com"));
        assert_eq!(held(&scene.there, &twin, "FirstName").as_deref(), Some("Asha"));
        assert_eq!(held(&scene.there, &holder, "Phone").as_deref(), Some("+91-9988776655"));
        assert_eq!(scene.there.lead_count(), if is_linked { 1 } else { 2 });
        scene.stop().await;
    }
}

/// The lead itself is there, and a stranger has its phone number: the stranger is not offered as if
/// nothing else matched.
#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_with_a_value_of_a_known_lead_is_no_candidate() {
    let mut scene = Scene::at_work(r#""basic":{"default_country_code":"IN"}"#).await;
    let phone = ("Phone", "+91-9988776655");
    let email = ("EmailAddress", "asha@example.com");
    let stranger = made(&scene.there, &[phone, ("FirstName", "Ashish")]);
    let own = made(&scene.there, &[email, ("FirstName", "A.")]);
    let here = made(&scene.here, &[email, phone, ("FirstName", "Asha")]);
    let request = posted(&scene, &here).await;
    scene.waits_with(request, "duplicate").await;

    assert_eq!(scene.retry(request).await, 1);
    let is_tried = |item: &RequestItem| item.records[0].attempts.len() >= 2;
    let item = scene.until(request, is_tried).await;
    assert_eq!(problem(&item).code.as_str(), "duplicate", "{item:#?}");
    assert!(reviews(&scene, State::Open).await.is_empty());
    assert_eq!(held(&scene.there, &stranger, "FirstName").as_deref(), Some("Ashish"));
    assert_eq!(held(&scene.there, &stranger, "EmailAddress").unwrap_or_default(), "");
    assert_eq!(held(&scene.there, &own, "Phone").unwrap_or_default(), "");
    assert_eq!(scene.there.lead_count(), 2);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_decides_in_place_of_a_person() {
    for (rule, expected) in [
        (r#""identity":{"several":"oldest"}"#, Some(0)),
        (r#""identity":{"several":"newest"}"#, Some(1)),
        (r#""identity":{"several":"skip"}"#, None),
    ] {
        let mut scene = Scene::at_work(&format!("{BY_EXTERNAL_ID},{rule}")).await;
        let mut twins = Vec::new();
        for name in ["one", "two"] {
            twins.push(made(&scene.there, &[("mx_External_Id", "7"), ("FirstName", name)]));
            tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
        }
        let email = "asha@example.com";
        let lead = json!({
            "ProspectID": "a", "EmailAddress": email, "mx_External_Id": "7", "mx_City": "Pune",
        });
        let request = scene.post(&lead).await;
        let item = scene.ended(request).await;
        let city = |id: &String| held(&scene.there, id, "mx_City").unwrap_or_default();
        let cities: Vec<String> = twins.iter().map(city).collect();
        let mut wanted = ["", ""];
        if let Some(twin) = expected {
            assert_eq!(item.records[0].event, Event::Updated, "{rule}: {item:#?}");
            wanted[twin] = "Pune";
        } else {
            assert_eq!(problem(&item).code.as_str(), "left_alone", "{item:#?}");
        }
        assert_eq!(cities, wanted, "{rule}");
        assert!(reviews(&scene, State::Open).await.is_empty(), "{rule}");
        scene.stop().await;
    }
    // A rule for keys that disagree: the other lead keeps its key.
    let rule = format!(r#"{TWO_KEYS},"identity":{{"keys_disagree":"primary"}}"#);
    let mut scene = Scene::at_work(&rule).await;
    let [here, by_email, by_phone] = disagreeing(&scene);
    let request = posted(&scene, &here).await;
    scene.ends_as(request, Event::Updated).await;
    assert_eq!(held(&scene.there, &by_email, "mx_City").as_deref(), Some("Pune"));
    assert_eq!(held(&scene.there, &by_phone, "Phone").as_deref(), Some("+91-9988776655"));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_is_linked_to_another_is_not_taken_over() {
    let mut scene = Scene::at_work(BY_EXTERNAL_ID).await;
    let (one, other) = (("mx_External_Id", "7"), ("mx_City", "Pune"));
    let email = |email: &'static str| ("EmailAddress", email);
    let first = made(&scene.here, &[email("asha@example.com"), one, ("FirstName", "Asha")]);
    let request = posted(&scene, &first).await;
    let twin = scene.ends_as(request, Event::New).await.records[0].destination_id.clone();
    let twin = twin.expect("its twin");

    let fields = [email("usha@example.com"), one, other, ("FirstName", "Usha")];
    let second = made(&scene.here, &fields);
    let request = posted(&scene, &second).await;
    let item = scene.ends_as(request, Event::Failed).await;
    assert_eq!(problem(&item).code.as_str(), "linked_to_another", "{item:#?}");
    let open = only_open(&scene).await;
    let tied = open.evidence.candidates[0].linked_to.as_ref().expect("the lead that has it");
    assert_eq!(
        (tied.lead_id.as_str(), tied.sends.get("FirstName")),
        (first.as_str(), Some("Asha"))
    );
    // The first one's changes go on.
    scene.here.edit_lead(&first, &[("Company", "Acme")]).expect("an edit");
    let request_of_first = posted(&scene, &first).await;
    scene.ends_as(request_of_first, Event::Updated).await;
    assert_eq!(held(&scene.there, &twin, "Company").as_deref(), Some("Acme"));

    // In the source the first is merged into the second: a retry sees that it is plain now.
    scene.here.merge_leads(&second, &first).expect("they are merged");
    assert_eq!(scene.retry(request).await, 1);
    let item = succeeds(&scene, request).await;
    assert_eq!(item.records[0].destination_id.as_ref(), Some(&twin), "{item:#?}");
    assert_eq!(held(&scene.there, &twin, "mx_City").as_deref(), Some("Pune"));
    assert_eq!(scene.there.lead_count(), 1);
    assert!(reviews(&scene, State::Open).await.is_empty(), "nothing is left to decide");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn activities_of_a_lead_wait_with_it() {
    let parts =
        format!(r#"{TWO_KEYS},"activity":{{"enabled":true,"type":[{{"from":22,"to":22}}]}}"#);
    let mut scene = Scene::at_work(&parts).await;
    capture(&scene.here);
    let [here, by_email, _] = disagreeing(&scene);
    let request = posted(&scene, &here).await;
    scene.ends_as(request, Event::Failed).await;
    scene.here.create_activity(&here, 22, "called", &[]).expect("an activity");
    let body = captured(&scene.here).await.pop().expect("a webhook");
    let activity = scene.post_to("there", body).await;
    let item = scene.ends_as(activity, Event::Failed).await;
    assert_eq!(problem(&item).code.as_str(), "keys_disagree", "{item:#?}");
    assert!(calls(&item).is_empty(), "{item:#?}");
    let id = only_open(&scene).await.id;
    assert_eq!(decide(&scene, id, Some(link(&by_email))).await, 2);
    succeeds(&scene, activity).await;
    assert_eq!(scene.there.activities(&by_email).len(), 1);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_decides_whose_value_holds() {
    for (choice, winner) in [(Choice::Source, "here"), (Choice::Destination, "there")] {
        let parts = r#""conflict":{"policy":"review"}"#;
        let mut scene = Scene::new(parts).await;
        let mut back = connector(parts);
        (back.name, back.source, back.destination) =
            ("back".to_owned(), "there".to_owned(), "here".to_owned());
        scene.put_connector(back).await;
        scene.work();
        let here = made(&scene.here, &[("EmailAddress", "asha@example.com")]);
        let request = posted(&scene, &here).await;
        let item = scene.ends_as(request, Event::New).await;
        let twin = item.records[0].destination_id.clone().expect("its twin");
        scene.advance(SignedDuration::from_secs(10));
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
        scene.here.edit_lead(&here, &[("mx_City", "here"), ("Company", "Acme")]).expect("an edit");
        scene.there.edit_lead(&twin, &[("mx_City", "there")]).expect("an edit");
        let request = posted(&scene, &here).await;
        let item = scene.ends_as(request, Event::Failed).await;
        assert_eq!(problem(&item).code.as_str(), "conflict", "{item:#?}");
        assert_eq!(held(&scene.there, &twin, "Company").as_deref(), Some("Acme"), "others go on");
        let open = only_open(&scene).await;
        assert_eq!(open.evidence.disputes[0].field, "mx_City");
        assert_eq!(decide(&scene, open.id, Some(choice)).await, 1);
        succeeds(&scene, request).await;
        let cities = [held(&scene.here, &here, "mx_City"), held(&scene.there, &twin, "mx_City")];
        assert_eq!(cities, [Some(winner.to_owned()), Some(winner.to_owned())]);
        assert_eq!(reviews(&scene, State::Solved).await.len(), 1);
        scene.stop().await;
    }
}

//! What becomes of leads when something goes wrong.

use jiff::SignedDuration;
use plan::outcome::{Event, JobStatus};
use plan::traits::Trait;
use sandbox::switches::Toggle;
use sandbox::{Fault, Field, Kind, Sandbox, Settings, Switches, Trouble};
use serde_json::json;
use store::AccountPlan;

use crate::scene::{Scene, calls, problem, unlimited};

fn asha() -> serde_json::Value {
    json!({ "ProspectID": "a", "EmailAddress": "asha@example.com", "FirstName": "Asha" })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_is_lost_is_looked_for_and_not_repeated() {
    for trouble in [Trouble::ResetAfter, Trouble::HangAfter, Trouble::CutJson] {
        let mut scene = Scene::at_work("").await;
        scene.there.put_fault(Fault::once(trouble.clone()).of("Lead.Capture"));
        let request = scene.post(&asha()).await;
        scene
            .until(request, |item| {
                item.records.first().is_some_and(|record| !record.attempts.is_empty())
            })
            .await;
        scene.advance(SignedDuration::from_secs(45));
        let item = scene.ended(request).await;
        assert_eq!(item.job_status, JobStatus::Success, "{trouble:?}: {item:#?}");
        let captures = calls(&item).iter().filter(|call| *call == "Lead.Capture").count();
        assert_eq!(captures, 1, "{trouble:?}: {item:#?}");
        assert_eq!(scene.there.lead_count(), 1, "{trouble:?}");
        assert_eq!(scene.there.history(&scene.there.leads()[0]).len(), 1, "{trouble:?}");
        scene.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_field_is_told_and_a_retry_works_once_it_is_there() {
    let rows = r#""lead":{"field":[{"from":"EmailAddress","to":"EmailAddress"},
                                   {"from":"FirstName","to":"mx_Nick_Name"}]}"#;
    let mut scene = Scene::at_work(rows).await;
    let request = scene.post(&asha()).await;
    let item = scene.ends_as(request, Event::Failed).await;
    assert_eq!(item.job_status, JobStatus::Failure);
    let told = problem(&item);
    assert_eq!(
        (told.code.as_str(), told.field.as_deref()),
        ("unknown_field", Some("mx_Nick_Name"))
    );
    assert!(told.message.contains("mx_Nick_Name") && !told.advice.is_empty(), "{told:?}");
    assert_eq!(scene.there.lead_count(), 0);

    scene.there.put_field(Field::new("mx_Nick_Name", Kind::Text));
    // Fields that were read a moment ago are not read again for one record.
    scene.advance(SignedDuration::from_mins(1));
    assert_eq!(scene.retry(request).await, 1);
    let item = scene
        .until(request, |item| item.records[0].attempts.len() == 2 && item.finished_at.is_some())
        .await;
    assert_eq!(item.records[0].event, Event::New, "{item:#?}");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_vanishes_is_told() {
    let mut scene = Scene::at_work("").await;
    let request = scene.post(&asha()).await;
    scene.ends_as(request, Event::New).await;
    assert!(scene.there.remove_field("mx_City"));
    let request = scene
        .post(&json!({ "ProspectID": "b", "EmailAddress": "b@example.com", "mx_City": "Pune" }))
        .await;
    // Fields that were read a moment ago are not read again at once.
    let item = scene.waits_with(request, "unknown_field").await;
    assert!(problem(&item).message.contains("mx_City"), "{item:#?}");
    scene.advance(SignedDuration::from_mins(1));
    // The default mapping maps what both accounts have, and this field is not among them now.
    scene.ends_as(request, Event::New).await;
    assert_eq!(scene.there.lead_count(), 2);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_metadata_refuses_is_refused_only_by_metadata_of_now() {
    let long = "x".repeat(300);
    for (field, value, code) in [
        ("mx_Budget", "a lot", "type_mismatch"),
        ("mx_City", long.as_str(), "too_long"),
        ("mx_Branch", "Atlantis", "missing_option"),
    ] {
        let mut scene = Scene::at_work(r#""lead":{"unlisted_option":"refuse"}"#).await;
        let lead = |id: &str| {
            let email = format!("{id}@example.com");
            json!({ "ProspectID": id, "EmailAddress": email, field: value })
        };
        let refused = scene.post(&lead("a")).await;
        let item = scene.ends_as(refused, Event::Failed).await;
        assert_eq!(problem(&item).code.as_str(), code, "{item:#?}");

        scene.there.put_field(Field::new(field, Kind::Text).max_length(1_000));
        scene.advance(SignedDuration::from_mins(1));
        let another = scene.post(&lead("b")).await;
        scene.ends_as(another, Event::New).await;
        scene.retry(refused).await;
        scene.until(refused, |item| item.job_status == JobStatus::Success).await;
        scene.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_keys_are_told_and_nothing_is_lost() {
    let mut scene = Scene::new("").await;
    let plan = AccountPlan::Quota(unlimited());
    scene.put_account_as("there", &scene.there.url(), "wrong", plan).await;
    scene.work();
    let request = scene.post(&asha()).await;
    let item = scene.waits_with(request, "credentials").await;
    assert!(problem(&item).message.contains("there"), "it names the account: {item:#?}");
    let configuration = scene.store.configuration().await.unwrap();
    let account = configuration.account("there").unwrap().id;
    let contact = async || {
        let mut contacts = scene.store.contacts(&[account]).await.unwrap();
        contacts.pop().expect("it was called")
    };
    let closed = contact().await.closed.map(|(_, problem)| problem.code.as_str());
    assert_eq!(closed, Some("credentials"), "people see that it refuses its keys");
    scene.put_account(&scene.there, plan).await;
    scene.ends_as(request, Event::New).await;
    let contact = contact().await;
    assert!(contact.closed.is_none() && contact.responded_at.is_some(), "{contact:?}");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_region_is_told_and_nothing_is_lost() {
    let mut scene = Scene::new("").await;
    scene.there.set_switches(Switches { wrong_region: Toggle::On, ..Switches::default() });
    scene.work();
    let request = scene.post(&asha()).await;
    let item = scene.waits_with(request, "credentials").await;
    let advice = &problem(&item).advice;
    assert!(advice.contains("host") || advice.contains("region"), "{advice}");
    scene.there.set_switches(Switches::default());
    scene.advance(SignedDuration::from_mins(3));
    scene.ends_as(request, Event::New).await;
    scene.stop().await;
}

/// Every region's host says where the account of the keys is.
#[tokio::test(flavor = "multi_thread")]
async fn the_right_region_is_named() {
    let scene = Scene::new("").await;
    let plan = AccountPlan::Quota(unlimited());
    for (api_host, expected) in [
        (scene.there.url().replace("http://", ""), Some(scene.there.url())),
        // Nobody's keys go to hosts that are not LeadSquared's.
        ("evil.example".to_owned(), None),
        (String::new(), None),
    ] {
        let elsewhere = Sandbox::start(Settings {
            access_key: scene.there.access_key().to_owned(),
            secret_key: scene.there.secret_key().to_owned(),
            switches: Switches { wrong_region: Toggle::On, ..Switches::default() },
            api_host: Some(api_host),
            ..Settings::new("elsewhere")
        });
        let elsewhere = elsewhere.await.expect("an account on a free port");
        scene.put_account_as("there", &elsewhere.url(), scene.there.secret_key(), plan).await;
        let accounts = scene.store.configuration().await.expect("the settings").accounts;
        let there = accounts.iter().find(|account| account.name == "there").expect("it is there");
        let unread = dispatch::read_catalogue(there).await.expect_err("another region's keys");
        assert_eq!(unread.right_host, expected);
        assert_eq!(unread.problem.code.as_str(), "credentials");
        let is_named = unread.problem.message.contains("belong to an account on 127.0.0.1");
        assert_eq!(is_named, expected.is_some(), "{}", unread.problem);
        elsewhere.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_host_is_told_and_nothing_is_lost() {
    let mut scene = Scene::new("").await;
    let plan = AccountPlan::Quota(unlimited());
    let host = "https://api-nowhere.invalid";
    scene.put_account_as("there", host, scene.there.secret_key(), plan).await;
    scene.work();
    let request = scene.post(&asha()).await;
    let item = scene.waits_with(request, "unreachable").await;
    let told = problem(&item);
    assert!(told.message.contains("there"), "{told:?}");
    scene.put_account(&scene.there, plan).await;
    scene.ends_as(request, Event::New).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_vanishes_for_an_hour_loses_nothing() {
    let mut scene = Scene::at_work("").await;
    let first = scene.post(&asha()).await;
    scene.ends_as(first, Event::New).await;
    scene.there.listen(false).await.expect("the port is let go");
    let mut requests = Vec::new();
    for n in 0..30 {
        let lead =
            json!({ "ProspectID": format!("l{n}"), "EmailAddress": format!("l{n}@example.com") });
        requests.push(scene.post(&lead).await);
    }
    for request in &requests {
        let item = scene
            .until(*request, |item| {
                item.records.first().is_some_and(|record| record.next_attempt_at.is_some())
            })
            .await;
        assert!(item.finished_at.is_none(), "{item:#?}");
        assert!(!problem(&item).message.is_empty());
    }
    scene.advance(SignedDuration::from_mins(30));
    let late =
        scene.post(&json!({ "ProspectID": "late", "EmailAddress": "late@example.com" })).await;
    scene
        .until(late, |item| {
            item.records.first().is_some_and(|record| record.next_attempt_at.is_some())
        })
        .await;
    scene.advance(SignedDuration::from_mins(30));
    scene.there.listen(true).await.expect("the port is free");
    scene.advance(SignedDuration::from_mins(3));
    for request in requests.into_iter().chain([late]) {
        let item = scene.ends_as(request, Event::New).await;
        assert_eq!(item.job_status, JobStatus::Success);
    }
    assert_eq!(scene.there.lead_count(), 32);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_can_not_be_read_is_kept_and_shown() {
    let mut scene = Scene::at_work("").await;
    for body in ["", "hello", "[]", "{}", r#"{"Current":{"ProspectID":"a""#, "[1,2]"] {
        let request = scene.post_to("there", body.as_bytes().to_vec()).await;
        let item = scene.ended(request).await;
        assert_eq!(item.job_status, JobStatus::Failure, "{body}");
        // Of a list, each entry for itself.
        assert_eq!(item.records.len(), if body == "[1,2]" { 2 } else { 1 }, "{body}: {item:#?}");
        for record in &item.records {
            let code = record.error.as_ref().map(|problem| problem.code.as_str());
            assert_eq!((record.event, code), (Event::Failed, Some("unreadable_body")), "{body}");
        }
        let kept = scene.store.delivery(request).await.expect("the store").expect("it is kept");
        assert_eq!(kept.body, body.as_bytes());
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_do_not_fit_are_told() {
    let mut scene = Scene::at_work("").await;
    for (field, value) in [("mx_Budget", "a lot"), ("mx_PAN_Number", "123456789012345678901")] {
        let request = scene
            .post(&json!({ "ProspectID": field, "EmailAddress": format!("{field}@example.com"), field: value }))
            .await;
        let item = scene.ends_as(request, Event::Failed).await;
        assert_eq!(problem(&item).field.as_deref(), Some(field), "{item:#?}");
        assert!(problem(&item).message.contains(field), "{item:#?}");
    }
    let request = scene.post(&json!({ "ProspectID": "n", "FirstName": "Nobody" })).await;
    let item = scene.ends_as(request, Event::Failed).await;
    assert_eq!(problem(&item).code.as_str(), "no_key");
    assert_eq!(scene.there.lead_count(), 0);
    scene.stop().await;
}

/// A bulk call that an account does not have, or refuses whatever is in it, costs no call a batch: each
/// lead gets one of its own, and the bulk call is tried again the next day.
#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_call_that_the_account_lacks_is_left_alone() {
    const LEADS: usize = 40;
    let lead = |id: &str| json!({ "ProspectID": id, "EmailAddress": format!("{id}@example.com") });
    let bulk_calls = |scene: &Scene| -> u64 {
        let calls = scene.there.calls().by_operation;
        calls.iter().filter(|(name, _)| name.contains("Lead/Bulk/")).map(|(_, count)| *count).sum()
    };
    for (trouble, most) in [(Trouble::Gateway(404), 8), (Trouble::Gateway(405), 8)] {
        let mut scene = Scene::new("").await;
        scene.there.put_fault(Fault::always(trouble.clone()).of("Lead/Bulk/Create"));
        scene.there.put_fault(Fault::always(trouble).of("Lead/Bulk/CreateOrUpdate"));
        let mut requests = Vec::new();
        for n in 0..LEADS {
            requests.push(scene.post(&lead(&format!("l{n}"))).await);
        }
        scene.work();
        for request in requests {
            scene.ends_as(request, Event::New).await;
        }
        let before = bulk_calls(&scene);
        assert!((1..=most).contains(&before), "{:?}", scene.there.calls());
        let accounts = scene.store.configuration().await.expect("the settings").accounts;
        let there = accounts.iter().find(|account| account.name == "there").expect("it is there");
        let account = there.id;
        let seen = scene.store.traits(account).await.expect("what was seen");
        assert!(seen.iter().all(|(_, seen)| matches!(seen, Trait::Lacks { .. })), "{seen:?}");
        assert_eq!(seen.len(), 1, "{seen:?}");
        assert!(seen[0].1.words().contains("HTTP 40"), "{seen:?}");

        // Remembered by the next task, too.
        scene.stop().await;
        let mut requests = Vec::new();
        for n in 0..LEADS {
            requests.push(scene.post(&lead(&format!("m{n}"))).await);
        }
        scene.work();
        for request in requests {
            scene.ends_as(request, Event::New).await;
        }
        assert_eq!(bulk_calls(&scene), before, "{:?}", scene.there.calls());

        // A day later it is tried again, and taken.
        scene.there.clear_faults();
        scene.stop().await;
        scene.step(SignedDuration::from_hours(25));
        let mut requests = Vec::new();
        for n in 0..LEADS {
            requests.push(scene.post(&lead(&format!("n{n}"))).await);
        }
        scene.work();
        for request in requests {
            scene.ends_as(request, Event::New).await;
        }
        assert!(bulk_calls(&scene) > before, "{:?}", scene.there.calls());
        assert_eq!(scene.store.traits(account).await.expect("what was seen"), []);
        scene.stop().await;
    }
}

/// What an account answers without a word of its own is no fault of the server that may pass.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_the_account_does_not_know_fails_at_once() {
    for status in [400, 404, 405, 413] {
        let mut scene = Scene::at_work("").await;
        scene.there.put_fault(Fault::always(Trouble::Gateway(status)).of("Lead.Capture"));
        let request = scene.post(&asha()).await;
        let item = scene.ends_as(request, Event::Failed).await;
        assert_eq!(item.job_status, JobStatus::Failure, "{status}: {item:#?}");
        assert_eq!(calls(&item), ["Lead.Capture"], "{status}: {item:#?}");
        assert_eq!(problem(&item).code.as_str(), "refused", "{status}: {item:#?}");
        scene.stop().await;
    }
}

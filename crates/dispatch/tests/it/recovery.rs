//! How work goes on after an account, or the work itself, failed.

use std::time::Duration;

use jiff::SignedDuration;
use plan::outcome::{Event, JobStatus};
use sandbox::{Fault, Trouble};
use serde_json::{Value, json};
use sqlx::Connection;
use store::RequestItem;

use crate::scene::{Scene, capture, captured, connector, problem};

fn lead(id: &str) -> Value {
    json!({ "ProspectID": id, "EmailAddress": format!("{id}@example.com"), "FirstName": "Asha" })
}

fn waits(item: &RequestItem) -> bool {
    item.records.first().is_some_and(|record| record.next_attempt_at.is_some())
}

/// How long after its last attempt the record is tried again.
fn delay(item: &RequestItem) -> SignedDuration {
    let record = &item.records[0];
    let last = record.attempts.last().expect("an attempt").at;
    record.next_attempt_at.expect("it is tried again").duration_since(last)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blip_costs_seconds() {
    let mut scene = Scene::at_work("").await;
    for trouble in [Trouble::Html500, Trouble::Gateway(503), Trouble::Html500] {
        scene.there.put_fault(Fault::once(trouble).of("Lead.Capture"));
    }
    let request = scene.post(&lead("a")).await;
    for (attempts, seconds) in [(1, 1..=2), (2, 5..=6), (3, 30..=36)] {
        let item = scene
            .until(request, |item| waits(item) && item.records[0].attempts.len() == attempts)
            .await;
        assert_eq!(item.job_status, JobStatus::Queued, "it is not over");
        let delay = delay(&item);
        assert!(seconds.contains(&delay.as_secs()), "try {attempts}: {delay:?}");
        scene.advance(delay);
    }
    let item = scene.ends_as(request, Event::New).await;
    assert_eq!(item.records[0].attempts.len(), 4, "{item:#?}");
    assert_eq!(item.records[0].error, None);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_an_account_goes_on_as_soon_as_it_is_back() {
    let mut scene = Scene::at_work("").await;
    let first = scene.post(&lead("first")).await;
    scene.ends_as(first, Event::New).await;
    scene.there.listen(false).await.expect("the port is let go");
    let mut requests = Vec::new();
    for n in 0..20 {
        requests.push(scene.post(&lead(&format!("l{n}"))).await);
    }
    for request in &requests {
        scene.until(*request, waits).await;
    }
    let item = scene.item(requests[19]).await;
    assert!(delay(&item) > SignedDuration::from_mins(30), "it is held, not retried: {item:#?}");
    scene.there.listen(true).await.expect("the port is free");
    // No clock is moved: a probe finds that the account is back.
    for request in requests {
        scene.ends_as(request, Event::New).await;
    }
    assert_eq!(scene.there.lead_count(), 21);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_away_uses_up_no_tries() {
    let mut scene = Scene::new("").await;
    let mut back = connector("");
    (back.name, back.source, back.destination) =
        ("back".to_owned(), "there".to_owned(), "here".to_owned());
    scene.put_connector(back).await;
    scene.work();
    capture(&scene.here);
    let here = scene.here.create_lead(&[("EmailAddress", "a@example.com")]).expect("a lead");
    let posted = captured(&scene.here).await;
    let request = scene.post_to("there", posted[0].clone()).await;
    scene.ends_as(request, Event::New).await;
    assert_eq!(scene.here.edit_lead(&here, &[("FirstName", "Usha")]), Ok(true));
    scene.here.listen(false).await.expect("the port is let go");
    // A change of the same second as the state that was synced is read from the source again.
    let mut changed: Value = serde_json::from_str(&posted[0]).expect("a payload");
    changed["Current"]["FirstName"] = "Usha".into();
    let request = scene.post_to("there", changed.to_string()).await;
    scene.until(request, waits).await;
    for round in 2..20 {
        scene.advance(SignedDuration::from_hours(4));
        scene
            .until(request, |item| {
                assert!(item.finished_at.is_none(), "it is not given up: {item:#?}");
                waits(item) && item.records[0].attempts.len() >= round
            })
            .await;
    }
    scene.here.listen(true).await.expect("the port is free");
    // A probe may be under way that finds the account away: the next one follows within a minute.
    scene.advance(SignedDuration::from_mins(2));
    let probes = || scene.here.calls().total;
    let before = probes();
    while probes() == before {
        scene.advance(SignedDuration::from_mins(1));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    scene.ends_as(request, Event::Updated).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_with_which_the_work_fails_is_set_aside_and_the_others_go_on() {
    let mut scene = Scene::new("").await;
    // A defect: the database refuses what is kept of one record, each time.
    let mut database = sqlx::SqliteConnection::connect(&scene.url).await.expect("the database");
    let defect = "CREATE TRIGGER defect BEFORE INSERT ON mention \
                  WHEN NEW.value = 'poison@example.com' \
                  BEGIN SELECT RAISE(ABORT, 'a constraint that no record should break'); END";
    sqlx::query(defect).execute(&mut database).await.expect("a trigger");
    let mut requests = Vec::new();
    for id in ["a", "b", "poison", "c", "d"] {
        requests.push((id, scene.post(&lead(id)).await));
    }
    scene.work();
    for (id, request) in &requests {
        let item = scene.ended(*request).await;
        if *id == "poison" {
            assert_eq!(problem(&item).code.as_str(), "defect", "{item:#?}");
            assert!(problem(&item).message.contains("no record should break"), "{item:#?}");
        } else {
            assert_eq!(item.job_status, JobStatus::Success, "{item:#?}");
        }
    }
    assert_eq!(scene.there.lead_count(), 5, "each is there once");
    let after = scene.post(&lead("after")).await;
    scene.ends_as(after, Event::New).await;
    // An update brings the cure.
    sqlx::query("DROP TRIGGER defect").execute(&mut database).await.expect("it is gone");
    let poison = requests[2].1;
    assert_eq!(scene.retry(poison).await, 1);
    scene.until(poison, |item| item.job_status == JobStatus::Success).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_away_does_not_hold_up_what_only_the_destination_is_needed_for() {
    let mut scene = Scene::at_work(r#""activity":{"enabled":true}"#).await;
    let mut wrong = lead("wrong");
    wrong["mx_Budget"] = "a lot".into();
    let wrong = scene.post(&wrong).await;
    scene.ends_as(wrong, Event::Failed).await;
    scene.here.listen(false).await.expect("the port is let go");
    // A person's retry has the metadata of both accounts read again.
    scene.advance(SignedDuration::from_mins(1));
    assert_eq!(scene.retry(wrong).await, 1);
    let is_over = |item: &RequestItem| item.records[0].attempts.len() == 2;
    scene.until(wrong, |item| is_over(item) && item.finished_at.is_some()).await;
    let another = scene.post(&lead("another")).await;
    scene.ends_as(another, Event::New).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_which_what_is_stored_can_not_be_read_is_set_aside_and_the_others_go_on() {
    let mut scene = Scene::at_work("").await;
    let poison = scene.post(&lead("poison")).await;
    scene.ends_as(poison, Event::New).await;
    scene.stop().await;
    // A defect: the link of one lead can't be read.
    let mut database = sqlx::SqliteConnection::connect(&scene.url).await.expect("the database");
    let broken = sqlx::query("UPDATE link SET first_end = '{}[' WHERE first_id = 'poison'");
    let broken = broken.execute(&mut database).await.expect("a changed link");
    assert_eq!(broken.rows_affected(), 1);
    let mut requests = Vec::new();
    for id in ["a", "b", "poison", "c"] {
        requests.push((id, scene.post(&lead(id)).await));
    }
    scene.work();
    for (id, request) in &requests {
        let item = scene.ended(*request).await;
        if *id == "poison" {
            assert_eq!(problem(&item).code.as_str(), "defect", "{item:#?}");
        } else {
            assert_eq!(item.job_status, JobStatus::Success, "{item:#?}");
        }
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_an_account_goes_on_when_it_is_back_although_the_service_was_restarted() {
    let mut scene = Scene::at_work("").await;
    let first = scene.post(&lead("first")).await;
    scene.ends_as(first, Event::New).await;
    scene.there.listen(false).await.expect("the port is let go");
    let mut requests = Vec::new();
    for n in 0..5 {
        requests.push(scene.post(&lead(&format!("l{n}"))).await);
    }
    for request in &requests {
        scene
            .until(*request, |item| waits(item) && delay(item) > SignedDuration::from_mins(30))
            .await;
    }
    scene.stop().await;
    scene.there.listen(true).await.expect("the port is free");
    scene.work();
    // No clock is moved, and nothing new comes in.
    for request in requests {
        scene.ends_as(request, Event::New).await;
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_answers_reads_only_does_not_use_up_the_tries_of_its_records() {
    let mut scene = Scene::at_work("").await;
    let first = scene.post(&lead("first")).await;
    scene.ends_as(first, Event::New).await;
    for operation in ["Lead.Capture", "Lead/Bulk/CreateOrUpdate"] {
        scene.there.put_fault(Fault::always(Trouble::Gateway(503)).of(operation));
    }
    let mut requests = Vec::new();
    for n in 0..4 {
        requests.push(scene.post(&lead(&format!("l{n}"))).await);
    }
    // Probes are answered, and each time the records go on and fail once more.
    let calls = || scene.there.calls().total;
    for _ in 0..40 {
        let before = calls();
        while calls() < before + 2 {
            scene.advance(SignedDuration::from_secs(30));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    for request in requests {
        let item = scene.item(request).await;
        assert!(item.finished_at.is_none(), "it is given up: {item:#?}");
    }
    scene.stop().await;
}

//! Connectors that are disabled, changed and retried while requests come.

use std::time::Duration;

use plan::outcome::{Event, JobStatus, RetryWith, SyncStatus};
use serde_json::{Value, json};
use store::{Change, Retry, Selection};

use crate::scene::{Scene, connector, problem};

fn enable(enabled: bool) -> Change {
    Change::SetEnabled { name: "there".to_owned(), enabled }
}

/// The connector with a mapping of the email address and this row.
fn with_row(row: &str) -> plan::connector::Definition {
    let email = r#"{"from":"EmailAddress","to":"EmailAddress"}"#;
    connector(&format!(r#""lead":{{"field":[{email},{{{row}}}]}}"#))
}

fn lead(id: &str) -> Value {
    json!({ "ProspectID": id, "EmailAddress": format!("{id}@example.com"), "mx_City": "Pune" })
}

/// Another connector's request comes to its end, which shows that the dispatcher has passed by
/// what it left.
async fn passed_by(scene: &Scene) {
    let mut back = connector("");
    (back.name, back.source, back.destination) =
        ("back".to_owned(), "there".to_owned(), "here".to_owned());
    scene.put_connector(back).await;
    let other = scene.post_to("back", r#"{"ProspectID":"o","EmailAddress":"o@example.com"}"#).await;
    scene.ends_as(other, Event::New).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_connector_keeps_its_requests() {
    let mut scene = Scene::at_work("").await;
    scene.change(enable(false)).await;
    let request = scene.post(&json!({ "ProspectID": "a", "EmailAddress": "a@example.com" })).await;
    passed_by(&scene).await;
    assert_eq!(scene.item(request).await.job_status, JobStatus::Queued);
    scene.change(enable(true)).await;
    scene.ends_as(request, Event::New).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_connector_drops_what_comes_where_that_is_wished() {
    let mut scene = Scene::new(r#""while_disabled":"drop""#).await;
    let before = scene.post(&lead("before")).await;
    scene.change(enable(false)).await;
    let while_disabled = scene.post(&lead("while")).await;
    scene.work();
    let item = scene.ends_as(while_disabled, Event::Skipped).await;
    assert_eq!(problem(&item).code.as_str(), "connector_disabled");
    assert_eq!(
        (item.job_status, item.sync_status),
        (JobStatus::Success, Some(SyncStatus::Success))
    );
    assert_eq!(scene.item(before).await.job_status, JobStatus::Queued, "it came while enabled");
    scene.change(enable(true)).await;
    scene.ends_as(before, Event::New).await;
    let after = scene.post(&lead("after")).await;
    scene.ends_as(after, Event::New).await;
    assert_eq!(scene.there.lead_count(), 2);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_takes_effect_for_what_is_not_yet_applied() {
    let mut scene = Scene::at_work("").await;
    scene.change(enable(false)).await;
    let request = scene.post(&lead("a")).await;
    passed_by(&scene).await;
    scene.put_connector(with_row(r#""from":"FirstName","to":"mx_City","default":"Agra""#)).await;
    scene.change(enable(true)).await;
    scene.ends_as(request, Event::New).await;
    let id = &scene.there.find_leads("EmailAddress", "a@example.com")[0];
    assert_eq!(scene.there.lead(id).expect("the lead")["mx_City"].as_deref(), Some("Agra"));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_right_after_an_edit_is_worked_by_it() {
    let mut scene = Scene::new("").await;
    // Nobody announces changes of settings: they would be noticed after a minute.
    scene.work_polling(Duration::from_mins(1));
    let first = scene.post(&lead("a")).await;
    scene.ends_as(first, Event::New).await;
    scene.put_connector(with_row(r#""from":"mx_City","to":"mx_Budget""#)).await;
    let bad = scene.post(&lead("b")).await;
    let item = scene.ends_as(bad, Event::Failed).await;
    assert_eq!(problem(&item).code.as_str(), "type_mismatch", "'Pune' is not a budget");
    scene.put_connector(with_row(r#""from":"mx_City","to":"mx_City""#)).await;
    assert_eq!(scene.retry(bad).await, 1);
    scene.until(bad, |item| item.records[0].event == Event::New).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_takes_the_settings_of_now_or_of_then() {
    let mut scene = Scene::new("").await;
    // 'Pune' is no budget.
    scene.put_connector(with_row(r#""from":"mx_City","to":"mx_Budget""#)).await;
    scene.work();
    let request = scene.post(&lead("a")).await;
    let item = scene.ends_as(request, Event::Failed).await;
    let then = item.records[0].attempts[0].version;
    scene.stop().await;
    scene.put_connector(with_row(r#""from":"mx_City","to":"mx_City""#)).await;
    scene.work();

    let retry = async |with| {
        let selection = Selection::Requests(vec![request]);
        let retry = Retry { selection, with, per_minute: None };
        let actor = store::Actor("test".to_owned());
        let now = scene.item(request).await.finished_at.expect("it has ended");
        assert_eq!(scene.store.retry(&retry, &actor, now).await.expect("a retry").requests, 1);
        scene.ended(request).await
    };
    let item = retry(RetryWith::Then).await;
    assert_eq!(problem(&item).code.as_str(), "type_mismatch");
    let item = retry(RetryWith::Now).await;
    assert_eq!(item.records[0].event, Event::New, "{item:#?}");
    let told = item.records[0].attempts.iter().map(|attempt| (attempt.retry, attempt.version));
    let told: Vec<_> = told.collect();
    assert_eq!(told[..2], [(None, then), (Some(RetryWith::Then), then)]);
    assert_eq!(told[2].0, Some(RetryWith::Now));
    assert!(told[2].1 > then, "{told:?}");
    scene.stop().await;
}

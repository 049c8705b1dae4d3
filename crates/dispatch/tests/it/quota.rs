//! The destination's quota is never exceeded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use plan::outcome::Event;
use sandbox::{Fault, Plan, Quota, Sandbox, Trouble};
use serde_json::json;
use store::AccountPlan;

use crate::scene::{Scene, connector, problem};

fn quota(calls: u32, bulk_calls: u32, daily: u32) -> (AccountPlan, Plan) {
    let configured = plan::quota::Quota { calls, bulk_calls, per_seconds: 1, daily, leave: 0 };
    let window = Duration::from_secs(1);
    let actual = Quota { calls, bulk_calls, window, daily: daily.into() };
    (AccountPlan::Quota(configured), Plan::Explicit(actual))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_window_is_exceeded() {
    for automations in ["true", "false"] {
        let (configured, actual) = quota(6, 2, 100_000);
        let parts = format!(r#""lead":{{"trigger_automations":{automations}}}"#);
        let mut scene = Scene::with(&parts, configured, actual).await;
        scene.work();
        let mut requests = Vec::new();
        for n in 0..30 {
            let lead = json!({ "ProspectID": format!("l{n}"), "EmailAddress": format!("l{n}@example.com") });
            requests.push(scene.post(&lead).await);
        }
        for request in requests {
            scene.ends_as(request, Event::New).await;
        }
        let counts = scene.there.calls();
        assert_eq!(counts.refused, 0, "{counts:?}");
        assert!(counts.peak <= 6 && counts.peak_bulk <= 2, "{counts:?}");
        scene.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_is_used_up_is_told_and_the_next_one_goes_on() {
    let (configured, actual) = quota(100, 100, 5);
    let mut scene = Scene::with(r#""lead":{"trigger_automations":true}"#, configured, actual).await;
    scene.work();
    let mut requests = Vec::new();
    for n in 0..6 {
        let lead =
            json!({ "ProspectID": format!("l{n}"), "EmailAddress": format!("l{n}@example.com") });
        requests.push(scene.post(&lead).await);
    }
    // Two calls told the fields and users, three leads are through.
    let last = requests[5];
    let item = scene.waits_with(last, "quota").await;
    assert!(problem(&item).message.contains("there"), "{item:#?}");
    for request in &requests[..3] {
        scene.ends_as(*request, Event::New).await;
    }
    assert_eq!(scene.there.lead_count(), 3);
    scene.there.set_plan(Plan::Unlimited);
    scene.advance(jiff::SignedDuration::from_hours(25));
    for request in requests {
        scene.ended(request).await;
    }
    assert_eq!(scene.there.lead_count(), 6);
    assert_eq!(scene.there.calls().refused, 0);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_whose_calls_others_used_up_is_asked_later_and_nothing_fails() {
    let mut scene = Scene::new("").await;
    let refused = Fault::once(Trouble::RateLimited).of("LeadManagement.svc/LeadsMetaData.Get");
    scene.there.put_fault(refused);
    scene.work();
    let request = scene.post(&json!({ "ProspectID": "a", "EmailAddress": "a@example.com" })).await;
    while scene.there.calls().total == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    scene.advance(jiff::SignedDuration::from_secs(10));
    let item = scene.ends_as(request, Event::New).await;
    assert_eq!(item.records[0].attempts.len(), 1, "it waited in silence: {item:#?}");
    scene.stop().await;
}

/// The account's true limit is a third of what was configured, and other programs use it too. Whatever
/// it refuses fails no record, and after the first windows it refuses one call in a window at most.
#[tokio::test(flavor = "multi_thread")]
async fn what_others_use_of_the_quota_is_left_to_them() {
    const LEADS: usize = 60;
    let (configured, _) = quota(18, 9, 100_000);
    let (_, actual) = quota(6, 3, 100_000);
    let mut scene = Scene::with(r#""lead":{"trigger_automations":true}"#, configured, actual).await;
    let others = Arc::new(AtomicU64::new(0));
    let other_program = tokio::spawn(draw_on(client(&scene.there), others.clone()));
    scene.work();
    let mut requests = Vec::new();
    for n in 0..LEADS {
        let lead =
            json!({ "ProspectID": format!("l{n}"), "EmailAddress": format!("l{n}@example.com") });
        requests.push(scene.post(&lead).await);
    }
    let mut by_window = Vec::new();
    let mut before = 0;
    while scene.there.lead_count() < LEADS {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let refused = scene.there.calls().refused - others.load(Ordering::SeqCst);
        by_window.push(refused.saturating_sub(before));
        before = refused;
        assert!(by_window.len() < 120, "it takes too long: {by_window:?}");
    }
    other_program.abort();
    for request in requests {
        let item = scene.ends_as(request, Event::New).await;
        assert_eq!(item.records[0].attempts.len(), 1, "no try is counted: {item:#?}");
    }
    let later = &by_window[by_window.len().min(6)..];
    // A pause of this test's own is taken for two windows in one.
    assert!(later.iter().all(|refused| *refused <= 2), "{by_window:?}");
    assert!(later.iter().sum::<u64>() * 3 <= later.len() as u64 + 3, "{by_window:?}");
    scene.stop().await;
}

/// 1,000 changes wait, 250 of leads that both accounts have and that are not linked: calls begin at once,
/// and none waits while there is quota for it. What needs no look-up does not wait for the reading of the
/// destination's leads.
#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_begins_at_once_and_never_stalls() {
    const CHANGES: usize = 1_000;
    const UNLINKED: usize = 250;
    let window = Duration::from_secs(5);
    let actual = Quota { calls: 50, bulk_calls: 10, window, daily: 100_000 };
    let configured =
        plan::quota::Quota { calls: 50, bulk_calls: 10, per_seconds: 5, daily: 100_000, leave: 0 };
    let (configured, actual) = (AccountPlan::Quota(configured), Plan::Explicit(actual));
    let mut scene = Scene::with("", configured, actual).await;
    let mut back = connector("");
    (back.name, back.source, back.destination) =
        ("back".to_owned(), "there".to_owned(), "here".to_owned());
    scene.put_connector(back).await;
    let mut requests = Vec::new();
    for n in 0..CHANGES {
        let email = format!("lead{n}@example.com");
        let fields = [("EmailAddress", email.as_str()), ("LastName", "Rao"), ("mx_City", "Pune")];
        if n % (CHANGES / UNLINKED) == 0 {
            scene.there.create_lead(&fields).expect("a lead");
        }
        let id = scene.here.create_lead(&fields).expect("a lead");
        let lead = json!({
            "ProspectID": id, "EmailAddress": email, "LastName": "Rao", "mx_City": "Agra",
        });
        requests.push(scene.post(&lead).await);
    }
    scene.there.reset_calls();
    let began = Instant::now();
    scene.work();
    while scene.there.lead_count() < CHANGES {
        assert!(began.elapsed() < Duration::from_mins(2), "{:?}", scene.there.calls());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for request in requests {
        scene.ended(request).await;
    }
    let calls: Vec<(Duration, String)> = scene
        .there
        .call_times()
        .into_iter()
        .map(|(at, operation)| (at.saturating_duration_since(began), operation))
        .collect();
    let told = || {
        let told =
            |(at, operation): &(Duration, String)| format!("{:.1} s {operation}", at.as_secs_f32());
        calls.iter().map(told).collect::<Vec<_>>().join("\n")
    };
    println!("{}", told());
    assert_eq!(scene.there.calls().refused, 0, "{}", told());
    // What is written begins at once: the bounds are for a machine that is busy with other things.
    let is_write = |(_, operation): &&(Duration, String)| operation.contains("Bulk/");
    let first = calls.iter().find(is_write).expect("a bulk call").0;
    assert!(first < window * 2, "{}", told());
    // Bulk calls are what there are least of: between two of them no window is left unused.
    let writes: Vec<Duration> = calls.iter().filter(is_write).map(|(at, _)| *at).collect();
    for pair in writes.windows(2) {
        assert!(pair[1].saturating_sub(pair[0]) < window * 2, "{}", told());
    }
    scene.stop().await;
}

fn client(account: &Sandbox) -> leadsquared::Client {
    let host = leadsquared::Host::parse(&account.url()).expect("a host");
    let (access, secret) = (account.access_key(), account.secret_key());
    let keys = leadsquared::Keys::new(access.to_owned(), secret.to_owned());
    let account = leadsquared::Account::new(host, keys);
    leadsquared::Client::new(account, leadsquared::Limits::default()).expect("a client")
}

/// Another program, which makes two calls a second. `refused` counts those that were.
async fn draw_on(client: leadsquared::Client, refused: Arc<AtomicU64>) {
    loop {
        if client.users().await.result.is_err() {
            refused.fetch_add(1, Ordering::SeqCst);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

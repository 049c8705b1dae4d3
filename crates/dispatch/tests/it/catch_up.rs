//! What posts no webhook is found by the sweep.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use plan::backfill::Backfilled;
use plan::id::{AccountId, ConnectorId};
use plan::outcome::Event;
use plan::parity::Parity;
use sandbox::{Fault, Trouble};
use serde_json::json;
use store::{
    AccountPlan, Actor, CatchUpNews, Differing, Filter, NewBackfill, Origin, RequestItem, Sweep,
};

use crate::scene::{SOON, Scene, capture, captured, connector, unlimited};

pub(super) fn actor() -> Actor {
    Actor("test".to_owned())
}

/// A pair at work, with so many leads that are linked and in sync.
pub(super) async fn pair_of(leads: usize) -> (Scene, Vec<(String, String)>) {
    pair_with("", leads).await
}

/// The same with these settings of the connector `there`.
pub(super) async fn pair_with(parts: &str, leads: usize) -> (Scene, Vec<(String, String)>) {
    let mut scene = Scene::new(parts).await;
    let mut back = connector("");
    (back.name, back.source, back.destination) =
        ("back".to_owned(), "there".to_owned(), "here".to_owned());
    scene.put_connector(back).await;
    capture(&scene.here);
    scene.work();
    for n in 0..leads {
        let fields = [("FirstName", "Asha"), ("EmailAddress", &*format!("lead{n}@example.com"))];
        scene.here.create_lead(&fields).expect("a new lead");
    }
    let mut linked = Vec::new();
    for posted in captured(&scene.here).await {
        let request = scene.post_to("there", posted).await;
        let item = scene.ends_as(request, Event::New).await;
        let record = &item.records[0];
        let ids = (record.source_id.clone(), record.destination_id.clone());
        linked.push((ids.0.expect("its id"), ids.1.expect("its twin")));
    }
    (scene, linked)
}

/// A connector with these settings, and a lead of Pune that it synced.
async fn one_synced(settings: &str) -> (Scene, String) {
    let mut scene = Scene::new(settings).await;
    scene.work();
    let fields = [("FirstName", "Asha"), ("EmailAddress", "asha@example.com"), ("mx_City", "Pune")];
    let id = scene.here.create_lead(&fields).expect("a new lead");
    let request = scene.post(&json!(scene.here.lead(&id))).await;
    scene.ends_as(request, Event::New).await;
    (scene, id)
}

impl Scene {
    async fn account_id(&self, name: &str) -> AccountId {
        let configuration = self.store.configuration().await.expect("the configuration");
        configuration.account(name).expect("the account").id
    }

    async fn has_directory(&self, account: AccountId) -> bool {
        let reading = self.store.directory_reading(account).await.expect("the store");
        reading.is_some_and(|reading| reading.complete_at.is_some())
    }

    pub async fn connector_id(&self, name: &str) -> ConnectorId {
        let configuration = self.store.configuration().await.expect("the configuration");
        configuration.connector(name).expect("the connector").id
    }

    /// Has a connector sweep, and waits until the round and what it found have ended.
    async fn sweep(&self, name: &str, confirms: bool) -> Sweep {
        let connector = self.connector_id(name).await;
        let which = (connector, name);
        let now = self.clock()();
        self.store.ask_for_sweep(which, confirms, &actor(), now).await.expect("it is asked for");
        self.advance(SignedDuration::from_secs(4));
        let deadline = Instant::now() + SOON;
        loop {
            let sweep = self.store.sweep(connector).await.expect("the store").expect("it is kept");
            let open = self.find(Filter::default()).await;
            let is_open = open.iter().any(|request| request.finished_at.is_none());
            if sweep.asked_at.is_none() && !is_open {
                return sweep;
            }
            assert!(Instant::now() < deadline, "it stays {sweep:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Has a connector's accounts compared.
    pub async fn compare(&self, name: &str) -> (Parity, Vec<Differing>) {
        let connector = self.connector_id(name).await;
        let now = self.clock()();
        self.store.ask_for_parity((connector, name), &actor(), now).await.expect("it is asked for");
        self.advance(SignedDuration::from_secs(4));
        let deadline = Instant::now() + SOON;
        loop {
            let standing = self.store.parity(connector).await.expect("the store");
            if let (None, Some(parity)) = (standing.asked_at, standing.parity) {
                let listed = self.store.differences(connector, None, 0, 100).await;
                return (parity, listed.expect("the store"));
            }
            assert!(Instant::now() < deadline, "it stays {standing:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

pub(super) fn field(scene: &Scene, id: &str, name: &str) -> String {
    let lead = scene.here.lead(id).or_else(|| scene.there.lead(id)).expect("the lead");
    lead[name].clone().unwrap_or_default()
}

/// Which requests came from there.
pub(super) async fn from(scene: &Scene, origin: Origin) -> Vec<RequestItem> {
    let all = scene.find(Filter::default()).await;
    all.into_iter().filter(|request| request.origin == origin.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_posts_no_webhook_is_synced_by_the_sweep() {
    let (mut scene, linked) = pair_of(6).await;
    // Edits on both sides, and a new lead, of which no webhook tells.
    for (id, _) in &linked[..3] {
        scene.here.edit_lead(id, &[("mx_City", "Pune")]).expect("an edit");
    }
    scene.there.edit_lead(&linked[4].1, &[("mx_City", "Goa")]).expect("an edit");
    let fields = [("FirstName", "Bela"), ("EmailAddress", "bela@example.com")];
    scene.here.create_lead(&fields).expect("a new lead");
    scene.next_second().await;
    let (before, _) = scene.compare("there").await;
    assert_eq!((before.linked, before.differ, before.only_here), (6, 3, 1), "{before:?}");

    let sweep = scene.sweep("there", false).await;
    assert_eq!((sweep.rounds, sweep.last_found), (1, 4), "{sweep:?}");
    let sweep = scene.sweep("back", false).await;
    assert_eq!(sweep.last_found, 1, "our own writes are no changes: {sweep:?}");
    for (id, twin) in &linked[..3] {
        assert_eq!((field(&scene, id, "mx_City"), field(&scene, twin, "mx_City")), pune());
    }
    assert_eq!(field(&scene, &linked[4].0, "mx_City"), "Goa");
    assert_eq!(scene.there.find_leads("EmailAddress", "bela@example.com").len(), 1);
    let (after, differing) = scene.compare("there").await;
    assert_eq!((after.linked, after.agree, after.differ), (7, 7, 0), "{after:?} {differing:?}");
    assert_eq!(after.percent(), "100%");
    // Nothing is found twice.
    assert_eq!(scene.sweep("there", false).await.last_found, 0);
    let requests = scene.find(Filter::default()).await.len();
    assert_eq!(requests, 6 + 2, "one request of each sweep that found something");
    scene.stop().await;
}

fn pune() -> (String, String) {
    ("Pune".to_owned(), "Pune".to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_webhook_reported_is_not_swept() {
    let (mut scene, linked) = pair_of(2).await;
    // One that can't be synced, and one that is.
    let refused = [("FirstName", "No key")];
    scene.here.create_lead(&refused).expect("a new lead");
    scene.here.edit_lead(&linked[0].0, &[("mx_City", "Pune")]).expect("an edit");
    for posted in captured(&scene.here).await.into_iter().skip(2) {
        let request = scene.post_to("there", posted).await;
        scene.ended(request).await;
    }
    let sweep = scene.sweep("there", false).await;
    assert_eq!(sweep.last_found, 0, "{sweep:?}");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_begins_by_itself() {
    let (mut scene, linked) = pair_of(1).await;
    // It begins to sweep when it starts.
    scene.advance(SignedDuration::from_secs(4));
    let connector = scene.connector_id("there").await;
    let swept = async |scene: &Scene| scene.store.sweep(connector).await.expect("the store");
    while swept(&scene).await.is_none() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    scene.here.edit_lead(&linked[0].0, &[("mx_City", "Pune")]).expect("an edit");
    let rounds = async |scene: &Scene, least: u64| loop {
        let sweep = swept(scene).await.expect("it began");
        if sweep.rounds >= least {
            return sweep;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    scene.advance(SignedDuration::from_mins(5));
    let first = rounds(&scene, 1).await;
    assert_eq!(first.found, 1, "it is five minutes old by our clock");
    for request in scene.find(Filter::default()).await {
        scene.ended(request.id).await;
    }
    assert_eq!(field(&scene, &linked[0].1, "mx_City"), "Pune");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mass_change_waits_until_it_is_confirmed() {
    let (mut scene, linked) = pair_of(120).await;
    for (id, _) in &linked {
        scene.here.edit_lead(id, &[("mx_City", "Pune")]).expect("an edit");
    }
    let sweep = scene.sweep("there", false).await;
    assert_eq!((sweep.held, sweep.rounds), (Some(120), 0), "{sweep:?}");
    assert_eq!(field(&scene, &linked[0].1, "mx_City"), "");
    let sweep = scene.sweep("there", true).await;
    assert_eq!((sweep.held, sweep.last_found), (None, 120), "{sweep:?}");
    assert_eq!(field(&scene, &linked[119].1, "mx_City"), "Pune");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn activities_that_no_webhook_reported_are_swept_once() {
    let settings = r#""catch_up":{"sweep":true},"activity":{"enabled":true}"#;
    let mut scene = Scene::new(settings).await;
    scene.work();
    let fields = [("FirstName", "Asha"), ("EmailAddress", "asha@example.com")];
    let id = scene.here.create_lead(&fields).expect("a new lead");
    let lead = json!({"ProspectID": id, "FirstName": "Asha", "EmailAddress": "asha@example.com"});
    let request = scene.post(&lead).await;
    let item = scene.ends_as(request, Event::New).await;
    let twin = item.records[0].destination_id.clone().expect("its twin");
    for note in ["called", "called again"] {
        scene.here.create_activity(&id, 201, note, &[]).expect("an activity");
    }
    scene.next_second().await;
    scene.sweep("there", false).await;
    let notes = |scene: &Scene| {
        let found = scene.there.activities(&twin).into_iter();
        let mut notes: Vec<String> = found.map(|(_, note, _)| note).collect();
        notes.sort_unstable();
        notes
    };
    assert_eq!(notes(&scene), ["called", "called again"]);
    scene.sweep("there", false).await;
    assert_eq!(notes(&scene).len(), 2, "each once");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_leaves_the_filter_or_enters_it_is_swept() {
    // What the filter uses is not mapped.
    let settings = r#""filter":{"all":[{"field":"mx_City","equals":"Pune"}]},
        "lead":{"field":[{"from":"FirstName","to":"FirstName"},
                         {"from":"EmailAddress","to":"EmailAddress"}]},
        "catch_up":{"sweep":true}"#;
    let (mut scene, id) = one_synced(settings).await;
    for (city, event) in [("Goa", Event::Skipped), ("Pune", Event::Unchanged)] {
        scene.next_second().await;
        scene.here.edit_lead(&id, &[("mx_City", city)]).expect("an edit");
        let sweep = scene.sweep("there", false).await;
        assert_eq!(sweep.last_found, 1, "{city}: {sweep:?}");
        let swept = from(&scene, Origin::Sweep).await;
        assert_eq!(swept[0].records[0].event, event, "{city}: {swept:#?}");
        assert_eq!(scene.sweep("there", false).await.last_found, 0, "{city}: once");
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leads_that_are_left_alone_by_the_settings_are_no_mass_change() {
    let settings = r#""lead":{"behaviour":"create_only"},"catch_up":{"sweep":true}"#;
    let (mut scene, id) = one_synced(settings).await;
    scene.next_second().await;
    scene.here.edit_lead(&id, &[("FirstName", "Usha")]).expect("an edit");
    let sweep = scene.sweep("there", false).await;
    assert_eq!(sweep.last_found, 0, "{sweep:?}");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_of_activities_that_cannot_be_read_does_not_hold_up_leads() {
    let settings = r#""catch_up":{"sweep":true},"activity":{"enabled":true}"#;
    let (mut scene, id) = one_synced(settings).await;
    scene.next_second().await;
    scene.here.edit_lead(&id, &[("FirstName", "Usha")]).expect("an edit");
    scene.here.create_activity(&id, 201, "called", &[]).expect("an activity");
    scene
        .here
        .put_fault(Fault::always(Trouble::Html500).of("CustomActivity/RetrieveByActivityEvent"));

    let connector = scene.connector_id("there").await;
    let now = scene.clock()();
    scene
        .store
        .ask_for_sweep((connector, "there"), false, &actor(), now)
        .await
        .expect("it is asked");
    let sweep = loop {
        scene.advance(SignedDuration::from_mins(5));
        tokio::time::sleep(Duration::from_millis(100)).await;
        let sweep = scene.store.sweep(connector).await.expect("the store").expect("it is kept");
        if sweep.rounds > 0 {
            break sweep;
        }
    };
    assert_eq!(sweep.found, 1, "the lead: {sweep:?}");
    assert!(sweep.behind.contains_key(&201) && sweep.problem.is_some(), "{sweep:?}");
    let notices = scene.store.catch_up_notices().await.expect("the store");
    assert!(matches!(notices[0].news, CatchUpNews::Failing(_)), "{notices:?}");

    // The activity is older than the round that could not read it.
    scene.here.clear_faults();
    scene.advance(SignedDuration::from_hours(2));
    let sweep = scene.sweep("there", false).await;
    assert_eq!((sweep.behind.len(), sweep.problem), (0, None));
    let twin = scene.there.find_leads("EmailAddress", "asha@example.com").remove(0);
    assert_eq!(scene.there.activities(&twin).len(), 1);
    assert_eq!(field(&scene, &twin, "FirstName"), "Usha");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_that_is_held_is_asked_for_only_by_confirming() {
    let (mut scene, linked) = pair_of(120).await;
    for (id, _) in &linked {
        scene.here.edit_lead(id, &[("mx_City", "Pune")]).expect("an edit");
    }
    scene.sweep("there", false).await;
    let connector = scene.connector_id("there").await;
    let now = scene.clock()();
    let asked = scene.store.ask_for_sweep((connector, "there"), false, &actor(), now).await;
    assert!(matches!(asked, Err(store::Error::Refused(_))), "{asked:?}");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_an_account_that_refuses_its_keys_is_told_why() {
    let (mut scene, _) = pair_of(1).await;
    let plan = AccountPlan::Quota(unlimited());
    scene.put_account_as("there", &scene.there.url(), "wrong", plan).await;
    let (connector, now) = (scene.connector_id("there").await, scene.clock()());
    scene.store.ask_for_parity((connector, "there"), &actor(), now).await.expect("it is asked");
    let of = Backfilled::default();
    scene.store.ask_for_plan((connector, "there"), &of, &actor(), now).await.expect("it is asked");
    let deadline = Instant::now() + SOON;
    loop {
        scene.advance(SignedDuration::from_secs(4));
        tokio::time::sleep(Duration::from_millis(20)).await;
        let compared = scene.store.parity(connector).await.expect("the store").problem;
        let counted = scene.store.planning(connector).await.expect("the store").problem;
        if let (Some(one), Some(other)) = (&compared, &counted) {
            assert_eq!([one.code.as_str(), other.code.as_str()], ["credentials"; 2]);
            break;
        }
        assert!(Instant::now() < deadline, "{compared:?} {counted:?}");
    }
    // Once it takes them again, both go on by themselves.
    scene.put_account(&scene.there, plan).await;
    let deadline = Instant::now() + SOON;
    loop {
        scene.advance(SignedDuration::from_secs(4));
        tokio::time::sleep(Duration::from_millis(20)).await;
        let compared = scene.store.parity(connector).await.expect("the store");
        let counted = scene.store.planning(connector).await.expect("the store");
        if compared.asked_at.is_none() && counted.asked_at.is_none() {
            assert!(compared.parity.is_some() && counted.plan.is_some());
            break;
        }
        assert!(Instant::now() < deadline, "{compared:?} {counted:?}");
    }
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_brings_activities_once_their_leads_are_synced() {
    let mut scene = Scene::new(r#""activity":{"enabled":true}"#).await;
    let mut leads = Vec::new();
    for n in 0..60 {
        let email = format!("lead{n}@example.com");
        let fields = [("FirstName", "Asha"), ("EmailAddress", &*email)];
        let id = scene.here.create_lead(&fields).expect("a new lead");
        scene.here.create_activity(&id, 201, &email, &[]).expect("an activity");
        leads.push(email);
    }
    scene.work();
    let connector = scene.connector_id("there").await;
    let backfill = async |scene: &Scene| {
        let of = Backfilled { activities: true, ..Backfilled::default() };
        let name = "there".to_owned();
        let new = NewBackfill { connector, name, of, expected: None };
        let begun = scene.store.begin_backfill(&new, &actor(), scene.now()).await;
        let id = begun.expect("it begins").id;
        scene.advance(SignedDuration::from_secs(4));
        loop {
            let found = scene.store.backfill(id).await.expect("the store").expect("it is there");
            if found.state.is_over() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let done = backfill(&scene).await;
    assert_eq!((done.read, done.activities, done.new), (60, 60, 120), "{done:?}");
    let notes = |scene: &Scene| -> Vec<usize> {
        let found = leads.iter().map(|email| {
            let id = scene.there.find_leads("EmailAddress", email).remove(0);
            let notes = scene.there.activities(&id);
            assert!(notes.iter().all(|(event, note, _)| (*event, note) == (201, email)));
            notes.len()
        });
        found.collect()
    };
    assert_eq!(notes(&scene), [1; 60]);
    let again = backfill(&scene).await;
    assert_eq!((again.unchanged, again.new), (120, 0), "{again:?}");
    assert_eq!(notes(&scene), [1; 60], "each once");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mass_change_that_webhooks_bring_waits_until_it_is_confirmed() {
    let (mut scene, linked) = pair_of(140).await;
    let connector = scene.connector_id("there").await;
    let held = async |scene: &Scene| {
        let found = scene.store.mass_changes(&[connector]).await.expect("the store");
        found.first().map(|(_, kept)| *kept).unwrap_or_default()
    };
    // What leads the destination has is to be known first.
    scene.advance(SignedDuration::from_mins(1));
    let there = scene.account_id("there").await;
    let deadline = Instant::now() + SOON;
    while !scene.has_directory(there).await {
        assert!(Instant::now() < deadline, "the account is not read");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let edit = async |scene: &Scene, some: &[(String, String)]| {
        let mut requests = Vec::new();
        for (id, _) in some {
            scene.here.edit_lead(id, &[("mx_City", "Pune")]).expect("an edit");
            let lead = json!({ "Current": scene.here.lead(id) });
            requests.push(scene.post_to("there", lead.to_string()).await);
        }
        requests
    };
    for request in edit(&scene, &linked[..100]).await {
        scene.ended(request).await;
    }
    assert_eq!(held(&scene).await.held_at, None, "as few as these are never held");
    for request in edit(&scene, &linked[100..101]).await {
        scene.ended(request).await;
    }
    let deadline = Instant::now() + SOON;
    while held(&scene).await.held_at.is_none() {
        assert!(Instant::now() < deadline, "it is not held");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(held(&scene).await.changes, 101);
    let notices = scene.store.catch_up_notices().await.expect("the store");
    assert_eq!(notices[0].news, CatchUpNews::Arrived(101));
    let waiting = edit(&scene, &linked[101..]).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(scene.item(waiting[0]).await.finished_at.is_none(), "it waits");
    assert_eq!(field(&scene, &linked[101].1, "mx_City"), "");

    let now = scene.now();
    scene.store.confirm_mass_change((connector, "there"), &actor(), now).await.expect("it is held");
    scene.advance(SignedDuration::from_secs(4));
    for request in waiting {
        scene.ends_as(request, Event::Updated).await;
    }
    assert_eq!(held(&scene).await.held_at, None, "it was confirmed");
    scene.stop().await;
}

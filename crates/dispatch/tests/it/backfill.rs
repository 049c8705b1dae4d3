//! Leads that the source had before the connector are read from it and synced.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use plan::backfill::{BackfillPlan, BackfillState, Backfilled};
use plan::outcome::Event;
use sandbox::Plan;
use serde_json::json;
use store::{AccountPlan, Actor, Backfill, Change, Filter, NewBackfill};

use crate::scene::{SOON, Scene, unlimited};

fn actor() -> Actor {
    Actor("test".to_owned())
}

impl Scene {
    async fn begin(&self, of: Backfilled) -> Backfill {
        let configuration = self.store.configuration().await.expect("the configuration");
        let connector = configuration.connector("there").expect("the connector").id;
        let new = NewBackfill { connector, name: "there".to_owned(), of, expected: None };
        self.store.begin_backfill(&new, &actor(), self.now()).await.expect("it begins")
    }

    async fn backfilled(&self, id: i64) -> Backfill {
        loop {
            let found = self.store.backfill(id).await.expect("the store").expect("it is there");
            if found.state.is_over() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn email(n: usize) -> String {
    format!("lead{n}@example.com")
}

fn fill(scene: &Scene, count: usize) {
    for n in 0..count {
        let city = if n % 4 == 0 { "Agra" } else { "Pune" };
        let fields = [("EmailAddress", &*email(n)), ("mx_City", city), ("LastName", "Rao")];
        scene.here.create_lead(&fields).expect("a lead");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_lead_of_the_source_is_synced_once() {
    const LEADS: usize = 1_100;
    let mut scene = Scene::new("").await;
    fill(&scene, LEADS);
    for n in 0..50 {
        let fields = [("EmailAddress", &*email(n)), ("LastName", "Nair")];
        scene.there.create_lead(&fields).expect("a lead");
    }
    scene.work();
    let begun = scene.begin(Backfilled::default()).await;
    let done = scene.backfilled(begun.id).await;
    assert_eq!(done.state, BackfillState::Done);
    assert_eq!((done.read, done.new, done.updated), (1_100, 1_050, 50), "{done:?}");
    assert_eq!((done.left_out, done.failed, done.waiting), (0, 0, 0), "{done:?}");
    assert_eq!(scene.there.lead_count(), LEADS);
    for n in [0, 49, 50, 1_099] {
        let found = scene.there.find_leads("EmailAddress", &email(n));
        let lead = scene.there.lead(&found[0]).expect("it");
        assert_eq!(lead["LastName"].as_deref(), Some("Rao"));
    }
    let of_it = Filter { backfill: Some(begun.id), ..Filter::default() };
    assert_eq!(scene.find(of_it).await.len(), 22, "50 leads a request");
    let again = scene.begin(Backfilled::default()).await;
    let again = scene.backfilled(again.id).await;
    assert_eq!((again.unchanged, again.new, again.updated), (1_100, 0, 0), "{again:?}");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_leads_that_pass_the_filters_are_synced() {
    let mut scene = Scene::new(r#""filter":{"all":[{"field":"mx_City","equals":"Agra"}]}"#).await;
    fill(&scene, 40);
    scene.work();
    let filter = json!({"any": [{"field": "EmailAddress", "contains": "lead1"}]});
    let of = Backfilled {
        filter: serde_json::from_value(filter).expect("a filter"),
        ..Backfilled::default()
    };
    let done = scene.backfilled(scene.begin(of).await.id).await;
    // 12 and 16.
    assert_eq!((done.read, done.left_out, done.new), (40, 38, 2), "{done:?}");
    assert_eq!(scene.there.lead_count(), 2);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_leads_that_were_modified_since_are_synced() {
    let mut scene = Scene::new("").await;
    fill(&scene, 10);
    scene.next_second().await;
    let since = scene.now();
    let id = scene.here.find_leads("EmailAddress", &email(3)).remove(0);
    scene.here.edit_lead(&id, &[("mx_City", "Goa")]).expect("an edit");
    scene.work();
    let of = Backfilled { since: Some(since), ..Backfilled::default() };
    let done = scene.backfilled(scene.begin(of).await.id).await;
    assert_eq!((done.read, done.new), (1, 1), "{done:?}");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_backfill_goes_on_where_it_was() {
    let mut scene = Scene::new("").await;
    fill(&scene, 1_200);
    let begun = scene.begin(Backfilled::default()).await;
    let set = async |scene: &Scene, state| {
        scene.store.set_backfill(begun.id, state, &actor(), scene.now()).await.expect("it is set")
    };
    set(&scene, BackfillState::Paused).await;
    scene.work();
    let live = json!({"ProspectID": "live", "EmailAddress": "live@example.com"});
    let request = scene.post(&live).await;
    scene.ends_as(request, Event::New).await;
    assert_eq!(scene.there.lead_count(), 1, "nothing was read");
    set(&scene, BackfillState::Running).await;
    loop {
        let found = scene.store.backfill(begun.id).await.expect("the store").expect("it is there");
        if found.read > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The service is stopped and started.
    scene.stop().await;
    scene.work();
    let done = scene.backfilled(begun.id).await;
    assert_eq!((done.read, done.new, done.failed), (1_200, 1_200, 0), "{done:?}");
    assert_eq!(scene.there.lead_count(), 1_201, "none twice");
    scene.stop().await;
}

/// Of the day a fifth is left for what is live, also while a backfill is paused, and for a live change of
/// a lead that the backfill has read.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_live_goes_on_where_a_backfill_has_used_its_share_of_the_day() {
    let quota = plan::quota::Quota { daily: 40, ..unlimited() };
    let settings = r#""lead":{"trigger_automations":true}"#;
    let mut scene = Scene::with(settings, AccountPlan::Quota(quota), Plan::Unlimited).await;
    fill(&scene, 100);
    scene.work();
    let begun = scene.begin(Backfilled::default()).await;
    // Each lead takes a call of its own, and 32 are for the backfill.
    loop {
        let found = scene.store.backfill(begun.id).await.expect("the store").expect("it is there");
        if scene.there.calls().total >= 32 && found.waiting > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(scene.there.calls().total <= 34, "{:?}", scene.there.calls());
    let live = json!({"ProspectID": "live", "EmailAddress": "live@example.com"});
    let request = scene.post(&live).await;
    scene.ends_as(request, Event::New).await;
    let paused = BackfillState::Paused;
    scene.store.set_backfill(begun.id, paused, &actor(), scene.now()).await.expect("it is set");
    let live = json!({"ProspectID": "live2", "EmailAddress": "live2@example.com"});
    let request = scene.post(&live).await;
    scene.ends_as(request, Event::New).await;
    // A lead that waits for the backfill's share is synced with its live change.
    let missing = (0..100).find(|n| scene.there.find_leads("EmailAddress", &email(*n)).is_empty());
    let missing = missing.expect("the backfill is not through");
    let id = scene.here.find_leads("EmailAddress", &email(missing)).remove(0);
    let live = json!({"ProspectID": id, "EmailAddress": email(missing), "mx_City": "Goa"});
    let request = scene.post(&live).await;
    let item = scene.ended(request).await;
    assert_ne!(item.records[0].event, Event::Failed, "{item:#?}");
    let found = scene.there.find_leads("EmailAddress", &email(missing));
    assert_eq!(scene.there.lead(&found[0]).expect("it")["mx_City"].as_deref(), Some("Goa"));
    scene.stop().await;
}

/// However many live changes wait, a backfill gets one call of twenty.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_live_changes_does_not_stop_a_backfill() {
    const LIVE: usize = 200;
    let quota = plan::quota::Quota { calls: 20, bulk_calls: 20, ..unlimited() };
    let settings = r#""lead":{"trigger_automations":true}"#;
    let mut scene = Scene::with(settings, AccountPlan::Quota(quota), Plan::Unlimited).await;
    fill(&scene, 30);
    for n in 0..LIVE {
        let live = json!({"ProspectID": format!("live-{n}"), "EmailAddress": format!("live{n}@example.com")});
        scene.post(&live).await;
    }
    scene.begin(Backfilled::default()).await;
    scene.work();
    let count = |name: fn(usize) -> String, most: usize| {
        (0..most).filter(|n| !scene.there.find_leads("EmailAddress", &name(*n)).is_empty()).count()
    };
    let live: fn(usize) -> String = |n| format!("live{n}@example.com");
    while count(live, LIVE) < LIVE * 3 / 4 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let backfilled = count(email, 30);
    assert!((2..30).contains(&backfilled), "{backfilled} of the backfill while live changes wait");
    scene.stop().await;
}

/// A field that the source does not have must not let every lead pass.
#[tokio::test(flavor = "multi_thread")]
async fn a_condition_on_an_unknown_field_lets_no_lead_pass() {
    let mut scene = Scene::new("").await;
    fill(&scene, 10);
    scene.work();
    let filter = json!({"all": [{"field": "mx_Citty", "equals": "Pune"}]});
    let of = Backfilled {
        filter: serde_json::from_value(filter).expect("a filter"),
        ..Backfilled::default()
    };
    let done = scene.backfilled(scene.begin(of).await.id).await;
    assert_eq!((done.read, done.left_out), (10, 10), "{done:?}");
    assert_eq!(scene.there.lead_count(), 0);
    scene.stop().await;
}

impl Scene {
    /// What a backfill of these leads would do.
    async fn count(&self, of: Backfilled) -> BackfillPlan {
        let configuration = self.store.configuration().await.expect("the configuration");
        let connector = configuration.connector("there").expect("the connector").id;
        let (which, now) = ((connector, "there"), self.now());
        self.store.ask_for_plan(which, &of, &actor(), now).await.expect("it is asked for");
        self.advance(SignedDuration::from_secs(4));
        let deadline = Instant::now() + SOON;
        loop {
            let planning = self.store.planning(connector).await.expect("the store");
            if planning.asked_at.is_none() {
                assert_eq!(planning.plan_of, Some(of));
                return planning.plan.expect("it ended");
            }
            assert!(Instant::now() < deadline, "it stays {planning:#?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_says_what_the_backfill_then_does() {
    let mut scene = Scene::new("").await;
    let lead = |n: usize| {
        [("FirstName", "Asha"), ("EmailAddress", format!("lead{n}@example.com").leak() as &str)]
    };
    for n in 0..20 {
        scene.here.create_lead(&lead(n)).expect("a lead");
    }
    // Of those that both have, five are equal, two have another name and one lacks it.
    for n in 0..5 {
        scene.there.create_lead(&lead(n)).expect("a lead");
    }
    for (n, name) in [(5, "Usha"), (6, "A. Rao"), (7, "")] {
        let fields = [("FirstName", name), ("LastName", "Rao"), lead(n)[1]];
        scene.there.create_lead(&fields).expect("a lead");
    }
    scene.there.create_lead(&[("EmailAddress", "other@example.com")]).expect("a lead");
    scene.work();
    let plan = scene.count(Backfilled::default()).await;
    let counts = [plan.leads, plan.new, plan.linked, plan.equal, plan.differing, plan.there];
    assert_eq!(counts, [20, 12, 8, 5, 3, 9], "{plan:?}");
    assert_eq!(plan.fields, [("FirstName".to_owned(), 3)].into());
    assert_eq!(scene.there.lead_count(), 9, "nothing was written");
    let done = scene.backfilled(scene.begin(Backfilled::default()).await.id).await;
    // One call finds a lead by its key and writes it, equal or not.
    assert_eq!((done.new, done.updated, done.unchanged), (12, 8, 0), "{done:?}");
    let plan = scene.count(Backfilled::default()).await;
    let counts = [plan.leads, plan.unchanged, plan.updated, plan.new, plan.linked];
    assert_eq!(counts, [20, 20, 0, 0, 0], "{plan:?}");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_leads_of_a_disabled_connector_can_be_counted() {
    let mut scene = Scene::new("").await;
    scene.here.create_lead(&[("EmailAddress", "asha@example.com")]).expect("a lead");
    let name = "there".to_owned();
    scene.change(Change::SetEnabled { name, enabled: false }).await;
    scene.work();
    let since = Some(scene.now() - SignedDuration::from_hours(1));
    let plan = scene.count(Backfilled { since, ..Backfilled::default() }).await;
    assert_eq!((plan.leads, plan.new, plan.there), (1, 1, 0), "{plan:?}");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_goes_by_one_version_of_the_settings() {
    let mut scene = Scene::new("").await;
    fill(&scene, 40);
    scene.here.set_latency(Duration::from_millis(400));
    scene.work();
    let configuration = scene.store.configuration().await.expect("the configuration");
    let connector = configuration.connector("there").expect("the connector").id;
    let (of, now) = (Backfilled::default(), scene.now());
    scene.store.ask_for_plan((connector, "there"), &of, &actor(), now).await.expect("it is asked");
    scene.advance(SignedDuration::from_secs(4));
    let planning = async |scene: &Scene| scene.store.planning(connector).await.expect("the store");
    // A page of leads was counted by the first settings.
    while planning(&scene).await.read < 40 {
        assert!(planning(&scene).await.asked_at.is_some(), "it has not ended");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    scene.put_connector(crate::scene::connector(r#""lead":{"behaviour":"do_nothing"}"#)).await;
    let deadline = Instant::now() + SOON;
    while planning(&scene).await.asked_at.is_some() {
        assert!(Instant::now() < deadline, "it does not end");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let plan = planning(&scene).await.plan.expect("it ended");
    assert_eq!((plan.leads, plan.skipped, plan.new), (40, 40, 0), "{plan:?}");
    let configuration = scene.store.configuration().await.expect("the configuration");
    assert_eq!(plan.version, configuration.connector("there").expect("the connector").version);
    scene.stop().await;
}

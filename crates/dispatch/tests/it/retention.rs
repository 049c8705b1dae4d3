//! What is old, or too much, is deleted while the dispatcher works.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dispatch::Clock;
use dispatch::retention::{Options, Pruner};
use jiff::SignedDuration;
use plan::outcome::Event;
use serde_json::json;
use store::Filter;

use crate::scene::{SOON, Scene};

/// A pruner on the scene's store, whose clock is this much ahead.
fn pruner(scene: &Scene, ahead: SignedDuration, options: &Options) -> Pruner {
    let (clock, options) = (scene.clock(), options.clone());
    let clock: Clock = Arc::new(move || clock() + ahead);
    let options = Options { every: Duration::from_millis(20), ..options };
    Pruner::start(scene.store.clone(), clock, options)
}

async fn left(scene: &Scene, wanted: usize) {
    let begun = Instant::now();
    loop {
        let found = scene.find(Filter::default()).await.len();
        if found == wanted {
            return;
        }
        assert!(begun.elapsed() < SOON, "{found} requests are left, not {wanted}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn synced(scene: &Scene) {
    let id = scene.post(&json!({ "ProspectID": "a", "EmailAddress": "a@example.com" })).await;
    scene.ends_as(id, Event::New).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_kept_for_so_many_days() {
    let mut scene = Scene::at_work("").await;
    synced(&scene).await;
    let pruner = pruner(&scene, SignedDuration::from_hours(91 * 24), &Options::default());
    left(&scene, 0).await;
    pruner.stop().await;
    // The link stays, so that the lead is known.
    let id = scene.post(&json!({ "ProspectID": "a", "EmailAddress": "a@example.com" })).await;
    scene.ends_as(id, Event::Unchanged).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_are_deleted_above_a_size() {
    let mut scene = Scene::at_work("").await;
    synced(&scene).await;
    let options = Options { days: None, bytes: Some(1), ..Options::default() };
    // The last hour is kept in any case.
    let early = pruner(&scene, SignedDuration::ZERO, &options);
    tokio::time::sleep(Duration::from_millis(300)).await;
    early.stop().await;
    left(&scene, 1).await;
    let late = pruner(&scene, SignedDuration::from_hours(2), &options);
    left(&scene, 0).await;
    late.stop().await;
    scene.stop().await;
}

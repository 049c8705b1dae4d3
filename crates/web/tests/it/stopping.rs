//! The end.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::harness::start;
use crate::wire::{PATIENCE, get, post};

#[tokio::test]
async fn what_is_under_way_is_finished_and_idle_connections_do_not_hold_it_up() {
    let house = start(web::Limits::default()).await;
    let mut idle = house.wire().await;
    idle.send(get("/healthz")).await;
    assert_eq!(idle.answer().await.unwrap().status, 200);
    house.intake.hold();
    let mut wire = house.wire().await;
    wire.send(post(&house.hook, "[1]")).await;
    house.intake.until("a commit began", |intake| intake.asked.load(Ordering::SeqCst) == 1).await;
    house.stop.cancel();
    assert!(idle.answer().await.is_none(), "an idle connection is closed");
    house.intake.gate.add_permits(1_000);
    assert_eq!(wire.answer().await.unwrap().status, 200);
    assert_eq!(house.kept().await, ["[1]"]);
    house.end().await;
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut() {
    let limits = web::Limits { farewell: Duration::from_millis(200), ..web::Limits::default() };
    let house = start(limits).await;
    let mut wire = house.wire().await;
    wire.send(format!(
        "POST {} HTTP/1.1\r\nHost: leadsync.example\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n",
        house.hook
    ))
    .await;
    // The server asks for the body, so it is in the midst of the request.
    assert_eq!(wire.answer().await.unwrap().status, 100);
    house.stop.cancel();
    assert!(tokio::time::timeout(PATIENCE, wire.answer()).await.unwrap().is_none());
    house.end().await;
}

//! What is not taken, and what the sender is told.

use std::sync::atomic::Ordering;
use std::time::Duration;

use store::Origin;

use crate::harness::{House, start};
use crate::wire::{get, post};

#[tokio::test]
async fn an_unknown_token_is_not_found_and_nothing_is_kept() {
    let house = start(web::Limits::default()).await;
    for path in ["/hooks/nobody", "/hooks/", "/hooks/a/b", "/elsewhere"] {
        let mut wire = house.wire().await;
        wire.send(post(path, r#"{"a":1}"#)).await;
        assert_eq!(wire.answer().await.unwrap().status, 404, "{path}");
    }
    assert!(house.kept().await.is_empty());
    house.end().await;
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_refused_and_its_beginning_kept() {
    let house = start(web::Limits::default()).await;
    let mut wire = house.wire().await;
    let length = 2 * 1024 * 1024 + 1;
    wire.send(format!(
        "POST {} HTTP/1.1\r\nHost: leadsync.example\r\nContent-Length: {length}\r\n\r\n{}",
        house.hook,
        "x".repeat(9_000)
    ))
    .await;
    let answer = wire.answer().await.unwrap();
    assert_eq!(answer.status, 413, "{answer:?}");
    assert!(answer.body.contains("The body is larger than 2 MiB."), "{answer:?}");
    assert!(wire.answer().await.is_none(), "the connection is of no more use");
    assert_eq!(house.kept().await, ["x".repeat(8 * 1024)]);
    let origin = only_origin(&house).await;
    assert_eq!((origin.bytes, origin.most), (2_097_153, 2_097_152));
    assert!(origin.sender.is_loopback() && origin.on_behalf_of.is_none(), "{origin:?}");
    house.end().await;
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_and_does_not_come_is_refused_too() {
    let limits = web::Limits { body: Duration::from_millis(50), ..web::Limits::default() };
    let house = start(limits).await;
    let mut wire = house.wire().await;
    let head = "HTTP/1.1\r\nHost: leadsync.example\r\nContent-Length: 99999999999\r\n\r\n{";
    wire.send(format!("POST {} {head}", house.hook)).await;
    assert_eq!(wire.answer().await.unwrap().status, 413);
    assert_eq!(house.kept().await, ["{"]);
    assert_eq!(only_origin(&house).await.bytes, 99_999_999_999);
    house.end().await;
}

#[tokio::test]
async fn a_body_of_unknown_length_is_refused_once_it_is_too_large() {
    let limits = web::Limits { longest_body: 100_000, ..web::Limits::default() };
    let house = start(limits).await;
    let mut wire = house.wire().await;
    let head = "HTTP/1.1\r\nHost: leadsync.example\r\nX-Forwarded-For: 10.0.0.9, 203.0.113.7\r\nTransfer-Encoding: chunked\r\n\r\n";
    wire.send(format!("POST {} {head}", house.hook)).await;
    let chunk = "x".repeat(50_000);
    wire.send(format!("C350\r\n{chunk}\r\nC350\r\n{chunk}\r\n1\r\nx\r\n")).await;
    let answer = wire.answer().await.unwrap();
    assert_eq!(answer.status, 413);
    assert!(answer.body.contains("The body is larger than 100000 bytes."), "{answer:?}");
    assert_eq!(house.kept().await, ["x".repeat(8 * 1024)]);
    let origin = only_origin(&house).await;
    assert_eq!(origin.bytes, 100_001);
    assert_eq!(origin.on_behalf_of, Some([203, 0, 113, 7].into()), "what the nearest proxy says");
    house.end().await;
}

/// What is known of the only delivery, which was too long.
async fn only_origin(house: &House) -> store::TooLong {
    let page = store::Page { limit: 2, after: None };
    let (requests, _) = house.store.requests(&store::Filter::default(), &page).await.unwrap();
    let [request] = requests.as_slice() else { panic!("{requests:#?}") };
    let delivery = house.store.delivery(request.id).await.unwrap().unwrap();
    match delivery.origin {
        Origin::TooLong(too_long) => too_long,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_body_of_the_largest_size_is_taken() {
    let house = start(web::Limits::default()).await;
    let mut wire = house.wire().await;
    let body = format!("\"{}\"", "x".repeat(2 * 1024 * 1024 - 6));
    wire.send(post(&house.hook, &format!("[{body}]"))).await;
    assert_eq!(wire.answer().await.unwrap().status, 200);
    house.end().await;
}

#[tokio::test]
async fn a_store_that_fails_means_try_again_until_it_works() {
    let house = start(web::Limits::default()).await;
    let mut wire = house.wire().await;
    // Once it answers, it has read its connectors.
    wire.send(get(&house.hook)).await;
    assert_eq!(wire.answer().await.unwrap().status, 200);
    house.intake.broken.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        wire.send(post(&house.hook, r#"{"a":1}"#)).await;
        let answer = wire.answer().await.unwrap();
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.head.contains("retry-after: "), "{answer:?}");
    }
    house.break_table("counter").await;
    wire.send(get("/readyz")).await;
    assert_eq!(wire.answer().await.unwrap().status, 503);
    wire.send(get("/healthz")).await;
    assert_eq!(wire.answer().await.unwrap().status, 200);

    house.mend_table("counter").await;
    house.intake.broken.store(false, Ordering::SeqCst);

    // What trying again does not mend is mended by somebody, so the sender tries again all the same.
    house.break_table("delivery").await;
    wire.send(post(&house.hook, r#"{"a":1}"#)).await;
    assert_eq!(wire.answer().await.unwrap().status, 503);
    house.mend_table("delivery").await;
    wire.send(post(&house.hook, "[1]")).await;
    assert_eq!(wire.answer().await.unwrap().status, 200);
    wire.send(get("/readyz")).await;
    assert_eq!(wire.answer().await.unwrap().status, 200);
    assert_eq!(house.kept().await, ["[1]"]);
    house.end().await;
}

#[tokio::test]
async fn a_url_that_can_not_be_looked_up_is_not_said_to_be_unknown() {
    let house = start(web::Limits::default()).await;
    let mut wire = house.wire().await;
    wire.send(get(&house.hook)).await;
    assert_eq!(wire.answer().await.unwrap().status, 200);
    house.break_table("counter").await;
    let mut statuses = Vec::new();
    // The first may still be answered from a look before the store broke.
    let refused = async {
        loop {
            wire.send(post("/hooks/just-made", r#"{"a":1}"#)).await;
            let Some(answer) = wire.answer().await else {
                wire = house.wire().await;
                continue;
            };
            statuses.push(answer.status);
            if answer.status == 503 {
                return;
            }
        }
    };
    let ended = tokio::time::timeout(crate::wire::PATIENCE, refused).await.is_ok();
    assert!(ended, "never 503 but {:?}", statuses.last());
    house.end().await;
}

#[tokio::test]
async fn more_than_may_wait_is_told_to_come_again() {
    let house = start(web::Limits { waiting: 1, ..web::Limits::default() }).await;
    house.intake.hold();
    let mut first = house.wire().await;
    first.send(post(&house.hook, "[1]")).await;
    house.intake.until("a commit began", |intake| intake.asked.load(Ordering::SeqCst) == 1).await;
    // One is under way and one may wait, so at least one of these is turned away.
    let (mut second, mut third) = (house.wire().await, house.wire().await);
    second.send(post(&house.hook, "[2]")).await;
    third.send(post(&house.hook, "[3]")).await;
    let (refused, mut kept) = tokio::select! {
        answer = second.answer() => (answer, third),
        answer = third.answer() => (answer, second),
    };
    let refused = refused.unwrap();
    assert_eq!(refused.status, 503, "{refused:?}");
    house.intake.gate.add_permits(1_000);
    assert_eq!(first.answer().await.unwrap().status, 200);
    assert_eq!(kept.answer().await.unwrap().status, 200);
    assert_eq!(house.kept().await.len(), 2);
    house.end().await;
}

#[tokio::test]
async fn bodies_that_are_still_coming_take_room_and_give_it_back() {
    let house = start(web::Limits { waiting_bytes: 16, ..web::Limits::default() }).await;
    let mut slow = house.wire().await;
    // In one piece, and on the older connection, so that it is read before any other's.
    let head =
        format!("POST {} HTTP/1.1\r\nHost: leadsync.example\r\nContent-Length: 12\r\n", house.hook);
    slow.send(format!("{head}\r\n[\"1234567")).await;
    // Its part is there once there is no room for another's.
    let refused = async {
        loop {
            let mut wire = house.wire().await;
            wire.send(post(&house.hook, "[\"1234567\"]")).await;
            let answer = wire.answer().await.unwrap();
            if answer.status == 503 {
                return;
            }
            assert_eq!(answer.status, 200, "{answer:?}");
        }
    };
    tokio::time::timeout(crate::wire::PATIENCE, refused).await.expect("no room at last");
    slow.send("8\"]").await;
    assert_eq!(slow.answer().await.unwrap().status, 200);
    let mut wire = house.wire().await;
    wire.send(post(&house.hook, "[\"1234567\"]")).await;
    assert_eq!(wire.answer().await.unwrap().status, 200, "the room is free again");
    house.end().await;
}

#[tokio::test]
async fn an_address_or_a_form_with_nul_is_invalid() {
    let house = start(web::Limits::default()).await;
    let form =
        "Origin: https://leadsync.example\r\nContent-Type: application/x-www-form-urlencoded";
    for request in [
        get("/sign-in?next=%00"),
        get("/requests/%00"),
        get("/api/v1/requests?q=%00"),
        format!(
            "POST /start HTTP/1.1\r\nHost: leadsync.example\r\n{form}\r\nContent-Length: 9\r\n\r\nemail=%00"
        ),
    ] {
        let mut wire = house.wire().await;
        wire.send(&request).await;
        let answer = wire.answer().await.unwrap();
        assert_eq!(answer.status, 400, "{request}: {answer:?}");
        assert!(answer.body.contains("NUL"), "{request}: {answer:?}");
    }
    house.end().await;
}

//! Clients that are slow, or go away.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::AsyncWriteExt;

use crate::harness::start;
use crate::wire::{PATIENCE, get, post};

fn hasty() -> web::Limits {
    let short = Duration::from_millis(200);
    web::Limits { head: short, body: short, ..web::Limits::default() }
}

#[tokio::test]
async fn a_header_that_never_ends_ends_the_connection() {
    let house = start(hasty()).await;
    let mut wire = house.wire().await;
    wire.send("POST /hooks/x HTTP/1.1\r\nHost").await;
    let answer = wire.answer().await;
    assert!(answer.as_ref().is_none_or(|answer| answer.status == 408), "{answer:?}");
    house.end().await;
}

#[tokio::test]
async fn a_body_that_never_ends_is_answered_408() {
    let house = start(hasty()).await;
    let mut wire = house.wire().await;
    let request = post(&house.hook, r#"{"a":1}"#);
    wire.send(&request[..request.len() - 2]).await;
    assert_eq!(wire.answer().await.unwrap().status, 408);
    assert!(wire.answer().await.is_none(), "the connection is of no more use");
    assert!(house.kept().await.is_empty());
    house.end().await;
}

#[tokio::test]
async fn half_a_request_leaves_nothing_behind() {
    let house = start(web::Limits::default()).await;
    let request = post(&house.hook, r#"{"a":1}"#);
    for cut in [5, request.len() - 20, request.len() - 1] {
        let mut wire = house.wire().await;
        wire.send(&request[..cut]).await;
        drop(wire);
    }
    let mut wire = house.wire().await;
    wire.send(post(&house.hook, "[2]")).await;
    assert_eq!(wire.answer().await.unwrap().status, 200);
    assert_eq!(house.kept().await, ["[2]"]);
    house.end().await;
}

#[tokio::test]
async fn whoever_hangs_up_after_the_body_is_still_kept() {
    let house = start(web::Limits::default()).await;
    for n in 1..=50 {
        let mut wire = house.wire().await;
        wire.send(post(&house.hook, &format!("[{n}]"))).await;
        drop(wire);
        let done =
            move |intake: &crate::harness::Faulty| intake.commits.load(Ordering::SeqCst) == n;
        house.intake.until(&format!("delivery {n} was kept"), done).await;
    }
    assert_eq!(house.kept().await.len(), 50);
    house.end().await;
}

#[tokio::test]
async fn whoever_hangs_up_during_the_commit_is_still_kept() {
    let house = start(web::Limits::default()).await;
    house.intake.hold();
    let mut wire = house.wire().await;
    wire.send(post(&house.hook, "[1]")).await;
    house.intake.until("a commit began", |intake| intake.asked.load(Ordering::SeqCst) == 1).await;
    drop(wire);
    house.intake.gate.add_permits(1_000);
    house.intake.until("it was kept", |intake| intake.commits.load(Ordering::SeqCst) == 1).await;
    assert_eq!(house.kept().await, ["[1]"]);
    house.end().await;
}

#[tokio::test]
async fn whoever_only_closes_the_own_side_is_answered() {
    let house = start(web::Limits::default()).await;
    house.intake.hold();
    let mut wire = house.wire().await;
    wire.send(post(&house.hook, "[1]")).await;
    house.intake.until("a commit began", |intake| intake.asked.load(Ordering::SeqCst) == 1).await;
    wire.close_own_side().await;
    house.intake.gate.add_permits(1_000);
    assert_eq!(wire.answer().await.expect("an answer").status, 200);
    house.end().await;
}

#[tokio::test]
async fn a_form_that_never_ends_is_answered_408() {
    let house = start(hasty()).await;
    let mut wire = house.wire().await;
    wire.send(half_a_form()).await;
    assert_eq!(wire.answer().await.unwrap().status, 408);
    assert!(wire.answer().await.is_none(), "the connection is of no more use");
    house.end().await;
}

#[tokio::test]
async fn half_open_forms_keep_nobody_out() {
    let most = 64;
    let house = start(web::Limits { connections: most, ..web::Limits::default() }).await;
    // Everybody else comes from the same address, as behind a proxy.
    let mut attackers = Vec::new();
    for _ in 0..2 * most {
        let mut wire = house.wire().await;
        wire.send(half_a_form()).await;
        attackers.push(wire);
    }
    for n in 0..most {
        let mut wire = house.wire().await;
        wire.send(post(&house.hook, &format!("[{n}]"))).await;
        assert_eq!(wire.answer().await.unwrap().status, 200);
        let mut wire = house.wire().await;
        wire.send(get("/healthz")).await;
        assert_eq!(wire.answer().await.unwrap().status, 200);
    }
    assert_eq!(house.kept().await.len(), most);
    house.end().await;
}

#[tokio::test]
async fn a_webhook_that_is_being_sent_keeps_its_place() {
    let most = 8;
    let house = start(web::Limits { connections: most, ..web::Limits::default() }).await;
    let mut sender = house.wire().await;
    let request = post(&house.hook, r#"{"a":1}"#);
    let (head, rest) = request.split_at(request.len() - 3);
    sender.send(head).await;
    // Once somebody else was answered, its head was read.
    let mut attackers = Vec::new();
    for _ in 0..3 * most {
        let mut wire = house.wire().await;
        wire.send(get("/healthz")).await;
        assert_eq!(wire.answer().await.unwrap().status, 200);
        attackers.push(wire);
    }
    sender.send(rest).await;
    assert_eq!(sender.answer().await.unwrap().status, 200);
    house.end().await;
}

#[tokio::test]
async fn a_response_that_nobody_reads_ends() {
    let unread = Duration::from_millis(200);
    let house = start(web::Limits { unread, ..web::Limits::default() }).await;
    let mut stream = tokio::net::TcpStream::connect(house.address).await.unwrap();
    let ended = async {
        // More responses than the buffers on the way can hold.
        let request = get("/console.css");
        while stream.write_all(request.as_bytes()).await.is_ok() {}
    };
    tokio::time::timeout(PATIENCE, ended).await.expect("the service hangs up");
    house.end().await;
}

fn half_a_form() -> &'static str {
    "POST /start HTTP/1.1\r\nHost: leadsync.example\r\nOrigin: https://leadsync.example\r\nContent-Length: 90\r\n\
     Content-Type: application/x-www-form-urlencoded\r\n\r\nemail=a"
}

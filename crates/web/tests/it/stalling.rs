//! Clients that are slow, or go away.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use crate::harness::start;
use crate::wire::{PATIENCE, Wire, get, post};

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

/// Senders keep up 500 webhooks a second, each on a connection of its own or on one that it keeps,
/// while more attackers than there are places come again and again: with half a form, half a head,
/// half a webhook of an unknown token, or without reading what they asked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_connections_lose_none_of_500_webhooks_a_second() {
    const SENDERS: usize = 20;
    const EACH: usize = 125;
    let most = 256;
    let limits = web::Limits { connections: most, ..web::Limits::default() };
    let house = Arc::new(start(limits).await);
    let stop = CancellationToken::new();
    let began = Arc::new(AtomicUsize::new(0));
    let attackers: Vec<_> = (0..most + most / 2)
        .map(|n| {
            let (address, stop, began) = (house.address, stop.clone(), Arc::clone(&began));
            tokio::spawn(async move {
                let attack = async {
                    loop {
                        attack(address, n, &began).await;
                    }
                };
                tokio::select! { () = attack => {}, () = stop.cancelled() => {} }
            })
        })
        .collect();
    // The senders begin when all places have been taken.
    while began.load(Ordering::SeqCst) < most + most / 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let house = Arc::clone(&house);
            tokio::spawn(async move {
                let mut due =
                    tokio::time::interval(Duration::from_millis(1_000 * SENDERS as u64 / 500));
                let mut kept = house.wire().await;
                for n in 0..EACH {
                    due.tick().await;
                    let webhook = post(&house.hook, &format!("[{sender},{n}]"));
                    if sender % 2 == 0 {
                        kept = house.wire().await;
                    }
                    let mut answer = exchanged(&mut kept, &webhook).await;
                    if answer.is_none() && sender % 2 == 1 {
                        // A connection that rests between two webhooks makes room for others: senders
                        // that keep theirs open a new one, as every HTTP client does.
                        kept = house.wire().await;
                        answer = exchanged(&mut kept, &webhook).await;
                    }
                    assert_eq!(answer, Some(200), "{sender} {n}");
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    stop.cancel();
    for attacker in attackers {
        attacker.await.unwrap();
    }
    let mut kept = house.kept().await;
    kept.sort();
    kept.dedup();
    assert_eq!(kept.len(), SENDERS * EACH, "each was kept, and once");
    assert!(began.load(Ordering::SeqCst) > 2 * most, "the attackers came again and again");
    Arc::into_inner(house).expect("nobody uses it any more").end().await;
}

/// The status of the answer to this request; `None` if the connection had ended.
async fn exchanged(wire: &mut Wire, request: &str) -> Option<u16> {
    wire.try_send(request).await.ok()?;
    wire.answer().await.map(|answer| answer.status)
}

/// One slow connection, until it is closed, or for a while.
async fn attack(address: std::net::SocketAddr, n: usize, began: &AtomicUsize) {
    let Ok(mut stream) = tokio::net::TcpStream::connect(address).await else { return };
    let bytes = match n % 4 {
        0 => half_a_form().to_owned(),
        1 => "POST /hooks/x HTTP/1.1\r\nHo".to_owned(),
        2 => {
            let webhook = post("/hooks/unknown", r#"{"a":1}"#);
            webhook[..webhook.len() - 3].to_owned()
        }
        _ => get("/console.css"),
    };
    if stream.write_all(bytes.as_bytes()).await.is_ok() {
        began.fetch_add(1, Ordering::SeqCst);
        // Those of the last kind read nothing; the others wait to be closed.
        let mut byte = [0; 1];
        let closed = async {
            if n % 4 == 3 {
                std::future::pending::<()>().await;
            } else {
                let _ = stream.read(&mut byte).await;
            }
        };
        let _ = tokio::time::timeout(Duration::from_millis(700), closed).await;
    } else {
        began.fetch_add(1, Ordering::SeqCst);
    }
}

fn half_a_form() -> &'static str {
    "POST /start HTTP/1.1\r\nHost: leadsync.example\r\nOrigin: https://leadsync.example\r\nContent-Length: 90\r\n\
     Content-Type: application/x-www-form-urlencoded\r\n\r\nemail=a"
}

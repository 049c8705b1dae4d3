//! What is taken.

use std::sync::atomic::Ordering;

use store::{Actor, Token};

use crate::harness::{connector, now, start};
use crate::wire::{get, post};

const SUCCESS: &str = r#"{"Status":"Success","StatusReason":""}"#;

#[tokio::test]
async fn a_webhook_is_on_disk_when_it_is_answered_and_the_dispatcher_is_woken() {
    let house = start(web::Limits::default()).await;
    let mut wire = house.wire().await;
    wire.send(post(&house.hook, r#"{"a":1}"#)).await;
    let answer = wire.answer().await.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, SUCCESS), "{answer:?}");
    assert_eq!(house.kept().await, [r#"{"a":1}"#]);
    tokio::time::timeout(crate::wire::PATIENCE, house.wake.notified()).await.unwrap();
    house.end().await;
}

/// LeadSquared's *Verify* and integrators' checks post nothing, or nothing that is a lead.
#[tokio::test]
async fn a_body_that_only_tries_the_url_verifies_it() {
    let house = start(web::Limits::default()).await;
    let mut wire = house.wire().await;
    let verified_at = async || {
        let configuration = house.store.configuration().await.unwrap();
        configuration.connectors[0].verified_at
    };
    assert_eq!(verified_at().await, None);
    for body in ["", " ", "{}", "[]", "null", r#"{"test":true}"#, r#"{"event":"ping"}"#] {
        wire.send(post(&house.hook, body)).await;
        let answer = wire.answer().await.unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, SUCCESS), "{body}: {answer:?}");
    }
    assert!(verified_at().await.is_some());
    assert_eq!(house.kept().await, [] as [&str; 0], "no request is made of it");
    // Whatever may be a lead is kept.
    let lead = r#"{"test":true,"FirstName":"Asha"}"#;
    wire.send(post(&house.hook, lead)).await;
    assert_eq!(wire.answer().await.unwrap().status, 200);
    assert_eq!(house.kept().await, [lead]);
    house.end().await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order_and_all_kept() {
    let house = start(web::Limits::default()).await;
    let mut wire = house.wire().await;
    let all: String = (0..20).map(|n| post(&house.hook, &format!("{{\"n\":{n}}}"))).collect();
    wire.send(all + &get("/healthz")).await;
    for n in 0..20 {
        let answer = wire.answer().await.unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, SUCCESS), "{n}: {answer:?}");
    }
    assert_eq!(wire.answer().await.unwrap().body, "ok\n");
    let mut expected: Vec<_> = (0..20).map(|n| format!("{{\"n\":{n}}}")).collect();
    expected.reverse();
    assert_eq!(house.kept().await, expected);
    house.end().await;
}

#[tokio::test]
async fn what_arrives_during_a_commit_shares_the_next() {
    let house = start(web::Limits::default()).await;
    house.intake.hold();
    let mut wires = Vec::new();
    for n in 0..40 {
        let mut wire = house.wire().await;
        wire.send(post(&house.hook, &format!("{{\"n\":{n}}}"))).await;
        wires.push(wire);
    }
    house.intake.until("a commit began", |intake| intake.asked.load(Ordering::SeqCst) == 1).await;
    house.intake.gate.add_permits(1_000);
    for wire in &mut wires {
        assert_eq!(wire.answer().await.unwrap().status, 200);
    }
    assert_eq!(house.kept().await.len(), 40);
    let commits = house.intake.commits.load(Ordering::SeqCst);
    assert!(commits < 40, "{commits} commits for 40 webhooks");
    house.end().await;
}

#[tokio::test]
async fn a_body_that_nobody_can_read_is_kept_and_said_to_be_so() {
    let house = start(web::Limits::default()).await;
    let deep = "[".repeat(5_000) + &"]".repeat(5_000);
    for body in ["hello", r#"{"a":"#, deep.as_str()] {
        let mut wire = house.wire().await;
        wire.send(post(&house.hook, body)).await;
        let answer = wire.answer().await.unwrap();
        let said: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        let shown: String = body.chars().take(20).collect();
        assert_eq!((answer.status, &said["Status"]), (200, &"Error".into()), "{shown}: {answer:?}");
        assert_ne!(said["StatusReason"], "", "{shown}");
        assert_eq!(house.kept().await[0], body);
    }
    house.end().await;
}

#[tokio::test]
async fn the_sender_can_verify_and_a_new_connector_is_known_at_once() {
    let house = start(web::Limits::default()).await;
    let mut wire = house.wire().await;
    wire.send(get(&house.hook)).await;
    assert_eq!(wire.answer().await.unwrap().status, 200);
    wire.send(get("/hooks/unknown")).await;
    assert_eq!(wire.answer().await.unwrap().status, 404);

    let token = Token::from_random([9; 24]);
    let url = format!("/hooks/{}", token.expose());
    let change = vec![connector("ab2", token)];
    house.store.change_configuration(change, &Actor::command_line(), now()).await.unwrap();
    let found = async {
        loop {
            wire.send(get(&url)).await;
            match wire.answer().await.unwrap().status {
                200 => return,
                status => assert_eq!(status, 404),
            }
        }
    };
    tokio::time::timeout(crate::wire::PATIENCE, found).await.expect("it becomes known");
    wire.send(post(&url, r#"{"a":1}"#)).await;
    assert_eq!(wire.answer().await.unwrap().status, 200, "a disabled connector's are kept");
    house.end().await;
}

//! What is failed by cause, and dismissals that end when a cause recurs.

use plan::id::ConnectorId;
use plan::outcome::{Event, RetryWith};
use plan::problem::{Code, Problem};
use store::{AttemptOutcome, AuditFilter, Failing, Lease, Progress, Retry, Selection, Stage};

use crate::empty::{Empty, actor, at, attempt, connector, ended, id};

crate::promises! {
    failures_are_grouped_by_connector_and_cause,
    a_dismissed_cause_needs_no_attention_until_it_recurs,
    a_retry_ends_a_dismissal_only_if_a_person_asked,
    a_dismissal_can_be_restored,
    a_removed_connector_has_no_dismissals,
}

/// A failed attempt for this cause.
fn failed(own: ConnectorId, number: i64, code: Code) -> AttemptOutcome {
    let problem = Problem::new(code, format!("Record {number} failed."), "Look at it.");
    AttemptOutcome { problem: Some(problem), ..attempt(own, number, Event::Failed) }
}

async fn keep(empty: &Empty, lease: &Lease, attempts: Vec<AttemptOutcome>) {
    let requests = attempts.iter().map(|one| {
        ended((one.key.request.received_at().duration_since(at(0))).as_secs(), one.event)
    });
    let progress = Progress { requests: requests.collect(), attempts, ..Progress::default() };
    empty.store.record_progress(lease, progress).await.unwrap();
}

async fn started(empty: &Empty) -> (Lease, ConnectorId) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    empty.deliver(own, 0..20).await;
    (lease, own)
}

async fn failing(empty: &Empty, own: ConnectorId) -> Vec<Failing> {
    empty.store.failing(&[own]).await.unwrap()
}

async fn open(empty: &Empty, own: ConnectorId) -> Vec<String> {
    let all = failing(empty, own).await.into_iter();
    let open: Vec<String> = all.filter(|one| !one.is_dismissed()).map(|one| one.cause).collect();
    let ever = (at(-3_600), at(3_600 * 100));
    let causes = empty.store.causes(ever, Some(&[own]), 10).await.unwrap();
    let listed: Vec<String> = causes.into_iter().map(|cause| cause.cause).collect();
    assert_eq!(open, listed, "the causes of a period leave the same ones out");
    open
}

async fn dismiss(empty: &Empty, own: ConnectorId, cause: &str) -> store::Result<()> {
    empty.store.dismiss_failures((own, "a-b"), cause, "Known.", &actor(), at(50)).await
}

async fn failures_are_grouped_by_connector_and_cause(empty: Empty) {
    let (lease, own) = started(&empty).await;
    assert!(failing(&empty, own).await.is_empty());
    let waits =
        AttemptOutcome { stage: Stage::Waiting(at(500)), ..failed(own, 3, Code::Unreachable) };
    keep(
        &empty,
        &lease,
        vec![
            failed(own, 0, Code::TooLong),
            failed(own, 2, Code::TooLong),
            waits,
            attempt(own, 4, Event::New),
        ],
    )
    .await;
    let all = failing(&empty, own).await;
    let told: Vec<_> = all
        .iter()
        .map(|one| (one.cause.as_str(), one.records, one.retrying, one.first, one.last))
        .collect();
    assert_eq!(
        told,
        [("too_long", 2, 0, id(0), id(2)), ("unreachable", 1, 1, id(3), id(3))],
        "the most frequent first"
    );
    assert_eq!(all[0].problem.message, "Record 2 failed.", "the newest is the example");
    let one = empty.store.failing_for(own, "too_long").await.unwrap();
    assert_eq!(one.as_ref(), Some(&all[0]));
    assert_eq!(empty.store.failing_for(own, "other").await.unwrap(), None);
    assert!(empty.store.failing(&[]).await.unwrap().is_empty());
    // What is retried and goes well leaves its group.
    let again = |n| AttemptOutcome { attempt: 2, ..attempt(own, n, Event::New) };
    keep(&empty, &lease, vec![again(0), again(2)]).await;
    assert_eq!(open(&empty, own).await, ["unreachable"]);
}

async fn a_dismissed_cause_needs_no_attention_until_it_recurs(empty: Empty) {
    let (lease, own) = started(&empty).await;
    keep(&empty, &lease, vec![failed(own, 5, Code::TooLong), failed(own, 6, Code::NoKey)]).await;
    assert!(dismiss(&empty, own, "other").await.is_err(), "nothing failed for it");
    dismiss(&empty, own, "too_long").await.unwrap();
    assert_eq!(open(&empty, own).await, ["no_key"]);
    let dismissed = empty.store.failing_for(own, "too_long").await.unwrap().unwrap();
    let dismissal = dismissed.dismissal.clone().expect("it is dismissed");
    assert_eq!((dismissal.note.as_str(), dismissal.actor.as_str()), ("Known.", "test"));
    assert_eq!((dismissal.at, dismissal.recurred_at), (at(50), None));
    // Other outcomes change nothing.
    keep(&empty, &lease, vec![attempt(own, 7, Event::New), failed(own, 8, Code::NoKey)]).await;
    assert_eq!(open(&empty, own).await, ["no_key"]);
    // A request that arrived before the dismissal and fails after it counts too.
    let late = AttemptOutcome { at: at(60), ..failed(own, 1, Code::TooLong) };
    keep(&empty, &lease, vec![late]).await;
    assert_eq!(open(&empty, own).await.len(), 2);
    let recurred = empty.store.failing_for(own, "too_long").await.unwrap().unwrap();
    let dismissal = recurred.dismissal.expect("the note is kept");
    assert_eq!((dismissal.note.as_str(), dismissal.recurred_at), ("Known.", Some(at(60))));
    dismiss(&empty, own, "too_long").await.unwrap();
    assert_eq!(open(&empty, own).await, ["no_key"], "it is dismissed again");
}

async fn a_retry_ends_a_dismissal_only_if_a_person_asked(empty: Empty) {
    let (lease, own) = started(&empty).await;
    keep(&empty, &lease, vec![failed(own, 0, Code::Unreachable)]).await;
    dismiss(&empty, own, "unreachable").await.unwrap();
    let again =
        |attempt, retry| AttemptOutcome { attempt, retry, ..failed(own, 0, Code::Unreachable) };
    keep(&empty, &lease, vec![again(2, None)]).await;
    assert!(open(&empty, own).await.is_empty(), "the schedule tried it");
    let selection = Selection::Requests(vec![id(0)]);
    empty.store.retry(&Retry::from(selection), &actor(), at(70)).await.unwrap();
    keep(&empty, &lease, vec![again(3, Some(RetryWith::Now))]).await;
    assert_eq!(open(&empty, own).await, ["unreachable"]);
}

async fn a_dismissal_can_be_restored(empty: Empty) {
    let (lease, own) = started(&empty).await;
    keep(&empty, &lease, vec![failed(own, 0, Code::NoKey)]).await;
    let restore =
        async || empty.store.restore_failures((own, "a-b"), "no_key", &actor(), at(60)).await;
    assert!(restore().await.is_err(), "it is not dismissed");
    dismiss(&empty, own, "no_key").await.unwrap();
    restore().await.unwrap();
    assert_eq!(open(&empty, own).await, ["no_key"]);
    let (audit, _) = empty.store.audit(&AuditFilter::default(), 2, None).await.unwrap();
    let told: Vec<_> = audit.iter().map(|e| (e.action.as_str(), e.subject.as_str())).collect();
    assert_eq!(told, [("restore_failures", "a-b: no_key"), ("dismiss_failures", "a-b: no_key")]);
    assert_eq!(audit[1].after.as_ref().map(|after| after.get()), Some("\"Known.\""));
}

async fn a_removed_connector_has_no_dismissals(empty: Empty) {
    let (lease, own) = started(&empty).await;
    keep(&empty, &lease, vec![failed(own, 0, Code::NoKey)]).await;
    dismiss(&empty, own, "no_key").await.unwrap();
    let name = "a-b".to_owned();
    empty.change(store::Change::RemoveConnector { name }).await.unwrap();
    empty.change(connector("a-b", "a", "b")).await.unwrap();
    assert!(failing(&empty, own).await.is_empty());
}

//! What is older than the retention period is deleted, and nothing else.

use plan::id::RequestId;
use plan::outcome::Event;
use plan::review::{Reason, Review};
use store::{Filter, NewReview, Page, Progress, Pruned, Stage};

use crate::empty::{Beside, Empty, at, attempt, call, ended, id, waiting};

crate::promises! {
    what_ended_long_ago_is_deleted,
    what_has_not_ended_stays,
    steps_are_small,
    one_node_prunes_at_a_time,
}

const START: RequestId = RequestId::FIRST;

/// Requests 0 to 3 ended; each has a call.
async fn with_requests(empty: &Empty) -> store::Configuration {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    empty.deliver(own, 0..4).await;
    let lease = empty.lease(&configuration).await;
    let calls = (0..4).map(|n| {
        let mut call = call(&configuration, n);
        call.id = id(n).number();
        call
    });
    let attempts = (0..4).map(|n| {
        let mut attempt = attempt(own, n, Event::New);
        attempt.calls[0].id = id(n).number();
        attempt
    });
    let progress = Progress {
        calls: calls.collect(),
        attempts: attempts.collect(),
        requests: (0..4).map(|n| ended(n, Event::New)).collect(),
        ..Progress::default()
    };
    empty.store.record_progress(&lease, progress).await.unwrap();
    empty.store.release_lease(&lease).await.unwrap();
    configuration
}

async fn rows(empty: &Empty, table: &str) -> i64 {
    Beside::open(&empty.url).await.number(&format!("SELECT count(*) FROM {table}")).await
}

async fn what_ended_long_ago_is_deleted(empty: Empty) {
    with_requests(&empty).await;
    let counted = rows(&empty, "tally").await;
    assert!(counted > 0);
    // Request 2 arrived before this time and ended after it.
    let before = RequestId::first_at(at(2) + jiff::SignedDuration::from_millis(500));
    let pruned = empty.store.prune_requests(START, before).await.unwrap();
    assert_eq!(pruned, Pruned { deleted: 2, next: None });
    assert_eq!(empty.ids(Filter::default()).await, [id(3), id(2)]);
    let calls = empty.store.prune_calls(START, before).await.unwrap();
    assert_eq!(calls.deleted, 2, "the call of the request that stays is kept");
    for table in ["delivery", "request", "record", "attempt", "call"] {
        assert_eq!(rows(&empty, table).await, 2, "{table}");
    }
    assert_eq!(rows(&empty, "mention").await, 4);
    assert_eq!(rows(&empty, "tally").await, counted, "counts stay");
    empty.store.release_space().await.unwrap();
    assert!(empty.store.kept_bytes().await.is_ok());
    if empty.url.starts_with("sqlite:") {
        let mut beside = Beside::open(&empty.url).await;
        assert_eq!(beside.number("SELECT auto_vacuum FROM pragma_auto_vacuum").await, 2);
        assert_eq!(beside.number("SELECT freelist_count FROM pragma_freelist_count").await, 0);
    }
}

async fn what_has_not_ended_stays(empty: Empty) {
    let configuration = with_requests(&empty).await;
    let connector = &configuration.connectors[0];
    let lease = empty.lease(&configuration).await;
    let mut retrying = attempt(connector.id, 1, Event::Failed);
    (retrying.attempt, retrying.stage) = (2, Stage::Waiting(at(9_000)));
    let review = NewReview {
        connector: connector.id,
        source: connector.source,
        destination: connector.destination,
        source_id: "lead-2".to_owned(),
        known_as: None,
        request: id(2),
        at: at(2),
        knows_decision: false,
        review: Review {
            reason: Reason::Several,
            sends: [("City", "Agra")].into_iter().collect(),
            candidates: Vec::new(),
            disputes: Vec::new(),
        },
    };
    let progress = Progress {
        attempts: vec![retrying],
        requests: vec![waiting(1, 9_000)],
        reviews: vec![review],
        ..Progress::default()
    };
    empty.store.record_progress(&lease, progress).await.unwrap();
    empty.deliver(connector.id, 4..5).await;

    let before = RequestId::first_at(at(1_000));
    empty.store.prune_requests(START, before).await.unwrap();
    assert_eq!(empty.ids(Filter::default()).await, [id(4), id(2), id(1)]);
    empty.store.prune_rest(at(1_000)).await.unwrap();
    assert_eq!(rows(&empty, "review").await, 1);

    let solved = Progress { solved: vec![1], ..Progress::default() };
    empty.store.record_progress(&lease, solved).await.unwrap();
    empty.store.prune_requests(START, before).await.unwrap();
    assert_eq!(empty.ids(Filter::default()).await, [id(4), id(1)]);
    empty.store.prune_rest(at(1_000)).await.unwrap();
    assert_eq!(rows(&empty, "review").await, 0);
}

async fn steps_are_small(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let many = i64::try_from(Pruned::STEP).unwrap() + 10;
    empty.deliver(own, 0..many).await;
    let lease = empty.lease(&configuration).await;
    let progress = Progress {
        attempts: (0..many).map(|n| attempt(own, n, Event::New)).collect(),
        requests: (0..many).map(|n| ended(n, Event::New)).collect(),
        ..Progress::default()
    };
    empty.store.record_progress(&lease, progress).await.unwrap();
    let before = RequestId::first_at(at(many + 10));
    let first = empty.store.prune_requests(START, before).await.unwrap();
    assert_eq!(first.deleted, Pruned::STEP as u64);
    let next = first.next.expect("it goes on");
    let second = empty.store.prune_requests(next, before).await.unwrap();
    assert_eq!(second, Pruned { deleted: 10, next: None });
    let page = Page { limit: 9, after: None };
    assert!(empty.store.requests(&Filter::default(), &page).await.unwrap().0.is_empty());
}

async fn one_node_prunes_at_a_time(empty: Empty) {
    let store = &empty.store;
    assert!(store.claim_pruning(at(0), at(10)).await.unwrap());
    assert!(!store.claim_pruning(at(5), at(15)).await.unwrap());
    assert!(store.claim_pruning(at(10), at(20)).await.unwrap());
    assert!(store.claim_pruning(at(0), at(10)).await.unwrap(), "the clock was set back");
}

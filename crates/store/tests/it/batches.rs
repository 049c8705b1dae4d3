//! Batches of retries, and how far they are.

use plan::outcome::{Event, RetryWith};
use store::{Actor, Filter, Progress, Retry, RetryBatch, Selection};

use crate::empty::{Empty, actor, at, attempt, ended, id};

crate::promises! {
    a_batch_tells_how_far_it_is,
    what_is_left_of_a_batch_is_taken_back,
    an_attempt_tells_who_asked_for_it,
}

async fn with_failed(empty: &Empty, count: i64) -> (store::Lease, plan::id::ConnectorId) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    empty.deliver(own, 0..count).await;
    let progress = Progress {
        attempts: (0..count).map(|n| attempt(own, n, Event::Failed)).collect(),
        requests: (0..count).map(|n| ended(n, Event::Failed)).collect(),
        ..Progress::default()
    };
    empty.store.record_progress(&lease, progress).await.unwrap();
    (lease, own)
}

async fn retry_all(empty: &Empty) -> i64 {
    let filter = Filter { connector: Some("a-b".into()), ..Filter::default() };
    let selection = Selection::Failed(filter);
    let retry = Retry { selection, with: RetryWith::Then, per_minute: Some(60) };
    let retried = empty.store.retry(&retry, &actor(), at(100)).await.unwrap();
    retried.batch.expect("something failed")
}

fn parts(batch: &RetryBatch) -> [u64; 6] {
    [batch.records, batch.done, batch.left, batch.failed, batch.cancelled, batch.moved()]
}

async fn a_batch_tells_how_far_it_is(empty: Empty) {
    let (lease, own) = with_failed(&empty, 6).await;
    let batch = retry_all(&empty).await;
    let read = async || empty.store.retry_batch(batch).await.unwrap().unwrap();
    let begun = read().await;
    assert_eq!(parts(&begun), [6, 0, 6, 0, 0, 0]);
    assert_eq!((begun.at, begun.actor.as_str(), begun.requests), (at(100), "test", 6));
    assert_eq!((begun.with, begun.per_minute), (RetryWith::Then, Some(60)));
    let filter = begun.filter.as_ref().map(|raw| raw.get());
    assert_eq!(filter, Some(r#"{"connector":"a-b"}"#));
    let again = |n: i64, event| {
        let mut again = attempt(own, n, event);
        (again.attempt, again.retry) = (2, Some(RetryWith::Then));
        again
    };
    let progress = Progress {
        attempts: vec![again(0, Event::Updated), again(1, Event::New), again(2, Event::Failed)],
        requests: vec![ended(0, Event::Updated), ended(1, Event::New), ended(2, Event::Failed)],
        ..Progress::default()
    };
    empty.store.record_progress(&lease, progress).await.unwrap();
    assert_eq!(parts(&read().await), [6, 2, 3, 1, 0, 0]);
    let failed = Filter { batch: Some(batch), event: Some(Event::Failed), ..Filter::default() };
    assert_eq!(empty.ids(failed).await, [id(5), id(4), id(3), id(2)]);
    let done = Filter { batch: Some(batch), event: Some(Event::New), ..Filter::default() };
    assert_eq!(empty.ids(done).await, [id(1)]);
    // One of them is asked for once more, by itself.
    let one = empty.store.retry(&Selection::Requests(vec![id(2)]).into(), &actor(), at(101)).await;
    let one = one.unwrap().batch.unwrap();
    assert_eq!(parts(&read().await), [6, 2, 3, 0, 0, 1]);
    let all = empty.store.retry_batches().await.unwrap();
    assert_eq!(all.iter().map(|b| b.id).collect::<Vec<_>>(), [one, batch]);
    assert!(all[0].filter.is_none() && all[0].left == 1, "{all:?}");
    let none = empty.store.retry(&Selection::Requests(vec![id(0)]).into(), &actor(), at(102)).await;
    assert_eq!((none.unwrap().batch, empty.store.retry_batches().await.unwrap().len()), (None, 2));
    assert!(empty.store.retry_batch(99).await.unwrap().is_none());
}

async fn what_is_left_of_a_batch_is_taken_back(empty: Empty) {
    let (lease, own) = with_failed(&empty, 4).await;
    let batch = retry_all(&empty).await;
    let mut again = attempt(own, 0, Event::New);
    (again.attempt, again.retry) = (2, Some(RetryWith::Then));
    let progress = Progress {
        attempts: vec![again],
        requests: vec![ended(0, Event::New)],
        ..Progress::default()
    };
    empty.store.record_progress(&lease, progress).await.unwrap();
    let other = Actor("somebody else".to_owned());
    let cancel = async || empty.store.cancel_retry_batch(batch, &other, at(110)).await.unwrap();
    assert_eq!(cancel().await, 3);
    assert_eq!(cancel().await, 0, "nothing is left");
    let read = empty.store.retry_batch(batch).await.unwrap().unwrap();
    assert_eq!(parts(&read), [4, 1, 0, 0, 3, 0]);
    assert_eq!(read.cancelled_by.as_deref(), Some("somebody else"));
    let failed = Filter { event: Some(Event::Failed), ..Filter::default() };
    assert!(empty.find(failed).await.iter().all(|item| item.finished_at == Some(at(110))));
    let (audit, _) = empty.store.audit(&store::AuditFilter::default(), 9, None).await.unwrap();
    let told: Vec<_> = audit.iter().map(|e| (e.action.as_str(), e.actor.as_str())).collect();
    assert_eq!(told[..2], [("cancel_retries", "somebody else"), ("retry", "test")]);
}

async fn an_attempt_tells_who_asked_for_it(empty: Empty) {
    let (lease, own) = with_failed(&empty, 1).await;
    let ask = async |who: &str, n: u32| {
        let selection = Selection::Requests(vec![id(0)]);
        let who = Actor(who.to_owned());
        empty.store.retry(&selection.into(), &who, at(50)).await.unwrap();
        let mut again = attempt(own, 0, Event::Failed);
        (again.attempt, again.retry, again.calls) = (n, Some(RetryWith::Now), Vec::new());
        let requests = vec![ended(0, Event::Failed)];
        let progress = Progress { attempts: vec![again], requests, ..Progress::default() };
        empty.store.record_progress(&lease, progress).await.unwrap();
    };
    ask("asha", 2).await;
    ask("ravi", 3).await;
    let item = empty.find(Filter::default()).await.remove(0);
    let by: Vec<_> = item.records[0].attempts.iter().map(|a| a.retry_by.as_deref()).collect();
    assert_eq!(by, [None, Some("asha"), Some("ravi")]);
}

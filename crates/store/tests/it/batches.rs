//! Batches of retries, and how far they are.

use plan::link::Link;
use plan::outcome::{Entity, Event, RetryWith};
use store::{Actor, Filter, Progress, RecordKey, Retry, RetryBatch, Room, Selection};

use crate::empty::{Empty, actor, at, attempt, ended, id, waiting};

crate::promises! {
    a_batch_tells_how_far_it_is,
    what_is_left_of_a_batch_is_taken_back,
    an_attempt_tells_who_asked_for_it,
    a_request_that_went_well_can_be_retried,
    the_newest_records_of_linked_leads_are_queued,
    what_is_woken_keeps_the_pace_of_a_retry,
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
    let none = empty.store.retry(&Selection::Requests(vec![id(9)]).into(), &actor(), at(102)).await;
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

async fn a_request_that_went_well_can_be_retried(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    empty.deliver(own, 0..2).await;
    let mut second = attempt(own, 0, Event::Failed);
    second.key.position = 1;
    let progress = Progress {
        attempts: vec![attempt(own, 0, Event::New), second, attempt(own, 1, Event::New)],
        requests: vec![ended(0, Event::Failed), ended(1, Event::New)],
        ..Progress::default()
    };
    empty.store.record_progress(&lease, progress).await.unwrap();
    let both = Selection::Requests(vec![id(0), id(1)]);
    let retried = empty.store.retry(&both.clone().into(), &actor(), at(20)).await.unwrap();
    let batch = retried.batch.unwrap();
    let read = async || empty.store.retry_batch(batch).await.unwrap().unwrap();
    // Of the first request what failed; of the second, in which nothing did, all.
    assert_eq!((read().await.requests, parts(&read().await)), (2, [2, 0, 2, 0, 0, 0]));
    let waits = |item: &store::RequestItem| -> Vec<bool> {
        item.records.iter().map(|record| record.next_attempt_at.is_some()).collect()
    };
    let items = empty.find(Filter::default()).await;
    assert_eq!((waits(&items[0]), waits(&items[1])), (vec![true], vec![false, true]));
    // It is cancelled: the one that went well has succeeded, as before.
    empty.store.cancel_retries(&both.clone(), &actor(), at(21)).await.unwrap();
    let items = empty.find(Filter::default()).await;
    let states: Vec<_> = items.iter().map(|item| item.job_status.as_str()).collect();
    assert_eq!(states, ["success", "failure"]);
    // Nothing had to be done: it stays what it was, and the attempt tells.
    empty.store.retry(&both.into(), &actor(), at(22)).await.unwrap();
    let mut again = attempt(own, 1, Event::Unchanged);
    (again.attempt, again.retry) = (2, Some(RetryWith::Now));
    let requests = vec![ended(1, Event::Unchanged)];
    let progress = Progress { attempts: vec![again], requests, ..Progress::default() };
    empty.store.record_progress(&lease, progress).await.unwrap();
    let item = empty.find(Filter { ids: vec![id(1)], ..Filter::default() }).await.remove(0);
    assert_eq!(item.records[0].event, Event::New);
    let events: Vec<Event> = item.records[0].attempts.iter().map(|a| a.event).collect();
    assert_eq!(events, [Event::New, Event::Unchanged]);
    let counted = empty.store.health(at(0)).await.unwrap();
    let new = counted.iter().map(|health| health.counts.of(Event::New)).sum::<u64>();
    let unchanged = counted.iter().map(|health| health.counts.of(Event::Unchanged)).sum::<u64>();
    assert_eq!((new, unchanged), (2, 0));
}

async fn the_newest_records_of_linked_leads_are_queued(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let (source, destination) =
        (configuration.connectors[0].source, configuration.connectors[0].destination);
    let lease = empty.lease(&configuration).await;
    empty.deliver(own, 0..5).await;
    let of = |n: i64, lead: &str, event: Event| {
        let mut attempt = attempt(own, n, event);
        (attempt.source_id, attempt.mentions) = (Some(lead.to_owned()), vec![lead.to_owned()]);
        attempt
    };
    let link = |lead: &str| {
        Link::new(Entity::Lead, (source, lead), (destination, &format!("twin-of-{lead}")))
    };
    let progress = Progress {
        attempts: vec![
            of(0, "one", Event::New),
            of(1, "two", Event::New),
            of(2, "one", Event::Updated),
            of(3, "unlinked", Event::New),
            of(4, "two", Event::Failed),
        ],
        requests: (0..5).map(|n| ended(n, Event::New)).collect(),
        links: ["one", "two", "never-came"].map(link).into(),
        ..Progress::default()
    };
    empty.store.record_progress(&lease, progress).await.unwrap();
    let key = |n: i64| RecordKey { request: id(n), position: 0 };
    let all = empty.store.linked_records(own, None, 9).await.unwrap();
    assert_eq!((all.records, all.leads, all.next), (vec![key(2), key(4)], 3, None));
    // Some at a time they are the same.
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let some = empty.store.linked_records(own, after.as_deref(), 1).await.unwrap();
        found.extend(some.records);
        after = some.next;
        if after.is_none() {
            break;
        }
    }
    found.sort();
    assert_eq!(found, [key(2), key(4)]);
    let retried =
        empty.store.refresh_leads((own, "a-b"), Some(60), &actor(), at(30)).await.unwrap();
    assert_eq!(retried.requests, 2);
    let batch = empty.store.retry_batch(retried.batch.unwrap()).await.unwrap().unwrap();
    assert_eq!((batch.linked_by.as_deref(), batch.requests), (Some("a-b"), 2));
    assert_eq!(parts(&batch), [2, 0, 2, 0, 0, 0]);
    let (audit, _) = empty.store.audit(&store::AuditFilter::default(), 1, None).await.unwrap();
    assert_eq!((audit[0].action.as_str(), audit[0].subject.as_str()), ("refresh_leads", "a-b"));
    // They wait already: asked for again, nothing is left to queue.
    let again = empty.store.refresh_leads((own, "a-b"), None, &actor(), at(31)).await.unwrap();
    assert_eq!((again.requests, again.batch), (0, None));
}

async fn what_is_woken_keeps_the_pace_of_a_retry(empty: Empty) {
    let (lease, own) = with_failed(&empty, 103).await;
    // At 60 a minute, the last two are due a second and two later than the first hundred and one.
    retry_all(&empty).await;
    let due = async |now: i64| {
        let none = std::collections::HashSet::new();
        let opened =
            empty.store.open_requests(&lease, &[own], &none, at(now), Room::of(500)).await.unwrap();
        opened.requests.len()
    };
    assert_eq!((due(100).await, due(102).await), (101, 103));
    // One was begun and is held, because the account is away.
    let mut held = attempt(own, 0, Event::Failed);
    (held.attempt, held.tries, held.retry) = (2, 0, Some(RetryWith::Then));
    held.stage = store::Stage::Held(at(900));
    let requests = vec![waiting(0, 900)];
    let progress = Progress { attempts: vec![held], requests, ..Progress::default() };
    empty.store.record_progress(&lease, progress).await.unwrap();
    assert_eq!(due(100).await, 100);
    let waits = empty.store.waiting_records(&lease, &[own], at(100)).await.unwrap();
    assert_eq!(waits.iter().map(|record| record.key.request).collect::<Vec<_>>(), [id(0)]);
    assert_eq!(empty.store.wake_waiting(&lease, &[own], at(100)).await.unwrap(), 1);
    assert_eq!((due(100).await, due(101).await), (101, 102));
}

//! Reading the log.

use plan::outcome::{Entity, Event, JobStatus, SyncStatus};
use plan::problem::Problem;
use store::{Cursor, Filter, Page, Progress, RequestState, Selection, Stage};

use crate::empty::{Empty, at, attempt, call, ended, id};

crate::promises! {
    a_request_shows_its_whole_story,
    filters_let_through_what_they_say,
    pages_hold_every_request_once,
    what_waits_is_in_order_of_arrival_tried_or_not,
    failures_are_grouped_by_cause,
    a_delivery_is_kept_byte_for_byte,
}

async fn with_ten(empty: &Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    empty.deliver(own, 0..10).await;
    let event = |n: i64| if n % 3 == 0 { Event::Failed } else { Event::New };
    let progress = Progress {
        calls: (0..8).map(|n| call(&configuration, n)).collect(),
        attempts: (0..8).map(|n| attempt(own, n, event(n))).collect(),
        requests: (0..8).map(|n| ended(n, event(n))).collect(),
        ..Progress::default()
    };
    empty.store.record_progress(&lease, progress).await.unwrap();
}

async fn a_request_shows_its_whole_story(empty: Empty) {
    with_ten(&empty).await;
    let item = &empty.find(Filter { ids: vec![id(3)], ..Filter::default() }).await[0];
    assert_eq!((item.connector.as_str(), item.origin.as_str()), ("a-b", "webhook"));
    assert_eq!((item.received_at, item.finished_at), (at(3), Some(at(4))));
    assert_eq!((item.job_status, item.sync_status), (JobStatus::Failure, Some(SyncStatus::Error)));
    assert_eq!(item.behaviour.as_deref(), Some("create_and_update"));
    let record = &item.records[0];
    assert_eq!((record.entity, record.event), (Entity::Lead, Event::Failed));
    assert_eq!(record.source_id.as_deref(), Some("lead-3"));
    assert_eq!(record.destination_id.as_deref(), Some("twin-3"));
    assert_eq!(record.error.as_ref().map(|problem| problem.code.as_str()), Some("refused"));
    assert_eq!(record.explanation.as_ref().map(|raw| raw.get()), Some(r#"{"why":"because"}"#));
    let attempt = &record.attempts[0];
    assert_eq!((attempt.number, attempt.at), (1, at(3)));
    let call = &attempt.calls[0];
    assert_eq!((call.method.as_str(), call.status, call.row), ("POST", Some(200), Some(3)));
    assert_eq!((call.request.as_str(), call.response.as_str()), ("[]", "{}"));
}

async fn filters_let_through_what_they_say(empty: Empty) {
    with_ten(&empty).await;
    let any = Filter::default;
    for (name, filter, expected) in [
        ("all", any(), (0..10).rev().collect::<Vec<i64>>()),
        ("from", Filter { from: Some(at(7)), ..any() }, vec![9, 8, 7]),
        ("to", Filter { to: Some(at(2)), ..any() }, vec![1, 0]),
        ("connector", Filter { connector: Some("a-b".into()), to: Some(at(1)), ..any() }, vec![0]),
        ("no such connector", Filter { connector: Some("x".into()), ..any() }, vec![]),
        ("queued", Filter { job_status: Some(JobStatus::Queued), ..any() }, vec![9, 8]),
        ("failure", Filter { job_status: Some(JobStatus::Failure), ..any() }, vec![6, 3, 0]),
        ("error", Filter { sync_status: Some(SyncStatus::Error), ..any() }, vec![6, 3, 0]),
        ("new", Filter { event: Some(Event::New), ..any() }, vec![7, 5, 4, 2, 1]),
        ("failed", Filter { event: Some(Event::Failed), ..any() }, vec![6, 3, 0]),
        ("activity", Filter { entity: Some(Entity::Activity), ..any() }, vec![]),
        ("lead", Filter { entity: Some(Entity::Lead), from: Some(at(6)), ..any() }, vec![7, 6]),
        ("q", Filter { q: Some(" Person5@Example.com ".into()), ..any() }, vec![5]),
        (
            "q of another event",
            Filter { q: Some("lead-5".into()), event: Some(Event::Failed), ..any() },
            vec![],
        ),
        (
            "q and event",
            Filter { q: Some("lead-3".into()), event: Some(Event::Failed), ..any() },
            vec![3],
        ),
        ("ids", Filter { ids: vec![id(4), id(99)], ..any() }, vec![4]),
    ] {
        let expected: Vec<_> = expected.into_iter().map(id).collect();
        assert_eq!(empty.ids(filter).await, expected, "{name}");
    }
}

async fn pages_hold_every_request_once(empty: Empty) {
    with_ten(&empty).await;
    let (mut seen, mut after): (Vec<_>, Option<Cursor>) = (Vec::new(), None);
    for turn in 0.. {
        let page = Page { limit: 4, after };
        let (items, next) = empty.store.requests(&Filter::default(), &page).await.unwrap();
        seen.extend(items.iter().map(|item| item.id));
        after = next;
        if next.is_none() {
            assert_eq!(turn, 2);
            break;
        }
    }
    assert_eq!(seen, (0..10).rev().map(id).collect::<Vec<_>>());
}

async fn failures_are_grouped_by_cause(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    empty.deliver(own, 0..6).await;
    let failed = |n: i64, field: &str| {
        let problem = Problem::new(
            plan::problem::Code::TooLong,
            format!("{field} {n} is too long."),
            "Cut it.",
        );
        let mut failed = attempt(own, n, Event::Failed);
        failed.problem = Some(Problem { field: Some(field.to_owned()), ..problem });
        failed
    };
    let progress = Progress {
        attempts: vec![
            failed(0, "FirstName"),
            failed(1, "mx_City"),
            failed(2, "FirstName"),
            attempt(own, 3, Event::Failed),
            attempt(own, 4, Event::New),
        ],
        requests: (0..5)
            .map(|n| ended(n, if n == 4 { Event::New } else { Event::Failed }))
            .collect(),
        ..Progress::default()
    };
    empty.store.record_progress(&lease, progress).await.unwrap();
    let groups = async |filter| {
        let groups = empty.store.failures(&filter).await.unwrap();
        let told = groups.into_iter().map(|g| (g.cause, g.records, g.last_request));
        told.collect::<Vec<_>>()
    };
    let all = groups(Filter::default()).await;
    assert_eq!(all.len(), 3, "{all:?}");
    let (cause, records, last) = &all[0];
    assert_eq!((*records, *last), (2, id(2)));
    let of = |cause: &str| Filter { cause: Some(cause.to_owned()), ..Filter::default() };
    assert_eq!(empty.ids(of(cause)).await, [id(2), id(0)]);
    assert_eq!(groups(of(cause)).await, all[..1]);
    let example = &empty.store.failures(&of(cause)).await.unwrap()[0];
    assert_eq!((example.first_at, example.last_at), (at(0), at(2)));
    assert_eq!(example.error.message, "FirstName 2 is too long.");
    // Trying again takes it out of its group once it went well.
    let mut again = attempt(own, 2, Event::Updated);
    again.attempt = 2;
    let progress = Progress {
        attempts: vec![again],
        requests: vec![ended(2, Event::Updated)],
        ..Progress::default()
    };
    empty.store.record_progress(&lease, progress).await.unwrap();
    assert_eq!(empty.ids(of(cause)).await, [id(0)]);
    assert_eq!(groups(Filter { to: Some(at(1)), ..of(cause) }).await.len(), 1);
    assert_eq!(groups(Filter { from: Some(at(1)), ..of(cause) }).await, []);
    for (status, left) in [(JobStatus::Failure, 1), (JobStatus::Queued, 0), (JobStatus::Running, 0)]
    {
        let filter = Filter { job_status: Some(status), ..of(cause) };
        assert_eq!(groups(filter.clone()).await.len(), left, "{status}");
        let retry = Selection::Failed(filter).into();
        let touched =
            empty.store.retry(&retry, &crate::empty::actor(), at(9)).await.unwrap().requests;
        assert_eq!(touched, left as u64, "{status}");
        let all = Selection::Failed(Filter::default());
        empty.store.cancel_retries(&all, &crate::empty::actor(), at(9)).await.unwrap();
    }
}

async fn a_delivery_is_kept_byte_for_byte(empty: Empty) {
    let configuration = empty.with_connector().await;
    let mut delivery = crate::empty::delivery(configuration.connectors[0].id, 1);
    delivery.body = bytes::Bytes::from_static(b"\xff\x00 not text \n");
    delivery.content_type = None;
    empty.store.store_deliveries(vec![delivery]).await.unwrap();
    let kept = empty.store.delivery(id(1)).await.unwrap().expect("it is kept");
    assert_eq!(kept.body, b"\xff\x00 not text \n");
    assert_eq!((kept.content_type, kept.received_at), (None, at(1)));
    assert!(empty.store.delivery(id(2)).await.unwrap().is_none());
}

async fn what_waits_is_in_order_of_arrival_tried_or_not(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    empty.deliver(own, 0..7).await;
    let mut progress = Progress::default();
    for number in [1, 4] {
        let mut failed = attempt(own, number, Event::Failed);
        failed.stage = Stage::Waiting(at(100 - number));
        progress.attempts.push(failed);
        progress.requests.push(RequestState {
            job_status: JobStatus::Queued,
            finished_at: None,
            due: Some(at(100 - number)),
            ..ended(number, Event::Failed)
        });
    }
    progress.attempts.push(attempt(own, 3, Event::New));
    progress.requests.push(ended(3, Event::New));
    empty.store.record_progress(&lease, progress).await.unwrap();
    let queued = Filter { job_status: Some(JobStatus::Queued), ..Filter::default() };
    let (mut pages, mut after): (Vec<Vec<_>>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let page = Page { limit: 2, after };
        let (items, next) = empty.store.requests(&queued, &page).await.unwrap();
        pages.push(items.iter().map(|item| item.id).collect());
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(pages, [vec![id(6), id(5)], vec![id(4), id(2)], vec![id(1), id(0)]]);
    let failing = Filter { sync_status: Some(SyncStatus::Error), ..queued.clone() };
    assert_eq!(empty.ids(failing).await, [id(4), id(1)]);
    let late = Filter { from: Some(at(4)), to: Some(at(6)), ..queued };
    assert_eq!(empty.ids(late).await, [id(5), id(4)]);
}

//! Backfills: one at a time, page by page, and counted.

use plan::backfill::{BackfillState, Backfilled};
use plan::outcome::Event;
use store::{BackfillNews, Change, Error, Filter, NewBackfill, Origin, Progress};

use crate::empty::{Empty, actor, at, attempt, delivery, ended, id};

crate::promises! {
    a_page_and_its_place_are_kept_together,
    one_backfill_of_a_connector_is_under_way,
    a_removed_connector_takes_its_backfills_along,
}

fn page(
    backfill: i64,
    next: Option<u32>,
    read: u64,
    requests: Vec<store::NewDelivery>,
) -> Progress {
    let news = BackfillNews {
        id: backfill,
        event: None,
        are_activities: false,
        page: next,
        read,
        left_out: read - requests.len() as u64,
        deliveries: requests,
        problem: None,
    };
    Progress { backfills: vec![news], ..Progress::default() }
}

async fn a_page_and_its_place_are_kept_together(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    let of = Backfilled { since: Some(at(0)), ..Backfilled::default() };
    let new =
        NewBackfill { connector: own, name: "a-b".to_owned(), of: of.clone(), expected: Some(7) };
    let begun = empty.store.begin_backfill(&new, &actor(), at(1)).await.unwrap();
    assert_eq!((begun.state, begun.page, begun.of), (BackfillState::Running, Some(1), of));
    assert_eq!(begun.expected, Some(7));

    let read = |number| store::NewDelivery { origin: Origin::Backfill, ..delivery(own, number) };
    empty.deliver(own, 9..10).await;
    let first = page(begun.id, Some(2), 3, vec![read(0), read(1)]);
    empty.store.record_progress(&lease, first).await.unwrap();
    let found = empty.store.running_backfills(&lease, &[own]).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].page, found[0].read, found[0].left_out), (Some(2), 3, 1));
    assert_eq!(found[0].waiting, 2);
    let of_it = Filter { backfill: Some(begun.id), ..Filter::default() };
    assert_eq!(empty.ids(of_it).await, [id(1), id(0)], "and not what a webhook brought");

    let done = Progress {
        attempts: vec![attempt(own, 0, Event::New)],
        requests: vec![ended(0, Event::New)],
        ..page(begun.id, None, 0, Vec::new())
    };
    empty.store.record_progress(&lease, done).await.unwrap();
    empty.store.end_backfills(&lease, &[begun.id], at(5)).await.unwrap();
    let found = empty.store.backfill(begun.id).await.unwrap().unwrap();
    assert_eq!((found.state, found.new, found.waiting), (BackfillState::Running, 1, 1));

    let done = Progress {
        attempts: vec![attempt(own, 1, Event::Unchanged)],
        requests: vec![ended(1, Event::Unchanged)],
        ..Progress::default()
    };
    empty.store.record_progress(&lease, done).await.unwrap();
    empty.store.end_backfills(&lease, &[begun.id], at(6)).await.unwrap();
    let found = empty.store.backfills(Some(own)).await.unwrap();
    assert_eq!((found[0].state, found[0].ended_at), (BackfillState::Done, Some(at(6))));
    assert_eq!((found[0].unchanged, found[0].waiting), (1, 0));
    assert_eq!(empty.store.running_backfills(&lease, &[own]).await.unwrap(), []);
}

async fn one_backfill_of_a_connector_is_under_way(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let of = Backfilled::default();
    let new = NewBackfill { connector: own, name: "a-b".to_owned(), of, expected: None };
    let who = actor();
    let begin = || empty.store.begin_backfill(&new, &who, at(1));
    let first = begin().await.unwrap().id;
    assert!(
        matches!(begin().await, Err(Error::Refused(why)) if why.contains("is already running"))
    );
    let set = |state| empty.store.set_backfill(first, state, &who, at(2));
    assert_eq!(set(BackfillState::Paused).await.unwrap().state, BackfillState::Paused);
    assert!(begin().await.is_err(), "it is only paused");
    let lease = empty.lease(&configuration).await;
    assert_eq!(empty.store.running_backfills(&lease, &[own]).await.unwrap(), []);
    assert_eq!(set(BackfillState::Running).await.unwrap().state, BackfillState::Running);
    let cancelled = set(BackfillState::Cancelled).await.unwrap();
    assert_eq!((cancelled.state, cancelled.ended_at), (BackfillState::Cancelled, Some(at(2))));
    let refused = set(BackfillState::Running).await;
    assert!(matches!(refused, Err(Error::Refused(why)) if why.contains("already cancelled")));
    assert_ne!(begin().await.unwrap().id, first);
    let unknown = empty.store.set_backfill(99, BackfillState::Paused, &actor(), at(3)).await;
    assert!(matches!(unknown, Err(Error::Refused(why)) if why.contains("no backfill 99")));
}

async fn a_removed_connector_takes_its_backfills_along(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let new = NewBackfill {
        connector: own,
        name: "a-b".to_owned(),
        of: Backfilled::default(),
        expected: None,
    };
    empty.store.begin_backfill(&new, &actor(), at(1)).await.unwrap();
    empty.change(Change::RemoveConnector { name: "a-b".to_owned() }).await.unwrap();
    assert_eq!(empty.store.backfills(None).await.unwrap(), []);
}

//! What the dispatcher reads and writes.

use std::collections::HashSet;

use jiff::Timestamp;
use plan::id::AccountId;
use plan::link::{Link, Pair, Side};
use plan::outcome::{Entity, Event, JobStatus, RetryWith};
use plan::quota::forecast::Spending;
use store::{
    Change, Error, Filter, Intent, IntentRecord, NewDelivery, Origin, Progress, RecordKey, Retry,
    Room, Selection, Spent, Stage,
};

use crate::empty::{Empty, actor, at, attempt, call, delivery, ended, id, waiting};

crate::promises! {
    requests_open_in_order_of_arrival,
    of_what_backfills_read_no_more_is_opened_than_asked_for,
    what_is_opened_names_the_configuration,
    progress_is_kept_whole_or_not_at_all,
    waiting_records_come_when_they_are_due,
    intents_stay_until_they_are_settled,
    recent_calls_are_told_as_they_ended,
    a_call_for_a_person_counts_in_the_quota,
    links_replace_what_they_contradict,
    a_retry_queues_failed_records_again,
    a_retry_while_the_request_is_at_work_is_not_forgotten,
    many_retries_go_at_a_pace_and_can_be_taken_back,
    a_retry_says_with_which_settings,
    arrivals_while_disabled_are_known,
    spent_calls_add_up,
}

async fn requests_open_in_order_of_arrival(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    empty.deliver(own, 5..10).await;
    empty.deliver(own, 0..5).await;
    let open = |open: Vec<i64>, limit| {
        let open: HashSet<_> = open.into_iter().map(id).collect();
        let (store, lease) = (empty.store.clone(), lease.clone());
        async move {
            let found =
                store.open_requests(&lease, &[own], &open, at(100), Room::of(limit)).await.unwrap();
            found.requests.iter().map(|request| request.id).collect::<Vec<_>>()
        }
    };
    assert_eq!(open(vec![], 3).await, [id(0), id(1), id(2)]);
    assert_eq!(open(vec![0, 1, 2], 3).await, [id(3), id(4), id(5)]);
    assert_eq!(open(vec![1], 100).await.len(), 9);
    let found = empty
        .store
        .open_requests(&lease, &[own], &HashSet::new(), at(100), Room::of(1))
        .await
        .unwrap();
    assert_eq!(found.requests[0].body, br#"{"ProspectID":"lead-0"}"#);
    assert_eq!(found.requests[0].content_type.as_deref(), Some("application/json"));
    assert_eq!(found.requests[0].records, []);
    let done = Progress {
        attempts: vec![attempt(own, 0, Event::New)],
        requests: vec![ended(0, Event::New)],
        ..Progress::default()
    };
    empty.store.record_progress(&lease, done).await.unwrap();
    assert_eq!(open(vec![], 2).await, [id(1), id(2)]);
}

async fn of_what_backfills_read_no_more_is_opened_than_asked_for(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    let read = (0..5).map(|n| NewDelivery { origin: Origin::Backfill, ..delivery(own, n) });
    empty.store.store_deliveries(read.collect()).await.expect("they are stored");
    empty.deliver(own, 5..8).await;
    for (late, expected, are_more_late) in [
        (0, vec![5, 6, 7], true),
        (2, vec![0, 1, 5, 6, 7], true),
        (5, vec![0, 1, 2, 3, 4, 5, 6, 7], false),
    ] {
        let room = Room { late, ..Room::of(100) };
        let none = HashSet::new();
        let found = empty.store.open_requests(&lease, &[own], &none, at(100), room).await.unwrap();
        let ids: Vec<_> = found.requests.iter().map(|request| request.id).collect();
        assert_eq!(ids, expected.into_iter().map(id).collect::<Vec<_>>());
        assert_eq!(found.are_more_late, are_more_late, "{late}");
    }
}

async fn what_is_opened_names_the_configuration(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    empty.deliver(own, 0..1).await;
    let open = async || {
        empty
            .store
            .open_requests(&lease, &[own], &HashSet::new(), at(9), Room::of(9))
            .await
            .unwrap()
    };
    let opened = open().await;
    assert_eq!((opened.configuration, opened.requests.len()), (configuration.version, 1));
    let name = "a-b".to_owned();
    let version = empty.change(Change::SetEnabled { name, enabled: false }).await.unwrap();
    assert_eq!(open().await.configuration, version);
    let arrivals = empty.store.arrivals_while_disabled(&lease, own, 9).await.unwrap();
    assert_eq!((arrivals.configuration, arrivals.requests.len()), (version, 0));
    empty.deliver(own, 1..2).await;
    let arrivals = empty.store.arrivals_while_disabled(&lease, own, 9).await.unwrap();
    assert_eq!((arrivals.configuration, arrivals.requests.len()), (version, 1));
    let name = "a-b".to_owned();
    let version = empty.change(Change::SetEnabled { name, enabled: true }).await.unwrap();
    let arrivals = empty.store.arrivals_while_disabled(&lease, own, 9).await.unwrap();
    assert_eq!((arrivals.configuration, arrivals.requests.len()), (version, 0), "it is enabled");
}

async fn progress_is_kept_whole_or_not_at_all(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    empty.deliver(own, 0..2).await;
    let progress = |call_ids: Vec<i64>| Progress {
        calls: call_ids.into_iter().map(|n| call(&configuration, n)).collect(),
        attempts: vec![attempt(own, 0, Event::New)],
        requests: vec![ended(0, Event::New)],
        spent: vec![Spent { account: configuration.accounts[1].id, hour: 24, calls: 1 }],
        ..Progress::default()
    };
    // Two calls can't have one number: the database refuses the whole.
    let refused = empty.store.record_progress(&lease, progress(vec![7, 7])).await;
    assert!(matches!(refused, Err(Error::Defect(_))), "{refused:?}");
    let item = &empty.find(Filter { ids: vec![id(0)], ..Filter::default() }).await[0];
    assert_eq!((item.job_status, item.records.len()), (JobStatus::Queued, 0));
    assert_eq!(empty.store.spent(configuration.accounts[1].id, 1).await.unwrap(), 0);
    empty.store.record_progress(&lease, progress(vec![0])).await.unwrap();
    let item = &empty.find(Filter { ids: vec![id(0)], ..Filter::default() }).await[0];
    assert_eq!((item.job_status, item.records.len()), (JobStatus::Success, 1));
}

async fn waiting_records_come_when_they_are_due(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    empty.deliver(own, 0..1).await;
    let mut failed = attempt(own, 0, Event::Failed);
    (failed.stage, failed.doubtful) = (Stage::Waiting(at(50)), true);
    let progress =
        Progress { attempts: vec![failed], requests: vec![waiting(0, 50)], ..Progress::default() };
    empty.store.record_progress(&lease, progress).await.unwrap();
    let open = async |now| {
        empty
            .store
            .open_requests(&lease, &[own], &HashSet::new(), at(now), Room::of(10))
            .await
            .unwrap()
            .requests
    };
    assert_eq!(open(49).await.len(), 0);
    let waits = empty.store.waiting_records(&lease, &[own], at(49)).await.unwrap();
    assert_eq!(waits.len(), 1);
    assert_eq!((waits[0].due, waits[0].source_id.as_deref()), (at(50), Some("lead-0")));
    let due = open(50).await;
    assert_eq!(due.len(), 1);
    let record = &due[0].records[0];
    assert_eq!((record.stage, record.doubtful), (Stage::Waiting(at(50)), true));
    assert_eq!((record.attempts, record.tries), (1, 1));
    assert_eq!(empty.store.wake_waiting(&lease, &[own], at(10)).await.unwrap(), 1);
    assert_eq!(open(10).await.len(), 1);
    assert_eq!(empty.store.wake_waiting(&lease, &[own], at(10)).await.unwrap(), 0);
}

async fn intents_stay_until_they_are_settled(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    empty.deliver(own, 0..2).await;
    let intent = Intent {
        id: 9,
        account: configuration.accounts[1].id,
        at: at(3),
        operation: "Lead.Capture".to_owned(),
        records: vec![IntentRecord {
            key: RecordKey { request: id(1), position: 0 },
            writes: true,
        }],
    };
    let begun = Progress { intents: vec![intent.clone()], ..Progress::default() };
    empty.store.record_progress(&lease, begun).await.unwrap();
    assert_eq!(empty.store.unsettled_intents(&lease).await.unwrap(), [intent]);
    let of = |status| Filter { job_status: Some(status), ..Filter::default() };
    assert_eq!(empty.ids(of(JobStatus::Running)).await, [id(1)], "running is what has an intent");
    assert_eq!(empty.ids(of(JobStatus::Queued)).await, [id(0)]);
    let settled = Progress { settled: vec![9], ..Progress::default() };
    empty.store.record_progress(&lease, settled).await.unwrap();
    assert_eq!(empty.store.unsettled_intents(&lease).await.unwrap(), []);
    assert_eq!(empty.ids(of(JobStatus::Running)).await, []);
}

/// A call's number is made like a Request ID.
async fn recent_calls_are_told_as_they_ended(empty: Empty) {
    let configuration = empty.with_connector().await;
    let lease = empty.lease(&configuration).await;
    let made = |second, milliseconds| store::Call {
        id: id(second).number(),
        at: at(second),
        milliseconds,
        ..call(&configuration, 0)
    };
    let calls = vec![made(10, 12), made(20, 40_000), made(50, 5), made(55, 9_000)];
    let progress = Progress { calls, ..Progress::default() };
    empty.store.record_progress(&lease, progress).await.unwrap();
    let accounts = [0, 1].map(|index| configuration.accounts[index].id);
    let found = empty.store.recent_calls(&accounts, at(55)).await.unwrap();
    let ended: Vec<_> = found.iter().map(|call| (call.account, call.ended)).collect();
    assert_eq!(ended, [(accounts[1], at(60)), (accounts[1], at(64))]);
    assert!(found[0].url.ends_with("Lead.Capture"));
    assert_eq!(empty.store.recent_calls(&accounts[..1], at(0)).await.unwrap(), []);
}

async fn a_call_for_a_person_counts_in_the_quota(empty: Empty) {
    let configuration = empty.with_connector().await;
    let account = configuration.accounts[1].id;
    let made = |second| store::Call {
        id: id(second).number(),
        at: at(second),
        milliseconds: 100,
        ..call(&configuration, 0)
    };
    empty.store.keep_call(made(10)).await.unwrap();
    empty.store.keep_call(made(12)).await.unwrap();
    let day = plan::quota::day_of(at(12));
    assert_eq!(empty.store.spent(account, day).await.unwrap(), 2);
    let window = (account, jiff::SignedDuration::from_secs(5));
    let used = empty.store.used(&[window], at(16)).await.unwrap();
    assert_eq!((used[0].calls, used[0].today), (1, 2), "one is in the window still");
    let recent = empty.store.recent_calls(&[account], at(11)).await.unwrap();
    assert_eq!(recent.iter().map(|call| call.id).collect::<Vec<_>>(), [id(12).number()]);
}

async fn links_replace_what_they_contradict(empty: Empty) {
    let configuration = empty.with_connector().await;
    let lease = empty.lease(&configuration).await;
    let (a, b) = (configuration.accounts[0].id, configuration.accounts[1].id);
    let pair = Pair::of(a, b);
    let link = |one: &str, other: &str, city: &str| {
        let mut link = Link::new(Entity::Lead, (a, one), (b, other));
        link.end_mut(pair.side(a)).base.put("mx_City", city);
        link.end_mut(pair.side(b)).wrote = Some(at(1));
        link
    };
    let keep = async |links: Vec<Link>| {
        let progress = Progress { links, ..Progress::default() };
        empty.store.record_progress(&lease, progress).await.unwrap();
    };
    keep(vec![link("1", "x", "Pune"), link("2", "y", "Delhi")]).await;
    let find = async |account: AccountId, ids: &[&str]| {
        let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        let side: Side = pair.side(account);
        empty.store.links(pair, side, &ids).await.unwrap()
    };
    assert_eq!(find(a, &["1", "3"]).await, [link("1", "x", "Pune")]);
    assert_eq!(find(b, &["y"]).await, [link("2", "y", "Delhi")]);
    keep(vec![link("1", "x", "Agra")]).await;
    assert_eq!(find(a, &["1"]).await, [link("1", "x", "Agra")]);
    // Lead 1 turns out to be y: both older links go.
    keep(vec![link("1", "y", "Agra")]).await;
    assert_eq!(empty.store.count_links(pair).await.unwrap().leads, 1);
    assert_eq!(find(a, &["1", "2"]).await, [link("1", "y", "Agra")]);
    assert_eq!(find(a, &[]).await, []);
}

async fn a_retry_queues_failed_records_again(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    empty.deliver(own, 0..3).await;
    let progress = Progress {
        attempts: vec![
            attempt(own, 0, Event::Failed),
            attempt(own, 1, Event::New),
            attempt(own, 2, Event::Failed),
        ],
        requests: vec![ended(0, Event::Failed), ended(1, Event::New), ended(2, Event::Failed)],
        ..Progress::default()
    };
    empty.store.record_progress(&lease, progress).await.unwrap();
    let retry = async |selection: Selection| {
        empty.store.retry(&selection.into(), &actor(), at(60)).await.unwrap().requests
    };
    assert_eq!(retry(Selection::Requests(vec![id(99)])).await, 0, "there is no such request");
    assert_eq!(retry(Selection::Requests(vec![id(0)])).await, 1);
    let open = empty
        .store
        .open_requests(&lease, &[own], &HashSet::new(), at(60), Room::of(9))
        .await
        .unwrap();
    let open = open.requests;
    assert_eq!(open.len(), 1);
    assert_eq!((open[0].id, open[0].records[0].tries), (id(0), 0));
    assert_eq!(open[0].records[0].stage, Stage::Waiting(at(60)));
    let item = &empty.find(Filter { ids: vec![id(0)], ..Filter::default() }).await[0];
    assert_eq!((item.job_status, item.finished_at), (JobStatus::Queued, None));
    let filter =
        Filter { connector: Some("a-b".to_owned()), from: Some(at(2)), ..Filter::default() };
    assert_eq!(retry(Selection::Failed(filter)).await, 1, "the filter lets one through");
}

async fn a_retry_while_the_request_is_at_work_is_not_forgotten(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    empty.deliver(own, 0..1).await;
    // Record 0 has failed for good; record 1 of the same request is being worked.
    let progress = Progress {
        attempts: vec![attempt(own, 0, Event::Failed)],
        requests: vec![waiting(0, 10)],
        ..Progress::default()
    };
    empty.store.record_progress(&lease, progress).await.unwrap();
    let selection = Selection::Requests(vec![id(0)]);
    assert_eq!(empty.store.retry(&selection.into(), &actor(), at(20)).await.unwrap().requests, 1);
    // The worker does not know of the retry, and says that all is over.
    let mut other = attempt(own, 0, Event::New);
    other.key.position = 1;
    let progress = Progress {
        attempts: vec![other],
        requests: vec![ended(0, Event::Failed)],
        ..Progress::default()
    };
    empty.store.record_progress(&lease, progress).await.unwrap();
    let open = empty
        .store
        .open_requests(&lease, &[own], &HashSet::new(), at(20), Room::of(9))
        .await
        .unwrap();
    let open = open.requests;
    assert_eq!(open.len(), 1, "the retry is still to be done");
    let stages: Vec<Stage> = open[0].records.iter().map(|record| record.stage).collect();
    assert_eq!(stages, [Stage::Waiting(at(20)), Stage::Final]);
}

/// So many requests, all failed.
async fn all_failed(empty: &Empty, count: i64) -> (store::Lease, plan::id::ConnectorId) {
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

async fn many_retries_go_at_a_pace_and_can_be_taken_back(empty: Empty) {
    let (lease, own) = all_failed(&empty, 130).await;
    let all = Selection::Failed(Filter::default());
    let retry = Retry { selection: all.clone(), with: RetryWith::Now, per_minute: Some(20) };
    assert_eq!(empty.store.retry(&retry, &actor(), at(200)).await.unwrap().requests, 130);
    let due = async |now: i64| {
        let none = HashSet::new();
        empty
            .store
            .open_requests(&lease, &[own], &none, at(now), Room::of(500))
            .await
            .unwrap()
            .requests
            .len()
    };
    // The first hundred and the one after them at once, then one each three seconds.
    assert_eq!((due(199).await, due(200).await, due(203).await), (0, 101, 102));
    assert_eq!((due(259).await, due(287).await), (120, 130));
    // Nobody waits behind a record that a person wants to be tried again.
    let waits = empty.store.waiting_records(&lease, &[own], at(200)).await.unwrap();
    assert_eq!(waits.len(), 0);

    // One of them is tried meanwhile, fails, and waits for its next try: that is not taken back.
    let mut tried = attempt(own, 0, Event::Failed);
    (tried.attempt, tried.stage) = (2, Stage::Waiting(at(900)));
    let progress =
        Progress { attempts: vec![tried], requests: vec![waiting(0, 900)], ..Progress::default() };
    empty.store.record_progress(&lease, progress).await.unwrap();
    assert_eq!(empty.store.cancel_retries(&all, &actor(), at(300)).await.unwrap(), 129);
    assert_eq!((due(800).await, due(900).await), (0, 1));
    let item = &empty.find(Filter { ids: vec![id(5)], ..Filter::default() }).await[0];
    assert_eq!((item.job_status, item.finished_at), (JobStatus::Failure, Some(at(300))));
    assert_eq!(empty.store.cancel_retries(&all, &actor(), at(300)).await.unwrap(), 0);
    assert_eq!(empty.store.retry(&all.into(), &actor(), at(300)).await.unwrap().requests, 130);
}

async fn a_retry_says_with_which_settings(empty: Empty) {
    let (lease, own) = all_failed(&empty, 2).await;
    for (n, with) in [(0, RetryWith::Now), (1, RetryWith::Then)] {
        let selection = Selection::Requests(vec![id(n)]);
        let retry = Retry { selection, with, per_minute: None };
        empty.store.retry(&retry, &actor(), at(60)).await.unwrap();
    }
    let open = empty
        .store
        .open_requests(&lease, &[own], &HashSet::new(), at(60), Room::of(9))
        .await
        .unwrap();
    let open = open.requests;
    let asked: Vec<_> = open.iter().map(|r| (r.records[0].retry, r.records[0].version)).collect();
    assert_eq!(asked, [(Some(RetryWith::Now), 1), (Some(RetryWith::Then), 1)]);
    let mut again = attempt(own, 1, Event::New);
    (again.attempt, again.retry) = (2, Some(RetryWith::Then));
    let progress = Progress {
        attempts: vec![again],
        requests: vec![ended(1, Event::New)],
        ..Progress::default()
    };
    empty.store.record_progress(&lease, progress).await.unwrap();
    let item = &empty.find(Filter { ids: vec![id(1)], ..Filter::default() }).await[0];
    let attempts = item.records[0].attempts.iter();
    let told: Vec<_> = attempts.map(|a| (a.number, a.retry, a.version)).collect();
    assert_eq!(told, [(1, None, 1), (2, Some(RetryWith::Then), 1)]);
}

async fn arrivals_while_disabled_are_known(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    empty.deliver(own, 0..6).await;
    let progress = Progress {
        attempts: vec![attempt(own, 3, Event::New), attempt(own, 4, Event::Failed)],
        requests: vec![ended(3, Event::New), waiting(4, 50)],
        ..Progress::default()
    };
    empty.store.record_progress(&lease, progress).await.unwrap();
    let arrivals = async |limit| {
        let found = empty.store.arrivals_while_disabled(&lease, own, limit).await.unwrap();
        found.requests.iter().map(|request| request.id).collect::<Vec<_>>()
    };
    // Since when it is disabled is known for as long as it is.
    let set = async |enabled, now| {
        let change = Change::SetEnabled { name: "a-b".to_owned(), enabled };
        empty.store.change_configuration(vec![change], &actor(), at(now)).await.unwrap();
        empty.store.configuration().await.unwrap().connectors[0].disabled_at
    };
    assert_eq!(arrivals(9).await, [], "it is enabled");
    assert_eq!(set(false, 1).await, Some(at(1)));
    assert_eq!(set(false, 4).await, Some(at(1)), "it was disabled already");
    assert_eq!(arrivals(9).await, [id(2), id(5)]);
    assert_eq!(arrivals(1).await, [id(2)]);
    assert_eq!(set(true, 7).await, None);
    assert_eq!(arrivals(9).await, [], "what came meanwhile is not dropped any more");
    assert_eq!(set(false, 8).await, Some(at(8)));
    assert_eq!(arrivals(9).await, [], "nor is what came while it was enabled");
}

async fn spent_calls_add_up(empty: Empty) {
    let configuration = empty.with_connector().await;
    let lease = empty.lease(&configuration).await;
    let account = configuration.accounts[0].id;
    for calls in [3, 4] {
        let spent =
            vec![Spent { account, hour: 480, calls }, Spent { account, hour: 503, calls: 1 }];
        let progress = Progress { spent, ..Progress::default() };
        empty.store.record_progress(&lease, progress).await.unwrap();
    }
    let of = async |hour: i64| {
        let now = Timestamp::from_second(hour * 3_600 + 60).unwrap();
        empty.store.spending(&[account], now).await.unwrap().remove(0)
    };
    let spending = |today, this_hour, last_hour| Spending { today, this_hour, last_hour };
    assert_eq!(of(480).await, spending(9, 7, 0));
    assert_eq!(of(481).await, spending(9, 0, 7));
    assert_eq!(of(504).await, spending(0, 0, 2));
    // Only the last two days are kept hour by hour.
    let spent = vec![Spent { account, hour: 530, calls: 1 }];
    let progress = Progress { spent, ..Progress::default() };
    empty.store.record_progress(&lease, progress).await.unwrap();
    assert_eq!(of(480).await, spending(9, 0, 0));
    assert_eq!(of(504).await, spending(0, 0, 2));
    assert_eq!(empty.store.spent(account, 20).await.unwrap(), 9);
    assert_eq!(empty.store.spent(account, 21).await.unwrap(), 0);
}

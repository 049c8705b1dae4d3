//! The log as a list, how much of it there is, and what happened to one lead.

use plan::outcome::{Entity, Event, JobStatus, SyncStatus};
use plan::problem::Problem;
use store::{
    AttemptOutcome, Count, Filter, HistoryItem, Neighbours, Page, Progress, RecordKey, Stage,
};

use crate::empty::{Empty, at, attempt, ended, id};

crate::promises! {
    a_list_shows_what_the_log_holds,
    counts_are_of_what_the_list_shows,
    counting_ends_at_a_limit,
    neighbours_are_about_the_same_lead,
    a_history_is_of_one_lead,
}

/// Two connectors with requests of one record and of several, some open.
async fn with_many(empty: &Empty) -> store::Lease {
    let configuration = empty.with_connector().await;
    empty.change(crate::empty::connector("b-a", "b", "a")).await.unwrap();
    let own = configuration.connectors[0].id;
    let other = empty.store.configuration().await.unwrap();
    let other = other.connectors.iter().find(|c| c.id != own).unwrap().id;
    let lease = empty.lease(&configuration).await;
    empty.deliver(own, 0..20).await;
    empty.deliver(other, 20..30).await;
    let mut progress = Progress::default();
    for n in 0..28 {
        let connector = if n < 20 { own } else { other };
        let event = Event::ALL[usize::try_from(n).unwrap() % Event::ALL.len()];
        let mut first = attempt(connector, n, event);
        if event == Event::Failed {
            let problem = Problem::new(plan::problem::Code::TooLong, "It is too long.", "Cut it.");
            first.problem = Some(if n % 2 == 0 { problem } else { problem.about("City") });
        }
        progress.attempts.push(first);
        let mut worst = event;
        if n % 4 == 0 {
            // A second record of the same lead: an activity that failed and waits, or the same.
            let event = if n % 8 == 0 { Event::Failed } else { event };
            progress.attempts.push(AttemptOutcome {
                key: RecordKey { request: id(n), position: 1 },
                entity: Entity::Activity,
                ..attempt(connector, n, event)
            });
            worst = worst.max(event);
        }
        progress.requests.push(ended(n, worst));
    }
    // One waits for its next try.
    let waiting = progress.attempts.iter_mut().find(|a| a.key.request == id(9)).unwrap();
    waiting.stage = Stage::Waiting(at(1_000));
    let state = progress.requests.iter_mut().find(|state| state.id == id(9)).unwrap();
    (state.job_status, state.finished_at, state.due) = (JobStatus::Queued, None, Some(at(1_000)));
    empty.store.record_progress(&lease, progress).await.unwrap();
    lease
}

fn filters() -> Vec<Filter> {
    let any = Filter::default;
    let mut filters = vec![
        any(),
        Filter { connector: Some("a-b".into()), ..any() },
        Filter { connector: Some("nobody".into()), ..any() },
        Filter { from: Some(at(5)), to: Some(at(25)), ..any() },
        Filter { q: Some("person8@example.com".into()), ..any() },
        Filter { q: Some("LEAD-9".into()), ..any() },
        Filter { cause: Some("too_long/City".into()), ..any() },
        Filter { batch: Some(1), ..any() },
    ];
    for with in filters.clone() {
        filters.extend(Entity::ALL.iter().map(|e| Filter { entity: Some(*e), ..with.clone() }));
        let status = JobStatus::ALL.iter();
        filters.extend(status.map(|s| Filter { job_status: Some(*s), ..with.clone() }));
        let status = SyncStatus::ALL.iter();
        filters.extend(status.map(|s| Filter { sync_status: Some(*s), ..with.clone() }));
    }
    filters
}

async fn a_list_shows_what_the_log_holds(empty: Empty) {
    with_many(&empty).await;
    for filter in filters() {
        let whole = empty.find(filter.clone()).await;
        let (mut lines, mut after) = (Vec::new(), None);
        loop {
            let page = Page { limit: 7, after };
            let (some, next) = empty.store.request_lines(&filter, &page).await.unwrap();
            lines.extend(some);
            after = next;
            if after.is_none() {
                break;
            }
        }
        // What a list leaves out is left out of both.
        let plain = |mut value: serde_json::Value| {
            for record in value["records"].as_array_mut().unwrap() {
                record
                    .as_object_mut()
                    .unwrap()
                    .retain(|name, _| name != "attempts" && name != "explanation");
            }
            value
        };
        let whole: Vec<_> = whole.iter().map(|i| plain(serde_json::to_value(i).unwrap())).collect();
        let lines: Vec<_> = lines.iter().map(|i| plain(serde_json::to_value(i).unwrap())).collect();
        assert_eq!(lines, whole, "{filter:?}");
    }
    let known = &empty.find(Filter::default()).await[2].records[0].known_as;
    assert_eq!(known.as_deref(), Some("Person27@example.com"));
}

async fn counts_are_of_what_the_list_shows(empty: Empty) {
    with_many(&empty).await;
    let number = |count: Count| {
        assert!(!count.more, "{count:?}");
        usize::try_from(count.requests).unwrap()
    };
    for filter in filters() {
        let counts = empty.store.count_requests(&filter).await.unwrap();
        assert_eq!(number(counts.all), empty.ids(filter.clone()).await.len(), "{filter:?}");
        for (event, count) in counts.events {
            let filter = Filter { event: Some(event), ..filter.clone() };
            let seen = empty.ids(filter.clone()).await;
            assert_eq!(number(count), seen.len(), "{filter:?} lets through {seen:?}");
            let again = empty.store.count_requests(&filter).await.unwrap();
            assert_eq!(again.events[&event], count);
        }
    }
}

async fn counting_ends_at_a_limit(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    let most = i64::try_from(Count::MOST).unwrap();
    empty.deliver(own, 0..most + 2).await;
    let progress = Progress {
        attempts: (0..=most).map(|n| attempt(own, n, Event::New)).collect(),
        requests: (0..=most).map(|n| ended(n, Event::New)).collect(),
        ..Progress::default()
    };
    empty.store.record_progress(&lease, progress).await.unwrap();
    let counts = empty.store.count_requests(&Filter::default()).await.unwrap();
    let full = Count { requests: Count::MOST as u64, more: true };
    assert_eq!((counts.all, counts.events[&Event::New]), (full, full));
    assert_eq!(counts.events[&Event::Updated], Count::default());
    let but_one = Filter { from: Some(at(1)), ..Filter::default() };
    let counts = empty.store.count_requests(&but_one).await.unwrap();
    assert_eq!(counts.events[&Event::New], Count { more: false, ..full });
}

async fn neighbours_are_about_the_same_lead(empty: Empty) {
    with_many(&empty).await;
    let of = async |n: i64, q: &str| empty.store.neighbours(id(n), q).await.unwrap();
    assert_eq!(of(8, "lead-8").await, Neighbours::default());
    assert_eq!(of(3, "Lead-8 ").await, Neighbours { older: None, newer: Some(id(8)) });
    assert_eq!(of(12, "lead-8").await, Neighbours { older: Some(id(8)), newer: None });
}

async fn a_history_is_of_one_lead(empty: Empty) {
    let lease = with_many(&empty).await;
    let (steps, more) = empty.store.history("LEAD-8").await.unwrap();
    assert!(!more);
    let told: Vec<_> =
        steps.iter().map(|step| (step.request, step.position, step.entity, step.event)).collect();
    let lead = (id(8), 0, Entity::Lead, Event::Skipped);
    assert_eq!(told, [(id(8), 1, Entity::Activity, Event::Failed), lead]);
    let explanation = steps[0].explanation.as_ref().map(|raw| raw.get());
    assert_eq!(explanation, Some(r#"{"why":"because"}"#));
    assert_eq!((steps[0].at, steps[0].version), (at(8), 1));
    assert_eq!(empty.store.history("nobody").await.unwrap().0.len(), 0);
    let own = empty.store.configuration().await.unwrap().connectors[0].id;
    let most = i64::try_from(HistoryItem::MOST).unwrap();
    empty.deliver(own, 100..101 + most).await;
    let of_one =
        |n: i64| AttemptOutcome { mentions: vec!["x".into()], ..attempt(own, n, Event::New) };
    let attempts = (100..101 + most).map(of_one).collect();
    let progress = Progress { attempts, ..Progress::default() };
    empty.store.record_progress(&lease, progress).await.unwrap();
    let (steps, more) = empty.store.history("x").await.unwrap();
    assert_eq!((steps.len(), steps[0].request, more), (HistoryItem::MOST, id(100 + most), true));
}

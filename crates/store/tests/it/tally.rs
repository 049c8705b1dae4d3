//! What is counted while records are kept equals a count over the records.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use plan::id::{ConnectorId, RequestId};
use plan::outcome::{Event, JobStatus, SyncStatus};
use plan::problem::Problem;
use store::{
    AttemptOutcome, Change, Filter, Health, Intent, NewDelivery, Origin, Progress, RequestState,
    Selection, Span, Spent, Stage, Step, Tally, Used, Waiting,
};

use crate::empty::{Empty, account, actor, at, attempt, call, connector, delivery, ended, id};

crate::promises! {
    counts_equal_a_count_over_the_records,
    steps_are_hours_and_days,
    what_arrived_lately_is_counted_in_short_steps,
    causes_are_counted_and_leave_when_they_are_mended,
    health_tells_what_waits_and_when_it_last_went_well,
    a_backlog_is_counted_up_to_a_bound,
    a_removed_connector_is_counted_no_more,
    what_is_not_kept_is_not_counted,
    what_was_there_before_is_counted_by_the_migration,
    calls_of_today_and_of_the_window_are_known,
}

const HOUR: i64 = 3_600;

/// A span that holds everything.
fn ever(hours: i64) -> Span {
    Span { from: at(-HOUR), to: at(1_000 * HOUR), hours }
}

async fn keep(empty: &Empty, lease: &store::Lease, attempts: Vec<AttemptOutcome>) {
    let progress = Progress { attempts, ..Progress::default() };
    empty.store.record_progress(lease, progress).await.unwrap();
}

/// The attempt after these at this record.
fn again(own: ConnectorId, number: i64, event: Event, which: u32) -> AttemptOutcome {
    let mut again = attempt(own, number, event);
    (again.attempt, again.tries) = (which, which);
    again.at = again.at.checked_add(SignedDuration::from_mins(i64::from(which) - 1)).unwrap();
    again
}

/// The records themselves by connector, hour and event.
async fn counted(empty: &Empty) -> BTreeMap<(String, Timestamp), Tally> {
    let mut counts: BTreeMap<(String, Timestamp), Tally> = BTreeMap::new();
    for request in empty.find(Filter::default()).await {
        let second = request.received_at.as_second();
        let hour = Timestamp::from_second(second - second % HOUR).unwrap();
        for record in &request.records {
            let counts = counts.entry((request.connector.clone(), hour)).or_default();
            counts.add(record.event, 1);
        }
    }
    counts
}

async fn must_be_equal(empty: &Empty) {
    let configuration = empty.store.configuration().await.unwrap();
    let name = |id: ConnectorId| {
        let found = configuration.connectors.iter().find(|connector| connector.id == id);
        found.expect("a connector that there is").definition.name.clone()
    };
    let steps = empty.store.steps(&ever(1)).await.unwrap();
    let told: BTreeMap<_, _> = steps
        .iter()
        .filter(|step| step.counts.all() > 0)
        .map(|step| ((name(step.connector), step.from), step.counts))
        .collect();
    assert_eq!(told, counted(empty).await);
    for step in &steps {
        assert_eq!(step.lags.count(), step.counts.written(), "each written record has a lag");
    }
    let health = empty.store.health(at(-HOUR)).await.unwrap();
    let mut all = Tally::default();
    for step in &steps {
        all.add_all(&step.counts);
    }
    let mut healthy = Tally::default();
    for health in &health {
        healthy.add_all(&health.counts);
    }
    assert_eq!(healthy, all);
}

async fn counts_equal_a_count_over_the_records(empty: Empty) {
    empty.with_connector().await;
    empty.change(connector("b-a", "b", "a")).await.unwrap();
    let configuration = empty.store.configuration().await.unwrap();
    let [own, other] = [0, 1].map(|n| configuration.connectors[n].id);
    let lease = empty.lease(&configuration).await;
    must_be_equal(&empty).await;
    let second = |n: i64| if n % 3 == 0 { other } else { own };
    // Twelve hours, ten requests in each: a request is one a six minutes.
    let deliveries = (0..120).map(|n| delivery(second(n), n * 360)).collect();
    empty.store.store_deliveries(deliveries).await.unwrap();
    let event = |n: i64| Event::ALL[usize::try_from(n * 7 % 5).unwrap()];
    for some in [0..50, 50..120] {
        keep(&empty, &lease, some.map(|n| attempt(second(n), n * 360, event(n))).collect()).await;
        must_be_equal(&empty).await;
    }
    // Some that failed go well, some fail again for another reason, some do both in one commit.
    let failed: Vec<i64> = (0..120).filter(|n| event(*n) == Event::Failed).collect();
    assert!(failed.len() > 20);
    let attempts = failed.iter().flat_map(|&n| {
        let next = |event, which| again(second(n), n * 360, event, which);
        let mut twice = next(Event::Failed, 2);
        twice.problem =
            Some(Problem::new(plan::problem::Code::Unreachable, "It is another.", "Wait."));
        match n % 3 {
            0 => vec![next(Event::Updated, 2)],
            1 => vec![twice],
            _ => vec![twice, next(Event::New, 3)],
        }
    });
    keep(&empty, &lease, attempts.collect()).await;
    must_be_equal(&empty).await;
    // A person asks for what still fails; a try of it fails, and one goes well.
    let all = Selection::Failed(Filter::default());
    let retried = empty.store.retry(&all.clone().into(), &actor(), at(9)).await.unwrap();
    assert!(retried.requests > 5, "{retried:?}");
    must_be_equal(&empty).await;
    let still: Vec<i64> = failed.into_iter().filter(|n| n % 3 == 1).collect();
    let last = still.iter().enumerate().map(|(turn, &n)| {
        let event = if turn % 2 == 0 { Event::Failed } else { Event::Unchanged };
        again(second(n), n * 360, event, 3)
    });
    keep(&empty, &lease, last.collect()).await;
    empty.store.cancel_retries(&all, &actor(), at(9)).await.unwrap();
    must_be_equal(&empty).await;
    // Whatever a record stood at before, it moves from there.
    let strange = (0..120).map(|n| again(second(n), n * 360, event(n + 1), 9)).collect();
    keep(&empty, &lease, strange).await;
    must_be_equal(&empty).await;
}

async fn steps_are_hours_and_days(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    // at(0) is 2026-09-21T14:13:20Z.
    let numbers = [0, 2 * HOUR, 9 * HOUR, 10 * HOUR, 34 * HOUR];
    empty.store.store_deliveries(numbers.map(|n| delivery(own, n)).to_vec()).await.unwrap();
    let mut slow = attempt(own, 0, Event::New);
    slow.at = at(90);
    let mut attempts = vec![slow];
    attempts.extend(numbers[1..].iter().map(|n| attempt(own, *n, Event::Updated)));
    keep(&empty, &lease, attempts).await;
    let told = async |span: Span| {
        let steps = empty.store.steps(&span).await.unwrap();
        let one = |step: &Step| (step.from.to_string(), step.counts.all());
        steps.iter().map(one).collect::<Vec<_>>()
    };
    let step = |from: &str, records: u64| (from.to_owned(), records);
    assert_eq!(
        told(ever(24)).await,
        [
            step("2026-09-21T00:00:00Z", 3),
            step("2026-09-22T00:00:00Z", 1),
            step("2026-09-23T00:00:00Z", 1)
        ]
    );
    assert_eq!(told(ever(6)).await[0], step("2026-09-21T12:00:00Z", 2));
    let part = Span { from: at(HOUR), to: at(10 * HOUR), hours: 1 };
    let hours = [
        step("2026-09-21T16:00:00Z", 1),
        step("2026-09-21T23:00:00Z", 1),
        step("2026-09-22T00:00:00Z", 1),
    ];
    assert_eq!(told(part).await, hours, "the hours at the ends are counted whole");
    let whole = "2026-09-22T00:00:00Z".parse().unwrap();
    assert_eq!(told(Span { to: whole, ..part }).await, hours[..2], "an hour not begun is left out");
    let starts: Vec<_> = part.steps(100).iter().map(ToString::to_string).collect();
    assert_eq!((starts.len(), starts[0].as_str()), (10, "2026-09-21T15:00:00Z"));
    assert_eq!(ever(1).steps(5).len(), 5);
    let first = &empty.store.steps(&ever(1)).await.unwrap()[0];
    let lag = first.lags.percentile(50).unwrap();
    let differs = (lag - SignedDuration::from_secs(90)).abs();
    assert!(differs * 8 < lag, "90 seconds, to an eighth: {lag:#}");
}

async fn what_arrived_lately_is_counted_in_short_steps(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    // at(0) is 2026-09-21T14:13:20Z.
    let numbers = [0, 60, 120, 1_000, HOUR, 2 * HOUR];
    empty.store.store_deliveries(numbers.map(|n| delivery(own, n)).to_vec()).await.unwrap();
    let told = async |from, to| {
        let steps = empty.store.recent_steps(at(from), at(to)).await.unwrap();
        let one = |step: &Step| {
            let lags = step.lags.count();
            assert_eq!(lags, step.counts.written(), "each written record has a lag");
            (step.from.strftime("%H:%M").to_string(), step.counts.written(), step.counts.failed)
        };
        steps.iter().filter(|step| step.counts.all() > 0).map(one).collect::<Vec<_>>()
    };
    let step = |from: &str, written: u64, failed: u64| (from.to_owned(), written, failed);
    let event = |n| if n == 60 || n == HOUR { Event::Failed } else { Event::New };
    keep(&empty, &lease, numbers[..5].iter().map(|n| attempt(own, *n, event(*n))).collect()).await;
    let first = [step("14:10", 1, 1), step("14:15", 1, 0), step("14:30", 1, 0)];
    assert_eq!(told(0, 3_000).await, first);
    let later = [first[1].clone(), first[2].clone(), step("15:10", 0, 1)];
    assert_eq!(told(300, 2 * HOUR).await, later, "steps at the ends are counted whole");
    // A retried record moves to its new event; one without a change stays where it was.
    let mut unchanged = attempt(own, 1_000, Event::Unchanged);
    unchanged.attempt = 2;
    keep(&empty, &lease, vec![again(own, 60, Event::Updated, 2), unchanged]).await;
    assert_eq!(told(0, 3_000).await, [step("14:10", 2, 0), first[1].clone(), first[2].clone()]);
    // Older steps are deleted, and a retry of their records changes no other step.
    let mut late = attempt(own, 2 * HOUR, Event::New);
    late.at = at(4 * HOUR);
    keep(&empty, &lease, vec![late]).await;
    assert_eq!(told(0, 5 * HOUR).await, [step("16:10", 1, 0)]);
    let mut retried = attempt(own, HOUR, Event::New);
    (retried.attempt, retried.at) = (2, at(4 * HOUR));
    keep(&empty, &lease, vec![retried]).await;
    assert_eq!(told(0, 5 * HOUR).await, [step("16:10", 1, 0)]);
    must_be_equal(&empty).await;
    empty.change(Change::RemoveConnector { name: "a-b".to_owned() }).await.unwrap();
    assert_eq!(told(0, 5 * HOUR).await, []);
}

async fn causes_are_counted_and_leave_when_they_are_mended(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    empty.deliver(own, 0..9).await;
    let failed = |n: i64, field: &str| {
        let mut failed = attempt(own, n, Event::Failed);
        let problem = Problem::new(
            plan::problem::Code::TooLong,
            format!("{field} {n} is too long."),
            "Cut it.",
        );
        failed.problem = Some(problem.about(field));
        failed
    };
    let fields = ["City", "City", "Name", "City", "Name", "Age"];
    let attempts = fields.iter().zip(0..).map(|(field, n)| failed(n, field)).collect();
    keep(&empty, &lease, attempts).await;
    let told = async |limit| {
        let between = (at(0), at(HOUR));
        let causes = empty.store.causes(between, None, limit).await.unwrap();
        let one = |c: store::Cause| (c.cause, c.records, c.request, c.problem.message);
        causes.into_iter().map(one).collect::<Vec<_>>()
    };
    let cause = |field: &str, records, last: i64| {
        (format!("too_long/{field}"), records, id(last), format!("{field} {last} is too long."))
    };
    assert_eq!(told(9).await, [cause("City", 3, 3), cause("Name", 2, 4), cause("Age", 1, 5)]);
    assert_eq!(told(1).await, [cause("City", 3, 3)]);
    let later = empty.store.causes((at(2 * HOUR), at(3 * HOUR)), None, 9).await.unwrap();
    assert_eq!(later.len(), 0);
    let of = async |connectors: &[ConnectorId]| {
        empty.store.causes((at(0), at(HOUR)), Some(connectors), 9).await.unwrap().len()
    };
    assert_eq!(of(&[own]).await, 3);
    assert_eq!(of(&[ConnectorId(own.0 + 1)]).await, 0);
    assert_eq!(of(&[]).await, 0);
    let mended = [3, 5].map(|n| again(own, n, Event::New, 2)).to_vec();
    keep(&empty, &lease, mended).await;
    assert_eq!(told(9).await, [cause("City", 2, 1), cause("Name", 2, 4)]);
}

async fn only_health(empty: &Empty, since: i64) -> Health {
    let mut health = empty.store.health(at(since)).await.unwrap();
    assert_eq!(health.len(), 1);
    health.remove(0)
}

async fn health_tells_what_waits_and_when_it_last_went_well(empty: Empty) {
    assert_eq!(empty.store.health(at(0)).await.unwrap().len(), 0);
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    let health = only_health(&empty, 0).await;
    assert_eq!((health.connector, health.counts), (own, Tally::default()));
    assert_eq!((health.waiting, health.retrying), (Waiting::default(), Waiting::default()));
    assert_eq!((health.last_success, health.last_failure), (None, None));
    empty.deliver(own, 3..8).await;
    let health = only_health(&empty, 0).await;
    assert_eq!(health.waiting, Waiting { count: 5, oldest: Some(at(3)), next: None });
    let mut failed = attempt(own, 4, Event::Failed);
    failed.stage = Stage::Waiting(at(500));
    let waits = RequestState {
        job_status: JobStatus::Queued,
        sync_status: Some(SyncStatus::Error),
        finished_at: None,
        due: Some(at(500)),
        ..ended(4, Event::Failed)
    };
    let progress = Progress {
        attempts: vec![
            again(own, 3, Event::New, 1),
            failed,
            attempt(own, 5, Event::Skipped),
            attempt(own, 6, Event::Failed),
        ],
        requests: vec![
            ended(3, Event::New),
            waits,
            ended(5, Event::Skipped),
            ended(6, Event::Failed),
        ],
        ..Progress::default()
    };
    empty.store.record_progress(&lease, progress).await.unwrap();
    let health = only_health(&empty, 0).await;
    let counts = Tally { new: 1, skipped: 1, failed: 2, ..Tally::default() };
    assert_eq!((health.counts, health.lags.count()), (counts, 1));
    assert_eq!(health.waiting, Waiting { count: 1, oldest: Some(at(7)), next: None });
    let retrying = Waiting { count: 1, oldest: Some(at(4)), next: Some(at(500)) };
    assert_eq!(health.retrying, retrying);
    assert_eq!((health.last_success, health.last_failure), (Some(at(3)), Some(at(6))));
    // A late success of an old record is the last one; what arrived before is not of today.
    keep(&empty, &lease, vec![again(own, 4, Event::Updated, 2)]).await;
    let health = only_health(&empty, 2 * HOUR).await;
    assert_eq!((health.counts, health.retrying.count), (Tally::default(), 0));
    assert_eq!((health.last_success, health.last_failure), (Some(at(64)), Some(at(6))));
}

async fn a_backlog_is_counted_up_to_a_bound(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let most = i64::try_from(Waiting::MOST).unwrap();
    let one = |n: i64| NewDelivery {
        id: RequestId::new(at(10), 1, n),
        connector: own,
        received_at: at(10),
        origin: Origin::Webhook,
        content_type: None,
        body: bytes::Bytes::from_static(b"{}"),
    };
    empty.store.store_deliveries((0..most + 50).map(one).collect()).await.unwrap();
    let health = only_health(&empty, 0).await;
    assert_eq!((health.waiting.count, health.waiting.oldest), (Waiting::MOST, Some(at(10))));
}

async fn a_removed_connector_is_counted_no_more(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    empty.deliver(own, 0..4).await;
    let events = [Event::New, Event::Failed];
    keep(&empty, &lease, events.iter().zip(0..).map(|(e, n)| attempt(own, n, *e)).collect()).await;
    must_be_equal(&empty).await;
    empty.change(Change::RemoveConnector { name: "a-b".to_owned() }).await.unwrap();
    assert_eq!(empty.store.steps(&ever(1)).await.unwrap().len(), 0);
    assert_eq!(empty.store.causes((at(0), at(HOUR)), None, 9).await.unwrap().len(), 0);
    assert_eq!(empty.store.health(at(0)).await.unwrap().len(), 0);
    // A new one of the same name begins with nothing.
    empty.change(connector("a-b", "a", "b")).await.unwrap();
    let health = only_health(&empty, 0).await;
    assert_eq!((health.counts, health.last_success), (Tally::default(), None));
}

async fn what_is_not_kept_is_not_counted(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    empty.deliver(own, 0..3).await;
    let progress = |calls: Vec<i64>| Progress {
        attempts: vec![attempt(own, 0, Event::New)],
        calls: calls.into_iter().map(|n| call(&configuration, n)).collect(),
        // This comes after the attempts in the commit, and two of one number are refused.
        intents: [1, 1].map(|id| intent(&configuration, id, "Lead.Update", 0)).to_vec(),
        ..Progress::default()
    };
    assert!(empty.store.record_progress(&lease, progress(vec![])).await.is_err());
    must_be_equal(&empty).await;
    assert_eq!(only_health(&empty, 0).await.counts.all(), 0);
    // A lost lease keeps nothing either.
    empty.store.release_lease(&lease).await.unwrap();
    empty.lease(&configuration).await;
    let late = Progress { attempts: vec![attempt(own, 0, Event::New)], ..Progress::default() };
    assert!(empty.store.record_progress(&lease, late).await.is_err());
    assert_eq!(only_health(&empty, 0).await.counts.all(), 0);
}

fn intent(
    configuration: &store::Configuration,
    number: i64,
    operation: &str,
    second: i64,
) -> Intent {
    Intent {
        id: number,
        account: configuration.accounts[1].id,
        at: at(second),
        operation: operation.to_owned(),
        records: Vec::new(),
    }
}

async fn calls_of_today_and_of_the_window_are_known(empty: Empty) {
    let configuration = empty.with_connector().await;
    let lease = empty.lease(&configuration).await;
    empty.change(account("c", "secret")).await.unwrap();
    let account = configuration.accounts[1].id;
    let mut calls = Vec::new();
    for (second, bulk) in [(0, false), (16, true), (17, false), (18, false)] {
        let mut one = call(&configuration, second);
        one.id = RequestId::new(at(second), 1, 0).number();
        if bulk {
            "https://api/v2/LeadManagement.svc/Lead/Bulk/Create".clone_into(&mut one.url);
        }
        calls.push(one);
    }
    let hour = plan::quota::hour_of(at(0));
    let progress = Progress {
        calls,
        spent: vec![Spent { account, hour, calls: 5 }],
        intents: vec![intent(&configuration, 8, "Lead/Bulk/UpdateV2", 20)],
        ..Progress::default()
    };
    empty.store.record_progress(&lease, progress).await.unwrap();
    let window = SignedDuration::from_secs(4);
    let used = async |seconds| {
        let used = empty.store.used(&[(account, window)], at(seconds)).await.unwrap();
        (used[0].today, used[0].calls, used[0].bulk_calls)
    };
    assert_eq!(used(20).await, (5, 4, 2), "with the one that is under way");
    assert_eq!(used(21).await, (5, 3, 1));
    assert_eq!(used(30).await, (5, 1, 1));
    assert_eq!(used(86_400).await, (0, 1, 1), "another day");
    let other = configuration.accounts[0].id;
    let used = empty.store.used(&[(other, window)], at(20)).await.unwrap();
    assert_eq!(used, [Used { account: other, today: 0, calls: 0, bulk_calls: 0 }]);
}

/// The statements of the migration that count what is there, over what the suite has kept.
async fn what_was_there_before_is_counted_by_the_migration(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    let event = |n: i64| Event::ALL[usize::try_from(n % 5).unwrap()];
    let numbers = || (0..40).map(|n| n * 720);
    let deliveries = numbers().map(|n| delivery(own, n)).collect();
    empty.store.store_deliveries(deliveries).await.unwrap();
    let attempts = numbers().zip(0..).map(|(second, n)| attempt(own, second, event(n))).collect();
    keep(&empty, &lease, attempts).await;
    keep(&empty, &lease, vec![again(own, 4 * 720, Event::New, 2)]).await;
    let told = async || {
        let steps = empty.store.steps(&ever(1)).await.unwrap();
        let steps: Vec<_> = steps.iter().map(|step| (step.from, step.counts)).collect();
        let causes = empty.store.causes((at(0), at(9 * HOUR)), None, 9).await.unwrap();
        let causes: Vec<_> = causes.into_iter().map(|c| (c.cause, c.records, c.request)).collect();
        let health = only_health(&empty, 0).await;
        (steps, causes, health.last_success, health.last_failure)
    };
    let before = told().await;
    let migration = include_str!("../../migrations/postgres/0007_tally.sql");
    let of_sqlite = include_str!("../../migrations/sqlite/0007_tally.sql");
    let counting = |text: &str| {
        let statements = text.split(';').filter_map(|one| one.split_once("INSERT INTO"));
        statements.map(|(_, rest)| format!("INSERT INTO{rest}")).collect::<Vec<_>>()
    };
    assert_eq!((counting(migration).len(), counting(migration)), (2, counting(of_sqlite)));
    let forget = ["DELETE FROM tally", "DELETE FROM latest"].map(str::to_owned);
    for sql in forget.into_iter().chain(counting(migration)) {
        crate::empty::execute(&empty.url, &sql).await;
    }
    assert_eq!(told().await, before);
}

//! The states of requests: how they are filtered and counted, and echoes.

use std::collections::BTreeMap;

use plan::outcome::{Entity, Event, JobStatus, SyncStatus};
use plan::problem::{Code, Problem};
use plan::state::State;
use store::{
    AttemptOutcome, Echoes, Filter, Intent, IntentRecord, Page, Progress, RecordKey, RequestLine,
    Retry, Selection, Stage,
};

use crate::empty::{Empty, actor, at, attempt, connector, ended, id, waiting};

crate::promises! {
    a_state_lists_the_requests_that_are_in_it,
    states_are_counted_as_they_are_listed,
    an_echo_is_hidden_until_it_is_retried_with_a_result,
}

/// A connector that runs and one that is disabled, with requests in every state.
async fn with_every_state(empty: &Empty) -> store::Lease {
    let configuration = empty.with_connector().await;
    empty.change(connector("b-a", "b", "a")).await.unwrap();
    let own = configuration.connectors[0].id;
    let configuration = empty.store.configuration().await.unwrap();
    let other = configuration.connectors.iter().find(|c| c.id != own).unwrap().id;
    let lease = empty.lease(&configuration).await;
    let mut progress = Progress::default();
    for (connector, first) in [(own, 0), (other, 100)] {
        empty.deliver(connector, first..first + 14).await;
        let of = |n: i64, event| attempt(connector, first + n, event);
        let failed = |n, code| AttemptOutcome {
            problem: Some(Problem::new(code, "It failed.", "Fix it.")),
            ..of(n, Event::Failed)
        };
        let second = |n, event| AttemptOutcome {
            key: RecordKey { request: id(first + n), position: 1 },
            entity: Entity::Activity,
            ..of(n, event)
        };
        let echo = |attempt| AttemptOutcome { is_echo: true, ..attempt };
        progress.attempts.extend([
            of(0, Event::New),
            of(1, Event::Updated),
            of(2, Event::Unchanged),
            echo(of(3, Event::Unchanged)),
            echo(of(4, Event::Unchanged)),
            of(5, Event::Skipped),
            failed(6, Code::TooLong),
            failed(7, Code::Ambiguous),
            AttemptOutcome { stage: Stage::Waiting(at(1_000)), ..failed(8, Code::Unreachable) },
            of(9, Event::New),
            second(9, Event::Failed),
            echo(of(10, Event::Unchanged)),
            second(10, Event::Unchanged),
            // What was synced, and is retried.
            of(11, Event::Updated),
        ]);
        for n in (0..8).chain([9, 10, 11]) {
            let is_bad = matches!(n, 6 | 7 | 9);
            let worst = if is_bad { Event::Failed } else { Event::New };
            progress.requests.push(ended(first + n, worst));
        }
        progress.requests.push(waiting(first + 8, 1_000));
        // 12 is in progress, 13 waits.
        let key = RecordKey { request: id(first + 12), position: 0 };
        progress.intents.push(Intent {
            id: first + 1,
            account: configuration.accounts[0].id,
            at: at(20),
            operation: "Lead.Capture".to_owned(),
            records: vec![IntentRecord { key, writes: true }],
        });
    }
    empty.store.record_progress(&lease, progress).await.unwrap();
    for n in [11, 111] {
        let retry: Retry = Selection::Requests(vec![id(n)]).into();
        empty.store.retry(&retry, &actor(), at(30)).await.unwrap();
    }
    lease
}

async fn lines(empty: &Empty, filter: &Filter) -> Vec<RequestLine> {
    let (mut lines, mut after) = (Vec::new(), None);
    loop {
        let page = Page { limit: 3, after };
        let (some, next) = empty.store.request_lines(filter, &page).await.unwrap();
        lines.extend(some);
        after = next;
        if after.is_none() {
            return lines;
        }
    }
}

/// The states of a request's records, or its own if it has none.
fn states(line: &RequestLine) -> Vec<State> {
    let of = |records: &[store::RecordLine]| {
        let records = records.iter().map(store::RecordLine::standing);
        State::of(line.job_status, line.is_held, records)
    };
    if line.records.is_empty() {
        return vec![of(&[])];
    }
    line.records.iter().map(|record| of(std::slice::from_ref(record))).collect()
}

fn filters() -> Vec<Filter> {
    let any = Filter::default;
    let mut filters = vec![
        any(),
        Filter { connector: Some("b-a".into()), ..any() },
        Filter { from: Some(at(3)), to: Some(at(110)), ..any() },
        Filter { q: Some("lead-8".into()), ..any() },
        Filter { q: Some("person10".into()), ..any() },
    ];
    for with in filters.clone() {
        filters.extend([
            Filter { entity: Some(Entity::Lead), ..with.clone() },
            Filter { event: Some(Event::Unchanged), ..with.clone() },
            Filter { event: Some(Event::Failed), ..with.clone() },
            Filter { job_status: Some(JobStatus::Success), ..with.clone() },
            Filter { sync_status: Some(SyncStatus::Error), ..with.clone() },
        ]);
    }
    let hidden = filters.clone().into_iter().map(|f| Filter { echoes: Echoes::Without, ..f });
    filters.extend(hidden.collect::<Vec<_>>());
    filters
}

async fn a_state_lists_the_requests_that_are_in_it(empty: Empty) {
    with_every_state(&empty).await;
    let all = lines(&empty, &Filter::default()).await;
    assert_eq!(all.len(), 28);
    let seen: std::collections::BTreeSet<State> = all.iter().flat_map(states).collect();
    assert_eq!(seen.len(), State::ALL.len(), "every state occurs: {seen:?}");
    for echoes in [Echoes::Any, Echoes::Without, Echoes::Only] {
        let is_shown = |line: &&RequestLine| match echoes {
            Echoes::Any => true,
            Echoes::Without => !line.is_echo,
            Echoes::Only => line.is_echo,
        };
        let expected: Vec<_> = all.iter().filter(is_shown).map(|line| line.id).collect();
        let found = lines(&empty, &Filter { echoes, ..Filter::default() }).await;
        assert_eq!(found.iter().map(|line| line.id).collect::<Vec<_>>(), expected, "{echoes:?}");
        for state in State::ALL {
            let is_in = |line: &&RequestLine| states(line).contains(state);
            let expected: Vec<_> =
                all.iter().filter(is_shown).filter(is_in).map(|line| line.id).collect();
            let filter = Filter { state: Some(*state), echoes, ..Filter::default() };
            let found: Vec<_> = lines(&empty, &filter).await.iter().map(|line| line.id).collect();
            assert_eq!(found, expected, "{state} {echoes:?}");
        }
    }
}

async fn states_are_counted_as_they_are_listed(empty: Empty) {
    with_every_state(&empty).await;
    for filter in filters() {
        let counts = empty.store.count_states(&filter).await.unwrap();
        let found = lines(&empty, &filter).await.len() as u64;
        assert_eq!(counts.all.requests, found, "{filter:?}");
        let only = Filter { echoes: Echoes::Only, ..filter.clone() };
        assert_eq!(counts.echoes.requests, lines(&empty, &only).await.len() as u64, "{filter:?}");
        let mut listed = BTreeMap::new();
        for state in State::ALL {
            let of = Filter { state: Some(*state), ..filter.clone() };
            listed.insert(*state, lines(&empty, &of).await.len() as u64);
        }
        let counted: BTreeMap<State, u64> =
            counts.states.iter().map(|(state, count)| (*state, count.requests)).collect();
        assert_eq!(counted, listed, "{filter:?}");
    }
}

async fn an_echo_is_hidden_until_it_is_retried_with_a_result(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    empty.deliver(own, 0..1).await;
    let hidden = Filter { echoes: Echoes::Without, ..Filter::default() };
    let first = AttemptOutcome { is_echo: true, ..attempt(own, 0, Event::Unchanged) };
    let again = AttemptOutcome { attempt: 2, ..attempt(own, 0, Event::Updated) };
    for (outcome, shown) in [(first, 0), (again, 1)] {
        let progress = Progress {
            requests: vec![ended(0, outcome.event)],
            attempts: vec![outcome],
            ..Progress::default()
        };
        empty.store.record_progress(&lease, progress).await.unwrap();
        assert_eq!(empty.ids(hidden.clone()).await.len(), shown);
        assert_eq!(empty.ids(Filter::default()).await.len(), 1);
    }
}

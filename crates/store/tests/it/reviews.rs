//! What a person decides about leads.

use std::collections::HashSet;

use plan::link::{Link, Pair, Side};
use plan::outcome::{Entity, Event};
use plan::problem::Problem;
use plan::review::{Candidate, Choice, Reason, Review, State};
use store::{Configuration, NewReview, Origin, Progress, ReviewFilter, ReviewItem, Room};

use crate::empty::{Beside, Empty, actor, at, attempt, ended, id};

crate::promises! {
    a_question_is_asked_once_and_what_was_decided_stays,
    a_decision_tries_again_what_waited_for_it,
    an_undone_decision_unties_the_lead,
    an_undone_conflict_leaves_the_link_as_it_is,
    reviews_are_found_by_lead_and_connector,
    a_frozen_field_is_released,
    what_is_recorded_while_a_field_is_released_is_not_lost,
}

fn asked(configuration: &Configuration, lead: &str, reason: Reason, seconds: i64) -> NewReview {
    let connector = &configuration.connectors[0];
    let candidate = Candidate {
        lead_id: plan::id::LeadId::new("twin"),
        found_by: Some("Phone".to_owned()),
        fields: [("City", "Pune")].into_iter().collect(),
        linked_to: None,
    };
    NewReview {
        connector: connector.id,
        source: connector.source,
        destination: connector.destination,
        source_id: lead.to_owned(),
        known_as: Some("asha@example.com".to_owned()),
        request: id(seconds),
        at: at(seconds),
        knows_decision: false,
        review: Review {
            reason,
            sends: [("City", "Agra")].into_iter().collect(),
            candidates: vec![candidate],
            disputes: Vec::new(),
        },
    }
}

async fn with(empty: &Empty, reviews: Vec<NewReview>) -> store::Lease {
    let lease = empty.lease(&empty.store.configuration().await.unwrap()).await;
    let progress = Progress { reviews, ..Progress::default() };
    empty.store.record_progress(&lease, progress).await.unwrap();
    lease
}

async fn all(empty: &Empty, filter: ReviewFilter) -> Vec<ReviewItem> {
    empty.store.reviews(&filter, 10, None).await.unwrap().0
}

async fn decide(empty: &Empty, id: i64, choice: Option<Choice>) -> store::Result<u64> {
    let retried = empty.store.decide_review(id, choice.as_ref(), &actor(), at(50)).await?;
    Ok(retried.requests)
}

fn link() -> Choice {
    Choice::Link { lead_id: plan::id::LeadId::new("twin") }
}

async fn a_question_is_asked_once_and_what_was_decided_stays(empty: Empty) {
    let configuration = empty.with_connector().await;
    let ask = |reason, seconds| asked(&configuration, "lead", reason, seconds);
    let lease = with(&empty, vec![ask(Reason::Several, 1), ask(Reason::Conflict, 2)]).await;
    let again = async |new| {
        let progress = Progress { reviews: vec![new], ..Progress::default() };
        empty.store.record_progress(&lease, progress).await.unwrap();
    };
    again(ask(Reason::KeysDisagree, 3)).await;
    let found = all(&empty, ReviewFilter::default()).await;
    assert_eq!(found.len(), 2, "a lead is asked about once of each kind: {found:#?}");
    let one = &found[1];
    assert_eq!((one.reason, one.state), (Reason::KeysDisagree, State::Open));
    assert_eq!((one.opened_at, one.request), (at(1), id(3)), "it is asked since the first time");
    assert_eq!(one.evidence, ask(Reason::KeysDisagree, 3).review);
    let (kind, conflict) = (one.id, found[0].id);

    assert!(decide(&empty, kind, None).await.is_err(), "there is nothing to undo");
    let typed = Choice::Link { lead_id: plan::id::LeadId::new(" TWIN") };
    assert_eq!(decide(&empty, kind, Some(typed)).await.unwrap(), 0);
    assert!(decide(&empty, kind, Some(Choice::Ignore)).await.is_err(), "it was decided before");
    assert!(decide(&empty, 99, Some(Choice::Ignore)).await.is_err());
    // A record that was at work meanwhile knows nothing of it.
    again(ask(Reason::Several, 4)).await;
    let known = empty.store.review(kind).await.unwrap().unwrap();
    assert_eq!((known.state, &known.choice), (State::Decided, &Some(link())));
    assert_eq!((known.decided_at, known.decided_by.as_deref()), (Some(at(50)), Some("test")));
    // One that was worked under it asks anew.
    again(NewReview { knows_decision: true, ..ask(Reason::Several, 5) }).await;
    let known = empty.store.review(kind).await.unwrap().unwrap();
    assert_eq!((known.state, known.choice, known.opened_at), (State::Open, None, at(5)));

    let progress = Progress { solved: vec![conflict], ..Progress::default() };
    empty.store.record_progress(&lease, progress).await.unwrap();
    assert!(decide(&empty, conflict, Some(Choice::Source)).await.is_err(), "nothing is left");
    let open = ReviewFilter { state: Some(State::Open), ..ReviewFilter::default() };
    assert_eq!(empty.store.count_reviews(&open).await.unwrap(), 1);
}

async fn a_decision_tries_again_what_waited_for_it(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    empty.deliver(own, 0..5).await;
    let lease = with(&empty, vec![asked(&configuration, "Lead", Reason::Several, 0)]).await;
    let one = |n, event, code: &str| {
        let mut one = attempt(own, n, event);
        one.problem = Some(Problem::new(
            plan::problem::Code::from_word(code).unwrap(),
            "It waits.",
            "Decide.",
        ));
        one.mentions = vec!["lead".to_owned()];
        one
    };
    let progress = Progress {
        attempts: vec![
            one(0, Event::Failed, "ambiguous"),
            one(1, Event::Failed, "type_mismatch"),
            one(2, Event::Skipped, "left_alone"),
            one(3, Event::Skipped, "exists"),
            attempt(own, 4, Event::Failed),
        ],
        requests: (0..5).map(|n| ended(n, Event::Failed)).collect(),
        ..Progress::default()
    };
    empty.store.record_progress(&lease, progress).await.unwrap();
    let review = all(&empty, ReviewFilter::default()).await[0].id;
    assert_eq!(decide(&empty, review, Some(link())).await.unwrap(), 2);
    let due =
        empty.store.open_requests(&lease, &[own], &HashSet::new(), at(60), Room::of(10)).await;
    let due: Vec<_> = due.unwrap().requests.iter().map(|request| request.id).collect();
    assert_eq!(due, [id(0), id(2)], "in the order in which they came");
}

async fn an_undone_decision_unties_the_lead(empty: Empty) {
    let configuration = empty.with_connector().await;
    let connector = configuration.connectors[0].clone();
    let lease = with(&empty, vec![asked(&configuration, "lead", Reason::Several, 0)]).await;
    let review = all(&empty, ReviewFilter::default()).await[0].id;
    decide(&empty, review, Some(link())).await.unwrap();
    let ends = ((connector.source, "lead"), (connector.destination, "twin"));
    let other = ((connector.source, "other"), (connector.destination, "its twin"));
    let links =
        vec![Link::new(Entity::Lead, ends.0, ends.1), Link::new(Entity::Lead, other.0, other.1)];
    let progress = Progress { links, ..Progress::default() };
    empty.store.record_progress(&lease, progress).await.unwrap();
    decide(&empty, review, None).await.unwrap();
    let pair = Pair::of(connector.source, connector.destination);
    let side: Side = pair.side(connector.source);
    let ids = ["lead".to_owned(), "other".to_owned()];
    let left = empty.store.links(pair, side, &ids).await.unwrap();
    let left: Vec<&str> = left.iter().map(|link| link.end(side).id.as_str()).collect();
    assert_eq!(left, ["other"]);
    let lost = empty
        .store
        .record_progress(&lease, Progress { solved: vec![review], ..Progress::default() });
    assert!(lost.await.is_err(), "whoever works the accounts begins anew");
}

async fn an_undone_conflict_leaves_the_link_as_it_is(empty: Empty) {
    let configuration = empty.with_connector().await;
    let connector = configuration.connectors[0].clone();
    let lease = with(&empty, vec![asked(&configuration, "lead", Reason::Conflict, 0)]).await;
    let review = all(&empty, ReviewFilter::default()).await[0].id;
    decide(&empty, review, Some(Choice::Source)).await.unwrap();
    let ends = ((connector.source, "lead"), (connector.destination, "twin"));
    let mut link = Link::new(Entity::Lead, ends.0, ends.1);
    let side = link.pair.side(connector.source);
    let end = link.end_mut(side);
    end.base.put("City", "Pune");
    end.frozen.insert("Stage".to_owned(), at(100));
    let progress = Progress { links: vec![link.clone()], ..Progress::default() };
    empty.store.record_progress(&lease, progress).await.unwrap();
    decide(&empty, review, None).await.unwrap();
    let known = empty.store.review(review).await.unwrap().unwrap();
    assert_eq!((known.state, known.choice), (State::Open, None));
    let left = empty.store.links(link.pair, side, &["lead".to_owned()]).await.unwrap();
    assert_eq!(left, [link]);
    let lost = empty
        .store
        .record_progress(&lease, Progress { solved: vec![review], ..Progress::default() });
    assert!(lost.await.is_err(), "whoever works the accounts begins anew");
}

async fn reviews_are_found_by_lead_and_connector(empty: Empty) {
    let configuration = empty.with_connector().await;
    let ask = |lead, reason, n| asked(&configuration, lead, reason, n);
    with(&empty, vec![ask("one", Reason::Several, 1), ask("two", Reason::Conflict, 2)]).await;
    let leads = async |filter| -> Vec<String> {
        all(&empty, filter).await.into_iter().map(|item| item.source_id).collect()
    };
    let by = |lead: &str| ReviewFilter { lead: Some(lead.to_owned()), ..ReviewFilter::default() };
    assert_eq!(leads(by("one")).await, ["one"]);
    assert_eq!(leads(by("twin")).await, ["two"], "a conflict is found from both sides");
    assert_eq!(leads(by("TWIN ")).await, ["two"], "however a person writes it");
    let within = |names: &[&str]| ReviewFilter {
        within: Some(names.iter().map(|name| (*name).to_owned()).collect()),
        ..ReviewFilter::default()
    };
    assert_eq!(leads(within(&["a-b"])).await, ["two", "one"]);
    assert!(leads(within(&[])).await.is_empty() && leads(within(&["b-a"])).await.is_empty());
    let (first, next) = empty.store.reviews(&ReviewFilter::default(), 1, None).await.unwrap();
    let (second, end) = empty.store.reviews(&ReviewFilter::default(), 1, next).await.unwrap();
    assert_eq!((first[0].source_id.as_str(), second[0].source_id.as_str()), ("two", "one"));
    assert_eq!(end, None);
    let pair =
        Pair::of(configuration.connectors[0].source, configuration.connectors[0].destination);
    let ids = ["one", "twin", "nobody"].map(str::to_owned);
    let standing = empty.store.standing_reviews(pair, &ids).await.unwrap();
    let standing: Vec<&str> = standing.iter().map(|one| one.source_id.as_str()).collect();
    assert_eq!(standing, ["one", "two"]);
    // What a delivery is, is kept.
    let mut gone = crate::empty::delivery(configuration.connectors[0].id, 9);
    gone.origin = Origin::Merged;
    empty.store.store_deliveries(vec![gone]).await.unwrap();
    assert_eq!(empty.store.delivery(id(9)).await.unwrap().unwrap().origin, Origin::Merged);
}

async fn a_frozen_field_is_released(empty: Empty) {
    let configuration = empty.with_connector().await;
    let connector = configuration.connectors[0].clone();
    let ends = ((connector.source, "lead"), (connector.destination, "twin"));
    let mut link = Link::new(Entity::Lead, ends.0, ends.1);
    let side = link.pair.side(connector.destination);
    for field in ["City", "Stage"] {
        link.end_mut(side).frozen.insert(field.to_owned(), at(100));
    }
    let lease = empty.lease(&configuration).await;
    let end = (link.pair, side);
    let progress = Progress { links: vec![link], ..Progress::default() };
    empty.store.record_progress(&lease, progress).await.unwrap();
    let release = async |lead: &str, field: &str| {
        empty.store.release_field(end, lead, field, &actor(), at(50)).await.unwrap()
    };
    assert!(!release("twin", "Name").await && !release("nobody", "City").await);
    assert!(release("twin", "City").await);
    let left = empty.store.links(end.0, side, &["twin".to_owned()]).await.unwrap();
    let left: Vec<&String> = left[0].end(side).frozen.keys().collect();
    assert_eq!(left, ["Stage"]);
    let lost = empty.store.renew_lease(&lease, std::time::Duration::from_secs(1)).await;
    assert!(lost.is_err(), "whoever works the accounts begins anew");
    // What is gone is known.
    let gone = [(connector.source, "lead".to_owned())];
    let again = empty.lease(&configuration).await;
    for _ in 0..2 {
        let progress = Progress { gone: gone.to_vec(), ..Progress::default() };
        empty.store.record_progress(&again, progress).await.unwrap();
    }
    let ids = ["lead".to_owned(), "twin".to_owned()];
    assert_eq!(empty.store.gone(connector.source, &ids).await.unwrap(), ["lead"]);
    assert!(empty.store.gone(connector.destination, &ids).await.unwrap().is_empty());
}

async fn what_is_recorded_while_a_field_is_released_is_not_lost(empty: Empty) {
    let configuration = empty.with_connector().await;
    let connector = configuration.connectors[0].clone();
    let ends = ((connector.source, "lead"), (connector.destination, "twin"));
    let mut link = Link::new(Entity::Lead, ends.0, ends.1);
    let end = (link.pair, link.pair.side(connector.destination));
    link.end_mut(end.1).frozen.insert("City".to_owned(), at(100));
    link.end_mut(end.1).base.put("Stage", "before");
    let lease = empty.lease(&configuration).await;
    let progress = Progress { links: vec![link], ..Progress::default() };
    empty.store.record_progress(&lease, progress).await.unwrap();

    // Somebody records progress: under the lock of the lease, or of the file.
    let mut other = Beside::open(&empty.url).await;
    other
        .execute(match other {
            Beside::Sqlite(_) => "BEGIN IMMEDIATE",
            Beside::Postgres(_) => "BEGIN; SELECT fence FROM lease FOR SHARE",
        })
        .await;
    let store = empty.store.clone();
    let releasing =
        tokio::spawn(
            async move { store.release_field(end, "twin", "City", &actor(), at(50)).await },
        );
    let links = async || empty.store.links(end.0, end.1, &["twin".to_owned()]).await.unwrap();
    // Time enough for it to have read the link, if it does so too early.
    for _ in 0..100 {
        links().await;
    }
    for column in ["first_end", "second_end"] {
        let sql = format!("UPDATE link SET {column} = replace({column}, 'before', 'meanwhile')");
        other.execute(&sql).await;
    }
    other.execute("COMMIT").await;
    assert!(releasing.await.unwrap().unwrap());
    let left = links().await;
    let left = left[0].end(end.1);
    assert!(left.frozen.is_empty(), "it is released: {left:?}");
    assert_eq!(left.base.get("Stage"), Some("meanwhile"), "a commit in between is lost");
}

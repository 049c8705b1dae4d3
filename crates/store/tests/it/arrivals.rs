//! When webhooks arrive, and connectors at which none do.

use plan::id::ConnectorId;
use plan::incident::Kind;
use plan::problem::{Code, Problem};
use store::{Arrival, Change, NewDelivery, Origin, Token};

use crate::empty::{Empty, actor, at, connector, definition, delivery};

crate::promises! {
    webhooks_are_noted_to_a_minute_and_nothing_else_is,
    silence_is_noted_once_and_ends_with_the_next_webhook,
    silence_is_not_noted_if_a_webhook_arrived_meanwhile,
    a_disabled_connector_is_not_silent,
    the_hours_count_from_enabling_and_from_a_change_of_their_number,
    times_in_the_future_are_counted_anew,
}

async fn only(empty: &Empty) -> Arrival {
    let all = empty.store.arrivals().await.unwrap();
    assert_eq!(all.len(), 1, "{all:?}");
    all[0]
}

fn problem() -> Problem {
    Problem::new(Code::NoWebhooks, "No webhook has arrived.", "Check the automation.")
}

async fn deliver(empty: &Empty, own: ConnectorId, seconds: i64, origin: Origin) {
    let one = NewDelivery { origin, ..delivery(own, seconds) };
    empty.store.store_deliveries(vec![one]).await.unwrap();
}

async fn causes(empty: &Empty) -> Vec<(Kind, u64)> {
    let all = empty.store.incidents().await.unwrap();
    all.iter().flat_map(|one| &one.causes).map(|cause| (cause.kind, cause.count)).collect()
}

async fn enable(empty: &Empty, enabled: bool, seconds: i64) {
    let change = Change::SetEnabled { name: "a-b".to_owned(), enabled };
    empty.store.change_configuration(vec![change], &actor(), at(seconds)).await.unwrap();
}

async fn put(empty: &Empty, hours: u32, lead_source: &str, seconds: i64) {
    let mut definition = definition("a-b", "a", "b");
    definition.basic.silent_hours = hours;
    definition.basic.lead_source = Some(lead_source.to_owned());
    let change =
        Change::PutConnector { definition, token: Token::from_random([9; 24]), made_from: None };
    empty.store.change_configuration(vec![change], &actor(), at(seconds)).await.unwrap();
}

async fn webhooks_are_noted_to_a_minute_and_nothing_else_is(empty: Empty) {
    let own = empty.with_connector().await.connectors[0].id;
    assert_eq!(only(&empty).await, Arrival { connector: own, last_at: None, since: at(0) });
    for (seconds, origin) in [(1, Origin::Backfill), (2, Origin::Sweep), (3, Origin::Parity)] {
        deliver(&empty, own, seconds, origin).await;
    }
    assert_eq!(only(&empty).await.last_at, None, "leadsync read these itself");
    deliver(&empty, own, 10, Origin::Webhook).await;
    deliver(&empty, own, 69, Origin::Webhook).await;
    assert_eq!(only(&empty).await.last_at, Some(at(10)), "not each one is written down");
    deliver(&empty, own, 70, Origin::Deleted).await;
    assert_eq!(only(&empty).await.last_at, Some(at(70)));
    empty.change(connector("b-a", "b", "a")).await.unwrap();
    let other = empty.store.configuration().await.unwrap().connectors[1].id;
    let some = [(own, 200), (other, 201), (own, 300), (other, 150)];
    let some = some.map(|(connector, seconds)| delivery(connector, seconds));
    empty.store.store_deliveries(some.to_vec()).await.unwrap();
    let all = empty.store.arrivals().await.unwrap();
    let last: Vec<_> = all.iter().map(|one| (one.connector, one.last_at)).collect();
    assert_eq!(last, [(own, Some(at(300))), (other, Some(at(201)))]);
    empty.change(Change::RemoveConnector { name: "b-a".to_owned() }).await.unwrap();
    only(&empty).await;
}

async fn silence_is_noted_once_and_ends_with_the_next_webhook(empty: Empty) {
    let own = empty.with_connector().await.connectors[0].id;
    deliver(&empty, own, 10, Origin::Webhook).await;
    let seen = only(&empty).await;
    let other = empty.again().await.unwrap();
    let why = problem();
    let (one, two) = tokio::join!(
        empty.store.begin_silence(&seen, &why, at(9_000)),
        other.begin_silence(&seen, &why, at(9_000)),
    );
    assert_eq!([one.unwrap(), two.unwrap()].iter().filter(|begun| **begun).count(), 1);
    assert!(!empty.store.begin_silence(&seen, &problem(), at(9_060)).await.unwrap());
    assert_eq!(causes(&empty).await, [(Kind::Silent, 1)]);
    assert_eq!(only(&empty).await, seen);
    deliver(&empty, own, 9_100, Origin::Sweep).await;
    assert_eq!(causes(&empty).await, [(Kind::Silent, 1)], "a sweep is no webhook");
    deliver(&empty, own, 9_200, Origin::Webhook).await;
    assert_eq!(causes(&empty).await, []);
    let incidents = empty.store.incidents().await.unwrap();
    assert_eq!(incidents[0].course.began, at(9_000), "its end is still to be told");
}

async fn silence_is_not_noted_if_a_webhook_arrived_meanwhile(empty: Empty) {
    let own = empty.with_connector().await.connectors[0].id;
    let seen = only(&empty).await;
    deliver(&empty, own, 9_000, Origin::Webhook).await;
    assert!(!empty.store.begin_silence(&seen, &problem(), at(9_000)).await.unwrap());
    let seen = only(&empty).await;
    put(&empty, 5, "", 9_001).await;
    assert!(!empty.store.begin_silence(&seen, &problem(), at(9_002)).await.unwrap());
    assert_eq!(empty.store.incidents().await.unwrap(), []);
}

async fn a_disabled_connector_is_not_silent(empty: Empty) {
    let own = empty.with_connector().await.connectors[0].id;
    let seen = only(&empty).await;
    assert!(empty.store.begin_silence(&seen, &problem(), at(9_000)).await.unwrap());
    enable(&empty, false, 9_001).await;
    assert_eq!(causes(&empty).await, [(Kind::Disabled, 1)]);
    assert!(!empty.store.begin_silence(&seen, &problem(), at(9_002)).await.unwrap());
    enable(&empty, true, 9_003).await;
    assert_eq!(causes(&empty).await, []);
    let seen = only(&empty).await;
    assert!(empty.store.begin_silence(&seen, &problem(), at(20_000)).await.unwrap());
    empty.store.end_silence(own).await.unwrap();
    assert_eq!(causes(&empty).await, [], "it was held, for example");
}

async fn the_hours_count_from_enabling_and_from_a_change_of_their_number(empty: Empty) {
    empty.with_connector().await;
    put(&empty, 5, "", 100).await;
    assert_eq!(only(&empty).await.since, at(100));
    put(&empty, 5, "Sales", 200).await;
    assert_eq!(only(&empty).await.since, at(100), "another setting was saved");
    let seen = only(&empty).await;
    assert!(empty.store.begin_silence(&seen, &problem(), at(20_000)).await.unwrap());
    put(&empty, 9, "Sales", 20_100).await;
    assert_eq!((only(&empty).await.since, causes(&empty).await), (at(20_100), Vec::new()));
    enable(&empty, false, 20_200).await;
    assert_eq!(only(&empty).await.since, at(20_100));
    enable(&empty, true, 20_300).await;
    assert_eq!(only(&empty).await.since, at(20_300));
}

async fn times_in_the_future_are_counted_anew(empty: Empty) {
    let own = empty.with_connector().await.connectors[0].id;
    deliver(&empty, own, 9_000, Origin::Webhook).await;
    empty.store.count_hours_anew(own, at(10_000)).await.unwrap();
    assert_eq!((only(&empty).await.since, only(&empty).await.last_at), (at(0), Some(at(9_000))));
    empty.store.count_hours_anew(own, at(5_000)).await.unwrap();
    assert_eq!(
        (only(&empty).await.since, only(&empty).await.last_at),
        (at(5_000), Some(at(5_000)))
    );
    deliver(&empty, own, 4_000, Origin::Webhook).await;
    assert_eq!(only(&empty).await.last_at, Some(at(4_000)), "the newest webhook counts");
}

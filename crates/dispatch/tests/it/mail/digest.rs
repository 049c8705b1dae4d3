//! Digests, by mail and by webhook.

use jiff::{SignedDuration, Timestamp};
use plan::alert::Address;
use plan::digest::{Digest, Every};
use plan::outcome::Event;
use store::{Actor, AlertConnectors, NewAlert, Receives};

use super::webhook::Hook;
use super::{Office, body, good, subject};

const NOBODY: &str = r#""basic":{}"#;
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// An address that wants a daily digest and nothing else, at the hour after this one.
async fn add(office: &Office, address: &str, connectors: AlertConnectors) -> i64 {
    let now = office.scene.now();
    let hour = jiff::tz::TimeZone::UTC.to_datetime(now).hour();
    let hour = u8::try_from((hour + 1) % 24).expect("an hour");
    let digest = Some(Digest { every: Every::Daily, hour });
    let new = NewAlert {
        address: Address::read(address).expect("an address"),
        receives: Receives { connectors, immediate: false, digest },
    };
    office.scene.store.add_alert(new, &Actor::command_line(), now).await.expect("added")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_is_sent_once_a_day_also_if_nothing_failed() {
    let mut office = Office::without_notifier(NOBODY).await;
    let hook = Hook::answering(&["200 OK\r\n"]).await;
    add(&office, "ops@example.com", AlertConnectors::All).await;
    add(&office, &hook.url, AlertConnectors::All).await;
    add(&office, "other@example.com", AlertConnectors::Some(Vec::new())).await;
    let request = office.scene.post(&good(1)).await;
    office.scene.ends_as(request, Event::New).await;
    office.fail(2).await;
    office.notify();
    office.no_more_than(0).await;
    office.scene.advance(SignedDuration::from_hours(1));
    let mails = office.mails(1).await;
    assert_eq!(mails[0].to, "ops@example.com", "who has no connector gets none");
    let failed = "leadsync: 1 record failed, 1 record synced (daily digest)";
    assert_eq!(subject(&mails[0]), failed);
    let text = body(&mails[0]);
    for part in [
        "there (here to there): 1 created, 0 updated, 0 unchanged, 0 skipped, 1 failed.",
        "1 × ",
        "'plenty'",
        "https://leadsync.example.com/failures",
        "Reviews: none are waiting.",
        "API calls used today",
        "because digests are sent to this address",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    for secret in [office.scene.there.access_key(), office.scene.there.secret_key()] {
        assert!(!mails[0].text.contains(secret), "{text}");
    }
    let (_, posted) = hook.posted(1).await.remove(0);
    assert_eq!(posted["kind"], "digest");
    assert!(posted["text"].as_str().is_some_and(|text| text.contains(failed)), "{posted}");

    // Another node, or this one after a restart, sends none again.
    if let Some(notifier) = office.notifier.take() {
        notifier.stop().await;
    }
    office.notify();
    office.scene.advance(SignedDuration::from_hours(20));
    office.no_more_than(1).await;

    // Nobody could send the next one in time; an empty day is told too.
    if let Some(notifier) = office.notifier.take() {
        notifier.stop().await;
    }
    office.scene.advance(DAY);
    office.notify();
    let mails = office.mails(2).await;
    let text = body(&mails[1]);
    assert!(subject(&mails[1]).starts_with("leadsync: nothing failed, 0 records synced"), "{text}");
    assert!(text.starts_with("Nothing failed, 0 records synced."), "{text}");
    office.no_more_than(2).await;
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_only_digests_gets_no_alerts() {
    let office = Office::open(NOBODY).await;
    add(&office, "ops@example.com", AlertConnectors::All).await;
    office.fail(1).await;
    office.scene.advance(SignedDuration::from_secs(5));
    office.no_more_than(0).await;
    let now: Timestamp = office.scene.now();
    let alerts = office.scene.store.alerts().await.expect("the addresses");
    assert!(alerts[0].digest.is_some_and(|wanted| wanted.since <= now && wanted.sent.is_none()));
    office.close().await;
}

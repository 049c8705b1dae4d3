//! What people are told when no webhook arrives.

use dispatch::notify::{Notifier, Options, Post};
use jiff::SignedDuration;
use plan::incident::Kind;
use plan::outcome::Event;
use std::time::{Duration, Instant};
use store::{Change, Store};

use super::{Office, body, good, subject};

const SIX_HOURS: &str =
    r#""basic":{"notify":"ops@example.com","notifications":true,"silent_hours":6}"#;

/// Waits until silence of the only connector is noted, or is not.
async fn is_silent(store: &dyn Store, wanted: bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let incidents = store.incidents().await.expect("the incidents");
        let mut causes = incidents.iter().flat_map(|incident| &incident.causes);
        if causes.any(|cause| cause.kind == Kind::Silent) == wanted {
            return;
        }
        assert!(Instant::now() < deadline, "{incidents:#?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn that_nothing_arrives_is_told_once_and_when_it_arrives_again() {
    let office = Office::open(SIX_HOURS).await;
    // A second node notices it too.
    let options = Options {
        poll: Duration::from_millis(20),
        public_url: "https://leadsync.example.com".to_owned(),
        post: Post::Log,
    };
    let other = Notifier::start(office.scene.store.clone(), office.scene.clock(), options);
    let store = office.scene.store.clone();
    let request = office.scene.post(&good(1)).await;
    office.scene.ends_as(request, Event::New).await;
    office.scene.advance(SignedDuration::from_mins(359));
    office.no_more_than(0).await;
    is_silent(&*store, false).await;

    office.scene.advance(SignedDuration::from_mins(2));
    is_silent(&*store, true).await;
    other.stop().await;
    office.scene.advance(SignedDuration::from_secs(5));
    let mails = office.mails(1).await;
    assert_eq!(subject(&mails[0]), "leadsync there: no webhook for 6 hours");
    let text = body(&mails[0]);
    for part in [
        "No webhook from here has arrived at the connector there for 6 hours",
        "Are the automations published?",
        "https://leadsync.example.com/connectors/there/webhook",
        "leadsync connector url there",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    office.scene.advance(SignedDuration::from_hours(100));
    office.no_more_than(1).await;

    let request = office.scene.post(&good(2)).await;
    office.scene.ends_as(request, Event::New).await;
    is_silent(&*store, false).await;
    let mails = office.mails(2).await;
    assert_eq!(subject(&mails[1]), "leadsync there: resolved");
    let text = body(&mails[1]);
    assert!(text.contains("The last webhook of here arrived at"), "{text}");
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_is_disabled_or_without_hours_is_not_silent() {
    let office = Office::open(SIX_HOURS).await;
    let store = office.scene.store.clone();
    let switch = async |enabled| {
        office.scene.change(Change::SetEnabled { name: "there".to_owned(), enabled }).await;
    };
    switch(false).await;
    office.scene.advance(SignedDuration::from_hours(10));
    // What was told is that it was disabled.
    assert_eq!(subject(&office.mails(1).await[0]), "leadsync there: connector disabled");
    is_silent(&*store, false).await;
    switch(true).await;
    office.scene.advance(SignedDuration::from_hours(5));
    assert_eq!(subject(&office.mails(2).await[1]), "leadsync there: resolved");
    is_silent(&*store, false).await;
    office.scene.advance(SignedDuration::from_hours(2));
    is_silent(&*store, true).await;
    // Nobody wants to know any longer.
    let definition = crate::scene::connector(super::NOTIFY);
    office.scene.put_connector(definition).await;
    is_silent(&*store, false).await;
    office.scene.advance(SignedDuration::from_hours(1_000));
    tokio::time::sleep(super::A_WHILE).await;
    is_silent(&*store, false).await;
    office.close().await;
}

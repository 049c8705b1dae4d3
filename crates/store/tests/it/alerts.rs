//! The addresses that receive alerts: their URLs are secrets.

use plan::alert::{Address, Kind};
use plan::digest::{Digest, Every, Period};
use plan::id::ConnectorId;
use secrecy::ExposeSecret;
use store::{
    AlertConnectors, AuditFilter, Change, Error, ForAlert, MOST_ALERTS, MailEnd, MailState,
    NewAlert, NewMail, Receives, Target,
};

use crate::empty::{Beside, Empty, actor, at};

crate::promises! {
    a_webhook_is_kept_encrypted_and_shown_by_its_end,
    an_address_is_added_once_and_there_is_a_limit,
    chosen_connectors_are_kept_and_leave_with_themselves,
    what_waits_for_a_removed_address_is_given_up,
    what_an_address_receives_is_changed_and_its_url_stays,
    a_digest_is_queued_once,
}

const HOOK: &str = "https://hooks.example.com/services/T0/B0/abcdefghijklmnop";

fn new(address: &str) -> NewAlert {
    let address = Address::read(address).unwrap();
    NewAlert { address, receives: Receives::ALERTS }
}

fn test(id: i64, number: u32) -> NewMail {
    NewMail {
        message_id: format!("test.{number}@example.com"),
        thread: None,
        recipient: "https://hooks.example.com/…mnop".to_owned(),
        subject: "A test".to_owned(),
        body: "It arrives.\n".to_owned(),
        private: false,
        alert: Some(ForAlert {
            id,
            kind: Kind::Test,
            connector: Some("a-b".to_owned()),
            url: "https://leadsync.example.com/alerts".to_owned(),
        }),
    }
}

async fn a_webhook_is_kept_encrypted_and_shown_by_its_end(empty: Empty) {
    let id = empty.store.add_alert(new(HOOK), &actor(), at(1)).await.unwrap();
    let alert = empty.store.alerts().await.unwrap().remove(0);
    assert_eq!((alert.id, alert.made_at, alert.last), (id, at(1), None));
    assert!(alert.is_webhook);
    assert_eq!(alert.shown, "https://hooks.example.com/…mnop");
    let again = empty.again().await.unwrap();
    match again.alert_target(id).await.unwrap() {
        Some(Target::Webhook(url)) => assert_eq!(url.expose_secret(), HOOK),
        other => panic!("{other:?}"),
    }
    let mut beside = Beside::open(&empty.url).await;
    let leaks = "SELECT (SELECT count(*) FROM alert WHERE url LIKE '%hooks%' OR url LIKE '%mnop%') \
                 + (SELECT count(*) FROM audit WHERE after LIKE '%services%')";
    assert_eq!(beside.number(leaks).await, 0);

    // Without its key the database is of no use, so no new key takes its place.
    std::fs::remove_file(empty.folder.path().join("key")).unwrap();
    assert!(matches!(empty.again().await, Err(Error::CannotOpen(_))));
}

async fn an_address_is_added_once_and_there_is_a_limit(empty: Empty) {
    empty.store.add_alert(new("ops@example.com"), &actor(), at(1)).await.unwrap();
    empty.store.add_alert(new(HOOK), &actor(), at(1)).await.unwrap();
    for again in ["Ops@Example.com", HOOK] {
        let refused = empty.store.add_alert(new(again), &actor(), at(2)).await;
        assert!(
            matches!(&refused, Err(Error::Refused(why)) if why.contains("already")),
            "{refused:?}"
        );
    }
    for number in 2..MOST_ALERTS {
        let address = format!("ops{number}@example.com");
        empty.store.add_alert(new(&address), &actor(), at(3)).await.unwrap();
    }
    let refused = empty.store.add_alert(new("more@example.com"), &actor(), at(4)).await;
    assert!(matches!(&refused, Err(Error::Refused(why)) if why.contains("at most")), "{refused:?}");
    assert_eq!(empty.store.alerts().await.unwrap().len(), MOST_ALERTS);
}

async fn chosen_connectors_are_kept_and_leave_with_themselves(empty: Empty) {
    let own = empty.with_connector().await.connectors[0].id;
    let some = AlertConnectors::Some(vec![own]);
    let receives = Receives { connectors: some.clone(), ..Receives::ALERTS };
    let chosen = NewAlert { receives, ..new("ops@example.com") };
    let id = empty.store.add_alert(chosen, &actor(), at(1)).await.unwrap();
    let alert = empty.store.alerts().await.unwrap().remove(0);
    assert_eq!(alert.connectors, some);
    assert!(alert.connectors.have(own) && !alert.connectors.have(ConnectorId(own.0 + 1)));
    assert!(matches!(empty.store.alert_target(id).await.unwrap(), Some(Target::Email)));
    let filter = AuditFilter { action: Some("add_alert".to_owned()), ..AuditFilter::default() };
    let (entries, _) = empty.store.audit(&filter, 9, None).await.unwrap();
    assert_eq!(entries[0].subject, "ops@example.com");
    let after = entries[0].after.as_ref().unwrap().get();
    assert_eq!(after, r#"{"connectors":["a-b"],"immediate":true,"digest":null}"#);
    empty.change(Change::RemoveConnector { name: "a-b".to_owned() }).await.unwrap();
    let alert = empty.store.alerts().await.unwrap().remove(0);
    assert_eq!(alert.connectors, AlertConnectors::Some(Vec::new()), "it does not become all");
}

async fn what_waits_for_a_removed_address_is_given_up(empty: Empty) {
    let id = empty.store.add_alert(new(HOOK), &actor(), at(1)).await.unwrap();
    for number in 0..2 {
        empty.store.test_alert(test(id, number), &actor(), at(2)).await.unwrap();
    }
    let claimed = empty.store.claim_mail(at(2), at(60)).await.unwrap().expect("it is due");
    assert_eq!(claimed.mail, test(id, 0), "it is as it was queued");
    empty.store.end_mail(&claimed, MailEnd::Sent, at(3)).await.unwrap();
    let last = empty.store.alerts().await.unwrap().remove(0).last.expect("the second");
    assert_eq!((last.at, last.state), (at(2), MailState::Queued));

    assert!(empty.store.remove_alert(id, &actor(), at(4)).await.unwrap());
    assert!(!empty.store.remove_alert(id, &actor(), at(4)).await.unwrap());
    assert!(empty.store.alert_target(id).await.unwrap().is_none());
    assert!(empty.store.claim_mail(at(5), at(65)).await.unwrap().is_none());
    let sent = empty.store.mail("test.0@example.com").await.unwrap().expect("it is kept");
    assert_eq!((sent.state, sent.alert, sent.kind), (MailState::Sent, Some(id), Some(Kind::Test)));
    let given_up = empty.store.mail("test.1@example.com").await.unwrap().expect("it is kept");
    assert_eq!(given_up.state, MailState::GivenUp);
    assert!(given_up.error.expect("why").contains("removed"));
    assert!(empty.store.mail("other@example.com").await.unwrap().is_none());
}

async fn what_an_address_receives_is_changed_and_its_url_stays(empty: Empty) {
    let own = empty.with_connector().await.connectors[0].id;
    let id = empty.store.add_alert(new(HOOK), &actor(), at(1)).await.unwrap();
    let digest = Digest { every: Every::Daily, hour: 8 };
    let receives = Receives {
        connectors: AlertConnectors::Some(vec![own]),
        immediate: false,
        digest: Some(digest),
    };
    assert!(empty.store.edit_alert(id, receives.clone(), &actor(), at(2)).await.unwrap());
    assert!(!empty.store.edit_alert(id + 1, receives.clone(), &actor(), at(2)).await.unwrap());
    let alert = empty.store.alerts().await.unwrap().remove(0);
    assert_eq!((alert.connectors, alert.immediate), (receives.connectors.clone(), false));
    let wanted = alert.digest.expect("a digest");
    assert_eq!((wanted.digest, wanted.since, wanted.sent), (digest, at(2), None));
    match empty.store.alert_target(id).await.unwrap() {
        Some(Target::Webhook(url)) => assert_eq!(url.expose_secret(), HOOK),
        other => panic!("{other:?}"),
    }
    // Another hour goes on with the same digests.
    let later = Digest { hour: 9, ..digest };
    let receives = Receives { digest: Some(later), ..receives };
    for seconds in [3, 4] {
        let edited = empty.store.edit_alert(id, receives.clone(), &actor(), at(seconds)).await;
        assert!(edited.unwrap());
    }
    let wanted = empty.store.alerts().await.unwrap()[0].digest.expect("a digest");
    assert_eq!((wanted.digest, wanted.since), (later, at(2)));
    empty.store.edit_alert(id, Receives::ALERTS, &actor(), at(5)).await.unwrap();
    let alert = empty.store.alerts().await.unwrap().remove(0);
    assert_eq!((alert.connectors, alert.digest), (AlertConnectors::All, None));
    let filter = AuditFilter { action: Some("edit_alert".to_owned()), ..AuditFilter::default() };
    let (entries, _) = empty.store.audit(&filter, 9, None).await.unwrap();
    assert_eq!(entries.len(), 3, "one that changes nothing is not noted: {entries:?}");
    let after = entries[2].after.as_ref().unwrap().get();
    assert!(after.contains("daily at 08:00"), "{after}");
    assert!(!after.contains("hooks.example.com"), "{after}");
}

async fn a_digest_is_queued_once(empty: Empty) {
    let digest = Some(Digest { every: Every::Daily, hour: 8 });
    let receives = Receives { digest, ..Receives::ALERTS };
    let address = NewAlert { receives, ..new("ops@example.com") };
    let id = empty.store.add_alert(address, &actor(), at(1)).await.unwrap();
    let alert = empty.store.alerts().await.unwrap().remove(0);
    let period = |due| Period { from: at(0), to: at(due), due: at(due) };
    let other = empty.again().await.unwrap();
    let first = period(100);
    let (one, two) = tokio::join!(
        empty.store.queue_digest(&alert, &first, test(id, 1), at(101)),
        other.queue_digest(&alert, &first, test(id, 2), at(101)),
    );
    assert_eq!([one.unwrap(), two.unwrap()].iter().filter(|queued| **queued).count(), 1);
    assert_eq!(empty.store.mails(9).await.unwrap().len(), 1);
    let again = empty.store.alerts().await.unwrap().remove(0);
    assert_eq!(again.digest.and_then(|wanted| wanted.sent), Some(at(100)));
    assert!(!empty.store.queue_digest(&alert, &first, test(id, 3), at(102)).await.unwrap());
    assert!(empty.store.queue_digest(&again, &period(200), test(id, 4), at(201)).await.unwrap());
    empty.store.edit_alert(id, Receives::ALERTS, &actor(), at(202)).await.unwrap();
    let last = empty.store.queue_digest(&again, &period(300), test(id, 5), at(301)).await;
    assert!(!last.unwrap(), "it wants none any longer");
    assert_eq!(empty.store.mails(9).await.unwrap().len(), 2);
}

//! A person is found and erased, everywhere.

use plan::link::{Link, Pair, is_covered};
use plan::outcome::{Entity, Event};
use store::{AuditFilter, Change, Filter, NewMail, Progress, Who};

use crate::empty::{Empty, actor, at, attempt, call, ended, id};

crate::promises! {
    a_person_is_erased,
    of_several_people_one_is_chosen,
    work_that_has_not_ended_is_left,
    nobody_is_erased_by_what_is_too_short_to_be_recognised,
}

const EMAIL: &str = "Asha.Rao@example.com";
const PHONE: &str = "+91-9845098450";
const LEAD: &str = "4057ed7a-0000-4000-8000-000000000001";
const TWIN: &str = "0bb00000-0000-4000-8000-000000000031";

fn asha() -> String {
    format!(
        r#"{{"ProspectID":"{LEAD}","EmailAddress":"{EMAIL}","Phone":"{PHONE}","FirstName":"Asha","LastName":"Raosomebody"}}"#
    )
}

/// Request 0 is about Asha, 1 about her and somebody else, 2 can't be read, and 3 is somebody else's.
async fn with_asha(empty: &Empty) -> store::Configuration {
    let configuration = empty.with_connector().await;
    let connector = configuration.connectors[0].clone();
    let other = r#"{"ProspectID":"lead-3","EmailAddress":"other@example.com"}"#;
    let bodies = [asha(), format!("[{},{other}]", asha()), format!("? {EMAIL}"), other.to_owned()];
    let deliveries = bodies.into_iter().zip(0..).map(|(body, n)| {
        let mut delivery = crate::empty::delivery(connector.id, n);
        delivery.body = body.into();
        delivery
    });
    empty.store.store_deliveries(deliveries.collect()).await.unwrap();
    let lease = empty.lease(&configuration).await;
    let about = |n: i64, position| {
        let mut one = attempt(connector.id, n, Event::New);
        one.key.position = position;
        one.known_as = Some(EMAIL.to_owned());
        one.name = Some("Asha Raosomebody".to_owned());
        one.source_id = Some(LEAD.to_owned());
        one.destination_id = Some(TWIN.to_owned());
        one.explanation = Some(format!(r#"{{"match":"{EMAIL}"}}"#));
        one.mentions = vec![
            LEAD.to_owned(),
            TWIN.to_owned(),
            EMAIL.to_lowercase(),
            "9845098450".to_owned(),
            "raosomebody".to_owned(),
        ];
        one.calls[0].id = n + 10;
        one.calls[0].row = (n == 1).then_some(0);
        one
    };
    let mut other = attempt(connector.id, 1, Event::New);
    other.key.position = 1;
    other.calls[0].id = 11;
    let mut unread = attempt(connector.id, 2, Event::Failed);
    (unread.mentions, unread.known_as) = (Vec::new(), None);
    (unread.source_id, unread.destination_id) = (None, None);
    let mut calls: Vec<_> = (10..14).map(|n| call(&configuration, n)).collect();
    calls[0].request = asha().into();
    calls[1].request = format!(r#"[{},{{"EmailAddress":"other@example.com"}}]"#, asha()).into();
    calls[3].url =
        "https://api/v2/Leads.GetByEmailaddress?emailaddress=asha.rao%40example.com".into();
    let pair = Pair::of(connector.source, connector.destination);
    let mut link = Link::new(Entity::Lead, (connector.source, LEAD), (connector.destination, TWIN));
    for side in [pair.side(connector.source), pair.side(connector.destination)] {
        let end = link.end_mut(side);
        end.base.put("EmailAddress", EMAIL);
        end.base.put("LastName", "Raosomebody");
        end.base.put("City", "");
    }
    let progress = Progress {
        calls,
        attempts: vec![
            about(0, 0),
            about(1, 0),
            other,
            unread,
            attempt(connector.id, 3, Event::New),
        ],
        requests: (0..4).map(|n| ended(n, Event::New)).collect(),
        links: vec![link],
        ..Progress::default()
    };
    empty.store.record_progress(&lease, progress).await.unwrap();
    empty.store.release_lease(&lease).await.unwrap();
    let query = "q=asha.rao%40example.com";
    empty.store.save_view("op@example.com", "hers", query, at(1)).await.unwrap();
    empty.store.sync_lead(LEAD, Vec::new(), &actor(), at(1)).await.unwrap();
    let mail = NewMail {
        message_id: "m".to_owned(),
        thread: None,
        recipient: "op@example.com".to_owned(),
        subject: "Failed".to_owned(),
        body: format!("The lead {EMAIL} failed."),
        private: false,
        alert: None,
    };
    empty.store.warn_of_quota(connector.source, 20_000, vec![mail], at(1)).await.ok();
    configuration
}

/// Everything that is in the files of an SQLite database.
fn bytes(empty: &Empty) -> Vec<u8> {
    let Some(path) = empty.url.strip_prefix("sqlite://") else { return Vec::new() };
    let read = |ending: &str| std::fs::read(format!("{path}{ending}")).unwrap_or_default();
    ["", "-wal"].into_iter().flat_map(read).collect()
}

fn has(bytes: &[u8], text: &str) -> bool {
    let bytes = bytes.to_ascii_lowercase();
    let text = text.to_ascii_lowercase();
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

async fn a_person_is_erased(empty: Empty) {
    let configuration = with_asha(&empty).await;
    let who = Who::of("98450 98450", false).unwrap();
    let kept = empty.store.person(&who).await.unwrap();
    assert_eq!((kept.leads.len(), kept.records.len(), kept.links.len()), (2, 2, 1), "{kept:?}");

    let forgotten = empty.store.forget(&who, &actor(), at(100)).await.unwrap();
    assert_eq!((forgotten.requests_deleted, forgotten.requests_masked), (2, 1), "{forgotten:?}");
    assert_eq!((forgotten.calls_deleted, forgotten.calls_masked), (1, 2), "{forgotten:?}");
    assert_eq!((forgotten.links_covered, forgotten.requests_left), (1, 0), "{forgotten:?}");
    assert!(forgotten.is_clean, "{forgotten:?}");

    assert_eq!(empty.ids(Filter::default()).await, [id(3), id(1)]);
    let shared = empty.find(Filter { ids: vec![id(1)], ..Filter::default() }).await.remove(0);
    assert_eq!(shared.records[0].known_as, None);
    assert!(shared.records[1].known_as.is_some(), "the other record stays");
    assert!(shared.records[1].attempts[0].calls[0].request.contains("other@example.com"));
    let (_, delivery) = empty.store.deliveries(&[id(1)]).await.unwrap().remove(0);
    let body = String::from_utf8(delivery.body).unwrap();
    assert_eq!(body, r#"["(erased)",{"ProspectID":"lead-3","EmailAddress":"other@example.com"}]"#);
    assert!(empty.store.views("op@example.com").await.unwrap().is_empty());

    // The link stays, and knows its values.
    let connector = &configuration.connectors[0];
    let pair = Pair::of(connector.source, connector.destination);
    let side = pair.side(connector.source);
    let link = empty.store.links(pair, side, &[LEAD.to_owned()]).await.unwrap().remove(0);
    assert!(link.first.veil.is_some());
    assert!(is_covered(link.end(side).base.get("EmailAddress").unwrap()), "{link:?}");
    assert_eq!(link.end(side).base.get("City"), Some(""));

    let (audit, _) = empty.store.audit(&AuditFilter::default(), 9, None).await.unwrap();
    assert_eq!(audit[0].action, "forget_person");
    assert!(audit[0].subject.starts_with("person "), "{:?}", audit[0]);
    assert_eq!(audit.iter().find(|item| item.action == "sync_lead").unwrap().subject, "(erased)");

    let bytes = bytes(&empty);
    for text in [EMAIL, "Raosomebody", "9845098450", "98450 98450", "asha.rao"] {
        assert!(!has(&bytes, text), "{text} is still in the file");
    }
    // A second time there is nothing left to erase.
    let again = empty.store.forget(&who, &actor(), at(101)).await.unwrap();
    assert_eq!((again.requests_deleted, again.texts_masked), (0, 0), "{again:?}");
    let by_id = Who::of(LEAD, false).unwrap();
    let again = empty.store.forget(&by_id, &actor(), at(102)).await.unwrap();
    assert_eq!((again.leads, again.links_covered, again.texts_masked), (2, 1, 0), "{again:?}");
}

async fn of_several_people_one_is_chosen(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    empty.deliver(own, 0..2).await;
    let lease = empty.lease(&configuration).await;
    let sharing = |n| {
        let mut one = attempt(own, n, Event::New);
        one.mentions.push("9845098450".to_owned());
        one
    };
    let progress = Progress {
        attempts: vec![sharing(0), sharing(1)],
        requests: (0..2).map(|n| ended(n, Event::New)).collect(),
        ..Progress::default()
    };
    empty.store.record_progress(&lease, progress).await.unwrap();
    let one = Who::of("9845098450", false).unwrap();
    let error = empty.store.forget(&one, &actor(), at(9)).await.unwrap_err().to_string();
    assert!(error.contains("lead-0") && error.contains("--all"), "{error}");
    let by_id = Who::of("lead-0", false).unwrap();
    assert_eq!(empty.store.forget(&by_id, &actor(), at(9)).await.unwrap().requests_deleted, 1);
    assert_eq!(empty.ids(Filter::default()).await, [id(1)]);
    for text in ["", "Asha Rao", "asha"] {
        assert!(Who::of(text, false).is_err(), "{text}");
    }
}

async fn work_that_has_not_ended_is_left(empty: Empty) {
    let configuration = empty.with_connector().await;
    let connector = &configuration.connectors[0];
    empty.deliver(connector.id, 0..2).await;
    let disable = Change::SetEnabled { name: "a-b".to_owned(), enabled: false };
    empty.change(disable).await.unwrap();
    let who = Who::of("lead-0", false).unwrap();
    let forgotten = empty.store.forget(&who, &actor(), at(9)).await.unwrap();
    assert_eq!((forgotten.requests_left, forgotten.requests_deleted), (1, 0), "{forgotten:?}");
    assert_eq!(empty.ids(Filter::default()).await.len(), 2);
}

async fn nobody_is_erased_by_what_is_too_short_to_be_recognised(empty: Empty) {
    with_asha(&empty).await;
    for text in ["\u{db}\u{8a}7", "7"] {
        let who = Who::of(text, false).unwrap();
        let forgotten = empty.store.forget(&who, &actor(), at(100)).await.unwrap();
        assert_eq!((forgotten.leads, forgotten.texts_masked), (0, 0), "{text:?}: {forgotten:?}");
    }
}

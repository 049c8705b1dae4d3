//! What people type or paste to find a lead, and what it finds.

use plan::outcome::Event;
use store::{AttemptOutcome, Filter, Progress};

use crate::empty::{Empty, attempt, ended};

crate::promises! {
    a_lead_is_found_as_people_type_its_name_or_number,
    a_search_finds_what_people_paste,
    a_search_by_a_part_finds_the_newest,
    any_text_can_be_searched_for,
}

/// Asha (0), Ashanti (1), a lead without a name (2), and one in capitals beyond ASCII (3).
const KNOWN: [(&str, &[&str]); 4] = [
    (
        "Asha@Example.com",
        &["asha", "rao", "asha@example.com", "9845098450", "919845098450", "~0548905489"],
    ),
    ("+91-9845098451", &["ashanti", "rao-iyer", "9845098451", "919845098451", "~1548905489"]),
    ("100%_sure@shop.in", &["100%_sure@shop.in", "4057ed7a-0000-4000-8000-000000000001"]),
    ("ayşe@example.com", &["ayşe@example.com", "ÿ"]),
];

async fn filled(empty: &Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    empty.deliver(own, 0..4).await;
    let event = |n| if n == 1 { Event::Failed } else { Event::New };
    let attempts = KNOWN.iter().zip(0..).map(|((known_as, mentions), n)| AttemptOutcome {
        known_as: Some((*known_as).to_owned()),
        mentions: mentions.iter().map(|value| (*value).to_owned()).collect(),
        ..attempt(own, n, event(n))
    });
    let attempts = attempts.collect();
    let requests = (0..4).map(|n| ended(n, event(n))).collect();
    let progress = Progress { attempts, requests, ..Progress::default() };
    empty.store.record_progress(&lease, progress).await.unwrap();
}

async fn found(empty: &Empty, q: &str) -> Vec<i64> {
    let filter = Filter { q: Some(q.to_owned()), ..Filter::default() };
    let counts = empty.store.count_requests(&filter).await.unwrap();
    let items = empty.find(filter).await;
    assert_eq!(counts.all.requests, items.len() as u64, "{q}: the count");
    let by_event: u64 = counts.events.values().map(|count| count.requests).sum();
    assert_eq!(by_event, counts.all.requests, "{q}: the counts by event");
    items.iter().map(|item| (0..4).find(|n| crate::empty::id(*n) == item.id).unwrap()).collect()
}

/// Leads as accounts post them: in one form of a phone number each.
const POSTED: [&str; 4] = [
    r#"{"ProspectID":"4057ed7a-0000-4000-8000-000000000000","FirstName":"Asha","LastName":"Nair","EmailAddress":"asha.nair@example.com","Phone":"+91-9812345670"}"#,
    r#"{"ProspectID":"4057ed7a-0000-4000-8000-000000000001","FirstName":"Imran","LastName":"Khan","EmailAddress":"imran@shop.in","Phone":"9823456781"}"#,
    r#"{"ProspectID":"4057ed7a-0000-4000-8000-000000000002","FirstName":"Zoë","LastName":"Müller","Mobile":"09834567892"}"#,
    r#"{"ProspectID":"4057ed7a-0000-4000-8000-000000000003","FirstName":"Asha","LastName":"Khan","Phone":"+49 30 90012345"}"#,
];

async fn a_lead_is_found_as_people_type_its_name_or_number(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    empty.deliver(own, 0..4).await;
    let attempts = POSTED.iter().zip(0..).map(|(body, n)| {
        let item = plan::payload::read(body.as_bytes(), None).unwrap().remove(0).unwrap();
        AttemptOutcome {
            known_as: plan::identity::known_as(&item, None),
            name: plan::identity::name(&item),
            mentions: plan::identity::mentions(&item, None, &[], None),
            ..attempt(own, n, Event::New)
        }
    });
    let attempts = attempts.collect();
    let requests = (0..4).map(|n| ended(n, Event::New)).collect();
    let progress = Progress { attempts, requests, ..Progress::default() };
    empty.store.record_progress(&lease, progress).await.unwrap();
    for (q, expected) in [
        // Names: first, last, both, in any order, or how they begin.
        ("Asha", vec![3, 0]),
        ("nair", vec![0]),
        ("Asha Nair", vec![0]),
        ("Nair Asha", vec![0]),
        ("khan, asha", vec![3]),
        ("ash nai", vec![0]),
        ("zoe muller", vec![2]),
        ("Müller", vec![2]),
        ("hma", vec![]),
        ("mra", vec![1]),
        // Parts of an email address.
        ("asha.nair@", vec![0]),
        ("nair@example", vec![0]),
        ("imran@", vec![1]),
        ("shop.in", vec![1]),
        ("@example.com", vec![0]),
        // Phone numbers, as they are posted: with the country code,
        ("+91-9812345670", vec![0]),
        ("+91 98123 45670", vec![0]),
        ("9812345670", vec![0]),
        ("09812345670", vec![0]),
        ("00919812345670", vec![0]),
        ("0091 98123 45670", vec![0]),
        ("98123 45670", vec![0]),
        ("(0) 98123-45670", vec![0]),
        ("919812345670", vec![0]),
        ("+91 981", vec![0]),
        ("0981", vec![0]),
        ("45670", vec![0]),
        // without it,
        ("+91-9823456781", vec![1]),
        ("0091 98234 56781", vec![1]),
        ("09823456781", vec![1]),
        ("98234 56781", vec![1]),
        // with a leading zero,
        ("9834567892", vec![2]),
        ("098345 67892", vec![2]),
        ("+91 98345 67892", vec![2]),
        // and from abroad.
        ("030 90012345", vec![3]),
        ("0049 30 90012345", vec![3]),
        ("+49 (0)30 90012345", vec![3]),
    ] {
        assert_eq!(found(&empty, q).await, expected, "{q}");
    }
}

async fn a_search_finds_what_people_paste(empty: Empty) {
    filled(&empty).await;
    for (q, expected) in [
        ("asha@EXAMPLE.com", vec![0]),
        ("mailto:asha@example.com", vec![0]),
        ("Asha Rao <asha@example.com>", vec![0]),
        ("09845098450", vec![0]),
        ("0091 98450 98450", vec![0]),
        ("+91 98450 98451", vec![1]),
        ("tel:+91-98450-98450", vec![0]),
        ("4057ED7A-0000-4000-8000-000000000001", vec![2]),
        ("{4057ed7a-0000-4000-8000-000000000001}", vec![2]),
        ("asha", vec![0]),
        ("Rao", vec![0]),
        ("asha rao", vec![0]),
        ("rao, ashanti", vec![1]),
        ("Ashanti Rao", vec![1]),
        ("Ph: 98450 98450", vec![0]),
        ("9845098450.0", vec![0]),
        ("Asha: 9845098450 x12", vec![0]),
        ("9845098450 / 9845098451", vec![1, 0]),
        ("Usha 9845098450", vec![]),
        ("asha kumar", vec![]),
        ("9845098452", vec![]),
        ("nobody@example.com", vec![]),
    ] {
        assert_eq!(found(&empty, q).await, expected, "{q}");
    }
    let failed =
        Filter { q: Some("ashanti".to_owned()), event: Some(Event::Failed), ..Filter::default() };
    assert_eq!(empty.find(failed.clone()).await.len(), 1);
    assert_eq!(empty.store.failures(&failed).await.unwrap().len(), 1);
}

async fn a_search_by_a_part_finds_the_newest(empty: Empty) {
    filled(&empty).await;
    for (q, expected) in [
        ("ashan", vec![1]),
        ("ash", vec![1, 0]),
        ("ash rao", vec![1, 0]),
        ("asha@exam", vec![0]),
        ("98450984", vec![1, 0]),
        ("0091 98450 984", vec![1, 0]),
        ("@example.com", vec![3, 0]),
        ("5098450", vec![0]),
        ("8451", vec![1]),
        ("ashanti 8451", vec![1]),
        ("100%_", vec![2]),
        ("0%_sure", vec![2]),
        ("0__sure", vec![]),
        ("ayş", vec![3]),
        ("sh", vec![]),
    ] {
        assert_eq!(found(&empty, q).await, expected, "{q}");
    }
}

async fn any_text_can_be_searched_for(empty: Empty) {
    filled(&empty).await;
    for q in ["\0", "a\0b", "'", "\\", "%", "%%%", "\u{10ffff}\u{10ffff}", "<>", "@", "\u{feff}"] {
        assert_eq!(found(&empty, q).await, Vec::<i64>::new(), "{q:?}");
    }
    assert_eq!(found(&empty, "asha@example.com\0").await, [0]);
}

//! What differs between two accounts is found by comparing them.

use std::time::Instant;

use jiff::SignedDuration;
use plan::outcome::Event;
use plan::parity::Apart;
use serde_json::json;
use store::{ChosenDifferences, NewDelivery, Origin};

use crate::catch_up::{actor, field, from, pair_of, pair_with};
use crate::scene::SOON;

#[tokio::test(flavor = "multi_thread")]
async fn leads_that_differ_are_listed_and_synced_in_the_direction_that_a_person_chooses() {
    let (mut scene, linked) = pair_of(4).await;
    scene.there.edit_lead(&linked[0].1, &[("mx_City", "Goa")]).expect("an edit");
    scene.there.edit_lead(&linked[1].1, &[("FirstName", "Usha")]).expect("an edit");
    let (parity, differing) = scene.compare("there").await;
    // The source's empty city is not sent.
    assert_eq!((parity.linked, parity.agree, parity.differ), (4, 3, 1), "{parity:?}");
    let [one] = &differing[..] else { panic!("{differing:?}") };
    assert_eq!(one.difference.apart, Apart::Differs);
    assert_eq!(one.difference.fields[0].field, "FirstName");
    assert_eq!(one.difference.fields[0].source, "Asha");
    assert_eq!(one.difference.fields[0].destination, "Usha");
    // The source's values win, although only the destination was edited.
    let there = scene.connector_id("there").await;
    let id = plan::id::RequestId::new(scene.clock()(), 999, 1);
    let delivery = NewDelivery {
        id,
        connector: there,
        received_at: scene.clock()(),
        origin: Origin::Parity,
        content_type: Some("application/json".to_owned()),
        body: json!([{"ProspectID": linked[1].0}]).to_string().into(),
    };
    let now = scene.clock()();
    let which = (there, "there");
    let compared_at = scene.store.parity(there).await.expect("the store").at.expect("it ended");
    let (leads, deliveries) = (vec![(one.number, id)], vec![delivery]);
    let chosen = ChosenDifferences { compared_at, leads, deliveries };
    scene.store.sync_differences(which, chosen, &actor(), now).await.expect("it is stored");
    scene.ends_as(id, Event::Updated).await;
    assert_eq!(field(&scene, &linked[1].1, "FirstName"), "Asha");
    let (parity, _) = scene.compare("there").await;
    assert_eq!((parity.linked, parity.agree), (4, 4), "{parity:?}");
    // It was done once: a retry does not override what the destination was changed to since.
    scene.next_second().await;
    scene.there.edit_lead(&linked[1].1, &[("FirstName", "Nisha")]).expect("an edit");
    scene.retry(id).await;
    scene.ended(id).await;
    assert_eq!(field(&scene, &linked[1].1, "FirstName"), "Nisha");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leads_that_are_gone_are_marked_unless_they_are_too_many() {
    let (mut scene, linked) = pair_with(r#""removed":{"field":"mx_Remarks"}"#, 120).await;
    scene.here.delete_lead(&linked[0].0).expect("it is deleted");
    let (parity, _) = scene.compare("there").await;
    assert_eq!(parity.gone_here, 1, "{parity:?}");
    let requests = from(&scene, Origin::Gone).await;
    let [request] = &requests[..] else { panic!("{requests:#?}") };
    scene.ends_as(request.id, Event::Updated).await;
    assert_eq!(field(&scene, &linked[0].1, "mx_Remarks"), "Deleted");

    for (id, _) in &linked[1..112] {
        scene.here.delete_lead(id).expect("it is deleted");
    }
    let (parity, _) = scene.compare("there").await;
    assert_eq!(parity.gone_here, 111, "what is marked is no news: {parity:?}");
    let connector = scene.connector_id("there").await;
    let standing = scene.store.parity(connector).await.expect("the store");
    assert_eq!(standing.held, Some(111));
    assert_eq!(from(&scene, Origin::Gone).await.len(), 1, "a person is asked first");
    assert_eq!(field(&scene, &linked[1].1, "mx_Remarks"), "");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leads_that_one_side_lacks_are_counted() {
    let (mut scene, linked) = pair_of(4).await;
    scene.here.delete_lead(&linked[0].0).expect("it is deleted");
    scene.there.delete_lead(&linked[1].1).expect("it is deleted");
    let only_there = [("FirstName", "Chitra"), ("EmailAddress", "chitra@example.com")];
    scene.there.create_lead(&only_there).expect("a new lead");
    let (parity, differing) = scene.compare("there").await;
    let counts = (parity.linked, parity.agree, parity.gone_here, parity.gone_there);
    assert_eq!(counts, (2, 2, 1, 1), "{parity:?}");
    assert_eq!((parity.only_here, parity.only_there), (0, 1), "{parity:?}");
    assert_eq!(differing.len(), 3, "{differing:?}");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_several_may_match_is_listed_as_such() {
    let (mut scene, _) = pair_with(r#""basic":{"secondary_search_by":"Phone"}"#, 1).await;
    let (email, phone) = (("EmailAddress", "bela@example.com"), ("Phone", "+91-9811111111"));
    let twins = [email, phone].map(|key| {
        scene.there.create_lead(&[("LastName", "Rao"), key]).expect("a lead of the destination")
    });
    let own = scene.here.create_lead(&[email, phone]).expect("a lead");
    // The directory is brought up to date every hour.
    let deadline = Instant::now() + SOON;
    let (parity, differing) = loop {
        scene.advance(SignedDuration::from_hours(1));
        let (parity, differing) = scene.compare("there").await;
        if parity.only_here == 0 {
            break (parity, differing);
        }
        assert!(Instant::now() < deadline, "the directory is not read: {parity:?}");
    };
    let counts = [parity.ambiguous, parity.not_linked, parity.only_here, parity.only_there];
    assert_eq!(counts, [1, 0, 0, 0], "{twins:?}: {parity:?}");
    let listed = &differing[0].difference;
    assert_eq!((listed.apart, &listed.source_id), (Apart::Ambiguous, &Some(own)), "{differing:?}");
    assert_eq!(listed.destination_id, None, "nobody knows which");
    scene.stop().await;
}

//! Finding leads, and a lead as it is now.

use plan::link::Link;
use plan::metadata::{Catalogue, Field, FieldList, Kind};
use plan::outcome::{Entity, Event};
use plan::snapshot::Snapshot;
use serde_json::json;
use store::{AttemptOutcome, Progress};

use super::super::location;
use super::{Browser, Filler, at, id, text};

/// Asha with three requests, and Imran with one.
async fn two_leads(browser: &Browser) {
    let filler = Filler::of(browser).await;
    let mut progress = Progress::default();
    for n in 1..5 {
        filler.deliver(n, filler.connector, &json!({ "ProspectID": "x" })).await;
        let (name, ids) =
            if n < 4 { ("Asha Nair", ["in-a", "in-b"]) } else { ("Imran", ["i-a", "i-b"]) };
        let email = format!("{}@example.com", name.split(' ').next().unwrap().to_lowercase());
        progress.attempts.push(AttemptOutcome {
            name: Some(name.to_owned()),
            known_as: Some(email.clone()),
            source_id: Some(ids[0].to_owned()),
            destination_id: Some(ids[1].to_owned()),
            mentions: name
                .to_lowercase()
                .split(' ')
                .chain([&*email, ids[0], ids[1], "9812345670"])
                .map(str::to_owned)
                .collect(),
            ..filler.attempt(n, Event::Updated)
        });
        progress.requests.push(Filler::ended(n, Event::Updated));
    }
    let [a, b] = [filler.accounts[0], filler.accounts[1]];
    progress.links.push(Link::new(Entity::Lead, (a, "in-a"), (b, "in-b")));
    filler.keep(progress).await;
}

#[tokio::test]
async fn a_search_lists_leads_and_one_match_is_opened() {
    let mut browser = Browser::signed_in().await;
    let none = text(&browser.get("/leads").await.body);
    assert!(none.contains("No leads yet."), "{none}");
    two_leads(&browser).await;
    let all = browser.get("/leads").await;
    let shown = text(&all.body);
    for part in ["Imran Synced imran@example.com a, b", "Asha Nair Synced asha@example.com a, b"] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    assert_eq!(all.body.matches("class=\"cover\"").count(), 2, "leads, not requests");
    assert!(all.body.contains(&format!("/requests/{}", id(3))), "the newest request of Asha");
    let both = text(&browser.get("/leads?q=98123%2045670").await.body);
    assert!(both.contains("Asha Nair") && both.contains("Imran"), "they share a phone: {both}");
    for q in ["asha", "Nair%20Asha", "asha@example.com", "IN-A", "in-b"] {
        let found = browser.get(&format!("/leads?q={q}")).await;
        assert_eq!(location(&found), Some("/leads/a/in-a"), "{q}: {found:?}");
    }
    let nobody = text(&browser.get("/leads?q=nobody@example.com").await.body);
    assert!(nobody.contains("No matching leads."), "{nobody}");
    browser.house.end().await;
}

#[tokio::test]
async fn a_lead_is_compared_live_and_synced() {
    let mut browser = Browser::signed_in().await;
    two_leads(&browser).await;
    let page = text(&browser.get("/leads/a/in-a").await.body);
    assert!(page.contains("Compare live") && !page.contains("Read from both accounts"), "{page}");
    let page = text(&browser.get("/leads/a/in-a?live=yes").await.body);
    assert!(page.contains("a can&#39;t be read: The host did not answer."), "{page}");
    let field = |name: &str, shown: &str| Field {
        schema_name: name.to_owned(),
        display_name: shown.to_owned(),
        kind: Kind::Text,
        max_length: None,
        parts: Vec::new(),
        options: Vec::new(),
        unique: false,
        mandatory: false,
        read_only: false,
    };
    let fields = vec![field("FirstName", "First Name"), field("mx_City", "City")];
    let fields: Catalogue = FieldList::from(fields).into();
    let configuration = browser.house.store.configuration().await.unwrap();
    for account in &configuration.accounts {
        browser.house.store.store_catalogue(account.id, &fields, at(0)).await.unwrap();
    }
    let lead = |id: &str, city: &str| -> Snapshot {
        [("ProspectID", id), ("FirstName", "Asha"), ("mx_City", city)].into_iter().collect()
    };
    browser.house.accounts.have("a", "in-a", Some(lead("in-a", "Pune")));
    browser.house.accounts.have("b", "in-b", Some(lead("in-b", "Agra")));
    let page = text(&browser.get("/leads/a/in-a?live=yes").await.body);
    assert!(page.contains("1 field differs."), "{page}");
    assert!(page.contains("City differs Pune Agra"), "{page}");
    assert!(page.contains("First Name Asha Asha"), "{page}");
    let page = text(&browser.get("/leads/b/in-b?live=yes").await.body);
    assert!(page.contains("City differs Pune Agra"), "seen from the other side: {page}");
    browser.house.accounts.have("b", "in-b", None);
    let page = text(&browser.get("/leads/a/in-a?live=yes").await.body);
    assert!(page.contains("b no longer has this lead."), "{page}");
    let today = plan::quota::day_of(crate::harness::now());
    let mut calls = Vec::new();
    for account in &configuration.accounts {
        // The test may run over midnight.
        let store = &browser.house.store;
        let days = [today - 1, today].map(|day| store.spent(account.id, day));
        let [before, now] = days;
        calls.push(before.await.unwrap() + now.await.unwrap());
    }
    assert_eq!(calls, [4, 4], "each comparison takes one call to each account");
    // `ab` is not enabled: there is nothing that would sync it.
    assert!(!page.contains("Sync now"), "{page}");
    let refused = browser.submit("/leads/a/in-a/sync", &[]).await;
    assert_eq!(refused.status, 400, "{refused:?}");
    let enable = store::Change::SetEnabled { name: "ab".to_owned(), enabled: true };
    let actor = store::Actor::command_line();
    browser.house.store.change_configuration(vec![enable], &actor, at(0)).await.unwrap();
    assert!(browser.get("/leads/a/in-a").await.body.contains("Sync now"));
    let synced = browser.submit("/leads/a/in-a/sync", &[]).await;
    assert_eq!(location(&synced), Some("/leads/a/in-a?told=lead_syncing"), "{synced:?}");
    let filter = store::AuditFilter::default();
    let (audit, _) = browser.house.store.audit(&filter, 1, None).await.unwrap();
    assert_eq!((audit[0].action.as_str(), audit[0].subject.as_str()), ("sync_lead", "in-a in a"));
    let page = store::Page { limit: 9, after: None };
    let all = browser.house.store.request_lines(&store::Filter::default(), &page).await.unwrap().0;
    let synced = all.iter().find(|line| line.origin == "sweep").expect("a request as of a sweep");
    let delivery = browser.house.store.delivery(synced.id).await.unwrap().unwrap();
    assert!(String::from_utf8(delivery.body).unwrap().contains("\"mx_City\":\"Pune\""));
    browser.house.end().await;
}

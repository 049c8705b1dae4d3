//! Accounts, connectors and what accounts said of their fields.

use plan::metadata::{Catalogue, Field, FieldList, Kind};
use plan::outcome::{Entity, Event};
use secrecy::ExposeSecret;
use store::{Change, Error, Filter, Progress, Token};

use crate::empty::{Empty, account, actor, at, attempt, call, connector, ended, id};

crate::promises! {
    what_is_put_is_read,
    changes_are_made_all_or_none,
    impossible_changes_are_refused,
    one_account_has_one_name,
    every_version_of_a_definition_is_kept,
    a_removed_connector_leaves_nothing,
    versions_are_listed_newest_first,
    verifications_are_noted_once_a_minute,
    a_url_is_replaced_and_the_old_one_stays_a_while,
    fields_are_kept,
    changes_of_fields_are_noted,
    keys_are_encrypted_and_need_their_key_file,
    opening_again_changes_nothing,
    node_numbers_differ,
    an_account_is_probed_by_one_at_a_time,
    an_answer_by_hand_is_one_of_its_question,
}

async fn what_is_put_is_read(empty: Empty) {
    assert_eq!(empty.store.configuration_version().await.unwrap(), 0);
    let configuration = empty.with_connector().await;
    assert_eq!(configuration.version, 4);
    let names: Vec<&str> = configuration.accounts.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(configuration.accounts[0].keys.secret.expose_secret(), "secret");
    let connector = &configuration.connectors[0];
    assert!(connector.enabled && connector.version == 1);
    assert_eq!(connector.token.hash(), connector.token_hash);
    assert_eq!(connector.source, configuration.accounts[0].id);
    empty.change(account("a", "another")).await.unwrap();
    let changed = empty.store.configuration().await.unwrap();
    assert_eq!(changed.accounts[0].id, configuration.accounts[0].id);
    assert_eq!(changed.accounts[0].keys.secret.expose_secret(), "another");
    assert_eq!(empty.store.change_configuration(vec![], &actor(), at(0)).await.unwrap(), 5);
}

async fn one_account_has_one_name(empty: Empty) {
    let account = |name: &str, host: &str, access: &str| Change::PutAccount {
        name: name.to_owned(),
        host: host.to_owned(),
        keys: store::Keys { access: access.into(), secret: "secret".into() },
        plan: store::AccountPlan::Pro,
    };
    let host = "https://api-in21.leadsquared.com";
    empty.change(account("sales", host, "one")).await.unwrap();
    for other in [host, "https://API-in21.leadsquared.com:443", "api-in21.leadsquared.com/"] {
        let error = empty.change(account("clinic", other, "one")).await.unwrap_err().to_string();
        assert!(error.contains("account clinic") && error.contains("account sales"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
    empty.change(account("clinic", host, "two")).await.unwrap();
    empty.change(account("third", "https://api.leadsquared.com", "one")).await.unwrap();
    let error = empty.change(account("clinic", host, "one")).await.unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "a change makes no second name either: {error}");
    empty.change(account("sales", host, "one")).await.unwrap();
}

async fn verifications_are_noted_once_a_minute(empty: Empty) {
    let configuration = empty.with_connector().await;
    let (connector, version) = (&configuration.connectors[0], configuration.version);
    assert_eq!(connector.verified_at, None);
    for (seconds, noted) in [(100, 100), (159, 100), (160, 160)] {
        empty.store.note_verified(connector.id, at(seconds)).await.unwrap();
        let now = empty.store.configuration().await.unwrap();
        assert_eq!(now.connectors[0].verified_at, Some(at(noted)), "after {seconds} s");
        assert_eq!(now.version, version, "no node has to read the settings again");
    }
}

async fn a_url_is_replaced_and_the_old_one_stays_a_while(empty: Empty) {
    let before = empty.with_connector().await.connectors[0].clone();
    let name = || before.definition.name.clone();
    let used = [(before.token_hash, at(60))].into_iter().collect();
    empty.store.note_urls_used(used).await.unwrap();
    let token = Token::from_random([5; 24]);
    let overlap = jiff::SignedDuration::from_hours(1);
    empty.change(Change::ReplaceUrl { name: name(), token: token.clone(), overlap }).await.unwrap();
    let used = [(before.token_hash, at(120)), (token.hash(), at(180))].into_iter().collect();
    empty.store.note_urls_used(used).await.unwrap();
    let one = empty.store.configuration().await.unwrap().connectors.remove(0);
    assert_eq!((one.token_hash, one.version), (token.hash(), before.version));
    assert_eq!((one.url_since, one.url_used), (Some(at(0)), Some(at(180))));
    let [old] = one.former_urls.as_slice() else { panic!("one was replaced") };
    assert_eq!((old.token_hash, old.used_at), (before.token_hash, Some(at(120))));
    assert_eq!((old.replaced_at, old.ends_at), (at(0), at(3_600)));
    empty.change(Change::EndFormerUrls { name: name() }).await.unwrap();
    let one = empty.store.configuration().await.unwrap().connectors.remove(0);
    assert_eq!(one.former_urls[0].ends_at, at(0));
    empty.change(Change::RemoveConnector { name: name() }).await.unwrap();
}

async fn changes_are_made_all_or_none(empty: Empty) {
    let changes = vec![account("a", "x"), account("b", "x"), connector("c", "a", "nobody")];
    let error = empty.store.change_configuration(changes, &actor(), at(0)).await.unwrap_err();
    assert!(matches!(&error, Error::Refused(what) if what.contains("nobody")), "{error}");
    let configuration = empty.store.configuration().await.unwrap();
    assert_eq!((configuration.version, configuration.accounts.len()), (0, 0));
}

async fn impossible_changes_are_refused(empty: Empty) {
    empty.with_connector().await;
    empty.change(account("c", "x")).await.unwrap();
    let name = |name: &str| name.to_owned();
    for (change, part) in [
        (connector("a-b", "a", "c"), "the accounts of the connector"),
        (connector("x", "a", "a"), "as both source and destination"),
        (Change::RemoveAccount { name: name("a") }, "a-b"),
        (Change::RemoveAccount { name: name("nobody") }, "no account nobody"),
        (Change::RemoveConnector { name: name("nobody") }, "no connector nobody"),
        (Change::SetEnabled { name: name("nobody"), enabled: true }, "no connector nobody"),
    ] {
        let error = empty.change(change).await.unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    empty.change(Change::RemoveAccount { name: name("c") }).await.unwrap();
}

async fn every_version_of_a_definition_is_kept(empty: Empty) {
    let configuration = empty.with_connector().await;
    let connector = &configuration.connectors[0];
    let mut changed = connector.definition.clone();
    "Phone".clone_into(&mut changed.basic.search_by);
    let token = connector.token.clone();
    empty
        .change(Change::PutConnector { definition: changed.clone(), token, made_from: None })
        .await
        .unwrap();
    let now = empty.store.configuration().await.unwrap();
    assert_eq!((now.connectors[0].version, now.connectors[0].enabled), (2, true));
    let version = async |n| empty.store.definition(connector.id, n).await.unwrap();
    assert_eq!(version(1).await.as_ref(), Some(&connector.definition));
    assert_eq!(version(2).await, Some(changed));
    assert_eq!(version(3).await, None);
}

async fn a_removed_connector_leaves_nothing(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let lease = empty.lease(&configuration).await;
    empty.deliver(own, 0..3).await;
    let link = plan::link::Link::new(
        Entity::Lead,
        (configuration.accounts[0].id, "x"),
        (configuration.accounts[1].id, "y"),
    );
    let pair = link.pair;
    let progress = Progress {
        calls: vec![call(&configuration, 1)],
        attempts: vec![attempt(own, 1, Event::New)],
        requests: vec![ended(1, Event::New)],
        links: vec![link],
        ..Progress::default()
    };
    empty.store.record_progress(&lease, progress).await.unwrap();
    assert_eq!(empty.store.count_links(pair).await.unwrap().leads, 1);
    empty.change(Change::RemoveConnector { name: "a-b".to_owned() }).await.unwrap();
    assert_eq!(empty.find(Filter::default()).await.len(), 0);
    assert!(empty.store.delivery(id(1)).await.unwrap().is_none());
    assert_eq!(empty.store.count_links(pair).await.unwrap(), store::LinkCounts::default());
    // Whoever works the accounts has to look again.
    let late =
        empty.store.record_progress(&lease, Progress { settled: vec![1], ..Progress::default() });
    assert!(matches!(late.await, Err(Error::LeaseLost)));
}

async fn versions_are_listed_newest_first(empty: Empty) {
    let configuration = empty.with_connector().await;
    let id = configuration.connectors[0].id;
    let first = configuration.connectors[0].definition.clone();
    let mut second = first.clone();
    second.basic.lead_source = Some("Sales".to_owned());
    let token = Token::from_random([9; 24]);
    let put = Change::PutConnector { definition: second.clone(), token, made_from: Some(1) };
    empty.change(put).await.unwrap();
    let versions = empty.store.versions(id, 9).await.unwrap();
    let told: Vec<_> = versions.into_iter().map(|v| (v.version, v.at, v.definition)).collect();
    assert_eq!(told, [(2, at(0), second), (1, at(0), first)]);
    assert_eq!(empty.store.versions(id, 1).await.unwrap().len(), 1);
}

async fn fields_are_kept(empty: Empty) {
    let configuration = empty.with_connector().await;
    let account = configuration.accounts[0].id;
    assert!(empty.store.catalogue(account).await.unwrap().is_none());
    let field = Field {
        schema_name: "mx_City".into(),
        display_name: "City".into(),
        kind: Kind::Text,
        max_length: Some(200),
        parts: Vec::new(),
        options: vec!["Pune".into()],
        unique: false,
        mandatory: true,
        read_only: false,
    };
    let catalogue = Catalogue::from(FieldList::from(vec![field]));
    for seconds in [1, 2] {
        empty.store.store_catalogue(account, &catalogue, at(seconds)).await.unwrap();
        assert_eq!(
            empty.store.catalogue(account).await.unwrap(),
            Some((at(seconds), catalogue.clone()))
        );
    }
}

async fn changes_of_fields_are_noted(empty: Empty) {
    let configuration = empty.with_connector().await;
    assert_eq!(configuration.connectors[0].saved_at, at(0));
    let account = configuration.accounts[0].id;
    let field = |name: &str, kind| Field {
        schema_name: name.into(),
        display_name: name.into(),
        kind,
        max_length: None,
        parts: Vec::new(),
        options: Vec::new(),
        unique: false,
        mandatory: false,
        read_only: false,
    };
    let keep = async |fields: Vec<Field>, seconds| {
        let catalogue = Catalogue::from(FieldList::from(fields));
        empty.store.store_catalogue(account, &catalogue, at(seconds)).await.unwrap();
    };
    keep(vec![field("A", Kind::Text), field("B", Kind::Number)], 1).await;
    keep(vec![field("A", Kind::Text), field("B", Kind::Number)], 2).await;
    keep(vec![field("B", Kind::Text), field("C", Kind::Text)], 3).await;
    let since = async |seconds| {
        let changes = empty.store.field_changes(account, at(seconds)).await.unwrap();
        let told = changes.iter().map(|(at, c)| format!("{} {}", c.field, at.as_second()));
        told.collect::<Vec<_>>()
    };
    let third = at(3).as_second();
    assert_eq!(since(0).await, [format!("A {third}"), format!("B {third}")]);
    assert_eq!(since(3).await, [""; 0]);
}

async fn keys_are_encrypted_and_need_their_key_file(empty: Empty) {
    empty.with_connector().await;
    if let Some(path) = empty.url.strip_prefix("sqlite://") {
        for ending in ["", "-wal"] {
            let bytes = std::fs::read(format!("{path}{ending}")).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            assert!(
                !text.contains("access-of-the-account-a"),
                "a key lies open in test.db{ending}"
            );
        }
    }
    let other = empty.folder.path().join("other-key");
    let error = crate::empty::open(&empty.url, other).await.unwrap_err();
    assert!(matches!(&error, Error::CannotOpen(what) if what.contains("key file")), "{error}");
}

async fn opening_again_changes_nothing(empty: Empty) {
    let configuration = empty.with_connector().await;
    let again = empty.again().await.expect("it opens beside the first");
    assert_eq!(again.configuration().await.unwrap().version, configuration.version);
    again.ready().await.unwrap();
}

async fn node_numbers_differ(empty: Empty) {
    let mut numbers = std::collections::HashSet::new();
    for _ in 0..20 {
        let number = empty.store.take_node_number().await.unwrap();
        assert!((0..plan::id::NODES).contains(&number) && numbers.insert(number));
    }
}

async fn an_account_is_probed_by_one_at_a_time(empty: Empty) {
    let configuration = empty.with_connector().await;
    empty.change(account("alone", "secret")).await.unwrap();
    let mut accounts = empty.store.configuration().await.unwrap().accounts;
    let (probed, other) = (accounts.remove(1), configuration.accounts[0].clone());
    assert_eq!(probed.name, "alone");
    let begin = async |account: &store::Account, now: i64, until: i64| {
        let times = (at(now), at(until));
        empty.store.begin_probe(account, true, &actor(), times).await.unwrap()
    };
    assert!(begin(&probed, 10, 20).await);
    assert!(!begin(&probed, 20, 30).await, "it may still be under way");
    assert!(begin(&other, 10, 20).await, "another account is no matter of it");
    empty.store.hold_probe(probed.id, Some(at(40))).await.unwrap();
    assert!(!begin(&probed, 30, 50).await, "it went on");
    assert!(begin(&probed, 41, 60).await, "it ended without a word");
    empty.store.hold_probe(probed.id, None).await.unwrap();
    assert!(begin(&probed, 42, 60).await, "it ended");

    let filter = store::AuditFilter { action: Some("probe".to_owned()), ..Default::default() };
    let (told, _) = empty.store.audit(&filter, 100, None).await.unwrap();
    let subjects: Vec<&str> = told.iter().map(|entry| entry.subject.as_str()).collect();
    assert_eq!(subjects, ["alone", "alone", &other.name, "alone"]);
}

async fn an_answer_by_hand_is_one_of_its_question(empty: Empty) {
    let account = empty.with_connector().await.accounts[0].clone();
    let set = |question: &str, answer: Option<&str>| Change::SetAnswer {
        account: account.name.clone(),
        question: question.to_owned(),
        answer: answer.map(str::to_owned),
    };
    for (change, told) in [
        (set("no_such", Some("on")), "there is no question no_such"),
        (set("phone_match", Some("on")), "choose one of exact, digits"),
    ] {
        let error = empty.change(change).await.unwrap_err();
        assert!(matches!(&error, Error::Refused(what) if what.contains(told)), "{error}");
    }
    empty.change(set("phone_match", Some("digits"))).await.unwrap();
    let known = empty.store.traits(account.id).await.unwrap();
    assert!(known.iter().all(|(_, seen)| seen.is_by_hand() && seen.key() == "phone_match"));
    assert_eq!(known.len(), 1);
    empty.change(set("phone_match", None)).await.unwrap();
    assert_eq!(empty.store.traits(account.id).await.unwrap(), []);
}

//! Why a lead's fields hold what they hold.

use plan::access::AccountUser;
use plan::link::Link;
use plan::outcome::{Entity, Event};
use serde_json::{Value, json};
use store::{AttemptOutcome, Progress, Token};

use super::super::location;
use super::{Browser, Filler, at, id, text};

/// a → b creates the lead; b's team corrects the city, which goes b → a; a → b updates the name.
async fn there_and_back(browser: &Browser) -> Filler<'_> {
    let mut back = crate::harness::connector("ba", Token::from_random([9; 24]));
    if let store::Change::PutConnector { definition, .. } = &mut back {
        std::mem::swap(&mut definition.source, &mut definition.destination);
    }
    let actor = store::Actor::command_line();
    browser.house.store.change_configuration(vec![back], &actor, at(0)).await.unwrap();
    let configuration = browser.house.store.configuration().await.unwrap();
    let of = |name: &str| configuration.connector(name).unwrap().id;
    let filler = Filler { connector: of("ab"), ..Filler::of(browser).await };
    filler.deliver(1, of("ab"), &json!({ "ProspectID": "in-a", "FirstName": "Asha" })).await;
    let from_b = json!({ "ProspectID": "in-b", "FirstName": "Asha", "City": "Pune", "Fax": "1" });
    filler.deliver(2, of("ba"), &from_b).await;
    filler.deliver(3, of("ab"), &json!({ "ProspectID": "in-a", "FirstName": "Aasha" })).await;
    let plan = |decision: &str, fields: Value, origins: Value| {
        Some(
            json!({
                "plan": { "decision": decision, "fields": fields,
                    "on_create": [{ "to": "Source", "value": "Sync" }] },
                "origins": origins,
            })
            .to_string(),
        )
    };
    let first = AttemptOutcome {
        explanation: plan(
            "capture",
            json!([{ "to": "FirstName", "value": "Asha" }, { "to": "City", "value": "Poona" }]),
            json!({ "City": { "from": "Town" }, "Source": { "by": "lead_source" } }),
        ),
        ..filler.attempt(1, Event::New)
    };
    let second = AttemptOutcome {
        connector: of("ba"),
        source_id: Some("in-b".to_owned()),
        destination_id: Some("in-a".to_owned()),
        ..filler.attempt(2, Event::Updated)
    };
    let third = AttemptOutcome {
        explanation: plan(
            "update",
            json!([{ "to": "FirstName", "value": "Aasha", "before": "Asha" }]),
            json!({}),
        ),
        version: 4,
        ..filler.attempt(3, Event::Updated)
    };
    let [a, b] = [filler.accounts[0], filler.accounts[1]];
    let mut link = Link::new(Entity::Lead, (a, "in-a"), (b, "in-b"));
    let side = link.pair.side(b);
    for (field, value) in [
        ("FirstName", "Aasha"),
        ("City", "Pune"),
        ("Source", "Sync"),
        ("Country", "India"),
        ("Zip", ""),
    ] {
        link.end_mut(side).base.put(field, value);
    }
    link.end_mut(side).frozen.insert("Country".to_owned(), at(86_400));
    link.end_mut(side).frozen.insert("City".to_owned(), at(-1));
    let progress = Progress {
        attempts: vec![first, second, third],
        requests: (1..4).map(|n| Filler::ended(n, Event::Updated)).collect(),
        links: vec![link],
        ..Progress::default()
    };
    filler.keep(progress).await;
    filler
}

/// Connectors of the same two accounts may sync different leads: who may see one of them does not see
/// the leads of the other.
#[tokio::test]
async fn a_lead_is_shown_to_those_who_see_a_connector_that_syncs_it() {
    let mut browser = Browser::signed_in().await;
    let filler = there_and_back(&browser).await;
    let mut other = crate::harness::connector("other", Token::from_random([8; 24]));
    if let store::Change::PutConnector { definition, .. } = &mut other {
        definition.access.roles = vec!["Sales_Manager".to_owned()];
    }
    let enable = store::Change::SetEnabled { name: "other".to_owned(), enabled: true };
    let (store, actor) = (&browser.house.store, store::Actor::command_line());
    store.change_configuration(vec![other, enable], &actor, at(0)).await.unwrap();
    let other = store.configuration().await.unwrap().connector("other").unwrap().id;
    filler.deliver(4, other, &json!({ "ProspectID": "its-own" })).await;
    let its_own = AttemptOutcome {
        connector: other,
        source_id: Some("its-own".to_owned()),
        destination_id: Some("its-twin".to_owned()),
        mentions: vec!["its-own".to_owned(), "its-twin".to_owned()],
        ..filler.attempt(4, Event::Updated)
    };
    let progress = Progress {
        attempts: vec![its_own],
        requests: vec![Filler::ended(4, Event::Updated)],
        ..Progress::default()
    };
    filler.keep(progress).await;
    let sam = AccountUser::new("Sales_Manager", true, []);
    browser.house.accounts.say("b", "sam@example.com", Ok(Some(sam)));
    browser.cookie.clear();
    browser.sign_in_by_link("sam@example.com").await;
    for (lead, status) in
        [("a/in-a", 404), ("b/in-b", 404), ("a/its-own", 200), ("b/its-twin", 200)]
    {
        assert_eq!(browser.get(&format!("/leads/{lead}")).await.status, status, "{lead}");
    }
    let release = browser.submit("/leads/b/in-b/release", &[("field", "Country")]).await;
    assert_eq!(release.status, 404, "{release:?}");
    let sync = browser.submit("/leads/a/in-a/sync", &[]).await;
    assert_eq!(sync.status, 404, "{sync:?}");
    browser.house.end().await;
}

#[tokio::test]
async fn a_lead_says_why_each_field_holds_its_value() {
    let mut browser = Browser::signed_in().await;
    there_and_back(&browser).await;
    let page = browser.get("/leads/b/in-b").await;
    assert_eq!(page.status, 200, "{}", page.body);
    let shown = text(&page.body);
    for part in [
        "FirstName Aasha Written by ab (version 4); source: FirstName.",
        "City Pune Changed in this account.",
        "Source Sync Written by ab (version 1); source: the connector&#39;s Lead Source",
        "it kept changing back and forth between the accounts Release \
         Value when leadsync first read the lead.",
        "Empty fields: Zip",
        "Linked lead in a",
    ] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    let field = |name: &str| {
        let (_, row) = page.body.split_once(&format!("\"Field\">{name}<")).expect(name);
        row.split_once("</tr>").unwrap().0.to_owned()
    };
    assert!(field("FirstName").contains(&format!("/requests/{}", id(3))), "{}", field("FirstName"));
    assert!(field("FirstName").contains(&format!("/requests/{}", id(1))), "with what was before");
    assert!(field("City").contains(&format!("/requests/{}", id(2))), "{}", field("City"));
    assert!(field("City").contains("Poona"), "with what was before");
    assert!(!shown.contains("Fax"), "what is not synced is nobody's business");
    // The same by the API, and of the twin.
    let told = browser.get("/api/v1/leads/b/in-b").await;
    let in_capitals = browser.get("/api/v1/leads/b/IN-B").await;
    assert_eq!(in_capitals.body, told.body, "ids compare without case");
    let told: Value = serde_json::from_str(&told.body).unwrap();
    let frozen = told["fields"].as_array().unwrap().iter();
    let frozen = frozen.filter(|field| !field["frozen_until"].is_null());
    let frozen: Vec<&str> = frozen.map(|field| field["field"].as_str().unwrap()).collect();
    assert_eq!(frozen, ["Country"], "what was frozen once is not");
    // A person lets it be written again.
    let answer = browser.submit("/leads/b/in-b/release", &[("field", "Country")]).await;
    assert_eq!(location(&answer), Some("/leads/b/in-b?told=released"), "{answer:?}");
    let told_again = browser.get("/api/v1/leads/b/in-b").await.body;
    assert!(!told_again.contains("\"frozen_until\":\""), "{told_again}");
    let answer = browser.submit("/leads/b/in-b/release", &[("field", "Country")]).await;
    assert_eq!(answer.status, 404, "{answer:?}");
    assert_eq!(told["twins"], json!([{ "account": "a", "id": "in-a" }]));
    let steps: Vec<&Value> = told["steps"].as_array().unwrap().iter().collect();
    let directions: Vec<_> = steps.iter().map(|step| step["direction"].as_str().unwrap()).collect();
    assert_eq!(directions, ["in", "out", "in"]);
    assert_eq!(steps[1]["fields"], json!(["City"]));
    let twin = browser.get("/leads/a/in-a").await;
    assert!(twin.status == 200 && twin.body.contains("/leads/b/in-b"), "{}", twin.body);
    for path in ["/leads/b/nobody", "/leads/nobody/in-b"] {
        assert_eq!(browser.get(path).await.status, 404, "{path}");
    }
    browser.house.end().await;
}

/// Who looked at whose data is in the audit log, once an hour, and does not hide the changes.
#[tokio::test]
async fn views_and_downloads_of_leads_are_audited() {
    let mut browser = Browser::signed_in().await;
    there_and_back(&browser).await;
    for _ in 0..2 {
        assert_eq!(browser.get("/leads/b/in-b").await.status, 200);
        assert_eq!(browser.get(&format!("/requests/{}", id(1))).await.status, 200);
        let csv = browser.get("/api/v1/requests.csv?q=asha@example.com&event=new").await;
        assert_eq!(csv.status, 200, "{csv:?}");
    }
    assert_eq!(browser.get("/leads/b/nobody").await.status, 404);
    let all = store::AuditFilter { access: true, ..store::AuditFilter::default() };
    let (read, _) = browser.house.store.audit(&all, 9, None).await.unwrap();
    let read = read.iter().filter(|item| store::Access::ACTIONS.contains(&item.action.as_str()));
    let read: Vec<_> = read.map(|item| (item.action.as_str(), item.subject.as_str())).collect();
    let request = id(1).to_string();
    assert_eq!(
        read,
        [
            ("download_log", "csv event=new q=…"),
            ("view_request", request.as_str()),
            ("view_lead", "in-b in b"),
            ("sign_in", "admin@example.com"),
        ]
    );
    let page = browser.get("/audit").await.body;
    assert!(page.contains("List them too") && !page.contains("viewed the lead <"), "{page}");
    let page = browser.get("/audit?access=yes").await.body;
    assert!(page.contains("viewed the lead") && page.contains("in-b in b"), "{page}");
    browser.house.end().await;
}

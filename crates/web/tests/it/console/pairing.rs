//! Two connectors in opposite directions, set up in one pass.

use std::sync::atomic::Ordering;

use plan::connector::{Definition, Policy};
use store::Configuration;

use super::{Browser, location};

/// The form of the entity options with nothing changed but the policy.
const ENTITIES: [(&str, &str); 12] = [
    ("behaviour", "create_and_update"),
    ("blank", "leave"),
    ("bad_field", "refuse"),
    ("unlisted_option", "send"),
    ("while_disabled", "keep"),
    ("policy", "source"),
    ("first_meeting", "changed"),
    ("several", "review"),
    ("keys_disagree", "review"),
    ("linked", "review"),
    ("activity_behaviour", "create_and_update"),
    ("without_id", "refuse"),
];

async fn configuration(browser: &Browser) -> Configuration {
    browser.house.store.configuration().await.expect("a configuration")
}

async fn definition(browser: &Browser, name: &str) -> Definition {
    configuration(browser).await.connector(name).expect(name).definition.clone()
}

/// Both ways between the account `a` of the house and a new one.
async fn with_pair() -> Browser {
    let mut browser = Browser::signed_in().await;
    let account = [
        ("name", "sales"),
        ("region", "https://api-in21.leadsquared.com"),
        ("access_key", "an access key"),
        ("secret_key", "a secret key"),
        ("plan", "pro"),
        ("next", "/"),
    ];
    browser.submit("/accounts", &account).await;
    let joined = [("name", ""), ("source", "sales"), ("destination", "a"), ("ways", "both")];
    let made = browser.submit("/connectors", &joined).await;
    assert_eq!(location(&made), Some("/connectors/sales-to-a/basic"), "{made:?}");
    browser
}

#[tokio::test]
async fn a_step_of_the_way_there_is_saved_for_the_way_back() {
    let mut browser = with_pair().await;
    let page = browser.get("/connectors/sales-to-a/basic").await.body;
    for part in ["Also applies to <strong>a-to-sales</strong>", "Way back: a-to-sales"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let basic = [
        ("version", "1"),
        ("lead_source", "Sales account"),
        ("default_country_code", "IN"),
        ("time_zone", "Asia/Kolkata"),
        ("search_by", "EmailAddress"),
        ("secondary_search_by", "Phone"),
        ("notify", "ops@a.example"),
        ("notifications", "yes"),
        ("back", "yes"),
        ("back_lead_source", "Account A"),
        ("back_time_zone", "Mars/Base"),
        ("back_notify", "ops@sales.example"),
    ];
    let wrong = browser.submit("/connectors/sales-to-a/basic", &basic).await;
    assert_eq!(wrong.status, 400, "{wrong:?}");
    for part in
        ["Way back, ", "is not a time zone", "Mars/Base (not in the list)", "value=\"Account A\""]
    {
        assert!(wrong.body.contains(part), "{part}: {wrong:?}");
    }
    assert_eq!(configuration(&browser).await.connector("sales-to-a").expect("it").version, 1);
    let right: Vec<_> = basic
        .iter()
        .map(|&(name, value)| (name, if value == "Mars/Base" { "Asia/Dubai" } else { value }))
        .collect();
    let saved = browser.submit("/connectors/sales-to-a/basic", &right).await;
    assert_eq!(location(&saved), Some("/connectors/sales-to-a/entities?told=saved"), "{saved:?}");
    let back = definition(&browser, "a-to-sales").await.basic;
    assert_eq!(back.default_country_code.as_deref(), Some("IN"));
    assert_eq!(back.secondary_search_by.as_deref(), Some("Phone"));
    assert_eq!(back.time_zone.as_deref(), Some("Asia/Dubai"));
    assert_eq!(back.lead_source.as_deref(), Some("Account A"));
    assert!(back.notifications && back.notify.as_deref() == Some("ops@sales.example"));

    let entities = [&[("version", "2")], &ENTITIES[..]].concat();
    browser.submit("/connectors/sales-to-a/entities", &entities).await;
    assert_eq!(definition(&browser, "a-to-sales").await.conflict.policy, Policy::Destination);
    // The way back can differ, and is never carried to the way there.
    let page = browser.get("/connectors/a-to-sales/entities").await.body;
    assert!(!page.contains("Also applies to"), "{page}");
    let other = [&[("version", "3"), ("activities", "yes")], &ENTITIES[..]].concat();
    browser.submit("/connectors/a-to-sales/entities", &other).await;
    assert!(!definition(&browser, "sales-to-a").await.activity.enabled);
    // Once it was enabled, it is on its own.
    browser.submit("/connectors/a-to-sales/enable", &[]).await;
    browser.house.later.fetch_add(60, Ordering::Relaxed);
    browser.submit("/connectors/a-to-sales/disable", &[]).await;
    let page = browser.get("/connectors/sales-to-a/entities").await.body;
    assert!(page.contains("stepper") && !page.contains("Also applies to"), "{page}");
    let page = browser.get("/connectors/a-to-sales/entities").await.body;
    assert!(!page.contains("stepper"), "{page}");
    browser.house.end().await;
}

#[tokio::test]
async fn both_ways_are_wired_checked_and_enabled_at_once() {
    let mut browser = with_pair().await;
    let steps = async |browser: &mut Browser| -> Vec<String> {
        let page = browser.get("/connectors/sales-to-a/check").await.body;
        let done = page.split("<li class=\"done\"><a href=\"/connectors/sales-to-a/").skip(1);
        done.map(|step| step.split('"').next().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(steps(&mut browser).await, [""; 0], "the last step is open, and none is done");
    let basic = [("version", "1"), ("search_by", "EmailAddress"), ("time_zone", "Asia/Kolkata")];
    browser.submit("/connectors/sales-to-a/basic", &basic).await;
    assert_eq!(steps(&mut browser).await, ["basic"]);
    let page = browser.get("/connectors/sales-to-a").await.body;
    assert!(page.contains("Enable both ways"), "{page}");
    let page = browser.get("/connectors/sales-to-a/webhook").await.body;
    for part in ["Webhook URL for sales", "Webhook URL for a<", "Waiting for the first lead in a"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let both = [("ways", "both")];
    let wired = browser.submit("/connectors/sales-to-a/wire", &both).await;
    assert_eq!(wired.body.matches("The webhook for new leads was created.").count(), 2);
    assert!(!wired.body.contains("Create webhooks in both accounts"), "{wired:?}");
    assert_eq!(steps(&mut browser).await, ["basic", "entities", "mapping", "webhook"]);
    for name in ["sales-to-a", "a-to-sales"] {
        assert!(configuration(&browser).await.connector(name).expect(name).wiring.is_some());
    }
    let page = browser.get("/connectors/sales-to-a/check").await.body;
    for part in ["<h2>a-to-sales</h2>", "Enable both ways", "Enable sales-to-a only"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let on = browser.submit("/connectors/sales-to-a/enable", &both).await;
    let there = "/connectors/sales-to-a/webhook?told=both_enabled";
    assert_eq!(location(&on), Some(there), "{on:?}");
    let enabled = configuration(&browser).await;
    for name in ["sales-to-a", "a-to-sales"] {
        assert!(enabled.connector(name).expect(name).enabled, "{name}");
    }
    assert!(browser.get(there).await.body.contains("Both connectors enabled."));
    browser.house.end().await;
}

#[tokio::test]
async fn a_way_back_that_is_added_later_starts_with_the_settings_of_the_way_there() {
    let mut browser = Browser::signed_in().await;
    let basic = [("version", "1"), ("search_by", "Phone"), ("default_country_code", "IN")];
    browser.submit("/connectors/ab/basic", &basic).await;
    let page = browser.get("/connectors/new?source=b&destination=a").await.body;
    assert!(page.contains("<option value=\"b\" selected"), "{page}");
    let joined = [("name", ""), ("source", "b"), ("destination", "a"), ("ways", "both")];
    let made = browser.submit("/connectors", &joined).await;
    assert_eq!(location(&made), Some("/connectors/b-to-a/basic"), "{made:?}");
    let basic = definition(&browser, "b-to-a").await.basic;
    assert_eq!(
        (basic.search_by.as_str(), basic.default_country_code.as_deref()),
        ("Phone", Some("IN"))
    );
    assert_eq!(configuration(&browser).await.connectors.len(), 2, "there was a way back already");
    for (other, part) in [(("source", ""), "select an account"), (("destination", "b"), "same as")]
    {
        let wrong = [("name", "x"), ("source", "b"), ("destination", "a")];
        let wrong = wrong.map(|(name, value)| if name == other.0 { other } else { (name, value) });
        let refused = browser.submit("/connectors", &wrong).await;
        assert!(refused.status == 400 && refused.body.contains(part), "{other:?}: {refused:?}");
    }
    browser.house.end().await;
}

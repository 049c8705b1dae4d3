//! Accounts and connectors, from the first page of the set-up to the last.

use plan::connector::{Behaviour, WhileDisabled};
use plan::moment::DateOrder;
use plan::permission::Role;
use secrecy::ExposeSecret;
use store::Configuration;

use super::{Browser, header, location};
use crate::wire::{PATIENCE, get};

const ACCOUNT: [(&str, &str); 6] = [
    ("name", "sales"),
    ("region", "https://api-in21.leadsquared.com"),
    ("access_key", " an access key "),
    ("secret_key", "a secret key"),
    ("plan", "pro"),
    ("next", "/connectors/new"),
];

impl Browser {
    async fn configuration(&self) -> Configuration {
        self.house.store.configuration().await.unwrap()
    }
}

/// The fields with others in place of some.
fn with<'a>(
    fields: &[(&'a str, &'a str)],
    others: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let kept = fields.iter().filter(|(name, _)| others.iter().all(|(other, _)| other != name));
    kept.chain(others).copied().collect()
}

/// As the source account does; a new URL is known within a moment.
async fn verify(browser: &Browser, hook: &str) {
    let mut wire = browser.house.wire().await;
    let verified = async {
        loop {
            wire.send(get(hook)).await;
            if wire.answer().await.unwrap().status == 200 {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, verified).await.expect("the URL is known");
}

#[tokio::test]
async fn a_connector_is_set_up_step_by_step() {
    let mut browser = Browser::signed_in().await;
    let added = browser.submit("/accounts", &ACCOUNT).await;
    assert_eq!(location(&added), Some("/connectors/new?told=saved"), "{added:?}");
    let configuration = browser.configuration().await;
    let account = configuration.account("sales").expect("it was added");
    assert_eq!(account.keys.access.expose_secret(), "an access key");
    let told = browser.house.store.catalogue(account.id).await.unwrap();
    assert!(told.is_some_and(|(_, told)| told.fields.get("EmailAddress").is_some()));

    let page = browser.get("/connectors/new?told=saved").await.body;
    assert!(page.contains("Saved.") && page.contains("<option value=\"sales\""), "{page}");
    let joined = [("name", "sales-b"), ("source", "sales"), ("destination", "b")];
    let made = browser.submit("/connectors", &joined).await;
    assert_eq!(location(&made), Some("/connectors/sales-b/basic"), "{made:?}");
    let again = browser.submit("/connectors", &joined).await;
    assert!(again.status == 409 && again.body.contains("sales-b"), "{again:?}");

    let page = browser.get("/connectors/sales-b/basic").await.body;
    for part in
        ["aria-current=\"step\">Basic settings", "India (+91)", "Asia/Kolkata", "EmailAddress"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    let basic = [
        ("version", "1"),
        ("lead_source", "Sales account"),
        ("default_country_code", "IN"),
        ("time_zone", "Asia/Kolkata"),
        ("date_order", "month_first"),
        ("search_by", "EmailAddress"),
        ("secondary_search_by", "Phone"),
        ("notify", "ops@example.com"),
        ("notifications", "yes"),
    ];
    let saved = browser.submit("/connectors/sales-b/basic", &basic).await;
    assert_eq!(location(&saved), Some("/connectors/sales-b/entities?told=saved"), "{saved:?}");
    let entities = [
        ("version", "2"),
        ("behaviour", "update_only"),
        ("blank", "clear"),
        ("bad_field", "leave_out"),
        ("unlisted_option", "refuse"),
        ("while_disabled", "drop"),
        ("policy", "source"),
        ("first_meeting", "newest"),
        ("several", "review"),
        ("keys_disagree", "review"),
        ("linked", "review"),
        ("activities", "yes"),
        ("activity_behaviour", "create_only"),
        ("without_id", "sync"),
        ("type_from", "201"),
        ("type_to", "305"),
        ("type_from", ""),
        ("type_to", ""),
    ];
    let saved = browser.submit("/connectors/sales-b/entities", &entities).await;
    assert_eq!(location(&saved), Some("/connectors/sales-b/mapping?told=saved"), "{saved:?}");

    let configuration = browser.configuration().await;
    let connector = configuration.connector("sales-b").unwrap();
    let definition = &connector.definition;
    assert_eq!(definition.basic.lead_source.as_deref(), Some("Sales account"));
    assert_eq!(definition.basic.notify.as_deref(), Some("ops@example.com"));
    assert_eq!(definition.basic.date_order, Some(DateOrder::MonthFirst));
    assert!(definition.basic.notifications && definition.activity.enabled);
    assert_eq!(definition.lead.behaviour, Behaviour::UpdateOnly);
    assert_eq!(definition.activity.behaviour, Behaviour::CreateOnly);
    assert_eq!(definition.while_disabled, WhileDisabled::Drop);
    let types: Vec<_> = definition.activity.types.iter().map(|kind| (kind.from, kind.to)).collect();
    assert_eq!(types, [(201, 305)]);
    assert_eq!((connector.version, connector.enabled), (3, false));

    let hook = format!("/hooks/{}", connector.token.expose());
    let page = browser.get("/connectors/sales-b/webhook").await.body;
    assert!(page.contains(&format!("https://leadsync.example{hook}")), "{page}");
    assert!(page.contains("New Activity") && !page.contains("class=\"lit\""), "{page}");
    verify(&browser, &hook).await;
    let page = browser.get("/connectors/sales-b/webhook").await.body;
    assert_eq!(page.matches("class=\"lit\"").count(), 1, "verified: {page}");

    let on = browser.submit("/connectors/sales-b/enable", &[]).await;
    assert_eq!(location(&on), Some("/connectors/sales-b/webhook?told=enabled"), "{on:?}");
    assert!(browser.configuration().await.connector("sales-b").unwrap().enabled);
    let page = browser.get("/connectors/sales-b").await.body;
    assert!(page.contains("Update only existing record"), "{page}");
    assert!(page.contains("Waiting for the first lead"), "{page}");
    browser.house.end().await;
}

#[tokio::test]
async fn keys_that_do_not_work_are_not_saved_and_never_shown() {
    let mut browser = Browser::signed_in().await;
    let nowhere = [("region", "other"), ("host", "https://nowhere.example")];
    let refused = browser.submit("/accounts", &with(&ACCOUNT, &nowhere)).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("The host did not answer."), "{refused:?}");
    assert!(refused.body.contains("https://nowhere.example"), "what was written stays");
    assert!(!refused.body.contains("secret key\""), "{refused:?}");
    assert!(browser.configuration().await.account("sales").is_none());
    let all_the_same = with(&with(&ACCOUNT, &nowhere), &[("unchecked", "yes")]);
    assert_eq!(browser.submit("/accounts", &all_the_same).await.status, 303);
    let page = browser.get("/accounts/sales").await.body;
    assert!(page.contains("https://nowhere.example") && !page.contains("a secret key"), "{page}");
    // Stored keys go to no other host.
    let moved = with(&ACCOUNT, &[("access_key", ""), ("secret_key", "")]);
    let refused = browser.submit("/accounts/sales", &moved).await;
    assert_eq!(refused.status, 400, "{refused:?}");
    assert!(refused.body.contains("for another host"), "{refused:?}");
    assert_eq!(browser.submit("/accounts/sales", &ACCOUNT).await.status, 303);
    let configuration = browser.configuration().await;
    let account = configuration.account("sales").unwrap();
    assert_eq!(account.host, "https://api-in21.leadsquared.com");
    assert_eq!(account.keys.secret.expose_secret(), "a secret key");
    browser.house.end().await;
}

#[tokio::test]
async fn a_connector_is_wired_and_unwired_on_its_page_and_by_the_api() {
    let mut browser = Browser::signed_in().await;
    let page = browser.get("/connectors/ab/webhook").await.body;
    assert!(page.contains("Create webhooks") && !page.contains("/unwire"), "{page}");
    let wired = browser.submit("/connectors/ab/wire", &[]).await;
    assert_eq!(wired.status, 200, "{wired:?}");
    for part in ["The webhook for new leads was created.", "Remove webhooks", "Webhooks created at"]
    {
        assert!(wired.body.contains(part), "{part}: {wired:?}");
    }
    let wiring = browser.configuration().await.connector("ab").unwrap().wiring.expect("wired");
    let told = browser.get("/api/v1/connectors/ab/wiring").await.body;
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    let on = serde_json::json!({"event": "new leads", "state": "on"});
    assert_eq!(told["items"][0], on, "{told}");
    // Again: another secret.
    browser.submit("/connectors/ab/wire", &[]).await;
    let again = browser.configuration().await.connector("ab").unwrap().wiring.expect("wired");
    assert_ne!(again.secret, wiring.secret);
    let gone = browser.submit("/connectors/ab/unwire", &[]).await;
    assert!(gone.body.contains("The webhook for changed leads was removed."), "{gone:?}");
    assert_eq!(browser.configuration().await.connector("ab").unwrap().wiring, None);
    let audit = browser.get("/audit").await.body;
    assert!(audit.contains("created or removed webhooks of the connector"), "{audit}");
    browser.house.end().await;
}

/// A URL that others know is replaced without losing what is sent to the old one meanwhile.
#[tokio::test]
async fn a_webhook_url_is_replaced_and_the_old_one_ends_later() {
    let mut browser = Browser::signed_in().await;
    let old = browser.house.hook.clone();
    let mut wire = browser.house.wire().await;
    let mut status = async |url: &str| {
        wire.send(crate::wire::post(url, r#"{"a":1}"#)).await;
        wire.answer().await.expect("an answer").status
    };
    let url = async |browser: &mut Browser| {
        let token = browser.configuration().await.connector("ab").unwrap().token.clone();
        format!("/hooks/{}", token.expose())
    };
    let answer = browser.submit("/connectors/ab/url", &[("keep_hours", "1")]).await;
    let told = Some("/connectors/ab/webhook?told=url_replaced");
    assert_eq!(location(&answer), told, "{answer:?}");
    let new = url(&mut browser).await;
    assert_ne!(new, old);
    let begun = std::time::Instant::now();
    // Another node may learn of it a moment later.
    while status(&new).await != 200 {
        assert!(begun.elapsed() < crate::wire::PATIENCE, "the new URL is not known");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(status(&old).await, 200);
    let page = browser.get("/connectors/ab/webhook").await.body;
    assert!(page.contains(&new) && !page.contains(&old), "{page}");
    assert!(page.contains("Old URLs") && page.contains("End old URLs now"), "{page}");
    // It is shown which of them are still in use.
    let used = async |browser: &mut Browser| {
        let configuration = browser.configuration().await;
        let connector = configuration.connector("ab").unwrap();
        (connector.url_used.is_some(), connector.former_urls[0].used_at.is_some())
    };
    let begun = std::time::Instant::now();
    while used(&mut browser).await != (true, true) {
        assert!(begun.elapsed() < crate::wire::PATIENCE, "the use of the URLs is not noted");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    // It ends by itself.
    browser.house.later.store(3_601, std::sync::atomic::Ordering::SeqCst);
    assert_eq!((status(&new).await, status(&old).await), (200, 404));
    let page = browser.get("/connectors/ab/webhook").await.body;
    assert!(page.contains("no longer valid") && !page.contains("End old URLs now"), "{page}");
    // Or at once.
    browser.submit("/connectors/ab/url", &[("keep_hours", "24")]).await;
    let newest = url(&mut browser).await;
    while status(&newest).await != 200 {
        assert!(begun.elapsed() < crate::wire::PATIENCE, "the new URL is not known");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(status(&new).await, 200);
    let answer = browser.submit("/connectors/ab/url/end", &[]).await;
    let told = Some("/connectors/ab/webhook?told=urls_ended");
    assert_eq!(location(&answer), told, "{answer:?}");
    let begun = std::time::Instant::now();
    while status(&new).await != 404 {
        assert!(begun.elapsed() < crate::wire::PATIENCE, "the old URL is still valid");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(status(&newest).await, 200);
    let too_long = browser.submit("/connectors/ab/url", &[("keep_hours", "9000")]).await;
    assert_eq!(too_long.status, 400, "{too_long:?}");
    let audit = browser.get("/audit").await.body;
    assert!(audit.contains("replaced the webhook URL of the connector"), "{audit}");
    browser.house.end().await;
}

#[tokio::test]
async fn an_account_of_another_region_is_saved_with_the_right_host() {
    let mut browser = Browser::signed_in().await;
    let other = [("name", "us"), ("region", "https://api-us11.leadsquared.com")];
    let saved = browser.submit("/accounts", &with(&ACCOUNT, &other)).await;
    assert_eq!(location(&saved), Some("/connectors/new?told=right_region"), "{saved:?}");
    let configuration = browser.configuration().await;
    let account = configuration.account("us").unwrap();
    assert_eq!(account.host, "https://api-in21.leadsquared.com");
    assert_eq!(account.keys.secret.expose_secret(), "a secret key");
    let page = browser.get("/connectors/new?told=right_region").await.body;
    assert!(page.contains("where LeadSquared found the account"), "{page}");
    // Keys that are kept were given for the host that was, so nothing is saved by itself.
    let kept = [("access_key", ""), ("secret_key", ""), ("region", other[1].1)];
    let answer = browser.submit("/accounts/us", &with(&ACCOUNT, &kept)).await;
    assert!(matches!(answer.status, 400 | 422), "{answer:?}");
    let chosen = r#"<option value="https://api-in21.leadsquared.com" selected>"#;
    assert!(answer.status == 400 || answer.body.contains(chosen), "{answer:?}");
    browser.house.end().await;
}

#[tokio::test]
async fn what_is_wrong_with_an_account_is_told_at_its_place() {
    let mut browser = Browser::signed_in().await;
    let own = [("plan", "quota"), ("calls", "10"), ("bulk_calls", "1"), ("per_seconds", "5")];
    for (other, part) in [
        (vec![("name", "a")], "is already used by another account"),
        (vec![("name", "a b")], "letters, digits"),
        (vec![("region", "other"), ("host", "http://example.com")], "https"),
        (vec![("secret_key", "")], "is required with access_key"),
        (vec![("access_key", ""), ("secret_key", "")], "for a new account"),
        (own.to_vec(), "quota in whole numbers"),
        (vec![("plan", "gold")], "gold"),
    ] {
        let answer = browser.submit("/accounts", &with(&ACCOUNT, &other)).await;
        assert_eq!(answer.status, 400, "{other:?}: {answer:?}");
        let told =
            answer.body.contains("Your changes were not saved") && answer.body.contains(part);
        assert!(told, "{other:?}: {answer:?}");
    }
    assert_eq!(browser.configuration().await.accounts.len(), 2);
    browser.house.end().await;
}

#[tokio::test]
async fn settings_that_are_wrong_or_old_are_not_saved_and_nothing_written_is_lost() {
    let mut browser = Browser::signed_in().await;
    let basic = [("version", "1"), ("search_by", "EmailAddress"), ("lead_source", "Kept")];
    for (other, part) in [
        (("time_zone", "Mars/Base"), "is not a time zone"),
        (("default_country_code", "XX"), "is not a country"),
        (("date_order", "year_first"), "is not an option"),
        (("search_by", ""), "is empty"),
        (("notifications", "yes"), "is required for notifications"),
        (("silent_hours", "721"), "from 1 to 720"),
        (("silent_hours", "1.5"), "is not a whole number of hours"),
        (("silent_hours", "-1"), "is not a whole number of hours"),
        (("version", "7"), "version"),
        (("version", "x"), "version"),
    ] {
        let answer = browser.submit("/connectors/ab/basic", &with(&basic, &[other])).await;
        assert!(matches!(answer.status, 400 | 409), "{other:?}: {answer:?}");
        assert!(answer.body.contains(part), "{other:?}: {answer:?}");
        assert!(answer.body.contains("value=\"Kept\""), "{other:?}: {answer:?}");
    }
    let entities = [
        ("version", "1"),
        ("behaviour", "create_only"),
        ("blank", "leave"),
        ("bad_field", "refuse"),
        ("unlisted_option", "send"),
        ("while_disabled", "keep"),
        ("policy", "newest"),
        ("first_meeting", "changed"),
        ("several", "review"),
        ("keys_disagree", "review"),
        ("linked", "review"),
        ("activity_behaviour", "create_and_update"),
        ("without_id", "refuse"),
    ];
    for (other, part) in [
        (vec![("behaviour", "explode")], "is not an option"),
        (vec![("activity_behaviour", "do_nothing")], "is not an option"),
        (vec![("type_from", "x"), ("type_to", "1")], "is not an event code"),
        (vec![("type_from", "1"), ("type_to", "")], "is not an event code"),
    ] {
        let answer = browser.submit("/connectors/ab/entities", &with(&entities, &other)).await;
        assert_eq!(answer.status, 400, "{other:?}: {answer:?}");
        assert!(answer.body.contains(part), "{other:?}: {answer:?}");
    }
    assert_eq!(browser.configuration().await.connectors[0].version, 1, "nothing was saved");
    browser.house.end().await;
}

#[tokio::test]
async fn a_connector_is_exported_previewed_checked_and_removed() {
    let mut browser = Browser::signed_in().await;
    let file = browser.get("/connectors/ab/export").await;
    let disposition = header(&file, "content-disposition");
    assert_eq!(disposition, Some("attachment; filename=\"ab.toml\""));
    assert!(file.body.contains("name = \"ab\"") && file.body.contains("A_ACCESS_KEY"), "{file:?}");
    assert!(!file.body.contains("the-access-key"), "{file:?}");
    let payload = [("payload", r#"{"ProspectID":"p1","FirstName":"<b>Asha</b>"}"#)];
    let preview = browser.submit("/connectors/ab/preview", &payload).await;
    assert_eq!(preview.status, 200);
    assert!(preview.body.contains("&#60;b&#62;Asha") && preview.body.contains("FirstName"));
    let broken = browser.submit("/connectors/ab/preview", &[("payload", "{")]).await;
    assert!(broken.status == 422 && broken.body.contains("JSON"), "{broken:?}");
    assert_eq!(browser.get("/connectors/ab/check").await.status, 200);
    let wrong = browser.submit("/connectors/ab/remove", &[("confirm", "a b")]).await;
    assert!(wrong.status == 400 && wrong.body.contains("confirm"), "{wrong:?}");
    let gone = browser.submit("/connectors/ab/remove", &[("confirm", "ab")]).await;
    assert_eq!(location(&gone), Some("/connectors?told=removed"), "{gone:?}");
    assert!(browser.configuration().await.connectors.is_empty());
    assert_eq!(browser.get("/connectors/ab").await.status, 404);
    let gone = browser.submit("/accounts/a/remove", &[]).await;
    assert_eq!(location(&gone), Some("/accounts?told=removed"), "{gone:?}");
    browser.house.end().await;
}

#[tokio::test]
async fn an_operator_switches_and_previews_but_changes_no_settings() {
    let mut browser = Browser::signed_in().await;
    browser.add("ops@example.com", Role::Operator).await;
    browser.cookie.clear();
    browser.sign_in("ops@example.com").await;
    for path in ["/connectors", "/connectors/ab", "/connectors/ab/preview", "/connectors/ab/check"]
    {
        assert_eq!(browser.get(path).await.status, 200, "{path}");
    }
    for path in [
        "/accounts",
        "/accounts/a",
        "/connectors/new",
        "/connectors/ab/basic",
        "/connectors/ab/entities",
        "/connectors/ab/webhook",
        "/connectors/ab/export",
    ] {
        assert_eq!(browser.get(path).await.status, 403, "{path}");
    }
    let hook = browser.house.hook.clone();
    let page = browser.get("/connectors/ab").await.body;
    assert!(!page.contains(&hook) && !page.contains("/accounts"), "{page}");
    assert_eq!(browser.submit("/connectors/ab/enable", &[]).await.status, 303);
    assert!(browser.configuration().await.connectors[0].enabled);
    assert_eq!(browser.submit("/connectors/ab/disable", &[]).await.status, 303);
    assert_eq!(browser.submit("/connectors/ab/retry", &[]).await.status, 303);
    let refresh = browser.get("/connectors/ab/refresh").await;
    assert!(refresh.status == 200 && refresh.body.contains("No linked lead"), "{refresh:?}");
    let begun = browser.submit("/connectors/ab/refresh", &[("per_minute", "60")]).await;
    assert_eq!(location(&begun), Some("/connectors/ab?told=none_linked"), "{begun:?}");
    let odd = browser.submit("/connectors/ab/refresh", &[("per_minute", "0")]).await;
    assert!(odd.status == 400 && odd.body.contains("per_minute"), "{odd:?}");
    for path in ["/connectors/ab/remove", "/connectors/ab/basic", "/accounts", "/accounts/a/remove"]
    {
        assert_eq!(browser.submit(path, &[("confirm", "ab")]).await.status, 403, "{path}");
    }
    browser.house.end().await;
}

#[tokio::test]
async fn a_filter_is_tried_on_recent_leads_and_saved() {
    let mut browser = Browser::signed_in().await;
    let mut wire = browser.house.wire().await;
    for city in ["Pune", "Agra"] {
        let body =
            format!(r#"{{"ProspectID":"{city}","EmailAddress":"a@example.com","City":"{city}"}}"#);
        wire.send(crate::wire::post(&browser.house.hook, &body)).await;
        assert_eq!(wire.answer().await.map(|answer| answer.status), Some(200));
    }
    let page = browser.get("/connectors/ab/filter").await.body;
    assert!(page.contains("At least one of these") && !page.contains("Recent leads"), "{page}");
    let version = |page: &str| {
        let (_, rest) = page.split_once("name=\"version\" value=\"").expect("a version");
        rest.split('"').next().expect("a number").to_owned()
    };
    let version = version(&page);
    let filter = [
        ("version", version.as_str()),
        ("leaving", "continue"),
        ("all_field", "City"),
        ("all_test", "one_of"),
        ("all_values", "Pune\r\nGoa\r\n"),
        ("all_field", ""),
        ("all_test", "equals"),
        ("all_values", ""),
        ("any_field", "EmailAddress"),
        ("any_test", "not_empty"),
        ("any_values", ""),
        ("do", "count"),
    ];
    let counted = browser.submit("/connectors/ab/filter", &filter).await;
    assert_eq!(counted.status, 200, "{counted:?}");
    for part in ["1 of 2 leads pass", "City is &#39;Agra&#39; but must be one of"] {
        assert!(counted.body.contains(part), "{part}: {}", counted.body);
    }
    let definition = |configuration: &Configuration| {
        configuration.connector("ab").expect("a connector").definition.clone()
    };
    assert!(definition(&browser.configuration().await).filter.is_open(), "nothing is saved yet");

    let wrong = with(&filter, &[("do", "save"), ("all_test", "before"), ("any_test", "equals")]);
    let refused = browser.submit("/connectors/ab/filter", &wrong).await;
    assert_eq!(refused.status, 400, "{refused:?}");
    for part in ["has 2 values; &#39;is before&#39; takes one", "needs a value for &#39;is&#39;"] {
        assert!(refused.body.contains(part), "{part}: {}", refused.body);
    }
    assert!(
        refused.body.contains("Pune\r\nGoa") || refused.body.contains("Pune\nGoa"),
        "what was typed stays"
    );

    let saved = browser.submit("/connectors/ab/filter", &with(&filter, &[("do", "save")])).await;
    assert_eq!(location(&saved), Some("/connectors/ab/filter?told=saved"), "{saved:?}");
    let filter = definition(&browser.configuration().await).filter;
    assert_eq!(
        serde_json::to_value(&filter).expect("JSON"),
        serde_json::json!({
            "all": [{"field": "City", "one_of": ["Pune", "Goa"]}],
            "any": [{"field": "EmailAddress", "not_empty": true}],
            "leaving": "continue",
        })
    );
    let page = browser.get("/connectors/ab/filter").await.body;
    assert!(page.contains("1 of 2 leads pass"), "{page}");
    browser.house.end().await;
}

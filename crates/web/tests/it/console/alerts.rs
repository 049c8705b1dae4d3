//! The addresses that receive alerts.

use super::{Browser, location};

const HOOK: &str = "https://hooks.example.com/services/T0/B0/secret-and-long";

#[tokio::test]
async fn addresses_are_added_tested_and_removed() {
    let mut browser = Browser::signed_in().await;
    let page = browser.get("/alerts").await.body;
    assert!(page.contains("No alert addresses yet"), "{page}");
    assert!(page.contains(r#"<a href="/alerts" aria-current="page">"#), "it is in the navigation");
    for address in ["ops", "http://hooks.example.com/secret", "https://a:secret@example.com/"] {
        let refused = browser
            .submit("/alerts", &[("address", address), ("of", "all"), ("immediate", "yes")])
            .await;
        assert_eq!(refused.status, 400, "{refused:?}");
        assert!(refused.body.contains("The address was not added."), "{refused:?}");
        assert!(
            !refused.body.contains("secret@") && !refused.body.contains("/secret"),
            "{address}"
        );
    }
    let none = browser
        .submit("/alerts", &[("address", "ops@example.com"), ("of", "some"), ("immediate", "yes")])
        .await;
    assert!(none.status == 400 && none.body.contains("at least one connector"), "{none:?}");
    assert!(none.body.contains(r#"value="ops@example.com""#), "what was typed stays: {none:?}");
    let some =
        [("address", "ops@example.com"), ("of", "some"), ("connector", "ab"), ("immediate", "yes")];
    let added = browser.submit("/alerts", &some).await;
    assert_eq!(location(&added), Some("/alerts?told=added"), "{added:?}");
    let added =
        browser.submit("/alerts", &[("address", HOOK), ("of", "all"), ("immediate", "yes")]).await;
    assert_eq!(location(&added), Some("/alerts?told=added"), "{added:?}");
    let again =
        browser.submit("/alerts", &[("address", HOOK), ("of", "all"), ("immediate", "yes")]).await;
    assert!(again.status == 409 && again.body.contains("already receives alerts"), "{again:?}");
    let page = browser.get("/alerts").await.body;
    assert!(
        page.contains("https://hooks.example.com/…long") && !page.contains("services"),
        "{page}"
    );
    assert!(page.contains("Email is not configured"), "{page}");

    let sending = browser.house.send_mails();
    let tested = browser.submit("/alerts/1/test", &[]).await;
    assert!(tested.body.contains("was only written to the server log"), "{tested:?}");
    let tested = browser.submit("/alerts/2/test", &[]).await;
    assert!(tested.body.contains("…long was not delivered."), "{tested:?}");
    assert!(tested.body.contains("the webhook responded with 404"), "{tested:?}");
    sending.abort();
    let home = browser.get("/").await.body;
    assert!(!home.contains("was not sent"), "a test that failed is no alert: {home}");
    let removed = browser.submit("/alerts/2/remove", &[]).await;
    assert_eq!(location(&removed), Some("/alerts?told=removed"), "{removed:?}");
    assert_eq!(browser.submit("/alerts/2/test", &[]).await.status, 404);
    assert_eq!(browser.submit("/alerts/x/remove", &[]).await.status, 404);

    let audit = browser.get("/audit").await.body;
    for part in ["added the alert address", "tested the alert address", "removed the alert address"]
    {
        assert!(audit.contains(part), "no {part:?} in {audit}");
    }
    assert!(!audit.contains("services"), "{audit}");
    browser.house.end().await;
}

#[tokio::test]
async fn what_an_address_receives_is_changed_without_its_url() {
    let mut browser = Browser::signed_in().await;
    let fields = [("address", HOOK), ("of", "all"), ("immediate", "yes")];
    browser.submit("/alerts", &fields).await;
    let nothing = browser.submit("/alerts/1", &[("of", "all")]).await;
    assert!(nothing.status == 400 && nothing.body.contains("would receive nothing"), "{nothing:?}");
    let late = [("of", "all"), ("digest", "daily"), ("hour", "24")];
    let refused = browser.submit("/alerts/1", &late).await;
    assert!(refused.status == 400 && refused.body.contains("0 to 23"), "{refused:?}");
    let wanted = [("of", "some"), ("connector", "ab"), ("digest", "weekly"), ("hour", "7")];
    let saved = browser.submit("/alerts/1", &wanted).await;
    assert_eq!(location(&saved), Some("/alerts?told=saved"), "{saved:?}");
    let page = browser.get("/alerts").await.body;
    assert!(page.contains("Digest on Mondays at 07:00 (UTC)"), "{page}");
    let page = browser.get("/alerts/1").await.body;
    for part in [
        r#"<option value="weekly" selected>"#,
        r#"<option value="7" selected>07:00"#,
        r#"name="connector" value="ab" checked"#,
        "…long",
    ] {
        assert!(page.contains(part), "no {part} in {page}");
    }
    assert!(!page.contains("services") && !page.contains(r#"value="yes" checked"#), "{page}");
    assert_eq!(browser.get("/alerts/2").await.status, 404);
    assert_eq!(browser.submit("/alerts/2", &wanted).await.status, 404);
    let audit = browser.get("/audit").await.body;
    assert!(audit.contains("changed the alert address") && !audit.contains("services"), "{audit}");
    browser.house.end().await;
}

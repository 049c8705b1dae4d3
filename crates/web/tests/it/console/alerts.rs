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
        let refused = browser.submit("/alerts", &[("address", address), ("of", "all")]).await;
        assert_eq!(refused.status, 400, "{refused:?}");
        assert!(refused.body.contains("The address was not added."), "{refused:?}");
        assert!(
            !refused.body.contains("secret@") && !refused.body.contains("/secret"),
            "{address}"
        );
    }
    let none = browser.submit("/alerts", &[("address", "ops@example.com"), ("of", "some")]).await;
    assert!(none.status == 400 && none.body.contains("at least one connector"), "{none:?}");
    assert!(none.body.contains(r#"value="ops@example.com""#), "what was typed stays: {none:?}");
    let some = [("address", "ops@example.com"), ("of", "some"), ("connector", "ab")];
    let added = browser.submit("/alerts", &some).await;
    assert_eq!(location(&added), Some("/alerts?told=added"), "{added:?}");
    let added = browser.submit("/alerts", &[("address", HOOK), ("of", "all")]).await;
    assert_eq!(location(&added), Some("/alerts?told=added"), "{added:?}");
    let again = browser.submit("/alerts", &[("address", HOOK), ("of", "all")]).await;
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

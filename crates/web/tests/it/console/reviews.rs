//! Deciding about leads in the console.

use super::{Browser, location};
use crate::api::fixture::ten_and_reviews;

#[tokio::test]
async fn a_lead_is_decided_about_and_the_decision_made_a_rule() {
    let mut browser = Browser::signed_in().await;
    ten_and_reviews(&browser.house).await;
    let page = browser.get("/").await.body;
    assert!(page.contains("2 leads need review"), "{page}");
    let page = browser.get("/reviews").await.body;
    assert!(page.contains("person0@example.com") && page.contains(">Open<"), "{page}");
    let page = browser.get("/reviews/1").await.body;
    for part in ["Asha", "twin-a", "twin-b", "found by Phone", "value=\"link twin-b\""] {
        assert!(page.contains(part), "{part}: {page}");
    }

    let answer = browser.submit("/reviews/1/decide", &[]).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(answer.body.contains("choose an option"), "{answer:?}");
    let fields = [("choice", "link twin-b"), ("rule", "secondary")];
    let answer = browser.submit("/reviews/1/decide", &fields).await;
    assert_eq!(location(&answer), Some("/reviews/2?resolved=1&told=decided"), "{answer:?}");
    let page = browser.get("/reviews/2?resolved=1&told=decided").await.body;
    assert!(page.contains("href=\"/reviews/1\">View outcome"), "{page}");
    let page = browser.get("/reviews/1").await.body;
    assert!(page.contains("Linked to lead twin-b.") && page.contains("Undo"), "{page}");
    let configuration = browser.house.store.configuration().await.unwrap();
    let identity = configuration.connector("ab").unwrap().definition.identity;
    assert_eq!(identity.keys_disagree, plan::connector::KeysDisagree::Secondary);
    let page = browser.get("/connectors/ab/entities").await.body;
    assert!(page.contains("name=\"keys_disagree\" value=\"secondary\" checked"), "{page}");

    let answer = browser.submit("/reviews/1/undo", &[]).await;
    assert_eq!(location(&answer), Some("/reviews/1?told=undone"), "{answer:?}");
    let answer = browser.submit("/reviews/1/undo", &[]).await;
    assert_eq!(answer.status, 409, "{answer:?}");

    let page = browser.get("/reviews/2").await.body;
    assert!(page.contains("Keep the values of b"), "{page}");
    let answer = browser.submit("/reviews/2/decide", &[("choice", "destination")]).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    assert_eq!(browser.get("/reviews/9").await.status, 404);
    browser.house.end().await;
}

#[tokio::test]
async fn many_are_resolved_by_a_rule_after_a_preview() {
    let mut browser = Browser::signed_in().await;
    ten_and_reviews(&browser.house).await;
    let page = browser.get("/reviews").await.body;
    assert!(page.contains("href=\"/reviews/by-rule\""), "{page}");
    // No candidate has the lead's name; the rule for conflicts decides the conflict alone.
    let page = browser.get("/reviews/by-rule?rule=same_name").await.body;
    assert!(page.contains("This rule resolves none") && page.contains("1 of this kind"), "{page}");
    let page = browser.get("/reviews/by-rule?rule=destination").await.body;
    assert!(page.contains("1 open review would be resolved."), "{page}");
    assert!(page.contains("Keep the destination&#39;s values"), "{page}");
    let page = browser.get("/reviews/by-rule?rule=primary_key&connector=ab").await.body;
    assert!(
        page.contains("Link to lead twin-a") && page.contains("name=\"newest\" value=\"2\""),
        "{page}"
    );

    // What came after the preview is left alone.
    let fields = [("rule", "destination"), ("newest", "1")];
    let answer = browser.submit("/reviews/by-rule", &fields).await;
    assert_eq!(location(&answer), Some("/reviews?told=none_resolved"), "{answer:?}");
    for (rule, choice) in [
        ("destination", "Values of the destination kept."),
        ("primary_key", "Linked to lead twin-a."),
    ] {
        let fields = [("rule", rule), ("connector", "ab"), ("newest", "2")];
        let answer = browser.submit("/reviews/by-rule", &fields).await;
        assert_eq!(location(&answer), Some("/reviews?told=resolved_by_rule"), "{answer:?}");
        let page = browser.get("/reviews?state=all").await.body;
        assert!(page.contains(choice), "{rule}: {page}");
    }
    assert_eq!(browser.get("/reviews/by-rule?rule=odd").await.status, 400);
    assert_eq!(browser.submit("/reviews/by-rule", &[("rule", "source")]).await.status, 400);
    browser.house.end().await;
}

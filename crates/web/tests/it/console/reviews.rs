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
    assert!(page.contains("person0@example.com") && page.contains(">open<"), "{page}");
    let page = browser.get("/reviews/1").await.body;
    for part in ["Asha", "twin-a", "twin-b", "found by Phone", "value=\"link twin-b\""] {
        assert!(page.contains(part), "{part}: {page}");
    }

    let answer = browser.submit("/reviews/1/decide", &[]).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(answer.body.contains("choose an option"), "{answer:?}");
    let fields = [("choice", "link twin-b"), ("rule", "secondary")];
    let answer = browser.submit("/reviews/1/decide", &fields).await;
    assert_eq!(location(&answer), Some("/reviews/1?told=decided"), "{answer:?}");
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
    assert!(page.contains("Which account's values should win?"), "{page}");
    let answer = browser.submit("/reviews/2/decide", &[("choice", "destination")]).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    assert_eq!(browser.get("/reviews/9").await.status, 404);
    browser.house.end().await;
}

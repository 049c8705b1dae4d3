//! Saved views of the list.

use super::{Browser, location, text};

#[tokio::test]
async fn a_filter_is_saved_renamed_and_removed() {
    let mut browser = Browser::signed_in().await;
    let none = text(&browser.get("/requests").await.body);
    assert!(none.contains("Filter the list, then save the filter here"), "{none}");
    let wish = [("name", "My failures"), ("query", "state=failed&open=X&told=saved&connector=ab")];
    let saved = browser.submit("/requests/views", &wish).await;
    let list = "/requests?connector=ab&state=failed";
    assert_eq!(location(&saved), Some(&*format!("{list}&told=view_saved")), "{saved:?}");
    let page = browser.get(list).await.body;
    assert!(page.contains("View: My failures"), "the view that is shown is named: {page}");
    let page = browser.get("/requests").await.body;
    assert!(
        page.contains("href=\"/requests?connector=ab&#38;state=failed\">My failures<"),
        "{page}"
    );
    let nameless = browser.submit("/requests/views", &[("name", " "), ("query", "q=x")]).await;
    assert!(nameless.status == 400 || nameless.status == 409, "{nameless:?}");
    let (_, rest) = page.split_once("/requests/views/").expect("a form");
    let id = rest.split_once('/').unwrap().0.to_owned();
    let wish = [("name", "Failed"), ("query", "")];
    let renamed = browser.submit(&format!("/requests/views/{id}/rename"), &wish).await;
    assert_eq!(location(&renamed), Some("/requests?told=view_renamed"));
    assert!(browser.get(list).await.body.contains("View: Failed"));
    let removed = browser.submit(&format!("/requests/views/{id}/remove"), &[]).await;
    assert_eq!(location(&removed), Some("/requests?told=view_removed"));
    let again = browser.submit(&format!("/requests/views/{id}/remove"), &[]).await;
    assert_eq!(again.status, 404);
    browser.house.end().await;
}

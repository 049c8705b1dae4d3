//! Trying again.

use super::{Browser, id, location, named, rows, ten, text};

#[tokio::test]
async fn failed_requests_are_tried_again_and_the_rest_is_taken_back() {
    let mut browser = Browser::signed_in().await;
    ten(&browser.house).await;
    let queued = async |browser: &mut Browser| {
        let page = browser.get("/requests?job_status=queued").await;
        rows(&page).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let path = format!("/requests/{}/retry", id(3));
    assert_eq!(browser.post(&path, &[]).await.status, 403, "without the session's token");
    let odd = browser.submit(&path, &[("with", "yesterday")]).await;
    assert!(odd.status == 400 && odd.body.contains("yesterday"), "{odd:?}");
    assert_eq!(queued(&mut browser).await, named([9, 8]));
    // One.
    assert_eq!(browser.submit(&path, &[("with", "now")]).await.status, 303);
    assert_eq!(queued(&mut browser).await, named([9, 8, 3]));
    tokio::time::timeout(crate::wire::PATIENCE, browser.house.wake.notified()).await.unwrap();
    // Those that are selected; one of them did not fail, and is synced again.
    let (a, b) = (id(0).to_string(), id(1).to_string());
    let selected = browser.submit("/requests/retry", &[("id", &a), ("id", &b)]).await;
    assert_eq!(location(&selected), Some("/retries/2"), "{selected:?}");
    let page = text(&browser.get("/retries/2").await.body);
    for part in ["2 requests", "by admin@example.com", "0 done", "2 remaining", "0 failed again"] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    let none = browser.submit("/requests/retry", &[]).await;
    assert_eq!(location(&none), Some("/requests?told=none_selected"));
    assert_eq!(browser.submit("/requests/retry", &[("id", "x")]).await.status, 404);
    let nothing = browser.submit("/requests/retry", &[("id", &id(9).to_string())]).await;
    assert_eq!(location(&nothing), Some("/requests?told=nothing_failed"));
    // All that match, once they were looked at.
    let ask = browser.get("/retries/new?cause=too_long&q=lead-6").await;
    assert!(text(&ask.body).contains("Nothing to retry"), "no mention of lead-6: {}", ask.body);
    let ask = browser.get("/retries/new?cause=too_long&q=person6@example.com").await;
    assert!(text(&ask.body).contains("Retry 1 failed requests"), "{}", ask.body);
    let wish = [("cause", "too_long"), ("q", "person6@example.com"), ("with", "then")];
    let without = browser.submit("/retries", &wish).await;
    assert!(without.status == 400 && without.body.contains("per_minute"), "{without:?}");
    let wish = [wish.as_slice(), &[("per_minute", "60")]].concat();
    let all = browser.submit("/retries", &wish).await;
    assert_eq!(location(&all), Some("/retries/3"), "{all:?}");
    let page = text(&browser.get("/retries/3").await.body);
    assert!(
        page.contains("60 per minute") && page.contains("Settings of the last attempt"),
        "{page}"
    );
    assert!(page.contains("cause too_long, q person6@example.com"), "{page}");
    assert_eq!(queued(&mut browser).await, named([9, 8, 6, 3, 1, 0]));
    // What is left is taken back; its page tells so, also when it is loaded again.
    let cancelled = browser.submit("/retries/3/cancel", &[]).await;
    assert_eq!(location(&cancelled), Some("/retries/3?told=cancelled"));
    let page = text(&browser.get("/retries/3").await.body);
    assert!(page.contains("0 remaining") && page.contains("1 cancelled"), "{page}");
    assert_eq!(queued(&mut browser).await, named([9, 8, 3, 1, 0]));
    let progress = browser.get("/retries/2/progress").await.body;
    assert!(progress.contains("data-at-work") && !progress.contains("<html"), "{progress}");
    let list = text(&browser.get("/retries").await.body);
    assert!(list.contains("1 request: all failed requests with cause too_long"), "{list}");
    for path in ["/retries/99", "/retries/x", "/retries/99/progress"] {
        assert_eq!(browser.get(path).await.status, 404, "{path}");
    }
    let (audit, _) =
        browser.house.store.audit(&store::AuditFilter::default(), 9, None).await.unwrap();
    let told: Vec<&str> = audit.iter().map(|entry| entry.action.as_str()).take(4).collect();
    assert_eq!(told, ["cancel_retries", "retry", "retry", "retry"]);
    assert!(audit[..4].iter().all(|entry| entry.actor == "admin@example.com"), "{audit:?}");
    browser.house.end().await;
}

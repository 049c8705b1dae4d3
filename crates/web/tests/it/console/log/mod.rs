//! The log: the list and its filters here, the rest in modules of their own.

mod download;
pub(super) mod filler;
mod finding;
mod hostile;
mod lead;
mod retries;
mod story;
mod views;

use plan::outcome::Event;
use serde_json::json;
use store::{AttemptOutcome, Progress};

use super::{Browser, has_inline_code, header, location};
use crate::api::fixture::{at, id, ten};
use crate::wire::Answer;
use filler::Filler;

fn rows(answer: &Answer) -> Vec<&str> {
    let rows = answer.body.split("<tr data-request=\"").skip(1);
    rows.map(|row| row.split_once('"').unwrap().0).collect()
}

/// What the tabs count, in their order.
fn counts(answer: &Answer) -> Vec<&str> {
    let counts = answer.body.split("<span class=\"count\">").skip(1);
    counts.map(|count| count.split_once('<').unwrap().0).collect()
}

/// The text of a page, as far as a test reads it.
fn text(page: &str) -> String {
    let mut text = String::new();
    for part in page.split('<').skip(1) {
        text.push_str(part.split_once('>').map_or("", |(_, text)| text));
        text.push(' ');
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn named(numbers: impl IntoIterator<Item = i64>) -> Vec<String> {
    numbers.into_iter().map(|n| id(n).to_string()).collect()
}

#[tokio::test]
async fn the_log_is_filtered_by_its_address() {
    let mut browser = Browser::signed_in().await;
    ten(&browser.house).await;
    for (query, expected) in [
        ("", (0..10).rev().collect()),
        ("?event=failed", vec![6, 3, 0]),
        ("?state=failed", vec![6, 3, 0]),
        ("?state=synced&q=person", vec![7, 5, 4, 2, 1]),
        // `ab` is not enabled.
        ("?state=held", vec![9, 8]),
        ("?state=queued", vec![]),
        ("?job_status=queued", vec![9, 8]),
        ("?sync_status=success&entity=lead", vec![7, 5, 4, 2, 1]),
        ("?q=person5@example.com", vec![5]),
        ("?q=person5@example.com&event=failed", vec![]),
        ("?cause=too_long", vec![6, 3, 0]),
        ("?period=last-month", vec![]),
        ("?period=custom&from=2027-01-15&to=2027-01-15&connector=ab", (0..10).rev().collect()),
        ("?period=custom&to=2027-01-14", vec![]),
    ] {
        let page = browser.get(&format!("/requests{query}")).await;
        assert_eq!((page.status, rows(&page)), (200, strs(&named(expected))), "{query}");
    }
    for (query, said) in [
        ("?event=odd", "odd"),
        ("?state=odd", "odd"),
        ("?connector=nobody", "does not exist"),
        ("?period=never", "is not a valid period"),
        ("?evnt=failed", "evnt"),
        ("?cursor=x", "cursor"),
    ] {
        let page = browser.get(&format!("/requests{query}")).await;
        assert!(page.status == 400 && page.body.contains(said), "{query}: {}", page.body);
        assert!(rows(&page).is_empty(), "a wrong filter lets nothing through");
    }
    let long = browser.get("/requests?q=&period=today&from=2026-01-01&event=failed").await;
    let short = "/requests?event=failed&period=today";
    assert_eq!(
        (long.status, location(&long)),
        (303, Some(short)),
        "what a form sends is made short"
    );
    let page = browser.get("/requests?connector=ab&event=failed&q=lead").await;
    for part in ["/requests?event=failed&#38;q=lead\"", "/requests?connector=ab&#38;event=failed\""]
    {
        assert!(page.body.contains(part), "{part}: each part can be removed: {}", page.body);
    }
    browser.house.end().await;
}

fn strs(ids: &[String]) -> Vec<&str> {
    ids.iter().map(String::as_str).collect()
}

#[tokio::test]
async fn tabs_count_what_they_would_show() {
    let mut browser = Browser::signed_in().await;
    ten(&browser.house).await;
    for (query, expected) in [
        // All, synced, no change, failed, and others that there are: held.
        ("", vec!["10", "5", "0", "3", "2"]),
        ("?state=failed", vec!["10", "5", "0", "3", "2"]),
        ("?state=review", vec!["10", "5", "0", "3", "2", "0"]),
        ("?q=person5@example.com", vec!["1", "1", "0", "0"]),
        ("?job_status=queued", vec!["2", "0", "0", "0", "2"]),
        ("?cause=too_long", vec!["3", "0", "0", "3"]),
    ] {
        let page = browser.get(&format!("/requests{query}")).await;
        assert_eq!(counts(&page), expected, "{query}");
    }
    browser.house.end().await;
}

#[tokio::test]
async fn an_empty_list_says_what_to_do() {
    let mut browser = Browser::signed_in().await;
    let page = browser.get("/requests").await;
    assert!(page.body.contains("No requests yet") && page.body.contains("webhook URL"));
    ten(&browser.house).await;
    let page = browser.get("/requests?event=failed&q=person5@example.com&connector=ab").await.body;
    assert!(page.contains("No matching requests"), "{page}");
    let (_, instead) = page.split_once("Try removing a filter").expect("advice");
    assert!(instead.contains("Remove Outcome: failed") && instead.contains("Remove Lead: person5"));
    assert!(!instead.contains("Remove Connector"), "that would not help: {instead}");
    browser.house.end().await;
}

#[tokio::test]
async fn a_list_goes_on_and_comes_back() {
    let mut browser = Browser::signed_in().await;
    let filler = Filler::of(&browser).await;
    filler.fill(0..120).await;
    let (mut path, mut seen) = ("/requests?entity=lead".to_owned(), Vec::new());
    loop {
        let page = browser.get(&path).await;
        seen.extend(rows(&page).into_iter().map(str::to_owned));
        let first = page.body.contains("rel=\"first\"");
        assert_eq!(first, seen.len() > 50, "the newest are one click away");
        let Some((before, _)) = page.body.split_once("\" rel=\"next\"") else { break };
        let next = before.rsplit_once("href=\"").unwrap().1;
        path = next.replace("&#38;", "&");
    }
    assert_eq!(seen, named((0..120).rev()));
    browser.house.end().await;
}

#[tokio::test]
async fn an_open_list_asks_for_its_rows_alone() {
    let mut browser = Browser::signed_in().await;
    ten(&browser.house).await;
    let page = browser.get("/requests?event=failed").await;
    let watched = "data-watch=\"/requests/rows?event=failed\"";
    assert!(page.body.contains(watched), "{}", page.body);
    let fragment = browser.get("/requests/rows?event=failed").await;
    assert_eq!(rows(&fragment), strs(&named([6, 3, 0])));
    assert!(fragment.body.trim_start().starts_with("<tbody>") && !fragment.body.contains("<html"));
    browser.house.end().await;
}

#[tokio::test]
async fn a_row_says_who_and_why() {
    let mut browser = Browser::signed_in().await;
    ten(&browser.house).await;
    let page = browser.get("/requests").await.body;
    let row = |n: i64| {
        let (_, row) = page.split_once(&format!("<tr data-request=\"{}\"", id(n))).expect("a row");
        text(row.split_once("</tr>").unwrap().0)
    };
    let failed = row(3);
    for part in ["Person3@example.com", "ab", "Failed", "It is too long."] {
        assert!(failed.contains(part), "{part} is not in {failed}");
    }
    assert!(row(4).contains("Synced Created ab"), "{}", row(4));
    // `ab` is not enabled.
    assert!(row(9).contains("Held On hold until the connector is enabled"), "{}", row(9));
    browser.house.end().await;
}

#[tokio::test]
async fn echoes_are_hidden_until_somebody_wants_to_see_them() {
    let mut browser = Browser::signed_in().await;
    let filler = Filler::of(&browser).await;
    filler.fill(0..2).await;
    let mut progress = Progress::default();
    for n in 2..5 {
        filler.deliver(n, filler.connector, &json!({ "ProspectID": "in-a" })).await;
        let echo = AttemptOutcome { is_echo: true, ..filler.attempt(n, Event::Unchanged) };
        progress.attempts.push(echo);
        progress.requests.push(Filler::ended(n, Event::Unchanged));
    }
    filler.keep(progress).await;
    let page = browser.get("/requests").await;
    assert_eq!(rows(&page), strs(&named([1, 0])));
    assert!(
        page.body.contains("href=\"/requests?echoes=shown\"")
            && page.body.contains("Show 3 echoes")
    );
    let page = browser.get("/requests?echoes=shown").await;
    assert_eq!(rows(&page), strs(&named((0..5).rev())));
    assert!(page.body.contains("Reports our own write") && page.body.contains("Hide echoes"));
    // What is counted elsewhere as unchanged is shown whole.
    let page = browser.get("/requests?event=unchanged").await;
    assert_eq!(rows(&page).len(), 5);
    browser.house.end().await;
}

#[tokio::test]
async fn a_row_names_the_lead_and_what_changed() {
    let mut browser = Browser::signed_in().await;
    let filler = Filler::of(&browser).await;
    filler.deliver(1, filler.connector, &json!({ "ProspectID": "in-a" })).await;
    let fields = json!([{ "to": "mx_City", "value": "Pune" }, { "to": "Phone", "value": "1" },
        { "to": "Website", "value": "x" }]);
    let explanation = json!({ "plan": { "decision": "update", "fields": fields } }).to_string();
    let attempt = AttemptOutcome {
        name: Some("Asha Nair".to_owned()),
        explanation: Some(explanation),
        ..filler.attempt(1, Event::Updated)
    };
    let requests = vec![Filler::ended(1, Event::Updated)];
    filler.keep(Progress { attempts: vec![attempt], requests, ..Progress::default() }).await;
    let page = text(&browser.get("/requests").await.body);
    assert!(page.contains("Asha Nair Synced mx_City, Phone +1 ab"), "{page}");
    let page = text(&browser.get(&format!("/requests/{}", id(1))).await.body);
    assert!(page.contains("Asha Nair was updated in b Synced"), "{page}");
    browser.house.end().await;
}

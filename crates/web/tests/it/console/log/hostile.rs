//! Leads that attack.

use plan::outcome::Event;
use plan::problem::Problem;
use serde_json::json;
use store::{AttemptOutcome, Call, CallRef, Progress};

use super::{Browser, Filler, has_inline_code, id};

#[tokio::test]
async fn hostile_leads_are_shown_as_text() {
    let mut browser = Browser::signed_in().await;
    let evil = r#"{"FirstName":"<script>alert(1)</script>","LastName":"\"><img src=x onerror=y>"}"#;
    let mut wire = browser.house.wire().await;
    wire.send(crate::wire::post(&browser.house.hook, evil)).await;
    wire.answer().await.expect("an answer");
    let list = browser.get("/requests?q=%3Cscript%3E").await.body;
    assert!(list.contains("value=\"&#60;script&#62;\""), "{list}");
    let list = browser.get("/requests").await.body;
    let (_, rest) = list.split_once("href=\"/requests/0").expect("a link");
    let id = format!("0{}", rest.split_once('"').unwrap().0);
    let page = browser.get(&format!("/requests/{id}?tab=payload")).await.body;
    assert!(page.contains("FirstName") && page.contains("alert(1)"), "{page}");
    assert!(!has_inline_code(&page) && !page.contains("<img"), "{page}");
    browser.house.end().await;
}

#[tokio::test]
async fn whatever_the_log_holds_is_shown_as_text() {
    const EVIL: &str = "\"><script>alert(1)</script><img src=x onerror=y>{{7*7}}\u{202e}";
    let mut browser = Browser::signed_in().await;
    let filler = Filler::of(&browser).await;
    filler.deliver(1, filler.connector, &json!({ "ProspectID": EVIL, EVIL: EVIL })).await;
    let explanation = json!({
        "plan": { "decision": "update", "lead_id": EVIL,
            "fields": [{ "to": EVIL, "value": EVIL, "before": EVIL }] },
        "origins": { EVIL: { "from": EVIL } },
        "left_out": [Problem::new(plan::problem::Code::Unknown, EVIL, EVIL)],
        "remarks": [{ "field": EVIL, "remark": EVIL }, { "field": "x", "remark": EVIL }],
        "why": EVIL, "looked_because": EVIL,
    });
    let attempt = AttemptOutcome {
        known_as: Some(EVIL.to_owned()),
        name: Some(EVIL.to_owned()),
        source_id: Some(EVIL.to_owned()),
        destination_id: Some(EVIL.to_owned()),
        problem: Some(Problem::new(plan::problem::Code::Unknown, EVIL, EVIL).about(EVIL)),
        explanation: Some(explanation.to_string()),
        calls: vec![CallRef { id: 1, row: None }],
        mentions: vec![plan::identity::mention(EVIL)],
        ..filler.attempt(1, Event::Updated)
    };
    let call =
        Call { url: EVIL.to_owned(), error: Some(EVIL.into()), ..filler.call(1, EVIL, EVIL) };
    let requests = vec![Filler::ended(1, Event::Updated)];
    let attempts = vec![attempt];
    filler.keep(Progress { calls: vec![call], attempts, requests, ..Progress::default() }).await;
    let lead: String = form_urlencoded::byte_serialize(EVIL.as_bytes()).collect();
    let lead = lead.replace('+', "%20");
    for path in [
        "/requests".to_owned(),
        format!("/requests?q={lead}&cause={lead}&connector={lead}"),
        "/requests/rows".to_owned(),
        format!("/requests/{}", id(1)),
        format!("/requests/{}?tab=attempts", id(1)),
        format!("/requests/{}?tab=payload", id(1)),
        format!("/leads/b/{lead}"),
        format!("/retries/new?q={lead}"),
    ] {
        let page = browser.get(&path).await;
        assert!(page.status == 200 || page.status == 400, "{path}: {page:?}");
        assert!(
            page.body.contains("alert(1)") || path.starts_with("/retries"),
            "{path}: {}",
            page.body
        );
        assert!(
            !has_inline_code(&page.body) && !page.body.contains("<img"),
            "{path}: {}",
            page.body
        );
    }
    browser.house.end().await;
}

//! The overview.

use jiff::{SignedDuration, Timestamp};
use plan::metadata::{Catalogue, Field, FieldList, Kind};
use plan::operation::Operation;
use plan::outcome::{Event, JobStatus, SyncStatus};
use plan::permission::Role;
use plan::problem::Problem;
use plan::quota::Limit;
use plan::traits::Trait;
use serde_json::{Value, json};
use store::{
    Actor, AttemptOutcome, Change, KeysNews, MailEnd, NewMail, Progress, RequestState, Spent,
    Stage, TraitNews,
};

use super::{Browser, has_inline_code};
use crate::api::fixture::{id, ten};
use crate::harness::now;

async fn overview(browser: &mut Browser, query: &str) -> Value {
    let answer = browser.get(&format!("/api/v1/overview{query}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_str(&answer.body).expect("JSON")
}

/// The text of a page without its tags, so that a sentence is found across them.
pub(super) fn text(page: &str) -> String {
    let parts = page.split('<').filter_map(|part| part.split_once('>').map(|(_, text)| text));
    parts.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The addresses of a page's links that begin so, as a browser reads them.
fn links(page: &str, begin: &str) -> Vec<String> {
    let links = page.split("href=\"").skip(1).filter_map(|rest| rest.split_once('"'));
    let links = links.map(|(link, _)| link.replace("&#38;", "&").replace("&amp;", "&"));
    links.filter(|link| link.starts_with(begin)).collect()
}

#[tokio::test]
async fn before_anything_came_it_leads_to_the_set_up() {
    let mut browser = Browser::signed_in().await;
    let page = browser.get("/").await;
    assert_eq!(page.status, 200);
    assert!(text(&page.body).contains("Waiting for the first lead"), "{}", page.body);
    assert_eq!(links(&page.body, "/connectors/ab/"), ["/connectors/ab/webhook"]);
    let removed = Change::RemoveConnector { name: "ab".to_owned() };
    let actor = Actor::command_line();
    browser.house.store.change_configuration(vec![removed], &actor, now()).await.unwrap();
    let page = browser.get("/").await.body;
    assert!(text(&page).contains("No connectors yet"), "{page}");
    assert_eq!(links(&page, "/connectors/new"), ["/connectors/new"]);
    assert!(!page.contains("<svg"), "no empty charts: {page}");
    // Who can't set anything up is not led there.
    browser.add("ops@example.com", Role::Operator).await;
    browser.cookie.clear();
    browser.sign_in("ops@example.com").await;
    let page = browser.get("/").await.body;
    assert!(text(&page).contains("once an administrator has set up a connector"), "{page}");
    assert_eq!(links(&page, "/connectors/new").len(), 0);
    browser.house.end().await;
}

#[tokio::test]
async fn it_counts_what_came_and_leads_to_it() {
    let mut browser = Browser::signed_in().await;
    ten(&browser.house).await;
    let page = browser.get("/").await.body;
    let read = text(&page);
    for part in [
        "5Synced (5 created, 0 updated)",
        "3Failed",
        "2Queued (including held)",
        "5 synced, 0 unchanged, 3 failed",
        "It is too long.",
        "Cut it.",
    ] {
        assert!(read.contains(part), "{part} is not in {read}");
    }
    assert!(page.matches("<svg").count() == 3 && !has_inline_code(&page), "{page}");
    // Each number leads to the requests that it counts.
    let rows = |page: &str| page.matches("/requests/0").count();
    let links = links(&page, "/requests?");
    for (part, count) in [("event=failed", 3), ("cause=too_long", 3)] {
        let link = links.iter().find(|link| link.contains(part)).expect(part);
        let found = browser.get(link).await;
        assert_eq!((found.status, rows(&found.body)), (200, count), "{link}");
    }
    let step = links.iter().find(|link| !link.contains("event") && !link.contains("cause"));
    let found = browser.get(step.expect("a link of a step")).await;
    assert_eq!(rows(&found.body), 10, "{step:?}");
    browser.house.end().await;
}

#[tokio::test]
async fn the_address_says_which_period_and_connector() {
    let mut browser = Browser::signed_in().await;
    ten(&browser.house).await;
    for (query, records) in [
        ("", 8),
        ("?period=7d", 8),
        ("?period=this-month&connector=ab", 8),
        ("?period=last-month", 0),
        ("?period=&connector=", 8),
    ] {
        let page = browser.get(&format!("/{query}")).await;
        assert_eq!(page.status, 200, "{query}");
        let synced = format!("{} synced", if records == 8 { 5 } else { 0 });
        assert!(text(&page.body).contains(&synced), "{query}: {}", page.body);
    }
    for (query, said) in
        [("?period=always", "is not a valid period"), ("?connector=nobody", "does not exist")]
    {
        let page = browser.get(&format!("/{query}")).await;
        assert!(page.status == 400 && page.body.contains(said), "{query}: {}", page.body);
    }
    browser.house.end().await;
}

#[tokio::test]
async fn the_metrics_tell_what_waits_and_no_names() {
    let mut browser = Browser::open().await;
    ten(&browser.house).await;
    let told = browser.get("/metrics").await.body;
    for line in ["leadsync_waiting_requests 2", "leadsync_retrying_records 0"] {
        assert!(told.lines().any(|other| other == line), "{line} is not in {told}");
    }
    assert!(told.contains("leadsync_test 1") && !told.contains("\"ab\""), "{told}");
    browser.house.end().await;
}

#[tokio::test]
async fn the_api_tells_the_same() {
    let mut browser = Browser::signed_in().await;
    ten(&browser.house).await;
    let told = overview(&mut browser, "").await;
    assert_eq!((&told["total"]["new"], &told["total"]["failed"]), (&5.into(), &3.into()));
    assert_eq!((&told["step_hours"], told["steps"].as_array().unwrap().len()), (&1.into(), 25));
    let last = told["steps"].as_array().unwrap().last().unwrap();
    assert_eq!(last["new"], 5, "{last}");
    assert_eq!(last["lag"]["p50_ms"], 5, "the shortest class");
    let connector = &told["connectors"][0];
    assert_eq!((&connector["name"], &connector["waiting"]["count"]), (&"ab".into(), &2.into()));
    let cause = &told["causes"][0];
    assert_eq!((&cause["cause"], &cause["records"]), (&"too_long".into(), &3.into()));
    assert_eq!(cause["request"], id(6).to_string());
    let week = overview(&mut browser, "?from=7d&connector=ab").await;
    assert_eq!((&week["step_hours"], &week["total"]["new"]), (&6.into(), &5.into()));
    let old = overview(&mut browser, "?from=2026-01-01&to=2026-06-01").await;
    assert_eq!((&old["step_hours"], &old["total"]["new"]), (&168.into(), &0.into()));
    for query in ["?from=2020-01-01", "?from=today&to=7d", "?connector=nobody", "?period=7d"] {
        let answer = browser.get(&format!("/api/v1/overview{query}")).await;
        assert_eq!(answer.status, 400, "{query}: {answer:?}");
    }
    browser.house.end().await;
}

/// What becomes of a record after what `ten` left.
async fn go_on(browser: &Browser, progress: Progress) {
    let store = &browser.house.store;
    let configuration = store.configuration().await.unwrap();
    let accounts: Vec<_> = configuration.accounts.iter().map(|account| account.id).collect();
    // That of `ten` has run out for whoever comes after the service.
    let lease = store::Lease { accounts, fence: 1, unbroken: jiff::Timestamp::UNIX_EPOCH };
    store.record_progress(&lease, progress).await.unwrap();
}

fn failed_again(connector: plan::id::ConnectorId, stage: Stage) -> AttemptOutcome {
    AttemptOutcome {
        key: store::RecordKey { request: id(8), position: 0 },
        connector,
        entity: plan::outcome::Entity::Lead,
        attempt: 1,
        tries: 1,
        at: now(),
        event: Event::Failed,
        sync_status: SyncStatus::Error,
        stage,
        doubtful: false,
        known_as: None,
        source_id: None,
        destination_id: None,
        problem: Some(Problem::new(plan::problem::Code::AccountError, "<b>Not</b> now.", "Wait.")),
        explanation: None,
        version: 1,
        retry: None,
        calls: Vec::new(),
        mentions: Vec::new(),
    }
}

#[tokio::test]
async fn what_answers_of_an_account_showed_is_on_its_page_and_in_the_api() {
    let mut browser = Browser::signed_in().await;
    ten(&browser.house).await;
    let account = browser.house.store.configuration().await.unwrap().accounts[0].id;
    let limit = Trait::RateLimit(Limit { calls: 72, per_seconds: 5 });
    let said = "HTTP 404: <b>no</b> such page".to_owned();
    let lacks = Trait::Lacks { operation: Operation::BulkCreate, said };
    let news = |seen: &Trait, holds| TraitNews { account, at: now(), seen: seen.clone(), holds };
    let traits = vec![news(&limit, true), news(&lacks, true)];
    go_on(&browser, Progress { traits, ..Progress::default() }).await;
    let page = browser.get("/accounts/a").await.body;
    let read = text(&page);
    for part in ["API limit", "72 calls in 5 s", "Lead/Bulk/Create", "HTTP 404: &#60;b&#62;no"] {
        assert!(read.contains(part), "{part} is not in {read}");
    }
    let answer = browser.get("/api/v1/accounts").await.body;
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    let traits = &answer["items"][0]["traits"];
    assert_eq!(traits[1]["rate_limit"], serde_json::json!({"calls": 72, "per_seconds": 5}));
    assert_eq!(traits[0]["lacks"]["operation"], "Lead/Bulk/Create");
    go_on(&browser, Progress { traits: vec![news(&lacks, false)], ..Progress::default() }).await;
    let page = browser.get("/accounts/a").await.body;
    assert!(!page.contains("Lead/Bulk/Create") && page.contains("72 calls"), "{page}");
    browser.house.end().await;
}

#[tokio::test]
async fn what_needs_somebody_is_told_with_where_to_mend_it() {
    let mut browser = Browser::signed_in().await;
    ten(&browser.house).await;
    let store = browser.house.store.clone();
    let enable = |enabled| Change::SetEnabled { name: "ab".to_owned(), enabled };
    let change = async |enabled: bool, at: Timestamp| {
        let change = vec![enable(enabled)];
        store.change_configuration(change, &Actor::command_line(), at).await.unwrap();
    };
    change(true, now()).await;
    let configuration = store.configuration().await.unwrap();
    let (a, ab) = (configuration.accounts[0].id, configuration.connectors[0].id);
    let due = now() + SignedDuration::from_mins(9);
    let refused = Problem::new(
        plan::problem::Code::Credentials,
        "The account a refuses its keys.",
        "Put in new ones.",
    );
    let progress = Progress {
        attempts: vec![failed_again(ab, Stage::Waiting(due))],
        requests: vec![RequestState {
            id: id(8),
            job_status: JobStatus::Queued,
            sync_status: Some(SyncStatus::Error),
            behaviour: "create_and_update",
            finished_at: None,
            due: Some(due),
        }],
        spent: vec![Spent { account: a, hour: plan::quota::hour_of(now()), calls: 9_500 }],
        keys: vec![KeysNews { account: a, at: now(), refused: Some(refused) }],
        ..Progress::default()
    };
    go_on(&browser, progress).await;
    let page = browser.get("/").await.body;
    let read = text(&page);
    for part in [
        "The account a refuses its keys.Put in new ones. Accounts",
        "ab: 1 record retrying, next attempt at 2027-01-15 08:09 UTC.",
        "a has 500 of 10,000 calls left today. At this rate (38,000 calls per hour), the quota runs \
         out at 08:00 UTC.",
        "500 of 10,000 left",
    ] {
        assert!(read.contains(part), "{part} is not in {read}");
    }
    assert!(!page.contains("<b>Not"), "{page}");
    assert!(!read.contains("is disabled"), "{read}");
    let read = text(&browser.get("/accounts/a").await.body);
    for part in [
        "500 of 10,000 calls left today; per window of 5 s, 10 of 10 calls and 5 of 5 bulk calls left.",
        "At this rate (38,000 calls per hour), the quota runs out at 08:00 UTC.",
    ] {
        assert!(read.contains(part), "{part} is not in {read}");
    }
    let quota = browser.get("/api/v1/quota").await.body;
    let quota: Value = serde_json::from_str(&quota).expect("JSON");
    let of_a = &quota["items"][0];
    assert_eq!((&of_a["name"], &of_a["left"]["today"]), (&json!("a"), &json!(500)), "{quota}");
    assert_eq!(of_a["forecast"]["used_up_at"], "2027-01-15T08:00:47Z", "{quota}");
    assert_eq!(of_a["forecast"]["is_early"], true, "{quota}");
    // Disabled, it holds what comes.
    change(false, now()).await;
    let read = text(&browser.get("/").await.body);
    let held = "ab is disabled since 2027-01-15 08:00 UTC; 1 request held.";
    assert!(read.contains(held), "{read}");
    // What a mapping may stumble over.
    let field = |name: &str| Field {
        schema_name: name.to_owned(),
        display_name: name.to_owned(),
        kind: Kind::Text,
        max_length: None,
        parts: Vec::new(),
        options: Vec::new(),
        unique: false,
        mandatory: false,
        read_only: false,
    };
    for names in [&["FirstName", "mx_<b>"][..], &["FirstName"]] {
        let fields: Vec<Field> = names.iter().map(|name| field(name)).collect();
        let catalogue = Catalogue::from(FieldList::from(fields));
        store.store_catalogue(a, &catalogue, now()).await.unwrap();
    }
    let page = browser.get("/").await.body;
    let told = "Fields changed in a: mx_&#60;b&#62; no longer exists.";
    assert!(text(&page).contains(told), "{page}");
    assert_eq!(links(&page, "/connectors/ab/check"), ["/connectors/ab/check"]);
    // A mail that nobody took.
    let incident = store.incidents().await.unwrap().remove(0);
    let mail = NewMail {
        message_id: "m@example.com".to_owned(),
        thread: None,
        recipient: "ops@example.com".to_owned(),
        subject: "It failed".to_owned(),
        body: String::new(),
        private: false,
        alert: None,
    };
    assert!(store.tell_incident(&incident, vec![mail], now()).await.unwrap());
    let until = now() + SignedDuration::from_mins(1);
    let claimed = store.claim_mail(now(), until).await.unwrap().expect("a mail");
    let end = MailEnd::GivenUp { error: "no such mailbox".to_owned() };
    store.end_mail(&claimed, end, now()).await.unwrap();
    let read = text(&browser.get("/").await.body);
    let told = "1 email was not sent, the last one to ops@example.com.";
    assert!(read.contains(told) && read.contains("no such mailbox"), "{read}");
    browser.house.end().await;
}

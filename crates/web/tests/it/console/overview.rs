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
    Actor, AttemptOutcome, Change, ContactNews, KeysNews, MailEnd, NewMail, Progress, RequestState,
    Spent, Stage, Token, TraitNews,
};

use super::{Browser, has_inline_code};
use crate::api::fixture::{id, ten, ten_and_reviews};
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
        "Synced5none in the day before",
        "Failed3none in the day before",
        "Lag p950 msnothing synced in the day before",
        "Queued2oldest",
        "5 synced, 0 unchanged, 3 failed",
        "3 records failed: It is too long.",
        "Cut it.",
    ] {
        assert!(read.contains(part), "{part} is not in {read}");
    }
    assert_eq!(page.matches("<figure").count(), 1, "one chart: {page}");
    assert!(!has_inline_code(&page), "{page}");
    // Each number leads to the requests that it counts.
    let rows = |page: &str| page.matches("/requests/0").count();
    let links = links(&page, "/requests?");
    for (part, count) in [("event=failed", 3), ("cause=too_long", 3)] {
        let link = links.iter().find(|link| link.contains(part)).expect(part);
        let found = browser.get(link).await;
        assert_eq!((found.status, rows(&found.body)), (200, count), "{link}");
    }
    let is_of_step = |link: &&String| {
        link.contains("from=") && !link.contains("event") && !link.contains("cause")
    };
    let step = links.iter().find(is_of_step);
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
        ("?period=1h", 8),
        ("?period=7d", 8),
        ("?period=this-month&connector=ab", 8),
        ("?period=last-month", 0),
        ("?period=&connector=", 8),
    ] {
        let page = browser.get(&format!("/{query}")).await;
        assert_eq!(page.status, 200, "{query}");
        let synced = format!("Synced{}", if records == 8 { 5 } else { 0 });
        assert!(text(&page.body).contains(&synced), "{query}: {}", page.body);
        assert_eq!(page.body.matches("<figure").count(), 1, "{query}: one chart");
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
    assert_eq!(last["lag"]["p50_ms"], 0, "as measured");
    assert_eq!(
        (&told["before"]["new"], &told["before"]["lag"]["p95_ms"]),
        (&0.into(), &Value::Null)
    );
    let connector = &told["connectors"][0];
    assert_eq!((&connector["name"], &connector["waiting"]["count"]), (&"ab".into(), &2.into()));
    let health = &connector["health"];
    assert_eq!(
        (&health["state"], &health["reason"]),
        (&"paused".into(), &"Paused by hand; 2 requests held.".into())
    );
    assert_eq!(told["accounts"][0]["health"]["state"], "not_called", "{told}");
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

#[tokio::test]
async fn the_most_harmful_comes_first() {
    let mut browser = Browser::signed_in().await;
    ten_and_reviews(&browser.house).await;
    let store = browser.house.store.clone();
    let actor = Actor::command_line();
    let other = crate::harness::between("ba", ("b", "a"), Token::from_random([8; 24]));
    let notifies = serde_json::from_value(json!({
        "name": "ab", "source": "a", "destination": "b",
        "basic": { "notifications": true, "notify": "ops@example.com" },
    }));
    let notify = Change::PutConnector {
        definition: notifies.unwrap(),
        token: Token::from_random([9; 24]),
        made_from: None,
    };
    let enable = Change::SetEnabled { name: "ab".to_owned(), enabled: true };
    store.change_configuration(vec![other, notify, enable], &actor, now()).await.unwrap();
    let configuration = store.configuration().await.unwrap();
    let b = configuration.account("b").unwrap().id;
    let away = Problem::new(plan::problem::Code::Unreachable, "b does not respond.", "Wait.");
    let contacts = vec![ContactNews { account: b, at: now(), closed: Some(away) }];
    go_on(&browser, Progress { contacts, ..Progress::default() }).await;
    let page = browser.get("/").await.body;
    let read = text(&page);
    let alerts = [
        "b does not respond.",
        "3 records failed: It is too long.",
        "2 leads need review.",
        "Email is not configured",
    ];
    let places: Vec<_> = alerts.iter().map(|part| read.find(part).expect(part)).collect();
    assert!(places.is_sorted(), "{places:?} in {read}");
    // Each has what can be done about it.
    let list = page.split("class=\"alerts\"").nth(1).and_then(|rest| rest.split("</ul>").next());
    let list = list.expect("the alerts");
    for alert in list.split("<li").skip(1) {
        assert!(alert.contains("class=\"row\""), "{alert}");
    }
    for (begin, expected) in [
        ("/accounts/b", "/accounts/b"),
        ("/failures/", "/failures/ab/too_long"),
        ("/retries/new?", "/retries/new?connector=ab&cause=too_long"),
        ("/reviews", "/reviews"),
    ] {
        assert!(links(list, begin).iter().any(|link| link == expected), "{expected}: {list}");
    }
    browser.house.end().await;
}

#[tokio::test]
async fn two_opposite_connectors_are_one_row() {
    let mut browser = Browser::signed_in().await;
    ten(&browser.house).await;
    let store = browser.house.store.clone();
    let actor = Actor::command_line();
    let add = |name: &str, between, seed| {
        crate::harness::between(name, between, Token::from_random([seed; 24]))
    };
    let enable = Change::SetEnabled { name: "ab".to_owned(), enabled: true };
    store.change_configuration(vec![enable], &actor, now()).await.unwrap();
    let read = text(&browser.get("/connectors").await.body);
    assert!(read.contains("a → b") && !read.contains("⇄"), "{read}");
    let more = vec![add("ba", ("b", "a"), 8), add("ab2", ("a", "b"), 9)];
    store.change_configuration(more, &actor, now()).await.unwrap();
    for path in ["/connectors", "/"] {
        let page = browser.get(path).await.body;
        let rows =
            page.split("<tr>").skip(1).filter(|row| row.contains("href=\"/connectors/")).count();
        assert_eq!(rows, 2, "{path}: a pair, and one that has no opposite left: {page}");
        assert!(page.contains(">a ⇄ b</a>"), "{path}: {page}");
    }
    let page = browser.get("/connectors").await.body;
    for name in ["ab", "ab2", "ba"] {
        let address = format!("/connectors/{name}");
        assert!(links(&page, &address).contains(&address), "{name}: {page}");
    }
    let read = text(&page);
    assert!(read.contains("ba Not set up") && read.contains("ab Degraded"), "{read}");
    assert!(read.contains("ab: 3 of 8 records failed in the last 24 hours."), "{read}");
    // Each direction leads to the other.
    let read = text(&browser.get("/connectors/ba").await.body);
    assert!(read.contains("Opposite directionab"), "{read}");
    let listed = browser.get("/api/v1/connectors").await.body;
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    let of = |name: &str| {
        let mut items = listed["items"].as_array().unwrap().iter();
        items.find(|item| item["name"] == name).unwrap()
    };
    assert_eq!((&of("ba")["opposite"], &of("ab2")["opposite"]), (&"ab".into(), &"ba".into()));
    assert_eq!(of("ba")["health"]["state"], "not_set_up");
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
        name: None,
        is_echo: false,
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
#[expect(clippy::too_many_lines, reason = "one story, in order")]
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
    let contacts = vec![ContactNews { account: a, at: now(), closed: Some(refused.clone()) }];
    let progress = Progress {
        contacts,
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
        "The account a refuses its keys.Put in new ones. Since 2027-01-15 08:00:00 UTC. Enter keys",
        "ab: 1 record retrying.",
        "Next attempt: 2027-01-15 08:09:00 UTC.",
        "500 of 10,000 left",
        "Keys refused",
    ] {
        assert!(read.contains(part), "{part} is not in {read}");
    }
    assert!(!page.contains("<b>Not"), "{page}");
    assert!(!read.contains("is paused"), "{read}");
    assert_eq!(links(&page, "/accounts/a"), ["/accounts/a", "/accounts/a"]);
    let read = text(&browser.get("/accounts").await.body);
    assert!(read.contains("Keys refused") && read.contains("a refuses its keys."), "{read}");
    // Once it responds, its quota is what matters.
    let contacts = vec![ContactNews { account: a, at: now(), closed: None }];
    go_on(&browser, Progress { contacts, ..Progress::default() }).await;
    let read = text(&browser.get("/").await.body);
    let little = "a has 500 of 10,000 calls left today. At this rate (38,000 calls per hour), the \
                  quota runs out at 08:00 UTC.";
    assert!(read.contains(little) && !read.contains("refuses its keys"), "{read}");
    let read = text(&browser.get("/accounts").await.body);
    for part in ["Quota running out", "500 of 10,000 left", "2027-01-15 08:00:47 UTC"] {
        assert!(read.contains(part), "{part} is not in {read}");
    }
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
    for part in ["ab is paused; 1 request held.", "Since 2027-01-15 08:00:00 UTC. Resume"] {
        assert!(read.contains(part), "{part} is not in {read}");
    }
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

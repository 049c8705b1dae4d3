//! Groups of failures: their list, a repair from the error, and dismissing one.

use plan::metadata::{Catalogue, Field, FieldList, Kind};
use plan::outcome::Event;
use plan::permission::Role;
use plan::problem::{Code, Problem};
use serde_json::json;
use store::{Actor, AttemptOutcome, Progress};

use super::log::filler::Filler;
use super::{Browser, has_inline_code, location};
use crate::harness::now;

const GROUP: &str = "/failures/ab/missing_option%2Fmx_Plan";
const MAPPED: &str = "fix=map_values&field=mx_Plan&from=Gold+plan&to=Gold&from=Basic+plan&to=Basic";

fn catalogue(options: &[&str]) -> Catalogue {
    let field = |name: &str, kind| Field {
        schema_name: name.to_owned(),
        display_name: name.trim_start_matches("mx_").to_owned(),
        kind,
        max_length: None,
        parts: Vec::new(),
        options: Vec::new(),
        unique: name == "EmailAddress",
        mandatory: false,
        read_only: false,
    };
    let plan = Field {
        options: options.iter().map(|&option| option.to_owned()).collect(),
        ..field("mx_Plan", Kind::Select)
    };
    let fields = vec![field("FirstName", Kind::Text), field("EmailAddress", Kind::Email), plan];
    Catalogue::from(FieldList::from(fields))
}

/// A connector that refuses options which the destination does not list, and five leads for which it
/// did.
async fn broken() -> Browser {
    let browser = Browser::signed_in().await;
    let store = &browser.house.store;
    let configuration = store.configuration().await.unwrap();
    let connector = configuration.connector("ab").unwrap();
    let mut definition = connector.definition.clone();
    definition.lead.unlisted_option = plan::connector::UnlistedOption::Refuse;
    let changes = configuration.to_put_connector(&definition, None, None).unwrap();
    store.change_configuration(changes, &Actor::command_line(), now()).await.unwrap();
    for (account, options) in
        [(connector.source, &[][..]), (connector.destination, &["Basic", "Plus", "Gold"])]
    {
        store.store_catalogue(account, &catalogue(options), now()).await.unwrap();
    }
    let filler = Filler::of(&browser).await;
    let mut progress = Progress::default();
    for (n, plan) in [(0, "Gold plan"), (1, "Gold plan"), (2, "Basic plan"), (3, "Gold plan")] {
        let email = format!("person{n}@example.com");
        let body =
            json!({ "ProspectID": format!("lead-{n}"), "EmailAddress": email, "mx_Plan": plan });
        filler.deliver(n, filler.connector, &body).await;
        let what = format!("mx_Plan has no option '{plan}'.");
        let problem = Problem::new(Code::MissingOption, what, "Add it.").about("mx_Plan");
        progress.attempts.push(AttemptOutcome {
            known_as: Some(email),
            problem: Some(problem),
            ..filler.attempt(n, Event::Failed)
        });
        progress.requests.push(Filler::ended(n, Event::Failed));
    }
    filler.keep(progress).await;
    store.release_lease(&filler.lease).await.unwrap();
    browser
}

/// The text of a page, as far as a test reads it.
fn text(page: &str) -> String {
    let parts = page.split('<').skip(1).filter_map(|part| Some(part.split_once('>')?.1));
    parts.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

fn must_say(page: &str, parts: &[&str]) {
    let text = text(page);
    for part in parts {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[tokio::test]
async fn what_failed_is_repaired_from_its_error() {
    let mut browser = broken().await;
    let list = browser.get("/failures").await;
    assert!(list.status == 200 && !has_inline_code(&list.body), "{list:?}");
    assert!(list.body.contains(GROUP), "{list:?}");
    must_say(&list.body, &["Value is not an option of Plan", "ab", "4"]);

    let page = browser.get(GROUP).await;
    assert!(page.status == 200 && !has_inline_code(&page.body), "{page:?}");
    must_say(
        &page.body,
        &[
            "0 of 4 records would be sent to b, 4 would fail.",
            "Plan in b does not list these values.",
            "Gold plan 3",
            "Basic plan 1",
            "person3@example.com",
        ],
    );
    for closest in ["<option value=\"Gold\" selected>", "<option value=\"Basic\" selected>"] {
        assert!(page.body.contains(closest), "{closest}: {page:?}");
    }
    assert!(!page.body.contains("Save and retry"), "nothing is chosen yet");

    // Some of the values: the others still fail.
    let some = format!("{GROUP}?fix=map_values&field=mx_Plan&from=Gold+plan&to=Gold&from=x&to=");
    let page = browser.get(&some).await;
    must_say(
        &page.body,
        &[
            "Plan Gold plan → Gold",
            "3 of 4 records would be sent to b, 1 would fail.",
            "1 record: The destination field mx_Plan (Plan) has no option",
            "at most 3 API calls to b",
        ],
    );
    let page = browser.get(&format!("{GROUP}?{MAPPED}")).await;
    must_say(&page.body, &["4 of 4 records would be sent to b.", "Save and retry 4 records"]);
    let none = browser.get(&format!("{GROUP}?fix=map_values&field=mx_Plan&from=x&to=")).await;
    assert_eq!(none.status, 400, "{none:?}");
    must_say(&none.body, &["This repair can&#39;t be used.", "The options are missing; choose"]);

    let version = async |browser: &Browser| {
        let configuration = browser.house.store.configuration().await.unwrap();
        configuration.connector("ab").unwrap().version
    };
    let before = version(&browser).await;
    let mut fields: Vec<(String, String)> =
        form_urlencoded::parse(MAPPED.as_bytes()).into_owned().collect();
    fields.push(("version".to_owned(), (before - 1).to_string()));
    let fix = format!("{GROUP}/fix");
    let borrowed = |fields: &[(String, String)]| -> Vec<(String, String)> { fields.to_vec() };
    let send = async |browser: &mut Browser, fields: Vec<(String, String)>| {
        let fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        browser.submit(&fix, &fields).await
    };
    let old = send(&mut browser, borrowed(&fields)).await;
    assert_eq!(old.status, 409, "the settings have changed since: {old:?}");
    must_say(&old.body, &["4 of 4 records would be sent to b.", "Save and retry 4 records"]);
    assert_eq!(version(&browser).await, before);
    fields.last_mut().unwrap().1 = before.to_string();
    let done = send(&mut browser, fields).await;
    assert_eq!(location(&done), Some("/retries/1?told=fixed"), "{done:?}");
    let configuration = browser.house.store.configuration().await.unwrap();
    let connector = configuration.connector("ab").unwrap();
    assert_eq!(connector.version, before + 1);
    let rows = &connector.definition.lead.fields;
    let row = rows.iter().find(|row| row.to == "mx_Plan").expect("its row");
    assert_eq!(row.values.get("Gold plan").map(String::as_str), Some("Gold"));
    let progress = browser.get("/retries/1?told=fixed").await.body;
    must_say(&progress, &["Settings saved.", "4 requests", "4 remaining", "Cancel remaining"]);
    must_say(&browser.get("/failures").await.body, &["Value is not an option"]);
    must_say(&browser.get(GROUP).await.body, &["Retrying", "4 of 4 records would be sent to b."]);
    assert_eq!(browser.get("/failures/ab/other").await.status, 404);
    assert_eq!(browser.get("/failures/nobody/other").await.status, 404);
    browser.house.end().await;
}

#[tokio::test]
async fn refused_duplicates_are_sent_to_review() {
    let mut browser = Browser::signed_in().await;
    let filler = Filler::of(&browser).await;
    let body = json!({ "ProspectID": "lead-0", "EmailAddress": "asha@example.com" });
    filler.deliver(0, filler.connector, &body).await;
    let problem = Problem::new(Code::Duplicate, "Another lead has this phone number.", "Fix it.");
    let mut progress = Progress::default();
    progress
        .attempts
        .push(AttemptOutcome { problem: Some(problem), ..filler.attempt(0, Event::Failed) });
    progress.requests.push(Filler::ended(0, Event::Failed));
    filler.keep(progress).await;
    browser.house.store.release_lease(&filler.lease).await.unwrap();
    let page = browser.get("/failures/ab/duplicate").await.body;
    must_say(&page, &["Send to review.", "Retry and send to review"]);
    assert_eq!(page.matches("action=\"/retries\"").count(), 1, "one retry: {page}");
    let wish = [("connector", "ab"), ("cause", "duplicate"), ("per_minute", "600")];
    let retried = browser.submit("/retries", &wish).await;
    assert_eq!(location(&retried), Some("/retries/1"), "{retried:?}");
    browser.house.end().await;
}

#[tokio::test]
async fn a_field_is_left_out_or_leads_are_matched_otherwise() {
    let mut browser = broken().await;
    let out = browser.get(&format!("{GROUP}?fix=leave_out&field=mx_Plan")).await;
    must_say(&out.body, &["Plan synced → left out", "4 of 4 records would be sent to b."]);
    let key = browser.get(&format!("{GROUP}?fix=leave_out&field=EmailAddress")).await;
    assert_eq!(key.status, 400, "it is the search key: {key:?}");
    must_say(&key.body, &["No enabled mapping row fills EmailAddress"]);
    let odd = browser.get(&format!("{GROUP}?fix=retry")).await;
    assert_eq!(odd.status, 400, "{odd:?}");
    // The metadata is read again: the account has no such field by now.
    let read = browser.submit(&format!("{GROUP}/metadata"), &[]).await;
    let here = format!("{GROUP}?told=metadata_read").to_lowercase();
    assert_eq!(location(&read), Some(&*here), "{read:?}");
    must_say(&browser.get(GROUP).await.body, &["4 of 4 records would be sent to b."]);
    browser.house.end().await;
}

#[tokio::test]
async fn an_operator_sees_a_repair_and_can_only_retry() {
    let mut browser = broken().await;
    browser.add("vikram@example.com", Role::Operator).await;
    browser.cookie.clear();
    browser.sign_in("vikram@example.com").await;
    let page = browser.get(&format!("{GROUP}?{MAPPED}")).await;
    must_say(
        &page.body,
        &["4 of 4 records would be sent to b.", "Only an administrator can save this change."],
    );
    assert!(!page.body.contains("Save and retry"), "{page:?}");
    let fix = browser.submit(&format!("{GROUP}/fix"), &[("fix", "leave_out")]).await;
    assert_eq!(fix.status, 403, "{fix:?}");
    let wish = [("connector", "ab"), ("cause", "missing_option/mx_Plan"), ("per_minute", "600")];
    let retried = browser.submit("/retries", &wish).await;
    assert_eq!(location(&retried), Some("/retries/1"), "{retried:?}");
    browser.house.end().await;
}

#[tokio::test]
async fn a_dismissed_group_needs_no_attention() {
    let mut browser = broken().await;
    let overview = browser.get("/").await.body;
    assert!(overview.contains(GROUP), "{overview}");
    let dismiss = format!("{GROUP}/dismiss");
    let empty = browser.submit(&dismiss, &[("note", " ")]).await;
    assert_eq!(empty.status, 400, "{empty:?}");
    let done = browser.submit(&dismiss, &[("note", "Test <leads>")]).await;
    assert_eq!(location(&done), Some("/failures?told=dismissed"), "{done:?}");
    assert!(!browser.get("/").await.body.contains(GROUP));
    let list = browser.get("/failures").await.body;
    must_say(
        &list,
        &["No open failures.", "1 dismissed", "Test &#60;leads&#62;", "by admin@example.com"],
    );
    must_say(&browser.get(GROUP).await.body, &["Dismissed", "Restore"]);
    let restore = format!("{GROUP}/restore");
    let restored = browser.submit(&restore, &[]).await;
    let here = format!("{GROUP}?told=reopened").to_lowercase();
    assert_eq!(location(&restored), Some(&*here), "{restored:?}");
    assert_eq!(browser.submit(&restore, &[]).await.status, 409, "it is not dismissed");
    assert!(browser.get("/").await.body.contains(GROUP));
    browser.house.end().await;
}

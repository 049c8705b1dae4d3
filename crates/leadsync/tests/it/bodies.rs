//! Bodies of every kind, posted to the service on both databases, and what its console says of them.

use plan::id::RequestId;
use plan::outcome::{Entity, Event, JobStatus};
use plan::problem::Code;
use secrecy::SecretString;
use store::{Actor, Filter, Page, RequestItem, Store, UserChange};

use crate::rig::{Database, SOON, Service, until};

#[path = "../../../plan/tests/it/bodies/cases.rs"]
mod cases;

const EMAIL: &str = "head@example.com";
const PASSWORD: &str = "correct horse battery";
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const TOO_LONG: usize = 2 * 1024 * 1024 + 1;

#[tokio::test(flavor = "multi_thread")]
async fn every_body_is_read_or_said_to_be_unreadable_on_sqlite() {
    every_body_is_read_or_said_to_be_unreadable(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_body_is_read_or_said_to_be_unreadable_on_postgres() {
    every_body_is_read_or_said_to_be_unreadable(Database::Postgres).await;
}

async fn every_body_is_read_or_said_to_be_unreadable(database: Database) {
    let world = World::start(database).await;
    let there = |email: &str, field: &str| {
        let found = world.service.destination.find_leads("EmailAddress", email);
        let lead = found.first().and_then(|id| world.service.destination.lead(id));
        lead.and_then(|lead| lead.get(field).cloned().flatten())
    };

    // A form whose block is JSON, in another charset than is declared.
    let form = "Before=%7B%7D&Current=%7B%22ProspectID%22%3A%22a%22%2C%22EmailAddress%22%3A%22zoe%40example.com%22%2C%22LastName%22%3A%22M%FCller%22%7D";
    world.post(FORM, form.as_bytes(), Event::New).await;
    assert_eq!(there("zoe@example.com", "LastName").as_deref(), Some("Müller"));

    // An activity whose values are a text of JSON.
    let note = r#"[{"ProspectActivityId":"x1","RelatedProspectId":"a","ActivityEvent":"201","Data":"{\"Note\":\"came by\",\"mx_Custom_1\":\"Green Acres\"}"}]"#;
    world.post(JSON, note.as_bytes(), Event::New).await;
    let twin = world.service.destination.find_leads("EmailAddress", "zoe@example.com").remove(0);
    let kept = world.service.destination.activities(&twin);
    assert!(
        kept.iter().any(|(_, note, fields)| note == "came by"
            && fields.get("mx_Custom_1").is_some_and(|value| value == "Green Acres")),
        "{kept:?}"
    );

    // The same with a text that is no JSON: nothing is lost without a word.
    let broken = r#"{"ProspectActivityId":"x2","RelatedProspectId":"a","ActivityEvent":201,"Data":"came by"}"#;
    let page = world.page_of(JSON, broken.as_bytes(), Event::Failed).await;
    page.says(&["The body has a block `Data` that is a string, not an object.", "unreadable_body"]);

    // Half an emoji, and the record says so.
    let emoji = r#"{"ProspectID":"e","EmailAddress":"em@example.com","LastName":"Joy \ud83d"}"#;
    let page = world.page_of(JSON, emoji.as_bytes(), Event::New).await;
    assert_eq!(there("em@example.com", "LastName").as_deref(), Some("Joy \u{fffd}"));
    page.says(&["a character in it was already broken in the payload"]);

    // NULs, which PostgreSQL keeps in no text.
    let nul = "{\"ProspectID\":\"n\",\"EmailAddress\":\"nul@example.com\",\"LastName\":\"N\\u0000ul\",\"FirstName\":\"r\0aw\"}";
    world.post(JSON, nul.as_bytes(), Event::New).await;
    let ids = r#"[{"ProspectID":"n\u0000","EmailAddress":"o@example.com"},{"ProspectID":"m","EmailAddress":"m\u0000@example.com"}]"#;
    world.ended(JSON, ids.as_bytes()).await;
    let form = "ProspectID=n2&EmailAddress=nul2@example.com&LastName=M%00ller";
    world.post(FORM, form.as_bytes(), Event::New).await;
    assert_eq!(there("nul2@example.com", "LastName").as_deref(), Some("M\0ller"));
    let refused = r#"{"ProspectID":"n3","EmailAddress":"a\u0000b","mx_Budget":"\u00001\u0000x"}"#;
    world.post(JSON, refused.as_bytes(), Event::Failed).await;

    // UTF-16, shown as text in the console.
    let text = "{\"ProspectID\":\"u\",\"EmailAddress\":\"u@example.com\",\"LastName\":\"Żółw\"}";
    let wide: Vec<u8> =
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let page = world.page_of(JSON, &wide, Event::New).await;
    assert_eq!(there("u@example.com", "LastName").as_deref(), Some("Żółw"));
    page.says(&["Żółw"]);

    // A list with bad entries.
    let list = r#"[{"ProspectID":"l1","EmailAddress":"l1@example.com"},5,{"ProspectID":"l2","EmailAddress":"l2@example.com","LastName":"Two"}]"#;
    let item = world.ended(JSON, list.as_bytes()).await;
    let events: Vec<Event> = item.records.iter().map(|record| record.event).collect();
    assert_eq!(events, [Event::New, Event::Failed, Event::New], "{item:#?}");
    assert_eq!(item.job_status, JobStatus::Failure);
    assert_eq!(there("l2@example.com", "LastName").as_deref(), Some("Two"));
    let page = world.page(item.id).await;
    page.says(&["Record 2 of the body is not an object but a number.", "l1@example.com"]);

    // A body that is too long.
    let (before, _) = world.failures().await;
    let long = format!(r#"[{{"ProspectID":"long","X":"{}"}}]"#, "x".repeat(TOO_LONG));
    assert_eq!(world.send(JSON, long.as_bytes()).await, 413);
    world.service.settled().await;
    let item = world.newest().await;
    assert_eq!(item.records[0].error.as_ref().map(|e| e.code.as_str()), Some("body_too_long"));
    let page = world.page(item.id).await;
    page.says(&[
        &format!("The body was too long: {} bytes or more from 127.0.0.1", long.len()),
        "the limit is 2097152",
        "raise LEADSYNC_MAX_BODY",
        r#"[{"ProspectID":"long","X":"xxxxxx"#,
    ]);
    let (after, overview) = world.failures().await;
    assert_eq!(after, before + 1, "it is counted");
    assert!(overview.contains("The body was too long"), "{overview}");
    // A retry ends alike, and does not take the beginning for the whole.
    world.service.run(&["retry", &item.id.to_string()]).succeeded();
    world.service.settled().await;
    let again = world.newest().await;
    assert_eq!(again.records[0].attempts.len(), 2, "{again:#?}");
    assert_eq!(again.records[0].error.as_ref().map(|e| e.code.as_str()), Some("body_too_long"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_body_becomes_the_records_that_it_means_on_sqlite() {
    each_body_becomes_the_records_that_it_means(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_body_becomes_the_records_that_it_means_on_postgres() {
    each_body_becomes_the_records_that_it_means(Database::Postgres).await;
}

/// The bodies of the parser's own test: each is a request with a record for each entry, or a
/// verification.
async fn each_body_becomes_the_records_that_it_means(database: Database) {
    let world = World::start(database).await;
    let cases = cases::cases();
    for case in &cases {
        let content_type = case.content_type.unwrap_or("text/plain");
        assert_eq!(world.send(content_type, &case.body).await, 200, "{}", case.name);
    }
    world.service.settled().await;
    let page = Page { limit: 1_000, after: None };
    let mut requests = world.store.requests(&Filter::default(), &page).await.expect("the log").0;
    requests.sort_by_key(|request| request.id);
    let mut requests = requests.into_iter();
    let is_verification = |case: &&cases::Case| {
        plan::payload::is_verification(&case.body, Some(case.content_type.unwrap_or("text/plain")))
    };
    for case in cases.iter().filter(|case| !is_verification(case)) {
        let request = requests.next().unwrap_or_else(|| panic!("{}: no request", case.name));
        let shown = String::from_utf8_lossy(&case.body);
        let name = format!("{} {shown}", case.name);
        assert_eq!(request.records.len(), case.right.len(), "{name}: {request:#?}");
        for (record, right) in request.records.iter().zip(&case.right) {
            match right {
                Ok((who, _)) => {
                    let id = record.source_id.as_deref().unwrap_or_default();
                    let is_its = match record.entity {
                        Entity::Lead => *who == format!("lead {id}"),
                        Entity::Activity => who.starts_with(&format!("activity {id} on ")),
                    };
                    assert!(is_its, "{name}: {record:#?}");
                    let code = record.error.as_ref().map(|error| error.code);
                    assert_ne!(code, Some(Code::UnreadableBody), "{name}: {record:#?}");
                }
                Err(why) => {
                    let told = record.error.as_ref().map(|error| error.message.as_str());
                    assert!(told.unwrap_or_default().contains(why), "{name}: {record:#?}");
                }
            }
        }
    }
    assert!(requests.next().is_none(), "a request without a body");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sample_of_a_sender_ends_as_it_should_on_sqlite() {
    each_sample_of_a_sender_ends_as_it_should(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sample_of_a_sender_ends_as_it_should_on_postgres() {
    each_sample_of_a_sender_ends_as_it_should(Database::Postgres).await;
}

/// `webhooks/` holds bodies as public code and notes show them (`docs/bodies.md`).
async fn each_sample_of_a_sender_ends_as_it_should(database: Database) {
    macro_rules! sample {
        ($name:literal) => {
            include_str!(concat!("webhooks/", $name)).as_bytes()
        };
    }
    let world = World::start(database).await;
    let there = &world.service.destination;
    let held = |email: &str, field: &str| {
        let found = there.find_leads("EmailAddress", email);
        assert_eq!(found.len(), 1, "leads with {email}");
        there.lead(&found[0]).expect("a lead").remove(field).flatten()
    };

    // Verifications make no request.
    for body in [sample!("00-empty-post.txt"), sample!("23-empty-object.json")] {
        assert_eq!(world.send(JSON, body).await, 200);
    }
    let none = world.store.requests(&Filter::default(), &Page { limit: 1, after: None }).await;
    assert!(none.expect("the log").0.is_empty());

    // Placeholders overwrite nothing and match nobody.
    let id = there
        .create_lead(&[
            ("EmailAddress", "asha16@example.com"),
            ("FirstName", "A."),
            ("LastName", "Rao"),
            ("Company", "Clinic"),
        ])
        .expect("a lead");
    let body = sample!("16b-overwrites-good-data.json");
    let page = world.page_of(JSON, body, Event::Updated).await;
    page.says(&["'@{Lead:LastName,}' is a placeholder", "'null' is a placeholder"]);
    let lead = there.lead(&id).expect("the lead");
    let value = |field: &str| lead.get(field).cloned().flatten();
    assert_eq!(value("FirstName").as_deref(), Some("Asha"));
    assert_eq!(value("LastName").as_deref(), Some("Rao"));
    assert_eq!(value("Company").as_deref(), Some("Clinic"));
    let page = world.page_of(JSON, sample!("16-mail-merge-unresolved.json"), Event::Failed).await;
    page.says(&["EmailAddress 'null' is a placeholder"]);
    assert!(there.find_leads("EmailAddress", "null").is_empty());

    // An activity with an unmapped type name, and one without an id.
    let page = world.page_of(JSON, sample!("09-automation-activity-current.json"), Event::Skipped);
    page.await.says(&["The activity type Application Intake is not mapped."]);
    let body = sample!("11-automation-flat-activity-event.json");
    let page = world.page_of(JSON, body, Event::Skipped).await;
    page.says(&["The activity type 3844 is not mapped."]);
    let mapped = String::from_utf8_lossy(body).replace("3844", "201");
    let page = world.page_of(JSON, mapped.as_bytes(), Event::Failed).await;
    page.says(&["The payload has no ID for the activity", "under Entity options"]);

    // A lead that is wrapped.
    world.post(JSON, sample!("25-data-wrapped.json"), Event::New).await;
    assert_eq!(held("zed25@example.com", "FirstName").as_deref(), Some("Zed"));

    // Opportunities.
    let page = world.page_of(JSON, sample!("31-opportunity-flat.json"), Event::Skipped).await;
    page.says(&["The record is an opportunity."]);
    let item = world.ended(JSON, sample!("32-opportunity-as-activity-12000.json")).await;
    let codes: Vec<_> = item
        .records
        .iter()
        .map(|record| (record.event, record.error.as_ref().map(|error| error.code.as_str())))
        .collect();
    let skipped = |code| (Event::Skipped, Some(code));
    assert_eq!(codes, [skipped("opportunity"), skipped("activity_type_unmapped")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_activity_without_an_id_is_synced_once_by_choice() {
    let mut world = World::start(Database::Sqlite).await;
    world.service.apply_file(
        "[[connector]]\nname = \"source-to-destination\"\nsource = \"source\"\n\
         destination = \"destination\"\nenabled = true\n[connector.activity]\nenabled = true\n\
         without_id = \"sync\"\n",
    );
    let body = |note: &str| {
        format!(
            r#"{{"ProspectID":"a","EmailAddress":"w@example.com","ActivityEvent":201,
               "ActivityDateTime":"2026-01-02 03:04:05","Note":"{note}"}}"#
        )
    };
    world.post(JSON, body("came by").as_bytes(), Event::New).await;
    world.post(JSON, body("came by").as_bytes(), Event::Unchanged).await;
    world.post(JSON, body("called").as_bytes(), Event::New).await;
    let twin = world.service.destination.find_leads("EmailAddress", "w@example.com").remove(0);
    let kept = world.service.destination.activities(&twin);
    let mut notes: Vec<&str> =
        kept.iter().filter(|(event, ..)| *event == 201).map(|(_, note, _)| note.as_str()).collect();
    notes.sort_unstable();
    assert_eq!(notes, ["called", "came by"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_is_taken_whole() {
    const MANY: usize = 2_500;
    let world = World::start(Database::Sqlite).await;
    world.post(JSON, br#"{"ProspectID":"a","EmailAddress":"a@example.com"}"#, Event::New).await;
    let activity = |n: usize| {
        format!(
            r#"{{"ProspectActivityId":"00000000-0000-4000-8000-{n:012}","RelatedProspectId":"a","ActivityEvent":201,"CreatedOn":"2026-01-02 03:04:05","Data":{{"Note":"call {n}","mx_Custom_1":"Green Acres"}}}}"#
        )
    };
    let list = format!("[{}]", (0..MANY).map(activity).collect::<Vec<_>>().join(","));
    assert!(list.len() < TOO_LONG, "{}", list.len());
    let item = world.ended(JSON, list.as_bytes()).await;
    assert_eq!((item.records.len(), item.job_status), (MANY, JobStatus::Success));
    let twin = world.service.destination.find_leads("EmailAddress", "a@example.com").remove(0);
    let kept = world.service.destination.activities(&twin);
    assert_eq!(kept.iter().filter(|(event, ..)| *event == 201).count(), MANY);
}

/// The service between two accounts, and somebody who looks at its console.
struct World {
    service: Service,
    store: std::sync::Arc<dyn Store>,
    client: reqwest::Client,
    cookie: String,
}

impl World {
    async fn start(database: Database) -> Self {
        let mut service = Service::prepare(database, "").await;
        service.apply_file(
            "[[connector]]\nname = \"source-to-destination\"\nsource = \"source\"\n\
             destination = \"destination\"\nenabled = true\n[connector.activity]\nenabled = true\n",
        );
        service.start();
        let store = service.store().await;
        let password = admin::password::hash(SecretString::from(PASSWORD)).await.expect("a hash");
        let change = UserChange::Add {
            email: EMAIL.to_owned(),
            role: plan::permission::Role::Administrator,
            password,
        };
        let now = leadsync_now();
        store.change_users(change, &Actor::command_line(), now).await.expect("a user");
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let client = client.build().expect("an HTTP client");
        let base = format!("http://{}", service.address);
        let cookie = until(SOON, || async {
            let answer = client
                .post(format!("{base}/sign-in"))
                .header("sec-fetch-site", "same-origin")
                .header("content-type", FORM)
                .body(format!("email={EMAIL}&password={}", PASSWORD.replace(' ', "+")))
                .send()
                .await
                .map_err(|error| error.to_string())?;
            let cookie = answer.headers().get("set-cookie").and_then(|cookie| cookie.to_str().ok());
            let cookie = cookie.and_then(|cookie| cookie.split(';').next());
            cookie.map(str::to_owned).ok_or_else(|| format!("{answer:?}"))
        })
        .await;
        Self { service, store, client, cookie }
    }

    /// Posts a body; returns the status of the answer.
    async fn send(&self, content_type: &str, body: &[u8]) -> u16 {
        let post = self.client.post(&self.service.hook).header("content-type", content_type);
        let sent = post.body(body.to_vec()).send().await;
        sent.unwrap_or_else(|error| panic!("{error:?}")).status().as_u16()
    }

    async fn ended(&self, content_type: &str, body: &[u8]) -> RequestItem {
        assert_eq!(self.send(content_type, body).await, 200);
        self.service.settled().await;
        self.newest().await
    }

    /// Posts a body of one record, which ends so.
    async fn post(&self, content_type: &str, body: &[u8], event: Event) -> RequestItem {
        let item = self.ended(content_type, body).await;
        let events: Vec<Event> = item.records.iter().map(|record| record.event).collect();
        assert_eq!(events, [event], "{}: {item:#?}", String::from_utf8_lossy(body));
        item
    }

    async fn page_of(&self, content_type: &str, body: &[u8], event: Event) -> Shown {
        self.page(self.post(content_type, body, event).await.id).await
    }

    async fn newest(&self) -> RequestItem {
        let page = Page { limit: 1, after: None };
        let found = self.store.requests(&Filter::default(), &page).await.expect("the log");
        found.0.into_iter().next().expect("a request")
    }

    async fn get(&self, path: &str) -> String {
        let url = format!("http://{}{path}", self.service.address);
        let answer = self.client.get(url).header("cookie", &self.cookie).send().await;
        answer.expect("an answer").text().await.expect("a page")
    }

    async fn page(&self, request: RequestId) -> Shown {
        let mut shown = String::new();
        for tab in ["changes", "attempts", "payload"] {
            shown += &text_of(&self.get(&format!("/requests/{request}?tab={tab}")).await);
        }
        Shown(shown)
    }

    /// How many records failed today, and what the overview says.
    async fn failures(&self) -> (u64, String) {
        let health = self.store.health(leadsync_now()).await.expect("the counts");
        let failed = health.iter().map(|health| health.counts.failed).sum();
        (failed, text_of(&self.get("/").await))
    }
}

/// What a page shows, without its tags.
struct Shown(String);

impl Shown {
    fn says(&self, words: &[&str]) {
        for word in words {
            assert!(self.0.contains(word), "not on the page: {word}\n{}", self.0);
        }
    }
}

fn text_of(page: &str) -> String {
    let mut text = String::new();
    for part in page.split('<') {
        text.push_str(part.split_once('>').map_or(part, |(_, text)| text));
        text.push(' ');
    }
    let plain = text.replace("&quot;", "\"").replace("&#34;", "\"").replace("&#39;", "'");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[expect(clippy::disallowed_methods, reason = "the service has the same clock")]
fn leadsync_now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

//! What people are notified of by mail, in real SMTP sessions.

mod digest;
mod server;
mod silence;
mod webhook;

use std::time::{Duration, Instant};

use dispatch::notify::{Notifier, Options, Post, Smtp};
use jiff::SignedDuration;
use mail_parser::{Message, MessageParser};
use plan::outcome::Event;
use sandbox::{Fault, Trouble};
use secrecy::SecretString;
use serde_json::{Value, json};
use store::{AccountPlan, Change, MailState};

use crate::scene::{Scene, connector, unlimited};
use server::{Received, Server};

const NOTIFY: &str = r#""basic":{"notify":"ops@example.com","notifications":true}"#;
/// How long a test waits to see that nothing more comes: the notifier looks each 20 ms.
const A_WHILE: Duration = Duration::from_millis(300);

/// A scene whose notifier sends to a mail server.
struct Office {
    scene: Scene,
    server: Server,
    notifier: Option<Notifier>,
}

impl Office {
    async fn open(parts: &str) -> Self {
        let mut office = Self::without_notifier(parts).await;
        office.notify();
        office
    }

    /// For tests of what one mail gathers: however slow the machine, the time to gather is not
    /// over before [`Office::notify`].
    async fn without_notifier(parts: &str) -> Self {
        let scene = Scene::at_work(parts).await;
        let server = Server::start("127.0.0.1:0").await;
        Self { scene, server, notifier: None }
    }

    fn notify(&mut self) {
        // '@' in the user's name, and a password that is not plain ASCII.
        let url = format!("smtp://leadsync%40example.com:p%C3%A4ss@{}", self.server.address);
        let smtp = Smtp::new(&SecretString::from(url), "leadsync <sync@example.com>");
        let options = Options {
            poll: Duration::from_millis(20),
            public_url: "https://leadsync.example.com".to_owned(),
            post: Post::Smtp(Box::new(smtp.expect("good settings"))),
        };
        let (store, clock) = (self.scene.store.clone(), self.scene.clock());
        self.notifier = Some(Notifier::start(store, clock, options));
    }

    /// The mails, once there are so many.
    async fn mails(&self, count: usize) -> Vec<Received> {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let received = self.server.received();
            if received.len() >= count {
                assert_eq!(received.len(), count, "{received:#?}");
                return received;
            }
            if Instant::now() > deadline {
                let queued = self.scene.store.mails(10).await.expect("the mails");
                let incidents = self.scene.store.incidents().await.expect("the incidents");
                panic!("{count} mails wanted: {received:#?}, {queued:#?}, {incidents:#?}");
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// After a while there are still no more than so many.
    async fn no_more_than(&self, count: usize) {
        tokio::time::sleep(A_WHILE).await;
        let received = self.server.received();
        assert_eq!(received.len(), count, "{received:#?}");
    }

    /// A lead that the destination's mapping refuses.
    async fn fail(&self, number: u32) -> plan::id::RequestId {
        let request = self.scene.post(&bad(number)).await;
        self.scene.ends_as(request, Event::Failed).await;
        request
    }

    async fn close(mut self) {
        if let Some(notifier) = self.notifier.take() {
            notifier.stop().await;
        }
        self.scene.stop().await;
    }
}

/// Its budget is no number.
fn bad(number: u32) -> Value {
    json!({ "ProspectID": format!("lead-{number}"), "EmailAddress": format!("l{number}@example.com"),
            "mx_Budget": "plenty" })
}

fn good(number: u32) -> Value {
    json!({ "ProspectID": format!("lead-{number}"), "EmailAddress": format!("l{number}@example.com") })
}

fn opened(mail: &Received) -> Message<'_> {
    MessageParser::default().parse(mail.text.as_bytes()).expect("a mail")
}

fn body(mail: &Received) -> String {
    opened(mail).body_text(0).expect("a text").into_owned()
}

fn subject(mail: &Received) -> String {
    opened(mail).subject().expect("a subject").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_record_is_told_with_its_reason_and_where_to_look() {
    let office = Office::open(NOTIFY).await;
    let request = office.fail(1).await;
    office.no_more_than(0).await;
    office.scene.advance(SignedDuration::from_secs(4));
    let mails = office.mails(1).await;

    let mail = &mails[0];
    assert!(mail.encrypted, "STARTTLS was offered");
    // Base64 of "\0leadsync@example.com\0päss".
    assert_eq!(mail.credentials.as_deref(), Some("AGxlYWRzeW5jQGV4YW1wbGUuY29tAHDDpHNz"));
    assert_eq!((mail.from.as_str(), mail.to.as_str()), ("sync@example.com", "ops@example.com"));
    let message = opened(mail);
    let from = message.from().and_then(|from| from.first()).expect("a sender");
    assert_eq!((from.name(), from.address()), (Some("leadsync"), Some("sync@example.com")));
    assert_eq!(message.subject(), Some("leadsync there: 1 record failed"));
    assert!(message.message_id().expect("an id").ends_with("@example.com"));
    assert_eq!(message.header_raw("Auto-Submitted").map(str::trim), Some("auto-generated"));
    let text = body(mail);
    for part in [
        "from here to there",
        "'plenty'",
        "mx_Budget",
        &format!("https://leadsync.example.com/requests/{request}"),
        &format!("leadsync logs {request}"),
        "leadsync retry --failed --connector there",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    for secret in [office.scene.there.access_key(), office.scene.there.secret_key()] {
        assert!(!mail.text.contains(secret), "{text}");
    }
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_is_one_mail_and_its_end_is_told() {
    let mut office = Office::without_notifier(NOTIFY).await;
    let mut requests = Vec::new();
    for number in 0..40 {
        requests.push(office.fail(number).await);
    }
    office.scene.advance(SignedDuration::from_secs(5));
    office.notify();
    let mails = office.mails(1).await;
    assert_eq!(subject(&mails[0]), "leadsync there: 40 records failed");
    assert!(body(&mails[0]).contains("40 ×"), "{}", body(&mails[0]));

    // What fails meanwhile is gathered.
    for number in 40..43 {
        requests.push(office.fail(number).await);
    }
    office.scene.advance(SignedDuration::from_mins(10));
    office.no_more_than(1).await;
    office.scene.advance(SignedDuration::from_mins(6));
    let mails = office.mails(2).await;
    assert_eq!(subject(&mails[1]), "leadsync there: 3 more records failed");
    let first = opened(&mails[0]).message_id().expect("an id").to_owned();
    assert_eq!(opened(&mails[1]).in_reply_to().as_text(), Some(first.as_str()), "one thread");

    // The mapping is mended and all are tried again.
    let row = r#"{"from":"EmailAddress","to":"EmailAddress"}"#;
    let parts = format!(r#"{NOTIFY},"lead":{{"field":[{row}]}}"#);
    office.scene.stop().await;
    office.scene.put_connector(connector(&parts)).await;
    office.scene.work();
    for &request in &requests {
        assert_eq!(office.scene.retry(request).await, 1);
        office.scene.ends_as(request, Event::New).await;
    }
    office.scene.advance(SignedDuration::from_mins(6));
    let mails = office.mails(3).await;
    assert_eq!(subject(&mails[2]), "leadsync there: resolved");
    let text = body(&mails[2]);
    assert!(text.contains("No failed records are left.") && text.contains("43"), "{text}");
    office.scene.advance(SignedDuration::from_hours(30));
    office.no_more_than(3).await;
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_failures_in_a_row_are_told_though_they_are_repeated() {
    let office = Office::open(NOTIFY).await;
    office.scene.there.put_fault(Fault::always(Trouble::Html500).of("Lead.Capture"));
    let fail = async |number| {
        let request = office.scene.post(&good(number)).await;
        office.scene.waits_with(request, "unreachable").await;
    };
    fail(1).await;
    fail(2).await;
    office.scene.advance(SignedDuration::from_secs(5));
    office.no_more_than(0).await;
    for number in 3..6 {
        fail(number).await;
    }
    office.scene.advance(SignedDuration::from_secs(5));
    let mails = office.mails(1).await;
    assert!(subject(&mails[0]).ends_with("failures in a row"), "{mails:#?}");
    assert!(body(&mails[0]).contains("being retried automatically"), "{}", body(&mails[0]));
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_30_per_cent_of_a_batch_are_told() {
    for (failing, told) in [(3, false), (4, true)] {
        let mut parts = NOTIFY.to_owned();
        parts.push_str(r#","lead":{"bad_field":"refuse"}"#);
        let mut office = Office::without_notifier(&parts).await;
        let leads: Vec<Value> =
            (0..10).map(|n| if n < failing { bad(n) } else { good(n) }).collect();
        let request = office.scene.post_to("there", json!(leads).to_string()).await;
        office.scene.ended(request).await;
        office.scene.advance(SignedDuration::from_secs(5));
        office.notify();
        let text = body(&office.mails(1).await[0]);
        let sentence = format!("{failing} of 10 records in one request failed.");
        assert_eq!(text.contains(&sentence), told, "{text}");
        office.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_keys_and_a_disabled_connector_are_told_until_they_are_mended() {
    let office = Office::open(NOTIFY).await;
    let Scene { there, .. } = &office.scene;
    let plan = AccountPlan::Quota(unlimited());
    office.scene.put_account_as("there", &there.url(), "another-key", plan).await;
    let request = office.scene.post(&good(1)).await;
    office.scene.waits_with(request, "credentials").await;
    office.scene.advance(SignedDuration::from_secs(5));
    let mails = office.mails(1).await;
    assert_eq!(subject(&mails[0]), "leadsync there: the account there rejects the API keys");

    office.scene.put_account(there, plan).await;
    office.scene.ends_as(request, Event::New).await;
    office.scene.advance(SignedDuration::from_mins(6));
    let mails = office.mails(2).await;
    assert_eq!(subject(&mails[1]), "leadsync there: resolved");

    let name = "there".to_owned();
    office.scene.change(Change::SetEnabled { name: name.clone(), enabled: false }).await;
    office.scene.advance(SignedDuration::from_secs(5));
    let mails = office.mails(3).await;
    assert_eq!(subject(&mails[2]), "leadsync there: connector disabled");
    assert!(body(&mails[2]).contains("leadsync connector enable there"));
    office.scene.change(Change::SetEnabled { name, enabled: true }).await;
    office.scene.advance(SignedDuration::from_mins(6));
    assert_eq!(subject(&office.mails(4).await[3]), "leadsync there: resolved");
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsent_mail_survives_a_restart_and_goes_out_once() {
    let mut office = Office::open(NOTIFY).await;
    let address = office.server.address.to_string();
    // Nobody listens any more where the notifier sends to.
    office.server = Server::start("127.0.0.1:0").await;
    let request = office.fail(1).await;
    office.scene.advance(SignedDuration::from_secs(5));
    let deadline = Instant::now() + Duration::from_secs(20);
    let mails = loop {
        let mails = office.scene.store.mails(10).await.expect("the mails");
        if mails.first().is_some_and(|mail| mail.error.is_some()) {
            break mails;
        }
        assert!(Instant::now() < deadline, "{mails:#?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!((mails.len(), mails[0].tries, mails[0].state), (1, 1, MailState::Queued));
    if let Some(notifier) = office.notifier.take() {
        notifier.stop().await;
    }
    office.server = Server::start(&address).await;
    office.notify();
    office.no_more_than(0).await;
    office.scene.advance(SignedDuration::from_mins(2));
    let sent = office.mails(1).await;
    assert!(body(&sent[0]).contains(&request.to_string()));
    office.no_more_than(1).await;
    office.close().await;
}

/// Four fifths of the day's calls are made at two o'clock in the morning.
#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_will_be_used_up_is_told_once_before_it_is() {
    let mut office = Office::without_notifier(NOTIFY).await;
    let quota = plan::quota::Quota { daily: 25, ..unlimited() };
    office.scene.put_account(&office.scene.there, AccountPlan::Quota(quota)).await;
    let second = office.scene.now().as_second().rem_euclid(86_400);
    office.scene.advance(SignedDuration::from_secs(86_400 + 7_200 - second));
    let mut number = 0;
    while office.scene.there.calls().total < 22 {
        let request = office.scene.post(&good(number)).await;
        office.scene.ends_as(request, Event::New).await;
        number += 1;
    }
    office.notify();
    let mails = office.mails(1).await;
    let told = subject(&mails[0]);
    assert!(told.starts_with("leadsync: the API quota of there will be used up at "), "{told}");
    let body = body(&mails[0]);
    for part in [
        "daily API calls to the account there are left",
        "syncing by there pauses",
        "leadsync quota",
    ] {
        assert!(body.contains(part), "{part} is not in {body}");
    }
    // Once a day.
    office.scene.advance(SignedDuration::from_mins(5));
    office.no_more_than(1).await;
    office.scene.advance(SignedDuration::from_hours(24));
    office.no_more_than(1).await;
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn that_fewer_leads_agree_than_before_is_told_once() {
    let mut office = Office::without_notifier(NOTIFY).await;
    let fields = [("EmailAddress", "asha@example.com"), ("FirstName", "Asha")];
    let id = office.scene.here.create_lead(&fields).expect("a new lead");
    let lead = json!({
        "ProspectID": id, "EmailAddress": "asha@example.com", "FirstName": "Asha"
    });
    let request = office.scene.post(&lead).await;
    let item = office.scene.ends_as(request, Event::New).await;
    let twin = item.records[0].destination_id.clone().expect("its twin");
    office.notify();
    assert_eq!(office.scene.compare("there").await.0.agree, 1);
    office.no_more_than(0).await;
    office.scene.there.edit_lead(&twin, &[("FirstName", "Usha")]).expect("an edit");
    for _ in 0..2 {
        assert_eq!(office.scene.compare("there").await.0.differ, 1);
        let mails = office.mails(1).await;
        assert_eq!(subject(&mails[0]), "leadsync there: only 0.00% of the leads are in sync");
        for part in ["down from 100%", "1 differ", "leadsync parity there --last"] {
            assert!(body(&mails[0]).contains(part), "{part}: {}", body(&mails[0]));
        }
    }
    office.no_more_than(1).await;
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_no_mails_gets_none() {
    let office = Office::open(r#""basic":{"notify":"ops@example.com"}"#).await;
    office.fail(1).await;
    office.scene.advance(SignedDuration::from_secs(5));
    office.no_more_than(0).await;
    office.close().await;
}

#[test]
fn bad_settings_are_refused_without_their_password() {
    for (url, from, what) in [
        ("smtp://user:hidden@127.0.0.1:25", "nobody", "sender"),
        (
            "http://user:hidden@127.0.0.1",
            "a@example.com",
            "does not begin with smtp:// or smtps://",
        ),
        ("smtp:/hidden", "a@example.com", "has no host"),
        ("smtp://u%FF:hidden@localhost", "a@example.com", "UTF-8"),
        ("hidden", "a@example.com", "can't be read"),
    ] {
        let refused = Smtp::new(&SecretString::from(url), from);
        let problem = refused.expect_err(url);
        assert!(problem.message.contains(what), "{url}: {problem:?}");
        assert!(!problem.message.contains("hidden"), "{url}: {problem:?}");
    }
}

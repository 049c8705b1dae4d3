//! Alerts by webhook: real POSTs to a server of our own.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use plan::alert::{Address, Kind};
use serde_json::Value;
use store::{
    Actor, AlertConnectors, ForAlert, LastAlert, MailState, NewAlert, NewMail, Receives, Store,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{NOTIFY, Office, subject};

/// What a webhook was sent: its first line, and its body.
pub(super) type Posted = (String, Value);

/// A server that answers each POST with the next of these, and then with the last.
pub(super) struct Hook {
    pub(super) url: String,
    posted: Arc<Mutex<Vec<Posted>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Hook {
    pub(super) async fn answering(answers: &[&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let posted: Arc<Mutex<Vec<Posted>>> = Arc::default();
        let (kept, answers) = (posted.clone(), answers.to_vec());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = kept.lock().expect("no panic").len().min(answers.len() - 1);
                let got = answer(stream, answers[number]).await;
                kept.lock().expect("no panic").push(got);
            }
        });
        Self { url: format!("http://{address}/hooks/abcdefghijklmnop"), posted, task }
    }

    pub(super) async fn posted(&self, count: usize) -> Vec<Posted> {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let posted = self.posted.lock().expect("no panic").clone();
            if posted.len() >= count || Instant::now() > deadline {
                assert_eq!(posted.len(), count, "{posted:#?}");
                return posted;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Reads one request with a Content-Length, and answers it.
async fn answer(mut stream: TcpStream, answer: &str) -> Posted {
    let mut read = Vec::new();
    loop {
        let mut part = [0; 4096];
        let length = stream.read(&mut part).await.expect("a request");
        read.extend_from_slice(&part[..length]);
        let text = String::from_utf8_lossy(&read).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
        });
        if body.len() < length.expect("a length").expect("a number") {
            continue;
        }
        let response = format!("HTTP/1.1 {answer}Connection: close\r\nContent-Length: 2\r\n\r\nno");
        stream.write_all(response.as_bytes()).await.expect("an answer");
        let line = head.lines().next().unwrap_or_default().to_owned();
        return (line, serde_json::from_str(body).expect("JSON"));
    }
}

async fn add(store: &dyn Store, address: &str, connectors: AlertConnectors) -> i64 {
    let receives = Receives { connectors, ..Receives::ALERTS };
    let new = NewAlert { address: Address::read(address).expect("an address"), receives };
    store.add_alert(new, &Actor::command_line(), jiff::Timestamp::UNIX_EPOCH).await.expect("added")
}

/// What was last sent to this address, once this holds for it.
async fn last(store: &dyn Store, id: i64, wanted: impl Fn(&LastAlert) -> bool) -> LastAlert {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let alerts = store.alerts().await.expect("the addresses");
        let alert = alerts.into_iter().find(|alert| alert.id == id).expect("it is there");
        match alert.last {
            Some(last) if wanted(&last) => return last,
            last => assert!(Instant::now() < deadline, "{last:?}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_told_what_mails_tell_and_is_retried() {
    let mut office = Office::without_notifier(NOTIFY).await;
    let hook = Hook::answering(&["500 Oops\r\n", "200 OK\r\n"]).await;
    let store = office.scene.store.clone();
    let id = add(&*store, &hook.url, AlertConnectors::All).await;
    // The failure contact gets one mail, not two.
    add(&*store, "Ops@example.com", AlertConnectors::All).await;
    add(&*store, "other@example.com", AlertConnectors::Some(Vec::new())).await;
    let request = office.fail(1).await;
    office.scene.advance(SignedDuration::from_secs(5));
    office.notify();
    assert_eq!(hook.posted(1).await.len(), 1);
    let failed = last(&*store, id, |last| last.error.is_some()).await;
    assert_eq!(failed.state, MailState::Queued, "it is retried");
    let error = failed.error.expect("why");
    assert!(error.contains("500") && error.ends_with(": no"), "{error}");
    assert!(!error.contains("abcdefgh"), "the URL is a secret: {error}");
    office.scene.advance(SignedDuration::from_mins(2));
    let posted = hook.posted(2).await;
    last(&*store, id, |last| last.state == MailState::Sent).await;
    assert_eq!(posted[0], posted[1]);
    let (line, body) = &posted[0];
    assert_eq!(line, "POST /hooks/abcdefghijklmnop HTTP/1.1");
    assert_eq!(body["kind"], "failing");
    assert_eq!(body["connector"], "there");
    assert_eq!(body["url"], "https://leadsync.example.com/connectors/there");
    let text = body["text"].as_str().expect("a text");
    for part in ["leadsync there: 1 record failed", "'plenty'", &format!("requests/{request}")] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    assert!(!text.contains("You receive this email"), "{text}");
    assert_eq!(subject(&office.mails(1).await[0]), "leadsync there: 1 record failed");
    office.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_that_fails_is_not_retried_and_redirects_are_not_followed() {
    let office = Office::open(NOTIFY).await;
    let away = "302 Found\r\nLocation: http://127.0.0.1:1/\r\n";
    let hook = Hook::answering(&[away]).await;
    let store = office.scene.store.clone();
    let id = add(&*store, &hook.url, AlertConnectors::All).await;
    let mail = NewMail {
        message_id: "test@example.com".to_owned(),
        thread: None,
        recipient: "http://127.0.0.1/…mnop".to_owned(),
        subject: "A test of alerts".to_owned(),
        body: "It arrives. <!channel>\n".to_owned(),
        private: false,
        alert: Some(ForAlert {
            id,
            kind: Kind::Test,
            connector: None,
            url: "https://leadsync.example.com/alerts".to_owned(),
        }),
    };
    let now = office.scene.now();
    store.test_alert(mail, &Actor::command_line(), now).await.expect("queued");
    let last = last(&*store, id, |last| last.error.is_some()).await;
    assert_eq!(last.state, MailState::GivenUp);
    assert!(last.error.expect("why").contains("redirects are not followed"));
    let posted = hook.posted(1).await;
    let text = "A test of alerts\n\nIt arrives. ‹!channel›\nhttps://leadsync.example.com/alerts";
    assert_eq!(posted[0].1["text"], text);
    assert_eq!(posted[0].1["connector"], Value::Null);
    office.no_more_than(0).await;
    office.close().await;
}

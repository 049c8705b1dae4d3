//! The log as a file.

use std::collections::BTreeSet;

use plan::id::RequestId;
use plan::outcome::Event;
use plan::problem::Problem;
use serde_json::{Value, json};
use store::{AttemptOutcome, Progress};

use super::{Browser, Filler, header, id, named, strs};

/// The cells of a file of comma-separated values (RFC 4180), line by line.
fn cells(file: &str) -> Vec<Vec<String>> {
    let (mut lines, mut line, mut cell, mut quoted) =
        (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = file.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => line.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {
                assert_eq!(letters.next(), Some('\n'));
                line.push(std::mem::take(&mut cell));
                lines.push(std::mem::take(&mut line));
            }
            letter => cell.push(letter),
        }
    }
    assert!(cell.is_empty() && line.is_empty(), "the last line ends too");
    lines
}

#[tokio::test]
async fn the_log_comes_as_a_file_of_any_length() {
    let mut browser = Browser::signed_in().await;
    let filler = Filler::of(&browser).await;
    filler.fill(0..450).await;
    filler.deliver(450, filler.connector, &json!({})).await;
    let hostile = AttemptOutcome {
        known_as: Some("=HYPERLINK(\"http://evil\")".to_owned()),
        source_id: Some("+1;=cmd".to_owned()),
        problem: Some(Problem::new(
            plan::problem::Code::Unknown,
            "Line\r\n@SUM(A1), \"quoted\"",
            "-",
        )),
        ..filler.attempt(450, Event::Failed)
    };
    let requests = vec![Filler::ended(450, Event::Failed)];
    filler.keep(Progress { attempts: vec![hostile], requests, ..Progress::default() }).await;
    filler.deliver(451, filler.connector, &json!({})).await;
    let list = browser.get("/requests").await.body;
    assert!(list.contains("href=\"/api/v1/requests.csv?echoes=without\" download"), "{list}");
    let file = browser.get("/api/v1/requests.csv").await;
    assert_eq!(header(&file, "content-type"), Some("text/csv; charset=utf-8; header=present"));
    let disposition = header(&file, "content-disposition").expect("a name");
    assert!(disposition.starts_with("attachment; filename=\"leadsync-requests-"), "{disposition}");
    let lines = cells(&file.body);
    assert!(lines.iter().all(|line| line.len() == lines[0].len()));
    let ids: Vec<&str> = lines[1..].iter().map(|line| line[0].as_str()).collect();
    assert_eq!(ids, strs(&named((0..452).rev())), "every request once, newest first");
    let of = |line: &[String], name: &str| {
        line[lines[0].iter().position(|head| head == name).expect(name)].clone()
    };
    assert_eq!(
        (of(&lines[1], "job_status"), of(&lines[1], "event")),
        ("queued".into(), String::new())
    );
    assert_eq!(of(&lines[2], "known_as"), "'=HYPERLINK(\"http://evil\")");
    assert_eq!(of(&lines[2], "source_id"), "'+1;'=cmd");
    assert_eq!(of(&lines[2], "reason"), "Line\r\n'@SUM(A1), \"quoted\"");
    let failed = browser.get("/api/v1/requests.csv?event=failed").await;
    assert_eq!(cells(&failed.body).len(), 2);
    let file = browser.get("/api/v1/requests.jsonl?event=unchanged").await;
    assert_eq!(header(&file, "content-type"), Some("application/jsonl"));
    let items: Vec<Value> =
        file.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: BTreeSet<RequestId> =
        items.iter().map(|item| serde_json::from_value(item["id"].clone()).unwrap()).collect();
    assert_eq!((items.len(), ids.len()), (450, 450));
    assert_eq!(items[0], {
        let one = browser.get(&format!("/api/v1/requests/{}", id(449))).await;
        serde_json::from_str::<Value>(&one.body).unwrap()
    });
    assert_eq!(browser.get("/api/v1/requests.csv?evnt=failed").await.status, 400);
    browser.house.end().await;
}

#[tokio::test]
async fn a_download_that_breaks_off_is_seen_to() {
    let mut browser = Browser::signed_in().await;
    let filler = Filler::of(&browser).await;
    filler.fill(1..450).await;
    filler.deliver(0, filler.connector, &json!({})).await;
    // The oldest request has something that can't be read.
    let explanation = Some("no JSON".to_owned());
    let torn = AttemptOutcome { explanation, ..filler.attempt(0, Event::Failed) };
    let requests = vec![Filler::ended(0, Event::Failed)];
    filler.keep(Progress { attempts: vec![torn], requests, ..Progress::default() }).await;
    let mut wire = browser.house.wire().await;
    let cookie = &browser.cookie;
    wire.send(format!(
        "GET /api/v1/requests.jsonl HTTP/1.1\r\nHost: leadsync.example\r\nCookie: {cookie}\r\n\r\n"
    ))
    .await;
    let all = String::from_utf8(wire.rest().await).unwrap();
    assert!(all.starts_with("HTTP/1.1 200"), "{all}");
    assert!(all.contains(&id(449).to_string()), "the first part came");
    assert!(!all.ends_with("0\r\n\r\n"), "the last chunk must not come");
    let refused = browser.get("/api/v1/requests.jsonl?event=failed").await;
    assert_eq!(refused.status, 503, "what fails at once is told: {refused:?}");
    browser.house.end().await;
}

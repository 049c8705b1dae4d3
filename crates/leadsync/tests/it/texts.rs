//! Any text passes through the service on both databases, or is refused with a reason.

use plan::outcome::Event;
use serde_json::{Value, json};

use crate::rig::{Chance, Database, Service};

/// How many leads are posted, each with three texts.
const LEADS: u64 = 150;

/// What texts are made of: what is known to hurt databases, protocols and terminals.
const PARTS: &[&str] = &[
    "\0",
    "\u{1}",
    "\u{8}",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "\u{1b}[2J",
    "\u{7f}",
    "\u{85}",
    "\u{9b}",
    "\u{a0}",
    "\u{200b}",
    "\u{200d}",
    "\u{202e}",
    "\u{2028}",
    "\u{feff}",
    "\u{fffd}",
    "\u{ffff}",
    "\u{10ffff}",
    "😀",
    "e\u{301}",
    "É",
    "ﷺ",
    "देव",
    "東京",
    "'",
    "\"",
    "\\",
    "\\u0000",
    "%00",
    "{{ 7*7 }}",
    "<script>",
    "&amp;",
    "--",
    "; DROP TABLE record",
    "$1",
    "?",
    "=1+1",
    "NULL",
    "\\x00",
    "a",
    "Asha",
    " ",
    "0",
    "-1e999",
];

/// A text that begins with a name, so that it is no placeholder, which would count as empty.
fn text(chance: &mut Chance) -> String {
    let parts = chance.below(9);
    std::iter::once("Asha".to_owned()).chain((0..parts).map(|_| part(chance))).collect()
}

fn part(chance: &mut Chance) -> String {
    let which = chance.below(PARTS.len() as u64 + 8);
    let part = usize::try_from(which).ok().and_then(|which| PARTS.get(which));
    part.map_or_else(|| any_char(chance).to_string(), |part| (*part).to_owned())
}

fn any_char(chance: &mut Chance) -> char {
    let code = u32::try_from(chance.below(0x11_0000)).expect("it is below");
    char::from_u32(code).unwrap_or('\u{fffd}')
}

#[tokio::test(flavor = "multi_thread")]
async fn any_text_survives_on_sqlite() {
    any_text_survives(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_text_survives_on_postgres() {
    any_text_survives(Database::Postgres).await;
}

async fn any_text_survives(database: Database) {
    let mut service = Service::prepare(database, "").await;
    service.start();
    let mut chance = Chance(20_261_201);
    let mut posted: Vec<[String; 3]> = Vec::new();
    for number in 0..LEADS {
        let texts = [text(&mut chance), text(&mut chance), text(&mut chance)];
        let [first, last, company] = &texts;
        let lead = json!({
            "ProspectID": format!("t{number}"), "EmailAddress": format!("t{number}@example.com"),
            "FirstName": first, "LastName": last, "Company": company,
        });
        service.post(&lead).await;
        posted.push(texts);
    }
    service.settled().await;
    let logged = service.run(&["logs", "--json", "--limit", "200"]).json();
    let logged = logged.as_array().expect("a list");
    assert_eq!(logged.len() as u64, LEADS);
    let mut written = 0;
    for request in logged {
        assert!(request["finished_at"].is_string(), "it never ends: {request}");
        let record = &request["records"][0];
        if record["event"] == Event::New.as_str() {
            written += 1;
            let lead = record["source_id"].as_str().and_then(|id| id[1..].parse::<usize>().ok());
            arrived(&service, lead.expect("its number"), &posted);
        } else {
            let why = record["error"]["message"].as_str().unwrap_or_default();
            assert!(!why.is_empty() && !why.contains('\0'), "{record}");
        }
    }
    assert!(written > LEADS / 2, "only {written} of {LEADS} were written");
    service.stop();
}

/// A lead that was written has the texts that were posted, without invisible characters at their ends.
fn arrived(service: &Service, number: usize, posted: &[[String; 3]]) {
    let there = &service.destination;
    let id = there.find_leads("EmailAddress", &format!("t{number}@example.com")).remove(0);
    let lead = there.lead(&id).expect("the lead");
    for (field, text) in ["FirstName", "LastName", "Company"].iter().zip(&posted[number]) {
        let value: Value = lead.get(*field).cloned().flatten().into();
        let value = value.as_str().unwrap_or_default();
        // The account removes white space at the ends.
        assert_eq!(value.trim(), plan::text::trimmed(text).trim(), "{field} of t{number}");
    }
}

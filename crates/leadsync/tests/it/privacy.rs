//! `person`, `forget`, and what the service prunes.

use std::path::Path;

use serde_json::json;

use crate::rig::{Database, Service};

const LEAD: &str = "4057ed7a-0000-4000-8000-000000000001";
const EMAIL: &str = "asha.rao@example.com";
const PHONE: &str = "+91-9845098450";
const NAME: &str = "Raosomebody";

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_forgotten_and_synced_as_before_on_sqlite() {
    forgotten(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_forgotten_and_synced_as_before_on_postgresql() {
    forgotten(Database::Postgres).await;
}

async fn forgotten(database: Database) {
    let mut service = Service::prepare(database, "").await;
    service.start();
    let lead = |city: &str| {
        json!({
            "ProspectID": LEAD, "EmailAddress": EMAIL, "Phone": PHONE,
            "FirstName": "Asha", "LastName": NAME, "mx_City": city,
        })
    };
    service.post(&lead("Pune")).await;
    service.post(&json!({ "ProspectID": "b", "EmailAddress": "other@example.com" })).await;
    service.settled().await;

    let person = service.run(&["person", "98450 98450", "--json"]).succeeded().json();
    assert_eq!(person["leads"].as_array().map(Vec::len), Some(2), "{person:#}");
    assert_eq!(person["links"][0]["ends"].as_array().map(Vec::len), Some(2), "{person:#}");
    assert_eq!(person["requests"][0]["received"][0]["LastName"], NAME, "{person:#}");

    let told = service.run(&["forget", EMAIL]).succeeded();
    assert!(told.out.contains("1  requests deleted"), "{told:?}");
    assert!(told.out.contains("1  links kept"), "{told:?}");
    service.run(&["forget", "Asha"]).failed(1, &["not an email address"]);
    let rest = service.run(&["logs", "--json"]).succeeded();
    assert!(rest.out.contains("other@example.com"), "{rest:?}");
    assert!(!rest.out.contains(EMAIL), "{rest:?}");
    if let Some(path) = service.database().strip_prefix("sqlite://") {
        let bytes = files(Path::new(path));
        for text in [EMAIL, NAME, "9845098450"] {
            assert!(!has(&bytes, text), "{text} is still in the file");
        }
    }

    // The same again changes nothing, and a change is synced to the same lead.
    let calls = |service: &Service| service.destination.lead_count();
    let leads = calls(&service);
    service.post(&lead("Pune")).await;
    service.settled().await;
    let log = service.run(&["logs", "--q", EMAIL, "--json"]).succeeded().json();
    assert_eq!(log[0]["records"][0]["event"], "unchanged", "{log:#}");
    service.post(&lead("Agra")).await;
    service.settled().await;
    let log = service.run(&["logs", "--q", EMAIL, "--json"]).succeeded().json();
    assert_eq!(log[0]["records"][0]["event"], "updated", "{log:#}");
    assert_eq!(calls(&service), leads, "no lead was created twice");
    service.stop();
}

/// The database file and what is beside it.
fn files(path: &Path) -> Vec<u8> {
    let beside = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        std::fs::read(name).unwrap_or_default()
    };
    ["", "-wal"].into_iter().flat_map(beside).collect()
}

fn has(bytes: &[u8], text: &str) -> bool {
    let bytes = bytes.to_ascii_lowercase();
    bytes.windows(text.len()).any(|window| window == text.to_ascii_lowercase().as_bytes())
}

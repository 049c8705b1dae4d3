//! `check`, `preview` of past requests, and failures by cause.

use sandbox::{Field, Kind};
use serde_json::{Value, json};

use crate::rig::{Database, Program, Service};

/// The findings of the only connector, as `severity place: code`.
fn found(service: &Service) -> Vec<String> {
    let ran = service.run(&["check", "--json"]);
    let reports: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
    let findings = reports[0]["findings"].as_array().expect("a list").clone();
    let errors = findings.iter().any(|finding| finding["severity"] == "error");
    assert_eq!(ran.code, Some(i32::from(errors)), "{ran:?}");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    findings
        .iter()
        .map(|f| format!("{} {}: {}", text(&f["severity"]), text(&f["at"]), text(&f["code"])))
        .collect()
}

const ROWS: &str = r#"
[[connector.lead.field]]
from = "EmailAddress"
to = "EmailAddress"
[[connector.lead.field]]
from = "Phone"
to = "Phone"
[[connector.lead.field]]
from = "mx_Budget"
to = "mx_Budget"
[[connector.lead.field]]
from = "Mobile"
to = "Mobile"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn check_finds_what_will_fail_and_what_changed() {
    let mut service = Service::prepare(Database::Sqlite, ROWS).await;
    assert_eq!(found(&service), [""; 0]);
    assert!(service.run(&["check"]).succeeded().out.contains(": OK"));

    // The running service reads the metadata as it is now.
    service.start();
    service.post(&json!({ "ProspectID": "a", "EmailAddress": "a@example.com" })).await;
    service.settled().await;
    service.destination.put_field(Field::new("mx_Budget", Kind::Date));
    let told = service.run(&["check", "source-to-destination"]);
    told.failed(1, &["leadsync: 1 error"]);
    for part in ["mx_Budget holds a number in the source", "changed from a number to a date"] {
        assert!(told.out.contains(part), "{told:?}");
    }
    service.destination.remove_field("mx_Budget");
    assert_eq!(
        found(&service),
        ["error lead.field[3].to: unknown_field", "warning destination: field_changed"]
    );
    service.run(&["check", "nobody"]).failed(1, &["no connector nobody"]);
    service.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn check_tells_which_account_refuses_its_keys() {
    let service = Service::prepare(Database::Sqlite, "").await;
    let good = service.destination.configuration();
    let bad = good.replace(service.destination.secret_key(), "another-secret");
    service.write("destination.toml", &bad);
    service.run(&["apply", "destination.toml"]).succeeded();
    assert_eq!(found(&service), ["error destination: credentials"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mapping_in_force_says_why_each_row_is_there() {
    let mut service = Service::prepare(Database::Sqlite, "").await;
    service.source.put_field(Field::new("mx_Village", Kind::Text).display("Native Town"));
    service.destination.put_field(Field::new("mx_Town", Kind::Text).display("native town"));
    let mapping = ["connector", "mapping", "source-to-destination"];
    let shown = service.run(&mapping).succeeded().out;
    let why = |to: &str| {
        let line = shown.lines().find(|line| line.split_whitespace().nth(1) == Some(to));
        line.unwrap_or_else(|| panic!("no row to {to} in {shown}")).to_owned()
    };
    assert!(why("EmailAddress").contains("matched by schema name"));
    assert!(
        why("mx_Town").contains("matched by display name and type")
            && why("mx_Town").contains("mx_Village")
    );
    service.apply(ROWS);
    let json = service.run(&[&mapping[..], &["--json"]].concat()).json();
    let rows = json["lead"].as_array().expect("rows");
    assert_eq!(rows.len(), 4, "{json}");
    assert!(rows.iter().all(|row| row["why"] == "settings"), "{json}");
}

#[test]
fn check_needs_a_connector() {
    Program::new().run(&["check"]).failed(1, &["leadsync.db"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_grouped_previewed_and_retried() {
    let mut service = Service::prepare(Database::Sqlite, ROWS).await;
    service.start();
    for n in 0..3 {
        let lead = json!({ "ProspectID": format!("l{n}"), "EmailAddress": format!("l{n}@example.com"),
                           "mx_Budget": "plenty" });
        service.post(&lead).await;
    }
    service.post(&json!({ "ProspectID": "n", "FirstName": "Nobody" })).await;
    service.settled().await;
    let groups = service.run(&["logs", "--failures", "--json"]).json();
    let told: Vec<(&str, u64)> = groups
        .as_array()
        .expect("a list")
        .iter()
        .map(|g| (g["cause"].as_str().expect("a text"), g["records"].as_u64().expect("a count")))
        .collect();
    assert_eq!(told, [("type_mismatch/mx_Budget", 3), ("no_key/EmailAddress", 1)]);
    let text = service.run(&["logs", "--failures"]).succeeded().out;
    assert!(text.contains("3 records") && text.contains("retry --failed --cause"), "{text}");

    // With the current mapping the same request would succeed.
    let id = groups[0]["last_request"].as_str().expect("an id").to_owned();
    let shown = service.run(&["preview", "source-to-destination", "--request", &id]);
    assert!(shown.succeeded().out.contains("got 'plenty'"));
    service.apply("bad_field = \"leave_out\"\n[[connector.lead.field]]\nfrom = \"EmailAddress\"\nto = \"EmailAddress\"\n[[connector.lead.field]]\nfrom = \"mx_Budget\"\nto = \"mx_Budget\"\n");
    let shown = service.run(&["preview", "source-to-destination", "--request", &id]).succeeded();
    assert!(shown.out.contains("left out:"), "{shown:?}");
    service
        .run(&["preview", "source-to-destination", "--request", "0000000000000"])
        .failed(1, &["no request"]);

    // With the settings of that time it fails again; with the current ones it succeeds.
    service.run(&["retry", &id, "--with", "then"]).succeeded();
    service.settled().await;
    let cause = ["--failed", "--cause", "type_mismatch/mx_Budget"];
    let retry = |more: &[&str]| {
        let arguments: Vec<&str> = ["retry"].iter().chain(&cause).chain(more).copied().collect();
        service.run(&arguments).succeeded().out
    };
    assert!(retry(&["--per-minute", "60"]).contains("Retrying 3 requests"));
    service.settled().await;
    assert!(retry(&["--cancel"]).contains("No pending retries"));
    let left = service.run(&["logs", "--failures", "--json"]).json();
    assert_eq!(left.as_array().map(Vec::len), Some(1), "{left}");
    let item = &service.run(&["logs", &id, "--json"]).json();
    let item = item.get(0).unwrap_or(item);
    let attempts = item["records"][0]["attempts"].as_array().expect("attempts").clone();
    let retries: Vec<&Value> = attempts.iter().map(|attempt| &attempt["retry"]).collect();
    assert_eq!(retries, [&Value::Null, &json!("then"), &json!("now")]);
    service.stop();
}

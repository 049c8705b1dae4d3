//! `key rotate`.

use std::path::Path;

use crate::rig::{Database, Program, Service};

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a key file")
}

#[test]
fn everything_is_encrypted_with_a_new_key() {
    let program = Program::with_pair();
    let url = || program.run(&["connector", "url", "sales-to-patients", "--json"]).json();
    let first = url();
    let key = program.path().join("leadsync.db.key");
    let old = read(&key);
    let rotated = program.run(&["key", "rotate", "--json"]).json();
    let kept = program.path().join(rotated["old_key_file"].as_str().expect("a file"));
    assert_eq!(read(&kept), old);
    let new = read(&key);
    assert_ne!(new, old);
    assert!(!key.with_extension("key.new").exists());
    assert_eq!(url(), first);
    // The old key reads nothing any more, and the error says which key is needed.
    std::fs::write(&key, &old).expect("a key file");
    let fingerprint = rotated["fingerprint"].as_str().expect("a fingerprint");
    program.run(&["connector", "list"]).failed(1, &["has the fingerprint", fingerprint]);
    // If the process ended before the files changed places, the next command ends what it began.
    std::fs::write(key.with_extension("key.new"), &new).expect("a key file");
    set_private(&key.with_extension("key.new"));
    assert_eq!(url(), first);
    assert_eq!(read(&key), new);
    assert!(!key.with_extension("key.new").exists());
    // Once more, and what was hashed is still found.
    program.run(&["key", "rotate"]).succeeded();
    assert_eq!(url(), first);
    let hashes = |text: &str| text.lines().nth(1).map(str::to_owned);
    assert!(hashes(&new).is_some());
    assert_eq!(hashes(&read(&key)), hashes(&new));
}

fn set_private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(path, private).expect("permissions");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_changes_under_a_service_on_sqlite() {
    no_key_changes_under_a_service(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_changes_under_a_service_on_postgres() {
    no_key_changes_under_a_service(Database::Postgres).await;
}

async fn no_key_changes_under_a_service(database: Database) {
    let mut service = Service::prepare(database, "").await;
    service.start();
    let lead = |number: u32| {
        serde_json::json!({
            "ProspectID": format!("k{number}"), "EmailAddress": format!("k{number}@example.com"),
        })
    };
    service.post(&lead(1)).await;
    service.settled().await;
    service.run(&["key", "rotate"]).failed(1, &["stop"]);
    service.stop();
    service.run(&["key", "rotate"]).succeeded();
    service.start();
    service.post(&lead(2)).await;
    service.settled().await;
    assert_eq!(service.destination.lead_count(), 2, "the API keys are still known");
    service.stop();
}

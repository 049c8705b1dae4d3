//! PostgreSQL's own tools, as `docs/backup.md` says.

use std::process::Command;

use serde_json::json;

use crate::rig::{Database, Service};

/// Runs a command of the page, which must be there.
fn run(service: &Service, command: &str) {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/backup.md");
    let page = std::fs::read_to_string(page).expect("the page");
    assert!(page.contains(&format!("\n    {command}\n")), "docs/backup.md does not say: {command}");
    let ran = Command::new("sh")
        .args(["-c", command])
        .env("LEADSYNC_DATABASE_URL", service.database())
        .current_dir(service.folder())
        .output()
        .expect("sh runs");
    assert!(ran.status.success(), "{command}: {ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_is_restored_and_marked() {
    let mut service = Service::prepare(Database::Postgres, "trigger_automations = true").await;
    let asha =
        json!({ "ProspectID": "a", "EmailAddress": "asha@example.com", "FirstName": "Asha" });
    service.start();
    run(&service, "pg_dump --format=custom --file=leadsync.dump \"$LEADSYNC_DATABASE_URL\"");
    service.post(&asha).await;
    service.settled().await;
    service.stop();
    run(
        &service,
        "pg_restore --clean --if-exists --no-owner --single-transaction \
         --dbname=\"$LEADSYNC_DATABASE_URL\" leadsync.dump",
    );
    assert_eq!(service.run(&["logs", "--json"]).json(), json!([]));
    let marked = service.run(&["restore", "--only-mark", "--json"]).json();
    assert!(marked["restored_at"].is_string(), "{marked}");
    let store = service.store().await;
    assert!(store.configuration().await.expect("it").restored_at.is_some());
    service.start();
    service.post(&asha).await;
    service.settled().await;
    let found = service.destination.find_leads("EmailAddress", "asha@example.com");
    assert_eq!(found.len(), 1, "{found:?}");
    let read = service.destination.calls().by_operation;
    assert!(
        read.keys().any(|operation| operation.contains("Get")),
        "it was not looked for: {read:?}"
    );
    service.stop();
}

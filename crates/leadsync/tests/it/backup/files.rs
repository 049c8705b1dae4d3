//! What lies beside an SQLite database: its `-wal`, another one's, or nothing.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::rig::{Database, Program, Service};

fn lead(name: &str) -> serde_json::Value {
    json!({ "ProspectID": name, "EmailAddress": format!("{name}@example.com") })
}

/// The files beside the database, and the database.
fn files(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).expect("the folder");
    let names =
        names.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.starts_with("leadsync.db")).collect();
    names.sort();
    names
}

/// What all files of the database hold.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let read = |name: String| {
        let content = std::fs::read(folder.join(&name)).expect("a file");
        (name, content)
    };
    files(folder).into_iter().filter(|name| !name.ends_with("-shm")).map(read).collect()
}

/// A service that was killed with changes in its `-wal`.
async fn killed() -> Service {
    let mut service = Service::prepare(Database::Sqlite, "").await;
    service.start();
    for name in ["a", "b", "c"] {
        service.post(&lead(name)).await;
    }
    service.settled().await;
    service.kill_hard();
    let wal = std::fs::metadata(service.folder().join("leadsync.db-wal")).expect("a -wal");
    assert!(wal.len() > 0);
    service
}

fn requests(service: &Service) -> usize {
    service.run(&["logs", "--json"]).json().as_array().expect("a list").len()
}

/// Fails to open the database with these words, and changes nothing.
fn is_refused(service: &Service, said: &[&str]) {
    let before = contents(service.folder());
    service.run(&["connector", "list"]).failed(1, said);
    service.run(&["serve"]).failed(1, said);
    assert_eq!(contents(service.folder()), before, "something was touched");
}

fn path(service: &Service, name: &str) -> PathBuf {
    service.folder().join(name)
}

fn copy(service: &Service, from: &str, to: &str) {
    std::fs::copy(path(service, from), path(service, to)).expect("a copy");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_stop_leaves_one_file() {
    let mut service = Service::prepare(Database::Sqlite, "").await;
    assert_eq!(files(service.folder()), ["leadsync.db", "leadsync.db.key"], "after a command");
    service.start();
    service.post(&lead("a")).await;
    service.settled().await;
    let beside = service.run(&["logs", "--json"]).json();
    assert_eq!(beside.as_array().map(Vec::len), Some(1));
    assert!(path(&service, "leadsync.db-wal").exists(), "a command does not take it away");
    service.stop();
    assert_eq!(files(service.folder()), ["leadsync.db", "leadsync.db.key"]);
    // A command that fails leaves nothing either.
    service.run(&["logs", "--secret-key-file", "other"]).failed(1, &["other does not exist"]);
    assert_eq!(files(service.folder()), ["leadsync.db", "leadsync.db.key"]);
    assert_eq!(requests(&service), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_kill_left_is_recovered() {
    let mut service = killed().await;
    for _ in 0..3 {
        service.start();
        service.post(&lead("again")).await;
        service.kill_hard();
    }
    assert_eq!(requests(&service), 6);
    assert_eq!(files(service.folder()), ["leadsync.db", "leadsync.db.key"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wal_of_another_database_is_not_applied() {
    let service = killed().await;
    let other = killed().await;
    std::fs::copy(path(&other, "leadsync.db-wal"), path(&service, "leadsync.db-wal"))
        .expect("a copy");
    is_refused(&service, &["leadsync.db-wal does not belong to the database"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wal_beside_a_database_that_was_replaced_is_not_applied() {
    // By an older copy, made while nobody used it,
    let mut service = Service::prepare(Database::Sqlite, "").await;
    copy(&service, "leadsync.db", "closed.db");
    service.run(&["backup", "backup"]).succeeded();
    service.start();
    service.post(&lead("a")).await;
    service.settled().await;
    service.kill_hard();
    copy(&service, "leadsync.db-wal", "own-wal");
    copy(&service, "leadsync.db", "own.db");
    // or by the database that took the place of what was lost, or by a backup.
    assert_eq!(requests(&service), 1);
    copy(&service, "leadsync.db", "later.db");
    for replaced in ["later.db", "backup"] {
        copy(&service, replaced, "leadsync.db");
        copy(&service, "own-wal", "leadsync.db-wal");
        let said = if replaced == "backup" { "is a backup" } else { "does not belong" };
        is_refused(&service, &[said, "leadsync restore"]);
    }
    std::fs::remove_file(path(&service, "leadsync.db")).expect("the file");
    is_refused_without(&service);
    // It belongs to its own.
    copy(&service, "own.db", "leadsync.db");
    assert_eq!(requests(&service), 1);
}

fn is_refused_without(service: &Service) {
    let before = contents(service.folder());
    service.run(&["serve"]).failed(1, &["there is no database", "leadsync.db-wal"]);
    assert_eq!(contents(service.folder()), before, "something was touched");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_copied_without_its_wal_is_noticed() {
    let service = killed().await;
    let copied = Program::new();
    for name in ["leadsync.db", "leadsync.db.key"] {
        std::fs::copy(path(&service, name), copied.path().join(name)).expect("a copy");
    }
    let before = contents(copied.path());
    copied.run(&["connector", "list"]).failed(1, &["leadsync.db-wal is missing", "restore"]);
    assert_eq!(contents(copied.path()), before, "something was touched");
    // With its `-wal` it is complete.
    let wal = "leadsync.db-wal";
    std::fs::copy(path(&service, wal), copied.path().join(wal)).expect("a copy");
    assert_eq!(copied.run(&["logs", "--json"]).json().as_array().map(Vec::len), Some(3));
    // Without a `-wal`, the database file is checked and used as it is.
    std::fs::copy(path(&service, "leadsync.db"), copied.path().join("moved.db")).expect("a copy");
    copied.run(&["restore", "moved.db", "--force"]).succeeded();
    copied.run(&["connector", "list"]).succeeded();
}

#[test]
fn a_wrong_key_file_is_refused_with_a_clear_word() {
    let program = Program::with_pair();
    program.write("wrong", &"7".repeat(64));
    let said = ["wrong has the fingerprint", "the key with the fingerprint"];
    program.run(&["connector", "list", "--secret-key-file", "wrong"]).failed(1, &said);
    program
        .run(&["serve", "--listen", "127.0.0.1:0", "--secret-key-file", "wrong"])
        .failed(1, &said);
    std::fs::rename(program.path().join("leadsync.db.key"), program.path().join("away"))
        .expect("it");
    program.run(&["connector", "list"]).failed(1, &["leadsync.db.key does not exist"]);
    assert!(!program.path().join("leadsync.db.key").exists(), "another key was made");
    program.run(&["connector", "list", "--secret-key-file", "away"]).succeeded();
}

//! `backup` and `restore`, and what lies beside an SQLite database.

mod files;
mod postgres;
mod traffic;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::rig::{Database, Program, SOON, Service, Webhooks, behind, until};

#[test]
fn a_backup_is_made_and_restored() {
    let program = Program::with_pair();
    let made = program.run(&["backup", "b", "--json"]).json();
    assert_eq!(
        (&made["file"], &made["requests"], &made["links"]),
        (&json!("b"), &json!(0), &json!(0))
    );
    let bytes = std::fs::metadata(program.path().join("b")).expect("the backup");
    assert_eq!(made["bytes"], bytes.len());
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(bytes.permissions().mode() & 0o777, 0o600);
    }
    let fingerprint = made["key_fingerprint"].as_str().expect("a fingerprint");
    let key = std::fs::read_to_string(program.path().join("leadsync.db.key")).expect("the key");
    let content = std::fs::read(program.path().join("b")).expect("the backup");
    let holds = |text: &str| content.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds(fingerprint) && !holds(key.trim()), "the key is in the backup");
    program.run(&["backup", "b"]).failed(1, &["b already exists", "--force"]);
    let said = program.run(&["backup", "b", "--force"]).succeeded().out;
    assert!(said.contains("0 requests") && said.contains(fingerprint), "{said}");

    program.run(&["connector", "remove", "sales-to-patients", "--yes"]).succeeded();
    program.run(&["restore", "b"]).failed(1, &["leadsync.db holds 2 accounts", "--force"]);
    let restored = program.run(&["restore", "b", "--force", "--json"]).json();
    assert_eq!(
        (&restored["made_at"].is_string(), &restored["lost"]["changes"]),
        (&true, &json!(1))
    );
    let listed = program.run(&["connector", "list", "--json"]).json();
    assert_eq!(listed[0]["name"], "sales-to-patients", "{listed}");
    let replaced = restored["replaced"].as_str().expect("it is kept").to_owned();
    program.run(&["restore", &replaced]).failed(1, &["not a complete backup", "--force"]);
    let said = program.run(&["restore", &replaced, "--force"]).succeeded().out;
    assert!(said.contains("kept as leadsync.db.replaced-"), "{said}");
    assert_eq!(program.run(&["connector", "list", "--json"]).json(), json!([]));
}

#[test]
fn what_can_not_be_restored_is_refused() {
    let program = Program::with_pair();
    program.run(&["backup", "b"]).succeeded();
    program.run(&["restore"]).failed(2, &["FILE"]);
    program.run(&["restore", "nowhere"]).failed(1, &["nowhere"]);
    program.write("notes", "no database at all, but long enough to be looked at as if it were one");
    program.run(&["restore", "notes", "--force"]).failed(1, &["neither a leadsync backup"]);
    // Into a place of its own, without the key, and with another one.
    let elsewhere = ["--database-url", "sqlite://other.db"];
    let restore = || program.run(&[&["restore", "b"], &elsewhere[..]].concat());
    restore().failed(1, &["other.db.key does not exist", "fingerprint"]);
    program.write("other.db.key", &"7".repeat(64));
    restore().failed(1, &["other.db.key has the fingerprint", "--secret-key-file"]);
    assert!(!program.path().join("other.db").exists(), "something was restored");
    std::fs::copy(program.path().join("leadsync.db.key"), program.path().join("other.db.key"))
        .expect("a copy of the key");
    restore().succeeded();
    let listed = program.run(&[&["connector", "list", "--json"], &elsewhere[..]].concat()).json();
    assert_eq!(listed[0]["name"], "sales-to-patients");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_served_is_not_replaced() {
    for database in [Database::Sqlite, Database::Postgres] {
        let mut service = Service::prepare(database, "").await;
        service.run(&["backup", "b"]).succeeded();
        service.start();
        service.post(&json!({ "ProspectID": "a", "EmailAddress": "asha@example.com" })).await;
        service.run(&["restore", "b", "--force"]).failed(1, &["is using", "stop"]);
        service.settled().await;
        service.stop();
        service.run(&["restore", "b", "--force"]).succeeded();
        assert_eq!(service.run(&["logs", "--json"]).json(), json!([]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_taken_while_backups_are_made() {
    const CLIENTS: usize = 4;
    let mut service = Service::prepare(Database::Sqlite, "").await;
    service.start();
    let (stop, taken) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (hook, stop, taken) = (service.hook.clone(), stop.clone(), taken.clone());
            tokio::spawn(async move {
                let webhooks = Webhooks::new();
                for number in 0.. {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    let email = format!("l{number}.of{client}@example.com");
                    let lead = json!({ "ProspectID": email, "EmailAddress": email });
                    let body = json!({ "Before": {}, "After": lead, "Current": lead });
                    webhooks.post(&hook, body.to_string().as_bytes()).await;
                    taken.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    let (mut during, mut made) = (0, Vec::new());
    until(SOON, || {
        let name = format!("b{}", made.len());
        let before = taken.load(Ordering::SeqCst);
        let backup = service.run(&["backup", &name, "--json"]).json();
        let after = taken.load(Ordering::SeqCst);
        during += after - before;
        made.push((name, before, backup));
        let enough = made.len() > 2 && during > 0;
        async move { if enough { Ok(()) } else { Err(during) } }
    })
    .await;
    stop.store(true, Ordering::SeqCst);
    for client in clients {
        client.await.expect("a client");
    }
    service.settled().await;
    let store = service.store().await;
    let count = async |store: &dyn store::Store| {
        let (mut count, mut after) = (0, None);
        loop {
            let page = store::Page { limit: store::Page::MOST, after };
            let (some, next) =
                store.requests(&store::Filter::default(), &page).await.expect("the log");
            for request in &some {
                assert!(store.delivery(request.id).await.expect("the store").is_some());
            }
            count += some.len();
            after = next;
            if after.is_none() {
                return count;
            }
        }
    };
    assert_eq!(count(&*store).await, taken.load(Ordering::SeqCst), "lost or doubled");
    drop(store);
    for (name, before, backup) in made {
        let url = format!("sqlite://{}", service.folder().join(format!("{name}.db")).display());
        let key = service.folder().join("leadsync.db.key").display().to_string();
        let other = ["--database-url", &url, "--secret-key-file", &key];
        let restored = service.run(&[&["restore", &name, "--json"], &other[..]].concat()).json();
        assert_eq!(restored["requests"], backup["requests"]);
        let open = store::Open { key_file: Some(key.into()), ..store::Open::default() };
        let store = store::open(&url, open).await.expect("it opens");
        let found = count(&*store).await;
        assert!(found >= before, "{found} of {before} that were taken before {name} was begun");
        assert_eq!(Value::from(found), backup["requests"]);
    }
    service.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_killed_leaves_nothing_under_its_name() {
    let mut service = Service::prepare(Database::Sqlite, "").await;
    service.start();
    let filler = "x".repeat(1 << 19);
    for number in 0..40 {
        let email = format!("l{number}@example.com");
        service.post(&json!({ "ProspectID": email, "EmailAddress": email, "Notes": filler })).await;
    }
    service.settled().await;
    let (partial, whole) = (service.folder().join("b.partial"), service.folder().join("b"));
    let mut killed = 0;
    for _ in 0..5 {
        let url = format!("sqlite://{}", service.folder().join("leadsync.db").display());
        let mut child = behind(&[])
            .args(["backup", "b", "--database-url", &url])
            .current_dir(service.folder())
            .spawn()
            .expect("the binary runs");
        // Some of it is written.
        until(SOON, || async {
            let length = std::fs::metadata(&partial).map_or(0, |file| file.len());
            if length > 0 || whole.exists() { Ok(()) } else { Err(length) }
        })
        .await;
        child.kill().expect("the process is ours");
        child.wait().expect("the process is ours");
        if whole.exists() {
            // It was quicker.
            std::fs::remove_file(&whole).expect("the backup");
        } else {
            killed += 1;
        }
    }
    assert!(killed > 0, "no backup was killed");
    assert!(partial.exists(), "what a killed backup leaves is seen");
    service.run(&["backup", "b"]).succeeded();
    assert!(!partial.exists(), "it is used by the next one");
    service.stop();
    service.run(&["restore", "b", "--force"]).succeeded();
}

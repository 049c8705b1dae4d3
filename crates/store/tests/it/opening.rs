//! Opening a database, and what differs between the two.

use store::{Error, Filter, Open};

use crate::empty::{Empty, actor, at};

#[tokio::test]
async fn what_is_no_database_is_told() {
    for (url, part) in [
        ("mysql://x", "must begin with"),
        ("sqlite://", "does not name a file"),
        ("sqlite://:memory:", "does not name a file"),
        ("sqlite:///nowhere/at/all/x.db", "/nowhere/at/all"),
    ] {
        let error = store::open(url, Open::default()).await.expect_err(url);
        assert!(matches!(&error, Error::CannotOpen(what) if what.contains(part)), "{url}: {error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let open = Open { key_file: Some(folder.path().join("key")), serve: true, ..Open::default() };
    let url = "postgres://user:hidden-password@127.0.0.1:1/x";
    let error = store::open(url, open).await.expect_err(url).to_string();
    assert!(error.contains("127.0.0.1") && !error.contains("hidden-password"), "{error}");
}

#[tokio::test]
async fn a_command_does_not_make_a_database_by_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("nowhere.db");
    let url = format!("sqlite://{}", file.display());
    let open = Open { must_exist: true, ..Open::default() };
    let error = store::open(&url, open).await.expect_err(&url).to_string();
    assert!(error.contains("there is no database"), "{error}");
    assert!(!file.exists());
}

#[tokio::test]
async fn one_service_an_sqlite_file() {
    let empty = Empty::sqlite().await;
    let key_file = Some(empty.folder.path().join("key"));
    let serve = || {
        store::open(&empty.url, Open { key_file: key_file.clone(), serve: true, ..Open::default() })
    };
    let first = serve().await.expect("commands don't keep it from being served");
    let error = serve().await.expect_err("a second service");
    assert!(
        matches!(&error, Error::CannotOpen(what) if what.contains("another leadsync")),
        "{error}"
    );
    empty.again().await.expect("commands go on");
    drop(first);
    serve().await.expect("it is free again");
}

#[tokio::test]
async fn a_service_takes_the_leases_of_one_that_died() {
    let empty = Empty::sqlite().await;
    let configuration = empty.with_connector().await;
    empty.lease(&configuration).await;
    let key_file = Some(empty.folder.path().join("key"));
    let served =
        store::open(&empty.url, Open { key_file, serve: true, ..Open::default() }).await.unwrap();
    let accounts = [configuration.accounts[0].id];
    let lease = served.take_lease(&accounts, "next", std::time::Duration::from_mins(1)).await;
    assert!(lease.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_that_dies_is_told_and_found_again() {
    use postgres_fixture::{Options, Postgres};
    let mut postgres = Postgres::start(Options { fsync: true });
    let folder = tempfile::tempdir().unwrap();
    let url = postgres.database();
    let store = crate::empty::open(&url, folder.path().join("key")).await.unwrap();
    let empty = Empty { store, url, folder };
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    empty.deliver(own, 0..3).await;
    postgres.kill_hard();
    let lost = empty.store.store_deliveries(vec![crate::empty::delivery(own, 5)]).await;
    assert!(matches!(lost, Err(Error::Unavailable(_))), "{lost:?}");
    assert!(empty.store.ready().await.is_err());
    postgres.restart();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while let Err(error) = empty.store.ready().await {
        assert!(std::time::Instant::now() < deadline, "it is not found again: {error}");
    }
    assert_eq!(empty.find(Filter::default()).await.len(), 3, "what was acknowledged is there");
    empty.deliver(own, 6..7).await;
    let changed = empty.store.change_configuration(vec![], &actor(), at(0)).await;
    assert_eq!(changed.unwrap(), configuration.version);
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.db");
    let key = folder.path().join("t.db.key");
    let url = format!("sqlite://{}", file.display());
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let open = || store::open(&url, store::Open { serve: true, ..store::Open::default() });
    let opened = open().await.unwrap();
    for ending in ["", "-wal", "-shm", ".key"] {
        let path = folder.path().join(format!("t.db{ending}"));
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    opened.close().await.unwrap();
    // A file of an earlier version is made private, too.
    let set = |path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    set(&file, 0o644);
    open().await.unwrap().close().await.unwrap();
    assert_eq!(mode(&file), 0o600);
    // A key may have been read already.
    set(&key, 0o644);
    let refused = open().await.err().unwrap().to_string();
    assert!(refused.contains("chmod 600") && refused.contains("t.db.key"), "{refused}");
}

/// Without SQLite's lock, any program that opens the database beside the service and closes it would
/// remove the `-wal` in use.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_database_stays_locked_while_it_is_open() {
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.db");
    let url = format!("sqlite://{}", file.display());
    let open = Open { serve: true, ..Open::default() };
    let opened = store::open(&url, open).await.unwrap();
    opened.configuration().await.unwrap();
    let inode = format!(":{} ", file.metadata().unwrap().ino());
    let is_locked = || std::fs::read_to_string("/proc/locks").unwrap().contains(&inode);
    assert!(is_locked());
    opened.close().await.unwrap();
    assert!(!is_locked());
}

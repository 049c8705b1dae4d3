//! Backups, on each database and from one to the other.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use plan::outcome::Event;
use store::{
    BackupWish, DirectoryEntry, DirectoryNews, DirectoryReading, Filter, Lost, Open, Page,
    Progress, Restore, Store,
};

use crate::empty::{Empty, actor, at, attempt, call, delivery, ended, execute};

crate::promises! {
    a_backup_is_restored_into_either_database,
    a_backup_is_of_one_moment_while_others_write,
    a_directory_is_not_restored,
    what_is_lost_is_counted,
    a_database_that_holds_something_is_not_replaced_unasked,
    a_backup_replaces_no_file_in_use,
}

impl Empty {
    /// Makes a backup with this name.
    async fn backup(&self, name: &str) -> PathBuf {
        let file = self.folder.path().join(name);
        let wish = BackupWish { file: file.clone(), force: false, now: at(1_000), key_file: None };
        self.store.back_up(wish).await.expect("a backup");
        file
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("key")
    }

    /// Restores a backup of another one, with its key, into this one's database.
    async fn restore(
        &self,
        file: PathBuf,
        of: &Self,
        force: bool,
    ) -> store::Result<store::Restored> {
        let key_file = Some(of.key());
        let wish = Restore { file, key_file, force, now: at(2_000) };
        store::restore(&self.url, wish).await
    }

    /// Opens the database with this other one's key.
    async fn open_with_key_of(&self, of: &Self) -> Arc<dyn Store> {
        let open = Open { key_file: Some(of.key()), ..Open::default() };
        store::open(&self.url, open).await.expect("it opens")
    }
}

async fn a_backup_is_restored_into_either_database(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    empty.deliver(own, 0..5).await;
    let lease = empty.lease(&configuration).await;
    let progress = Progress {
        attempts: vec![attempt(own, 0, Event::New), attempt(own, 1, Event::Failed)],
        requests: vec![ended(0, Event::New), ended(1, Event::Failed)],
        calls: vec![call(&configuration, 0), call(&configuration, 1)],
        ..Progress::default()
    };
    empty.store.record_progress(&lease, progress).await.expect("it is kept");
    let file = empty.backup("backup").await;
    assert_eq!(empty.store.backed_up_at().await.unwrap(), Some(at(1_000)));
    assert!(empty.store.configuration().await.unwrap().restored_at.is_none());

    for target in [Empty::sqlite().await, Empty::postgres().await] {
        target.store.close().await.expect("it closes");
        let restored = target.restore(file.clone(), &empty, false).await.expect("it is restored");
        assert_eq!(restored.copy.made_at, Some(at(1_000)));
        assert_eq!((restored.copy.requests, restored.copy.links), (5, 0));
        assert_eq!(restored.lost.unwrap_or_default(), Lost::default(), "there was nothing");
        let store = target.open_with_key_of(&empty).await;
        let again = store.configuration().await.expect("it is decrypted");
        assert_eq!(again.restored_at, Some(at(2_000)));
        assert_eq!(format!("{:?}", again.connectors), format!("{:?}", configuration.connectors));
        let page = Page { limit: 9, after: None };
        let of =
            |(found, _): (Vec<store::RequestItem>, _)| serde_json::to_string(&found).expect("JSON");
        let there = of(store.requests(&Filter::default(), &page).await.unwrap());
        assert_eq!(there, of(empty.store.requests(&Filter::default(), &page).await.unwrap()));
        // Numbers go on where they were.
        let added = crate::empty::account("c", "secret");
        store.change_configuration(vec![added], &actor(), at(3_000)).await.expect("an account");
        let accounts = store.configuration().await.unwrap().accounts;
        let highest = configuration.accounts.iter().map(|account| account.id).max();
        assert!(accounts.iter().any(|account| Some(account.id) > highest), "{accounts:?}");
    }
}

async fn a_backup_is_of_one_moment_while_others_write(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    let (stop, stored) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicI64::new(0)));
    let writing = {
        let (store, stop, stored) = (empty.store.clone(), stop.clone(), stored.clone());
        tokio::spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                let next = stored.load(Ordering::SeqCst);
                let some = (next..next + 3).map(|n| delivery(own, n)).collect();
                store.store_deliveries(some).await.expect("they are stored");
                stored.store(next + 3, Ordering::SeqCst);
            }
        })
    };
    let mut beside = 0;
    for number in 0.. {
        let before = stored.load(Ordering::SeqCst);
        let file = empty.backup(&format!("backup{number}")).await;
        beside += stored.load(Ordering::SeqCst) - before;
        let target = Empty::sqlite().await;
        target.store.close().await.expect("it closes");
        let restored = target.restore(file, &empty, false).await.expect("it is whole");
        let store = target.open_with_key_of(&empty).await;
        let page = Page { limit: Page::MOST, after: None };
        let (found, _) = store.requests(&Filter::default(), &page).await.unwrap();
        // Three are stored in one commit, and each with its body.
        assert_eq!(restored.copy.requests % 3, 0);
        assert!(i64::try_from(restored.copy.requests).expect("few") >= before);
        for request in found {
            assert!(store.delivery(request.id).await.unwrap().is_some(), "{request:?}");
        }
        if number >= 3 && beside > 0 {
            break;
        }
    }
    stop.store(true, Ordering::SeqCst);
    writing.await.expect("it wrote");
    assert!(beside > 0, "nothing was written while backups were made");
}

/// It is old, and is to be read anew.
async fn a_directory_is_not_restored(empty: Empty) {
    let configuration = empty.with_connector().await;
    let account = configuration.accounts[1].id;
    let lease = empty.lease(&configuration).await;
    let key = "EmailAddress asha@example.com".to_owned();
    let entry = DirectoryEntry { id: "lead-1".to_owned(), keys: vec![key.clone()], modified: None };
    let reading = DirectoryReading {
        fields: vec!["EmailAddress".to_owned()],
        begun_at: at(0),
        from: at(1),
        page: 1,
        leads: 1,
        complete_at: Some(at(2)),
    };
    let news = DirectoryNews {
        account,
        entries: vec![entry],
        gone: Vec::new(),
        reading: Some(reading.clone()),
    };
    let progress = Progress { directory: vec![news], ..Progress::default() };
    empty.store.record_progress(&lease, progress).await.expect("it is kept");
    let file = empty.backup("backup").await;
    for target in [Empty::sqlite().await, Empty::postgres().await] {
        target.store.close().await.expect("it closes");
        target.restore(file.clone(), &empty, false).await.expect("it is restored");
        let store = target.open_with_key_of(&empty).await;
        assert_eq!(store.directory_reading(account).await.unwrap(), None);
        assert!(store.directory(account, std::slice::from_ref(&key)).await.unwrap().is_empty());
    }
    // The one that was backed up still has it, until it is itself said to be a copy.
    assert_eq!(empty.store.directory_reading(account).await.unwrap(), Some(reading));
    empty.store.note_restored(at(9)).await.expect("it is noted");
    assert_eq!(empty.store.directory_reading(account).await.unwrap(), None);
    assert!(empty.store.directory(account, &[key]).await.unwrap().is_empty());
}

async fn what_is_lost_is_counted(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    empty.deliver(own, 0..2).await;
    let file = empty.backup("backup").await;
    empty.deliver(own, 5..8).await;
    empty.change(crate::empty::account("late", "secret")).await.expect("an account");
    empty.store.close().await.expect("it closes");
    let restored = empty.restore(file, &empty, true).await.expect("it is restored");
    let lost = restored.lost.expect("the old one can be read");
    assert_eq!((lost.requests, lost.links, lost.changes), (3, 0, 1));
    assert_eq!(lost.received, Some((at(5), at(7))));
    let aside = restored.aside.expect("it is kept");
    let store = empty.again().await.expect("it opens");
    assert!(store.configuration().await.unwrap().account("late").is_none());
    store.close().await.expect("it closes");
    // And back to what was replaced.
    empty.restore(aside, &empty, true).await.expect("it is restored");
    let store = empty.again().await.expect("it opens");
    assert!(store.configuration().await.unwrap().account("late").is_some());
}

async fn a_database_that_holds_something_is_not_replaced_unasked(empty: Empty) {
    let configuration = empty.with_connector().await;
    let file = empty.backup("backup").await;
    empty.deliver(configuration.connectors[0].id, 0..1).await;
    empty.store.close().await.expect("it closes");
    let error = empty.restore(file, &empty, false).await.expect_err("it holds something");
    assert!(error.to_string().contains("1 requests. --force replaces it"), "{error}");
    let store = empty.again().await.expect("it opens");
    let page = Page { limit: 9, after: None };
    assert_eq!(store.requests(&Filter::default(), &page).await.unwrap().0.len(), 1);
}

#[tokio::test]
async fn a_newer_backup_and_a_broken_one_are_refused() {
    let empty = Empty::sqlite().await;
    empty.with_connector().await;
    let file = empty.backup("backup").await;
    let target = Empty::sqlite().await;
    target.store.close().await.expect("it closes");
    // A database file of a newer leadsync.
    execute(
        &empty.url,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'later', 1, x'00', 0)",
    )
    .await;
    let newer = empty.backup("newer").await;
    let error = target.restore(newer, &empty, false).await.expect_err("it is newer");
    assert!(error.to_string().contains("newer leadsync"), "{error}");
    // One bit.
    let mut bytes = std::fs::read(&file).expect("the backup");
    bytes[5_000] ^= 1;
    std::fs::write(&file, &bytes).expect("the backup");
    let error = target.restore(file.clone(), &empty, true).await.expect_err("it is broken");
    assert!(error.to_string().contains("does not match its checksum"), "{error}");
    bytes.truncate(20_000);
    std::fs::write(&file, &bytes).expect("the backup");
    let error = target.restore(file, &empty, false).await.expect_err("it is cut short");
    assert!(error.to_string().contains("cut short"), "{error}");
}

/// By whatever name it is called, and whether it is there yet.
async fn a_backup_replaces_no_file_in_use(empty: Empty) {
    let folder = empty.folder.path();
    let mut in_use = vec![empty.key(), folder.join(".").join("key")];
    std::fs::hard_link(empty.key(), folder.join("other-name")).expect("a link");
    in_use.push(folder.join("other-name"));
    if let Some(path) = empty.url.strip_prefix("sqlite://") {
        let endings = ["", "-wal", "-shm", "-lock", ".key"];
        in_use.extend(endings.map(|ending| PathBuf::from(format!("{path}{ending}"))));
    }
    for file in in_use {
        let own = || file.metadata().map(|found| (found.ino(), found.len() > 0)).ok();
        let before = own();
        let key_file = Some(empty.key());
        let wish = BackupWish { file: file.clone(), force: true, now: at(1), key_file };
        let error = empty.store.back_up(wish).await.expect_err("it is in use").to_string();
        assert!(error.contains("choose another file"), "{}: {error}", file.display());
        assert_eq!(own(), before, "{} is still itself", file.display());
    }
    assert!(empty.store.backed_up_at().await.expect("the mark").is_none());
    empty.backup("elsewhere").await;
}

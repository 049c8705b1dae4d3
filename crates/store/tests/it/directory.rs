//! Which leads accounts have, as far as they were read.

use plan::id::AccountId;
use store::{
    BackupWish, Change, DirectoryEntry, DirectoryNews, DirectoryReading, Error, Lease, Progress,
    Spent,
};

use crate::empty::{Beside, Empty, at};

crate::promises! {
    an_entry_replaces_what_was_kept_of_its_lead,
    leads_that_share_a_key_are_all_found,
    leads_that_are_gone_are_found_no_more,
    how_far_an_account_was_read_is_kept,
    accounts_know_nothing_of_each_other,
    a_page_of_leads_and_more_are_kept_and_found,
    a_lost_lease_keeps_no_directory,
    keys_are_never_kept_as_they_are,
    a_removed_account_takes_its_directory_along,
}

const ASHA: &str = "EmailAddress asha@example.com";
const RAVI: &str = "EmailAddress ravi@example.com";
const PHONE: &str = "Phone +919876543210";

/// A store in which the directory of account `b` is kept.
struct Kept {
    empty: Empty,
    lease: Lease,
    a: AccountId,
    b: AccountId,
}

impl Kept {
    async fn new(empty: Empty) -> Self {
        let configuration = empty.with_connector().await;
        let lease = empty.lease(&configuration).await;
        let [a, b] = [0, 1].map(|index| configuration.accounts[index].id);
        Self { empty, lease, a, b }
    }

    async fn record(&self, directory: Vec<DirectoryNews>) -> store::Result<()> {
        let progress = Progress { directory, ..Progress::default() };
        self.empty.store.record_progress(&self.lease, progress).await
    }

    async fn keep(&self, entries: Vec<DirectoryEntry>) {
        self.record(vec![news(self.b, entries)]).await.expect("it is kept");
    }

    /// The leads of account `b` that have this key.
    async fn found(&self, key: &str) -> Vec<String> {
        self.found_in(self.b, key).await
    }

    async fn found_in(&self, account: AccountId, key: &str) -> Vec<String> {
        let mut found = self.empty.store.directory(account, &[key.to_owned()]).await.unwrap();
        let ids = found.remove(key).unwrap_or_default();
        assert!(found.is_empty(), "nobody asked for {found:?}");
        ids
    }

    async fn number(&self, sql: &str) -> i64 {
        Beside::open(&self.empty.url).await.number(sql).await
    }

    /// How many rows there are in each of the tables: leads, their keys, and readings.
    async fn rows(&self) -> [i64; 3] {
        let mut beside = Beside::open(&self.empty.url).await;
        let mut rows = [0; 3];
        let tables = ["directory_lead", "directory_key", "directory_reading"];
        for (count, table) in rows.iter_mut().zip(tables) {
            *count = beside.number(&format!("SELECT count(*) FROM {table}")).await;
        }
        rows
    }
}

fn entry(id: &str, keys: &[&str]) -> DirectoryEntry {
    let keys = keys.iter().map(|key| (*key).to_owned()).collect();
    DirectoryEntry { id: id.to_owned(), keys, modified: Some(at(1)) }
}

fn news(account: AccountId, entries: Vec<DirectoryEntry>) -> DirectoryNews {
    DirectoryNews { account, entries, gone: Vec::new(), reading: None }
}

fn reading(page: u32) -> DirectoryReading {
    DirectoryReading {
        fields: vec!["EmailAddress".to_owned(), "Phone".to_owned()],
        begun_at: at(5),
        from: at(2),
        page,
        leads: 1_000,
        complete_at: None,
    }
}

async fn an_entry_replaces_what_was_kept_of_its_lead(empty: Empty) {
    let kept = Kept::new(empty).await;
    kept.keep(vec![entry("lead-1", &[ASHA, PHONE])]).await;
    assert_eq!(kept.found(ASHA).await, ["lead-1"]);
    assert_eq!(kept.found(PHONE).await, ["lead-1"]);
    let mut changed = entry("lead-1", &[RAVI, PHONE, PHONE]);
    changed.modified = Some(at(7));
    kept.keep(vec![changed.clone()]).await;
    assert!(kept.found(ASHA).await.is_empty(), "it was its key before");
    assert_eq!(kept.found(RAVI).await, ["lead-1"]);
    assert_eq!(kept.found(PHONE).await, ["lead-1"]);
    let modified = "SELECT coalesce(max(modified_at), 0) FROM directory_lead";
    assert_eq!(kept.number(modified).await, at(7).as_millisecond());
    // The same once more is the same.
    kept.keep(vec![changed]).await;
    assert_eq!(kept.rows().await, [1, 2, 0]);
    // Of several entries of one lead the last one counts, in one piece of news and in several.
    let last = DirectoryEntry { modified: None, ..entry("lead-1", &[ASHA]) };
    let directory = vec![
        news(kept.b, vec![entry("lead-1", &[PHONE])]),
        news(kept.b, vec![entry("lead-1", &[RAVI]), last]),
    ];
    kept.record(directory).await.unwrap();
    assert_eq!(kept.found(ASHA).await, ["lead-1"]);
    assert_eq!(kept.rows().await, [1, 1, 0]);
    assert_eq!(kept.number(modified).await, 0, "nobody knows when it was changed");
    // A lead without keys is one all the same.
    kept.keep(vec![entry("lead-1", &[])]).await;
    assert_eq!(kept.rows().await, [1, 0, 0]);
}

async fn leads_that_share_a_key_are_all_found(empty: Empty) {
    let kept = Kept::new(empty).await;
    let leads = ["lead-3", "lead-1", "lead-2"].map(|id| entry(id, &[PHONE]));
    kept.keep(leads.to_vec()).await;
    kept.keep(vec![entry("lead-4", &[ASHA])]).await;
    // Each key is asked for as often as one likes; those of nobody are left out.
    let keys = [PHONE, ASHA, RAVI, PHONE, "", "Phone"].map(str::to_owned);
    let found = kept.empty.store.directory(kept.b, &keys).await.unwrap();
    let mut found: Vec<(&str, Vec<&str>)> = found
        .iter()
        .map(|(key, ids)| (key.as_str(), ids.iter().map(String::as_str).collect()))
        .collect();
    found.sort();
    assert_eq!(found, [(ASHA, vec!["lead-4"]), (PHONE, vec!["lead-1", "lead-2", "lead-3"])]);
    assert!(kept.empty.store.directory(kept.b, &[]).await.unwrap().is_empty());
    let counts =
        [kept.empty.store.count_directory(kept.a), kept.empty.store.count_directory(kept.b)];
    let [first, second] = counts;
    assert_eq!((first.await.unwrap(), second.await.unwrap()), (0, 4));
}

async fn leads_that_are_gone_are_found_no_more(empty: Empty) {
    let kept = Kept::new(empty).await;
    let leads = ["lead-1", "lead-2", "lead-3"].map(|id| entry(id, &[PHONE, id]));
    kept.keep(leads.to_vec()).await;
    let gone = ["lead-1", "lead-3", "nobody"].map(str::to_owned).to_vec();
    // One that is named as gone is gone, whatever else was said of it.
    let entries = vec![entry("lead-3", &[ASHA])];
    kept.record(vec![DirectoryNews { gone, ..news(kept.b, entries) }]).await.unwrap();
    assert_eq!(kept.found(PHONE).await, ["lead-2"]);
    assert!(kept.found("lead-1").await.is_empty());
    assert!(kept.found(ASHA).await.is_empty());
    assert_eq!(kept.rows().await, [1, 2, 0]);
    kept.keep(vec![entry("lead-1", &[PHONE])]).await;
    assert_eq!(kept.found(PHONE).await, ["lead-1", "lead-2"], "lead-1 exists again");
}

async fn how_far_an_account_was_read_is_kept(empty: Empty) {
    let kept = Kept::new(empty).await;
    let store = &kept.empty.store;
    assert_eq!(store.directory_reading(kept.b).await.unwrap(), None);
    let whole = DirectoryReading { leads: 2_500, complete_at: Some(at(90)), ..reading(1) };
    for read in [reading(1), reading(2), whole] {
        let some = DirectoryNews { reading: Some(read.clone()), ..news(kept.b, Vec::new()) };
        kept.record(vec![some]).await.unwrap();
        assert_eq!(store.directory_reading(kept.b).await.unwrap(), Some(read.clone()));
        kept.keep(vec![entry("lead-1", &[ASHA])]).await;
        assert_eq!(store.directory_reading(kept.b).await.unwrap(), Some(read), "nothing new");
    }
    assert_eq!(store.directory_reading(kept.a).await.unwrap(), None);
}

async fn accounts_know_nothing_of_each_other(empty: Empty) {
    let kept = Kept::new(empty).await;
    // A lead's id says nothing about its account.
    let directory = vec![
        news(kept.a, vec![entry("lead-1", &[ASHA, PHONE])]),
        news(kept.b, vec![entry("lead-1", &[RAVI, PHONE])]),
    ];
    kept.record(directory).await.unwrap();
    assert!(kept.found_in(kept.a, RAVI).await.is_empty());
    assert!(kept.found_in(kept.b, ASHA).await.is_empty());
    let hashes = "SELECT count(DISTINCT hash) FROM directory_key";
    assert_eq!(kept.number(hashes).await, 4, "one key has another hash in another account");
    let gone = DirectoryNews { gone: vec!["lead-1".to_owned()], ..news(kept.b, Vec::new()) };
    kept.record(vec![gone]).await.unwrap();
    assert_eq!(kept.found_in(kept.a, PHONE).await, ["lead-1"]);
}

/// More than fit into one statement.
async fn a_page_of_leads_and_more_are_kept_and_found(empty: Empty) {
    const LEADS: usize = 3_500;
    let kept = Kept::new(empty).await;
    let keys: Vec<[String; 2]> = (0..LEADS)
        .map(|n| [format!("EmailAddress {n}@example.com"), format!("Phone {n}")])
        .collect();
    let entries = |which: &[usize]| -> Vec<DirectoryEntry> {
        let keys = keys.iter().enumerate();
        keys.map(|(n, keys)| {
            let keys: Vec<&str> = which.iter().map(|at| keys[*at].as_str()).collect();
            entry(&format!("lead-{n}"), &keys)
        })
        .collect()
    };
    let rows = i64::try_from(LEADS).unwrap();
    kept.keep(entries(&[0, 1])).await;
    assert_eq!(kept.rows().await, [rows, 2 * rows, 0]);
    let all: Vec<String> = keys.concat();
    let found = kept.empty.store.directory(kept.b, &all).await.unwrap();
    assert_eq!(found.len(), 2 * LEADS);
    for (n, keys) in keys.iter().enumerate() {
        let own = [format!("lead-{n}")];
        assert!(keys.iter().all(|key| found[key] == own), "lead {n}");
    }
    kept.keep(entries(&[1])).await;
    assert_eq!(kept.rows().await, [rows, rows, 0]);
    assert_eq!(kept.empty.store.directory(kept.b, &all).await.unwrap().len(), LEADS);
    let gone = (0..LEADS).map(|n| format!("lead-{n}")).collect();
    kept.record(vec![DirectoryNews { gone, ..news(kept.b, Vec::new()) }]).await.unwrap();
    assert_eq!(kept.rows().await, [0, 0, 0]);
}

async fn a_lost_lease_keeps_no_directory(empty: Empty) {
    let kept = Kept::new(empty).await;
    kept.keep(vec![entry("lead-1", &[ASHA])]).await;
    kept.empty.store.release_lease(&kept.lease).await.unwrap();
    let configuration = kept.empty.store.configuration().await.unwrap();
    kept.empty.lease(&configuration).await;
    let late = DirectoryNews {
        gone: vec!["lead-1".to_owned()],
        reading: Some(reading(1)),
        ..news(kept.b, vec![entry("lead-2", &[RAVI])])
    };
    let directory = vec![late];
    let progress = Progress {
        directory,
        spent: vec![Spent { account: kept.b, hour: 24, calls: 1 }],
        ..Progress::default()
    };
    let refused = kept.empty.store.record_progress(&kept.lease, progress).await;
    assert!(matches!(refused, Err(Error::LeaseLost)), "{refused:?}");
    assert_eq!(kept.found(ASHA).await, ["lead-1"]);
    assert_eq!(kept.rows().await, [1, 1, 0]);
}

async fn keys_are_never_kept_as_they_are(empty: Empty) {
    let kept = Kept::new(empty).await;
    kept.keep(vec![entry("lead-1", &[ASHA, PHONE])]).await;
    assert_eq!(kept.rows().await, [1, 2, 0]);
    // A backup is a file with all tables of either database.
    let file = kept.empty.folder.path().join("backup");
    let wish = BackupWish { file: file.clone(), force: false, now: at(9), key_file: None };
    kept.empty.store.back_up(wish).await.expect("a backup");
    let bytes = std::fs::read(file).expect("the backup");
    let holds = |text: &str| bytes.windows(text.len()).any(|some| some == text.as_bytes());
    assert!(holds("lead-1"));
    for secret in ["asha@example.com", "9876543210"] {
        assert!(!holds(secret), "{secret} is in it");
    }
}

async fn a_removed_account_takes_its_directory_along(empty: Empty) {
    let kept = Kept::new(empty).await;
    let some = |account| DirectoryNews {
        reading: Some(reading(1)),
        ..news(account, vec![entry("lead-1", &[ASHA, PHONE])])
    };
    kept.record(vec![some(kept.a), some(kept.b)]).await.unwrap();
    assert_eq!(kept.rows().await, [2, 4, 2]);
    kept.empty.change(Change::RemoveConnector { name: "a-b".to_owned() }).await.unwrap();
    kept.empty.change(Change::RemoveAccount { name: "b".to_owned() }).await.unwrap();
    assert_eq!(kept.rows().await, [1, 2, 1]);
    assert_eq!(kept.found_in(kept.a, ASHA).await, ["lead-1"]);
    assert!(kept.found(ASHA).await.is_empty());
}

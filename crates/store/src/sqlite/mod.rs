//! SQLite: one file, one writer.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{Connection as _, Sqlite, Transaction};

use crate::error::{Error, Result};
use crate::open::Open;
use crate::secret::Cipher;

#[expect(clippy::duplicate_mod, reason = "the statements that both databases accept live once")]
#[path = "../operations/mod.rs"]
mod operations;

/// What the operations need to know of this database.
type Db = Sqlite;
type Connection = SqliteConnection;

/// The database's clock, in milliseconds.
const NOW: &str = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";
/// Appended to a read of lease rows: SQLite's only writer needs no row locks.
const KEEP_ROWS: &str = "";
const CLAIM_ROWS: &str = "";

/// Readers beside the writer.
const READERS: u32 = 4;
/// How long a statement waits for another process that writes.
const BUSY: Duration = Duration::from_secs(10);
/// Pages kept in memory by a connection, in KiB (negative: SQLite's way to say so).
const CACHE: &str = "-16000";

/// The store on an SQLite file.
#[derive(Clone, Debug)]
pub(crate) struct Backend {
    writer: SqlitePool,
    readers: SqlitePool,
    cipher: Cipher,
    /// Held as long as this process serves the file.
    _lock: Option<Arc<File>>,
}

impl Backend {
    /// Opens the file.
    pub(crate) async fn open(path: &Path, how: Open) -> Result<Self> {
        let Open { key_file, serve, must_exist } = how;
        if must_exist && !path.exists() {
            return Err(Error::CannotOpen(format!(
                "there is no database {} here: go to the folder that it lies in, or name it with \
                 --database-url; `apply` and `serve` make a new one",
                path.display()
            )));
        }
        let lock = if serve { Some(Arc::new(lock(path)?)) } else { None };
        let cipher = Cipher::from_file(&key_file.unwrap_or_else(|| beside(path, ".key")))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .pragma("cache_size", CACHE);
        let cannot = |error: sqlx::Error| {
            Error::CannotOpen(format!("the database {} can't be opened: {error}", path.display()))
        };
        let pool = |most| {
            SqlitePoolOptions::new()
                .max_connections(most)
                .min_connections(1)
                // When the disk is full SQLite ends a transaction by itself, and the driver then
                // takes it for one that goes on for ever. Such a connection is closed, and a new
                // one opened.
                .before_acquire(|connection, _| {
                    let is_free = !connection.is_in_transaction();
                    Box::pin(async move { Ok(is_free) })
                })
        };
        let writer = pool(1).connect_with(options.clone()).await.map_err(cannot)?;
        migrations().run(&writer).await.map_err(|error| crate::open::not_migrated(&error))?;
        let readers = pool(READERS).connect_with(options).await.map_err(cannot)?;
        let backend = Self { writer, readers, cipher, _lock: lock };
        if serve {
            // No other process serves the file, so whoever held a lease is gone.
            sqlx::query("UPDATE lease SET expires = 0").execute(&backend.writer).await?;
        }
        backend.check_key().await?;
        Ok(backend)
    }

    /// Begins a transaction that writes. It takes the write lock at once: one that reads first
    /// and writes later would fail under load, whatever the timeout.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// Begins a transaction that only reads, all of it from one moment.
    async fn begin_read(&self) -> Result<Transaction<'static, Sqlite>> {
        Ok(self.readers.begin_with("BEGIN").await?)
    }
}

fn migrations() -> Migrator {
    crate::open::migrations([
        (1, "begin", include_str!("../../migrations/sqlite/0001_begin.sql")),
        (2, "connector", include_str!("../../migrations/sqlite/0002_connector.sql")),
        (3, "mail", include_str!("../../migrations/sqlite/0003_mail.sql")),
        (4, "users", include_str!("../../migrations/sqlite/0004_users.sql")),
        (5, "sessions", include_str!("../../migrations/sqlite/0005_sessions.sql")),
        (7, "tally", include_str!("../../migrations/sqlite/0007_tally.sql")),
        (8, "log", include_str!("../../migrations/sqlite/0008_log.sql")),
        (9, "verified", include_str!("../../migrations/sqlite/0009_verified.sql")),
        (10, "version actor", include_str!("../../migrations/sqlite/0010_version_actor.sql")),
        (11, "access", include_str!("../../migrations/sqlite/0011_access.sql")),
        (12, "review", include_str!("../../migrations/sqlite/0012_review.sql")),
        (13, "code", include_str!("../../migrations/sqlite/0013_code.sql")),
        (14, "lower case", include_str!("../../migrations/sqlite/0014_lower_case.sql")),
        (16, "unbroken", include_str!("../../migrations/sqlite/0016_unbroken.sql")),
    ])
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Makes sure that this is the only process that serves the file.
fn lock(path: &Path) -> Result<File> {
    let path = beside(path, "-lock");
    let cannot = |error: &dyn std::fmt::Display| {
        Error::CannotOpen(format!("the lock file {} can't be used: {error}", path.display()))
    };
    let file = File::create(&path).map_err(|error| cannot(&error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(Error::CannotOpen(format!(
            "another leadsync serves this database already (it holds {}): stop that one first, or \
             use PostgreSQL for several nodes",
            path.display()
        ))),
        Err(std::fs::TryLockError::Error(error)) => Err(cannot(&error)),
    }
}

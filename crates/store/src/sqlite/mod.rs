//! SQLite: one file, one writer.

pub(crate) mod lock;
pub(crate) mod pairing;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool,
    SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection as _, Row as _, Sqlite, Transaction};
use tokio::task::AbortHandle;

use crate::backup;
use crate::error::{Error, Result};
use crate::open::Open;
use crate::secret::Cipher;
use lock::Lock;
pub(crate) use operations::{directory, marks};
use pairing::Pairing;

#[expect(clippy::duplicate_mod, reason = "the statements that both databases accept live once")]
#[path = "../operations/mod.rs"]
mod operations;

/// What the operations need to know about this database.
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
/// A connection's page cache in KiB (negative: SQLite's convention for that unit).
const CACHE: &str = "-16000";

/// Once the `-wal` has this many pages, a commit itself moves pending pages into the file. That
/// takes long for a commit, so another connection does it continuously.
const CHECKPOINT: &str = "20000";
/// How often that other connection does.
const CHECKPOINTS: Duration = Duration::from_secs(2);

/// The most free pages that are returned at once.
const RELEASED: u32 = 500;
/// How often the `-wal` is emptied before that is given up. Each time waits for readers ([`BUSY`]).
const CLEANINGS: usize = 3;

/// The store on an SQLite file.
#[derive(Clone, Debug)]
pub(crate) struct Backend {
    file: OpenFile,
    cipher: Cipher,
}

/// The permissions of the file.
const PRIVATE: u32 = 0o600;

/// A file that is open.
#[derive(Clone, Debug)]
struct OpenFile {
    path: PathBuf,
    writer: SqlitePool,
    readers: SqlitePool,
    pairing: Pairing,
    /// Moves what was committed from the `-wal` into the file; only where this process serves it.
    checkpoints: Option<Arc<AbortHandle>>,
    /// Held as long as this process serves the file.
    lock: Arc<Mutex<Option<Lock>>>,
}

impl Backend {
    /// Opens the file.
    pub(crate) async fn open(path: &Path, how: Open) -> Result<Self> {
        let Open { key_file, serve, must_exist } = how;
        if must_exist && !path.exists() {
            return Err(Error::CannotOpen(format!(
                "there is no database {} here: change to the folder that has it, or pass it with \
                 --database-url; `apply` and `serve` create a new one",
                path.display()
            )));
        }
        let file = OpenFile::open(path, serve).await?;
        let key_file = key_file.unwrap_or_else(|| beside(path, ".key"));
        match Self::prepare(file.clone(), &key_file, serve).await {
            Ok(backend) => Ok(backend),
            Err(error) => {
                // The first error is the meaningful one.
                let _ = file.close().await;
                Err(error)
            }
        }
    }

    /// Runs missing migrations, and makes sure that the key is the right one.
    async fn prepare(file: OpenFile, key_file: &Path, serve: bool) -> Result<Self> {
        migrations().run(&file.writer).await.map_err(|error| crate::open::not_migrated(&error))?;
        let key_use = {
            let mut connection = file.readers.acquire().await?;
            marks::is_no_backup(&mut connection).await?;
            marks::key_use(&mut connection).await?
        };
        let backend = Self { cipher: Cipher::from_file(key_file, &key_use)?, file };
        if serve {
            // No other process serves the file, so any lease holder is gone.
            sqlx::query("UPDATE lease SET expires = 0").execute(&backend.file.writer).await?;
        }
        backend.check_key().await?;
        Ok(backend)
    }

    /// Closes the file. The last process to do so leaves nothing beside it.
    pub(crate) async fn close_all(&self) -> Result<()> {
        self.file.close().await
    }

    /// Whether a service may use the file: none does if this process opened it as the service.
    #[expect(clippy::unused_async, reason = "the other database has to ask")]
    pub(crate) async fn is_in_use(&self) -> Result<bool> {
        Ok(self.file.lock.lock().unwrap_or_else(PoisonError::into_inner).is_none())
    }

    /// The key file unless another is given.
    pub(crate) fn default_key_file(&self) -> PathBuf {
        beside(&self.file.path, ".key")
    }

    /// The files in use.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let path = &self.file.path;
        let others = ["-wal", "-shm", "-lock", ".key"].map(|ending| beside(path, ending));
        others.into_iter().chain([path.clone()]).collect()
    }

    /// Writes a copy to this file, which is empty. It is read in one transaction, while others write;
    /// meanwhile only the `-wal` grows.
    pub(crate) async fn copy_to(&self, path: &Path) -> Result<()> {
        let mut connection = self.file.readers.acquire().await?;
        sqlx::query("VACUUM INTO ?")
            .bind(path.display().to_string())
            .execute(&mut *connection)
            .await?;
        Ok(())
    }

    /// How many bytes the data takes, without pages that are free.
    async fn kept_bytes(&self) -> Result<u64> {
        let row = sqlx::query(
            "SELECT (p.page_count - f.freelist_count) * s.page_size FROM pragma_page_count p, \
             pragma_freelist_count f, pragma_page_size s",
        )
        .fetch_one(&self.file.readers)
        .await?;
        Ok(row.try_get::<i64, _>(0)?.cast_unsigned())
    }

    /// Returns some free pages to the file system, if the file was created so that it can.
    async fn release_space(&self) -> Result<()> {
        let mut transaction = self.begin().await?;
        sqlx::query(sqlx::AssertSqlSafe(format!("PRAGMA incremental_vacuum({RELEASED})")))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Makes sure that deleted data is no longer in the `-wal` either. Returns whether it could:
    /// somebody may be reading an older state.
    async fn clean(&self) -> Result<bool> {
        for _ in 0..CLEANINGS {
            let row =
                sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&self.file.writer).await?;
            if row.try_get::<i64, _>(0)? == 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Begins a transaction that writes. It takes the write lock at once: one that reads first
    /// and writes later would fail under load, whatever the timeout.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>> {
        let mut transaction = self.file.writer.begin_with("BEGIN IMMEDIATE").await?;
        self.file.pairing.note(&mut transaction).await?;
        Ok(transaction)
    }

    /// Begins a transaction that only reads, from one snapshot.
    async fn begin_read(&self) -> Result<Transaction<'static, Sqlite>> {
        Ok(self.file.readers.begin_with("BEGIN").await?)
    }
}

/// Repeatedly moves what was committed into the file. It blocks nobody: what readers still need
/// stays where it is.
fn checkpoint(readers: SqlitePool) -> AbortHandle {
    let task = tokio::spawn(async move {
        let mut every = tokio::time::interval(CHECKPOINTS);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            // If it fails, a commit does it later.
            let _ = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&readers).await;
        }
    });
    task.abort_handle()
}

/// Creates the file if there is none, and makes sure that only its owner can read it. SQLite creates
/// the files beside it with the same permissions.
fn make_private(path: &Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, PRIVATE);
    // Why it can't be opened is SQLite's to say.
    let Ok(file) = options.open(path) else { return Ok(()) };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = file.metadata().map_or(0, |kept| kept.permissions().mode());
        let changed = match mode & 0o077 {
            0 => Ok(()),
            _ => file.set_permissions(std::fs::Permissions::from_mode(PRIVATE)),
        };
        // Where another user owns it, a group may have been let in on purpose.
        if let Err(error) = changed
            && mode & 0o007 != 0
        {
            return Err(Error::CannotOpen(format!(
                "other users of this machine can read the database {path}, and that can't be \
                 changed ({error}): run chmod 600 {path} as its owner",
                path = path.display()
            )));
        }
    }
    Ok(())
}

impl OpenFile {
    async fn open(path: &Path, serve: bool) -> Result<Self> {
        let lock = if serve { Some(Lock::take_to_serve(path).await?) } else { Lock::take(path)? };
        // Beside a service, or another command that is just opening the file, this is fine.
        if let Some(lock) = &lock
            && let Err(error) =
                backup::is_none(path).and_then(|()| pairing::check(path, lock.was_there))
        {
            if !lock.was_there {
                lock.remove();
            }
            return Err(error);
        }
        make_private(path)?;
        let is_new = std::fs::metadata(path).is_ok_and(|file| file.len() == 0);
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            // What is deleted is overwritten, not only unlinked.
            .pragma("secure_delete", "ON")
            .pragma("cache_size", CACHE)
            .pragma("wal_autocheckpoint", CHECKPOINT);
        let cannot = |error: sqlx::Error| {
            Error::CannotOpen(format!("the database {} can't be opened: {error}", path.display()))
        };
        let pool = |most| {
            SqlitePoolOptions::new()
                .max_connections(most)
                .min_connections(1)
                // When the disk is full SQLite ends a transaction itself, but the driver believes
                // that it is still open. Such a connection is closed, and a new one opened.
                .before_acquire(|connection, _| {
                    let is_free = !connection.is_in_transaction();
                    Box::pin(async move { Ok(is_free) })
                })
        };
        // Only a new file takes this over. Whoever sets it waits until nobody writes, so readers must
        // not.
        let writing = if is_new {
            options.clone().auto_vacuum(SqliteAutoVacuum::Incremental)
        } else {
            options.clone()
        };
        let writer = pool(1).connect_with(writing).await.map_err(cannot)?;
        let pairing = Pairing::new(path, serve);
        pairing.open(&writer).await?;
        let readers = pool(READERS).connect_with(options).await.map_err(cannot)?;
        let checkpoints = serve.then(|| Arc::new(checkpoint(readers.clone())));
        let lock = Arc::new(Mutex::new(lock.filter(|_| serve)));
        Ok(Self { path: path.to_owned(), writer, readers, pairing, checkpoints, lock })
    }

    async fn close(&self) -> Result<()> {
        if let Some(checkpoints) = &self.checkpoints {
            checkpoints.abort();
        }
        let own = self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Beside a service it stays open.
        let lock = own.map_or_else(|| Lock::take(&self.path), |own| Ok(Some(own)))?;
        if lock.is_some() {
            self.pairing.close(&self.writer).await?;
        }
        self.readers.close().await;
        self.writer.close().await;
        if let Some(lock) = lock {
            lock.remove();
        }
        Ok(())
    }
}

pub(crate) fn migrations() -> Migrator {
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
        (17, "mark", include_str!("../../migrations/sqlite/0017_mark.sql")),
        (19, "search", include_str!("../../migrations/sqlite/0019_search.sql")),
        (20, "refresh", include_str!("../../migrations/sqlite/0020_refresh.sql")),
        (21, "trait", include_str!("../../migrations/sqlite/0021_trait.sql")),
        (22, "wiring", include_str!("../../migrations/sqlite/0022_wiring.sql")),
        (23, "probe", include_str!("../../migrations/sqlite/0023_probe.sql")),
        (24, "directory", include_str!("../../migrations/sqlite/0024_directory.sql")),
        (25, "backfill", include_str!("../../migrations/sqlite/0025_backfill.sql")),
        (26, "spent by hour", include_str!("../../migrations/sqlite/0026_spent_hour.sql")),
        (27, "catch_up", include_str!("../../migrations/sqlite/0027_catch_up.sql")),
        (28, "catch_up_waits", include_str!("../../migrations/sqlite/0028_catch_up_waits.sql")),
        (29, "backfill_plan", include_str!("../../migrations/sqlite/0029_backfill_plan.sql")),
        (30, "mass_change", include_str!("../../migrations/sqlite/0030_mass_change.sql")),
        (31, "state", include_str!("../../migrations/sqlite/0031_state.sql")),
        (32, "saved_view", include_str!("../../migrations/sqlite/0032_saved_view.sql")),
        (33, "dismissal", include_str!("../../migrations/sqlite/0033_dismissal.sql")),
        (34, "contact", include_str!("../../migrations/sqlite/0034_contact.sql")),
        (35, "alert", include_str!("../../migrations/sqlite/0035_alert.sql")),
        (36, "silence digest", include_str!("../../migrations/sqlite/0036_silence_digest.sql")),
        (37, "echo", include_str!("../../migrations/sqlite/0037_echo.sql")),
        (38, "webhook_url", include_str!("../../migrations/sqlite/0038_webhook_url.sql")),
        (40, "sign in", include_str!("../../migrations/sqlite/0040_sign_in.sql")),
        (41, "identity", include_str!("../../migrations/sqlite/0041_identity.sql")),
        (39, "retention", include_str!("../../migrations/sqlite/0039_retention.sql")),
    ])
}

/// The file of this name with this ending.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

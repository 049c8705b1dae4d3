//! Restoring a backup.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Row};

use super::draft::sync_folder;
use super::lost::{Lost, lost};
use super::seal::{Flaw, unsealed};
use super::{cannot, migrate, open};
use crate::copies::{BackupWish, Copies};
use crate::error::{Error, Result};
use crate::open::{Open, newest};
use crate::secret::{Cipher, KeyUse};
use crate::sqlite::lock::Lock;
use crate::sqlite::{beside, directory, marks, pairing};
use crate::{postgres, sqlite};

/// The options of a restore.
#[derive(Clone, Debug)]
pub struct Restore {
    /// The backup.
    pub file: PathBuf,
    /// The file with the key that it was made with; by default that of the database, as in
    /// [`Open::key_file`].
    pub key_file: Option<PathBuf>,
    /// Whether a database that is not empty may be replaced, and a database file that is not a
    /// backup may be restored.
    pub force: bool,
    /// The time.
    pub now: Timestamp,
}

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The contents of the backup.
    pub copy: Copy,
    /// Where the replaced database is: an SQLite file or, for a PostgreSQL database, a backup of
    /// it.
    pub aside: Option<PathBuf>,
    /// What that one had in addition; `None` if there was none, or it could not be read.
    pub lost: Option<Lost>,
}

/// The contents of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copy {
    /// When it was made; `None` for a database file that is not a backup.
    pub made_at: Option<Timestamp>,
    /// How many requests it holds.
    pub requests: u64,
    /// How many links it holds.
    pub links: u64,
}

/// Replaces the database at this URL by the contents of a backup, after checking it, and marks it as
/// restored. Sessions are ended, and the directories of leads are empty, to be read anew; everything
/// else is as it was when the backup was made.
///
/// # Errors
/// [`Error::Refused`] and [`Error::CannotOpen`]: the message says what is in the way. The database
/// is unchanged then.
pub async fn restore(url: &str, wish: Restore) -> Result<Restored> {
    match url.strip_prefix("sqlite:") {
        Some(path) => into_sqlite(Path::new(path.strip_prefix("//").unwrap_or(path)), wish).await,
        None => into_postgres(url, wish).await,
    }
}

async fn into_sqlite(path: &Path, wish: Restore) -> Result<Restored> {
    let Some(lock) = Lock::take(path)? else {
        return Err(Error::Refused(format!(
            "a leadsync process is using the database {}: stop it first, and start it again \
             afterwards",
            path.display()
        )));
    };
    let restored = replace(path, wish, lock.was_there).await;
    if restored.is_ok() || !lock.was_there {
        lock.remove();
    }
    restored
}

/// Replaces the file by a backup. `was_open`: it was not closed cleanly.
async fn replace(path: &Path, wish: Restore, was_open: bool) -> Result<Restored> {
    let key_file = wish.key_file.clone().unwrap_or_else(|| beside(path, ".key"));
    let prepared = Prepared::from(&wish, beside(path, ".restoring"), &key_file).await?;
    let standing = Standing::of(path, was_open).await;
    if let Some(what) = standing.in_the_way()
        && !wish.force
    {
        return Err(Error::Refused(format!(
            "{} {what}. --force replaces it, and keeps it under another name",
            path.display()
        )));
    }
    let lost = match standing {
        Standing::Holds { .. } => lost(path, &prepared.path).await.ok(),
        Standing::Nothing | Standing::Newer | Standing::Unreadable(_) => None,
    };
    let aside = set_aside(path, wish.now)?;
    std::fs::rename(&prepared.path, path).map_err(|error| cannot(path, "written", &error))?;
    sync_folder(path)?;
    Ok(Restored { copy: prepared.copy, aside, lost })
}

async fn into_postgres(url: &str, wish: Restore) -> Result<Restored> {
    let key_file = wish.key_file.clone().unwrap_or_else(|| PathBuf::from("leadsync.key"));
    // A separate folder: two restores at a time must not read each other's file.
    let folder = tempfile::Builder::new().prefix("leadsync-restoring-").tempdir();
    let folder = folder.map_err(|error| cannot(&std::env::temp_dir(), "written", &error))?;
    let prepared = Prepared::from(&wish, folder.path().join("backup"), &key_file).await?;
    let how = Open { key_file: Some(key_file), ..Open::default() };
    let target = postgres::Backend::open(url, how).await.map_err(|error| {
        Error::CannotOpen(format!(
            "{error}. The existing database can't be read, so it is not replaced: create an empty \
             one, and restore into that"
        ))
    })?;
    let (nodes, accounts, requests) = target.standing().await?;
    if nodes > 0 {
        return Err(Error::Refused(format!(
            "leadsync is using this database ({nodes} connections or leases): stop every node \
             first, and start them again afterwards"
        )));
    }
    let (mut aside, mut known) = (None, None);
    if accounts + requests > 0 {
        if !wish.force {
            let what = holds(accounts, requests);
            return Err(Error::Refused(format!(
                "the database {what}. --force replaces it, and keeps a backup of it"
            )));
        }
        let file = free_name(&wish.file, wish.now);
        let backup = BackupWish {
            file: file.clone(),
            force: false,
            now: wish.now,
            key_file: wish.key_file.clone(),
        };
        target.back_up(backup).await?;
        known = lost(&file, &prepared.path).await.ok();
        aside = Some(file);
    }
    let mut copy = open(&prepared.path).await?;
    target.replace_by(&mut copy).await?;
    copy.close().await?;
    target.close_all().await?;
    Ok(Restored { copy: prepared.copy, aside, lost: known })
}

/// A checked backup, as a usable database. The file is removed when this is dropped, unless it was
/// renamed.
struct Prepared {
    path: PathBuf,
    copy: Copy,
}

impl Prepared {
    async fn from(wish: &Restore, path: PathBuf, key_file: &Path) -> Result<Self> {
        let file = wish.file.as_path();
        let copy = Copy { made_at: None, requests: 0, links: 0 };
        let mut prepared = Self { path, copy };
        let is_sealed = prepared.unseal(file, wish.force)?;
        let told = |error: Error| Error::Refused(format!("{}: {error}", file.display()));
        prepared.copy = check(&prepared.path, file, (key_file, wish.now, is_sealed)).await?;
        // Everything is read and decrypted as in the service.
        let how = Open { key_file: Some(key_file.to_owned()), must_exist: true, ..Open::default() };
        let backend = sqlite::Backend::open(&prepared.path, how).await.map_err(told)?;
        backend.close_all().await?;
        Ok(prepared)
    }

    /// Copies the contents of the backup; returns whether it is one.
    fn unseal(&self, file: &Path, force: bool) -> Result<bool> {
        self.remove();
        let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.path);
        let written = written.map_err(|error| cannot(&self.path, "written", &error))?;
        let shown = file.display();
        match unsealed(file, &self.path, &written)? {
            None => Ok(true),
            Some(Flaw::Changed) => Err(Error::Refused(format!(
                "{shown} is corrupt: its content does not match its checksum. Use another backup"
            ))),
            Some(Flaw::NoSeal) if !force => Err(Error::Refused(format!(
                "{shown} is not a complete backup: the line with the checksum is missing at its \
                 end. The file was cut short, or was not made by `leadsync backup`. Use another \
                 backup; if a database file is all you have, --force checks and restores it"
            ))),
            Some(Flaw::NoSeal) => {
                let wal = beside(file, "-wal");
                if wal.exists() {
                    let copied = std::fs::copy(&wal, beside(&self.path, "-wal"));
                    copied.map_err(|error| cannot(&wal, "copied", &error))?;
                }
                Ok(false)
            }
        }
    }

    fn remove(&self) {
        for ending in ["", "-wal", "-shm", "-journal"] {
            let _ = std::fs::remove_file(beside(&self.path, ending));
        }
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Checks the database of a backup, brings it up to date and marks it as restored.
async fn check(
    path: &Path,
    file: &Path,
    (key_file, now, is_sealed): (&Path, Timestamp, bool),
) -> Result<Copy> {
    let shown = file.display();
    let broken = |what: &dyn std::fmt::Display| {
        Error::Refused(format!("{shown} is corrupt: {what}. Use another backup"))
    };
    let foreign =
        || Error::Refused(format!("{shown} is neither a leadsync backup nor a leadsync database"));
    let mut connection = open(path).await.map_err(|_| foreign())?;
    let version = version(&mut connection).await.map_err(|_| foreign())?;
    if version > newest(&sqlite::migrations()) {
        return Err(Error::Refused(format!(
            "{shown} was made by a newer leadsync (migration {version} is unknown here): update \
             this one"
        )));
    }
    let rows = sqlx::query("PRAGMA integrity_check(1)").fetch_all(&mut connection).await;
    let found: String = rows.map_err(|error| broken(&error))?[0].try_get(0)?;
    if found != "ok" {
        return Err(broken(&found));
    }
    let dangling = sqlx::query("PRAGMA foreign_key_check").fetch_optional(&mut connection).await?;
    if let Some(row) = dangling {
        let table: String = row.try_get(0)?;
        return Err(broken(&format!("a row of {table} refers to a missing row")));
    }
    connection.close().await?;
    migrate(path).await?;
    let mut connection = open(path).await?;
    let made_at = marks::find_time(&mut connection, marks::COPIED).await?;
    let used: KeyUse = marks::key_use(&mut connection).await?;
    Cipher::from_file(key_file, &used)
        .map_err(|error| Error::Refused(format!("{shown} can't be used: {error}")))?;
    let row = sqlx::query("SELECT (SELECT count(*) FROM request), (SELECT count(*) FROM link)")
        .fetch_one(&mut connection)
        .await?;
    let (requests, links): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    for sql in [
        "DELETE FROM mark WHERE name = 'copy_made_at'",
        // Somebody may have been signed out since, and links used up.
        "DELETE FROM session",
        "DELETE FROM sign_in_link",
        "DELETE FROM invite",
        "UPDATE lease SET holder = '', expires = 0",
    ] {
        sqlx::query(sql).execute(&mut connection).await?;
    }
    directory::forget_all(&mut connection).await?;
    marks::put_time(&mut connection, marks::RESTORED, now).await?;
    pairing::close(&mut connection).await?;
    connection.close().await?;
    Ok(Copy {
        made_at: made_at.filter(|_| is_sealed),
        requests: requests.cast_unsigned(),
        links: links.cast_unsigned(),
    })
}

async fn version(connection: &mut SqliteConnection) -> Result<i64> {
    let row =
        sqlx::query("SELECT max(version) FROM _sqlx_migrations").fetch_one(connection).await?;
    Ok(row.try_get(0)?)
}

/// What is at the target of the restore.
enum Standing {
    Nothing,
    Holds { accounts: i64, requests: i64 },
    Newer,
    Unreadable(String),
}

impl Standing {
    async fn of(path: &Path, was_open: bool) -> Self {
        let is_there =
            |ending: &str| std::fs::metadata(beside(path, ending)).is_ok_and(|file| file.len() > 0);
        if !is_there("") && !is_there("-wal") {
            return Self::Nothing;
        }
        if let Err(error) = pairing::check(path, was_open) {
            return Self::Unreadable(error.to_string());
        }
        Self::read(path).await.unwrap_or_else(|error| Self::Unreadable(error.to_string()))
    }

    async fn read(path: &Path) -> Result<Self> {
        let mut connection = open(path).await?;
        if version(&mut connection).await? > newest(&sqlite::migrations()) {
            return Ok(Self::Newer);
        }
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM account) + (SELECT count(*) FROM users), \
             (SELECT count(*) FROM request)",
        )
        .fetch_one(&mut connection)
        .await?;
        let (accounts, requests) = (row.try_get(0)?, row.try_get(1)?);
        connection.close().await?;
        Ok(Self::Holds { accounts, requests })
    }

    /// The message about one that is not replaced without an explicit option.
    fn in_the_way(&self) -> Option<String> {
        match self {
            Self::Nothing | Self::Holds { accounts: 0, requests: 0 } => None,
            Self::Holds { accounts, requests } => Some(holds(*accounts, *requests)),
            Self::Newer => Some("was changed by a newer leadsync".to_owned()),
            Self::Unreadable(why) => Some(format!("exists but can't be read ({why})")),
        }
    }
}

fn holds(accounts: i64, requests: i64) -> String {
    format!("holds {accounts} accounts and users, and {requests} requests")
}

/// Renames the existing database at a path, with its `-wal`.
fn set_aside(path: &Path, now: Timestamp) -> Result<Option<PathBuf>> {
    let aside = free_name(path, now);
    let mut was_there = false;
    for ending in ["-wal", ""] {
        let from = beside(path, ending);
        match std::fs::rename(&from, beside(&aside, ending)) {
            Ok(()) => was_there = true,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(cannot(&from, "renamed", &error)),
        }
    }
    // SQLite makes it again.
    let _ = std::fs::remove_file(beside(path, "-shm"));
    Ok(was_there.then_some(aside))
}

/// A name for what is replaced.
fn free_name(path: &Path, now: Timestamp) -> PathBuf {
    let base = beside(path, &now.strftime(".replaced-%Y%m%dT%H%M%SZ").to_string());
    let numbered = (2..).map(|number| beside(&base, &format!("-{number}")));
    let is_free = |name: &PathBuf| name.symlink_metadata().is_err();
    std::iter::once(base.clone()).chain(numbered).find(is_free).unwrap_or(base)
}

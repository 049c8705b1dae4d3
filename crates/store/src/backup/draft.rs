//! A backup that is being written.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sqlx::{Connection, Row};

use super::{cannot, open, seal};
use crate::copies::Backup;
use crate::error::{Error, Result};
use crate::sqlite::{beside, marks, pairing};

/// A temporary file beside the backup's target. It is removed unless it becomes the backup.
#[derive(Debug)]
pub(crate) struct Draft {
    file: PathBuf,
    force: bool,
    path: PathBuf,
    /// Locked, so that two backups to one file don't collide. It stays open until the end: closing
    /// it would release the locks that SQLite has on the file in this process.
    handle: File,
    is_done: bool,
}

impl Draft {
    /// Starts the backup to this file. Leftovers of an earlier one that was killed are overwritten.
    ///
    /// # Errors
    /// It is one of the files in use, or exists and may not be replaced, or can't be written.
    pub(crate) fn begin(file: &Path, force: bool, in_use: &[PathBuf]) -> Result<Self> {
        let path = beside(file, ".partial");
        for target in [file, &path] {
            if let Some(used) = in_use.iter().find(|used| is_same(target, used)) {
                return Err(Error::Refused(format!(
                    "{} is {}, which leadsync is using: choose another file for the backup",
                    target.display(),
                    used.display()
                )));
            }
        }
        if !force && file.symlink_metadata().is_ok() {
            return Err(exists(file));
        }
        let handle = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| cannot(&path, "written", &error))?;
        match handle.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Refused(format!(
                    "another backup to {} is in progress: it writes {}",
                    file.display(),
                    path.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(cannot(&path, "locked", &error)),
        }
        let emptied = handle
            .set_len(0)
            .and_then(|()| handle.set_permissions(std::fs::Permissions::from_mode(0o600)));
        emptied.map_err(|error| cannot(&path, "written", &error))?;
        Ok(Self { file: file.to_owned(), force, path, handle, is_done: false })
    }

    /// Where to write.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its final name, once it is on disk.
    fn publish(mut self) -> Result<u64> {
        let length = self.handle.sync_all().and_then(|()| self.handle.metadata());
        let length = length.map_err(|error| cannot(&self.path, "written", &error))?.len();
        let named = if self.force {
            std::fs::rename(&self.path, &self.file)
        } else {
            // A rename would replace a file created meanwhile.
            std::fs::hard_link(&self.path, &self.file)
                .and_then(|()| std::fs::remove_file(&self.path))
        };
        named.map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => exists(&self.file),
            _ => cannot(&self.file, "written", &error),
        })?;
        self.is_done = true;
        sync_folder(&self.file)?;
        Ok(length)
    }
}

/// Whether two paths are the same file, by name or by target. A symbolic link to the second is a
/// different file: replacing it does not affect that.
fn is_same(one: &Path, other: &Path) -> bool {
    let (one_file, other_file) = (one.symlink_metadata(), other.metadata());
    let is_one_file = matches!(
        (one_file, other_file),
        (Ok(one), Ok(other)) if (one.dev(), one.ino()) == (other.dev(), other.ino())
    );
    is_one_file || named(one) == named(other)
}

/// A path without redundant parts.
fn named(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = std::fs::canonicalize(folder.unwrap_or(Path::new(".")));
    match (folder, path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_done {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Makes sure that a file's name is on disk.
pub(super) fn sync_folder(file: &Path) -> Result<()> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| cannot(folder, "written", &error))
}

fn exists(file: &Path) -> Error {
    Error::Refused(format!(
        "{} already exists: choose another name, or pass --force to replace it",
        file.display()
    ))
}

/// Makes a backup of a draft that holds all tables.
pub(crate) async fn sealed(draft: Draft, now: Timestamp, fingerprint: &str) -> Result<Backup> {
    let mut connection = open(draft.path()).await?;
    marks::put(&mut connection, marks::KEY, fingerprint).await?;
    marks::put_time(&mut connection, marks::COPIED, now).await?;
    pairing::close(&mut connection).await?;
    let row = sqlx::query("SELECT (SELECT count(*) FROM request), (SELECT count(*) FROM link)")
        .fetch_one(&mut connection)
        .await?;
    let (requests, links): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    connection.close().await?;
    let finished = tokio::task::spawn_blocking(move || {
        seal::seal(&draft.path, &draft.handle)?;
        draft.publish()
    });
    let bytes = finished.await.map_err(|panic| Error::panicked(&panic))??;
    Ok(Backup {
        bytes,
        requests: requests.cast_unsigned(),
        links: links.cast_unsigned(),
        key_fingerprint: fingerprint.to_owned(),
    })
}

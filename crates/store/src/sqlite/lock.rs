//! Who serves a file.

use std::fs::{File, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Result};

/// How many times, and after which pause, to check whether a lock is free.
const LOOKS: u32 = 25;
const PAUSE: Duration = Duration::from_millis(20);

/// The exclusive right to serve a file, or to open or close it while nobody does: a lock on a file
/// beside it, which the system releases when the process ends.
///
/// The lock file exists while anybody has the database open, and after an unclean end.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    /// Whether the lock file already existed: the database was not closed cleanly.
    pub(crate) was_there: bool,
    /// Locked as long as it is open.
    _file: File,
}

impl Lock {
    /// Takes the lock; `None` if somebody else has it.
    pub(crate) fn take(path: &Path) -> Result<Option<Self>> {
        let path = path_of(path);
        let cannot = |error: std::io::Error| {
            Error::CannotOpen(format!("the lock file {} can't be used: {error}", path.display()))
        };
        loop {
            let was_there = path.exists();
            let file = File::create(&path).map_err(cannot)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(cannot(error)),
            }
            // The previous holder may have removed the file meanwhile, and the next one created
            // another.
            let is_it = |there: std::fs::Metadata| {
                file.metadata()
                    .is_ok_and(|own| (own.dev(), own.ino()) == (there.dev(), there.ino()))
            };
            if std::fs::metadata(&path).is_ok_and(is_it) {
                return Ok(Some(Self { path, was_there, _file: file }));
            }
        }
    }

    /// Takes the lock to serve the file. Commands hold it briefly while they open or close it.
    pub(crate) async fn take_to_serve(path: &Path) -> Result<Self> {
        for _ in 0..LOOKS {
            if let Some(lock) = Self::take(path)? {
                return Ok(lock);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(Error::CannotOpen(format!(
            "another leadsync process is already using this database (it holds {}): stop it first, \
             or use PostgreSQL for several nodes",
            path_of(path).display()
        )))
    }

    /// Removes the file: the database was closed cleanly, or is not touched.
    pub(crate) fn remove(&self) {
        // While it is still locked. A leftover file does no harm.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn path_of(path: &Path) -> PathBuf {
    super::beside(path, "-lock")
}

//! Backups, and what the store knows of its own past.

use std::path::PathBuf;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::error::Result;

/// Copying everything that is kept.
#[async_trait]
pub trait Copies: Send + Sync + std::fmt::Debug {
    /// Writes a copy of everything, as it is at one moment, to a file: an SQLite database with a
    /// checksum, whatever the store is on. Others go on reading and writing meanwhile. The file
    /// appears under its name when it is whole and on disk, readable for its owner only.
    ///
    /// # Errors
    /// [`crate::Error::Refused`]: the file exists, or can't be written.
    async fn back_up(&self, wish: BackupWish) -> Result<Backup>;

    /// When the last backup was made.
    async fn backed_up_at(&self) -> Result<Option<Timestamp>>;

    /// The store was restored by other means than [`crate::restore`]; from now on
    /// [`crate::Configuration::restored_at`] says so, and the directories of leads are empty.
    async fn note_restored(&self, at: Timestamp) -> Result<()>;
}

/// The wish for a backup.
#[derive(Clone, Debug)]
pub struct BackupWish {
    /// Where to.
    pub file: PathBuf,
    /// Whether a file that is there may be replaced.
    pub force: bool,
    /// The time.
    pub now: Timestamp,
    /// The key file, if it is not the one beside the database: it is never replaced.
    pub key_file: Option<PathBuf>,
}

/// A backup that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// The size of the file.
    pub bytes: u64,
    /// How many requests it holds.
    pub requests: u64,
    /// How many links it holds.
    pub links: u64,
    /// The fingerprint of the key file that is needed with it.
    pub key_fingerprint: String,
}

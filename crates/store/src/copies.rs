//! Backups, and what the store knows about its own past.

use std::path::PathBuf;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::error::Result;

/// Copying the whole store.
#[async_trait]
pub trait Copies: Send + Sync + std::fmt::Debug {
    /// Writes a consistent copy of everything to a file: an SQLite database with a checksum,
    /// whatever the store's own database. Reads and writes continue meanwhile. The file appears
    /// under its name once it is complete and on disk, readable by its owner only.
    ///
    /// # Errors
    /// [`crate::Error::Refused`]: the file exists, or can't be written.
    async fn back_up(&self, wish: BackupWish) -> Result<Backup>;

    /// When the last backup was made.
    async fn backed_up_at(&self) -> Result<Option<Timestamp>>;

    /// Notes that the store was restored by other means than [`crate::restore`]: from now on
    /// [`crate::Configuration::restored_at`] says so, and the directories of leads are empty.
    async fn note_restored(&self, at: Timestamp) -> Result<()>;
}

/// The options of a backup.
#[derive(Clone, Debug)]
pub struct BackupWish {
    /// Where to.
    pub file: PathBuf,
    /// Whether an existing file may be replaced.
    pub force: bool,
    /// The time.
    pub now: Timestamp,
    /// The key file, if not the one beside the database: it is never replaced.
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
    /// The fingerprint of the key file that it needs.
    pub key_fingerprint: String,
}

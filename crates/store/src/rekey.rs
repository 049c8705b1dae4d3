//! Replacing the key that encrypts.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::audit::Actor;
use crate::error::Result;

/// Replacing the key.
#[async_trait]
pub trait Rekey: Send + Sync + std::fmt::Debug {
    /// Encrypts everything that is encrypted with a new key, and puts that in place of the key file; the
    /// old one is kept under another name, for backups that need it. Hashes stay as they are. If it is
    /// interrupted, either key file fits: the next start puts the right one in its place.
    ///
    /// # Errors
    /// [`crate::Error::Refused`]: a service uses the database.
    async fn rotate_key(
        &self,
        file: Option<&Path>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Rotated>;
}

/// What became of the key files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The file with the new key.
    pub file: PathBuf,
    /// Where the old key is now.
    pub old_file: PathBuf,
    /// The new key's fingerprint.
    pub fingerprint: String,
}

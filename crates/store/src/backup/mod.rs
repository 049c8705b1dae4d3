//! Backups: files that hold everything at one moment.
//!
//! A backup is an SQLite database of the tables that leadsync itself uses, whichever database it
//! was made from, followed by a line with the SHA-256 of everything before it. So a backup of one
//! kind of database can be restored into the other. It contains the fingerprint of the key file
//! that its secrets were encrypted with, and never the key.

mod draft;
mod lost;
mod restore;
mod seal;
mod tables;

pub(crate) use draft::{Draft, sealed};
pub use lost::Lost;
pub use restore::{Copy, Restore, Restored, restore};
pub(crate) use tables::{copy_from_postgres, copy_to_postgres};

use std::path::Path;

use sqlx::Connection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};

use crate::error::{Error, Result};

/// Opens the database of a backup, which nobody else has open, so that nothing is left beside it.
pub(crate) async fn open(path: &Path) -> Result<SqliteConnection> {
    Ok(SqliteConnection::connect_with(&options(path)).await?)
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Delete)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(false)
}

/// Runs the migrations that the database of a backup has not seen yet.
pub(crate) async fn migrate(path: &Path) -> Result<()> {
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options(path)).await?;
    let migrated = crate::sqlite::migrations().run(&pool).await;
    pool.close().await;
    migrated.map_err(|error| crate::open::not_migrated(&error))
}

/// The error of a file that can't be read or written.
fn cannot(path: &Path, what: &str, error: &std::io::Error) -> Error {
    Error::Refused(format!("{} can't be {what}: {error}", path.display()))
}

/// Fails if a file is a backup, which must be restored before use.
pub(crate) fn is_none(path: &Path) -> Result<()> {
    if seal::is_sealed(path) { Err(worked_with(&path.display().to_string())) } else { Ok(()) }
}

/// The error for using a backup as if it were the database.
pub(crate) fn worked_with(what: &str) -> Error {
    Error::CannotOpen(format!(
        "{what} is a backup made by `leadsync backup`, which can't be used directly: move it to \
         another place, and run `leadsync restore` with it. Nothing was changed"
    ))
}

//! Choosing and opening a database.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use crate::{Error, Result, Store, postgres, sqlite};

/// How to open a database.
#[derive(Clone, Debug, Default)]
pub struct Open {
    /// The file with the key that encrypts API keys. It is made if it is not there. Unless given,
    /// it lies beside an SQLite file (`leadsync.db.key`), and is `leadsync.key` in the working
    /// directory for PostgreSQL.
    pub key_file: Option<PathBuf>,
    /// Whether this process receives and works requests. An SQLite file has one such process at
    /// a time; commands may open it beside that one.
    pub serve: bool,
    /// Whether an SQLite file must be there already. Otherwise it is made.
    pub must_exist: bool,
}

/// Opens the store at this URL: `sqlite://PATH` or `postgres://USER:PASSWORD@HOST/DATABASE`.
/// Missing migrations are run.
///
/// # Errors
/// [`Error::CannotOpen`]: the URL, the file, the server, the key file, or a database that a newer
/// leadsync has changed.
pub async fn open(url: &str, how: Open) -> Result<Arc<dyn Store>> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.contains('?') || path == ":memory:" {
            return Err(Error::CannotOpen(format!(
                "'{url}' names no file: write sqlite:// and a path, like sqlite://leadsync.db"
            )));
        }
        return Ok(Arc::new(sqlite::Backend::open(Path::new(path), how).await?));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Arc::new(postgres::Backend::open(url, how.key_file).await?));
    }
    Err(Error::CannotOpen("the database URL must begin with sqlite:// or postgres://".to_owned()))
}

pub(crate) fn migrations<const N: usize>(all: [(i64, &'static str, &'static str); N]) -> Migrator {
    let migration = |(version, name, sql): (i64, &'static str, &'static str)| {
        let sql = sqlx::SqlSafeStr::into_sql_str(sql);
        Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, sql, false)
    };
    Migrator::with_migrations(all.into_iter().map(migration).collect())
}

pub(crate) fn not_migrated(error: &MigrateError) -> Error {
    Error::CannotOpen(match error {
        MigrateError::VersionMissing(version) => format!(
            "the database was changed by a newer leadsync (migration {version} is not known \
             here): update this one"
        ),
        other => format!("the database can't be brought up to date: {other}"),
    })
}

//! How a database is opened and brought up to date.

use std::borrow::Cow;
use std::path::PathBuf;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use crate::error::Error;

/// How to open a database.
#[derive(Clone, Debug, Default)]
pub struct Open {
    /// The file with the key that encrypts API keys. It is created if missing. By default it is
    /// beside an SQLite file (`leadsync.db.key`), or `leadsync.key` in the working directory for
    /// PostgreSQL.
    pub key_file: Option<PathBuf>,
    /// Whether this process receives and processes requests. An SQLite file has one such process at
    /// a time; commands may open it beside that one.
    pub serve: bool,
    /// Whether an SQLite file must already exist. Otherwise it is created.
    pub must_exist: bool,
}

pub(crate) fn migrations<const N: usize>(all: [(i64, &'static str, &'static str); N]) -> Migrator {
    let migration = |(version, name, sql): (i64, &'static str, &'static str)| {
        let sql = sqlx::SqlSafeStr::into_sql_str(sql);
        Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, sql, false)
    };
    Migrator::with_migrations(all.into_iter().map(migration).collect())
}

/// The number of the last migration that this leadsync knows.
pub(crate) fn newest(migrator: &Migrator) -> i64 {
    migrator.iter().map(|migration| migration.version).max().unwrap_or_default()
}

pub(crate) fn not_migrated(error: &MigrateError) -> Error {
    Error::CannotOpen(match error {
        MigrateError::VersionMissing(version) => format!(
            "the database was changed by a newer leadsync (migration {version} is unknown here): \
             update this one"
        ),
        other => format!("the database can't be migrated: {other}"),
    })
}

#[cfg(test)]
mod tests {
    /// The migrations in this folder, by number and text.
    fn in_folder(name: &str) -> Vec<(i64, String)> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(name);
        let entries = std::fs::read_dir(folder).expect("the folder is there");
        let mut found: Vec<(i64, String)> = entries
            .map(|entry| {
                let path = entry.expect("it can be read").path();
                let file = path.file_name().and_then(|file| file.to_str()).expect("a plain name");
                let number = file[..4].parse().expect("it begins with a number of four digits");
                (number, std::fs::read_to_string(&path).expect("it can be read"))
            })
            .collect();
        found.sort();
        found
    }

    #[test]
    fn every_migration_is_run() {
        for (name, migrator) in
            [("sqlite", crate::sqlite::migrations()), ("postgres", crate::postgres::migrations())]
        {
            let run: Vec<(i64, String)> =
                migrator.iter().map(|m| (m.version, m.sql.as_str().to_owned())).collect();
            assert_eq!(run, in_folder(name), "{name}");
        }
    }
}

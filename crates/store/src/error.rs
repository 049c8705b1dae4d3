//! What can go wrong, by what the caller can do about it.

use std::fmt;

use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;

/// What every operation returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database can't be reached, or can't do it now: it is full, busy, locked or shutting
    /// down. Nothing was changed; it may work later.
    #[error("the database could not complete the operation ({0}); leadsync retries it")]
    Unavailable(#[source] sqlx::Error),
    /// The database refused the request, or gave an answer that leadsync does not understand.
    /// Nothing was changed, and another try would fail in the same way.
    #[error(
        "this is a defect in leadsync, and a retry will not help: please report it with this \
         message ({0})"
    )]
    Defect(String),
    /// Another process now holds these accounts. Stop at once and write nothing.
    #[error("another node has taken over these accounts")]
    LeaseLost,
    /// The request can't be fulfilled: the message says what and why.
    #[error("{0}")]
    Refused(String),
    /// The target has changed since the caller read it. The message gives its state: read it again,
    /// and decide again.
    #[error("{0}")]
    Changed(String),
    /// Stored data can't be read: a bug, an outside edit, or the wrong key file.
    #[error("table {table}, row {row}: {what}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// Which row of it.
        row: String,
        /// The error in it.
        what: String,
    },
    /// The store can't be opened as requested: the message says what to change.
    #[error("{0}")]
    CannotOpen(String),
}

impl Error {
    /// [`Error::Changed`] for a connector that is at this version.
    pub(crate) fn connector_changed(name: &str, version: i64) -> Self {
        Self::Changed(match version {
            0 => format!("the connector {name} no longer exists"),
            version => format!("the connector {name} is now at version {version}"),
        })
    }

    /// An operation panicked.
    pub(crate) fn panicked(what: &impl fmt::Display) -> Self {
        Self::Defect(format!("a storage operation panicked: {what}"))
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if is_passing(&error) { Self::Unavailable(error) } else { Self::Defect(error.to_string()) }
    }
}

/// Whether an error may be gone at the next try. Anything not known to be a bug is assumed to be
/// temporary: a delivery is never given up for it.
fn is_passing(error: &sqlx::Error) -> bool {
    use sqlx::Error as E;
    match error {
        E::Database(error) => match error.code() {
            Some(code) if is_postgres(error.as_ref()) => is_passing_in_postgres(&code),
            Some(code) => is_passing_in_sqlite(&code),
            None => true,
        },
        E::InvalidArgument(_)
        | E::RowNotFound
        | E::TypeNotFound { .. }
        | E::ColumnIndexOutOfBounds { .. }
        | E::ColumnNotFound(_)
        | E::ColumnDecode { .. }
        | E::Encode(_)
        | E::Decode(_)
        | E::InvalidSavePointStatement => false,
        _ => true,
    }
}

fn is_postgres(error: &dyn DatabaseError) -> bool {
    error.try_downcast_ref::<PgDatabaseError>().is_some()
}

/// By SQLSTATE (PostgreSQL's documentation, appendix A, "PostgreSQL Error Codes").
fn is_passing_in_postgres(code: &str) -> bool {
    match code {
        // A privilege that a database administrator revoked, and can grant again.
        "42501" => true,
        _ => !matches!(
            code.get(..2),
            Some(
                "0A" // missing feature
                | "20" | "21" // case not found, cardinality
                | "22" // invalid data
                | "23" // constraints
                | "26" | "34" // missing statements and cursors
                | "42" // syntax; missing tables, columns and functions
                | "54" // statement limits exceeded
            )
        ),
    }
}

/// By the primary part of SQLite's result codes (sqlite.org/rescode.html).
fn is_passing_in_sqlite(code: &str) -> bool {
    const ERROR: i32 = 1; // syntax; missing tables and columns
    const INTERNAL: i32 = 2;
    const TOO_BIG: i32 = 18;
    const CONSTRAINT: i32 = 19;
    const MISMATCH: i32 = 20;
    const MISUSE: i32 = 21;
    const RANGE: i32 = 25;
    let primary = code.parse::<i32>().map(|code| code & 0xff);
    !matches!(primary, Ok(ERROR | INTERNAL | TOO_BIG | CONSTRAINT | MISMATCH | MISUSE | RANGE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgres_says_what_passes() {
        for code in
            ["08006", "53100", "53300", "57P01", "57014", "40001", "40P01", "55P03", "58030"]
        {
            assert!(is_passing_in_postgres(code), "{code}");
        }
        for code in ["XX000", "25006", "28P01", "42501"] {
            assert!(is_passing_in_postgres(code), "{code}");
        }
        for code in
            ["22001", "22P02", "23502", "23503", "23505", "23514", "42601", "42703", "42P01"]
        {
            assert!(!is_passing_in_postgres(code), "{code}");
        }
    }

    #[test]
    fn sqlite_says_what_passes() {
        // Busy, busy while it recovers, locked, a failed read of the disk, full, can't be opened.
        for code in ["5", "261", "6", "266", "13", "14"] {
            assert!(is_passing_in_sqlite(code), "{code}");
        }
        // No such table, unique, not null, primary key, foreign key, check, mismatch.
        for code in ["1", "2067", "1299", "1555", "787", "275", "20"] {
            assert!(!is_passing_in_sqlite(code), "{code}");
        }
    }

    #[test]
    fn the_connection_passes_and_what_was_read_does_not() {
        for error in [
            sqlx::Error::PoolTimedOut,
            sqlx::Error::PoolClosed,
            sqlx::Error::WorkerCrashed,
            sqlx::Error::BeginFailed,
            sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into()),
            sqlx::Error::Protocol("unexpected end".to_owned()),
        ] {
            let error = Error::from(error);
            assert!(matches!(error, Error::Unavailable(_)), "{error}");
            assert!(error.to_string().contains("leadsync retries it"), "{error}");
        }
        for error in [
            sqlx::Error::RowNotFound,
            sqlx::Error::ColumnNotFound("due".to_owned()),
            sqlx::Error::Decode("no number".into()),
            sqlx::Error::ColumnIndexOutOfBounds { index: 4, len: 3 },
        ] {
            let error = Error::from(error);
            assert!(matches!(error, Error::Defect(_)), "{error}");
            assert!(error.to_string().contains("please report it"), "{error}");
        }
    }
}

//! What can go wrong, by what the caller can do about it.

/// What every operation returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database can't be reached, is full, or failed. Nothing was changed; later it may work.
    #[error("the database did not do it ({0}); it will be tried again")]
    Unavailable(#[from] sqlx::Error),
    /// Somebody else works these accounts now. Stop at once and write nothing.
    #[error("another node has taken over these accounts")]
    LeaseLost,
    /// What was asked for can't be: the message says what and why.
    #[error("{0}")]
    Refused(String),
    /// What was to be changed is not as the caller knew it. The message says how it is: read it
    /// again, and decide again.
    #[error("{0}")]
    Changed(String),
    /// What is stored can't be read: a defect, a foreign hand or the wrong key file.
    #[error("table {table}, row {row}: {what}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// Which row of it.
        row: String,
        /// What is wrong with it.
        what: String,
    },
    /// The store can't be opened as it was asked for: the message says what to change.
    #[error("{0}")]
    CannotOpen(String),
}

impl Error {
    /// [`Error::Changed`] of a connector that is at this version.
    pub(crate) fn connector_changed(name: &str, version: i64) -> Self {
        Self::Changed(match version {
            0 => format!("there is no connector {name} any more"),
            version => format!("the connector {name} is at version {version} by now"),
        })
    }
}

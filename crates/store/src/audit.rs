//! Who did what.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

/// Who made a change: for the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor(pub String);

impl Actor {
    /// Somebody at the command line.
    pub fn command_line() -> Self {
        Self("command line".to_owned())
    }
}

/// An entry of the audit log.
#[derive(Clone, Debug, Serialize)]
pub struct AuditItem {
    /// Its number; it grows.
    pub id: i64,
    /// When it was done.
    pub at: Timestamp,
    /// Who did it.
    pub actor: String,
    /// What was done, as one word: `put_connector`, `remove_user`.
    pub action: String,
    /// To what: mostly a name.
    pub subject: String,
    /// How it was before, without secrets.
    pub before: Option<Box<RawValue>>,
    /// How it is since, likewise.
    pub after: Option<Box<RawValue>>,
}

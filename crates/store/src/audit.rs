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

/// The names of the actions.
pub const ACTIONS: &[&str] = &[
    "put_connector",
    "set_enabled",
    "set_wiring",
    "remove_connector",
    "put_account",
    "remove_account",
    "set_answer",
    "probe",
    "retry",
    "cancel_retries",
    "dismiss_failures",
    "restore_failures",
    "refresh_leads",
    "begin_backfill",
    "set_backfill",
    "ask_for_sweep",
    "ask_for_parity",
    "plan_backfill",
    "confirm_mass_change",
    "sync_differences",
    "sync_lead",
    "decide_review",
    "undo_review",
    "release_field",
    "add_user",
    "set_role",
    "set_password",
    "remove_user",
    "add_token",
    "remove_token",
    "end_sessions",
    "add_alert",
    "edit_alert",
    "remove_alert",
    "test_alert",
    "forget_person",
    "export_person",
];

/// Which entries of the audit log: those that match every part given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Who did it.
    pub actor: Option<String>,
    /// What was done: one of [`ACTIONS`].
    pub action: Option<String>,
    /// What it was done to.
    pub subject: Option<String>,
}

/// An entry of the audit log.
#[derive(Clone, Debug, Serialize)]
pub struct AuditItem {
    /// Its number: later entries have larger ones.
    pub id: i64,
    /// When it was done.
    pub at: Timestamp,
    /// Who did it.
    pub actor: String,
    /// What was done: one of [`ACTIONS`].
    pub action: String,
    /// What it was done to: mostly a name.
    pub subject: String,
    /// The state before, without secrets.
    pub before: Option<Box<RawValue>>,
    /// The state after, likewise.
    pub after: Option<Box<RawValue>>,
}

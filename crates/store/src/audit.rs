//! Who did what.

use jiff::Timestamp;
use plan::id::RequestId;
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
    "replace_url",
    "end_former_urls",
    "remove_connector",
    "rotate_key",
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
    "turn_on_second_factor",
    "turn_off_second_factor",
    "invite",
    "accept_invite",
    "remove_invite",
    "add_alert",
    "edit_alert",
    "remove_alert",
    "test_alert",
    "view_request",
    "view_lead",
    "download_log",
    "forget_person",
    "export_person",
];

/// A person's look at personal data.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Read {
    /// At a request, with its payload and calls.
    Request(RequestId),
    /// At a lead.
    Lead {
        /// The account's name.
        account: String,
        /// The lead's ID in it.
        id: String,
    },
    /// At a download of the log: which format, and which filter.
    Log(String),
}

impl Read {
    /// The actions of all reads.
    pub const ACTIONS: [&str; 3] = ["view_request", "view_lead", "download_log"];

    /// Its name in the audit log.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Request(_) => "view_request",
            Self::Lead { .. } => "view_lead",
            Self::Log(_) => "download_log",
        }
    }

    /// What was read.
    pub(crate) fn subject(&self) -> String {
        match self {
            Self::Request(id) => id.to_string(),
            Self::Lead { account, id } => format!("{id} in {account}"),
            Self::Log(which) => which.clone(),
        }
    }
}

/// Which entries of the audit log: those that match every part given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Who did it.
    pub actor: Option<String>,
    /// What was done: one of [`ACTIONS`].
    pub action: Option<String>,
    /// What it was done to.
    pub subject: Option<String>,
    /// Whether reads are listed too ([`Read`]) if none of the parts above is given.
    pub reads: bool,
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

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
    "link_identity",
    "add_alert",
    "edit_alert",
    "remove_alert",
    "test_alert",
    "view_request",
    "view_lead",
    "download_log",
    "sign_in",
    "sign_in_failed",
    "forget_person",
    "export_person",
];

/// What is noted although it changes nothing: that a person saw personal data, or signed in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Access {
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
    /// Somebody signed in.
    SignIn {
        /// The email address.
        email: String,
        /// With what: `password`.
        with: &'static str,
        /// The network address that they came from.
        from: String,
    },
    /// Somebody was not signed in.
    SignInFailed {
        /// The email address, if it is a user's. Others are not noted: people type passwords there.
        email: Option<String>,
        /// Why: `wrong password`.
        why: &'static str,
        /// The network address that they came from.
        from: String,
    },
}

impl Access {
    /// The actions of all of these.
    pub const ACTIONS: [&str; 5] =
        ["view_request", "view_lead", "download_log", "sign_in", "sign_in_failed"];

    /// Its name in the audit log.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Request(_) => "view_request",
            Self::Lead { .. } => "view_lead",
            Self::Log(_) => "download_log",
            Self::SignIn { .. } => "sign_in",
            Self::SignInFailed { .. } => "sign_in_failed",
        }
    }

    /// What was read, or who signed in.
    pub(crate) fn subject(&self) -> String {
        match self {
            Self::Request(id) => id.to_string(),
            Self::Lead { account, id } => format!("{id} in {account}"),
            Self::Log(which) => which.clone(),
            Self::SignIn { email, .. } => email.clone(),
            Self::SignInFailed { email, .. } => {
                email.clone().unwrap_or_else(|| "an unknown user".to_owned())
            }
        }
    }

    /// How, for the entry.
    pub(crate) fn details(&self) -> Option<serde_json::Value> {
        match self {
            Self::SignIn { with, from, .. } => {
                Some(serde_json::json!({ "with": with, "from": from }))
            }
            Self::SignInFailed { why, from, .. } => {
                Some(serde_json::json!({ "why": why, "from": from }))
            }
            Self::Request(_) | Self::Lead { .. } | Self::Log(_) => None,
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
    /// Whether [`Access`] is listed too if none of the parts above is given.
    pub access: bool,
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

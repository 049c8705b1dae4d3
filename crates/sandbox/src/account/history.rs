//! Who changed what, and when.

use jiff::Timestamp;
use std::sync::Arc;

/// Who made a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// A person in the CRM, by name.
    Person(Arc<str>),
    /// A single API call, by its operation.
    Api(&'static str),
    /// A bulk API call, by its operation.
    Bulk(&'static str),
    /// An automation's action, by its name.
    Automation(Arc<str>),
}

impl std::fmt::Display for Who {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Person(name) => write!(out, "{name}"),
            Self::Api(operation) | Self::Bulk(operation) => write!(out, "API: {operation}"),
            Self::Automation(name) => write!(out, "Automation: {name}"),
        }
    }
}

/// One change of one lead. The first is its creation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub who: Who,
    /// The fields that changed; empty for a write that changed no value.
    pub changes: Vec<FieldChange>,
}

/// One field's change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// The field's schema name.
    pub field: Arc<str>,
    /// The value before; `None` is blank.
    pub before: Option<Arc<str>>,
    /// The value after; `None` is blank.
    pub after: Option<Arc<str>>,
}

/// How many versions of a lead are kept; older ones are dropped.
pub(crate) const HISTORY_LIMIT: usize = 500;

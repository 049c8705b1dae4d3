//! The rows that the settings hold for a mapping, and what they mean.

use super::{ActivityType, FieldRow, LeadRules};

/// The rows of the settings for the leads, or for one type of activity.
#[derive(Clone, Copy, Debug)]
pub struct OwnRows<'a> {
    /// The rows. In an automatic mapping they are overrides; otherwise they are the whole mapping.
    pub rows: &'a [FieldRow],
    /// Whether the settings say that the mapping is automatic.
    pub automatic: bool,
}

impl OwnRows<'_> {
    /// Whether the mapping follows the fields of the accounts: by the setting, or because no rows
    /// are set.
    pub fn is_automatic(self) -> bool {
        self.automatic || self.rows.is_empty()
    }
}

impl LeadRules {
    /// The rows of leads.
    pub fn own(&self) -> OwnRows<'_> {
        OwnRows { rows: &self.fields, automatic: self.automatic }
    }
}

impl ActivityType {
    /// The rows of this type of activity.
    pub fn own(&self) -> OwnRows<'_> {
        OwnRows { rows: &self.fields, automatic: self.automatic }
    }
}

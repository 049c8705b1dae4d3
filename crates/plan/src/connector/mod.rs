//! A connector's settings: what HL/leadsquared-lead-sync-connector calls its configuration, under
//! the names of the configuration file.

mod check;
mod difference;
mod filter;
mod opposite;
mod own;
mod rebase;
mod rules;

pub use check::{Fault, LONGEST_NAME, MOST_ROWS, name_fault};
pub use difference::{Difference, compare, differences};
pub use filter::{Condition, Filter, Leaving, MOST_CONDITIONS, MOST_VALUES, Test};
pub use opposite::{carried, name_between, way_back};
pub use own::OwnRows;
pub use rebase::{rebase, rebase_rows};
pub use rules::{
    Access, ActivityRules, ActivityType, BackfillRules, BadField, Basic, Behaviour, Blank, CatchUp,
    Conflict, FieldRow, FirstMeeting, Identity, KeysDisagree, LeadRules, Linked, Owners, Policy,
    Removed, Several, UnlistedOption, WhileDisabled, WithoutId,
};

use rules::is_default;
use serde::{Deserialize, Serialize};

/// A one-way sync from a source account to a destination account.
///
/// It is written and read as the configuration file's `[[connector]]` table, except `enabled`,
/// which is a state and not a setting. Each saved definition is a *version*; the record of a
/// lead names the version that decided about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// The connector's name.
    pub name: String,
    /// The name of the account whose changes it takes.
    pub source: String,
    /// The name of the account that it writes to.
    pub destination: String,
    /// What happens to requests that arrive while it is disabled.
    #[serde(default, skip_serializing_if = "is_default")]
    pub while_disabled: WhileDisabled,
    /// The basic settings.
    #[serde(default)]
    pub basic: Basic,
    /// Who of the destination account may use the connector.
    #[serde(default, skip_serializing_if = "is_default")]
    pub access: Access,
    /// Who owns leads and activities in the destination.
    #[serde(default, skip_serializing_if = "is_default")]
    pub owner: Owners,
    /// Which leads are synced.
    #[serde(default, skip_serializing_if = "is_default")]
    pub filter: Filter,
    /// What happens to leads.
    #[serde(default)]
    pub lead: LeadRules,
    /// Who wins if an opposite connector exists.
    #[serde(default)]
    pub conflict: Conflict,
    /// What happens if a match is ambiguous.
    #[serde(default, skip_serializing_if = "is_default")]
    pub identity: Identity,
    /// What happens when a lead was deleted or merged in the source; `None`: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<Removed>,
    /// What finds changes that no webhook reports.
    #[serde(default, skip_serializing_if = "is_default")]
    pub catch_up: CatchUp,
    /// What happens to activities.
    #[serde(default)]
    pub activity: ActivityRules,
    /// What a backfill may do without confirmation.
    #[serde(default, skip_serializing_if = "is_default")]
    pub backfill: BackfillRules,
}

impl Definition {
    /// The connector of this name from one account to another, with defaults for everything else.
    pub fn new(name: &str, source: &str, destination: &str) -> Self {
        Self {
            name: name.to_owned(),
            source: source.to_owned(),
            destination: destination.to_owned(),
            while_disabled: WhileDisabled::default(),
            basic: Basic::default(),
            access: Access::default(),
            owner: Owners::default(),
            filter: Filter::default(),
            lead: LeadRules::default(),
            conflict: Conflict::default(),
            identity: Identity::default(),
            removed: None,
            catch_up: CatchUp::default(),
            activity: ActivityRules::default(),
            backfill: BackfillRules::default(),
        }
    }
}

//! The rows that a connector works with, and why each is there: for the API and the command line.

use plan::activity::{self, TypeRows};
use plan::mapping::{self, Proposal};
use serde::Serialize;
use store::{Configuration, Connector, Store};

use crate::AskAccounts;
use crate::preview::{NotPreviewed, known_or_read};

/// The mapping in force.
#[derive(Debug, Serialize)]
pub struct MappingItem {
    /// The rows of leads.
    pub lead: Vec<Proposal>,
    /// The types of activity and their rows; empty while activities are switched off.
    pub activity: Vec<TypeRows>,
}

/// The mapping that a connector works with, between what its accounts say of themselves.
///
/// # Errors
/// The store failed, or an account does not say what is needed.
pub async fn mapping(
    store: &dyn Store,
    asking: &dyn AskAccounts,
    (configuration, connector): (&Configuration, &Connector),
) -> Result<MappingItem, NotPreviewed> {
    let accounts = (
        configuration.account_of(connector.source)?,
        configuration.account_of(connector.destination)?,
    );
    let (source, destination) = known_or_read(store, asking, connector, accounts).await?;
    let definition = &connector.definition;
    let activity = if definition.activity.enabled {
        activity::type_rows(definition, &source, &destination)
    } else {
        Vec::new()
    };
    let lead = mapping::lead_rows(definition, &source.fields, &destination.fields);
    Ok(MappingItem { lead, activity })
}

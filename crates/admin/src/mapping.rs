//! The rows in effect for a connector, and why each is there: for the API and the command line.

use plan::activity::{self, TypeRows};
use plan::mapping::{self, Proposal};
use serde::Serialize;
use store::{Configuration, Connector, Store};

use crate::AskAccounts;
use crate::preview::{NotPreviewed, known_or_read};

/// The mapping in effect.
#[derive(Debug, Serialize)]
pub struct MappingItem {
    /// The rows of leads.
    pub lead: Vec<Proposal>,
    /// The activity types and their rows; empty while activities are off.
    pub activity: Vec<TypeRows>,
}

/// The mapping in effect for a connector, by the metadata of its accounts.
///
/// # Errors
/// The store failed, or an account did not return what is needed.
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

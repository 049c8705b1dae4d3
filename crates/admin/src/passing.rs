//! How many recent leads pass a connector's filter.

use jiff::Timestamp;
use plan::connector::{self, Definition, Leaving};
use plan::id::RequestId;
use plan::mapping::{Mapping, Verdict};
use plan::outcome::Entity;
use serde::Serialize;
use store::{Configuration, Connector, Filter, Page, Store};

/// How many of the last requests are examined.
pub const EXAMINED: usize = 200;
/// How many leads that do not pass are shown.
const SAMPLES: usize = 5;

/// How many leads of a connector's last requests pass a filter.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Passing {
    /// The requests that were examined, [`EXAMINED`] at most.
    pub requests: usize,
    /// The leads in them; for an activity, its lead.
    pub leads: usize,
    /// Leads that pass.
    pub pass: usize,
    /// Leads that do not pass.
    pub fail: usize,
    /// Leads of which the payload does not show enough; the sync reads them from the source.
    pub unclear: usize,
    /// Some leads that do not pass.
    pub samples: Vec<Sample>,
}

/// A lead that does not pass.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// The request that showed it.
    pub request: RequestId,
    /// When that arrived.
    pub received_at: Timestamp,
    /// The condition that is not met, in words.
    pub why: String,
}

/// Counts the leads of the connector's last requests that pass this filter, as they were posted. No
/// account is called, and links are not looked up, so [`Leaving`] makes no difference.
///
/// # Errors
/// The store failed.
pub async fn passing(
    store: &dyn Store,
    configuration: &Configuration,
    connector: &Connector,
    filter: connector::Filter,
) -> store::Result<Passing> {
    let source = configuration.account_of(connector.source)?;
    let (_, source) = store.catalogue(source.id).await?.unwrap_or_default();
    let filter = connector::Filter { leaving: Leaving::Stop, ..filter };
    let definition = Definition { filter, ..connector.definition.clone() };
    let mapping = Mapping::new(&definition, &source, &plan::metadata::Catalogue::default());
    let name = connector.definition.name.clone();
    let of_connector = Filter { connector: Some(name), ..Filter::default() };
    let (requests, _) =
        store.requests(&of_connector, &Page { limit: EXAMINED, after: None }).await?;
    let mut passing = Passing::default();
    for request in requests {
        let Some(delivery) = store.delivery(request.id).await? else { continue };
        // A lead that is gone is not filtered.
        if delivery.origin.removal().is_some() {
            continue;
        }
        let entries = delivery.origin.read(&delivery.body, delivery.content_type.as_deref());
        let Ok(entries) = entries else { continue };
        passing.requests += 1;
        for item in entries.into_iter().flatten() {
            let lead = match item.entity() {
                Entity::Lead => item,
                Entity::Activity => item.lead().unwrap_or_else(|| item.bare_lead()),
            };
            passing.leads += 1;
            match mapping.judge(&lead, false) {
                Verdict::Passes => passing.pass += 1,
                Verdict::Lacks(_) | Verdict::Unknown(_) => passing.unclear += 1,
                Verdict::Fails(why) => {
                    passing.fail += 1;
                    if passing.samples.len() < SAMPLES {
                        let (request, received_at) = (request.id, request.received_at);
                        passing.samples.push(Sample { request, received_at, why });
                    }
                }
            }
        }
    }
    Ok(passing)
}

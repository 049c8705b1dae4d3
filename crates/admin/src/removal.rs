//! What is forgotten with a connector.

use plan::link::Pair;
use store::{Configuration, Connector, LinkCounts, Store};

/// The links that go with a connector: all between its accounts, unless another one joins them.
///
/// # Errors
/// The store failed.
pub async fn forgotten(
    store: &dyn Store,
    configuration: &Configuration,
    connector: &Connector,
) -> store::Result<LinkCounts> {
    let pair = |connector: &Connector| Pair::of(connector.source, connector.destination);
    let joins_too = |other: &&Connector| other.id != connector.id && pair(other) == pair(connector);
    if configuration.connectors.iter().any(|other| joins_too(&other)) {
        return Ok(LinkCounts::default());
    }
    store.count_links(pair(connector)).await
}

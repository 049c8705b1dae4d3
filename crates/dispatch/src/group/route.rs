//! A connector while it is worked.

use std::sync::Arc;

use plan::connector::Definition;
use plan::id::{AccountId, ConnectorId};
use plan::mapping::Mapping;
use plan::metadata::FieldList;

/// A connector and its mapping, made ready for many records.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) id: ConnectorId,
    pub(super) source: AccountId,
    pub(super) destination: AccountId,
    pub(super) definition: Arc<Definition>,
    pub(super) version: i64,
    /// Whether its requests are worked. A disabled one stays as long as it is configured, because
    /// a call for it may be under way.
    pub(super) enabled: bool,
    /// The mapping and what it was made from: generations of the two accounts' fields.
    mapping: Option<((u64, u64), Arc<Mapping>)>,
    /// Grows with each new mapping: what a record was mapped with.
    pub(super) generation: u64,
}

impl Route {
    pub(super) fn new(connector: &store::Connector) -> Self {
        Self {
            id: connector.id,
            source: connector.source,
            destination: connector.destination,
            definition: Arc::new(connector.definition.clone()),
            version: connector.version,
            enabled: connector.enabled,
            mapping: None,
            generation: 0,
        }
    }

    /// Takes over changed settings.
    pub(super) fn configure(&mut self, connector: &store::Connector) {
        self.enabled = connector.enabled;
        if connector.version != self.version {
            self.definition = Arc::new(connector.definition.clone());
            self.version = connector.version;
            self.mapping = None;
        }
    }

    /// The mapping between fields of these generations.
    pub(super) fn mapping(
        &mut self,
        source: (u64, &FieldList),
        destination: (u64, &FieldList),
    ) -> Arc<Mapping> {
        let generations = (source.0, destination.0);
        match &self.mapping {
            Some((made_from, mapping)) if *made_from == generations => mapping.clone(),
            _ => {
                let mapping = Arc::new(Mapping::new(&self.definition, source.1, destination.1));
                self.generation += 1;
                self.mapping = Some((generations, mapping.clone()));
                mapping
            }
        }
    }
}

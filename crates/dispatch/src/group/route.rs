//! A connector while it is worked.

use std::sync::Arc;

use plan::activity::ActivityMapping;
use plan::connector::{Definition, WhileDisabled};
use plan::id::{AccountId, ConnectorId};
use plan::mapping::Mapping;
use plan::metadata::{Catalogue, Kind};

/// A connector and its mappings, made ready for many records.
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
    /// Whether it is disabled and drops requests that arrive.
    pub(super) drops: bool,
    /// The mappings and what they were made from: generations of the two accounts' catalogues.
    mappings: Option<((u64, u64), Arc<Mappings>)>,
    /// Grows with each new mapping: what a record was mapped with.
    pub(super) generation: u64,
}

/// The mappings of a connector.
#[derive(Debug)]
pub(super) struct Mappings {
    pub(super) leads: Mapping,
    pub(super) activities: ActivityMapping,
}

impl Mappings {
    /// Whether users of the accounts are mapped.
    pub(super) fn has_users(&self) -> bool {
        let types = self.activities.types().filter_map(|(_, kind)| kind.as_ref().ok());
        types
            .map(|kind| &kind.mapping)
            .chain([&self.leads])
            .any(|mapping| mapping.targets().any(|field| field.kind == Kind::User))
    }
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
            drops: drops(connector),
            mappings: None,
            generation: 0,
        }
    }

    /// The same connector with the settings that it had at an earlier version.
    pub(super) fn at_version(&self, definition: Definition, version: i64) -> Self {
        Self {
            definition: Arc::new(definition),
            version,
            mappings: None,
            // Records compare generations, and one may have been mapped with the settings of now.
            generation: u64::MAX / 2,
            ..*self
        }
    }

    /// Takes over changed settings.
    pub(super) fn configure(&mut self, connector: &store::Connector) {
        self.enabled = connector.enabled;
        self.drops = drops(connector);
        if connector.version != self.version {
            self.definition = Arc::new(connector.definition.clone());
            self.version = connector.version;
            self.mappings = None;
        }
    }

    /// The mappings between catalogues of these generations.
    pub(super) fn mappings(
        &mut self,
        source: (u64, &Catalogue),
        destination: (u64, &Catalogue),
    ) -> Arc<Mappings> {
        let generations = (source.0, destination.0);
        match &self.mappings {
            Some((made_from, mappings)) if *made_from == generations => mappings.clone(),
            _ => {
                let mappings = Arc::new(Mappings {
                    leads: Mapping::new(&self.definition, source.1, destination.1),
                    activities: ActivityMapping::new(&self.definition, source.1, destination.1),
                });
                self.generation += 1;
                self.mappings = Some((generations, mappings.clone()));
                mappings
            }
        }
    }
}

fn drops(connector: &store::Connector) -> bool {
    !connector.enabled && connector.definition.while_disabled == WhileDisabled::Drop
}

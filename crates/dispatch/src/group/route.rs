//! Connectors, and what decisions about their records depend on.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use plan::activity::ActivityMapping;
use plan::connector::{Definition, WhileDisabled};
use plan::id::{AccountId, ConnectorId};
use plan::link::Pair;
use plan::mapping::Mapping;
use plan::metadata::{Catalogue, Kind};
use plan::work::{self, Context, Opposite};

use super::account::Account;

/// A connector.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) id: ConnectorId,
    pub(super) source: AccountId,
    pub(super) destination: AccountId,
    pub(super) definition: Arc<Definition>,
    pub(super) version: i64,
    /// Whether its requests are processed. A disabled one stays here as long as it is configured,
    /// because a call for it may be in flight.
    pub(super) enabled: bool,
    /// Whether it is disabled and drops arriving requests.
    pub(super) drops: bool,
}

impl Route {
    fn new(connector: &store::Connector) -> Self {
        Self {
            id: connector.id,
            source: connector.source,
            destination: connector.destination,
            definition: Arc::new(connector.definition.clone()),
            version: connector.version,
            enabled: connector.enabled,
            drops: !connector.enabled && connector.definition.while_disabled == WhileDisabled::Drop,
        }
    }

    /// The two accounts.
    pub(super) fn pair(&self) -> Pair {
        Pair::of(self.source, self.destination)
    }

    fn is_opposite_to(&self, other: &Self) -> bool {
        self.source == other.destination && self.destination == other.source
    }
}

/// The mappings of a connector.
#[derive(Debug)]
pub(super) struct Mappings {
    leads: Mapping,
    activities: ActivityMapping,
}

impl Mappings {
    fn new(definition: &Definition, source: &Catalogue, destination: &Catalogue) -> Self {
        Self {
            leads: Mapping::new(definition, source, destination),
            activities: ActivityMapping::new(definition, source, destination),
        }
    }

    /// The mapping of leads.
    pub(super) fn leads(&self) -> &Mapping {
        &self.leads
    }

    /// The mapping of activities.
    pub(super) fn activities(&self) -> &ActivityMapping {
        &self.activities
    }

    /// Whether users of the accounts are mapped.
    pub(super) fn has_users(&self) -> bool {
        let types = self.activities.types().filter_map(|(_, kind)| kind.as_ref().ok());
        types
            .map(|kind| &kind.mapping)
            .chain([&self.leads])
            .any(|mapping| mapping.targets().any(|field| field.kind == Kind::User))
    }
}

/// A connector, or an earlier version of it, with all that decisions about its records depend on.
#[derive(Debug)]
pub(super) struct Binding {
    definition: Arc<Definition>,
    pub(super) mappings: Arc<Mappings>,
    /// The metadata of the source and the destination that the mappings were built from.
    metadata: (u64, u64),
    /// Unique to each binding, to tell which one a record was mapped with.
    generation: u64,
    source: (AccountId, String),
    destination: (AccountId, String),
    opposite: Option<(Arc<Definition>, Arc<Mappings>)>,
}

impl Binding {
    /// The fields to read of the source's leads; none means all.
    pub(super) fn columns(&self) -> Vec<String> {
        let Some(mut columns) = self.mappings.leads.columns() else { return Vec::new() };
        if let Some((_, opposite)) = &self.opposite {
            // What the opposite connector writes is compared with what the source has.
            columns.extend(opposite.leads.targets().map(|field| field.schema_name.clone()));
        }
        columns.into_iter().collect()
    }

    /// The fields of the destination's leads that the connector writes, and those they are
    /// recognised by.
    pub(super) fn written_columns(&self) -> Vec<String> {
        let targets = self.mappings.leads.targets().map(|field| field.schema_name.clone());
        let known_by = ["ProspectID", "EmailAddress", "Phone", "FirstName", "LastName"];
        let mut columns: Vec<String> =
            targets.chain(known_by.into_iter().map(str::to_owned)).collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// The plan's input.
    pub(super) fn context(&self, (now, unbroken): (Timestamp, Timestamp)) -> Context<'_> {
        Context {
            connector: &self.definition,
            leads: &self.mappings.leads,
            activities: &self.mappings.activities,
            generation: self.generation,
            source: work::Account { id: self.source.0, name: &self.source.1 },
            destination: work::Account { id: self.destination.0, name: &self.destination.1 },
            opposite: self.opposite.as_ref().map(|(definition, mappings)| Opposite {
                connector: definition,
                mapping: &mappings.leads,
            }),
            now,
            unbroken,
        }
    }
}

/// A connector at an earlier version, or (`None`) the current one.
type Version = (ConnectorId, Option<i64>);

/// The connectors of a group.
#[derive(Debug, Default)]
pub(super) struct Routes {
    now: HashMap<ConnectorId, Route>,
    /// Connectors at earlier versions, for retries with the previous settings.
    past: HashMap<(ConnectorId, i64), Route>,
    bindings: HashMap<Version, Arc<Binding>>,
    generation: u64,
}

impl Routes {
    /// Applies changed settings; `uses` says which earlier versions are still used. Returns the
    /// connectors that were not enabled before.
    pub(super) fn configure<'a>(
        &mut self,
        connectors: impl Iterator<Item = &'a store::Connector>,
        uses: impl Fn((ConnectorId, i64)) -> bool,
    ) -> Vec<ConnectorId> {
        let before = std::mem::take(&mut self.now);
        self.now = connectors.map(|connector| (connector.id, Route::new(connector))).collect();
        // The others are reloaded when needed.
        self.past.retain(|key, _| uses(*key));
        self.bindings.clear();
        let was_enabled = |id| before.get(id).is_some_and(|route| route.enabled);
        let begun = self.now.values().filter(|route| route.enabled && !was_enabled(&route.id));
        begun.map(|route| route.id).collect()
    }

    /// A connector, if it is still configured.
    pub(super) fn get(&self, connector: ConnectorId) -> Option<&Route> {
        self.now.get(&connector)
    }

    /// Whether an enabled connector goes in the opposite direction.
    pub(super) fn is_pair(&self, route: &Route) -> bool {
        self.iter().any(|other| other.enabled && other.is_opposite_to(route))
    }

    /// Every connector.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Route> {
        self.now.values()
    }

    /// Whether this earlier version of a connector is loaded.
    pub(super) fn knows_past(&self, key: (ConnectorId, i64)) -> bool {
        self.past.contains_key(&key)
    }

    /// Adds the settings of a connector's earlier version.
    pub(super) fn keep_past(&mut self, route: &Route, definition: Definition, version: i64) {
        let definition = Arc::new(definition);
        let past = Route { definition, version, ..route.clone() };
        self.past.insert((route.id, version), past);
    }

    /// A connector bound to the metadata of its accounts; `None` until that has been read.
    pub(super) fn binding(
        &mut self,
        accounts: &HashMap<AccountId, Account>,
        (connector, past): Version,
    ) -> Option<Arc<Binding>> {
        let of_now = self.now.get(&connector)?;
        let (source, destination) =
            (accounts.get(&of_now.source)?, accounts.get(&of_now.destination)?);
        let metadata = (source.metadata.generation, destination.metadata.generation);
        if let Some(binding) = self.bindings.get(&(connector, past))
            && binding.metadata == metadata
        {
            return Some(binding.clone());
        }
        let route = match past {
            None => of_now,
            Some(version) => self.past.get(&(connector, version))?,
        };
        let (here, there) = (source.metadata.catalogue()?, destination.metadata.catalogue()?);
        let opposite = self.now.values().find(|other| other.enabled && other.is_opposite_to(route));
        let opposite = opposite.map(|opposite| {
            let definition = opposite.definition.clone();
            let mappings = Arc::new(Mappings::new(&definition, there, here));
            (definition, mappings)
        });
        self.generation += 1;
        let name = |account: &Account| (account.id, account.name().to_owned());
        let binding = Arc::new(Binding {
            mappings: Arc::new(Mappings::new(&route.definition, here, there)),
            definition: route.definition.clone(),
            metadata,
            generation: self.generation,
            source: name(source),
            destination: name(destination),
            opposite,
        });
        self.bindings.insert((connector, past), binding.clone());
        Some(binding)
    }
}

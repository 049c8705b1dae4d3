//! Setting up connectors, and the two of a pair in one pass.

use plan::connector::{Definition, Fault, carried, name_between, way_back};
use store::{Actor, Configuration, Connector, Store};

use crate::Admin;
use crate::connectors::{known, must_be_valid};
use crate::refused::{Refused, Result};

/// A connector with more versions than this is past its set-up, whether or not it was enabled.
const MOST_VERSIONS_OF_SETUP: usize = 100;

/// What the faults of the way back start with.
pub const BACK: &str = "back.";

/// A connector to create.
#[derive(Clone, Copy, Debug)]
pub struct NewConnector<'a> {
    /// Its name; empty: one from the accounts.
    pub name: &'a str,
    /// The account that leads come from.
    pub source: &'a str,
    /// The account that they go to.
    pub destination: &'a str,
    /// Whether the way back is created as well.
    pub both_ways: bool,
}

/// Creates a connector, and the way back if wanted, unless there is one. A connector whose way back
/// exists starts with the settings of that one, turned around. Returns its name.
///
/// # Errors
/// The name is taken or invalid, or an account does not exist.
pub async fn create(admin: &Admin, actor: &Actor, new: NewConnector<'_>) -> Result<String> {
    let NewConnector { name, source, destination, both_ways } = new;
    for (at, account) in [("source", source), ("destination", destination)] {
        if account.is_empty() {
            return Err(Refused::wrong(at, "is empty; select an account"));
        }
    }
    let configuration = admin.store.configuration().await?;
    let is_taken = |name: &str| configuration.connector(name).is_some();
    let name = match name {
        "" => name_between(source, destination, is_taken),
        name => name.to_owned(),
    };
    let plain = Definition::new(&name, source, destination);
    let existing = configuration.connectors.iter().find(|other| {
        other.definition.source == destination && other.definition.destination == source
    });
    let there = match existing {
        Some(back) => way_back(&back.definition, &plain),
        None => plain,
    };
    let mut wanted = vec![(there, 0)];
    if both_ways && existing.is_none() {
        let opposite = name_between(destination, source, |other| is_taken(other) || other == name);
        wanted.push((Definition::new(&opposite, destination, source), 0));
    }
    save_all(admin, actor, &configuration, &wanted).await?;
    Ok(name)
}

/// Saves settings that are based on this version, and what they imply for the way back while that is
/// in its set-up; `own` sets what the two have each for itself.
///
/// # Errors
/// The settings are invalid (those of the way back at places that start with [`BACK`]), or were
/// changed since.
pub async fn save(
    admin: &Admin,
    actor: &Actor,
    (definition, made_from): (&Definition, i64),
    own: impl FnOnce(&mut Definition) + Send,
) -> Result<()> {
    let configuration = admin.store.configuration().await?;
    let connector = known(&configuration, &definition.name)?;
    let mut wanted = vec![(definition.clone(), made_from)];
    if let Some(back) = follower(admin.store.as_ref(), &configuration, connector).await? {
        let mut carried = carried(&connector.definition, definition, &back.definition);
        own(&mut carried);
        wanted.push((carried, back.version));
    }
    save_all(admin, actor, &configuration, &wanted).await
}

/// Saves one connector, and possibly its way back, as one change.
async fn save_all(
    admin: &Admin,
    actor: &Actor,
    configuration: &Configuration,
    wanted: &[(Definition, i64)],
) -> Result<()> {
    let mut changes = Vec::new();
    for (number, (definition, made_from)) in wanted.iter().enumerate() {
        must_be_valid(configuration, definition).map_err(|refused| match refused {
            Refused::Invalid(faults) if number > 0 => Refused::Invalid(of_the_way_back(faults)),
            other => other,
        })?;
        changes.extend(configuration.to_put_connector(definition, None, Some(*made_from))?);
    }
    if !changes.is_empty() {
        admin.change(changes, actor).await?;
    }
    Ok(())
}

fn of_the_way_back(faults: Vec<Fault>) -> Vec<Fault> {
    let faults = faults.into_iter();
    faults.map(|Fault { at, what }| Fault { at: format!("{BACK}{at}"), what }).collect()
}

/// Whether the connector was never enabled: it is disabled since it was created.
///
/// # Errors
/// The store failed.
pub async fn is_in_setup(store: &dyn Store, connector: &Connector) -> store::Result<bool> {
    let Some(disabled_at) = connector.disabled_at.filter(|_| !connector.enabled) else {
        return Ok(false);
    };
    let versions = store.versions(connector.id, MOST_VERSIONS_OF_SETUP).await?;
    Ok(versions.last().is_some_and(|first| first.version == 1 && first.at == disabled_at))
}

/// The way back that takes over what is saved for the connector: it was created after it, and is
/// still in its set-up.
///
/// # Errors
/// The store failed.
pub async fn follower<'a>(
    store: &dyn Store,
    configuration: &'a Configuration,
    connector: &Connector,
) -> store::Result<Option<&'a Connector>> {
    let opposite = configuration.opposite(connector).filter(|other| other.id > connector.id);
    match opposite {
        Some(other) if is_in_setup(store, other).await? => Ok(Some(other)),
        _ => Ok(None),
    }
}

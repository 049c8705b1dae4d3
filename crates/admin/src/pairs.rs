//! Pairs: two connectors with source and destination exchanged are one thing for people.

use std::collections::BTreeSet;

use store::{Configuration, Connector};

/// A connector, and the one in the opposite direction if there is one.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    /// The older one.
    pub first: &'a Connector,
    /// The opposite direction.
    pub second: Option<&'a Connector>,
}

/// Every connector once, alone or with its opposite, in the order of names. Of several opposites the
/// first enabled one is taken.
pub fn pairs(configuration: &Configuration) -> Vec<Pair<'_>> {
    let mut taken = BTreeSet::new();
    let mut pairs = Vec::with_capacity(configuration.connectors.len());
    for connector in &configuration.connectors {
        if !taken.insert(connector.id) {
            continue;
        }
        let is_opposite = |other: &&Connector| {
            let exchanged =
                (other.source, other.destination) == (connector.destination, connector.source);
            exchanged && !taken.contains(&other.id)
        };
        let opposites = || configuration.connectors.iter().filter(is_opposite);
        let second = opposites().find(|other| other.enabled).or_else(|| opposites().next());
        pairs.push(match second {
            Some(other) => {
                taken.insert(other.id);
                // The one that was there first gives the pair its direction.
                let (first, second) =
                    if other.id < connector.id { (other, connector) } else { (connector, other) };
                Pair { first, second: Some(second) }
            }
            None => Pair { first: connector, second: None },
        });
    }
    pairs
}

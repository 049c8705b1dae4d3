//! Pairs: two connectors with source and destination exchanged are one thing for people.

use std::collections::BTreeSet;

use store::{Configuration, Connector};

/// A connector, and the one in the opposite direction if there is one.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    /// The first by name.
    pub first: &'a Connector,
    /// The opposite direction.
    pub second: Option<&'a Connector>,
}

/// Every connector once, alone or with its opposite, in the order of names. Of several opposites the
/// first enabled one is taken.
pub fn pairs(configuration: &Configuration) -> Vec<Pair<'_>> {
    let mut taken = BTreeSet::new();
    let mut pairs = Vec::with_capacity(configuration.connectors.len());
    for first in &configuration.connectors {
        if !taken.insert(first.id) {
            continue;
        }
        let is_opposite = |other: &&Connector| {
            let exchanged = (other.source, other.destination) == (first.destination, first.source);
            exchanged && !taken.contains(&other.id)
        };
        let opposites = || configuration.connectors.iter().filter(is_opposite);
        let second = opposites().find(|other| other.enabled).or_else(|| opposites().next());
        if let Some(second) = second {
            taken.insert(second.id);
        }
        pairs.push(Pair { first, second });
    }
    pairs
}

//! Connectors as rows of a table: two in opposite directions are one row.

use admin::overview::{ConnectorOverview, Overview};
use admin::pairs::{Pair, pairs};
use jiff::Timestamp;
use store::{Configuration, Waiting};

use crate::console::state::Shown;
use crate::console::words::{number, time};

/// A connector, or a pair.
pub(in crate::console) struct Row {
    /// The connector's name, or the two accounts of a pair.
    pub(in crate::console) name: String,
    /// The page of the first direction.
    pub(in crate::console) address: String,
    /// The state of the worse direction; its reason names it in a pair.
    pub(in crate::console) state: Shown,
    /// When a record of the worse direction last succeeded.
    pub(in crate::console) last_success: Option<Timestamp>,
    /// The one direction, or both.
    pub(in crate::console) directions: Vec<Direction>,
    pub(in crate::console) synced: String,
    pub(in crate::console) failed: String,
    pub(in crate::console) waiting: String,
    pub(in crate::console) retrying: String,
    /// The longer lag of both (p95).
    pub(in crate::console) lag: String,
}

/// A connector of a row.
pub(in crate::console) struct Direction {
    pub(in crate::console) name: String,
    pub(in crate::console) address: String,
    pub(in crate::console) source: String,
    pub(in crate::console) destination: String,
    pub(in crate::console) state: Shown,
    /// How many records failed; none if none did.
    pub(in crate::console) failed: Option<String>,
}

impl Row {
    pub(in crate::console) fn is_pair(&self) -> bool {
        self.directions.len() > 1
    }
}

/// The connectors of an overview.
pub(in crate::console) fn rows(configuration: &Configuration, overview: &Overview) -> Vec<Row> {
    pairs(configuration).into_iter().filter_map(|pair| row(pair, overview)).collect()
}

fn row(Pair { first, second }: Pair<'_>, overview: &Overview) -> Option<Row> {
    // An overview may be of some connectors only.
    let known = |connector: &store::Connector| {
        let name = &connector.definition.name;
        let known = overview.connectors.iter().find(|one| one.name == *name)?;
        Some((connector.clone(), known))
    };
    let both: Vec<(store::Connector, &ConnectorOverview)> =
        [Some(first), second].into_iter().flatten().filter_map(known).collect();
    let worse = both.iter().map(|(_, one)| *one).max_by_key(|one| one.health.state)?;
    let is_pair = both.len() > 1;
    let mut state = Shown::from(&worse.health);
    if is_pair {
        state.reason = format!("{}: {}", worse.name, state.reason);
    }
    let definition = &both.first()?.0.definition;
    let name = if is_pair {
        format!("{} ⇄ {}", definition.source, definition.destination)
    } else {
        definition.name.clone()
    };
    let of_both = |of: fn(&ConnectorOverview) -> u64| both.iter().map(|(_, one)| of(one)).sum();
    let waiting = |of: fn(&ConnectorOverview) -> u64| {
        let is_more = both.iter().any(|(_, one)| of(one) == Waiting::MOST);
        format!("{}{}", number(of_both(of)), if is_more { "+" } else { "" })
    };
    Some(Row {
        name,
        address: super::address(&definition.name),
        state,
        last_success: worse.last_success,
        synced: number(of_both(|one| one.sum.counts.written())),
        failed: number(of_both(|one| one.sum.counts.failed)),
        waiting: waiting(|one| one.waiting.count),
        retrying: waiting(|one| one.retrying.count),
        lag: time(both.iter().filter_map(|(_, one)| one.sum.lag.p95_ms).max()),
        directions: both.iter().map(|(connector, one)| direction(connector, one)).collect(),
    })
}

fn direction(connector: &store::Connector, known: &ConnectorOverview) -> Direction {
    let definition = &connector.definition;
    let failed = known.sum.counts.failed;
    Direction {
        name: definition.name.clone(),
        address: super::address(&definition.name),
        source: definition.source.clone(),
        destination: definition.destination.clone(),
        state: Shown::from(&known.health),
        failed: (failed > 0).then(|| number(failed)),
    }
}

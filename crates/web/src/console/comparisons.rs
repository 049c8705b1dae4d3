//! `/compare`: how far the accounts of each connector agree.

use admin::catch_up::{self, ParityItem};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;

use super::connector::address;
use super::page;
use super::visitor::Visitor;
use super::words::number;
use crate::Shared;

#[derive(Template)]
#[template(path = "comparisons.html")]
struct Comparisons {
    page: &'static str,
    visitor: Visitor,
    shown: Vec<Shown>,
}

/// The comparison of a connector.
struct Shown {
    connector: String,
    address: String,
    source: String,
    destination: String,
    enabled: bool,
    parity: ParityItem,
}

impl Shown {
    /// How many leads don't agree, in whatever way; `None`: nothing was compared.
    fn apart(&self) -> Option<u64> {
        let parity = self.parity.standing.parity?;
        let linked = parity.differ + parity.gone_here + parity.gone_there;
        let unlinked = parity.only_here + parity.only_there + parity.not_linked + parity.ambiguous;
        Some(linked + unlinked)
    }

    /// What the state of the comparison is, as its colour and a word.
    fn state(&self) -> (&'static str, &'static str) {
        let standing = &self.parity.standing;
        match self.apart() {
            _ if standing.asked_at.is_some() && standing.problem.is_some() => ("warn", "Retrying"),
            _ if standing.asked_at.is_some() => ("busy", "Comparing"),
            None => ("quiet", "Not compared"),
            Some(0) => ("good", "All agree"),
            Some(_) => ("warn", "Differences"),
        }
    }

    fn number(count: u64) -> String {
        number(count)
    }
}

pub(super) async fn show(State(shared): State<Shared>, visitor: Visitor) -> page::Shown {
    Ok(page::page(StatusCode::OK, &read(&shared, visitor).await?))
}

async fn read(shared: &Shared, visitor: Visitor) -> store::Result<Comparisons> {
    let store = shared.store.as_ref();
    let configuration = visitor.reach.narrow(store.configuration().await?);
    let mut shown = Vec::new();
    for connector in &configuration.connectors {
        let definition = &connector.definition;
        shown.push(Shown {
            connector: definition.name.clone(),
            address: format!("{}/compare", address(&definition.name)),
            source: definition.source.clone(),
            destination: definition.destination.clone(),
            enabled: connector.enabled,
            parity: catch_up::parity(store, &configuration, connector).await?,
        });
    }
    Ok(Comparisons { page: "Compare", visitor, shown })
}

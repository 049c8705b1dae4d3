//! `/backfills`: the backfills of all connectors, and where to start one.

use admin::backfill::Pace;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use plan::backfill::BackfillState;
use store::Backfill;

use super::connector::address;
use super::page;
use super::visitor::Visitor;
use super::words::number;
use crate::Shared;

/// How many backfills are shown.
const MOST: usize = 100;

#[derive(Template)]
#[template(path = "backfills.html")]
struct Backfills {
    page: &'static str,
    visitor: Visitor,
    /// Every connector in reach: its name and the page on which it is backfilled.
    connectors: Vec<(String, String)>,
    shown: Vec<Shown>,
}

struct Shown {
    kept: Backfill,
    connector: String,
    address: String,
    pace: Pace,
}

impl Shown {
    /// The colour of its state.
    fn tone(&self) -> &'static str {
        match self.kept.state {
            BackfillState::Running => "busy",
            BackfillState::Done => "good",
            BackfillState::Paused | BackfillState::Cancelled => "quiet",
        }
    }

    fn number(count: u64) -> String {
        number(count)
    }

    fn synced(&self) -> u64 {
        self.kept.new + self.kept.updated
    }
}

pub(super) async fn show(State(shared): State<Shared>, visitor: Visitor) -> page::Shown {
    Ok(page::page(StatusCode::OK, &read(&shared, visitor).await?))
}

async fn read(shared: &Shared, visitor: Visitor) -> store::Result<Backfills> {
    let store = shared.store.as_ref();
    let configuration = visitor.reach.narrow(store.configuration().await?);
    let connectors = &configuration.connectors;
    let with_connector = |kept: Backfill| {
        let connector = connectors.iter().find(|one| one.id == kept.connector)?;
        Some((connector.definition.name.clone(), kept))
    };
    let known = store.backfills(None).await?.into_iter().filter_map(with_connector).take(MOST);
    let (of, backfills): (Vec<String>, Vec<Backfill>) = known.unzip();
    let paces = Pace::of_all(store, &configuration, &backfills, (shared.clock)()).await?;
    let shown = of.into_iter().zip(backfills).zip(paces).map(|((connector, kept), pace)| Shown {
        address: backfill_page(&connector),
        connector,
        kept,
        pace,
    });
    let shown = shown.collect();
    let names = configuration.connectors.iter().map(|one| one.definition.name.clone());
    let connectors = names.map(|name| (name.clone(), backfill_page(&name)));
    Ok(Backfills { page: "Backfills", visitor, connectors: connectors.collect(), shown })
}

fn backfill_page(connector: &str) -> String {
    format!("{}/backfill", address(connector))
}

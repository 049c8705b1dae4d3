//! `/backfills`: the backfills of all connectors, and where to start one.

use admin::backfill::Pace;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
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

pub(super) async fn show(State(shared): State<Shared>, visitor: Visitor) -> Response {
    match read(&shared, visitor).await {
        Ok(shown) => page::page(StatusCode::OK, &shown),
        Err(error) => page::unavailable(&error),
    }
}

async fn read(shared: &Shared, visitor: Visitor) -> store::Result<Backfills> {
    let store = shared.store.as_ref();
    let configuration = visitor.reach.narrow(store.configuration().await?);
    let name = |backfill: &Backfill| {
        let mut connectors = configuration.connectors.iter();
        connectors.find(|one| one.id == backfill.connector).map(|one| one.definition.name.clone())
    };
    let mut backfills = store.backfills(None).await?;
    backfills.retain(|backfill| name(backfill).is_some());
    backfills.truncate(MOST);
    let paces = Pace::of_all(store, &configuration, &backfills, (shared.clock)()).await?;
    let shown = backfills.into_iter().zip(paces).map(|(kept, pace)| {
        let connector = name(&kept).unwrap_or_default();
        Shown { address: backfill_page(&connector), connector, kept, pace }
    });
    let shown = shown.collect();
    let names = configuration.connectors.iter().map(|one| one.definition.name.clone());
    let connectors = names.map(|name| (name.clone(), backfill_page(&name)));
    Ok(Backfills { page: "Backfills", visitor, connectors: connectors.collect(), shown })
}

fn backfill_page(connector: &str) -> String {
    format!("{}/backfill", address(connector))
}

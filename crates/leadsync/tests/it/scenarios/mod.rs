//! Scenarios: what people do in two accounts, and what leadsync makes of it.
//!
//! A scenario is a function that makes a [`World`](world::World) of two accounts with live
//! automations, acts in it as people do, and checks the outcome. It is a test of its own on each
//! database, for example `scenarios::leads::create_only::sqlite`, and runs once in each position
//! of the emulated accounts' switches: what is not known of LeadSquared is a switch. A scenario
//! that ends differently in one of the positions says so.
//!
//! `LEADSYNC_SWITCHES` chooses positions, by parts of their names: see [`positions`].

mod positions;
mod world;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use positions::Position;
use world::Place;

use crate::rig::{Database, Node};

/// Makes a test on each database of each of these scenarios. A scenario that is not listed is dead
/// code, which the compiler reports.
macro_rules! scenarios {
    ($($name:ident),+ $(,)?) => {
        $(mod $name {
            use crate::rig::Database;
            use crate::scenarios::in_each_position;

            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                in_each_position(Database::Sqlite, |place| Box::pin(super::$name(place))).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                in_each_position(Database::Postgres, |place| Box::pin(super::$name(place))).await;
            }
        })+
    };
}

mod activities;
mod corrections;
mod leads;
mod mapping;
mod trouble;
mod values;

/// How many positions of one scenario run side by side, each on a node of its own. The test
/// runner has one scenario for each core under way.
const SIDE_BY_SIDE: usize = 4;

type Scenario = fn(Place) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs a scenario in each position that was chosen, and fails with the names of those in which
/// it failed.
async fn in_each_position(database: Database, scenario: Scenario) {
    let positions = Arc::new(Mutex::new(positions::chosen()));
    let side_by_side = SIDE_BY_SIDE.min(positions.lock().expect("no panic").len());
    let mut lanes = tokio::task::JoinSet::new();
    for _ in 0..side_by_side {
        lanes.spawn(run_in_turn(database, scenario, positions.clone()));
    }
    let failed = lanes.join_all().await.concat();
    assert!(failed.is_empty(), "on {database:?}, with {}", failed.join("\nand with "));
}

/// Takes one position after the other until none is left; returns those in which the scenario
/// failed, and why.
async fn run_in_turn(
    database: Database,
    scenario: Scenario,
    positions: Arc<Mutex<Vec<Position>>>,
) -> Vec<String> {
    let mut failed = Vec::new();
    let next = || positions.lock().expect("no panic").pop();
    let mut node = Arc::new(Node::start(database).await);
    while let Some(Position { name, switches }) = next() {
        let place = Place { node: node.clone(), switches };
        // In a task of its own, so that the other positions are run even if it panics.
        if let Err(error) = tokio::spawn(scenario(place)).await {
            failed.push(format!("{name}: {error}"));
            // What it left behind must not disturb the next position.
            node = Arc::new(Node::start(database).await);
        }
    }
    Arc::into_inner(node).expect("no scenario is left").stop().await;
    failed
}

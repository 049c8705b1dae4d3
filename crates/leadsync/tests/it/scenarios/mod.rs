//! One suite of scenarios, on each database, against accounts in each position of their switches.
//!
//! A scenario is a function that makes a world of two accounts with live automations, acts in it
//! as people do, and looks at what became of it. What is not known of LeadSquared is a switch of
//! the emulated accounts; a scenario that ends differently in one of its positions says so.

mod activities;
mod leads;
mod mapping;
mod trouble;
mod world;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use sandbox::Switches;
use world::{Database, Node, Place};

type Run = fn(Place) -> Pin<Box<dyn Future<Output = ()> + Send>>;

macro_rules! scenarios {
    ($($module:ident: $($name:ident),+;)+) => {
        const SCENARIOS: &[(&str, Run)] = &[
            $($((
                concat!(stringify!($module), "::", stringify!($name)),
                |place| Box::pin($module::$name(place)),
            ),)+)+
        ];
    };
}

scenarios! {
    leads: create_and_update, create_only, update_only, do_nothing, lead_source,
        secondary_key_where_the_first_is_empty, secondary_key_where_the_first_finds_nothing,
        secondary_key_where_the_first_belongs_to_another, many_edits_end_as_the_last,
        automations_see_what_they_may, disabled_keeps, disabled_drops, both_ways_end_equal;
    mapping: default_mapping, switched_off_row, default_value, translated_values, computed_value,
        blanks_are_left_or_cleared, country_code, time_zone, owners, bad_values_refuse,
        bad_values_are_left_out, custom_field_set;
    activities: added_and_updated, create_only_activities, update_only_activities,
        types_and_fields_of_ones_own, activities_off;
    trouble: lost_answers, passing_errors, quota_is_kept, unknown_field_in_the_destination;
}

/// Every scenario in each position, some positions side by side.
async fn suite(database: Database) {
    const SIDE_BY_SIDE: usize = 6;
    let mut positions = vec![("default".to_owned(), Switches::default())];
    positions.extend(Switches::positions());
    let mut failed = Vec::new();
    let mut tasks = tokio::task::JoinSet::new();
    for (position, switches) in positions {
        if tasks.len() >= SIDE_BY_SIDE {
            failed.extend(tasks.join_next().await.into_iter().flatten().flatten());
        }
        tasks.spawn(run_all(position, database, switches));
    }
    failed.extend(tasks.join_all().await.into_iter().flatten());
    assert!(failed.is_empty(), "{database:?}: {failed:#?}");
}

/// Runs the scenarios one after another; answers those that failed.
async fn run_all(position: String, database: Database, switches: Switches) -> Vec<String> {
    let place = Place { node: Arc::new(Node::start(database).await), switches };
    let mut failed = Vec::new();
    for (name, run) in SCENARIOS {
        // In a task of its own, so that the others go on.
        if tokio::spawn(run(place.clone())).await.is_err() {
            failed.push(format!("{name} with {position}"));
        }
    }
    Arc::into_inner(place.node).expect("no scenario is left").stop().await;
    failed
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite() {
    suite(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres() {
    suite(Database::Postgres).await;
}

//! Sync, simulated: two accounts with live automations, people at work in both, webhooks that come
//! twice, late, out of order or never, calls whose answers are lost, accounts that refuse for a
//! while, and crashes; all by chance that a seed repeats, without a clock, a network or a wait.
//!
//! What an answer means is `plan::work`'s alone: here are two accounts ([`account`]), what goes wrong
//! between ([`outside`]), a service that drives and stores ([`service`]), and worlds with their
//! checks.
//!
//! `LEADSYNC_SEEDS=100000 cargo test --release -p plan --test it simulation` is the long run.

mod account;
mod activities;
mod chance;
mod coverage;
mod leads;
mod matching;
mod outside;
mod protection;
mod reviews;
mod service;
mod story;
mod world;

use plan::connector::Definition;
use plan::metadata::{Field, Kind};

use activities::Activities;
use coverage::Coverage;
use leads::Leads;
use matching::Matching;
use protection::Protection;
use world::{BRUTAL, Life, WEATHERS, run};

/// A field as accounts have them.
fn plain(name: &str, kind: Kind) -> Field {
    Field {
        schema_name: name.to_owned(),
        display_name: name.to_owned(),
        kind,
        max_length: None,
        options: Vec::new(),
        unique: false,
        mandatory: false,
        read_only: false,
    }
}

/// The connector from this side with these settings, besides its name and its accounts.
fn definition(from: usize, settings: &str) -> Definition {
    let to = 1 - from;
    let all = format!(r#"{{"name":"c{from}","source":"{from}","destination":"{to}",{settings}}}"#);
    serde_json::from_str(&all).expect(&all)
}

fn seeds() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "the long run by hand is longer than that of CI")]
    let said = std::env::var("LEADSYNC_SEEDS").ok();
    said.and_then(|text| text.parse().ok()).unwrap_or(1_000)
}

#[test]
fn two_accounts_end_equal_and_nothing_is_lost() {
    let mut coverage = Coverage::default();
    for (name, weather) in WEATHERS {
        for kind in 0..leads::KINDS {
            let name = format!("{name}, manners {kind}");
            coverage.absorb(run(&name, seeds() / 4, |seed| Leads::new(seed, weather, kind, None)));
        }
    }
    println!("{}", coverage.table());
}

#[test]
fn each_activity_is_there_once_and_as_it_was_left() {
    let mut coverage = Coverage::default();
    for (name, weather) in WEATHERS {
        coverage.absorb(run(name, seeds() / 2, |seed| Activities::new(seed, weather, None)));
    }
    println!("{}", coverage.table());
}

#[test]
fn nobody_is_taken_for_somebody_else() {
    let mut coverage = Coverage::default();
    for (name, weather) in WEATHERS {
        for terms in matching::TERMS {
            let name = format!("{name}, {terms:?}");
            let life = |seed| Matching::new(seed, weather, terms, None);
            coverage.absorb(run(&name, seeds() / 20, life));
        }
    }
    println!("{}", coverage.table());
}

#[test]
fn each_protection_is_needed() {
    for (protection, kinds) in [
        (Protection::Base, 0..3),
        (Protection::Versions, 0..3),
        (Protection::Merge, 0..3),
        (Protection::Intent, 0..3),
        (Protection::Breaker, 3..4),
        (Protection::Graves, 0..3),
    ] {
        let fails = |seed: u64, kind: usize| {
            let run = || Leads::new(seed, BRUTAL, kind, Some(protection)).wrong();
            std::panic::catch_unwind(run).map_or(true, |wrong| wrong.is_some())
        };
        let some_fails = (0..2_000).any(|seed| kinds.clone().any(|kind| fails(seed, kind)));
        assert!(some_fails, "without {protection:?} nothing fails: the checks do not see it");
    }
}

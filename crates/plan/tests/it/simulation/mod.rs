//! Sync, simulated: two accounts with live automations, people at work in both, webhooks that come
//! twice, late, out of order or never, calls whose answers are lost, accounts that refuse for a
//! while, and crashes; all by chance that a seed repeats, without a clock, a network or a wait.
//!
//! What an answer means is `plan::work`'s alone: here are two accounts ([`account`]), what goes wrong
//! between ([`outside`]), a service that drives and stores ([`service`]), and worlds with their
//! checks. Which worlds are run, and without which protections they must fail, is in [`runs`].
//!
//! `LEADSYNC_SEEDS=100000 cargo test --release -p plan --test it simulation` is the long run.

mod account;
mod activities;
mod chance;
mod coverage;
mod leads;
mod matching;
mod meetings;
mod outside;
mod posts;
mod protection;
mod reviews;
mod runs;
mod service;
mod story;
mod troubles;
mod world;

use plan::connector::Definition;
use plan::metadata::{Field, Kind};

/// A field as accounts have them.
fn plain(name: &str, kind: Kind) -> Field {
    Field {
        schema_name: name.to_owned(),
        display_name: name.to_owned(),
        kind,
        max_length: None,
        parts: Vec::new(),
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

//! What the tests of the whole program stand on: emulated accounts, leadsync between them on
//! either database, webhooks, waiting, and the check that nothing is left in flight.
//!
//! leadsync runs in one of two ways. A [`Service`] is the real binary in a process of its own: it
//! can be killed, and its commands can be run. A [`Node`] is the same code inside the test's
//! process: it starts in a moment, and its clock can be moved.

mod accounts;
mod chance;
mod flight;
mod node;
mod program;
mod service;
mod webhook;

pub use accounts::{EVERY_TRIGGER, LEAD_TRIGGERS, put_account, start_account, unlimited, wire};
pub use chance::Chance;
pub use flight::{in_flight, until};
pub use node::{Nobody, Node};
pub use program::{PAIR, Program, behind};
pub use service::Service;
pub use webhook::Webhooks;

use std::path::Path;
use std::time::Duration;

use postgres_fixture::Postgres;

/// How long something may take that is sure to happen, on a busy machine.
pub const SOON: Duration = Duration::from_mins(1);

/// The databases that leadsync runs on.
#[derive(Clone, Copy, Debug)]
pub enum Database {
    Sqlite,
    Postgres,
}

impl Database {
    /// The URL of a new database: a file in this folder, or one on the server that all tests of
    /// this process share.
    pub fn new_url(self, folder: &Path) -> String {
        match self {
            Self::Sqlite => format!("sqlite://{}", folder.join("leadsync.db").display()),
            Self::Postgres => Postgres::shared().database(),
        }
    }
}

//! What the process that started an account can do with it.

mod contents;
mod people;
mod setup;
mod traffic;

use crate::account::Account;
use crate::deliver::Postman;
use crate::serve::{Shared, lock};
use crate::settings::Plan;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A lead's fields as reads return them; `None` is blank.
pub type LeadFields = BTreeMap<String, Option<String>>;

/// The id of an automation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AutomationId(pub(crate) Arc<str>);

/// An emulated account. Clones refer to the same account; [`Sandbox::stop`] stops it.
#[derive(Clone)]
pub struct Sandbox {
    pub(crate) shared: Shared,
    pub(crate) address: SocketAddr,
    pub(crate) postman: Postman,
    pub(crate) server: Arc<tokio::sync::Mutex<Option<Listening>>>,
    pub(crate) stop: CancellationToken,
}

/// The server while it listens.
pub(crate) struct Listening {
    pub(crate) stop: CancellationToken,
    pub(crate) task: JoinHandle<()>,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Sandbox {} at {}", self.shared.name, self.url())
    }
}

impl Sandbox {
    /// The API host: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The account's name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The access key.
    pub fn access_key(&self) -> &str {
        &self.shared.access_key
    }

    /// The secret key.
    pub fn secret_key(&self) -> &str {
        &self.shared.secret_key
    }

    /// The account as a table of a leadsync configuration file, with its plan or quota.
    pub fn configuration(&self) -> String {
        let quota = |calls: u32, bulk_calls: u32, per_seconds: u64, daily: u64| {
            format!(
                "quota = {{ calls = {calls}, bulk_calls = {bulk_calls}, \
                 per_seconds = {per_seconds}, daily = {daily} }}"
            )
        };
        let plan = match lock(&self.shared.ill).plan {
            Plan::Pro => "plan = \"pro\"".to_owned(),
            Plan::Super => "plan = \"super\"".to_owned(),
            Plan::Explicit(own) => {
                quota(own.calls, own.bulk_calls, own.window.as_secs().max(1), own.daily)
            }
            // More than anyone needs.
            Plan::Unlimited => quota(100_000, 100_000, 1, 4_000_000_000),
        };
        format!(
            "[[account]]\nname = \"{}\"\nhost = \"{}\"\naccess_key = '{}'\nsecret_key = '{}'\n{plan}\n",
            self.name(),
            self.url(),
            self.access_key(),
            self.secret_key(),
        )
    }

    fn with<T>(&self, work: impl FnOnce(&mut Account) -> T) -> T {
        work(&mut lock(&self.shared.account))
    }
}

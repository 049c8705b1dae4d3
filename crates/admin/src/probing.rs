//! Probes of accounts that this process runs for the console and the API: they take a minute or
//! more, so nobody waits for one with a request open.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use plan::id::AccountId;
use plan::probe::Report;
use store::{Account, Actor};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Admin;

/// A probe that is stopped with the process gets so long to remove its test lead.
const FAREWELL: Duration = Duration::from_secs(30);

/// The probes of this process, of which there is one for an account at a time.
#[derive(Clone)]
pub struct Probes {
    runs: Arc<Mutex<HashMap<AccountId, Run>>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// The last probe of an account.
#[derive(Clone)]
pub enum Run {
    /// The probe is running.
    Running {
        /// Since when.
        since: Timestamp,
        /// Ends it.
        stop: CancellationToken,
    },
    /// It ended.
    Ended {
        /// When.
        at: Timestamp,
        /// What it came to, or why the store failed.
        report: Result<Report, String>,
    },
}

impl Probes {
    /// They end when `stop` is cancelled.
    pub fn new(stop: CancellationToken) -> Self {
        Self { runs: Arc::default(), tasks: TaskTracker::new(), stop }
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<AccountId, Run>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last one of an account since this process started.
    pub fn of(&self, account: AccountId) -> Option<Run> {
        self.runs().get(&account).cloned()
    }

    /// Starts a probe unless one is running; returns whether it did.
    pub fn begin(&self, admin: &Admin, account: &Account, writes: bool, actor: Actor) -> bool {
        let stop = self.stop.child_token();
        let running = Run::Running { since: (admin.clock)(), stop: stop.clone() };
        match self.runs().entry(account.id) {
            Entry::Occupied(known) if matches!(known.get(), Run::Running { .. }) => return false,
            known => drop(known.insert_entry(running)),
        }
        // Not all of it: the committer ends once nobody has it.
        let (accounts, store) = (admin.accounts.clone(), admin.store.clone());
        let (clock, account, probes) = (admin.clock.clone(), account.clone(), self.clone());
        self.tasks.spawn(async move {
            let id = account.id;
            let asked =
                async move { accounts.probe(&account, &*store, (writes, &actor), &stop).await };
            let report = match tokio::spawn(asked).await {
                Ok(report) => report.map_err(|error| error.to_string()),
                Err(error) => Err(format!("the probe ended by a defect of leadsync: {error}")),
            };
            probes.runs().insert(id, Run::Ended { at: clock(), report });
        });
        true
    }

    /// Ends the one of an account, which removes its test lead first. Returns whether there is one.
    pub fn end(&self, account: AccountId) -> bool {
        let runs = self.runs();
        let Some(Run::Running { stop, .. }) = runs.get(&account) else { return false };
        stop.cancel();
        true
    }

    /// Waits until no probe is running, after all were stopped.
    pub async fn ended(&self) {
        self.tasks.close();
        if tokio::time::timeout(FAREWELL, self.tasks.wait()).await.is_err() {
            tracing::error!(
                "a probe did not stop in time; the next probe of the account removes the test lead"
            );
        }
    }
}

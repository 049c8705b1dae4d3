//! Carries out what the plan decides.
//!
//! Accounts that connectors tie together are a *group*, worked by one task under a lease. So what
//! is being written now, the order of a lead's changes, batches and quotas are plain memory of
//! that task, in both directions of a two-way pair, and no two nodes write to one account.
//!
//! `group` is that task; `supervisor` starts one for each group and tells them of changes of
//! the configuration. Only this crate writes to accounts. [`notify`] tells people by mail of what
//! failed.

mod access;
mod failure;
mod group;
pub mod notify;
mod pages;
pub mod probe;
mod supervisor;
pub mod wiring;

use std::sync::Arc;
use std::time::Duration;

pub use access::{read_account_user, read_catalogue, read_catalogues};
use jiff::Timestamp;
use store::Store;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A clock that is never set: windows and waits in memory count on it, so that no step of the wall
/// clock locks an account. Its times mean nothing beside each other.
#[derive(Clone)]
pub struct Steady(pub Clock);

impl std::fmt::Debug for Steady {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Steady")
    }
}

impl Default for Steady {
    fn default() -> Self {
        let start = std::time::Instant::now();
        // Far from the first time that there is: windows reach back.
        let zero = Timestamp::UNIX_EPOCH;
        Self(Arc::new(move || zero.saturating_add(start.elapsed()).unwrap_or(Timestamp::MAX)))
    }
}

/// How the dispatcher works.
#[derive(Clone, Debug)]
pub struct Options {
    /// How this node is named to people, in the lease.
    pub node: String,
    /// How often the store is asked for work that nobody announced: requests of other nodes,
    /// retries that came due, changes of the configuration.
    pub poll: Duration,
    /// How long a lease lasts that is not renewed: so long does a group rest after its node died.
    pub lease: Duration,
    /// The most records that a group holds open at a time.
    pub window: usize,
    /// The bounds of a call.
    pub limits: leadsquared::Limits,
    /// How long calls under way may take after a stop was asked for.
    pub patience: Duration,
    /// A number between 0 and 1, another one each time: retries are spread by it.
    pub chance: fn() -> f64,
    /// The clock of windows and waits.
    pub steady: Steady,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            node: format!("process {}", std::process::id()),
            poll: Duration::from_millis(250),
            lease: Duration::from_secs(6),
            window: 2_000,
            limits: leadsquared::Limits {
                answer: 8 * 1024 * 1024,
                ..leadsquared::Limits::default()
            },
            patience: Duration::from_secs(20),
            chance: || 0.5,
            steady: Steady::default(),
        }
    }
}

/// What every task of the dispatcher has.
#[derive(Clone)]
pub(crate) struct Shared {
    store: Arc<dyn Store>,
    clock: Clock,
    options: Arc<Options>,
}

impl Shared {
    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    fn steady(&self) -> Timestamp {
        (self.options.steady.0)()
    }
}

/// The dispatcher of one process.
#[derive(Debug)]
pub struct Dispatcher {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Dispatcher {
    /// Begins to work whatever the store holds, and goes on until [`Dispatcher::stop`].
    ///
    /// `wake` is notified by whoever stored something new in this process; what others store is
    /// found by asking. It must be called within a Tokio runtime.
    pub fn start(store: Arc<dyn Store>, wake: Arc<Notify>, clock: Clock, options: Options) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(supervisor::run(store, wake, clock, options, stop.clone()));
        Self { stop, task }
    }

    /// Ends it: no call is begun any more, those under way are finished and recorded, and the
    /// leases are given up.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the dispatcher stopped because of a panic");
        }
    }
}

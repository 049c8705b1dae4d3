//! Carries out what the plan decides.
//!
//! Accounts that are joined by connectors form a *group*, processed by one task under a lease. So
//! the writes in flight, the order of a lead's changes, batches and quotas are plain memory of that
//! task, in both directions of a pair, and no two nodes write to the same account.
//!
//! `group` is that task; `supervisor` starts one for each group and notifies them of configuration
//! changes. Only this crate writes to accounts. [`notify`] notifies people of failures by mail;
//! [`retention`] deletes what is old.

mod access;
mod failure;
mod group;
pub mod notify;
mod pages;
pub mod probe;
pub mod retention;
mod supervisor;
pub mod wiring;

use std::sync::Arc;
use std::time::Duration;

pub use access::{read_account_user, read_catalogue, read_catalogues, read_lead};
use jiff::Timestamp;
use store::Store;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A monotonic clock: windows and waits in memory use it, so that a step of the wall clock can't
/// block an account. Only differences between its times have a meaning.
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
        // Far from the minimum time: windows reach back.
        let zero = Timestamp::UNIX_EPOCH;
        Self(Arc::new(move || zero.saturating_add(start.elapsed()).unwrap_or(Timestamp::MAX)))
    }
}

/// The dispatcher's options.
#[derive(Clone, Debug)]
pub struct Options {
    /// This node's name in the lease, for people to read.
    pub node: String,
    /// How often the store is polled for work without a notification: requests from other nodes,
    /// retries that are due, configuration changes.
    pub poll: Duration,
    /// How long a lease lasts without renewal: the time a group is idle after its node died.
    pub lease: Duration,
    /// The most records that a group has open at a time.
    pub window: usize,
    /// The limits of a call.
    pub limits: leadsquared::Limits,
    /// How long calls in flight may take after a stop was requested.
    pub patience: Duration,
    /// A random number between 0 and 1, which spreads retries.
    pub chance: fn() -> f64,
    /// The clock for windows and waits.
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

/// What all tasks of the dispatcher share.
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
    /// Starts processing what the store holds, until [`Dispatcher::stop`].
    ///
    /// `wake` is notified when this process stores something new; what other processes store is
    /// found by polling. It must be called within a Tokio runtime.
    pub fn start(store: Arc<dyn Store>, wake: Arc<Notify>, clock: Clock, options: Options) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(supervisor::run(store, wake, clock, options, stop.clone()));
        Self { stop, task }
    }

    /// Stops it: no more calls are started, those in flight are finished and recorded, and the
    /// leases are given up.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the dispatcher stopped because of a panic");
        }
    }
}

//! Deletes what is older than the retention period, while the service runs.
//!
//! It works in small steps with pauses between them, so that the queue is never held up, and on one
//! node at a time. What is deleted, and what stays, is in `docs/privacy.md`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use plan::id::RequestId;
use store::{Pruned, Store};
use tokio_util::sync::CancellationToken;

use crate::Clock;

/// How long a node has the turn: the next one may be another's.
const TURN: SignedDuration = SignedDuration::from_mins(10);
/// How long it works in its turn. What is left then waits for the next one.
const WORK: SignedDuration = SignedDuration::from_mins(8);
/// The least pause between two steps.
const PAUSE: Duration = Duration::from_millis(50);
/// How much longer a pause is than the step before it: pruning takes at most a fifth of the
/// database's time.
const PAUSES_A_STEP: u32 = 4;
/// What was received last is kept even if the data is larger than it should be.
const ALWAYS_KEPT: SignedDuration = SignedDuration::from_hours(1);
const HOURS_A_DAY: i64 = 24;

/// What is kept, and how often it is pruned.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many days requests and what belongs to them are kept; `None`: for ever.
    pub days: Option<u32>,
    /// How many bytes the data may take; the oldest requests are deleted above it.
    pub bytes: Option<u64>,
    /// How often to look whether it is this node's turn.
    pub every: Duration,
}

impl Options {
    /// How many days are kept unless the settings say otherwise.
    pub const DAYS: u32 = 90;
}

impl Default for Options {
    fn default() -> Self {
        Self { days: Some(Self::DAYS), bytes: None, every: Duration::from_mins(1) }
    }
}

/// The task that prunes.
#[derive(Debug)]
pub struct Pruner {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Pruner {
    /// Starts pruning, until [`Pruner::stop`]. It must be called within a Tokio runtime.
    pub fn start(store: Arc<dyn Store>, clock: Clock, options: Options) -> Self {
        let stop = CancellationToken::new();
        let shears = Shears { store, clock, options, stop: stop.clone() };
        Self { stop, task: tokio::spawn(shears.run()) }
    }

    /// Stops it after the step that it is doing.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "pruning stopped because of a panic");
        }
    }
}

struct Shears {
    store: Arc<dyn Store>,
    clock: Clock,
    options: Options,
    stop: CancellationToken,
}

/// What a step deletes.
#[derive(Clone, Copy)]
enum What {
    Requests,
    Calls,
    Rest,
}

impl What {
    fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Calls => "calls",
            Self::Rest => "other",
        }
    }
}

impl Shears {
    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    async fn run(self) {
        if self.options.days.is_none() && self.options.bytes.is_none() {
            return;
        }
        let mut every = tokio::time::interval(self.options.every);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                _ = every.tick() => {}
            }
            if let Err(error) = self.turn().await {
                tracing::warn!(%error, "pruning is delayed");
            }
        }
    }

    /// Prunes, if it is this node's turn.
    async fn turn(&self) -> store::Result<()> {
        let now = self.now();
        let after = |time| now.checked_add(time).unwrap_or(Timestamp::MAX);
        if !self.store.claim_pruning(now, after(TURN)).await? {
            return Ok(());
        }
        let end = after(WORK);
        let mut deleted = 0;
        if let Some(days) = self.options.days {
            let kept = SignedDuration::from_hours(i64::from(days) * HOURS_A_DAY);
            let before = RequestId::first_at(now.checked_sub(kept).unwrap_or(Timestamp::MIN));
            for what in [What::Requests, What::Calls, What::Rest] {
                deleted += self.prune(what, before, end).await?;
            }
        }
        deleted += self.make_room(now, end).await?;
        if deleted > 0 {
            tracing::info!(deleted, "pruned what is older than the retention period");
        }
        Ok(())
    }

    /// Deletes everything of a kind from before this time.
    async fn prune(&self, what: What, before: RequestId, end: Timestamp) -> store::Result<u64> {
        let (mut deleted, mut after) = (0, Some(RequestId::FIRST));
        while let (Some(from), false) = (after, self.is_over(end)) {
            let pruned = self.step(what, from, before).await?;
            (deleted, after) = (deleted + pruned.deleted, pruned.next);
        }
        Ok(deleted)
    }

    /// Deletes the oldest requests while the data is larger than it may be.
    async fn make_room(&self, now: Timestamp, end: Timestamp) -> store::Result<u64> {
        let mut bytes = self.measure().await?;
        let Some(most) = self.options.bytes else { return Ok(0) };
        let before = RequestId::first_at(now.checked_sub(ALWAYS_KEPT).unwrap_or(Timestamp::MIN));
        let (mut deleted, mut after) = (0, Some(RequestId::FIRST));
        let mut called = RequestId::FIRST;
        while bytes > most
            && let (Some(from), false) = (after, self.is_over(end))
        {
            let pruned = self.step(What::Requests, from, before).await?;
            (deleted, after) = (deleted + pruned.deleted, pruned.next);
            // Calls follow the requests for which they were made.
            let reached = pruned.next.unwrap_or(before);
            let mut calls = Some(called);
            while let (Some(from), false) = (calls, self.is_over(end)) {
                let pruned = self.step(What::Calls, from, reached).await?;
                (deleted, calls) = (deleted + pruned.deleted, pruned.next);
                called = pruned.next.unwrap_or(called);
            }
            bytes = self.measure().await?;
        }
        if bytes > most {
            tracing::warn!(
                bytes,
                most,
                "the data is larger than LEADSYNC_RETENTION_SIZE, and all that may be deleted was"
            );
        }
        Ok(deleted)
    }

    async fn measure(&self) -> store::Result<u64> {
        let bytes = self.store.kept_bytes().await?;
        #[expect(clippy::cast_precision_loss, reason = "a size is shown rounded")]
        metrics::gauge!("leadsync_stored_bytes").set(bytes as f64);
        Ok(bytes)
    }

    /// One step, and the pause after it.
    async fn step(&self, what: What, after: RequestId, before: RequestId) -> store::Result<Pruned> {
        let begun = Instant::now();
        let pruned = match what {
            What::Requests => self.store.prune_requests(after, before).await?,
            What::Calls => self.store.prune_calls(after, before).await?,
            What::Rest => self.store.prune_rest(before.received_at()).await?,
        };
        if pruned.deleted > 0 {
            self.store.release_space().await?;
        }
        metrics::counter!("leadsync_pruned_total", "what" => what.as_str())
            .increment(pruned.deleted);
        let pause = PAUSE.max(begun.elapsed() * PAUSES_A_STEP);
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
        Ok(pruned)
    }

    fn is_over(&self, end: Timestamp) -> bool {
        self.stop.is_cancelled() || self.now() >= end
    }
}

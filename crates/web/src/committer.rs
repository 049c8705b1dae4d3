//! The one task that commits deliveries: those that arrive while a commit is under way share the
//! next one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use store::{NewDelivery, Store};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::Limits;

/// The most deliveries of one commit.
const MOST_A_COMMIT: usize = 512;
/// A commit that takes longer is given up, and its senders are told to try again.
const LONGEST_COMMIT: Duration = Duration::from_secs(20);

/// Why a delivery was not kept. The sender has to send it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotKept {
    /// Too much waits already.
    Full,
    /// The store did not take it.
    Failed,
}

struct Waiting {
    delivery: NewDelivery,
    kept: oneshot::Sender<bool>,
}

/// The way to the task.
#[derive(Clone, Debug)]
pub(crate) struct Committer {
    queue: mpsc::Sender<Waiting>,
    bytes: Arc<AtomicUsize>,
    most_bytes: usize,
}

impl Committer {
    pub(crate) fn start(
        store: Arc<dyn Store>,
        wake: Arc<Notify>,
        limits: Limits,
    ) -> (Self, JoinHandle<()>) {
        let (queue, waiting) = mpsc::channel(limits.waiting);
        let bytes = Arc::new(AtomicUsize::new(0));
        let task = tokio::spawn(commit(store, wake, waiting, bytes.clone()));
        (Self { queue, bytes, most_bytes: limits.waiting_bytes }, task)
    }

    /// Keeps a delivery; answers when it is on disk. When the caller goes away it is kept all
    /// the same.
    pub(crate) async fn keep(&self, delivery: NewDelivery) -> Result<(), NotKept> {
        let size = delivery.body.len();
        if self.bytes.load(Ordering::Relaxed) + size > self.most_bytes {
            return Err(NotKept::Full);
        }
        self.bytes.fetch_add(size, Ordering::Relaxed);
        let (kept, answer) = oneshot::channel();
        if self.queue.try_send(Waiting { delivery, kept }).is_err() {
            self.bytes.fetch_sub(size, Ordering::Relaxed);
            return Err(NotKept::Full);
        }
        match answer.await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(NotKept::Failed),
        }
    }
}

async fn commit(
    store: Arc<dyn Store>,
    wake: Arc<Notify>,
    mut queue: mpsc::Receiver<Waiting>,
    bytes: Arc<AtomicUsize>,
) {
    let mut batch = Vec::with_capacity(MOST_A_COMMIT);
    while queue.recv_many(&mut batch, MOST_A_COMMIT).await > 0 {
        let size = batch.iter().map(|waiting| waiting.delivery.body.len()).sum();
        bytes.fetch_sub(size, Ordering::Relaxed);
        let (deliveries, answers): (Vec<_>, Vec<_>) =
            batch.drain(..).map(|waiting| (waiting.delivery, waiting.kept)).unzip();
        let count = deliveries.len();
        let began = Instant::now();
        let result = store_within(LONGEST_COMMIT, store.clone(), deliveries).await;
        metrics::histogram!("leadsync_commit_seconds").record(began.elapsed());
        metrics::histogram!("leadsync_commit_deliveries")
            .record(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
        let kept = match result {
            Ok(()) => true,
            Err(why) => {
                tracing::error!(why, count, "deliveries were not kept; their senders were told");
                false
            }
        };
        for answer in answers {
            // Nobody waits any more if the client hung up.
            let _ = answer.send(kept);
        }
        if kept {
            wake.notify_one();
        } else {
            refuse_all(&mut queue, &bytes);
        }
    }
}

/// Stores them in a task of its own, so that a panic in the store ends one commit and not all.
async fn store_within(
    longest: Duration,
    store: Arc<dyn Store>,
    deliveries: Vec<NewDelivery>,
) -> Result<(), String> {
    let mut task = tokio::spawn(async move { store.store_deliveries(deliveries).await });
    match tokio::time::timeout(longest, &mut task).await {
        Ok(Ok(result)) => result.map_err(|error| error.to_string()),
        Ok(Err(panic)) => Err(panic.to_string()),
        Err(_) => {
            task.abort();
            Err(format!("the store did not answer within {longest:?}"))
        }
    }
}

/// What waits is told at once, rather than one batch after the other after as many time-outs.
fn refuse_all(queue: &mut mpsc::Receiver<Waiting>, bytes: &AtomicUsize) {
    while let Ok(waiting) = queue.try_recv() {
        bytes.fetch_sub(waiting.delivery.body.len(), Ordering::Relaxed);
        let _ = waiting.kept.send(false);
    }
}

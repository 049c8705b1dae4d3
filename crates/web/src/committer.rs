//! The one task that commits deliveries: those that arrive during a commit share the
//! next one.

use std::sync::Arc;
use std::time::Duration;

use store::{Intake, NewDelivery};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::Limits;

/// The most deliveries of one commit.
const MOST_A_COMMIT: usize = 512;
/// A commit that takes longer is abandoned, and its senders are asked to retry.
const LONGEST_COMMIT: Duration = Duration::from_secs(20);

/// Why a delivery was not kept. The sender has to send it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotKept {
    /// Too much is waiting already.
    Full,
    /// The store did not accept it.
    Failed,
}

struct Waiting {
    delivery: NewDelivery,
    kept: oneshot::Sender<bool>,
    room: OwnedSemaphorePermit,
}

/// The handle of the task.
#[derive(Clone, Debug)]
pub(crate) struct Committer {
    queue: mpsc::Sender<Waiting>,
    /// Bytes of bodies that may still be held in memory.
    room: Arc<Semaphore>,
}

impl Committer {
    pub(crate) fn start(
        intake: Arc<dyn Intake>,
        wake: Arc<Notify>,
        limits: Limits,
    ) -> (Self, JoinHandle<()>) {
        let (queue, waiting) = mpsc::channel(limits.waiting);
        let room = Arc::new(Semaphore::new(limits.waiting_bytes.min(Semaphore::MAX_PERMITS)));
        let task = tokio::spawn(commit(intake, wake, waiting));
        (Self { queue, room }, task)
    }

    /// Reserves room for this many more bytes of a body, until the returned permit is dropped. It
    /// is reserved as bytes arrive: announcing much and sending nothing blocks nobody.
    pub(crate) fn take_room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, NotKept> {
        let bytes = u32::try_from(bytes).map_err(|_| NotKept::Full)?;
        self.room.clone().try_acquire_many_owned(bytes).map_err(|_| NotKept::Full)
    }

    /// Keeps a delivery whose body has this room, and returns when it is on disk. It is kept even
    /// if the caller goes away.
    pub(crate) async fn keep(
        &self,
        delivery: NewDelivery,
        room: OwnedSemaphorePermit,
    ) -> Result<(), NotKept> {
        let (kept, answer) = oneshot::channel();
        if self.queue.try_send(Waiting { delivery, kept, room }).is_err() {
            return Err(NotKept::Full);
        }
        match answer.await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(NotKept::Failed),
        }
    }
}

async fn commit(intake: Arc<dyn Intake>, wake: Arc<Notify>, mut queue: mpsc::Receiver<Waiting>) {
    let mut batch = Vec::with_capacity(MOST_A_COMMIT);
    while queue.recv_many(&mut batch, MOST_A_COMMIT).await > 0 {
        let (deliveries, answers): (Vec<_>, Vec<_>) =
            batch.drain(..).map(|waiting| (waiting.delivery, (waiting.kept, waiting.room))).unzip();
        let count = deliveries.len();
        let began = Instant::now();
        let result = store_within(LONGEST_COMMIT, intake.clone(), deliveries).await;
        metrics::histogram!("leadsync_commit_seconds").record(began.elapsed());
        metrics::histogram!("leadsync_commit_deliveries")
            .record(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
        let kept = match result {
            Ok(()) => true,
            Err(why) => {
                tracing::error!(
                    why,
                    count,
                    "deliveries could not be stored; the senders received an error"
                );
                false
            }
        };
        for (answer, room) in answers {
            drop(room);
            // Nobody is waiting if the client hung up.
            let _ = answer.send(kept);
        }
        if kept {
            wake.notify_one();
        } else {
            refuse_all(&mut queue);
        }
    }
}

/// Stores them in a separate task, so that a panic in the store ends one commit and not all.
async fn store_within(
    longest: Duration,
    intake: Arc<dyn Intake>,
    deliveries: Vec<NewDelivery>,
) -> Result<(), String> {
    let mut task = tokio::spawn(async move { intake.store_deliveries(deliveries).await });
    match tokio::time::timeout(longest, &mut task).await {
        Ok(Ok(result)) => result.map_err(|error| error.to_string()),
        Ok(Err(panic)) => Err(panic.to_string()),
        Err(_) => {
            task.abort();
            Err(format!("the store did not answer within {longest:?}"))
        }
    }
}

/// Everything that waits is refused at once, instead of one batch after another, each after a
/// time-out.
fn refuse_all(queue: &mut mpsc::Receiver<Waiting>) {
    while let Ok(waiting) = queue.try_recv() {
        let _ = waiting.kept.send(false);
    }
}

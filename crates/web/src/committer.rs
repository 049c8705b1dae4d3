//! The one task that commits deliveries: those that arrive while a commit is under way share the
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
    room: OwnedSemaphorePermit,
}

/// The way to the task.
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

    /// Takes room for so many more bytes of a body, until what is answered is dropped. It is taken
    /// as they arrive: announcing much and sending nothing keeps nobody out.
    pub(crate) fn take_room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, NotKept> {
        let bytes = u32::try_from(bytes).map_err(|_| NotKept::Full)?;
        self.room.clone().try_acquire_many_owned(bytes).map_err(|_| NotKept::Full)
    }

    /// Keeps a delivery, whose body takes this room; answers when it is on disk. When the caller
    /// goes away it is kept all the same.
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
                tracing::error!(why, count, "deliveries were not kept; their senders were told");
                false
            }
        };
        for (answer, room) in answers {
            drop(room);
            // Nobody waits any more if the client hung up.
            let _ = answer.send(kept);
        }
        if kept {
            wake.notify_one();
        } else {
            refuse_all(&mut queue);
        }
    }
}

/// Stores them in a task of its own, so that a panic in the store ends one commit and not all.
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

/// What waits is told at once, rather than one batch after the other after as many time-outs.
fn refuse_all(queue: &mut mpsc::Receiver<Waiting>) {
    while let Ok(waiting) = queue.try_recv() {
        let _ = waiting.kept.send(false);
    }
}

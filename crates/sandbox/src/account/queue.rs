//! The posts that wait for delivery, in order for each lead.

use super::activity::Activity;
use super::automation::Automation;
use super::ledger::Slot;
use crate::lead::Lead;
use crate::metadata::Setup;
use jiff::Timestamp;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, mpsc};

/// Who posts.
#[derive(Clone)]
pub(crate) enum Source {
    Automation { id: Arc<str>, automation: Arc<Automation> },
    Native { id: Arc<str>, url: String, headers: Vec<(String, String)> },
}

/// One post to be made.
pub(crate) struct Job {
    pub(crate) source: Source,
    pub(crate) slot: Slot,
    pub(crate) lead_id: Arc<str>,
    pub(crate) setup: Arc<Setup>,
    pub(crate) before: Option<Arc<Lead>>,
    pub(crate) after: Arc<Lead>,
    pub(crate) activity: Option<Arc<Activity>>,
    /// The body, if it does not depend on when it is sent.
    pub(crate) body: Option<String>,
}

/// A post that was delivered or given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The automation's name; the webhook's id for a native webhook.
    pub automation: String,
    /// The lead.
    pub lead_id: String,
    /// Where it was posted to.
    pub url: String,
    /// What was posted.
    pub payload: String,
    /// The status of each attempt, in order; `None` where no response came.
    pub statuses: Vec<Option<u16>>,
    /// When it was first posted.
    pub at: Timestamp,
}

impl Delivery {
    /// Whether it was accepted: LeadSquared counts only status 200 as success.
    pub fn succeeded(&self) -> bool {
        self.statuses.last() == Some(&Some(200))
    }
}

/// Hands posts to the workers. All posts of a lead go to the same worker, so they keep their order.
pub(crate) struct Queue {
    workers: Vec<mpsc::UnboundedSender<Job>>,
    pending: AtomicUsize,
    idle: Notify,
    done: Mutex<VecDeque<Delivery>>,
    log: usize,
}

/// The workers' ends of the queue.
pub(crate) type Inboxes = Vec<mpsc::UnboundedReceiver<Job>>;

impl Queue {
    pub(crate) fn new(workers: usize, log: usize) -> (Self, Inboxes) {
        let (workers, inboxes) = (0..workers.max(1)).map(|_| mpsc::unbounded_channel()).unzip();
        let done = Mutex::new(VecDeque::new());
        let queue = Self { workers, pending: AtomicUsize::new(0), idle: Notify::new(), done, log };
        (queue, inboxes)
    }

    pub(crate) fn push(&self, job: Job) {
        let place = usize::try_from(job.slot).unwrap_or(0) % self.workers.len();
        self.pending.fetch_add(1, Ordering::SeqCst);
        if self.workers[place].send(job).is_err() {
            self.finish(None);
        }
    }

    pub(crate) fn pending(&self) -> usize {
        self.pending.load(Ordering::SeqCst)
    }

    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.iter().cloned().collect()
    }

    pub(crate) async fn idle(&self) {
        loop {
            let notified = self.idle.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if self.pending() == 0 {
                return;
            }
            notified.await;
        }
    }

    pub(crate) fn finish(&self, delivery: Option<Delivery>) {
        if let Some(delivery) = delivery {
            let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
            if done.len() >= self.log {
                done.pop_front();
            }
            done.push_back(delivery);
        }
        if self.pending.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.idle.notify_waiters();
        }
    }
}

//! Calls and posts: faults on demand, and counts and logs.

use super::Sandbox;
use crate::account::Delivery;
use crate::fault::Fault;
use crate::meter::CallCounts;
use crate::serve::lock;
use std::time::Duration;

impl Sandbox {
    /// Adds a fault.
    pub fn put_fault(&self, fault: Fault) {
        lock(&self.shared.ill).faults.push(fault);
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        lock(&self.shared.ill).faults.clear();
    }

    /// Delays every response by this much: half of it passes before the call takes effect.
    pub fn set_latency(&self, latency: Duration) {
        lock(&self.shared.ill).latency = latency;
    }

    /// The calls since the start or the last reset.
    pub fn calls(&self) -> CallCounts {
        lock(&self.shared.meter).counts.clone()
    }

    /// When the first 100,000 calls with valid keys since the start or the last [`Sandbox::reset_calls`]
    /// were made, and by which operation.
    #[must_use]
    pub fn call_times(&self) -> Vec<(std::time::Instant, String)> {
        lock(&self.shared.meter).made.clone()
    }

    /// Resets the counts of calls.
    pub fn reset_calls(&self) {
        lock(&self.shared.meter).reset();
    }

    /// The most recent finished posts, oldest first.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.postman.queue.deliveries()
    }

    /// How many posts are waiting or in progress.
    pub fn deliveries_pending(&self) -> usize {
        self.postman.queue.pending()
    }

    /// Waits until no post is waiting or in progress. Returns at once if the account is stopped.
    pub async fn idle(&self) {
        tokio::select! {
            () = self.postman.queue.idle() => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// Posts a payload again, like a retry after a lost response; returns the status.
    pub async fn deliver_again(&self, delivery: &Delivery) -> Option<u16> {
        self.postman.client.post(&delivery.url, &[], delivery.payload.clone()).await
    }
}

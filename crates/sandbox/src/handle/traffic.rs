//! Calls and posts: what goes wrong with them, and what was seen of them.

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

    /// Makes every answer come so much later.
    pub fn set_latency(&self, latency: Duration) {
        lock(&self.shared.ill).latency = latency;
    }

    /// The calls since the start or the last reset.
    pub fn calls(&self) -> CallCounts {
        lock(&self.shared.meter).counts.clone()
    }

    /// Begins to count calls anew.
    pub fn reset_calls(&self) {
        lock(&self.shared.meter).reset();
    }

    /// The most recent posts that ended, oldest first.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.postman.queue.deliveries()
    }

    /// How many posts are under way or wait.
    pub fn deliveries_pending(&self) -> usize {
        self.postman.queue.pending()
    }

    /// Waits until no post is under way or waits; a stopped account posts nothing any more.
    pub async fn idle(&self) {
        tokio::select! {
            () = self.postman.queue.idle() => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// Posts a payload once more, as a retry after a lost answer does; answers the status.
    pub async fn deliver_again(&self, delivery: &Delivery) -> Option<u16> {
        self.postman.client.post(&delivery.url, delivery.payload.clone()).await
    }
}

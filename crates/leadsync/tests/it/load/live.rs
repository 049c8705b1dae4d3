//! Live changes beside a backfill, and how long each takes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use sandbox::Version;
use serde_json::json;
use tokio::task::JoinHandle;

use super::soon;
use crate::rig::{Service, Webhooks};

/// How often a lead is created or changed in the source.
const PACE: Duration = Duration::from_millis(500);

/// A change of a lead that was posted.
#[derive(Clone, Debug)]
pub struct Change {
    pub email: String,
    /// What its first name was then.
    pub name: &'static str,
    /// When the service answered 200.
    pub accepted: Timestamp,
}

/// Posts changes at a steady pace: in turn a lead that is new, and a change of the one before it.
pub struct Live {
    changes: Arc<Mutex<Vec<Change>>>,
    stop: Arc<AtomicBool>,
    posting: JoinHandle<()>,
}

impl Live {
    pub fn start(service: &Service) -> Self {
        let (source, hook) = (service.source.clone(), service.hook.clone());
        let changes: Arc<Mutex<Vec<Change>>> = Arc::default();
        let stop = Arc::new(AtomicBool::new(false));
        let (kept, is_over) = (changes.clone(), stop.clone());
        let posting = tokio::spawn(async move {
            let webhooks = Webhooks::new();
            // The accounts note by this clock when they were written to.
            let clock = sandbox::settings::system_clock();
            let mut pace = tokio::time::interval(PACE);
            pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            let mut ids: Vec<String> = Vec::new();
            for turn in 0.. {
                pace.tick().await;
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
                // LeadSquared's times have whole seconds: a change comes a second later at least.
                let is_new = turn % 2 == 0 || turn < 3;
                let (number, name) = if is_new { (ids.len(), "v1") } else { (ids.len() - 2, "v2") };
                let email = format!("live{number}@example.com");
                if is_new {
                    let fields = [("EmailAddress", &*email), ("LastName", "Live")];
                    ids.push(source.create_lead(&fields).expect("a lead"));
                }
                let id = &ids[number];
                source.edit_lead(id, &[("FirstName", name)]).expect("a change");
                let lead = source.lead(id).expect("it was created");
                let body = json!({ "Before": {}, "After": lead, "Current": lead });
                webhooks.post(&hook, body.to_string().as_bytes()).await;
                let change = Change { email, name, accepted: clock() };
                kept.lock().expect("nobody panicked").push(change);
            }
        });
        Self { changes, stop, posting }
    }

    /// How many changes were accepted.
    pub fn posted(&self) -> usize {
        self.changes.lock().expect("nobody panicked").len()
    }

    /// Waits until so many were accepted.
    pub async fn reaches(&self, count: usize) {
        soon("live changes are posted", || self.posted() >= count).await;
    }

    /// Ends it; returns all that was accepted.
    pub async fn stop(self) -> Vec<Change> {
        self.stop.store(true, Ordering::SeqCst);
        self.posting.await.expect("the changes were posted");
        self.changes.lock().expect("nobody panicked").clone()
    }
}

/// How long changes took from the service's answer to the write in the destination, in
/// milliseconds.
#[derive(Clone, Debug, Default)]
pub struct Lags(Vec<f64>);

impl Lags {
    /// Those of these changes; the leads' histories in the destination are by email address.
    pub fn of(changes: &[Change], there: &HashMap<String, Vec<Version>>) -> Self {
        let lag = |change: &Change| {
            let versions = &there[&change.email];
            // A newer value includes an older one.
            let shows = |version: &&Version| {
                let names = version.changes.iter().filter(|one| &*one.field == "FirstName");
                names.filter_map(|one| one.after.as_deref()).any(|after| after >= change.name)
            };
            let written = versions.iter().find(shows).expect("it was written").at;
            written.duration_since(change.accepted).as_secs_f64() * 1000.0
        };
        let mut all: Vec<f64> = changes.iter().map(lag).collect();
        all.sort_by(f64::total_cmp);
        Self(all)
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The value below which so many of a hundred lie.
    pub fn percentile(&self, of: usize) -> f64 {
        let at = (self.0.len().saturating_sub(1) * of).div_ceil(100);
        self.0.get(at).copied().unwrap_or(f64::NAN)
    }
}

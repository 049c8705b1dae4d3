//! What native webhooks (Settings > API and Webhooks) post.
//!
//! Lead events and new activities are posted. LeadSquared's grouping of activities by the minute
//! and its verification of URLs are not emulated.

use super::fire::Event;
use super::{Account, Hook, Job, Slot, Source};
use crate::lead::{Flat, Lead};
use crate::switches::RemovalPayload;
use serde_json::json;
use std::sync::Arc;

const LEAD_CREATE: u32 = 3;
const LEAD_UPDATE: u32 = 6;
const ACTIVITY_CREATE: u32 = 2;
/// The settings page and `Retrieve` name these two events. Their real numbers are not known.
pub(crate) const LEAD_DELETE: u32 = 1_001;
pub(crate) const LEAD_MERGE: u32 = 1_002;

impl Account {
    pub(crate) fn fire_native(&self, event: &Event<'_>) {
        let setup = &self.setup;
        let flat = |lead: &crate::lead::Lead| {
            serde_json::to_value(Flat::whole(setup, lead)).unwrap_or_default()
        };
        let (number, slot, body) = match event {
            _ if self.native.hooks.is_empty() => return,
            Event::LeadCreated { slot } => (LEAD_CREATE, *slot, flat(self.ledger.lead(*slot))),
            Event::LeadUpdated { slot, before, .. } => {
                let body = serde_json::json!({
                    "Before": flat(before), "After": flat(self.ledger.lead(*slot)),
                });
                (LEAD_UPDATE, *slot, body)
            }
            Event::ActivityCreated { activity } => {
                let item = activity.shown(setup);
                (ACTIVITY_CREATE, activity.slot, serde_json::json!([item]))
            }
            Event::ActivityUpdated { .. } => return,
        };
        let after = self.ledger.lead(slot).clone();
        let kind = match event {
            Event::ActivityCreated { activity } => Some(activity.event),
            _ => None,
        };
        self.post_native((number, kind), slot, &after, &body);
    }

    /// Posts that a lead was deleted, or merged into `kept`.
    pub(crate) fn fire_removed(&self, slot: Slot, gone: &Arc<Lead>, kept: Option<&Arc<Lead>>) {
        let flat =
            |lead: &Lead| serde_json::to_value(Flat::whole(&self.setup, lead)).unwrap_or_default();
        let body = match (self.setup.switches.removal_payload, kept) {
            (RemovalPayload::Leads, None) => flat(gone),
            (RemovalPayload::Leads, Some(kept)) => {
                json!({ "Before": flat(gone), "After": flat(kept) })
            }
            (RemovalPayload::Ids, None) => json!({ "ProspectID": &*gone.id }),
            (RemovalPayload::Ids, Some(kept)) => {
                json!({ "ProspectID": &*kept.id, "MergedProspectId": &*gone.id })
            }
        };
        let number = if kept.is_some() { LEAD_MERGE } else { LEAD_DELETE };
        self.post_native((number, None), slot, gone, &body);
    }

    /// Posts an event, with the activity type if it is about an activity.
    fn post_native(
        &self,
        (number, kind): (u32, Option<u32>),
        slot: Slot,
        after: &Arc<Lead>,
        body: &serde_json::Value,
    ) {
        let is_wanted = |hook: &&Hook| {
            let is_of_type = kind.zip(hook.activity_event).is_none_or(|(is, wanted)| is == wanted);
            hook.event == number && hook.status == 0 && is_of_type
        };
        for hook in self.native.hooks.iter().filter(is_wanted) {
            self.queue.push(Job {
                source: Source::Native {
                    id: hook.id.clone(),
                    url: hook.url.clone(),
                    headers: hook.headers.clone(),
                },
                slot,
                lead_id: after.id.clone(),
                setup: self.setup.clone(),
                before: None,
                after: after.clone(),
                activity: None,
                body: Some(body.to_string()),
            });
        }
    }
}

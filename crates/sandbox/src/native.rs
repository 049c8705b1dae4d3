//! Native webhooks (Settings > API and Webhooks): what `Webhook.svc` keeps, and their posts.
//!
//! The sync uses automations; these are here for what lists and makes them. Posts of lead events
//! are made; the grouping of activities by the minute and the verification are not.

use crate::account::{Account, Event};
use crate::deliver::{Job, Source};
use crate::lead::Flat;
use std::sync::Arc;

/// A native webhook.
#[derive(Clone, Debug)]
pub(crate) struct Hook {
    pub(crate) id: Arc<str>,
    pub(crate) description: String,
    pub(crate) url: String,
    /// `WebhookEvent`: 3 lead create, 6 lead update, 2 activity create, 15 activity update.
    pub(crate) event: u32,
    pub(crate) properties: Option<String>,
    /// 0 enabled, 1 disabled by hand, 2 disabled because posts failed.
    pub(crate) status: u8,
}

/// All native webhooks of an account.
#[derive(Default)]
pub(crate) struct Native {
    pub(crate) hooks: Vec<Hook>,
}

const LEAD_CREATE: u32 = 3;
const LEAD_UPDATE: u32 = 6;
const ACTIVITY_CREATE: u32 = 2;

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
                let item = crate::deliver::activity_item(setup, activity);
                (ACTIVITY_CREATE, activity.slot, serde_json::json!([item]))
            }
            Event::ActivityUpdated { .. } => return,
        };
        let after = self.ledger.lead(slot).clone();
        let wanted =
            self.native.hooks.iter().filter(|hook| hook.event == number && hook.status == 0);
        for hook in wanted {
            self.queue.push(Job {
                source: Source::Native { id: hook.id.clone(), url: hook.url.clone() },
                slot,
                lead_id: after.id.clone(),
                setup: setup.clone(),
                before: None,
                after: after.clone(),
                activity: None,
                body: Some(body.to_string()),
            });
        }
    }
}

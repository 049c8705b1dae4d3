//! Which automations a change triggers.

use super::{Account, Activity, Job, Slot, Source, Stamp, Trigger};
use crate::lead::Lead;
use crate::metadata::FieldNo;
use std::sync::Arc;

/// What happened in the account.
pub(crate) enum Event<'a> {
    LeadCreated { slot: Slot },
    LeadUpdated { slot: Slot, before: Arc<Lead>, changed: &'a [FieldNo] },
    ActivityCreated { activity: Arc<Activity> },
    ActivityUpdated { activity: Arc<Activity> },
}

impl Account {
    pub(super) fn fire(&mut self, event: &Event<'_>, stamp: &Stamp) {
        self.fire_native(event);
        let setup = self.setup.clone();
        let (slot, before, activity) = match event {
            Event::LeadCreated { slot } => (*slot, None, None),
            Event::LeadUpdated { slot, before, .. } => (*slot, Some(before.clone()), None),
            Event::ActivityCreated { activity } | Event::ActivityUpdated { activity } => {
                (activity.slot, None, Some(activity.clone()))
            }
        };
        let after = self.ledger.lead(slot).clone();
        for running in self.automations.iter_mut().filter(|running| running.enabled) {
            let wanted = match (&running.automation.trigger, event) {
                (Trigger::NewLead, Event::LeadCreated { .. }) => true,
                (Trigger::LeadUpdate(fields), Event::LeadUpdated { changed, .. }) => {
                    fields.is_empty()
                        || changed
                            .iter()
                            .any(|&no| fields.iter().any(|f| *f == *setup.field(no).schema_name))
                }
                (Trigger::NewActivity(codes), Event::ActivityCreated { activity })
                | (Trigger::ActivityUpdate(codes), Event::ActivityUpdated { activity }) => {
                    codes.is_empty() || codes.contains(&activity.event)
                }
                _ => false,
            };
            if wanted && running.run(slot, stamp.at) {
                self.queue.push(Job {
                    source: Source::Automation {
                        id: running.id.clone(),
                        automation: running.automation.clone(),
                    },
                    slot,
                    lead_id: after.id.clone(),
                    setup: setup.clone(),
                    before: before.clone(),
                    after: after.clone(),
                    activity: activity.clone(),
                    body: None,
                });
            }
        }
    }
}

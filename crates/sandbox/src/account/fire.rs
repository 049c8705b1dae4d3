//! Automations: which of them a change triggers.

use super::{Account, Activity, Slot, Stamp};
use crate::deliver::{Job, Source};
use crate::lead::Lead;
use crate::metadata::FieldNo;
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;

/// What happened in the account.
pub(crate) enum Event<'a> {
    LeadCreated { slot: Slot },
    LeadUpdated { slot: Slot, before: Arc<Lead>, changed: &'a [FieldNo] },
    ActivityCreated { activity: Arc<Activity> },
    ActivityUpdated { activity: Arc<Activity> },
}

/// What an automation waits for (help.leadsquared.com/triggers-lead-automation).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// New Lead.
    NewLead,
    /// Lead Update; with names, only when one of those fields changes.
    LeadUpdate(Vec<String>),
    /// New Activity on Lead; with codes, only of those types.
    NewActivity(Vec<u32>),
    /// Activity Update on Lead; with codes, only of those types.
    ActivityUpdate(Vec<u32>),
}

impl std::fmt::Display for Trigger {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::NewLead => "New Lead",
            Self::LeadUpdate(_) => "Lead Update",
            Self::NewActivity(_) => "New Activity on Lead",
            Self::ActivityUpdate(_) => "Activity Update on Lead",
        })
    }
}

/// An automation with the action *Webhook*.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Automation {
    /// Its name.
    pub name: String,
    /// What it waits for.
    pub trigger: Trigger,
    /// Where it posts to.
    pub url: String,
    /// How often a failed post is repeated.
    pub retries: u32,
}

/// An automation of an account.
#[derive(Clone)]
pub(crate) struct Running {
    pub(crate) id: Arc<str>,
    pub(crate) automation: Arc<Automation>,
    pub(crate) enabled: bool,
    /// Runs for each lead on `day`: after [`RUNS_A_DAY`] it stops itself.
    runs: HashMap<Slot, u32>,
    day: i64,
    /// How often it would have run but for that.
    pub(crate) cut_off: u64,
}

/// "Once an automation has been triggered 50 times for one lead in one day it stops itself."
pub(crate) const RUNS_A_DAY: u32 = 50;
const SECONDS_A_DAY: i64 = 86_400;

impl Running {
    pub(crate) fn new(id: Arc<str>, automation: Automation) -> Self {
        let automation = Arc::new(automation);
        Self { id, automation, enabled: true, runs: HashMap::new(), day: 0, cut_off: 0 }
    }

    /// Whether it runs for this lead now; counts it.
    fn run(&mut self, slot: Slot, at: Timestamp) -> bool {
        let day = at.as_second() / SECONDS_A_DAY;
        if day != self.day {
            self.runs.clear();
            self.day = day;
        }
        let runs = self.runs.entry(slot).or_default();
        if *runs >= RUNS_A_DAY {
            self.cut_off += 1;
            return false;
        }
        *runs += 1;
        true
    }
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

//! Automations, and how often each has run.

use super::ledger::Slot;
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;

/// What triggers an automation (help.leadsquared.com/triggers-lead-automation).
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
    /// Its trigger.
    pub trigger: Trigger,
    /// Where it posts to.
    pub url: String,
    /// How many times a failed post is retried.
    pub retries: u32,
}

/// A published automation.
#[derive(Clone)]
pub(crate) struct Running {
    pub(crate) id: Arc<str>,
    pub(crate) automation: Arc<Automation>,
    pub(crate) enabled: bool,
    /// Runs for each lead on `day`: after [`RUNS_A_DAY`] it stops itself.
    runs: HashMap<Slot, u32>,
    day: i64,
    /// How many runs that limit has prevented.
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

    /// Counts a run for this lead; `false` if the limit is reached.
    pub(super) fn run(&mut self, slot: Slot, at: Timestamp) -> bool {
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

//! A running comparison: what it reads next, and what it keeps of what was read.

use std::collections::{HashSet, VecDeque};

use jiff::Timestamp;
use plan::backfill::LeadPage;
use plan::id::{AccountId, ConnectorId};
use plan::parity::Comparison;
use plan::snapshot::Snapshot;

use super::pacing::Pacing;
use super::route::{Binding, Route};
use crate::pages::Wanted;

/// How many pairs are read again at a time.
const AT_A_TIME: usize = 100;
/// How many leads that a bulk read did not return are looked up one by one.
const MOST_ALONE: usize = 200;

/// A running comparison.
#[derive(Debug)]
pub(super) struct Comparing {
    pub(super) connector: ConnectorId,
    /// When it was requested.
    pub(super) asked_at: Timestamp,
    /// The version of the connector's settings that it uses.
    pub(super) version: i64,
    pub(super) phase: Phase,
    pub(super) pacing: Pacing,
    pub(super) comparison: Comparison,
    /// The leads of the source that were read.
    pub(super) seen: HashSet<String>,
    /// Leads of the destination that have the key of a lead of the source, and are not linked.
    pub(super) not_linked: HashSet<String>,
    /// Pairs whose source lead was just being synced, until the wait is over.
    busy: Vec<(String, String)>,
    has_waited: bool,
    /// How many leads of both accounts were read.
    pub(super) read: u64,
    /// How many were looked up one by one.
    alone: usize,
}

/// What it reads.
#[derive(Debug)]
pub(super) enum Phase {
    /// This page of the source.
    Source(u32),
    /// This page of the destination.
    Destination(u32),
    /// Pairs of leads again, first from the source and then from the destination.
    Again {
        pairs: Vec<(String, String)>,
        here: Option<Vec<Snapshot>>,
        later: VecDeque<(String, String)>,
    },
}

impl Comparing {
    pub(super) fn new(route: &Route, asked_at: Timestamp) -> Self {
        Self {
            connector: route.id,
            asked_at,
            version: route.version,
            phase: Phase::Source(1),
            pacing: Pacing::default(),
            comparison: Comparison::default(),
            seen: HashSet::new(),
            not_linked: HashSet::new(),
            busy: Vec::new(),
            has_waited: false,
            read: 0,
            alone: 0,
        }
    }

    /// What to read next, from which account.
    pub(super) fn wanted(&self, route: &Route, binding: &Binding) -> (AccountId, Wanted) {
        let page = |page: u32, columns| {
            Wanted::Leads(LeadPage { page, ..LeadPage::first(None, LeadPage::MOST, columns) })
        };
        let wanted = match &self.phase {
            Phase::Source(number) => page(*number, binding.columns()),
            Phase::Destination(number) => page(*number, binding.written_columns()),
            Phase::Again { pairs, here, .. } => Wanted::These(
                pairs
                    .iter()
                    .map(|(source, there)| if here.is_none() { source } else { there }.clone())
                    .collect(),
            ),
        };
        (self.account(route), wanted)
    }

    pub(super) fn account(&self, route: &Route) -> AccountId {
        match &self.phase {
            Phase::Source(_) | Phase::Again { here: None, .. } => route.source,
            Phase::Destination(_) | Phase::Again { .. } => route.destination,
        }
    }

    /// Continues with what seems to differ; returns whether nothing is left.
    pub(super) fn goes_on(&mut self, mut later: VecDeque<(String, String)>) -> bool {
        let mut pairs = self.comparison.take_suspects(AT_A_TIME);
        if pairs.is_empty() {
            pairs.extend(later.pop_front());
        }
        if pairs.is_empty() {
            return true;
        }
        self.phase = Phase::Again { pairs, here: None, later };
        false
    }

    /// Schedules another read of pairs whose leads were just being synced; returns whether there
    /// are any.
    pub(super) fn waits_for_busy(&mut self) -> bool {
        self.has_waited = true;
        let busy = std::mem::take(&mut self.busy);
        for (source, destination) in &busy {
            self.comparison.suspect(source, destination);
        }
        !busy.is_empty()
    }

    /// Compares pairs that were read again. A lead that a bulk read did not return is looked up by a
    /// call of its own, because it may only have been left out. One that is just being synced is left
    /// for the end.
    pub(super) fn compare_again(
        &mut self,
        binding: &Binding,
        (pairs, is_open): (Vec<(String, String)>, impl Fn(&str) -> bool),
        (here, there): (&[Snapshot], &[Snapshot]),
        mut later: VecDeque<(String, String)>,
    ) -> VecDeque<(String, String)> {
        let find = |leads: &'_ [Snapshot], id: &str| {
            let is_it = |lead: &&Snapshot| lead.lead_id().is_some_and(|own| own.as_str() == id);
            leads.iter().find(is_it).cloned()
        };
        let was_for_many = pairs.len() > 1;
        for (source, destination) in pairs {
            let (one, other) = (find(here, &source), find(there, &destination));
            let is_missing = was_for_many && (one.is_none() || other.is_none());
            if !self.has_waited && is_open(&source) {
                self.busy.push((source, destination));
                continue;
            }
            if is_missing && self.alone < MOST_ALONE {
                self.alone += 1;
                later.push_back((source, destination));
                continue;
            }
            let ids = (source.as_str(), destination.as_str());
            let leads = binding.mappings.leads();
            self.comparison.compare(leads, ids, one.as_ref(), other.as_ref());
        }
        later
    }
}

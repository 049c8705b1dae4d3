//! Backfills: reading and syncing the leads that the source already has.

mod census;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::connector::{Definition, Filter, Leaving};
use crate::mapping::{Mapping, Verdict, plain_name};
use crate::metadata::Catalogue;
use crate::outcome::words;
use crate::payload::Item;
use crate::problem::Problem;

pub use census::{BackfillPlan, Census, Counted, Guarded, Sample, key_forms};

words! {
    /// The state of a backfill.
    BackfillState {
        /// Leads are being read, or what was read is being synced.
        Running = "running",
        /// No more leads are read until it is resumed.
        Paused = "paused",
        /// All leads were read, and each was synced, skipped or failed.
        Done = "done",
        /// No more leads are read.
        Cancelled = "cancelled",
    }
}

impl BackfillState {
    /// Whether it is final.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled)
    }
}

/// Which leads a backfill reads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backfilled {
    /// Leads modified at this time or later; none means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Leads that also pass these conditions, besides the connector's own filter.
    #[serde(default, rename = "where", skip_serializing_if = "Filter::is_open")]
    pub filter: Filter,
    /// Whether activities of the types that the connector syncs follow, once the leads are synced.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub activities: bool,
}

/// What is known about what a backfill of a connector would do: the last count, and the running
/// one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Planning {
    /// When a count was requested that has not ended yet,
    pub asked_at: Option<Timestamp>,
    /// and which leads.
    pub of: Option<Backfilled>,
    /// How many leads the running one has read.
    pub read: u64,
    /// When the last one ended.
    pub at: Option<Timestamp>,
    /// Which leads it counted,
    pub plan_of: Option<Backfilled>,
    /// and what it found.
    pub plan: Option<BackfillPlan>,
    /// Why the running one is stuck; it is retried.
    pub problem: Option<Problem>,
}

/// How long a count is valid as what a backfill would do.
pub const PLAN_LASTS: SignedDuration = SignedDuration::from_hours(1);

impl Planning {
    /// The last count, if it is of these leads, not older than [`PLAN_LASTS`], and was made with this
    /// version of the connector's settings.
    pub fn fresh(&self, of: &Backfilled, version: i64, now: Timestamp) -> Option<&BackfillPlan> {
        let is_new = self.at.is_some_and(|at| now.duration_since(at) <= PLAN_LASTS);
        // Activities are not counted.
        let leads = |of: &Backfilled| Backfilled { activities: false, ..of.clone() };
        let is_same = self.plan_of.as_ref().is_some_and(|known| leads(known) == leads(of));
        self.plan.as_ref().filter(|plan| is_new && is_same && plan.version == version)
    }
}

/// Leads that are read at a time.
pub const A_PAGE: u32 = 500;
/// Leads of one request.
pub const A_REQUEST: usize = 50;

/// The fields to read of leads, besides those that the mapping needs; none means all.
pub fn columns(mut mapped: Vec<String>, of: &Backfilled) -> Vec<String> {
    if !mapped.is_empty() {
        mapped.extend(of.filter.conditions().map(|(_, condition)| {
            let name = plain_name(&condition.field);
            name.split_once('.').map_or(name, |(set, _)| set).to_owned()
        }));
        mapped.sort_unstable();
        mapped.dedup();
    }
    mapped
}

/// Decides which of the leads read are synced: those that pass the connector's filter and the
/// backfill's.
#[derive(Debug)]
pub struct Passing {
    own: Mapping,
    asked: Mapping,
}

impl Passing {
    /// For a backfill of a connector between accounts with this metadata.
    pub fn new(
        definition: &Definition,
        of: &Backfilled,
        source: &Catalogue,
        destination: &Catalogue,
    ) -> Self {
        // Leads that are linked may be synced although they fail; the sync knows which ones are.
        let own = match definition.filter.leaving {
            Leaving::Stop => definition.filter.clone(),
            Leaving::Continue => Filter::default(),
        };
        let [own, asked] = [own, of.filter.clone()].map(|filter| {
            let definition = Definition { filter, ..definition.clone() };
            Mapping::new(&definition, source, destination)
        });
        Self { own, asked }
    }

    /// Whether a lead is synced, judging by the source's page.
    pub fn passes(&self, lead: &Item) -> bool {
        // What the page doesn't show for the connector's filter, the sync reads.
        !matches!(self.own.judge(lead, false), Verdict::Fails(_))
            && self.asked.judge(lead, true) == Verdict::Passes
    }
}

/// A page of an account's leads.
///
/// Leads are ordered by a unique column, so that none changes its position between pages (live). A
/// lead deleted while pages are read shifts those behind it, so that one of them may be missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadPage {
    /// Those whose time in this field is `from` or later.
    pub by: &'static str,
    /// The first second that counts.
    pub from: Timestamp,
    /// Which page, from 1.
    pub page: u32,
    /// Leads a page.
    pub size: u32,
    /// The fields that are read; none: all.
    pub columns: Vec<String>,
}

impl LeadPage {
    /// The most leads in a page (client code).
    pub const MOST: u32 = 1000;

    /// The first page of all leads, or of those that were modified since.
    pub fn first(since: Option<Timestamp>, size: u32, columns: Vec<String>) -> Self {
        let by = if since.is_some() { "ModifiedOn" } else { "CreatedOn" };
        Self { by, from: since.unwrap_or_else(beginning), page: 1, size, columns }
    }

    /// Whether a page with this many leads is beyond the last one. An account may return fewer leads
    /// than requested, so a short page proves nothing.
    pub fn is_behind(leads: usize) -> bool {
        leads == 0
    }
}

/// No lead was created before.
pub fn beginning() -> Timestamp {
    "1900-01-01T00:00:00Z".parse().expect("a time")
}

/// This few leads may be changed without confirmation, however few there are.
const FEW: u64 = 100;

/// Whether a backfill or a sweep that would change this many of all leads needs confirmation: if it
/// exceeds the given percentage.
pub fn is_mass_change(changes: u64, all: u64, percent: u32) -> bool {
    percent < 100
        && changes > FEW
        && changes.saturating_mul(100) > all.saturating_mul(u64::from(percent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_changes_are_confirmed_and_a_few_are_not() {
        assert!(!is_mass_change(100, 10, 20), "few are never held back");
        assert!(is_mass_change(201, 1_000, 20));
        assert!(!is_mass_change(200, 1_000, 20));
        assert!(!is_mass_change(100_000, 0, 100), "a hundred per cent never asks");
    }
}

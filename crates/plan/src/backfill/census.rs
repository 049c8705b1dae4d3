//! Counting what a backfill would do, without writing.
//!
//! The source's leads are mapped and previewed page by page, as they would be synced. Their keys show
//! which of them the destination has. Those that both have but are not linked yet are compared with the
//! destination's leads, which are read after that.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::is_mass_change;
use crate::connector::{Behaviour, Definition, KeysDisagree};
use crate::directory::form_of;
use crate::identity::{self, Key};
use crate::mapping::{Mapped, Mapping};
use crate::metadata::{Catalogue, Field};
use crate::outcome::Entity;
use crate::payload::Item;
use crate::preview::{self, RecordPreview, Stored};
use crate::problem::Problem;
use crate::quota::{Draw, Quota};
use crate::snapshot::Snapshot;
use crate::value;
use crate::work::{Context, PlanKind};

/// How many leads are named for each reason, and in all.
const SAMPLES: usize = 3;
const MOST_SAMPLES: usize = 20;
/// How many leads that both accounts have are compared.
const MOST_COMPARED: usize = 200_000;
/// Leads that one call creates, updates and reads.
const CREATED_A_CALL: u64 = 50;
const UPDATED_A_CALL: u64 = 25;
const READ_A_CALL: u64 = 100;

/// What a backfill would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackfillPlan {
    /// Leads of the source, or those modified since.
    pub leads: u64,
    /// Those of them that do not pass the filters.
    pub left_out: u64,
    /// Leads that would be created.
    pub new: u64,
    /// Leads that the destination has already: each would be linked, and written where it differs.
    pub linked: u64,
    /// Those of them that already have everything that the mapping sends,
    pub equal: u64,
    /// and those that don't. Of more than 200,000 leads the rest is not compared.
    pub differing: u64,
    /// How many of those differ in which of the destination's fields.
    pub fields: BTreeMap<String, u64>,
    /// Linked leads that would be updated.
    pub updated: u64,
    /// Linked leads that need no write.
    pub unchanged: u64,
    /// Leads that are looked up by a call of their own: not all of their keys are unique in the
    /// destination, or the connector never creates, or never updates.
    pub looked_up: u64,
    /// Leads whose search key several leads of the destination have, or whose two search keys belong to
    /// different leads.
    pub ambiguous: u64,
    /// Leads that the connector's behaviour leaves alone.
    pub skipped: u64,
    /// Leads that would fail.
    pub refused: u64,
    /// Leads that the destination has.
    pub there: u64,
    /// Those of them that the source does not have. Only known if all leads are read.
    pub only_there: Option<u64>,
    /// Some leads that would fail, or are ambiguous, and why.
    pub samples: Vec<Sample>,
    /// About how many calls it makes to the source, with those that read its leads,
    pub source_calls: u64,
    /// and to the destination.
    pub destination_calls: u64,
    /// How many seconds it takes at least, alongside live changes.
    pub seconds: u64,
    /// Calls used for counting.
    pub calls: u64,
    /// The version of the connector's settings used for the count.
    pub version: i64,
}

/// A lead that would not be synced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Its id in the source.
    pub lead: String,
    /// What a person recognises it by.
    pub known_as: Option<String>,
    /// Why it would not be synced.
    pub why: String,
}

/// A backfill that would change many leads, and starts only after confirmation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guarded {
    /// Leads of the destination that it would link or change,
    changes: u64,
    /// of this many,
    there: u64,
    /// and the percentage that it may change without confirmation.
    allowed: u32,
}

impl std::fmt::Display for Guarded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { changes, there, allowed } = self;
        write!(
            f,
            "the backfill would link or change {changes} of {there} leads in the destination, \
             which is more than {allowed}%"
        )
    }
}

/// A running count.
#[derive(Debug, Default)]
pub struct Census {
    plan: BackfillPlan,
    /// Leads whose two search keys belong to different leads.
    disagreeing: u64,
    /// Leads of the destination that are the counterpart of one of the source, or may be.
    met: HashSet<String>,
    /// What would be sent to leads of the destination that are not linked yet, by their ids: the
    /// number of the field among the mapping's, and the value.
    sent: HashMap<String, Vec<(u16, Box<str>)>>,
}

/// What the count depends on, besides the mapping.
#[derive(Clone, Copy, Debug)]
pub struct Counted<'a> {
    /// What decides about leads.
    pub context: &'a Context<'a>,
    /// The destination's metadata.
    pub there: &'a Catalogue,
    /// Which leads of the destination have a key, by its form in the directory.
    pub found: &'a HashMap<String, Vec<String>>,
    /// What is stored about the leads.
    pub stored: &'a Stored,
}

/// The forms in which the keys of leads are looked up in the directory.
pub fn key_forms(definition: &Definition, mapping: &Mapping, leads: &[Item]) -> Vec<String> {
    let keys = leads.iter().flat_map(|lead| {
        let mapped = mapping.apply(lead);
        identity::keys(&definition.basic, &mapped, mapping.reading())
    });
    keys.filter_map(|key| form_of(&key)).collect()
}

impl Census {
    /// A call was made to count.
    pub fn called(&mut self) {
        self.plan.calls += 1;
    }

    /// It was not made after all.
    pub fn not_called(&mut self) {
        self.plan.calls -= 1;
    }

    /// A page of the source was read; this many of its leads do not pass the filters.
    pub fn page(&mut self, leads: usize, left_out: usize) {
        self.plan.source_calls += 1;
        self.plan.leads += leads as u64;
        self.plan.left_out += left_out as u64;
    }

    /// Counts leads of the source that pass the filters.
    pub fn take(&mut self, counted: Counted<'_>, leads: &[Item]) {
        let Counted { context, there, found, stored } = counted;
        let (basic, mapping) = (&context.connector.basic, context.leads);
        let all_unique = is_unique(there, &basic.search_by)
            && basic.secondary_search_by.iter().all(|field| is_unique(there, field));
        let (here, destination) = (context.source.id, context.destination.id);
        self.met.extend(found.values().flatten().cloned());
        let links = stored.links.iter().filter(|link| link.entity == Entity::Lead);
        self.met.extend(links.map(|link| link.end(link.pair.side(destination)).id.clone()));
        let linked: HashSet<&str> =
            stored.links.iter().map(|link| link.end(link.pair.side(here)).id.as_str()).collect();
        let mapped: Vec<Mapped> = leads.iter().map(|lead| mapping.apply(lead)).collect();
        let entries = leads.iter().cloned().map(Ok).collect();
        let records = preview::preview(context, entries, stored);
        for ((lead, record), mapped) in leads.iter().zip(records).zip(&mapped) {
            let is_linked = lead.lead_id().is_some_and(|id| linked.contains(id.as_str()));
            let Some(destination_id) =
                self.count((context, all_unique), (lead, mapped, is_linked), &record, found)
            else {
                continue;
            };
            if self.sent.len() < MOST_COMPARED {
                self.sent.insert(destination_id, sent(mapping, mapped));
            }
        }
    }

    /// Counts a lead; returns the one of the destination that it would be linked to.
    fn count(
        &mut self,
        (context, all_unique): (&Context<'_>, bool),
        (lead, mapped, is_linked): (&Item, &Mapped, bool),
        record: &RecordPreview,
        found: &HashMap<String, Vec<String>>,
    ) -> Option<String> {
        let (basic, behaviour) = (&context.connector.basic, context.connector.lead.behaviour);
        let keys = identity::keys(basic, mapped, context.leads.reading());
        let plan = &mut self.plan;
        let sample = |why: String| Sample {
            lead: lead.lead_id().map(String::from).unwrap_or_default(),
            known_as: identity::known_as(lead, Some(mapped)),
            why,
        };
        match record.decision {
            PlanKind::Refuse | PlanKind::Review | PlanKind::Freeze => {
                let problem = record.plan.problems.first();
                plan.refused += 1;
                plan.sample(sample(problem.map(Problem::to_string).unwrap_or_default()));
                return None;
            }
            PlanKind::Skip => {
                plan.skipped += 1;
                return None;
            }
            PlanKind::Unchanged => {
                plan.unchanged += 1;
                return None;
            }
            _ => {}
        }
        if is_linked {
            plan.updated += 1;
            return None;
        }
        // The first key that any lead has.
        let of = |key: &Key| form_of(key).and_then(|form| found.get(&form));
        let leads = keys.iter().find_map(of).map_or(&[][..], Vec::as_slice);
        if leads.len() == 1 && disagree(&keys, of) {
            plan.looked_up += 1;
            self.disagreeing += 1;
            match context.connector.identity.keys_disagree {
                _ if behaviour == Behaviour::CreateOnly => plan.skipped += 1,
                KeysDisagree::Skip => plan.skipped += 1,
                KeysDisagree::Primary | KeysDisagree::Secondary => plan.linked += 1,
                KeysDisagree::Review => {
                    plan.ambiguous += 1;
                    let why = "The two search keys match different leads in the destination.";
                    plan.sample(sample(why.to_owned()));
                }
            }
            return None;
        }
        let is_looked_up = match behaviour {
            Behaviour::UpdateOnly => leads.len() != 1,
            Behaviour::CreateOnly => !leads.is_empty(),
            _ => leads.len() > 1,
        };
        plan.looked_up += u64::from(is_looked_up || !all_unique);
        match (leads, behaviour) {
            ([], Behaviour::UpdateOnly) | ([_, ..], Behaviour::CreateOnly) => plan.skipped += 1,
            ([], _) => plan.new += 1,
            ([one], _) => {
                plan.linked += 1;
                return Some(one.clone());
            }
            (several, _) => {
                plan.ambiguous += 1;
                let count = several.len();
                plan.sample(sample(format!(
                    "{count} leads in the destination have the same search key."
                )));
            }
        }
        None
    }

    /// Whether leads of the destination have to be read for comparison.
    pub fn is_to_compare(&self) -> bool {
        !self.sent.is_empty()
    }

    /// Compares leads of the destination.
    pub fn compare(&mut self, mapping: &Mapping, leads: &[Snapshot]) {
        let targets: Vec<&Field> = mapping.targets().collect();
        for lead in leads {
            let id = lead.lead_id();
            let Some(sent) = id.and_then(|id| self.sent.remove(id.as_str())) else { continue };
            let differs = |(at, value): &(u16, Box<str>)| {
                let field = targets.get(usize::from(*at))?;
                let held = lead.get(&field.schema_name).unwrap_or_default();
                let holds = value::holds(field.kind, value, held, mapping.reading());
                (!holds).then_some(&field.schema_name)
            };
            let mut names: Vec<&String> = sent.iter().filter_map(differs).collect();
            names.sort_unstable();
            names.dedup();
            if names.is_empty() {
                self.plan.equal += 1;
                continue;
            }
            self.plan.differing += 1;
            for name in names {
                *self.plan.fields.entry(name.clone()).or_default() += 1;
            }
        }
    }

    /// The result, for a destination with this many leads. `are_all` says whether all leads of the
    /// source should be read.
    pub fn end(
        mut self,
        definition: &Definition,
        (is_pair, are_all, version): (bool, bool, i64),
        there: u64,
        quotas: (Quota, Quota),
    ) -> BackfillPlan {
        let is_whole = is_pair && are_all && self.plan.left_out == 0;
        self.plan.there = there;
        self.plan.version = version;
        self.plan.only_there = is_whole.then(|| there.saturating_sub(self.met.len() as u64));
        self.plan.forecast(definition, is_pair, self.disagreeing, quotas);
        self.plan
    }
}

/// What a lead sends, by the numbers of the mapping's fields.
fn sent(mapping: &Mapping, mapped: &Mapped) -> Vec<(u16, Box<str>)> {
    let value = |field: &Field| mapped.get(&field.schema_name)?.sent.written();
    let numbered = (0_u16..).zip(mapping.targets());
    numbered.filter_map(|(at, field)| Some((at, value(field)?.into()))).collect()
}

impl BackfillPlan {
    /// The fields in which leads differ, those of most leads first.
    pub fn fields_by_count(&self) -> Vec<(&str, u64)> {
        let counts = self.fields.iter().map(|(name, count)| (name.as_str(), *count));
        let mut fields: Vec<(&str, u64)> = counts.collect();
        fields.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        fields
    }

    /// Why it needs confirmation, if so.
    pub fn guarded(&self, definition: &Definition) -> Option<Guarded> {
        let changes = self.updated + self.linked;
        let allowed = definition.backfill.confirm_above;
        is_mass_change(changes, self.there, allowed).then_some(Guarded {
            changes,
            there: self.there,
            allowed,
        })
    }

    /// Keeps a few samples of each reason.
    fn sample(&mut self, sample: Sample) {
        let of_this_kind = self.samples.iter().filter(|known| known.why == sample.why).count();
        if of_this_kind < SAMPLES && self.samples.len() < MOST_SAMPLES {
            self.samples.push(sample);
        }
    }

    /// About how many calls it makes, and how long that takes.
    fn forecast(
        &mut self,
        definition: &Definition,
        is_pair: bool,
        disagreeing: u64,
        (here, there): (Quota, Quota),
    ) {
        let fires = definition.lead.trigger_automations;
        let calls = |leads: u64, a_call: u64| leads.div_ceil(a_call);
        let writes = |leads: u64| if fires { leads } else { calls(leads, UPDATED_A_CALL) };
        let creates_apart = is_pair || definition.basic.lead_source.is_some();
        let created_a_call = if creates_apart { CREATED_A_CALL } else { UPDATED_A_CALL };
        let created = if fires { self.new } else { calls(self.new, created_a_call) };
        let written = created + writes(self.linked) + writes(self.updated);
        let read = if is_pair {
            calls(self.linked + self.updated, READ_A_CALL)
        } else if creates_apart {
            calls(self.linked, READ_A_CALL)
        } else {
            0
        };
        // Of those whose keys disagree, the one lead is read too: there are too few to share a call.
        self.destination_calls = written + read + self.looked_up + disagreeing;
        if is_pair {
            // Before a value is written back, the lead is read.
            self.source_calls += calls(self.linked, READ_A_CALL);
        }
        let draw = if fires { Draw::Single } else { Draw::Bulk };
        self.seconds = stretch(self.source_calls, Draw::Single, &here)
            .max(stretch(written, draw, &there))
            .max(stretch(self.destination_calls, Draw::Single, &there));
    }
}

/// Whether the two keys find different leads.
fn disagree<'f>(keys: &[Key], of: impl Fn(&Key) -> Option<&'f Vec<String>>) -> bool {
    let [first, second] = keys else { return false };
    let Some((first, second)) = of(first).zip(of(second)) else { return false };
    second.iter().any(|lead| !first.contains(lead))
}

/// Whether no two leads of the account have the same value in this field.
fn is_unique(account: &Catalogue, field: &str) -> bool {
    matches!(field, "EmailAddress" | "Phone" | "Mobile")
        || account.fields.get(field).is_some_and(|field| field.unique)
}

/// How many seconds this many calls take with the share of a quota that backfills get.
fn stretch(calls: u64, draw: Draw, quota: &Quota) -> u64 {
    let quota = quota.ours();
    let a_window = u64::from(quota.spare_of_a_window(draw).max(1));
    let in_windows = calls.div_ceil(a_window) * u64::from(quota.per_seconds);
    let a_day = u64::from(quota.spare_of_a_day().max(1));
    in_windows.max(calls / a_day * 86_400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_changes_are_confirmed() {
        let mut definition = Definition::new("ab", "a", "b");
        let plan = |updated, linked, there| BackfillPlan {
            updated,
            linked,
            there,
            new: 1_000_000,
            ..BackfillPlan::default()
        };
        assert_eq!(plan(100, 0, 100).guarded(&definition), None, "few are changed");
        assert_eq!(plan(100, 100, 1_000).guarded(&definition), None, "just as many as allowed");
        let guarded = plan(101, 100, 1_000).guarded(&definition).expect("one more");
        let told = "the backfill would link or change 201 of 1000 leads in the destination, which \
                    is more than 20%";
        assert_eq!(guarded.to_string(), told);
        definition.backfill.confirm_above = 100;
        assert_eq!(plan(101, 100, 1_000).guarded(&definition), None);
    }
}

//! Planning a backfill: what it would do, counted without a write.

mod pace;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use plan::backfill::{A_PAGE, Backfilled, LeadPage, Passing, columns, is_mass_change};
use plan::connector::{Behaviour, Definition, Fault, KeysDisagree};
use plan::directory::{form, forms};
use plan::identity::{self, Key};
use plan::link::Pair;
use plan::mapping::{Mapping, may_filter_by};
use plan::metadata::{Catalogue, Kind};
use plan::outcome::Entity;
use plan::payload::Item;
use plan::problem::Problem;
use plan::quota::{Draw, Quota};
use plan::value::Reading;
use plan::work::PlanKind;
use serde::Serialize;
use store::{Account, Connector, Store};

pub use pace::Pace;

use crate::AskAccounts;
use crate::preview::{NotPreviewed, Previewed, known_or_read, preview_items};

/// How long to wait between two pages, so that the sync keeps its share of the quota.
const PACE: Duration = Duration::from_millis(500);
/// How many leads are named for each reason, and in all.
const SAMPLES: usize = 3;
const MOST_SAMPLES: usize = 20;
/// Leads that one call creates, updates and reads.
const CREATED_A_CALL: u64 = 50;
const UPDATED_A_CALL: u64 = 25;
const READ_A_CALL: u64 = 100;

/// What a backfill would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BackfillPlan {
    /// Leads that the source has, or that were modified since.
    pub leads: u64,
    /// Those of them that do not pass the filters.
    pub left_out: u64,
    /// Leads that would be created.
    pub new: u64,
    /// Leads that the destination has already: each would be linked, and written where it differs.
    pub linked: u64,
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
    /// Those of them that the source does not have. Known of a pair if all leads are read.
    pub only_there: Option<u64>,
    /// Some leads that would fail, or are ambiguous, and why.
    pub samples: Vec<Sample>,
    /// About how many calls it makes to the source, with those that read its leads,
    pub source_calls: u64,
    /// and to the destination.
    pub destination_calls: u64,
    /// How many seconds it takes at least, beside what is live.
    pub seconds: u64,
    /// Leads whose two search keys belong to different leads.
    #[serde(skip)]
    disagreeing: u64,
}

/// A lead that would not be synced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// Its id in the source.
    pub lead: String,
    /// By what a person knows it.
    pub known_as: Option<String>,
    /// Why it would not be synced.
    pub why: String,
}

/// A backfill that would change many leads, and begins only if that is confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guarded {
    /// Leads of the destination that it would change,
    changes: u64,
    /// of so many,
    there: u64,
    /// and how many of a hundred it may change unasked.
    allowed: u32,
}

impl std::fmt::Display for Guarded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { changes, there, allowed } = self;
        write!(
            f,
            "it would change {changes} of the destination's {there} leads, which is more than \
             {allowed} %"
        )
    }
}

/// What is known of the destination.
struct Known<'a> {
    keys: Keys<'a>,
    /// How many leads it has.
    there: u64,
}

/// Which leads of the destination have a key.
enum Keys<'a> {
    /// As the store's directory says.
    Directory(&'a dyn Store, plan::id::AccountId),
    /// As the account was just read.
    Read(HashMap<String, Vec<String>>),
}

/// Counts what a backfill would do: both accounts are read, and nothing is written.
///
/// # Errors
/// The store failed, or an account did not return what is needed.
pub async fn plan(
    store: &dyn Store,
    asking: &dyn AskAccounts,
    previewed: Previewed<'_>,
    of: &Backfilled,
) -> Result<BackfillPlan, NotPreviewed> {
    let Previewed { configuration, connector, .. } = previewed;
    let definition = &connector.definition;
    let source = configuration.account_of(connector.source)?;
    let destination = configuration.account_of(connector.destination)?;
    let (here, there) = known_or_read(store, asking, connector, (source, destination)).await?;
    let mapping = Mapping::new(definition, &here, &there);
    let passing = Passing::new(definition, of, &here, &there);
    let known = keys(store, asking, destination, definition, &there).await?;
    let mut plan = BackfillPlan { there: known.there, ..BackfillPlan::default() };
    // Leads of the destination that are the counterpart of one of the source, or may be.
    let mut met: HashSet<String> = HashSet::new();
    let all = columns(mapping.columns().into_iter().flatten().collect(), of);
    let mut page = LeadPage::first(of.since, A_PAGE, all);
    loop {
        let leads = asking.read_leads(source, &page).await.map_err(NotPreviewed::Account)?;
        plan.source_calls += 1;
        plan.leads += leads.len() as u64;
        let items: Vec<Item> =
            leads.iter().map(|lead| Item::from_state(Entity::Lead, lead)).collect();
        let (kept, left_out): (Vec<Item>, Vec<Item>) =
            items.into_iter().partition(|lead| passing.passes(lead));
        plan.left_out += left_out.len() as u64;
        plan.count(store, previewed, (&here, &there), &mapping, &known.keys, &mut met, kept)
            .await?;
        if LeadPage::is_behind(leads.len()) {
            break;
        }
        page.page += 1;
        tokio::time::sleep(PACE).await;
    }
    let is_pair = configuration.opposite(connector).is_some_and(|opposite| opposite.enabled);
    let are_all = of.since.is_none() && plan.left_out == 0;
    plan.only_there = (is_pair && are_all).then(|| known.there.saturating_sub(met.len() as u64));
    plan.forecast(definition, is_pair, (source, destination));
    Ok(plan)
}

/// The conditions of a backfill that can't be tested: their problems, and fields that the source
/// does not have.
///
/// # Errors
/// The store failed.
pub async fn faults(
    store: &dyn Store,
    connector: &Connector,
    of: &Backfilled,
) -> store::Result<Vec<Fault>> {
    let definition = Definition { filter: of.filter.clone(), ..connector.definition.clone() };
    let mut faults = definition.check();
    faults.retain(|fault| fault.at.starts_with("filter"));
    let mut of_activities = |what: &str| {
        faults.push(Fault { at: "activities".to_owned(), what: what.to_owned() });
    };
    if of.activities && !connector.definition.activity.enabled {
        of_activities("can't be synced: the connector syncs none");
    }
    if of.activities && !of.filter.is_open() {
        of_activities("can't be narrowed by conditions on leads; leave those out, or use since");
    }
    let (_, here) = store.catalogue(connector.source).await?.unwrap_or_default();
    for (at, condition) in of.filter.conditions() {
        let name = &condition.field;
        if !may_filter_by(name, &here.fields) {
            let what = format!("{} has no field '{name}'", definition.source);
            faults.push(Fault { at: format!("{at}.field"), what });
        }
    }
    for fault in &mut faults {
        fault.at = fault.at.replacen("filter", "where", 1);
    }
    Ok(faults)
}

/// The search keys of the destination's leads.
async fn keys<'a>(
    store: &'a dyn Store,
    asking: &dyn AskAccounts,
    destination: &Account,
    definition: &Definition,
    there: &Catalogue,
) -> Result<Known<'a>, NotPreviewed> {
    let basic = &definition.basic;
    let names = std::iter::once(&basic.search_by).chain(&basic.secondary_search_by);
    let kind = |name: &String| there.fields.get(name).map_or(Kind::Text, |field| field.kind);
    let fields: BTreeMap<String, Kind> = names.map(|name| (name.clone(), kind(name))).collect();
    let reading = store.directory_reading(destination.id).await?;
    let is_kept = reading.is_some_and(|reading| {
        reading.complete_at.is_some() && fields.keys().all(|field| reading.fields.contains(field))
    });
    if is_kept {
        let there = store.count_directory(destination.id).await?;
        return Ok(Known { keys: Keys::Directory(store, destination.id), there });
    }
    let mut found: HashMap<String, Vec<String>> = HashMap::new();
    let mut there = 0;
    let columns = fields.keys().cloned().chain(["ProspectID".to_owned()]).collect();
    let mut page = LeadPage::first(None, LeadPage::MOST, columns);
    loop {
        let leads = asking.read_leads(destination, &page).await.map_err(NotPreviewed::Account)?;
        there += leads.len() as u64;
        for lead in &leads {
            let Some(id) = lead.lead_id() else { continue };
            for form in forms(lead, &fields, &Reading::default()).into_iter().flatten() {
                found.entry(form).or_default().push(id.to_string());
            }
        }
        if LeadPage::is_behind(leads.len()) {
            return Ok(Known { keys: Keys::Read(found), there });
        }
        page.page += 1;
        tokio::time::sleep(PACE).await;
    }
}

impl Keys<'_> {
    async fn of(&self, forms: &[String]) -> store::Result<HashMap<String, Vec<String>>> {
        match self {
            Self::Directory(store, account) => store.directory(*account, forms).await,
            Self::Read(found) => {
                let of = |form: &String| Some((form.clone(), found.get(form)?.clone()));
                Ok(forms.iter().filter_map(of).collect())
            }
        }
    }
}

impl BackfillPlan {
    #[expect(clippy::too_many_arguments, reason = "all of it is needed for each page")]
    async fn count(
        &mut self,
        store: &dyn Store,
        previewed: Previewed<'_>,
        metadata: (&Catalogue, &Catalogue),
        mapping: &Mapping,
        known: &Keys<'_>,
        met: &mut HashSet<String>,
        items: Vec<Item>,
    ) -> Result<(), NotPreviewed> {
        let basic = &previewed.connector.definition.basic;
        let behaviour = previewed.connector.definition.lead.behaviour;
        let mapped: Vec<_> = items.iter().map(|item| mapping.apply(item)).collect();
        let keys: Vec<Vec<Key>> =
            mapped.iter().map(|mapped| identity::keys(basic, mapped, mapping.reading())).collect();
        let all_unique = is_unique(metadata.1, &basic.search_by)
            && basic.secondary_search_by.iter().all(|field| is_unique(metadata.1, field));
        let form = |key: &Key| form(&key.field, key.kind, &key.value, &Reading::default());
        let wanted: Vec<String> = keys.iter().flatten().filter_map(form).collect();
        let found = known.of(&wanted).await?;
        met.extend(found.values().flatten().cloned());
        let (links, records) = preview_items(store, previewed, metadata, items.clone()).await?;
        let linked: HashSet<&str> = links
            .iter()
            .flat_map(|link| [link.first.id.as_str(), link.second.id.as_str()])
            .collect();
        let pair = Pair::of(previewed.connector.source, previewed.connector.destination);
        let side = pair.side(previewed.connector.destination);
        met.extend(
            links
                .iter()
                .filter(|link| link.entity == Entity::Lead)
                .map(|link| link.end(side).id.clone()),
        );
        for (((item, record), keys), mapped) in items.iter().zip(records).zip(keys).zip(&mapped) {
            let sample = |why: String| Sample {
                lead: item.lead_id().map(String::from).unwrap_or_default(),
                known_as: identity::known_as(item, Some(mapped)),
                why,
            };
            let problem = record.plan.problems.first().map(Problem::to_string).unwrap_or_default();
            match record.decision {
                PlanKind::Refuse | PlanKind::Review | PlanKind::Freeze => {
                    self.refused += 1;
                    self.sample(sample(problem));
                    continue;
                }
                PlanKind::Skip => {
                    self.skipped += 1;
                    continue;
                }
                PlanKind::Unchanged => {
                    self.unchanged += 1;
                    continue;
                }
                _ => {}
            }
            if item.lead_id().is_some_and(|id| linked.contains(id.as_str())) {
                self.updated += 1;
                continue;
            }
            // The first key that any lead has.
            let of = |key: &Key| form(key).and_then(|form| found.get(&form));
            let leads = keys.iter().find_map(of);
            let count = leads.map_or(0, Vec::len);
            if count == 1 && disagree(&keys, of) {
                self.looked_up += 1;
                self.disagreeing += 1;
                match previewed.connector.definition.identity.keys_disagree {
                    _ if behaviour == Behaviour::CreateOnly => self.skipped += 1,
                    KeysDisagree::Skip => self.skipped += 1,
                    KeysDisagree::Primary | KeysDisagree::Secondary => self.linked += 1,
                    KeysDisagree::Review => {
                        self.ambiguous += 1;
                        let why =
                            "Its two search keys belong to different leads of the destination.";
                        self.sample(sample(why.to_owned()));
                    }
                }
                continue;
            }
            let is_looked_up = match behaviour {
                Behaviour::UpdateOnly => count != 1,
                Behaviour::CreateOnly => count > 0,
                _ => count > 1,
            };
            self.looked_up += u64::from(is_looked_up || !all_unique);
            match (count, behaviour) {
                (0, Behaviour::UpdateOnly) | (1.., Behaviour::CreateOnly) => self.skipped += 1,
                (0, _) => self.new += 1,
                (1, _) => self.linked += 1,
                (count, _) => {
                    self.ambiguous += 1;
                    self.sample(sample(format!("{count} leads of the destination have its key.")));
                }
            }
        }
        Ok(())
    }

    /// Why it begins only if that is confirmed, if so.
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
        (source, destination): (&Account, &Account),
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
        self.destination_calls = written + read + self.looked_up + self.disagreeing;
        if is_pair {
            // Before a value is written back, the lead is read.
            self.source_calls += calls(self.linked, READ_A_CALL);
        }
        let draw = if fires { Draw::Single } else { Draw::Bulk };
        let there = destination.plan.quota();
        self.seconds = stretch(self.source_calls, Draw::Single, &source.plan.quota())
            .max(stretch(written, draw, &there))
            .max(stretch(self.destination_calls, Draw::Single, &there));
    }
}

/// Whether the first key finds a lead, and the second one another.
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

/// How many seconds so many calls take with what backfills get of a quota.
fn stretch(calls: u64, draw: Draw, quota: &Quota) -> u64 {
    let quota = quota.ours();
    let a_window = u64::from(quota.spare_of_a_window(draw).max(1));
    let in_windows = calls.div_ceil(a_window) * u64::from(quota.per_seconds);
    let a_day = u64::from(quota.spare_of_a_day().max(1));
    in_windows.max(calls / a_day * 86_400)
}

/// How long something takes, for a person.
pub fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => "less than a minute".to_owned(),
        60..7_200 => format!("about {} minutes", seconds.div_ceil(60)),
        7_200..172_800 => format!("about {} hours", seconds.div_ceil(3_600)),
        _ => format!("about {} days", seconds.div_ceil(86_400)),
    }
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
        let told = "it would change 201 of the destination's 1000 leads, which is more than 20 %";
        assert_eq!(guarded.to_string(), told);
        definition.backfill.confirm_above = 100;
        assert_eq!(plan(101, 100, 1_000).guarded(&definition), None);
    }
}

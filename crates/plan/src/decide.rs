//! What to do about a lead.
//!
//! A decision is made from *state*: what the record shows of the source, what the two sides held
//! when they last agreed (the link's base), and what was read of the destination. It is never
//! made from the fact that a message came, so a webhook that comes twice, late, or as the echo of
//! our own write ends as [`Decision::Unchanged`] (`docs/two-way.md`).

mod change;
mod matching;
mod merge;
mod removed;
mod settle;

pub use change::Change;
pub(crate) use change::{all, defaults, since};
pub(crate) use matching::{Match, matched};
pub use merge::{Dispute, Opposite, Ruling, Tripped, disputes, freeze, war};
pub use settle::{adopt, announce, settle, settle_back};

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::connector::{Behaviour, Definition};
use crate::id::AccountId;
use crate::identity::{self, Key};
use crate::link::{End, Link};
use crate::mapping::{Mapped, Mapping};
use crate::payload::Item;
use crate::problem::Problem;
use crate::review::{Review, Ruled, Ties};
use crate::snapshot::Snapshot;

/// Everything that a decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The connector.
    pub connector: &'a Definition,
    /// Its mapping.
    pub mapping: &'a Mapping,
    /// The record.
    pub item: &'a Item,
    /// What it sends to the destination.
    pub mapped: &'a Mapped,
    /// The account that it comes from.
    pub source: AccountId,
    /// The account that it goes to.
    pub destination: AccountId,
    /// What ties the lead to its twin, if it is tied.
    pub link: Option<&'a Link>,
    /// What was found out by looking.
    pub known: &'a Known,
    /// The connector in the opposite direction, where there is one at work: then both accounts are
    /// to hold the same.
    pub opposite: Option<Opposite<'a>>,
    /// The time.
    pub now: Timestamp,
}

/// What was found out about a record by looking, since it was taken up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is found out by itself")]
pub struct Known {
    /// The record was read from the source just now, so it can't be old.
    pub fresh: bool,
    /// The lead of the source was linked once, and was not there then: a webhook of before may come
    /// late.
    pub was_gone: bool,
    /// The record was to be read from the source just now, and is not there.
    pub source_gone: bool,
    /// A write for it may have taken effect unseen: look before writing again.
    pub doubtful: bool,
    /// How many of its keys can't be used: the destination has no lead by them, or says that
    /// they belong to different leads.
    pub keys_tried: usize,
    /// The destination refused to create the lead, because it has one of its unique values.
    pub exists: bool,
    /// It must be looked for before anything is written: the destination refused it by every key,
    /// each time as a duplicate, or what was written belongs to another lead.
    pub look_first: bool,
    /// The linked lead is not in the destination any more.
    pub twin_gone: bool,
    /// The lead as it is in the destination.
    pub lead: Option<Snapshot>,
    /// What was written to that lead since it was read.
    pub wrote: Vec<Change>,
    /// What was written to the lead in the source since it was read.
    pub wrote_back: Vec<Change>,
    /// Several leads that a key found.
    pub several: Vec<Snapshot>,
    /// The leads that the second key finds, once they were looked for beside the lead that the
    /// first one found.
    pub rivals: Option<Vec<Snapshot>>,
    /// Of the leads that were found, those that are linked to other leads of the source.
    pub ties: Ties,
    /// Those other leads as they were read; `None`: it is gone.
    pub others: BTreeMap<String, Option<Snapshot>>,
    /// A key that the lead would get belongs to another lead, and a person or a rule knows that:
    /// keys are not written.
    pub key_taken: bool,
    /// What a review says about the lead.
    pub ruled: Option<Ruled>,
    /// The lead in the destination: what a capture that was not to update found; for an activity,
    /// the lead that it is on, once it was created for it.
    pub lead_id: Option<String>,
    /// The activities of that lead that may be the one a doubtful write made.
    pub activities: Option<Vec<Snapshot>>,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    /// Nothing can be done: these problems must be solved first.
    Refuse {
        /// All of them.
        problems: Vec<Problem>,
    },
    /// The settings say to leave it alone.
    Skip {
        /// Which setting, and why.
        problem: Problem,
    },
    /// The destination holds all of it.
    Unchanged {
        /// How that is known.
        why: Why,
        /// The lead or activity in the destination, where it is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        destination_id: Option<String>,
    },
    /// Read the lead from the source first: what was posted may be older than our own last write.
    ReadSource {
        /// The lead's id in the source.
        lead_id: String,
    },
    /// Read the lead from the destination first.
    Look {
        /// By what.
        by: Sought,
    },
    /// Create the lead, or update the one that has the key.
    Capture {
        /// The key.
        key: Key,
        /// The fields.
        fields: Vec<Change>,
        /// Whether a lead that has the key already is updated, or left alone.
        update: bool,
        /// Fields that only a new lead gets.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        on_create: Vec<Change>,
    },
    /// Update the lead.
    Update {
        /// Its id in the destination.
        lead_id: String,
        /// The fields.
        fields: Vec<Change>,
    },
    /// Update the lead in the source: the destination changed it too, or wins.
    UpdateSource {
        /// Its id in the source.
        lead_id: String,
        /// The fields.
        fields: Vec<Change>,
    },
    /// Take this lead of the destination for the one that an earlier attempt made: its answer was
    /// lost. Then decide again.
    Adopt {
        /// Its id.
        lead_id: String,
    },
    /// Read another lead from the source first: the one that the lead which was found is linked to.
    ReadOther {
        /// Its id in the source.
        lead_id: String,
    },
    /// Create the lead, whatever there is: a person said so.
    Create {
        /// The fields.
        fields: Vec<Change>,
    },
    /// Ask a person.
    Review {
        /// What, and what there is to decide it by.
        review: Box<Review>,
    },
    /// Leave fields alone that go back and forth, and tell a person.
    Freeze {
        /// Which.
        tripped: Vec<Tripped>,
    },
    /// Read the activity from the source first: what was posted may be older than our own last write.
    ReadActivity {
        /// The lead's id in the source.
        lead_id: String,
        /// The event code in the source.
        event: u32,
    },
    /// Read the lead's activities from the destination first: an earlier write may have added
    /// this one.
    LookActivity {
        /// The lead's id in the destination.
        lead_id: String,
        /// The event code.
        event: u32,
    },
    /// Add the activity to the lead.
    CreateActivity {
        /// The lead's id in the destination.
        lead_id: String,
        /// The event code.
        event: u32,
        /// The fields.
        fields: Vec<Change>,
    },
    /// Update the activity.
    UpdateActivity {
        /// Its id in the destination.
        activity_id: String,
        /// The event code.
        event: u32,
        /// The fields.
        fields: Vec<Change>,
    },
}

impl Decision {
    /// The fields that it writes; `None` if it is about something else.
    pub fn fields(&self) -> Option<impl Iterator<Item = &Change>> {
        let (fields, more) = match self {
            Self::Capture { fields, on_create, .. } => (fields.as_slice(), on_create.as_slice()),
            Self::Create { fields }
            | Self::Update { fields, .. }
            | Self::UpdateSource { fields, .. }
            | Self::CreateActivity { fields, .. }
            | Self::UpdateActivity { fields, .. } => (fields.as_slice(), &[][..]),
            _ => return None,
        };
        Some(fields.iter().chain(more))
    }
}

/// By what a lead is read from the destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sought {
    /// Its id.
    Id(String),
    /// A key.
    Key(Key),
}

/// How it is known that nothing has to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The source shows what was last synced: nothing changed, or it is the echo of our own
    /// write.
    SameAsSynced,
    /// The source's state is older than the one that was last synced.
    Stale,
    /// The destination shows the same values.
    SameInDestination,
}

impl Why {
    /// The sentence for the log.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::SameAsSynced => "No mapped field differs from what was last synced.",
            Self::Stale => "A newer state of this lead was synced before.",
            Self::SameInDestination => "The destination holds the same values already.",
        }
    }
}

/// A state of the source that is not newer than our own last write there by this much may be from
/// before it: the account's clock is not ours, and it counts in whole seconds.
const WRITE_MARGIN: SignedDuration = SignedDuration::from_secs(5);

/// Decides what to do about a lead.
pub fn decide(case: &Case<'_>) -> Decision {
    if let Some(removal) = case.item.removal() {
        return removed::decide(case, removal);
    }
    if !case.mapped.problems.is_empty() {
        return Decision::Refuse { problems: case.mapped.problems.clone() };
    }
    let behaviour = case.connector.lead.behaviour;
    if behaviour == Behaviour::DoNothing {
        return skip("do_nothing", "The connector's lead behaviour is to do nothing.");
    }
    let ends = case.link.map(|link| {
        (link.end(link.pair.side(case.source)), link.end(link.pair.side(case.destination)))
    });
    if let Some(decision) = late(case, ends.is_some_and(|(here, _)| here.is_gone)) {
        return decision;
    }
    if ends.is_some_and(|(_, there)| there.is_gone) {
        return skip(
            "twin_removed",
            "Its counterpart in the destination was deleted there, or merged into another lead: it \
             is not made again.",
        );
    }
    match (case.link, case.opposite) {
        (Some(link), Some(opposite)) if !case.known.twin_gone => {
            both_ways(case, opposite, link, behaviour)
        }
        (Some(link), None) if !case.known.twin_gone => linked(case, link, behaviour),
        _ => unlinked(case, behaviour),
    }
}

/// What to do first about a lead that may be gone from the source since this was posted.
pub(crate) fn late(case: &Case<'_>, is_gone: bool) -> Option<Decision> {
    if !is_gone && !case.known.was_gone {
        return None;
    }
    if case.known.source_gone {
        return Some(skip(
            "removed",
            "The lead was deleted in the source, or merged into another one, since this came.",
        ));
    }
    let lead_id = case.item.lead_id().filter(|_| !case.known.fresh)?;
    Some(Decision::ReadSource { lead_id: lead_id.to_owned() })
}

fn linked(case: &Case<'_>, link: &Link, behaviour: Behaviour) -> Decision {
    let here = link.end(link.pair.side(case.source));
    let there = link.end(link.pair.side(case.destination));
    let lead_id = there.id.clone();
    if behaviour == Behaviour::CreateOnly {
        return exists();
    }
    let version = case.item.modified_on();
    let older = |than: Option<Timestamp>| version.zip(than).is_some_and(|(this, than)| this < than);
    if !case.known.fresh && older(here.seen) {
        return Decision::Unchanged { why: Why::Stale, destination_id: Some(lead_id) };
    }
    let changes = change::since(case, here, there);
    let defaults = change::defaults(case, |to| there.base.get(to));
    if changes.is_empty() && defaults.is_empty() {
        return Decision::Unchanged { why: Why::SameAsSynced, destination_id: Some(lead_id) };
    }
    if !case.known.fresh
        && !changes.is_empty()
        && may_be_old(version, here)
        && let Some(lead_id) = case.item.lead_id()
    {
        return Decision::ReadSource { lead_id: lead_id.to_owned() };
    }
    match &case.known.lead {
        None if case.known.doubtful || !defaults.is_empty() => {
            Decision::Look { by: Sought::Id(lead_id) }
        }
        None => Decision::Update { lead_id, fields: changes },
        Some(lead) => update_known(case, lead, lead_id),
    }
}

/// A linked lead that flows both ways.
fn both_ways(
    case: &Case<'_>,
    opposite: Opposite<'_>,
    link: &Link,
    behaviour: Behaviour,
) -> Decision {
    let here = link.end(link.pair.side(case.source));
    let there = link.end(link.pair.side(case.destination));
    let lead_id = there.id.clone();
    if behaviour == Behaviour::CreateOnly {
        return exists();
    }
    let known = case.known;
    let version = case.item.modified_on();
    let is_older = version.zip(here.seen).is_some_and(|(this, seen)| this < seen);
    if !known.fresh && is_older {
        return Decision::Unchanged { why: Why::Stale, destination_id: Some(lead_id) };
    }
    let has_defaults = !change::defaults(case, |to| there.base.get(to)).is_empty();
    let is_clear = here.pending.is_empty() && there.pending.is_empty();
    if known.lead.is_none() && is_clear && !has_defaults && !merge::source_moved(case, here) {
        return Decision::Unchanged { why: Why::SameAsSynced, destination_id: Some(lead_id) };
    }
    let read_source = |id: &str| Decision::ReadSource { lead_id: id.to_owned() };
    let source_id = case.item.lead_id().filter(|_| !known.fresh);
    if (known.doubtful || may_be_old(version, here))
        && let Some(id) = source_id
    {
        return read_source(id);
    }
    match &known.lead {
        None => Decision::Look { by: Sought::Id(lead_id) },
        Some(lead) => merged(case, opposite, lead, (&here.id, lead_id), source_id),
    }
}

/// What a merge of a lead that was read from the destination asks for next.
fn merged(
    case: &Case<'_>,
    opposite: Opposite<'_>,
    lead: &Snapshot,
    (here, there): (&str, String),
    stale_source: Option<&str>,
) -> Decision {
    let merge = merge::merge(case, opposite, lead);
    let mut fields = merge.to_destination.clone();
    let is_empty = |to: &str| fields.iter().all(|change| change.to != to);
    let defaults = change::defaults(case, |to| lead.get(to));
    let wrote = |change: &Change| case.known.wrote.iter().any(|wrote| wrote.to == change.to);
    let defaults: Vec<Change> =
        defaults.into_iter().filter(|change| is_empty(&change.to) && !wrote(change)).collect();
    fields.extend(defaults);
    // The lead as it was posted is good enough to be written on, but not to be overwritten.
    if !merge.to_source.is_empty()
        && let Some(id) = stale_source
    {
        return Decision::ReadSource { lead_id: id.to_owned() };
    }
    if !fields.is_empty() {
        return Decision::Update { lead_id: there, fields };
    }
    if !merge.to_source.is_empty() {
        return Decision::UpdateSource { lead_id: here.to_owned(), fields: merge.to_source };
    }
    if !merge.tripped.is_empty() {
        return Decision::Freeze { tripped: merge.tripped };
    }
    match merge.review(case, lead) {
        Some(review) => Decision::Review { review: Box::new(review) },
        None => Decision::Unchanged { why: Why::SameInDestination, destination_id: Some(there) },
    }
}

/// Whether what was posted may be from before our own last write to the source, or from the same
/// second as the state that was synced last (`docs/two-way.md#trap-ii`).
pub(crate) fn may_be_old(version: Option<Timestamp>, here: &End) -> bool {
    version.is_some_and(|version| {
        here.wrote.is_some_and(|wrote| version <= wrote + WRITE_MARGIN)
            || here.seen == Some(version)
    })
}

pub(crate) fn unlinked(case: &Case<'_>, behaviour: Behaviour) -> Decision {
    let found = match matched(case) {
        Match::Nobody => None,
        Match::Lead(lead) => Some(lead),
        Match::Not(decision) => return decision,
    };
    if let Some(lead) = found {
        let Some(lead_id) = lead.filled("ProspectID").map(str::to_owned) else {
            return Decision::Refuse { problems: vec![no_id()] };
        };
        if behaviour == Behaviour::CreateOnly {
            return if case.known.doubtful {
                Decision::Unchanged { why: Why::SameInDestination, destination_id: Some(lead_id) }
            } else {
                exists()
            };
        }
        let source_id = case.item.lead_id();
        return match (case.opposite, source_id) {
            (Some(_), Some(_))
                if case.known.doubtful && (was_made_since(case, lead) || was_sent(case, lead)) =>
            {
                Decision::Adopt { lead_id }
            }
            (Some(opposite), Some(here)) => {
                let stale = Some(here).filter(|_| !case.known.fresh);
                merged(case, opposite, lead, (here, lead_id), stale)
            }
            _ => update_known(case, lead, lead_id),
        };
    }
    if let Some(lead_id) = &case.known.lead_id {
        return Decision::Look { by: Sought::Id(lead_id.clone()) };
    }
    let mut keys = identity::keys(&case.connector.basic, case.mapped);
    if keys.is_empty() {
        return Decision::Refuse { problems: vec![no_key(case)] };
    }
    sent_keys(case, &mut keys);
    let next = keys.get(case.known.keys_tried);
    let defaults = change::defaults(case, |_| None);
    let known = case.known;
    let look =
        known.doubtful || known.look_first || !defaults.is_empty() || !all_unique(case, &keys);
    match (behaviour, next) {
        (Behaviour::UpdateOnly, None) => not_found(),
        (Behaviour::UpdateOnly, Some(key)) => Decision::Look { by: Sought::Key(key.clone()) },
        (_, Some(key)) if look => Decision::Look { by: Sought::Key(key.clone()) },
        (_, next) => {
            // After looking by every key in vain the first one is the lead's name again.
            let key = if look { keys.first() } else { next };
            let Some(key) = key else {
                return Decision::Refuse { problems: vec![keys_disagree(&keys)] };
            };
            let mut on_create = defaults;
            on_create.extend(lead_source(case).filter(|_| !case.known.exists));
            let fields = change::all(case)
                .into_iter()
                .filter(|change| on_create.iter().all(|other| other.to != change.to))
                .collect();
            // Where both sides have a say, a lead that exists is merged, not overwritten.
            let update = behaviour != Behaviour::CreateOnly && case.opposite.is_none();
            Decision::Capture { key: key.clone(), fields, update, on_create }
        }
    }
}

impl Known {
    /// Takes in the leads of the destination that a look found.
    pub fn take_found(&mut self, by: &Sought, leads: Vec<Snapshot>) {
        match by {
            Sought::Id(_) if leads.is_empty() => (self.twin_gone, self.lead_id) = (true, None),
            Sought::Id(_) => self.lead = leads.into_iter().next(),
            // The first key found a lead, and this is the second.
            Sought::Key(_) if self.lead.is_some() => self.rivals = Some(leads),
            Sought::Key(_) if leads.is_empty() => self.keys_tried += 1,
            Sought::Key(_) if leads.len() == 1 => self.lead = leads.into_iter().next(),
            Sought::Key(_) => self.several = leads,
        }
    }

    /// The ids of the leads of the destination that were found.
    pub fn found(&self) -> impl Iterator<Item = &str> {
        self.lead.iter().chain(&self.several).filter_map(|lead| lead.filled("ProspectID"))
    }
}

impl Case<'_> {
    /// Whether a field is not written, because it is a key that another lead has.
    fn leaves_out(&self, field: &str) -> bool {
        let basic = &self.connector.basic;
        let is_key =
            basic.search_by == field || basic.secondary_search_by.as_deref() == Some(field);
        self.known.key_taken && is_key
    }
}

/// Whether the lead was created after what the record shows of the source, and holds all that was
/// to be sent: then it was made by us, or whoever made it meant the same.
fn was_made_since(case: &Case<'_>, lead: &Snapshot) -> bool {
    let made = lead
        .filled("CreatedOn")
        .and_then(|text| crate::moment::instant(text, &jiff::tz::TimeZone::UTC));
    let reading = case.mapping.reading();
    let holds = |change: Change| {
        let held = lead.get(&change.to).unwrap_or_default();
        crate::value::holds(change.kind, &change.value, held, reading)
    };
    !case.known.fresh
        && all(case).into_iter().all(holds)
        && made
            .zip(case.item.modified_on())
            .is_some_and(|(made, shown)| made + SignedDuration::from_secs(1) > shown)
}

/// Adds the keys that an earlier attempt may have made the lead with, before they were changed.
fn sent_keys(case: &Case<'_>, keys: &mut Vec<Key>) {
    let Some(pending) = pending(case) else { return };
    for at in 0..keys.len() {
        for value in pending.get(&keys[at].field).into_iter().flatten() {
            let Key { field, kind, .. } = keys[at].clone();
            let key = Key { field, kind, value: value.clone() };
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
}

/// Whether the lead has a key that an earlier attempt may have made it with.
fn was_sent(case: &Case<'_>, lead: &Snapshot) -> bool {
    let basic = &case.connector.basic;
    let fields = std::iter::once(&basic.search_by).chain(&basic.secondary_search_by);
    let held = |field: &String| {
        let sent = pending(case).and_then(|pending| pending.get(field));
        sent.into_iter().flatten().any(|value| Some(value.as_str()) == lead.get(field))
    };
    fields.into_iter().any(held)
}

/// What may have been written unseen to a lead that takes the place of one that is gone.
pub(crate) fn pending<'a>(case: &Case<'a>) -> Option<&'a BTreeMap<String, Vec<String>>> {
    let link = case.link.filter(|_| case.known.twin_gone && case.known.doubtful)?;
    Some(&link.end(link.pair.side(case.destination)).pending)
}

/// Whether the account itself keeps the second key from being given to a second lead: then a lead
/// that the first key can't find is found by its refusal, at no cost.
fn all_unique(case: &Case<'_>, keys: &[Key]) -> bool {
    keys.iter().skip(1).all(|key| is_unique(case, key))
}

/// Whether the account refuses to create a lead that any of these keys finds already: then a lead
/// may be created without looking first, by a call that never updates.
pub fn creates_once(case: &Case<'_>) -> bool {
    let keys = identity::keys(&case.connector.basic, case.mapped);
    !case.known.exists && keys.iter().all(|key| is_unique(case, key))
}

/// Email, phone and mobile number are unique in every account
/// (HL/how-to-make-a-custom-field-unique).
fn is_unique(case: &Case<'_>, key: &Key) -> bool {
    matches!(key.field.as_str(), "EmailAddress" | "Phone" | "Mobile")
        || case.mapping.targets().any(|field| field.schema_name == key.field && field.unique)
}

fn not_found() -> Decision {
    skip(
        "not_found",
        "The destination does not have this lead, and the connector only updates existing ones.",
    )
}

fn exists() -> Decision {
    skip("exists", "The lead exists in the destination, and the connector only creates new ones.")
}

/// The *Lead Source* that the connector gives to new leads.
fn lead_source(case: &Case<'_>) -> Option<Change> {
    let value =
        case.connector.basic.lead_source.as_deref().filter(|text| !text.trim().is_empty())?;
    Some(Change::new("Source", crate::metadata::Kind::Text, value))
}

fn update_known(case: &Case<'_>, lead: &Snapshot, lead_id: String) -> Decision {
    let fields = change::against(case, lead);
    if fields.is_empty() {
        Decision::Unchanged { why: Why::SameInDestination, destination_id: Some(lead_id) }
    } else {
        Decision::Update { lead_id, fields }
    }
}

fn skip(code: &str, message: &str) -> Decision {
    Decision::Skip {
        problem: Problem::new(
            code,
            message,
            "Change the connector's lead behaviour if that is not meant.",
        ),
    }
}

fn no_id() -> Problem {
    Problem::new(
        "unreadable_answer",
        "The destination found the lead but did not say its ProspectID.",
        "Retry; if it happens again, look at the answer in the log.",
    )
}

pub(crate) fn no_key(case: &Case<'_>) -> Problem {
    let basic = &case.connector.basic;
    let mut names = basic.search_by.clone();
    if let Some(secondary) = &basic.secondary_search_by {
        names = format!("{names} nor {secondary}");
    }
    Problem::new(
        "no_key",
        format!("The record has no value for {names}, so the lead can't be found again: it was not created, because every change of it would create it once more."),
        "Fill the field in the source account, map another field to it, or choose another search key.",
    )
    .about(&basic.search_by)
}

fn keys_disagree(keys: &[Key]) -> Problem {
    let named: Vec<String> =
        keys.iter().map(|key| format!("{} {}", key.field, key.value)).collect();
    Problem::new(
        "duplicate",
        format!(
            "The destination refuses the lead as a duplicate of another one; tried with {}.",
            named.join(" and ")
        ),
        "One of the lead's unique values belongs to another lead of the destination. Merge the two \
         there or correct the value, then retry.",
    )
}

#[cfg(test)]
mod tests;

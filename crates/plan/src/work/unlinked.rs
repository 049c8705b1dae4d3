//! What to do about a lead that is not linked, or whose counterpart is gone: find it by its keys, or
//! create it.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::change::Change;
use crate::connector::Behaviour;
use crate::directory::Hints;
use crate::id::LeadId;
use crate::identity::Key;
use crate::identity::key;
use crate::mapping::Mapping;
use crate::metadata::Kind;
use crate::moment;
use crate::snapshot::Snapshot;
use crate::text;

use super::call::{Call, Capture};
use super::case::Case;
use super::decision::Decision;
use super::explanation::Why;
use super::lead::{merged, update_known};
use super::matching::{Match, matched};
use super::{change, problems};

/// How far an account's clock may be behind ours.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(10);

/// A lead that is not linked, or whose counterpart is gone.
pub(super) fn unlinked(case: &Case<'_>, behaviour: Behaviour) -> Decision {
    let known = case.known;
    let found = match matched(case) {
        Match::Nobody => None,
        Match::Lead(lead) => Some(lead),
        Match::Not(decision) => return decision,
    };
    if let Some(lead) = found {
        return matched_to(case, lead, behaviour);
    }
    if let Some(lead_id) = &known.twin.lead_id {
        return Decision::read_twin(lead_id.clone());
    }
    let mut keys = case.keys();
    if keys.is_empty() {
        return Decision::Refuse(vec![problems::no_key(case)]);
    }
    sent_keys(case, &mut keys);
    let next = keys.get(known.search.keys_tried);
    let defaults = change::defaults(case, |_| None);
    let is_new = is_new(case, &keys);
    let look = known.doubtful && !repeats(case, &keys, &defaults)
        || known.search.look_first
        || !defaults.is_empty() && !is_new
        || !all_unique(case, &keys);
    let find = |key: &Key| {
        listed(case, key)
            .map_or_else(|| Decision::find(key), |id| Decision::read_listed(id.clone()))
    };
    match (behaviour, next) {
        (Behaviour::UpdateOnly, None) => Decision::Skip(problems::not_found()),
        (Behaviour::UpdateOnly, Some(key)) => find(key),
        (_, Some(key)) if look || reads_listed(case, key) => find(key),
        (_, next) => {
            // After searching by every key without success, the first one identifies the lead
            // again.
            let key = if look { keys.first() } else { next };
            let Some(key) = key else {
                return Decision::Refuse(vec![problems::keys_disagree(&keys)]);
            };
            // A lead that is missing from the directory would get the defaults too.
            let updates = behaviour != Behaviour::CreateOnly && (defaults.is_empty() || !is_new);
            capture(case, key, defaults, updates)
        }
    }
}

/// The lead of the destination that has this unique key according to the directory.
fn listed<'a>(case: &Case<'a>, key: &Key) -> Option<&'a LeadId> {
    let hints = case.known.search.hints.as_ref()?;
    hints.only(key).filter(|_| is_unique(case.mapping, &key.field))
}

/// Whether the directory says that no lead has this key, which is unique in the account.
pub(super) fn is_free(case: &Case<'_>, key: &Key) -> bool {
    let hints = case.known.search.hints.as_ref();
    hints.is_some_and(|hints| hints.is_free(key)) && is_unique(case.mapping, &key.field)
}

/// Whether a write whose outcome is unknown is simply repeated: a crash may leave hundreds of them,
/// and looking up each lead would cost a call or two. By the same unique key the account finds what
/// the lost call created, and the values are the same.
fn repeats(case: &Case<'_>, keys: &[Key], defaults: &[Change]) -> bool {
    let in_backlog = case.known.search.hints.as_ref().is_some_and(Hints::in_backlog);
    in_backlog
        && case.opposite.is_none()
        && case.connector.lead.behaviour == Behaviour::CreateAndUpdate
        && case.pending().is_none()
        && defaults.is_empty()
        && change::lead_source(case).is_none()
        && keys.iter().all(|key| is_unique(case.mapping, &key.field))
}

/// Whether the directory says that the destination does not have the lead; if it is wrong, the account
/// refuses to create it.
fn is_new(case: &Case<'_>, keys: &[Key]) -> bool {
    !keys.is_empty() && keys.iter().all(|key| is_free(case, key)) && creates_once(case)
}

/// Whether reading the lead that the directory names saves calls: it would be read anyway, or a call
/// that creates many leads would be refused for it.
fn reads_listed(case: &Case<'_>, key: &Key) -> bool {
    let in_backlog = case.known.search.hints.as_ref().is_some_and(Hints::in_backlog);
    let creates = in_backlog && change::lead_source(case).is_some();
    listed(case, key).is_some() && (case.merges() || creates)
}

/// A lead of the destination is the record's.
fn matched_to(case: &Case<'_>, lead: &Snapshot, behaviour: Behaviour) -> Decision {
    let known = case.known;
    let Some(lead_id) = lead.lead_id() else { return Decision::Refuse(vec![problems::no_id()]) };
    if behaviour == Behaviour::CreateOnly {
        return if known.doubtful {
            let why =
                if was_made_unseen(case, lead) { Why::MadeBefore } else { Why::SameInDestination };
            Decision::Unchanged(why, Some(lead_id.into()))
        } else {
            Decision::Skip(problems::exists())
        };
    }
    let decision = match (case.opposite, case.item.lead_id()) {
        (Some(_), Some(_))
            if known.doubtful && (was_made_since(case, lead) || was_sent(case, lead)) =>
        {
            Decision::Adopt(lead_id)
        }
        (Some(opposite), Some(here)) => {
            let stale = Some(here.clone()).filter(|_| !known.source.fresh);
            // What a person retries may be old.
            if known.asked
                && let Some(here) = stale
            {
                return Decision::read_source(here);
            }
            merged(case, opposite, lead, (here, lead_id), stale)
        }
        _ => update_known(case, lead, lead_id, Vec::new()),
    };
    match decision {
        Decision::Unchanged(Why::SameInDestination, id) if was_made_unseen(case, lead) => {
            Decision::Unchanged(Why::MadeBefore, id)
        }
        decision => decision,
    }
}

/// Whether an earlier attempt, whose response was lost, may have created the lead: it is newer than
/// the source's state in the record.
pub(super) fn was_made_unseen(case: &Case<'_>, lead: &Snapshot) -> bool {
    case.known.doubtful && case.link.is_none() && was_created_since(case, lead)
}

/// Creates the lead, or updates the one that has the key.
fn capture(case: &Case<'_>, key: &Key, defaults: Vec<Change>, updates: bool) -> Decision {
    let mut on_create = defaults;
    on_create.extend(change::lead_source(case).filter(|_| !case.known.search.exists));
    on_create.retain(|change| !may_match_others(case, change));
    let fields = change::all(case)
        .into_iter()
        .filter(|change| on_create.iter().all(|other| other.to != change.to))
        .filter(|change| !may_match_others(case, change))
        .collect();
    Decision::Call(Call::Capture(Capture {
        key: key.clone(),
        fields,
        on_create,
        // In a pair, an existing lead is merged, not overwritten.
        update: updates && case.opposite.is_none(),
        creates_once: creates_once(case),
    }))
}

/// What a lead that was just created with these fields has yet to get: values that would not have
/// been safe to create it with.
///
/// When the field of `SearchBy` finds no lead, an account may continue to search by email address
/// and phone numbers (a guess: AD/capture-lead says only that the field comes first), and it
/// refuses a second lead with the same unique value. So `0000000000` could match a stranger, or
/// keep the lead from being created. An update names its lead and can't match another.
pub(super) fn withheld(case: &Case<'_>, made_with: &[Change]) -> Vec<Change> {
    let is_new = |change: &Change| made_with.iter().all(|made| made.to != change.to);
    let mut all = change::new_lead(case);
    all.retain(|change| is_new(change) && may_match_others(case, change));
    all
}

/// What a lead gets at creation.
pub(super) fn made_with(case: &Case<'_>) -> Vec<Change> {
    let mut fields = change::new_lead(case);
    fields.retain(|change| !may_match_others(case, change));
    fields
}

/// Whether the account may find other leads by a value although it is not a key. Values that are
/// mandatory for creation are sent anyway.
pub(super) fn may_match_others(case: &Case<'_>, change: &Change) -> bool {
    let is_mandatory =
        || case.mapping.targets().any(|field| field.schema_name == change.to && field.mandatory);
    is_unique(case.mapping, &change.to)
        && !text::is_blank(&change.value)
        && key::fault(change.kind, &change.value, case.mapping.reading()).is_some()
        && !is_mandatory()
}

/// Whether a lead synced both ways was created by an earlier attempt at one of its activities.
pub(super) fn was_made_for(case: &Case<'_>, lead: &Snapshot) -> bool {
    case.known.doubtful
        && case.opposite.is_some()
        && case.item.lead_id().is_some()
        && was_made_since(case, lead)
}

/// Whether the lead is newer than the source's state in the record, and has everything that would
/// be sent: then it was created by us, or by somebody with the same intention.
fn was_made_since(case: &Case<'_>, lead: &Snapshot) -> bool {
    !case.known.source.fresh && change::holds_all(case, lead) && was_created_since(case, lead)
}

fn was_created_since(case: &Case<'_>, lead: &Snapshot) -> bool {
    created_on(lead)
        .zip(case.item.modified_on())
        .is_some_and(|(made, shown)| made + SignedDuration::from_secs(1) > shown)
}

fn created_on(lead: &Snapshot) -> Option<Timestamp> {
    lead.filled("CreatedOn").and_then(|text| moment::instant(text, &TimeZone::UTC))
}

/// Adds the keys with which an earlier attempt may have created the lead, before they were changed.
fn sent_keys(case: &Case<'_>, keys: &mut Vec<Key>) {
    let Some(pending) = case.pending() else { return };
    for at in 0..keys.len() {
        for value in pending.get(&keys[at].field).into_iter().flatten() {
            let Key { field, kind, .. } = keys[at].clone();
            let key = Key { field, kind, value: value.clone() };
            let is_key = key::fault(key.kind, &key.value, case.mapping.reading()).is_none();
            if is_key && !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
}

/// Whether the lead has a key with which an earlier attempt may have created it, and is not older
/// than that attempt.
fn was_sent(case: &Case<'_>, lead: &Snapshot) -> bool {
    let is_older = created_on(lead)
        .zip(case.replaced_at())
        .is_some_and(|(made, replaced)| made + CLOCKS_DIFFER < replaced);
    if is_older {
        return false;
    }
    let basic = &case.connector.basic;
    let reading = case.mapping.reading();
    let fields = std::iter::once(&basic.search_by).chain(&basic.secondary_search_by);
    let held = |field: &String| {
        let kind = case.mapped.get(field).map_or(Kind::Text, |field| field.kind);
        let is_it = |sent: &String| {
            let held = lead.get(field).unwrap_or_default();
            key::fault(kind, sent, reading).is_none() && key::same(kind, sent, held, reading)
        };
        let sent = case.pending().and_then(|pending| pending.get(field));
        sent.into_iter().flatten().any(is_it)
    };
    fields.into_iter().any(held)
}

/// Whether the account itself enforces that the second key is unique: then a lead that the first
/// key can't find is found by the account's refusal, at no cost.
fn all_unique(case: &Case<'_>, keys: &[Key]) -> bool {
    keys.iter().skip(1).all(|key| is_unique(case.mapping, &key.field))
}

/// Whether the account refuses to create a lead if another one has any of the record's keys: then
/// the lead may be created without a search, by a call that never updates.
fn creates_once(case: &Case<'_>) -> bool {
    let keys = case.keys();
    !case.known.search.exists && keys.iter().all(|key| is_unique(case.mapping, &key.field))
}

/// Email, phone and mobile number are unique in every account
/// (HL/how-to-make-a-custom-field-unique).
pub(super) fn is_unique(mapping: &Mapping, field: &str) -> bool {
    matches!(field, "EmailAddress" | "Phone" | "Mobile")
        || mapping.targets().any(|target| target.schema_name == field && target.unique)
}

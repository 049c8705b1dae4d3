//! Which lead of the destination an unlinked lead matches.
//!
//! If that is ambiguous, leadsync never guesses: a person decides, unless the connector has a rule
//! for it.

use super::asked;
use super::call::{Call, NewLead, ReadLead, Which};
use super::case::Case;
use super::decision::Decision;
use super::holders::Holders;
use super::{change, problems, unlinked};
use crate::connector::{Behaviour, KeysDisagree, Linked, Several};
use crate::id::LeadId;
use crate::identity::Key;
use crate::identity::key;
use crate::outcome::Entity;
use crate::payload::Item;
use crate::problem::{Code, Problem};
use crate::review::{Choice, Reason, Review, Ruled};
use crate::snapshot::Snapshot;

/// What is known by now.
pub(super) enum Match<'a> {
    /// No lead of the destination has been found so far.
    Nobody,
    /// It is this one.
    Lead(&'a Snapshot),
    /// It is unclear: this is the next step.
    Not(Decision),
}

/// The lead of the destination that the record's lead matches, as far as known.
pub(super) fn matched<'a>(case: &Case<'a>) -> Match<'a> {
    let known = case.known;
    if let Some(decision) = known.search.holders.as_ref().and_then(Holders::next) {
        return Match::Not(decision);
    }
    match &known.ruled {
        Some(Ruled::Waits(reason)) => {
            return Match::Not(Decision::Refuse(vec![asked::waits(*reason)]));
        }
        Some(Ruled::Decided(Choice::Ignore)) => return Match::Not(left_alone("A user decided")),
        Some(Ruled::Decided(Choice::Link { lead_id })) if !known.twin.gone => {
            return match &known.twin.lead {
                Some(lead) if lead.lead_id().as_ref() == Some(lead_id) => Match::Lead(lead),
                _ => Match::Not(Decision::read_twin(lead_id.clone())),
            };
        }
        Some(Ruled::Decided(Choice::Create)) if only_updates(case) => {
            return Match::Not(Decision::Skip(problems::not_found()));
        }
        Some(Ruled::Decided(Choice::Create)) => return created(case),
        Some(Ruled::Decided(_)) | None => {}
    }
    if let Some(holders) = &known.search.holders {
        return Match::Not(ask(holders.review(case)));
    }
    let keys = case.keys();
    let found_by = keys.get(known.search.keys_tried).map(|key| key.field.as_str());
    let lead = match pick(case, found_by) {
        Ok(lead) => lead,
        Err(decision) => return Match::Not(decision),
    };
    let Some(lead) = lead else { return Match::Nobody };
    if let Some(decision) = taken(case, lead, found_by) {
        return Match::Not(decision);
    }
    match known.search.keys_tried {
        0 => other_key(case, lead, &keys),
        // No lead has the first key.
        _ => Match::Lead(lead),
    }
}

/// A lead that is created whatever exists. After a write whose response was lost, the leads with its
/// first key are read: one of them may be the created one.
fn created<'a>(case: &Case<'a>) -> Match<'a> {
    let known = case.known;
    let (search, twin) = (&known.search, &known.twin);
    if known.doubtful {
        let has_looked = search.keys_tried > 0 || twin.lead.is_some() || !search.several.is_empty();
        let keys = case.keys();
        match keys.first() {
            Some(key) if !has_looked => return Match::Not(Decision::find(key)),
            // It can't be found out whether it was created.
            None => return Match::Not(Decision::Refuse(vec![problems::no_key(case)])),
            Some(_) => {}
        }
        let is_ours = |lead: &&Snapshot| {
            let is_tied = lead.lead_id().is_some_and(|id| search.ties.contains_key(&id));
            !is_tied && change::holds_all(case, lead)
        };
        if let Some(lead) = twin.lead.iter().chain(&search.several).find(is_ours) {
            return Match::Lead(lead);
        }
    }
    let fields = unlinked::made_with(case);
    Match::Not(Decision::Call(Call::CreateLead(NewLead { fields })))
}

/// The lead that was found; of several, the one that the connector's rule names.
fn pick<'a>(case: &Case<'a>, found_by: Option<&str>) -> Result<Option<&'a Snapshot>, Decision> {
    let known = case.known;
    if known.twin.lead.is_some() || known.search.several.is_empty() {
        return Ok(known.twin.lead.as_ref());
    }
    // Times have the same format, so they sort as text.
    let time = |field: &'static str| move |lead: &&Snapshot| lead.get(field).map(str::to_owned);
    let leads = known.search.several.iter();
    let this = |lead: Option<&Snapshot>| lead.map_or(Ok(None), |lead| Err(take(lead)));
    match case.connector.identity.several {
        Several::Newest => this(leads.max_by_key(time("ModifiedOn"))),
        Several::Oldest => this(leads.min_by_key(time("CreatedOn"))),
        Several::Skip => Err(left_alone("The connector's rule for several matches is")),
        Several::Review => {
            Err(ask(asked::review(case, Reason::Several, leads.map(|lead| (lead, found_by)))))
        }
    }
}

/// What to do if the lead is linked to another lead that still exists in the source.
fn taken(case: &Case<'_>, lead: &Snapshot, found_by: Option<&str>) -> Option<Decision> {
    let search = &case.known.search;
    let other = search.ties.get(&lead.lead_id()?)?;
    // One that was deleted, or merged into this one, has no claim.
    let read = search.others.get(other);
    if read.is_some_and(Option::is_none) {
        return None;
    }
    match case.connector.identity.linked {
        Linked::Relink => None,
        _ if read.is_none() => {
            let read = ReadLead { which: Which::Other, lead_id: other.clone() };
            Some(Decision::Call(Call::ReadLead(read)))
        }
        // A person who retries decides about it.
        _ if !case.known.asked
            && read.and_then(Option::as_ref).is_some_and(|now| !shares(case, now, found_by)) =>
        {
            Some(Decision::Refuse(vec![problems::on_its_way(found_by, other)]))
        }
        Linked::Skip => {
            Some(left_alone("The connector's rule for leads that are linked already is"))
        }
        Linked::Review => Some(ask(asked::review(case, Reason::Linked, [(lead, found_by)]))),
    }
}

/// Whether another lead of the source, as it is now, still has the record's value of this key. If
/// not, its counterpart is about to lose it.
fn shares(case: &Case<'_>, other: &Snapshot, found_by: Option<&str>) -> bool {
    let keys = case.keys();
    let Some(key) = keys.iter().find(|key| Some(key.field.as_str()) == found_by) else {
        return true;
    };
    let sent = case.mapping.apply(&Item::from_state(Entity::Lead, other));
    let value = sent.value(&key.field).unwrap_or_default();
    key::same(key.kind, value, &key.value, case.mapping.reading())
}

/// The lead that the first key found, unless the second one finds a different one.
fn other_key<'a>(case: &Case<'a>, lead: &'a Snapshot, keys: &[Key]) -> Match<'a> {
    let [first, second] = keys else { return Match::Lead(lead) };
    let held = lead.get(&second.field).unwrap_or_default();
    if key::same(second.kind, held, &second.value, case.mapping.reading()) {
        return Match::Lead(lead);
    }
    let Some(rivals) = &case.known.search.rivals else {
        return if unlinked::is_free(case, second) {
            Match::Lead(lead)
        } else {
            Match::Not(Decision::find(second))
        };
    };
    let mut rivals = rivals.iter().filter(|rival| rival.lead_id() != lead.lead_id());
    let Some(rival) = rivals.next() else { return Match::Lead(lead) };
    match case.connector.identity.keys_disagree {
        KeysDisagree::Primary => Match::Lead(lead),
        KeysDisagree::Secondary => Match::Not(take(rival)),
        KeysDisagree::Skip => {
            Match::Not(left_alone("The connector's rule for keys that disagree is"))
        }
        KeysDisagree::Review => {
            let by = |key: &'_ Key| Some(key.field.clone());
            let (first, second) = (by(first), by(second));
            let of_second = std::iter::once(rival).chain(rivals);
            let leads = std::iter::once((lead, first.as_deref()))
                .chain(of_second.map(|rival| (rival, second.as_deref())));
            Match::Not(ask(asked::review(case, Reason::KeysDisagree, leads)))
        }
    }
}

fn only_updates(case: &Case<'_>) -> bool {
    case.connector.lead.behaviour == Behaviour::UpdateOnly
}

/// Reads a lead by its id, which then counts as found.
fn take(lead: &Snapshot) -> Decision {
    Decision::read_twin(lead.lead_id().unwrap_or_else(|| LeadId::new("")))
}

fn ask(review: Review) -> Decision {
    Decision::Ask(Box::new(review))
}

fn left_alone(who: &str) -> Decision {
    Decision::Skip(Problem::new(
        Code::LeftAlone,
        format!("{who} to skip this lead."),
        "If this is not intended, undo the decision under Reviews, or change the connector's rule \
         under Entity options.",
    ))
}

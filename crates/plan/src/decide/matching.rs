//! Which lead of the destination a lead is that is not linked yet.
//!
//! What is not plain is never guessed: it waits for a person, unless the connector has a rule for
//! it, or a person decided before.

use super::{Case, Change, Decision, Sought, all, defaults, lead_source};
use crate::connector::{Behaviour, KeysDisagree, Linked, Several};
use crate::identity::{self, Key};
use crate::problem::Problem;
use crate::review::{Choice, Reason, Review, Ruled};
use crate::snapshot::Snapshot;
use crate::value;

/// What is known by now.
pub(crate) enum Match<'a> {
    /// No lead of the destination was found so far.
    Nobody,
    /// It is this one.
    Lead(&'a Snapshot),
    /// It is not plain: this comes first.
    Not(Decision),
}

/// The lead of the destination that the record's lead is, as far as it was found out.
pub(crate) fn matched<'a>(case: &Case<'a>) -> Match<'a> {
    let known = case.known;
    match &known.ruled {
        Some(Ruled::Waits(Reason::Conflict)) | None => {}
        Some(Ruled::Waits(reason)) => {
            return Match::Not(Decision::Refuse { problems: vec![reason.waits()] });
        }
        Some(Ruled::Decided(Choice::Ignore)) => return Match::Not(left_alone("A person decided")),
        Some(Ruled::Decided(Choice::Link { lead_id })) if !known.twin_gone => {
            return match &known.lead {
                Some(lead) if id(lead).eq_ignore_ascii_case(lead_id) => Match::Lead(lead),
                _ => Match::Not(Decision::Look { by: Sought::Id(lead_id.clone()) }),
            };
        }
        Some(Ruled::Decided(Choice::Create)) if only_updates(case) => {
            return Match::Not(super::not_found());
        }
        // After a write whose answer was lost the leads are looked at again: one of them may be the
        // one that was made.
        Some(Ruled::Decided(Choice::Create)) if !known.doubtful => {
            return Match::Not(Decision::Create { fields: new_lead(case) });
        }
        Some(Ruled::Decided(_)) => {}
    }
    let keys = identity::keys(&case.connector.basic, case.mapped);
    let found_by = keys.get(known.keys_tried).map(|key| key.field.as_str());
    let lead = match pick(case, found_by) {
        Ok(lead) => lead,
        Err(decision) => return Match::Not(decision),
    };
    let Some(lead) = lead else { return Match::Nobody };
    if let Some(decision) = taken(case, lead, found_by) {
        return Match::Not(decision);
    }
    match known.keys_tried {
        0 => other_key(case, lead, &keys),
        // Nobody has the first key.
        _ => Match::Lead(lead),
    }
}

/// The lead that was found; of several the one that the connector's rule names.
fn pick<'a>(case: &Case<'a>, found_by: Option<&str>) -> Result<Option<&'a Snapshot>, Decision> {
    let known = case.known;
    if known.lead.is_some() || known.several.is_empty() {
        return Ok(known.lead.as_ref());
    }
    // Times are written alike, so that they sort as texts.
    let time = |field: &'static str| move |lead: &&Snapshot| lead.get(field).map(str::to_owned);
    let leads = known.several.iter();
    let this = |lead: Option<&Snapshot>| lead.map_or(Ok(None), |lead| Err(take(lead)));
    match case.connector.identity.several {
        Several::Newest => this(leads.max_by_key(time("ModifiedOn"))),
        Several::Oldest => this(leads.min_by_key(time("CreatedOn"))),
        Several::Skip => Err(left_alone("The connector's rule for several matches is")),
        Several::Review => {
            Err(ask(Review::of(case, Reason::Several, leads.map(|lead| (lead, found_by)))))
        }
    }
}

/// What to do if the lead is linked to another lead of the source that is still there.
fn taken(case: &Case<'_>, lead: &Snapshot, found_by: Option<&str>) -> Option<Decision> {
    let other = case.known.ties.get(id(lead))?;
    // One that was deleted, or merged into this one, has no claim.
    let read = case.known.others.get(other);
    if read.is_some_and(Option::is_none) {
        return None;
    }
    match case.connector.identity.linked {
        Linked::Relink => None,
        _ if read.is_none() => Some(Decision::ReadOther { lead_id: other.clone() }),
        Linked::Skip => {
            Some(left_alone("The connector's rule for leads that are linked already is"))
        }
        Linked::Review => Some(ask(Review::of(case, Reason::Linked, [(lead, found_by)]))),
    }
}

/// The lead that the first key found, unless the second one finds another.
fn other_key<'a>(case: &Case<'a>, lead: &'a Snapshot, keys: &[Key]) -> Match<'a> {
    let [first, second] = keys else { return Match::Lead(lead) };
    let held = lead.get(&second.field).unwrap_or_default();
    if value::same(second.kind, held, &second.value, case.mapping.reading()) {
        return Match::Lead(lead);
    }
    let Some(rivals) = &case.known.rivals else {
        return Match::Not(Decision::Look { by: Sought::Key(second.clone()) });
    };
    let mut rivals = rivals.iter().filter(|rival| id(rival) != id(lead));
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
            Match::Not(ask(Review::of(case, Reason::KeysDisagree, leads)))
        }
    }
}

fn only_updates(case: &Case<'_>) -> bool {
    case.connector.lead.behaviour == Behaviour::UpdateOnly
}

/// Reads a lead by its id, which is then the one that was found.
fn take(lead: &Snapshot) -> Decision {
    Decision::Look { by: Sought::Id(id(lead).to_owned()) }
}

/// All that a new lead gets.
fn new_lead(case: &Case<'_>) -> Vec<Change> {
    let mut fields = defaults(case, |_| None);
    fields.extend(lead_source(case));
    let mut sent = all(case);
    sent.retain(|one| fields.iter().all(|field| field.to != one.to));
    fields.append(&mut sent);
    fields
}

fn ask(review: Review) -> Decision {
    Decision::Review { review: Box::new(review) }
}

fn id(lead: &Snapshot) -> &str {
    lead.filled("ProspectID").unwrap_or_default()
}

fn left_alone(who: &str) -> Decision {
    Decision::Skip {
        problem: Problem::new(
            "left_alone",
            format!("{who} to leave this lead alone."),
            "Undo the decision under Reviews, or change the connector's rule under Entity options, \
             if that is not meant.",
        ),
    }
}

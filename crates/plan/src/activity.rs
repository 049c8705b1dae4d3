//! What to do about an activity.
//!
//! First its lead is found in the destination, or created there if the connector may; then the
//! activity is created or updated. It is decided from state, as a lead is: the link of an activity
//! keeps what both sides held when they last agreed, so a webhook that comes twice, or as the echo
//! of our own write, ends as "unchanged".

mod mapping;

pub use mapping::{
    ActivityMapping, NOTE, OWNER, STATUS, TIME, TypeMapping, TypeRows, Unmapped, forms,
    forms_needed, type_rows,
};

use crate::connector::Behaviour;
use crate::decide::{self, Case, Change, Decision, Match, Sought, Why};
use crate::identity;
use crate::moment;
use crate::outcome::Entity;
use crate::payload::Item;
use crate::problem::Problem;
use crate::snapshot::Snapshot;
use crate::value;

/// Everything that a decision about an activity depends on.
#[derive(Clone, Copy, Debug)]
pub struct ActivityCase<'a> {
    /// The activity, its type's mapping, its link and what was found out about it.
    pub activity: Case<'a>,
    /// The lead that it is on, as far as the payload shows it, or as it was read.
    pub lead: Case<'a>,
    /// The event code in the destination.
    pub event: u32,
}

/// Why an activity of this connector is left alone whatever it says, if so.
pub fn switched_off(connector: &crate::connector::Definition) -> Option<Problem> {
    let off = !connector.activity.enabled || connector.activity.behaviour == Behaviour::DoNothing;
    off.then(|| {
        Problem::new(
            "activities_off",
            "The connector does not sync activities.",
            "Set activity.enabled = true in the connector if they are wanted.",
        )
    })
}

/// Decides what to do about an activity.
pub fn decide(case: &ActivityCase<'_>) -> Decision {
    let activity = &case.activity;
    if !activity.mapped.problems.is_empty() {
        return Decision::Refuse { problems: activity.mapped.problems.clone() };
    }
    let behaviour = activity.connector.activity.behaviour;
    match activity.link {
        Some(_) if !activity.known.twin_gone => linked(activity, case.event, behaviour),
        _ if behaviour == Behaviour::UpdateOnly => skip(
            "not_found",
            "The activity was not synced before, and the connector only updates existing ones.",
        ),
        _ => match lead(&case.lead) {
            Ok(lead_id) => unlinked(activity, case.event, lead_id),
            Err(decision) => decision,
        },
    }
}

fn linked(case: &Case<'_>, event: u32, behaviour: Behaviour) -> Decision {
    let Some(link) = case.link else { return Decision::Refuse { problems: Vec::new() } };
    let here = link.end(link.pair.side(case.source));
    let there = link.end(link.pair.side(case.destination));
    if behaviour == Behaviour::CreateOnly {
        return skip(
            "exists",
            "The activity exists in the destination, and the connector only creates new ones.",
        );
    }
    let older = |seen| case.item.modified_on().is_some_and(|version| version < seen);
    if here.seen.is_some_and(older) {
        return Decision::Unchanged { why: Why::Stale, destination_id: Some(there.id.clone()) };
    }
    if case.known.source_gone {
        return Decision::Unchanged { why: Why::Stale, destination_id: Some(there.id.clone()) };
    }
    // When it happened can't be changed (AD/update-activity).
    let mut fields = decide::since(case, here, there);
    fields.retain(|change| change.to != TIME);
    if fields.is_empty() {
        return Decision::Unchanged {
            why: Why::SameAsSynced,
            destination_id: Some(there.id.clone()),
        };
    }
    if !case.known.fresh
        && decide::may_be_old(case.item.modified_on(), here)
        && let (Some(lead_id), Some(event)) = (case.item.lead_id(), case.item.event())
    {
        return Decision::ReadActivity { lead_id: lead_id.to_owned(), event };
    }
    Decision::UpdateActivity { activity_id: there.id.clone(), event, fields }
}

/// The lead in the destination, or what to do to get at it.
fn lead(case: &Case<'_>) -> Result<String, Decision> {
    let known = case.known;
    if let Some(id) = &known.lead_id {
        return Ok(id.clone());
    }
    if let Some(link) = case.link.filter(|_| !known.twin_gone) {
        return Ok(link.end(link.pair.side(case.destination)).id.clone());
    }
    if let Some(decision) = decide::late(case, false) {
        return Err(decision);
    }
    match decide::matched(case) {
        Match::Not(decision) => return Err(decision),
        Match::Lead(lead) => {
            if let Some(id) = lead.filled("ProspectID") {
                return Ok(id.to_owned());
            }
        }
        Match::Nobody => {}
    }
    let keys = identity::keys(&case.connector.basic, case.mapped);
    if keys.is_empty() && !known.fresh {
        // The payload shows too little of the lead: native webhooks show none of it.
        if let Some(lead_id) = case.item.lead_id() {
            return Err(Decision::ReadSource { lead_id: lead_id.to_owned() });
        }
    }
    let creates =
        matches!(case.connector.lead.behaviour, Behaviour::CreateAndUpdate | Behaviour::CreateOnly);
    if creates && case.mapped.problems.is_empty() {
        return Err(decide::unlinked(case, case.connector.lead.behaviour));
    }
    match keys.get(known.keys_tried) {
        Some(key) => Err(Decision::Look { by: Sought::Key(key.clone()) }),
        None if keys.is_empty() => Err(Decision::Refuse { problems: vec![decide::no_key(case)] }),
        None if !creates => Err(skip(
            "lead_not_found",
            "The activity's lead is not in the destination, and the connector does not create \
             leads.",
        )),
        None => Err(Decision::Refuse { problems: case.mapped.problems.clone() }),
    }
}

fn unlinked(case: &Case<'_>, event: u32, lead_id: String) -> Decision {
    let fields = decide::all(case);
    if case.known.doubtful {
        match &case.known.activities {
            None => return Decision::LookActivity { lead_id, event },
            Some(found) => {
                let twin = found.iter().find(|there| is_what_we_wrote(case, &fields, there));
                if let Some(id) = twin.and_then(|twin| twin.filled("ProspectActivityId")) {
                    let destination_id = Some(id.to_owned());
                    return Decision::Unchanged { why: Why::SameInDestination, destination_id };
                }
            }
        }
    }
    Decision::CreateActivity { lead_id, event, fields: with_defaults(case, fields) }
}

fn with_defaults(case: &Case<'_>, mut fields: Vec<Change>) -> Vec<Change> {
    fields.extend(decide::defaults(case, |_| None));
    fields
}

/// Whether an activity of the destination's lead is the one that a lost answer was about: it holds
/// every value that was written, its time among them. Accounts have no better mark: none of their
/// pages names a key or a detection of doubles for activities.
fn is_what_we_wrote(case: &Case<'_>, fields: &[Change], there: &Snapshot) -> bool {
    let reading = case.mapping.reading();
    let mut shown = fields.iter().filter_map(|change| Some((change, there.get(&change.to)?)));
    let says_when = !fields.iter().any(|change| change.to == TIME) || there.get(TIME).is_some();
    // Reads need not show everything that can be written.
    says_when
        && shown.clone().next().is_some()
        && shown.all(|(change, held)| value::holds(change.kind, &change.value, held, reading))
}

/// The activity of this id among those that were read of its lead, as a record.
pub fn read(id: &str, lead_id: &str, event: u32, found: &[Snapshot]) -> Option<Item> {
    let own = found.iter().find(|one| one.get("ProspectActivityId") == Some(id))?;
    let mut state = own.clone();
    state.put("RelatedProspectId", lead_id);
    state.put("ActivityEvent", event.to_string());
    Some(Item::from_state(Entity::Activity, &state))
}

/// An activity as reads of an account show it, under the names that mappings use.
pub fn shown(
    id: &str,
    note: Option<&str>,
    (happened, modified): (Option<&str>, Option<&str>),
    values: impl IntoIterator<Item = (String, String)>,
) -> Snapshot {
    let mut shown: Snapshot = values.into_iter().collect();
    shown.put("ProspectActivityId", id);
    if let Some(note) = note {
        shown.put(NOTE, note);
    }
    let at = happened.and_then(|text| moment::instant(text, &jiff::tz::TimeZone::UTC));
    if let Some(at) = at {
        shown.put(TIME, moment::to_wire(at));
    }
    if let Some(modified) = modified {
        shown.put("ModifiedOn", modified);
    }
    shown
}

fn skip(code: &str, message: &str) -> Decision {
    Decision::Skip {
        problem: Problem::new(
            code,
            message,
            "Change the connector's behaviours if that is not meant.",
        ),
    }
}

#[cfg(test)]
mod tests;

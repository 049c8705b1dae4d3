//! What to do about an activity.
//!
//! First its lead is found in the destination, or created there if the connector may; then the
//! activity is created or updated. It is decided from state, as a lead is: the link of an activity
//! keeps what both sides held when they last agreed, so a webhook that comes twice, or as the echo
//! of our own write, ends as unchanged.

use super::call::{ActivityUpdate, Call, NewActivity, ReadActivities};
use super::case::{Case, Context};
use super::decision::Decision;
use super::explanation::Why;
use super::matching::{Match, matched};
use super::record::Work;
use super::{change, lead, problems};
use crate::activity::{TIME, Unmapped};
use crate::change::Change;
use crate::connector::{Behaviour, Definition};
use crate::id::{ActivityId, LeadId};
use crate::link::Link;
use crate::outcome::Party;
use crate::problem::{Code, Problem};
use crate::snapshot::Snapshot;
use crate::value;

/// Why an activity of this connector is left alone whatever it says, if so.
pub fn switched_off(connector: &Definition) -> Option<Problem> {
    let off = !connector.activity.enabled || connector.activity.behaviour == Behaviour::DoNothing;
    off.then(|| {
        Problem::new(
            Code::ActivitiesOff,
            "The connector does not sync activities.",
            "Set activity.enabled = true in the connector if they should be synced.",
        )
    })
}

/// Decides what to do about an activity.
pub(super) fn decide(work: &Work, context: &Context<'_>) -> Decision {
    if let Some(problem) = switched_off(context.connector) {
        return Decision::Skip(problem);
    }
    let kind = match context.activities.of(&work.own.item) {
        Ok(kind) => kind,
        Err(Unmapped::Skipped(problem)) => return Decision::Skip(problem),
        Err(Unmapped::Refused(problem)) => return Decision::Refuse(vec![problem]),
    };
    let case = work.activity_case(kind, context);
    if !case.mapped.problems.is_empty() {
        return Decision::Refuse(case.mapped.problems.clone());
    }
    let behaviour = case.connector.activity.behaviour;
    match case.link {
        Some(link) if !case.known.twin.gone => linked(&case, link, kind.to, behaviour),
        _ if behaviour == Behaviour::UpdateOnly => Decision::Skip(Problem::new(
            Code::NotFound,
            "The activity was not synced before, and the connector only updates existing ones.",
            CHANGE_BEHAVIOUR,
        )),
        _ => match find_lead(&work.lead_case(context)) {
            Ok(lead_id) => unlinked(&case, kind.to, lead_id),
            Err(decision) => decision,
        },
    }
}

fn linked(case: &Case<'_>, link: &Link, event: u32, behaviour: Behaviour) -> Decision {
    let (here, there) = case.ends(link);
    if behaviour == Behaviour::CreateOnly {
        return Decision::Skip(Problem::new(
            Code::Exists,
            "The activity exists in the destination, and the connector only creates new ones.",
            CHANGE_BEHAVIOUR,
        ));
    }
    let unchanged = |why| Decision::Unchanged(why, Some(there.id.clone()));
    let version = case.item.modified_on();
    let is_older = version.zip(here.seen).is_some_and(|(this, seen)| this < seen);
    if is_older || case.known.source.gone {
        return unchanged(Why::Stale);
    }
    // When it happened can't be changed (AD/update-activity).
    let mut fields = change::since(case, here, there);
    fields.retain(|change| change.to != TIME);
    if fields.is_empty() {
        return unchanged(Why::SameAsSynced);
    }
    if !case.known.source.fresh
        && (case.known.is_from_before || here.may_be_stale(version))
        && let (Some(lead_id), Some(event)) = (case.item.lead_id(), case.item.event())
    {
        let party = Party::Source;
        return Decision::Call(Call::ReadActivities(ReadActivities { party, lead_id, event }));
    }
    let activity_id = ActivityId::new(&there.id);
    Decision::Call(Call::UpdateActivity(ActivityUpdate { activity_id, event, fields }))
}

/// The lead in the destination, or what to do to get at it.
fn find_lead(case: &Case<'_>) -> Result<LeadId, Decision> {
    let known = case.known;
    if let Some(id) = &known.twin.lead_id {
        return Ok(id.clone());
    }
    if let Some(link) = case.link.filter(|_| !known.twin.gone) {
        return Ok(LeadId::new(&case.ends(link).1.id));
    }
    if let Some(decision) = lead::late(case, false) {
        return Err(decision);
    }
    match matched(case) {
        Match::Not(decision) => return Err(decision),
        Match::Lead(lead) => {
            if let Some(id) = lead.lead_id() {
                return if lead::was_made_for(case, lead) {
                    Err(Decision::Adopt(id))
                } else {
                    Ok(id)
                };
            }
        }
        Match::Nobody => {}
    }
    let keys = case.keys();
    if keys.is_empty() && !known.source.fresh {
        // The payload shows too little of the lead: native webhooks show none of it.
        if let Some(lead_id) = case.item.lead_id() {
            return Err(Decision::read_source(lead_id));
        }
    }
    let behaviour = case.connector.lead.behaviour;
    let creates = matches!(behaviour, Behaviour::CreateAndUpdate | Behaviour::CreateOnly);
    if creates && case.mapped.problems.is_empty() {
        return Err(lead::unlinked(case, behaviour));
    }
    match keys.get(known.search.keys_tried) {
        Some(key) => Err(Decision::find(key)),
        None if keys.is_empty() => Err(Decision::Refuse(vec![problems::no_key(case)])),
        None if !creates => Err(Decision::Skip(Problem::new(
            Code::LeadNotFound,
            "The activity's lead is not in the destination, and the connector does not create \
             leads.",
            CHANGE_BEHAVIOUR,
        ))),
        None => Err(Decision::Refuse(case.mapped.problems.clone())),
    }
}

fn unlinked(case: &Case<'_>, event: u32, lead_id: LeadId) -> Decision {
    let mut fields = change::all(case);
    if case.known.doubtful {
        match &case.known.twin.activities {
            None => {
                let party = Party::Destination;
                let read = ReadActivities { party, lead_id, event };
                return Decision::Call(Call::ReadActivities(read));
            }
            Some(found) => {
                let twin = found.iter().find(|there| is_what_we_wrote(case, &fields, there));
                if let Some(id) = twin.and_then(Snapshot::activity_id) {
                    return Decision::Unchanged(Why::SameInDestination, Some(id.into()));
                }
            }
        }
    }
    fields.extend(change::defaults(case, |_| None));
    Decision::Call(Call::CreateActivity(NewActivity { lead_id, event, fields }))
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

const CHANGE_BEHAVIOUR: &str = "Change the connector's behaviours if that is not intended.";

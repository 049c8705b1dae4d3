//! What to do about an activity.
//!
//! First its lead is found in the destination, or created there if the connector may; then the
//! activity is created or updated. The decision is based on state, as for a lead: the link of an
//! activity stores what both sides had when they last agreed, so a webhook that arrives twice, or
//! as the echo of our own write, ends as unchanged. If that link may be missing, it first checks
//! whether the activity exists.

use super::call::{ActivityUpdate, Call, NewActivity, ReadActivities};
use super::case::{Case, Context};
use super::decision::Decision;
use super::explanation::Why;
use super::matching::{Match, matched};
use super::pages::Activities;
use super::record::Work;
use super::{change, filtered, lead, problems, unlinked};
use std::cmp::Ordering;

use jiff::Timestamp;

use crate::activity::{self, TIME, Unmapped, happened, second_of};
use crate::change::Change;
use crate::connector::{Behaviour, Definition};
use crate::id::{ActivityId, LeadId};
use crate::link::Link;
use crate::moment;
use crate::outcome::Party;
use crate::problem::{Code, Problem};
use crate::snapshot::Snapshot;
use crate::value;

/// Why any activity of this connector is left alone, if so.
pub fn switched_off(connector: &Definition) -> Option<Problem> {
    let off = !connector.activity.enabled || connector.activity.behaviour == Behaviour::DoNothing;
    off.then(|| {
        Problem::new(
            Code::ActivitiesOff,
            "The connector does not sync activities.",
            "To sync them, turn on Post activities under Entity options.",
        )
    })
}

/// Decides what to do about an activity.
pub(super) fn decide(work: &Work, context: &Context<'_>) -> Decision {
    let switched_off = switched_off(context.connector).filter(|_| !work.own.item.is_opportunity());
    if let Some(problem) = switched_off {
        return Decision::Skip(problem);
    }
    let kind = match context.activities.of(&work.own.item) {
        Ok(kind) => kind,
        Err(Unmapped::Skipped(problem)) => return Decision::Skip(problem),
        Err(Unmapped::Refused(problem)) => return Decision::Refuse(vec![problem]),
    };
    if work.own.item.activity_id().is_none() {
        return Decision::Refuse(vec![problems::no_activity_id()]);
    }
    if let Some(decision) = filtered::activity_of(&work.lead_case(context)) {
        return decision;
    }
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
        _ => {
            let lead = work.lead_case(context);
            match find_lead(&lead) {
                Ok(lead_id) => unlinked(&case, &lead, kind.to, lead_id),
                Err(decision) => decision,
            }
        }
    }
}

fn linked(case: &Case<'_>, link: &Link, event: u32, behaviour: Behaviour) -> Decision {
    let (here, there) = case.ends(link);
    if behaviour == Behaviour::CreateOnly {
        return Decision::Skip(Problem::new(
            Code::Exists,
            "The activity already exists in the destination, and the connector only creates new \
             ones.",
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
        && (case.known.is_from_before || case.may_be_stale(here))
        && let Some(read) = read_source(case)
    {
        return read;
    }
    let activity_id = ActivityId::new(&there.id);
    Decision::Call(Call::UpdateActivity(ActivityUpdate { activity_id, event, fields }))
}

/// The lead in the destination, or what to do to find it.
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
                return if unlinked::was_made_for(case, lead) {
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
    if keys.is_empty() && case.item.lead_id().is_none() {
        return Err(Decision::Refuse(vec![problems::no_lead()]));
    }
    let behaviour = case.connector.lead.behaviour;
    let creates = matches!(behaviour, Behaviour::CreateAndUpdate | Behaviour::CreateOnly);
    if creates && case.mapped.problems.is_empty() {
        return Err(unlinked::unlinked(case, behaviour));
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

/// Reads the record itself again, and its siblings, from its lead in the source.
fn read_source(case: &Case<'_>) -> Option<Decision> {
    let (lead_id, event) = (case.item.lead_id()?, case.item.event()?);
    Some(read(case, Party::Source, lead_id, event))
}

fn read(case: &Case<'_>, party: Party, lead_id: LeadId, event: u32) -> Decision {
    let page = case.known.pages.next();
    Decision::Call(Call::ReadActivities(ReadActivities { party, lead_id, event, page }))
}

/// An activity that is not linked. It may exist in the destination anyway: a write got no response,
/// or its link was lost or deleted. So it is searched for first, unless it is known not to exist.
fn unlinked(case: &Case<'_>, lead: &Case<'_>, event: u32, lead_id: LeadId) -> Decision {
    let known = case.known;
    let mut fields = change::all(case);
    let time = fields.iter().find(|change| change.to == TIME);
    let second = time.and_then(|time| second_of(&time.value));
    match &known.twin.activities {
        None if known.doubtful || may_be_there(lead, &lead_id, event, second) => {
            return read(case, Party::Destination, lead_id, event);
        }
        None => {}
        Some(there) => {
            if let Some(decision) = found(case, (lead, &lead_id), there, &fields, (event, second)) {
                return decision;
            }
        }
    }
    fields.extend(change::defaults(case, |_| None));
    Decision::Call(Call::CreateActivity(NewActivity { lead_id, event, fields }))
}

/// Whether an activity of this type that happened in this second may already exist on a lead of the
/// destination, by what is known about that lead's past.
fn may_be_there(lead: &Case<'_>, lead_id: &LeadId, event: u32, second: Option<i64>) -> bool {
    let end = lead.link.map(|link| lead.ends(link).1);
    let end = end.filter(|end| end.id == lead_id.as_str());
    end.is_none_or(|end| end.past.may_hold(event, second, lead.unbroken))
}

/// What to do about an activity that is among those of the destination's lead; `None` if it is not.
///
/// It is the same if type, second and fields are. One in the same second with some equal fields was
/// the same before one of the two was edited, unless it is another activity of the source; the last
/// edit wins. If all fields differ, or there are several, it can't be decided.
fn found(
    case: &Case<'_>,
    (lead, lead_id): (&Case<'_>, &LeadId),
    there: &Activities,
    sent: &[Change],
    (event, second): (u32, Option<i64>),
) -> Option<Decision> {
    let known = case.known;
    let why = if known.doubtful { Why::MadeBefore } else { Why::SameInDestination };
    let is_told_apart = known.doubtful || second.is_some();
    let twin = there.found.iter().find(|one| is_told_apart && is_what_we_wrote(case, sent, one));
    if let Some(id) = twin.and_then(Snapshot::activity_id) {
        return Some(Decision::Unchanged(why, Some(id.into())));
    }
    if there.is_cut {
        return Some(Decision::Refuse(vec![problems::too_many_activities(Party::Destination)]));
    }
    let of_second = |one: &&Snapshot| second.is_some() && happened(one) == second;
    let mut left: Vec<&Snapshot> = there.found.iter().filter(of_second).collect();
    if left.is_empty() || !may_be_there(lead, lead_id, event, second) {
        return None;
    }
    // The payload may be old, and the existing one may belong to another activity of the source.
    let Some(siblings) = &known.siblings else { return read_source(case) };
    let here = case.item.modified_on();
    left.retain(|one| {
        (may_be_edited(here, second) || may_be_edited(modified(one), second))
            && !is_of_another(case, siblings, one)
    });
    match left.as_slice() {
        [] => None,
        [one] => {
            let activity_id = one.activity_id()?;
            let differs = |change: &&Change| change.to != TIME && !holds(case, change, one);
            let fields: Vec<Change> = sent.iter().filter(differs).cloned().collect();
            // An edit leaves something unchanged.
            let is_alike = sent.iter().any(|change| {
                let told = |held: &str| !held.trim().is_empty() && holds(case, change, one);
                change.to != TIME && one.get(&change.to).is_some_and(told)
            });
            if !is_alike {
                return Some(Decision::Refuse(vec![problems::activity_unclear(1)]));
            }
            let creates_only = case.connector.activity.behaviour == Behaviour::CreateOnly;
            match here.map(Timestamp::as_second).cmp(&modified(one).map(Timestamp::as_second)) {
                _ if fields.is_empty() || creates_only => {
                    return Some(Decision::Unchanged(why, Some(activity_id.into())));
                }
                Ordering::Less => {
                    return Some(Decision::Unchanged(Why::Newer, Some(activity_id.into())));
                }
                Ordering::Equal if lead.opposite.is_some() => {
                    return Some(Decision::Refuse(vec![problems::activity_unclear(1)]));
                }
                Ordering::Equal | Ordering::Greater => {}
            }
            let update = ActivityUpdate { activity_id, event, fields };
            Some(Decision::Call(Call::UpdateActivity(update)))
        }
        several => Some(Decision::Refuse(vec![problems::activity_unclear(several.len())])),
    }
}

/// Whether an activity may have been changed since it was added.
fn may_be_edited(modified: Option<Timestamp>, second: Option<i64>) -> bool {
    // The two times are written by the same clock, one after the other.
    modified.zip(second).is_none_or(|(modified, second)| modified.as_second() > second + 1)
}

/// When an activity of the destination was last changed.
fn modified(there: &Snapshot) -> Option<Timestamp> {
    moment::instant(there.filled("ModifiedOn")?, &jiff::tz::TimeZone::UTC)
}

/// Whether an activity of the destination matches what another one of these from the source sends.
fn is_of_another(case: &Case<'_>, siblings: &Activities, there: &Snapshot) -> bool {
    let own = case.item.activity_id();
    let (Some(lead_id), Some(event)) = (case.item.lead_id(), case.item.event()) else {
        return false;
    };
    let ids = siblings.found.iter().filter_map(Snapshot::activity_id);
    ids.filter(|id| Some(id) != own.as_ref()).any(|id| {
        let item = activity::read(&id, lead_id.as_str(), event, &siblings.found);
        let sent = item.map(|item| case.mapping.apply(&item));
        let fields: Vec<Change> = sent
            .iter()
            .flat_map(|sent| &sent.fields)
            .filter_map(|field| Some(Change::new(&field.to, field.kind, field.sent.written()?)))
            .collect();
        is_what_we_wrote(case, &fields, there)
    })
}

/// Whether these fields were written to an activity of the destination's lead: it has every value,
/// including the time. There is no better criterion: no page mentions a key or a duplicate
/// detection for activities.
fn is_what_we_wrote(case: &Case<'_>, fields: &[Change], there: &Snapshot) -> bool {
    let says_when = !fields.iter().any(|change| change.to == TIME) || there.get(TIME).is_some();
    let mut shown = fields.iter().filter(|change| there.get(&change.to).is_some());
    says_when && shown.clone().next().is_some() && shown.all(|change| holds(case, change, there))
}

/// Whether an activity of the destination has this value. Reads need not show everything that can
/// be written.
fn holds(case: &Case<'_>, change: &Change, there: &Snapshot) -> bool {
    let held = there.get(&change.to);
    held.is_none_or(|held| value::holds(change.kind, &change.value, held, case.mapping.reading()))
}

const CHANGE_BEHAVIOUR: &str = "If this is not intended, change the sync behaviour under Entity \
                                options.";

//! What the log stores about a record's decisions.

use std::collections::BTreeMap;

use crate::change::Change;
use crate::id::LeadId;
use crate::identity::Key;
use crate::mapping::Mapped;
use crate::outcome::Party;
use crate::review::Dispute;

use super::call::{Call, Capture, LeadUpdate, NewActivity, ReadActivities, ReadLead, Which};
use super::case::Context;
use super::decision::Decision;
use super::explanation::{By, Explanation, KeyShown, Origin, Plan, PlanKind, Remark};
use super::merge;
use super::record::Work;

const TAKEN: &str = "another lead in the destination already has this value, which must be \
                     unique, so it was left out";
/// The remark on a value that contains U+FFFD.
const BROKEN: &str = "a character in it was already broken in the payload, and appears as \u{fffd} \
                      in the destination";

/// The remark on a lead without an id.
const NAMELESS: &str = "the webhook does not name the source lead, so the two leads are not \
                        linked, and later changes are matched by the search keys again";

impl Work {
    /// Stores a decision for the log: the first write is the plan, a write back follows it, and a
    /// final decision that nothing is left to do isn't worth logging.
    pub(super) fn note(&mut self, context: &Context<'_>, decision: &Decision) {
        // Before the lead is linked to the adopted one, this looks like their first link.
        let disputes = match decision {
            Decision::Adopt(_) => Vec::new(),
            _ => merge::disputes(&self.lead_case(context)),
        };
        if !disputes.is_empty() {
            // What was settled by a write is no longer in dispute, but stays listed.
            let is_settled = |old: &Dispute| {
                self.achieved.is_some() && disputes.iter().all(|new| new.field != old.field)
            };
            self.disputes.retain(is_settled);
            self.disputes.extend(disputes);
        }
        let plan = Plan::of(decision);
        match (decision, self.achieved) {
            (Decision::Unchanged(..) | Decision::Call(Call::ReadLead(_)), Some(_)) => {}
            (Decision::Call(call @ Call::UpdateLead(_)), Some(_))
                if call.party() == Party::Source =>
            {
                self.then = Some(plan);
            }
            // The call that created the lead left these out.
            (Decision::Call(Call::UpdateLead(update)), Some(_))
                if self.subject().known.twin.withheld.is_some() =>
            {
                let made = self.plan.get_or_insert(plan);
                let fields = update.fields.iter().cloned();
                made.fields.extend(
                    fields.filter(|field| !made.fields.contains(field)).collect::<Vec<_>>(),
                );
            }
            _ => self.plan = Some(plan),
        }
    }

    /// What was decided and why, for the log; `None` before anything was.
    pub fn explanation(&self) -> Option<Explanation> {
        let plan = self.plan.clone()?;
        let own = self.own.mapped.as_ref().map(|(_, mapped)| &**mapped);
        let fields = own.into_iter().flat_map(|mapped| &mapped.fields);
        let remarks = fields.filter_map(|field| {
            let is_broken = field.sent.value().is_some_and(|value| value.contains('\u{fffd}'));
            let broken = is_broken.then(|| BROKEN.to_owned());
            let remark = field.remark.clone().or(broken)?;
            Some(Remark { field: field.to.clone(), remark })
        });
        let taken = self.subject().known.search.left_to_others.iter();
        let taken = taken.map(|field| Remark { field: field.clone(), remark: TAKEN.to_owned() });
        let writes = matches!(plan.kind, PlanKind::Capture | PlanKind::Create | PlanKind::Update);
        let is_nameless = writes && self.lead.is_none() && self.lead_id().is_none();
        let nameless = is_nameless
            .then(|| Remark { field: "ProspectID".to_owned(), remark: NAMELESS.to_owned() });
        let remarks = nameless.into_iter().chain(taken).chain(remarks).collect();
        let of_activity = matches!(plan.kind, PlanKind::CreateActivity | PlanKind::UpdateActivity);
        let subject = if of_activity { &self.own } else { self.subject() };
        let mapped = subject.mapped.as_ref().map(|(_, mapped)| &**mapped);
        let doubtful = "An earlier write got no response, so the destination was read first.";
        Some(Explanation {
            origins: origins(&plan, mapped),
            why: plan.why.map(|why| why.sentence().to_owned()),
            plan: Some(plan),
            then: self.then.clone(),
            disputes: self.disputes.clone(),
            left_out: own.map(|mapped| mapped.left_out.clone()).unwrap_or_default(),
            remarks,
            looked_because: self.is_doubtful().then(|| doubtful.to_owned()),
        })
    }
}

impl Plan {
    pub(super) fn of(decision: &Decision) -> Self {
        let plain = Self::new;
        match decision {
            Decision::Refuse(problems) => {
                Self { problems: problems.clone(), ..plain(PlanKind::Refuse) }
            }
            Decision::Skip(problem) | Decision::LeaveOut(problem) => {
                Self { problems: vec![problem.clone()], ..plain(PlanKind::Skip) }
            }
            Decision::Unchanged(why, id) => {
                Self { why: Some(*why), destination_id: id.clone(), ..plain(PlanKind::Unchanged) }
            }
            Decision::Adopt(lead_id) => {
                Self { lead_id: Some(lead_id.clone()), ..plain(PlanKind::Adopt) }
            }
            Decision::Ask(review) => {
                Self { problems: vec![review.problem()], ..plain(PlanKind::Review) }
            }
            Decision::Freeze(tripped) => {
                Self { problems: vec![super::freezing::war(tripped)], ..plain(PlanKind::Freeze) }
            }
            Decision::Call(call) => Self::of_call(call),
        }
    }

    fn of_call(call: &Call) -> Self {
        let of_lead =
            |kind, lead_id: &LeadId| Self { lead_id: Some(lead_id.clone()), ..Self::new(kind) };
        match call {
            Call::ReadLead(ReadLead { which, lead_id }) => {
                let kind = match which {
                    Which::Own => PlanKind::ReadSource,
                    Which::Other => PlanKind::ReadOther,
                    Which::Twin | Which::Listed => PlanKind::Look,
                };
                of_lead(kind, lead_id)
            }
            Call::FindLead(key) => {
                Self { key: Some(KeyShown::of(key)), ..Self::new(PlanKind::Look) }
            }
            Call::Capture(Capture { key, fields, on_create, update, .. }) => Self {
                key: Some(KeyShown::of(key)),
                fields: fields.clone(),
                on_create: on_create.clone(),
                update: Some(*update),
                ..Self::new(PlanKind::Capture)
            },
            Call::CreateLead(new) => {
                Self { fields: new.fields.clone(), ..Self::new(PlanKind::Create) }
            }
            Call::UpdateLead(LeadUpdate { party, lead_id, fields, .. }) => {
                let kind = match party {
                    Party::Source => PlanKind::UpdateSource,
                    Party::Destination => PlanKind::Update,
                };
                Self { fields: fields.clone(), ..of_lead(kind, lead_id) }
            }
            Call::ReadActivities(ReadActivities { party, lead_id, .. }) => {
                let kind = match party {
                    Party::Source => PlanKind::ReadActivity,
                    Party::Destination => PlanKind::LookActivity,
                };
                of_lead(kind, lead_id)
            }
            Call::CreateActivity(NewActivity { lead_id, fields, .. }) => {
                Self { fields: fields.clone(), ..of_lead(PlanKind::CreateActivity, lead_id) }
            }
            Call::UpdateActivity(update) => Self {
                fields: update.fields.clone(),
                activity_id: Some(update.activity_id.clone()),
                ..Self::new(PlanKind::UpdateActivity)
            },
        }
    }
}

impl KeyShown {
    fn of(key: &Key) -> Self {
        Self { field: key.field.clone(), value: key.value.clone() }
    }
}

/// Where the written values come from: by field of the destination, the source's field or another
/// origin. A source field of the same name is omitted.
fn origins(plan: &Plan, mapped: Option<&Mapped>) -> Option<BTreeMap<String, Origin>> {
    let writes = matches!(
        plan.kind,
        PlanKind::Capture
            | PlanKind::Create
            | PlanKind::Update
            | PlanKind::UpdateSource
            | PlanKind::CreateActivity
            | PlanKind::UpdateActivity
    );
    if !writes {
        return None;
    }
    let origin = |change: &Change| {
        let Some(field) = mapped.and_then(|mapped| mapped.get(&change.to)) else {
            return Some(Origin::By(By::LeadSource));
        };
        match &field.from {
            _ if field.sent.written() != Some(&change.value) => Some(Origin::By(By::Default)),
            None => Some(Origin::By(By::Computed)),
            Some(from) => (*from != field.to).then(|| Origin::From(from.clone())),
        }
    };
    let fields = plan.fields.iter().chain(&plan.on_create);
    Some(fields.filter_map(|change| Some((change.to.clone(), origin(change)?))).collect())
}

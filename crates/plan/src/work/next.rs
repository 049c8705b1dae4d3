//! What comes next for a record.

use jiff::SignedDuration;

use crate::probe;
use crate::problem::{Code, Problem};
use crate::review::Review;

use super::call::Call;
use super::case::{Case, Context};
use super::decision::Decision;
use super::explanation::Why;
use super::outcome::{Effect, Ending, Outcome};
use super::record::{Metadata, Work};
use super::{activity, filtered, freezing, lead, meeting, merge, problems, settle};
use crate::outcome::{Entity, Event, Party};
use crate::retry;

/// The most calls that one attempt makes: more would mean a bug, here or in the account.
const MOST_CALLS: usize = 16;
/// How long a field that goes back and forth is left alone.
const FROZEN: SignedDuration = SignedDuration::from_hours(24);

/// Metadata read this recently counts as new: many records may ask at once.
const OF_A_MOMENT: SignedDuration = SignedDuration::from_secs(20);
/// Metadata for which a field is left out is read again after this: what is missing may have been
/// added, but each reading costs calls.
const OF_A_WHILE: SignedDuration = SignedDuration::from_mins(10);

/// What comes next, and what to store first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    /// What to store first.
    pub effects: Vec<Effect>,
    /// What comes next.
    pub step: Step,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make this call, and pass on the result.
    Call(Call),
    /// The attempt is over.
    End(Outcome),
    /// Ask a person; the attempt is over, and failed with [`Review::problem`].
    Ask(Box<Review>),
    /// Read the metadata of both accounts again where it is older than this; then ask for the next
    /// step. This happens once per attempt.
    NeedsMetadata {
        /// Metadata read since then is good enough.
        older_than: SignedDuration,
    },
}

impl Work {
    /// What comes next.
    pub fn next(&mut self, context: &Context<'_>) -> Next {
        let mut effects = Vec::new();
        let step = self.step(context, &mut effects);
        Next { effects, step }
    }

    fn step(&mut self, context: &Context<'_>, effects: &mut Vec<Effect>) -> Step {
        if self.calls >= MOST_CALLS {
            return Step::End(Outcome::again(too_many_calls(), true));
        }
        if self.metadata == Metadata::Wanted {
            self.metadata = Metadata::Fresh;
            return Step::NeedsMetadata { older_than: OF_A_MOMENT };
        }
        self.map(context);
        if self.metadata == Metadata::AsKnown && self.lacks_by_metadata() {
            self.metadata = Metadata::Fresh;
            return Step::NeedsMetadata { older_than: OF_A_WHILE };
        }
        let mut decision = self.decide(context);
        if let Decision::Adopt(lead_id) = &decision {
            let lead_id = lead_id.clone();
            self.note(context, &decision);
            effects.extend(self.adopt(context, &lead_id));
            decision = self.decide(context);
        }
        self.note(context, &decision);
        match decision {
            Decision::Call(call) => Step::Call(call),
            Decision::Ask(review) => {
                effects.extend(self.settle_lead(context, meeting::dispute));
                Step::Ask(review)
            }
            Decision::Skip(problem) => Step::End(Outcome::skipped(problem)),
            Decision::LeaveOut(problem) => {
                effects.extend(self.settle_lead(context, filtered::leave));
                Step::End(Outcome::skipped(problem))
            }
            Decision::Refuse(problems) => {
                let is_curable = problems.iter().any(|problem| problem.code.is_about_metadata());
                if is_curable && self.metadata != Metadata::Fresh {
                    self.metadata = Metadata::Fresh;
                    return Step::NeedsMetadata { older_than: OF_A_MOMENT };
                }
                let are_all = |code| problems.iter().all(|problem| problem.code == code);
                let most = if are_all(Code::Duplicate) {
                    // Every key was refused: the other lead may be about to lose the value.
                    Some(retry::OF_NEW_DUPLICATE)
                } else {
                    // What was found may be a lead that an earlier attempt created without our knowing.
                    // Once the record is given up, that one looks like a stranger's.
                    are_all(Code::UnreadableAnswer).then_some(retry::MOST)
                };
                let mut outcome = Outcome::refused(problems);
                if let Some(most) = most {
                    let doubtful = self.own.known.doubtful;
                    outcome.ending = Ending::Again { doubtful, most };
                }
                Step::End(outcome)
            }
            Decision::Unchanged(why, id) => {
                let event = if why == Why::MadeBefore { Event::New } else { Event::Unchanged };
                let outcome = Outcome::ended(self.achieved.unwrap_or(event));
                let Some(id) = id else { return Step::End(outcome) };
                if why != Why::Stale {
                    let settle = |case: &Case<'_>| settle::settle(case, &id, &[], None);
                    effects.extend(self.settle_own(context, settle));
                }
                Step::End(outcome.of(id))
            }
            Decision::Freeze(tripped) => {
                let until = context.now + FROZEN;
                let freeze = |case: &Case<'_>| {
                    case.link.map(|link| freezing::freeze(link, case, &tripped, until))
                };
                effects.extend(self.settle_lead(context, freeze));
                Step::End(Outcome::failed(freezing::war(&tripped)))
            }
            // The lead is linked to the adopted one, so that it is not adopted again.
            Decision::Adopt(lead_id) => Step::End(Outcome::again(adopted_twice(&lead_id), true)),
        }
    }

    /// Whether its lead is linked, and the source has what was last synced, or something older. Empty
    /// fields that the two have not agreed about do not count.
    pub fn holds_what_was_synced(&mut self, context: &Context<'_>) -> bool {
        self.map(context);
        let case = self.lead_case(context);
        let Some(link) = case.link.filter(|_| self.entity() == Entity::Lead) else { return false };
        let (here, there) = case.ends(link);
        let version = case.item.modified_on();
        let is_older = version.zip(here.seen).is_some_and(|(this, seen)| this < seen);
        let is_clear = here.pending.is_empty() && there.pending.is_empty();
        is_older || is_clear && !merge::has_moved(&case, here, there)
    }

    /// Decides by what is known now.
    fn decide(&self, context: &Context<'_>) -> Decision {
        let subjects = [Some(&self.own), self.lead.as_deref()];
        if subjects.into_iter().flatten().any(|subject| probe::is_test_lead(&subject.item)) {
            return Decision::Skip(problems::test_lead());
        }
        match self.entity() {
            Entity::Lead => lead::decide(&self.lead_case(context)),
            Entity::Activity => activity::decide(self, context),
        }
    }

    /// Links the lead to the one created by an attempt whose response was lost.
    fn adopt(&mut self, context: &Context<'_>, lead_id: &crate::id::LeadId) -> Option<Effect> {
        let now = context.now;
        let adopted = self.settle_lead(context, |case| settle::adopt(case, lead_id, now));
        self.subject_mut().known.twin.gone = false;
        if self.lead.is_none() {
            self.achieved.get_or_insert(Event::New);
        }
        adopted
    }

    /// Whether the call carries only this record, rather than many of a backlog.
    pub fn goes_alone(&self, call: &Call, context: &Context<'_>) -> bool {
        self.is_alone || call.writes_a_set() || call.writes() && context.fires(call.party())
    }

    /// The call is about to be sent. What it will write to a lead of a pair, or to an activity, is
    /// stored first: whatever happens to the call, the value is known to be ours when it appears,
    /// and an activity that may have it is written again.
    pub fn sending(&mut self, call: &Call, context: &Context<'_>) -> Vec<Effect> {
        self.calls += 1;
        if let Call::UpdateActivity(update) = call {
            let announced =
                self.settle_own(context, |case| settle::announce_activity(case, &update.fields));
            return announced.into_iter().collect();
        }
        if self.entity() != Entity::Lead {
            return Vec::new();
        }
        let is_linked = self.own.link.is_some();
        let fields: Vec<_> = call.fields().cloned().collect();
        let announced = match call {
            Call::UpdateLead(update) => {
                let in_source = update.party == Party::Source;
                self.settle_lead(context, |case| settle::announce(case, &fields, in_source))
            }
            // It replaces one that is gone.
            Call::Capture(_) if is_linked => {
                self.settle_lead(context, |case| settle::announce_in_place(case, &fields))
            }
            _ => None,
        };
        announced.into_iter().collect()
    }

    /// Changes the link of the lead; there is nothing to store if it stays as it is.
    pub(super) fn settle_lead(
        &mut self,
        context: &Context<'_>,
        settle: impl FnOnce(&Case<'_>) -> Option<crate::link::Link>,
    ) -> Option<Effect> {
        self.map_once(context);
        let link = settle(&self.lead_case(context))?;
        let subject = self.subject_mut();
        if subject.link.as_ref() == Some(&link) {
            return None;
        }
        subject.link = Some(link.clone());
        Some(Effect::Link(Box::new(link)))
    }

    /// The same for the record itself: an activity has a link of its own.
    pub(super) fn settle_own(
        &mut self,
        context: &Context<'_>,
        settle: impl FnOnce(&Case<'_>) -> Option<crate::link::Link>,
    ) -> Option<Effect> {
        if self.lead.is_none() {
            return self.settle_lead(context, settle);
        }
        self.map_once(context);
        let kind = context.activities.of(&self.own.item).ok()?;
        let link = settle(&self.activity_case(kind, context))?;
        if self.own.link.as_ref() == Some(&link) {
            return None;
        }
        self.own.link = Some(link.clone());
        Some(Effect::Link(Box::new(link)))
    }
}

fn too_many_calls() -> Problem {
    Problem::new(
        Code::TooManyCalls,
        format!("The record was not finished after {MOST_CALLS} API calls."),
        "Check its API calls in the log: the account keeps returning something else.",
    )
}

fn adopted_twice(lead_id: &crate::id::LeadId) -> Problem {
    Problem::new(
        Code::Defect,
        format!("The lead was matched to {lead_id}, but is still not linked to it."),
        "This is a defect in leadsync: please report it. leadsync retries automatically.",
    )
}

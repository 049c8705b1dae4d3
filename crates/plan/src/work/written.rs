//! What a write that took effect means for a record.

use jiff::Timestamp;

use crate::change::Change;
use crate::connector::Behaviour;
use crate::id::{ActivityId, LeadId};
use crate::operation::Operation;
use crate::outcome::{Event, Party};

use super::call::{Call, Capture, LeadUpdate};
use super::case::{Case, Context};
use super::outcome::{Effect, Outcome};
use super::record::{Found, Work};
use super::{problems, settle, unlinked};

impl Work {
    /// A write took effect, on this lead or activity as far as the account says.
    pub(super) fn written(
        &mut self,
        context: &Context<'_>,
        call: &Call,
        by: Operation,
        id: Option<&str>,
        is_created: Option<bool>,
        at: Timestamp,
    ) -> Vec<Effect> {
        let said = id.filter(|id| !id.trim().is_empty());
        if let Some(other) = said.filter(|id| names_another(call, id)) {
            return self.wrote_another(call, other);
        }
        match (call, said) {
            (Call::UpdateLead(LeadUpdate { party: Party::Source, fields, .. }), _) => {
                self.written_back(context, fields, at)
            }
            (Call::UpdateLead(update), _) => {
                self.subject_mut().known.twin.withheld = None;
                let event = self.event_of_update(context);
                let mut effects: Vec<Effect> =
                    self.keep_lead(context, &update.lead_id, &update.fields, at);
                effects.extend(self.updated(context, update, event));
                effects
            }
            (Call::UpdateActivity(update), _) => self.activity_written(
                context,
                &update.activity_id,
                &update.fields,
                Event::Updated,
                at,
            ),
            (Call::CreateActivity(new), Some(id)) => {
                self.activity_written(context, &ActivityId::new(id), &new.fields, Event::New, at)
            }
            (Call::CreateLead(new), Some(id)) => {
                let event = if is_created == Some(false) { Event::Updated } else { Event::New };
                let made = (event == Event::New).then_some(at);
                self.lead_written(context, &new.fields, &LeadId::new(id), event, (at, made))
            }
            (Call::Capture(capture), Some(id)) => {
                self.captured(context, capture, by, &LeadId::new(id), is_created, at)
            }
            // The write was accepted, but the response does not say for which one.
            (Call::Capture(_) | Call::CreateLead(_) | Call::CreateActivity(_), None) => {
                self.look_again(call);
                Vec::new()
            }
            (Call::ReadLead(_) | Call::FindLead(_) | Call::ReadActivities(_), _) => Vec::new(),
        }
    }

    /// A write took effect without saying on what: the earlier search is repeated.
    fn look_again(&mut self, call: &Call) {
        self.doubt();
        // A bulk response that did not say it once may not say it again.
        self.is_alone = true;
        if let Call::CreateActivity(_) = call {
            self.own.known.twin.activities = None;
            return;
        }
        let known = &mut self.subject_mut().known;
        known.search.keys_tried = 0;
        known.search.several.clear();
        known.twin.lead = None;
    }

    /// An update was accepted, but the response names another lead or activity: it is unknown what
    /// was written. The target is read, and updated again if it does not have the values.
    fn wrote_another(&mut self, call: &Call, other: &str) -> Vec<Effect> {
        self.doubt();
        if self.is_alone {
            return vec![Effect::End(Outcome::again(problems::another_id(call, other), true))];
        }
        self.is_alone = true;
        self.own.known.twin.activities = None;
        let known = &mut self.subject_mut().known;
        known.twin.lead = None;
        known.source.fresh = false;
        Vec::new()
    }

    /// What the lead created by this call has yet to get after it.
    pub(crate) fn withheld_from(&self, context: &Context<'_>, call: &Call) -> Vec<Change> {
        let Call::Capture(_) = call else { return Vec::new() };
        let made_with: Vec<Change> = call.fields().cloned().collect();
        unlinked::withheld(&self.lead_case(context), &made_with)
    }

    /// A lead has the key: it was created, updated, or existed and was left alone.
    fn captured(
        &mut self,
        context: &Context<'_>,
        capture: &Capture,
        by: Operation,
        id: &LeadId,
        is_created: Option<bool>,
        at: Timestamp,
    ) -> Vec<Effect> {
        let merges = self.lead.is_none() && self.lead_case(context).merges();
        let creates_only = context.connector.lead.behaviour == Behaviour::CreateOnly;
        let (event, is_made) = match (is_created, capture.update, by) {
            // The directory did not have it: it is searched for.
            (Some(false), false, Operation::Capture) if !creates_only && self.has_hints() => {
                self.drop_hints();
                return Vec::new();
            }
            (None, false, Operation::Capture) if !creates_only && self.has_hints() => {
                self.doubt();
                self.drop_hints();
                return Vec::new();
            }
            (Some(false), false, Operation::Capture) => return self.left_alone(merges, id),
            // The existing lead is merged with, and must be known for that. It may be what this
            // call created.
            (None, false, Operation::Capture) if merges => {
                self.doubt();
                return self.left_alone(merges, id);
            }
            // A call that never updates created it.
            (Some(true), ..) | (None, _, Operation::BulkCreate) => (Event::New, true),
            (Some(false), ..) | (None, _, Operation::BulkCapture) => (Event::Updated, false),
            // An account that does not say whether it created the lead is assumed to have created
            // it.
            (None, ..) => (Event::New, false),
        };
        let fields: Vec<Change> = capture.all_fields().cloned().collect();
        // An existing lead may be linked to another one, which is looked up first.
        if !is_made && self.is_unlinked() {
            self.found = Some(Found::Captured { fields, id: id.clone(), event, at });
            return vec![Effect::FindLinks { ids: vec![id.to_string()] }];
        }
        self.lead_written(context, &fields, id, event, (at, is_made.then_some(at)))
    }

    fn drop_hints(&mut self) {
        let search = &mut self.subject_mut().known.search;
        search.hints = None;
        search.start_by_looking();
    }

    fn has_hints(&self) -> bool {
        self.subject().known.search.hints.is_some()
    }

    /// A capture found a lead that should not be changed.
    fn left_alone(&mut self, merges: bool, id: &LeadId) -> Vec<Effect> {
        if merges || self.lead.is_some() {
            self.subject_mut().known.twin.lead_id = Some(id.clone());
            return Vec::new();
        }
        vec![Effect::End(Outcome::skipped(problems::exists()).of(id.clone()))]
    }

    /// The lead in the destination was created, or updated without having been read: `at` this
    /// time, and `made` then if it certainly did not exist before.
    pub(super) fn lead_written(
        &mut self,
        context: &Context<'_>,
        fields: &[Change],
        id: &LeadId,
        event: Event,
        (at, made): (Timestamp, Option<Timestamp>),
    ) -> Vec<Effect> {
        let withheld = unlinked::withheld(&self.lead_case(context), fields);
        let is_whole = withheld.is_empty();
        if !is_whole {
            self.subject_mut().known.twin.withheld = Some((id.clone(), withheld));
        }
        let settle = |case: &Case<'_>| {
            let mut link = settle::settle(case, id.as_str(), fields, Some(at))?;
            if let Some(made) = made {
                link.end_mut(link.pair.side(case.destination)).past.make(made);
            }
            Some(link)
        };
        let mut effects: Vec<Effect> = self.settle_lead(context, settle).into_iter().collect();
        if self.lead.is_some() {
            // It exists: now the activity is handled.
            self.subject_mut().known.twin.lead_id = Some(id.clone());
        } else if is_whole {
            effects.push(Effect::End(Outcome::ended(event).of(id.clone())));
        } else {
            self.achieved.get_or_insert(event);
        }
        effects
    }

    /// The lead in the destination was updated: in a pair the merge continues, and may write more.
    fn updated(&mut self, context: &Context<'_>, update: &LeadUpdate, event: Event) -> Vec<Effect> {
        let merges = self.lead_case(context).merges();
        let twin = &mut self.subject_mut().known.twin;
        if merges && twin.lead.is_some() {
            twin.wrote.extend(update.fields.iter().cloned());
            self.achieved.get_or_insert(event);
            return Vec::new();
        }
        let event = self.achieved.unwrap_or(event);
        vec![Effect::End(Outcome::ended(event).of(update.lead_id.clone()))]
    }

    /// How an update of the lead in the destination counts: that lead may have been created by an
    /// attempt whose response was lost.
    fn event_of_update(&self, context: &Context<'_>) -> Event {
        let case = self.lead_case(context);
        let twin = case.known.twin.lead.as_ref();
        let is_new = twin.is_some_and(|lead| unlinked::was_made_unseen(&case, lead));
        if is_new { Event::New } else { Event::Updated }
    }

    fn keep_lead(
        &mut self,
        context: &Context<'_>,
        id: &LeadId,
        fields: &[Change],
        at: Timestamp,
    ) -> Vec<Effect> {
        let settle = |case: &Case<'_>| settle::settle(case, id.as_str(), fields, Some(at));
        self.settle_lead(context, settle).into_iter().collect()
    }

    fn activity_written(
        &mut self,
        context: &Context<'_>,
        id: &ActivityId,
        fields: &[Change],
        event: Event,
        at: Timestamp,
    ) -> Vec<Effect> {
        let settle = |case: &Case<'_>| settle::settle(case, id.as_str(), fields, Some(at));
        let mut effects: Vec<Effect> = self.settle_own(context, settle).into_iter().collect();
        effects.push(Effect::End(Outcome::ended(event).of(id.clone())));
        effects
    }

    /// The lead in the source was updated with the destination's changes; the merge continues.
    fn written_back(
        &mut self,
        context: &Context<'_>,
        fields: &[Change],
        at: Timestamp,
    ) -> Vec<Effect> {
        let settle = |case: &Case<'_>| settle::settle_back(case, fields, at);
        let kept = self.settle_lead(context, settle);
        self.subject_mut().known.twin.wrote_back.extend(fields.iter().cloned());
        self.achieved.get_or_insert(Event::Updated);
        kept.into_iter().collect()
    }
}

/// Whether an update's response names something other than its target.
fn names_another(call: &Call, id: &str) -> bool {
    match call {
        Call::UpdateLead(update) => LeadId::new(id) != update.lead_id,
        Call::UpdateActivity(update) => ActivityId::new(id) != update.activity_id,
        _ => false,
    }
}

//! What a response means for a record: what was read, and what was refused.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::Timestamp;

use crate::activity;
use crate::connector::{Behaviour, Blank};
use crate::id::LeadId;
use crate::identity::Key;
use crate::identity::key;
use crate::link::Link;
use crate::operation::Operation;
use crate::outcome::{Entity, Event, Party};
use crate::payload::Item;
use crate::problem::{Code, Problem};
use crate::retry;
use crate::review::Ruled;
use crate::snapshot::Snapshot;
use crate::verdict::{self, Failure, Verdict};

use super::call::{ActivityPage, Answer, Call, ReadActivities, Which};
use super::case::{Case, Context};
use super::outcome::{Effect, Ending, Outcome};
use super::pages::Activities;
use super::record::{Found, Metadata, Work};
use super::{problems, settle, unlinked};

impl Work {
    /// An attempt ends without learning whether it added an activity: the lead's link stores that,
    /// because the same activity may arrive again as another record.
    fn doubt_of_activity(&mut self, context: &Context<'_>, effects: &[Effect]) -> Option<Effect> {
        let outcome = effects.iter().find_map(|effect| match effect {
            Effect::End(outcome) => Some(outcome),
            _ => None,
        })?;
        let is_doubtful =
            self.is_doubtful() || matches!(outcome.ending, Ending::Again { doubtful: true, .. });
        if !is_doubtful || self.own.link.is_some() || self.lead.is_none() {
            return None;
        }
        let event = context.activities.of(&self.own.item).ok()?.to;
        self.settle_lead(context, |case| {
            let mut link = case.link?.clone();
            link.end_mut(link.pair.side(case.destination)).past.doubt(event);
            Some(link)
        })
    }

    /// Handles what an account returned for a call sent at this time by this operation: the call's
    /// own, or a bulk one.
    ///
    /// Unless the effects end the attempt or look up links, [`Work::next`] says how it continues.
    pub fn answered(
        &mut self,
        context: &Context<'_>,
        call: &Call,
        by: Operation,
        answer: Answer,
        at: Timestamp,
    ) -> Vec<Effect> {
        self.map_once(context);
        match (call, answer) {
            (_, Answer::Failed(failure)) => {
                let mut effects = self.failed(context, call, by, &failure);
                if let Some(doubt) = self.doubt_of_activity(context, &effects) {
                    effects.insert(0, doubt);
                }
                effects
            }
            (Call::ReadLead(read), Answer::Leads(leads)) => {
                self.lead_read(context, read.which, &read.lead_id, leads.into_iter().next())
            }
            (Call::FindLead(key), Answer::Leads(leads)) => self.leads_found(context, key, leads),
            (Call::ReadActivities(read), Answer::Activities(page)) => {
                self.activities_read(read, page)
            }
            (call, Answer::Written { id, is_created }) if call.writes() => {
                self.written(context, call, by, id.as_deref(), is_created, at)
            }
            (call, answer) => {
                if call.writes() {
                    self.doubt();
                }
                let problem = unreadable(call, &answer);
                vec![Effect::End(Outcome::again(problem, self.own.known.doubtful))]
            }
        }
    }

    /// A lead was read by its id.
    fn lead_read(
        &mut self,
        context: &Context<'_>,
        which: Which,
        lead_id: &LeadId,
        lead: Option<Snapshot>,
    ) -> Vec<Effect> {
        match which {
            Which::Own => {
                let item = lead.map(|lead| Item::from_state(Entity::Lead, &lead));
                self.subject_mut().read_again(item);
                Vec::new()
            }
            Which::Other => {
                self.subject_mut().known.search.others.insert(lead_id.clone(), lead);
                Vec::new()
            }
            Which::Listed => self.listed_read(context, lead),
            Which::Twin => {
                let mut effects = Vec::new();
                let known = &mut self.subject_mut().known;
                if let Some(lead) = lead {
                    known.twin.lead = Some(lead);
                } else {
                    (known.twin.gone, known.twin.lead_id) = (true, None);
                    effects.extend(self.gone(context));
                }
                effects.extend(self.find_links_of_leads());
                effects
            }
        }
    }

    /// The lead that has the record's key by the directory was read. If it has another key, or is gone,
    /// the directory is not asked again.
    fn listed_read(&mut self, context: &Context<'_>, lead: Option<Snapshot>) -> Vec<Effect> {
        let case = self.lead_case(context);
        let key = case.keys().into_iter().nth(case.known.search.keys_tried);
        let reading = context.leads.reading();
        let is_it = |key: &Key, lead: &Snapshot| {
            let held = lead.get(&key.field);
            held.is_some_and(|held| key::same(key.kind, held, &key.value, reading))
        };
        if let Some((key, lead)) = key.zip(lead).filter(|(key, lead)| is_it(key, lead)) {
            return self.leads_found(context, &key, vec![lead]);
        }
        self.subject_mut().known.search.hints = None;
        Vec::new()
    }

    /// A page of a lead's activities was read.
    fn activities_read(&mut self, read: &ReadActivities, page: ActivityPage) -> Vec<Effect> {
        let id = self.own.item.activity_id();
        let known = &mut self.own.known;
        // To read the record itself again, the page that contains it is enough.
        let is_own = |one: &Snapshot| {
            read.party == Party::Source
                && known.twin.activities.is_none()
                && one.activity_id() == id
        };
        let Some(all) = known.pages.take(page, is_own) else {
            // Several pages of one list don't count towards the limit of calls.
            self.calls = self.calls.saturating_sub(1);
            return Vec::new();
        };
        match read.party {
            Party::Source => {
                let item = id.and_then(|id| {
                    activity::read(&id, read.lead_id.as_str(), read.event, &all.found)
                });
                if item.is_none() && all.is_cut {
                    let problem = problems::too_many_activities(read.party);
                    return vec![Effect::End(Outcome::failed(problem))];
                }
                known.siblings = Some(all);
                self.own.read_again(item);
                Vec::new()
            }
            Party::Destination => {
                let ids = all.found.iter().filter_map(Snapshot::activity_id);
                let ids = ids.map(String::from).collect();
                let (lead_id, event) = (read.lead_id.clone(), read.event);
                self.found = Some(Found::Activities { lead_id, event, all });
                vec![Effect::FindLinks { ids }]
            }
        }
    }

    /// Notes in the lead's link that its counterpart's activities of this type were scanned.
    fn remember_look(
        &mut self,
        context: &Context<'_>,
        lead_id: &LeadId,
        event: u32,
        all: &Activities,
    ) -> Option<Effect> {
        let times = all.found.iter().map(activity::happened);
        let times: Option<BTreeSet<i64>> = times.collect();
        let times = times.filter(|_| !all.is_cut)?;
        self.settle_lead(context, |case| {
            let mut link = case.link?.clone();
            let there = link.end_mut(link.pair.side(case.destination));
            let is_it = there.id == lead_id.as_str();
            is_it.then(|| there.past.look(event, case.now, times))?;
            Some(link)
        })
    }

    /// Leads were found by a key.
    fn leads_found(
        &mut self,
        context: &Context<'_>,
        key: &Key,
        mut leads: Vec<Snapshot>,
    ) -> Vec<Effect> {
        // Accounts search loosely: ignoring case or punctuation, by the last digits, by Mobile too. A
        // lead with a different value is not a match.
        let reading = context.leads.reading();
        leads.retain(|lead| {
            let held = lead.get(&key.field);
            held.is_some_and(|held| key::same(key.kind, held, &key.value, reading))
        });
        let known = &mut self.subject_mut().known;
        match leads.len() {
            _ if known.seeks_holders_by(key) => known.take_holders(key, leads),
            // The first key found a lead, and this is the second.
            _ if known.twin.lead.is_some() => known.search.rivals = Some(leads),
            0 => known.search.keys_tried += 1,
            1 => known.twin.lead = leads.into_iter().next(),
            _ => known.search.several = leads,
        }
        self.find_links_of_leads().into_iter().collect()
    }

    /// Leads were just read: check whether other leads are linked to them.
    fn find_links_of_leads(&mut self) -> Option<Effect> {
        if !self.is_unlinked() {
            return None;
        }
        let ids: Vec<String> = self.subject().known.found().map(String::from).collect();
        if ids.is_empty() {
            return None;
        }
        self.found = Some(Found::Leads);
        Some(Effect::FindLinks { ids })
    }

    /// Handles the links of what was found in the destination ([`Effect::FindLinks`]).
    pub fn links_found(&mut self, context: &Context<'_>, links: &[Link]) -> Vec<Effect> {
        let side = |link: &Link| link.pair.side(context.destination.id);
        match self.found.take() {
            None => Vec::new(),
            Some(Found::Activities { lead_id, event, mut all }) => {
                // One that is linked to another activity of the source belongs to that.
                all.found.retain(|activity| {
                    let id = activity.activity_id();
                    let id = id.as_ref().map(crate::id::ActivityId::as_str);
                    !links.iter().any(|link| Some(link.end(side(link)).id.as_str()) == id)
                });
                let looked = self.remember_look(context, &lead_id, event, &all);
                self.own.known.twin.activities = Some(all);
                looked.into_iter().collect()
            }
            Some(Found::Leads) => {
                let ids: Vec<LeadId> = self.subject().known.found().collect();
                self.tie(context, &ids, links);
                Vec::new()
            }
            Some(Found::Captured { fields, id, event, at }) => {
                if !self.tie(context, std::slice::from_ref(&id), links) {
                    return self.lead_written(context, &fields, &id, event, (at, None));
                }
                self.achieved.get_or_insert(Event::Updated);
                self.subject_mut().known.search.start_by_looking();
                Vec::new()
            }
        }
    }

    /// Notes which of these leads of the destination are linked to other leads of the source.
    fn tie(&mut self, context: &Context<'_>, ids: &[LeadId], links: &[Link]) -> bool {
        let own = self.lead_id();
        let mut is_tied = false;
        for link in links {
            let side = link.pair.side(context.destination.id);
            let id = LeadId::new(&link.end(side).id);
            let twin = LeadId::new(&link.end(side.opposite()).id);
            if ids.contains(&id) && Some(&twin) != own.as_ref() {
                self.subject_mut().known.search.ties.insert(id, twin);
                is_tied = true;
            }
        }
        is_tied
    }

    /// A call failed, or this record's row in it.
    fn failed(
        &mut self,
        context: &Context<'_>,
        call: &Call,
        by: Operation,
        failure: &Failure,
    ) -> Vec<Effect> {
        let party = call.party();
        let end = |outcome| vec![Effect::End(outcome)];
        match verdict::of(failure, party, context.account(party).name) {
            Verdict::NextKey(problem) => self.key_refused(context, call, by, problem),
            Verdict::TwinGone => self.twin_gone(context, call),
            Verdict::MetadataChanged(problem) if self.metadata == Metadata::Fresh => {
                // It was read a moment ago, and is read again before the next try.
                end(Outcome::again(problem, self.own.known.doubtful))
            }
            Verdict::Fail(problem)
                if problem.code.is_about_metadata() && self.metadata != Metadata::Fresh =>
            {
                self.metadata = Metadata::Wanted;
                Vec::new()
            }
            Verdict::MetadataChanged(_) => {
                self.metadata = Metadata::Wanted;
                Vec::new()
            }
            Verdict::Fail(problem) => end(Outcome::failed(problem)),
            Verdict::AccountClosed(problem) => end(Outcome::held(problem, None)),
            Verdict::Throttled => {
                // The call was not valid: the account did not look at it.
                self.calls = self.calls.saturating_sub(1);
                Vec::new()
            }
            Verdict::Later { problem, doubtful } => {
                if doubtful && call.writes() {
                    self.doubt();
                }
                end(Outcome::again(problem, self.own.known.doubtful))
            }
        }
    }

    /// One of the lead's unique values belongs to another lead.
    fn key_refused(
        &mut self,
        context: &Context<'_>,
        call: &Call,
        by: Operation,
        problem: Problem,
    ) -> Vec<Effect> {
        let case = self.lead_case(context);
        let keys = case.keys().len();
        let creates_only = case.connector.lead.behaviour == Behaviour::CreateOnly;
        // Values that are not keys, and one that another lead has.
        let junk = match call {
            Call::UpdateLead(update) if update.party == Party::Destination => {
                let junk =
                    update.fields.iter().filter(|field| unlinked::may_match_others(&case, field));
                junk.map(|field| field.to.clone()).collect()
            }
            _ => Vec::new(),
        };
        let is_lead = self.lead.is_none();
        let is_unlinked = self.is_unlinked();
        let known = &mut self.subject_mut().known;
        // A person or a rule decided which lead it is, although another one has one of its keys.
        let is_said = known.search.rivals.as_ref().is_some_and(|rivals| !rivals.is_empty())
            || matches!(known.ruled, Some(Ruled::Decided(_)));
        let was_asked = known.asked;
        let search = &mut known.search;
        match call {
            // It exists, so it was not created. Update it if that is allowed; otherwise, a capture
            // that updates nothing shows which lead it is.
            Call::Capture(capture) if by == Operation::BulkCreate => {
                let had_hints = search.hints.take().is_some();
                if capture.update {
                    search.exists = true;
                } else if had_hints {
                    // The directory did not know it.
                    search.start_by_looking();
                } else {
                    self.is_alone = true;
                }
            }
            Call::Capture(_) if creates_only && is_lead => {
                return vec![Effect::End(Outcome::skipped(problems::exists()))];
            }
            // Find out which leads they are: a capture by the other key might write to a lead that is
            // linked to another one.
            // The account may also have found the lead by its only key, and refused another value of
            // it: before a person is asked, that lead is looked for.
            Call::Capture(_) if (keys > 1 || was_asked) && !search.look_first => {
                search.start_by_looking();
            }
            // According to the directory no lead had the second key, so it was not searched for.
            Call::UpdateLead(update)
                if update.party == Party::Destination && is_unlinked && search.hints.is_some() =>
            {
                search.hints = None;
            }
            Call::UpdateLead(update)
                if update.party == Party::Destination && is_said && !search.key_taken =>
            {
                search.key_taken = true;
            }
            Call::UpdateLead(update) if !junk.is_empty() => {
                search.left_to_others.extend(junk);
                // A lead that was just created lacks nothing else.
                if known.twin.withheld.take().is_some() {
                    let settle =
                        |case: &Case<'_>| settle::settle(case, update.lead_id.as_str(), &[], None);
                    let mut effects: Vec<Effect> =
                        self.settle_lead(context, settle).into_iter().collect();
                    let event = self.achieved.unwrap_or(Event::Updated);
                    effects.push(Effect::End(Outcome::ended(event).of(update.lead_id.clone())));
                    return effects;
                }
            }
            _ if self.seek_holders(context, call, &problem) => {}
            _ => return vec![Effect::End(self.duplicate(context, call, problem))],
        }
        Vec::new()
    }

    /// The lead has a unique value of another lead. That one may be about to lose it by a change that
    /// arrives later, so it is retried a few times.
    fn duplicate(&self, context: &Context<'_>, call: &Call, mut problem: Problem) -> Outcome {
        let doubtful = self.own.known.doubtful;
        let Call::UpdateLead(update) = call else {
            return Outcome::again(problem, doubtful).at_most(retry::OF_NEW_DUPLICATE);
        };
        let mapping = match update.party {
            Party::Destination => Some(context.leads),
            Party::Source => context.opposite.map(|opposite| opposite.mapping),
        };
        let written = update.fields.iter().map(|change| change.to.as_str());
        let kept = mapping.and_then(|mapping| {
            let mut unique = written.filter(|field| unlinked::is_unique(mapping, field));
            unique.find(|field| mapping.blank_of(field) == Some(Blank::Leave))
        });
        if let Some(field) = kept {
            let _ = write!(
                problem.advice,
                " If the other lead lost the value because it was cleared in the other account, the \
                 value is still here, because the mapping row to {field} leaves blank values \
                 alone: let the row clear the field, or clear the field there."
            );
        }
        Outcome::again(problem, doubtful).at_most(retry::OF_LINKED_DUPLICATE)
    }

    /// The lead or activity to write to no longer exists.
    fn twin_gone(&mut self, context: &Context<'_>, call: &Call) -> Vec<Effect> {
        let party = call.party();
        let fail = || vec![Effect::End(Outcome::failed(lead_gone(party)))];
        match call {
            Call::UpdateActivity(_) if !self.own.known.twin.gone => self.own.known.lose_twin(),
            Call::CreateActivity(_) if !self.subject().known.twin.gone => {
                self.subject_mut().known.lose_twin();
            }
            Call::UpdateLead(_) if party == Party::Destination => {
                let is_linked = !self.is_unlinked();
                if !is_linked && self.subject().known.twin.lead.is_none() {
                    return fail();
                }
                let gone = is_linked.then(|| self.gone(context)).flatten();
                self.subject_mut().known.lose_twin();
                return gone.into_iter().collect();
            }
            _ => return fail(),
        }
        Vec::new()
    }

    /// The lead that the record's lead is linked to is gone.
    fn gone(&self, context: &Context<'_>) -> Option<Effect> {
        let link = self.subject().link.as_ref()?;
        let account = context.destination.id;
        let lead_id = LeadId::new(&link.end(link.pair.side(account)).id);
        Some(Effect::Gone { account, lead_id })
    }
}

fn lead_gone(party: Party) -> Problem {
    Problem::new(
        Code::LeadGone,
        format!(
            "The {party} reports that the lead does not exist, although it was found a moment ago."
        ),
        format!("Check whether the lead still exists in the {party} account, then retry."),
    )
}

fn unreadable(call: &Call, answer: &Answer) -> Problem {
    let what = match answer {
        Answer::Leads(_) => "leads",
        Answer::Activities(_) => "activities",
        Answer::Written { .. } | Answer::Failed(_) => "the result of a write",
    };
    Problem::new(
        Code::UnreadableAnswer,
        format!("The call {} unexpectedly returned {what}.", call.operation().as_str()),
        "This is a defect in leadsync: please report it. leadsync retries automatically.",
    )
}

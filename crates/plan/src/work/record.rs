//! What is known about a record so far.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::activity::TypeMapping;
use crate::change::Change;
use crate::connector::Basic;
use crate::directory::Hints;
use crate::id::{AccountId, LeadId};
use crate::identity;
use crate::link::Link;
use crate::mapping::{Mapped, MappedField, Unsent};
use crate::metadata::Kind;
use crate::outcome::{Entity, Event};
use crate::payload::Item;
use crate::problem::{Code, Problem};
use crate::review::{Dispute, Reason, Ruled, StandingReview, State};
use crate::snapshot::Snapshot;

use super::case::{Case, Context};
use super::explanation::{Plan, Why};
use super::known::{Before, Known, Twin};
use super::outcome::Outcome;
use super::pages::Activities;

/// The accounts' clocks and ours may differ by this.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(5);
/// How long a webhook without a modification time may be repeated.
const REPEATED: SignedDuration = SignedDuration::from_hours(72);

/// A record, and everything known about it in this attempt.
#[derive(Clone, Debug)]
pub struct Work {
    /// The lead or activity that the record is about.
    pub(super) own: Subject,
    /// For an activity, its lead.
    pub(super) lead: Option<Box<Subject>>,
    /// Whether a person asked for this attempt.
    pub(super) is_retry: bool,
    /// Whether the accounts' metadata was, or has to be, read again for it.
    pub(super) metadata: Metadata,
    /// Whether it needs calls of its own: a bulk call did not give its error.
    pub(super) is_alone: bool,
    /// The calls that were made for it.
    pub(super) calls: usize,
    /// What was written for it so far, while its merge continues.
    pub(super) achieved: Option<Event>,
    /// What was found, while its links are looked up.
    pub(super) found: Option<Found>,
    /// The reviews of its lead that wait for a decision, or for one to be carried out.
    pub(super) reviews: Vec<i64>,
    /// What was decided last.
    pub(super) plan: Option<Plan>,
    /// What was decided after that was carried out: the write back to the source.
    pub(super) then: Option<Plan>,
    /// Fields that the two sides did not agree about.
    pub(super) disputes: Vec<Dispute>,
}

/// The state of the metadata used for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Metadata {
    /// As known.
    AsKnown,
    /// It has to be read again first.
    Wanted,
    /// It was read again for this record.
    Fresh,
}

/// A lead or an activity.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    /// As in the payload, or as read from the source.
    pub(super) item: Item,
    /// As it was before the event.
    pub(super) before: Before,
    pub(super) link: Option<Link>,
    pub(super) known: Known,
    /// What it sends, and the generation of the mapping used.
    pub(super) mapped: Option<(u64, Arc<Mapped>)>,
}

/// What was just read in the destination, before checking whether another lead is linked to it.
#[derive(Clone, Debug)]
pub(super) enum Found {
    /// Leads that were read.
    Leads,
    /// A lead that a capture wrote to.
    Captured { fields: Vec<Change>, id: LeadId, event: Event, at: Timestamp },
    /// Activities of this type on this lead, among them maybe the record's own.
    Activities { lead_id: LeadId, event: u32, all: Activities },
}

impl Subject {
    fn new(item: Item, before: Before) -> Self {
        Self { item, before, link: None, known: Known::default(), mapped: None }
    }

    /// It was just read from the source; one that is gone there is taken as posted.
    pub(super) fn read_again(&mut self, item: Option<Item>) {
        (self.known.source.fresh, self.known.source.gone) = (true, item.is_none());
        if let Some(read) = item {
            (self.item, self.mapped) = (read, None);
        }
    }

    /// Uncovers what is covered in its link, as far as its values are known by now.
    fn uncover(&mut self, context: &Context<'_>) {
        let Some(link) = &mut self.link else { return };
        let (here, there) =
            (link.pair.side(context.source.id), link.pair.side(context.destination.id));
        if link.first.veil.is_none() && link.second.veil.is_none() {
            return;
        }
        link.end_mut(here).uncover(&self.item.state());
        if let Some(lead) = &self.known.twin.lead {
            link.end_mut(there).uncover(lead);
        }
        if let Some((_, mapped)) = &self.mapped {
            let sent = mapped
                .fields
                .iter()
                .filter_map(|field| Some((field.to.as_str(), field.sent.value()?)));
            link.end_mut(there).uncover(&sent.collect());
        }
    }

    fn mapped(&self) -> &Mapped {
        let (_, mapped) = self.mapped.as_ref().expect("it was mapped before it is decided about");
        mapped
    }
}

impl Work {
    /// A record as read from a delivery.
    pub fn new(item: Item) -> Self {
        // The event of an activity does not change its lead.
        let lead = |item: &Item| item.lead().unwrap_or_else(|| item.bare_lead());
        let lead = (item.entity() == Entity::Activity)
            .then(|| Box::new(Subject::new(lead(&item), Before::Same)));
        let before = Before::of(&item);
        Self {
            own: Subject::new(item, before),
            lead,
            is_retry: false,
            metadata: Metadata::AsKnown,
            is_alone: false,
            calls: 0,
            achieved: None,
            found: None,
            reviews: Vec::new(),
            plan: None,
            then: None,
            disputes: Vec::new(),
        }
    }

    /// A person asked for this attempt: the accounts' metadata may have been corrected since, and so
    /// may the reason for a review.
    pub fn ask_again(&mut self) {
        self.is_retry = true;
        self.own.known.asked = true;
        self.subject_mut().known.asked = true;
        self.metadata = Metadata::Wanted;
    }

    /// It reports no event: the lead was only read.
    pub fn is_no_event(&mut self) {
        self.subject_mut().before = Before::Same;
    }

    /// A person wants the destination's lead to match the source's now, whatever the two agreed on
    /// before.
    pub fn override_twin(&mut self) {
        self.subject_mut().known.twin.overridden = true;
    }

    /// A write for it may have taken effect without our knowing.
    pub fn doubt(&mut self) {
        self.own.known.doubtful = true;
        self.subject_mut().known.doubtful = true;
    }

    /// Whether a write for it may have taken effect without our knowing.
    pub fn is_doubtful(&self) -> bool {
        self.own.known.doubtful
    }

    /// The store was restored from a backup, which does not know what was done between the backup
    /// and then. If the record, received at this time, may be about an earlier change, that may
    /// have been synced already, and later changes too: its lead is read from the source, and
    /// searched for in the destination before it is written.
    pub fn was_restored(&mut self, restored: Timestamp, received: Timestamp) {
        let since = |item: &Item| match item.modified_on() {
            Some(version) => version <= restored + CLOCKS_DIFFER,
            // Senders repeat for hours what was not accepted.
            None => received <= restored + REPEATED,
        };
        if received <= restored || since(&self.own.item) {
            self.doubt();
            self.own.known.is_from_before = true;
            self.subject_mut().known.is_from_before = true;
        }
    }

    /// It needs calls of its own from now on: a bulk call did not give its error.
    pub fn go_alone(&mut self) {
        self.is_alone = true;
    }

    /// What the directory of the destination says about its keys.
    pub fn take_hints(&mut self, hints: Hints) {
        self.subject_mut().known.search.hints = Some(hints);
    }

    /// The lead or activity as the payload shows it, or as it was read from the source since.
    pub fn shown(&self) -> &Item {
        &self.own.item
    }

    /// What it shows of its lead.
    pub fn lead_state(&self) -> Snapshot {
        self.subject().item.state()
    }

    /// Whether nothing is known yet about its lead's match in the destination.
    pub fn is_unmatched(&self) -> bool {
        let known = &self.subject().known;
        let twin = Twin { overridden: known.twin.overridden, ..Twin::default() };
        self.is_unlinked() && known.twin == twin && self.calls == 0
    }

    /// The lead was linked once, and was not in the source then.
    pub fn was_gone(&mut self) {
        self.subject_mut().known.source.was_gone = true;
    }

    /// Adds a link of its lead or activity, which comes from this account: a stored one, or one that
    /// another record just made. Returns whether it concerns this record; any other is ignored.
    pub fn take_link(&mut self, link: &Link, source: AccountId) -> bool {
        let own = link.end(link.pair.side(source)).id.as_str();
        let subject = match link.entity {
            Entity::Lead => self.subject_mut(),
            Entity::Activity => &mut self.own,
        };
        let is_its =
            subject.item.entity() == link.entity && subject.item.id().is_some_and(|id| id == own);
        if is_its {
            subject.link = Some(link.clone());
        }
        is_its
    }

    /// Adds what a review says about its lead, which comes from this account.
    pub fn take_review(&mut self, review: &StandingReview, source: AccountId) {
        let Some(lead_id) = self.lead_id() else { return };
        let is_own = review.source == source;
        let about = if is_own { Some(&review.source_id) } else { review.destination_id.as_ref() };
        if about != Some(&lead_id) {
            return;
        }
        let choice = review.choice.clone().filter(|_| review.state == State::Decided);
        let ruled = match choice {
            Some(choice) if is_own => Ruled::Decided(choice),
            Some(choice) => Ruled::Decided(choice.from_the_other_side()),
            None => Ruled::Waits(review.reason),
        };
        let waits = matches!(ruled, Ruled::Waits(_));
        let is_conflict = review.reason == Reason::Conflict;
        // A retry finds out whether the question has been settled in the accounts.
        if !(waits && self.is_retry && !is_conflict) {
            let known = &mut self.subject_mut().known;
            let said = if is_conflict { &mut known.conflict } else { &mut known.ruled };
            // Both connectors of a pair may ask: a decision in one answers both.
            if !matches!(said, Some(Ruled::Decided(_))) {
                *said = Some(ruled);
            }
        }
        if waits || is_conflict {
            self.reviews.push(review.id);
        }
    }

    /// A lead or an activity.
    pub fn entity(&self) -> Entity {
        self.own.item.entity()
    }

    /// The source's id of the record itself.
    pub fn id(&self) -> Option<String> {
        self.own.item.id()
    }

    /// The source's id of its lead.
    pub fn lead_id(&self) -> Option<LeadId> {
        self.own.item.lead_id()
    }

    /// The links of the record and of its lead.
    pub fn links(&self) -> impl Iterator<Item = &Link> {
        self.own.link.iter().chain(self.lead.iter().filter_map(|lead| lead.link.as_ref()))
    }

    /// The calls that were made for it in this attempt.
    pub fn calls(&self) -> usize {
        self.calls
    }

    /// Whether a person's decision about its current question was known.
    pub fn knows_decision(&self) -> bool {
        let known = &self.subject().known;
        let problems = self.plan.iter().flat_map(|plan| &plan.problems);
        let is_conflict = problems.into_iter().any(|problem| problem.code == Code::Conflict);
        let said = if is_conflict { &known.conflict } else { &known.ruled };
        matches!(said, Some(Ruled::Decided(_)))
    }

    /// What a person recognises it by: an email address or a phone number of its lead.
    pub fn known_as(&self) -> Option<String> {
        identity::known_as(&self.own.item, self.lead_mapped())
    }

    /// The name of its lead, if the source shows it.
    pub fn name(&self) -> Option<String> {
        identity::name(&self.subject().item)
    }

    /// Whether it is the echo of our own write: it shows what was last synced, and the source's state
    /// is not newer than what we wrote there. A payload without a modification time is as new as its
    /// arrival, to the difference of the clocks.
    pub fn is_echo(&self, source: AccountId, received_at: Timestamp) -> bool {
        let is_same = self.plan.as_ref().is_some_and(|plan| plan.why == Some(Why::SameAsSynced));
        let end = self.own.link.as_ref().map(|link| link.end(link.pair.side(source)));
        let modified_at = self.own.item.modified_on();
        let version = modified_at.unwrap_or_else(|| received_at - CLOCKS_DIFFER);
        is_same && self.achieved.is_none() && end.is_some_and(|end| end.is_ours(version))
    }

    /// The same for its lead.
    pub fn lead_known_as(&self) -> Option<String> {
        identity::known_as(&self.subject().item, self.lead_mapped())
    }

    /// The values by which it can be found in the log, for a connector with these settings.
    pub fn mentions(&self, basic: &Basic, destination_id: Option<&str>) -> Vec<String> {
        let mapped = self.lead_mapped();
        let keys = mapped.map(|mapped| identity::filled(basic, mapped)).unwrap_or_default();
        identity::mentions(&self.own.item, mapped, &keys, destination_id)
    }

    fn lead_mapped(&self) -> Option<&Mapped> {
        self.subject().mapped.as_ref().map(|(_, mapped)| &**mapped)
    }

    /// The keys by which the destination can find its lead, under the current mapping.
    pub fn keys(&mut self, context: &Context<'_>) -> Vec<identity::Key> {
        self.map(context);
        self.lead_case(context).keys()
    }

    /// The counterpart's id in the destination, if the record is linked.
    pub fn twin_id(&self, destination: AccountId) -> Option<String> {
        let link = self.own.link.as_ref()?;
        Some(link.end(link.pair.side(destination)).id.clone())
    }

    /// The reviews of its lead with nothing left to decide, once it ended like this.
    pub fn solved_by(&self, outcome: &Outcome) -> &[i64] {
        let is_stale = self.plan.as_ref().is_some_and(|plan| plan.why == Some(Why::Stale));
        let code = outcome.problem.as_ref().map(|problem| problem.code);
        let is_solved = self.entity() == Entity::Lead
            && outcome.event != Event::Failed
            && !is_stale
            && code.is_none_or(|code| matches!(code, Code::Exists | Code::NotFound));
        if is_solved { &self.reviews } else { &[] }
    }

    /// What was decided last.
    pub fn plan(&self) -> Option<&Plan> {
        self.plan.as_ref()
    }

    /// The mapped record itself, and the problems of fields that are left out.
    pub fn sent(&self) -> (Vec<MappedField>, Vec<Problem>) {
        let mapped = self.own.mapped.as_ref().map(|(_, mapped)| Mapped::clone(mapped));
        mapped.map(|mapped| (mapped.fields, mapped.left_out)).unwrap_or_default()
    }

    /// The lead: the record itself, or the one that the activity is on.
    pub(super) fn subject(&self) -> &Subject {
        self.lead.as_deref().unwrap_or(&self.own)
    }

    pub(super) fn subject_mut(&mut self) -> &mut Subject {
        self.lead.as_deref_mut().unwrap_or(&mut self.own)
    }

    /// Whether its lead is not linked.
    pub fn is_unlinked(&self) -> bool {
        let subject = self.subject();
        subject.link.is_none() || subject.known.twin.gone
    }

    /// Whether a field is left out because an account lacks something, as far as known: an option, a
    /// field or a user.
    pub(super) fn lacks_by_metadata(&self) -> bool {
        let Some((_, mapped)) = &self.subject().mapped else { return false };
        let is_lacking = |problem: &Problem| {
            let lacks = [Code::MissingOption, Code::UnknownField, Code::ReadOnlyField];
            lacks.contains(&problem.code)
        };
        let is_owner =
            |unsent: &Unsent| mapped.get(&unsent.to).is_some_and(|field| field.kind == Kind::User);
        mapped.left_out.iter().any(is_lacking) || mapped.unsent.iter().any(is_owner)
    }

    /// Computes what it sends, under the current mapping.
    pub(super) fn map(&mut self, context: &Context<'_>) {
        self.map_unless(context, |made| made == context.generation);
        self.own.uncover(context);
        if let Some(lead) = &mut self.lead {
            lead.uncover(context);
        }
    }

    /// Computes what it sends, unless that was done. The meaning of a response depends on what was
    /// sent, not on metadata read meanwhile.
    pub(super) fn map_once(&mut self, context: &Context<'_>) {
        self.map_unless(context, |_| true);
    }

    fn map_unless(&mut self, context: &Context<'_>, is_good: impl Fn(u64) -> bool) {
        let map = |subject: &mut Subject, mapping: &crate::mapping::Mapping| {
            if subject.mapped.as_ref().is_none_or(|(made, _)| !is_good(*made)) {
                let mapped = Arc::new(mapping.apply(&subject.item));
                subject.mapped = Some((context.generation, mapped));
            }
        };
        map(self.subject_mut(), context.leads);
        if self.lead.is_some()
            && let Ok(kind) = context.activities.of(&self.own.item)
        {
            map(&mut self.own, &kind.mapping);
        }
    }

    /// The case of its lead.
    pub(super) fn lead_case<'c>(&'c self, context: &Context<'c>) -> Case<'c> {
        let subject = self.subject();
        Case {
            mapping: context.leads,
            opposite: context.opposite,
            ..Self::case(subject, context.leads, context)
        }
    }

    /// The case of an activity of this type.
    pub(super) fn activity_case<'c>(
        &'c self,
        kind: &'c TypeMapping,
        context: &Context<'c>,
    ) -> Case<'c> {
        Self::case(&self.own, &kind.mapping, context)
    }

    fn case<'c>(
        subject: &'c Subject,
        mapping: &'c crate::mapping::Mapping,
        context: &Context<'c>,
    ) -> Case<'c> {
        Case {
            connector: context.connector,
            mapping,
            item: &subject.item,
            before: &subject.before,
            mapped: subject.mapped(),
            source: context.source.id,
            destination: context.destination.id,
            link: subject.link.as_ref(),
            known: &subject.known,
            opposite: None,
            now: context.now,
            unbroken: context.unbroken,
        }
    }
}

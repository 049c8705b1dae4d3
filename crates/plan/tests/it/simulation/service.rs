//! The service as small as can be: a queue of deliveries and what is stored. It drives [`Work`],
//! makes its calls and keeps its effects; it can be crashed before and after each call, and each of
//! its protections can be switched off.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use plan::activity::ActivityMapping;
use plan::connector::{Definition, FirstMeeting};
use plan::directory::{self, Hints};
use plan::id::{AccountId, LeadId};
use plan::link::{Link, Pair};
use plan::mapping::Mapping;
use plan::metadata::Catalogue;
use plan::operation::Operation;
use plan::outcome::{Entity, Event, Party, SyncStatus};
use plan::payload::Item;
use plan::problem::Code;
use plan::retry;
use plan::review::{Choice, Dispute, Reason, Ruling, State};
use plan::snapshot::Snapshot;
use plan::value::Reading;
use plan::verdict::Failure;
use plan::work::{
    self, ActivityPage, Answer, Call, Capture, Context, Effect, Ending, Opposite, Outcome,
    ReadActivities, ReadLead, Step, Which, Work,
};

use super::account::Account;
use super::chance::Chance;
use super::coverage::Coverage;
use super::outside::Outside;
use super::protection::Protection;
use super::reviews::Reviews;
use super::story::Story;

/// How long a record waits for an account that refuses its keys.
const HELD: SignedDuration = SignedDuration::from_hours(1);
/// How long an account that is called too often is left alone.
const WINDOW: SignedDuration = SignedDuration::from_mins(1);
/// More turns of one attempt are a loop that `Work` does not see: an account may be called too often
/// for hours.
const MOST_TURNS: usize = 3_000;

/// One of the connectors.
pub struct Connector {
    pub definition: Definition,
    pub leads: Mapping,
    pub activities: ActivityMapping,
}

/// A webhook that waits to be worked.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub from: usize,
    pub item: Item,
    /// Whether it tells of an event: a lead may just have been looked at.
    pub is_event: bool,
    /// A write for it may have taken effect unseen.
    pub doubtful: bool,
    /// A person asked to retry it.
    pub is_retry: bool,
    pub attempts: usize,
    /// The tries that count, and when the next one is due.
    pub tries: u32,
    pub due: Timestamp,
}

/// A record that ended without being done.
#[derive(Clone, Debug)]
pub struct Undone {
    pub delivery: Delivery,
    pub code: Code,
}

/// What a backup keeps.
#[derive(Clone, Debug, Default)]
pub struct Backup {
    links: Vec<Link>,
    gone: BTreeSet<(usize, LeadId)>,
    queue: VecDeque<Delivery>,
    failed: Vec<Undone>,
}

/// A field that the two sides of a lead did not agree about.
#[derive(Clone, Debug)]
pub struct Noted {
    pub lead: LeadId,
    pub dispute: Dispute,
    /// They had agreed about it once.
    pub had_met: bool,
}

pub struct Service {
    /// By the side of their source; of one-way sync there is only one.
    pub connectors: [Option<Connector>; 2],
    /// What the accounts said of themselves when they were asked.
    catalogues: [Catalogue; 2],
    generation: u64,
    pub links: Vec<Link>,
    /// Since when it knows all that was done.
    unbroken: Timestamp,
    /// What was read of the accounts lately, and may be wrong by now: the leads of each key.
    directories: [Option<BTreeMap<String, Vec<LeadId>>>; 2],
    /// Leads that were linked, and are not in their account any more, by side.
    pub gone: BTreeSet<(usize, LeadId)>,
    pub reviews: Reviews,
    pub queue: VecDeque<Delivery>,
    /// Connectors that are disabled, by the side of their source, and what came for them.
    disabled: [bool; 2],
    kept: Vec<Delivery>,
    /// What went well, where it is retried later.
    pub done: Option<Vec<Delivery>>,
    pub failed: Vec<Undone>,
    /// Left alone by a decision or a rule.
    pub left_alone: Vec<Undone>,
    /// Times that fields were frozen.
    pub frozen: usize,
    pub without: Option<Protection>,
    pub disputes: Vec<Noted>,
    /// A field that was treated as if the two sides had never met, although they had.
    pub strangers: Option<Dispute>,
    /// The most calls that one attempt took: about a lead that was linked, any lead, an activity.
    pub most_calls: [usize; 3],
    pub attempts: usize,
    /// Of this attempt, the calls that were made once more because an answer said nothing,
    repeats: usize,
    /// and whether a lead was found gone.
    found_gone: bool,
    pub coverage: Coverage,
    pub story: Story,
}

pub fn account_id(side: usize) -> AccountId {
    AccountId(i64::try_from(side).expect("a side") + 1)
}

pub fn pair() -> Pair {
    Pair::of(account_id(0), account_id(1))
}

impl Delivery {
    pub fn new(from: usize, item: Item, due: Timestamp) -> Self {
        Self {
            from,
            item,
            is_event: true,
            doubtful: false,
            is_retry: false,
            attempts: 0,
            tries: 0,
            due,
        }
    }
}

impl Service {
    pub fn new(definitions: [Option<Definition>; 2], accounts: &[Account; 2]) -> Self {
        let catalogues = [0, 1].map(|side| accounts[side].catalogue.clone());
        let mut sides = [0, 1].into_iter();
        let connectors = definitions.map(|definition| {
            let side = sides.next().expect("two sides");
            definition.map(|definition| connector(definition, side, &catalogues))
        });
        Self {
            connectors,
            catalogues,
            generation: 1,
            links: Vec::new(),
            unbroken: Timestamp::MIN,
            directories: [None, None],
            gone: BTreeSet::new(),
            reviews: Reviews::default(),
            queue: VecDeque::new(),
            disabled: [false; 2],
            kept: Vec::new(),
            done: None,
            failed: Vec::new(),
            left_alone: Vec::new(),
            frozen: 0,
            without: None,
            disputes: Vec::new(),
            strangers: None,
            most_calls: [0; 3],
            attempts: 0,
            repeats: 0,
            found_gone: false,
            coverage: Coverage::default(),
            story: Story::default(),
        }
    }

    pub fn lacks(&self, protection: Protection) -> bool {
        self.without == Some(protection)
    }

    /// The settings of a connector are changed.
    pub fn set_up(&mut self, side: usize, definition: Definition) {
        self.generation += 1;
        self.connectors[side] = Some(connector(definition, side, &self.catalogues));
    }

    /// A connector is disabled: what comes for it is kept.
    pub fn disable(&mut self, side: usize) {
        self.disabled[side] = true;
    }

    /// All connectors are enabled, and the webhooks kept meanwhile are processed.
    pub fn enable_all(&mut self) {
        self.disabled = [false; 2];
        self.queue.extend(self.kept.drain(..));
    }

    /// Both accounts are asked what they say of themselves.
    pub fn read_metadata(&mut self, accounts: &[Account; 2]) {
        let now = [0, 1].map(|side| accounts[side].catalogue.clone());
        if now == self.catalogues || self.lacks(Protection::Metadata) {
            return;
        }
        self.generation += 1;
        self.catalogues = now;
        for side in [0, 1] {
            if let Some(old) = self.connectors[side].take() {
                self.connectors[side] = Some(connector(old.definition, side, &self.catalogues));
            }
        }
    }

    fn context(&self, from: usize, now: Timestamp) -> Context<'_> {
        let connector = self.connectors[from].as_ref().expect("a connector takes its deliveries");
        let opposite = self.connectors[1 - from].as_ref();
        let opposite =
            opposite.filter(|_| !self.lacks(Protection::Merge) && !self.disabled[1 - from]);
        let account = |side: usize| work::Account { id: account_id(side), name: ["a", "b"][side] };
        Context {
            connector: &connector.definition,
            leads: &connector.leads,
            activities: &connector.activities,
            generation: self.generation,
            source: account(from),
            destination: account(1 - from),
            opposite: opposite.map(|it| Opposite { connector: &it.definition, mapping: &it.leads }),
            now,
            unbroken: if self.lacks(Protection::Unbroken) { Timestamp::MIN } else { self.unbroken },
        }
    }

    pub fn link_of(&self, side: usize, id: &str) -> Option<&Link> {
        let side = pair().side(account_id(side));
        self.links.iter().find(|link| link.end(side).id == id)
    }

    /// The other end of a link.
    pub fn twin_of(&self, side: usize, id: &str) -> Option<&str> {
        let other = pair().side(account_id(1 - side));
        self.link_of(side, id).map(|link| link.end(other).id.as_str())
    }

    /// Works what is due. A record that waits holds back those behind it, as it does those of its
    /// lead in the service.
    pub fn work(&mut self, outside: &mut Outside<'_>) {
        while self.queue.front().is_some_and(|next| next.due <= *outside.now) {
            let delivery = self.queue.pop_front().expect("there is one");
            if self.disabled[delivery.from] {
                self.kept.push(delivery);
                continue;
            }
            if self.is_superseded(&delivery, *outside.now) {
                self.coverage.code(Code::Superseded);
                continue;
            }
            self.attempt(delivery, outside);
        }
    }

    /// Whether a newer change of the same lead waits too and holds all of this one.
    fn is_superseded(&self, delivery: &Delivery, now: Timestamp) -> bool {
        let is_same = |later: &&Delivery| {
            (later.from, later.item.lead_id()) == (delivery.from, delivery.item.lead_id())
                && later.attempts == 0
                && later.item.entity() == Entity::Lead
        };
        let mut later = self.queue.iter().take(4).filter(is_same).peekable();
        if delivery.attempts > 0 || later.peek().is_none() {
            return false;
        }
        let mut context = self.context(delivery.from, now);
        let without = self.lacks(Protection::GivingWay).then(|| {
            let mut connector = context.connector.clone();
            connector.conflict.first_meeting = FirstMeeting::FillBlank;
            connector
        });
        context.connector = without.as_ref().unwrap_or(context.connector);
        let mut work = self.open(delivery);
        let keys = work.keys(&context);
        work.may_give_way(&context)
            && later.any(|later| {
                let mut later = self.open(later);
                let finds_it = later.keys(&context) == keys || work.is_linked();
                later.may_give_way(&context) && finds_it && later.stands_in_for(&work)
            })
    }

    /// Tells a record what the directory says about its keys: the account is read now and then.
    fn hint(&mut self, work: &mut Work, from: usize, outside: &Outside<'_>) {
        // Chance is left to what the worlds are made of.
        let draw = self.attempts.wrapping_mul(2_654_435_761) >> 8;
        if draw.is_multiple_of(7) {
            let account = &outside.accounts[1 - from];
            let mut leads: BTreeMap<String, Vec<LeadId>> = BTreeMap::new();
            for (id, lead) in &account.leads {
                for field in account.catalogue.fields.iter() {
                    let value = lead.get(&field.schema_name).unwrap_or_default();
                    let reading = Reading::default();
                    let form = directory::form(&field.schema_name, field.kind, value, &reading);
                    if let Some(form) = form {
                        leads.entry(form).or_default().push(id.clone());
                    }
                }
            }
            self.directories[1 - from] = Some(leads);
        }
        let Some(leads) = &self.directories[1 - from] else { return };
        if draw.is_multiple_of(3) || !work.is_unmatched() {
            return;
        }
        let mut hints = Hints::new(true, draw.is_multiple_of(2));
        for key in work.keys(&self.context(from, *outside.now)) {
            let form = directory::form_of(&key);
            let found = form.and_then(|form| leads.get(&form)).into_iter().flatten();
            hints.add(&key.field, found.cloned());
        }
        work.take_hints(hints);
    }

    /// The record, with what is stored about it.
    fn open(&self, delivery: &Delivery) -> Work {
        let mut work = Work::new(delivery.item.clone());
        let source = account_id(delivery.from);
        if !delivery.is_event && !self.lacks(Protection::Looked) {
            work.is_no_event();
        }
        if delivery.is_retry {
            work.ask_again();
        }
        if delivery.doubtful && !self.lacks(Protection::Looking) {
            work.doubt();
        }
        self.hand_links(&mut work, delivery.from);
        for review in self.reviews.standing().filter(|_| !self.lacks(Protection::Reviews)) {
            work.take_review(review, source);
        }
        let is_gone = work.lead_id().is_some_and(|id| self.gone.contains(&(delivery.from, id)));
        if is_gone && !self.lacks(Protection::Graves) {
            work.was_gone();
        }
        work
    }

    /// Hands over the links of the record, without what is switched off.
    fn hand_links(&self, work: &mut Work, from: usize) {
        let lead_id = work.lead_id().map(String::from);
        let own = work.id();
        for id in [lead_id, own].into_iter().flatten() {
            let Some(mut link) = self.link_of(from, &id).cloned() else { continue };
            if self.lacks(Protection::ActivityLink) && link.entity == Entity::Activity {
                continue;
            }
            for end in [&mut link.first, &mut link.second] {
                match self.without {
                    Some(Protection::Sent) => end.given = None,
                    Some(Protection::Base) => end.base = Snapshot::default(),
                    Some(Protection::Left) => end.left.clear(),
                    Some(Protection::Disputed) => end.disputed.clear(),
                    Some(Protection::Breaker) => end.turns.clear(),
                    Some(Protection::DoubtOfFailures) => end.past.doubtful.clear(),
                    Some(Protection::Versions) => (end.seen, end.wrote) = (None, None),
                    _ => {}
                }
            }
            work.take_link(&link, account_id(from));
        }
    }

    /// Works one delivery to its end, to a crash, or to a time to wait for.
    fn attempt(&mut self, delivery: Delivery, outside: &mut Outside<'_>) {
        let from = delivery.from;
        let mut work = self.open(&delivery);
        let before = Before::of(&work, from);
        (self.attempts, self.repeats, self.found_gone) = (self.attempts + 1, 0, false);
        let (now, id) = (*outside.now, work.id().unwrap_or_default());
        self.story.add(|| format!("{now} from {from} about {id}"));
        self.hint(&mut work, from, outside);
        for _ in 0..MOST_TURNS {
            if outside.crashes() {
                self.note(&work, &before);
                return self.crash(delivery, work.is_doubtful());
            }
            *outside.now += SignedDuration::from_millis(40);
            if [Protection::Base, Protection::Sent, Protection::Breaker, Protection::Versions]
                .iter()
                .any(|it| self.lacks(*it))
            {
                self.hand_links(&mut work, from);
            }
            let next = work.next(&self.context(from, *outside.now));
            self.coverage.step(&next.step);
            self.keep(&next.effects);
            let end = match next.step {
                Step::Call(call) => match self.call(&mut work, &delivery, &call, outside) {
                    Called::On => continue,
                    Called::Crashed { doubtful } => {
                        self.note(&work, &before);
                        return self.crash(delivery, doubtful || work.is_doubtful());
                    }
                    Called::Ended(outcome) => outcome,
                },
                Step::End(outcome) => outcome,
                Step::Ask(review) => {
                    let outcome = Outcome::failed(review.problem());
                    if let Some(lead) = work.lead_id() {
                        self.reviews.keep(from, lead, &review, work.knows_decision());
                    }
                    outcome
                }
                Step::NeedsMetadata { .. } => {
                    self.read_metadata(outside.accounts);
                    continue;
                }
            };
            self.note(&work, &before);
            return self.end(delivery, &work, &end, *outside.now);
        }
        panic!("{MOST_TURNS} turns brought no end:\n{}", self.story.text());
    }

    /// The service dies, and comes again: what is stored is known, a doubt too.
    fn crash(&mut self, delivery: Delivery, doubtful: bool) {
        self.story.add(|| "  crash".to_owned());
        let doubtful = delivery.doubtful || doubtful;
        let attempts = delivery.attempts + 1;
        self.queue.push_front(Delivery { doubtful, attempts, ..delivery });
    }

    /// Makes a call, alone or in one for many.
    fn call(
        &mut self,
        work: &mut Work,
        delivery: &Delivery,
        call: &Call,
        outside: &mut Outside<'_>,
    ) -> Called {
        let from = delivery.from;
        let context = self.context(from, *outside.now);
        let side = usize::from(context.account(call.party()).id != account_id(0));
        let by = self.operation(work, call, from, outside);
        let intent = work.sending(call, &context);
        if !self.lacks(Protection::Intent) {
            self.keep(&intent);
        }
        self.coverage.call(call);
        self.story.add(|| format!("  {call:?} by {}", by.as_str()));
        if outside.crashes() {
            return Called::Crashed { doubtful: call.writes() };
        }
        let sent = *outside.now;
        let mut answer = outside.answer(side, call, by);
        self.story.add(|| format!("    {answer:?}"));
        if outside.crashes() {
            return Called::Crashed { doubtful: call.writes() };
        }
        if let Some(posted) = self.posted(call, delivery) {
            answer = posted;
        }
        if self.lacks(Protection::Finding) && matches!(call, Call::FindLead(_)) {
            answer = Answer::Leads(Vec::new());
        }
        let is_look =
            matches!(call, Call::ReadActivities(read) if read.party == Party::Destination);
        if self.lacks(Protection::Past) && is_look && !work.is_doubtful() {
            answer = Answer::Activities(ActivityPage::default());
        }
        if is_mute(by, call, &answer) {
            work.go_alone();
            self.repeats += 1;
            return Called::On;
        }
        if answer == Answer::Failed(Failure::RateLimited(None)) {
            *outside.now += WINDOW;
        }
        if self.lacks(Protection::Exists) && by == Operation::BulkCreate && is_duplicate(&answer) {
            return Called::Ended(Outcome {
                event: Event::Skipped,
                ending: Ending::Final(SyncStatus::Success),
                problem: None,
                destination_id: None,
            });
        }
        let context = self.context(from, *outside.now);
        let mut effects = work.answered(&context, call, by, answer, sent);
        loop {
            self.keep(&effects);
            let lookup = effects.iter().find_map(|effect| match effect {
                Effect::FindLinks { ids } => Some(ids.clone()),
                _ => None,
            });
            if let Some(outcome) = effects.into_iter().find_map(|effect| match effect {
                Effect::End(outcome) => Some(outcome),
                _ => None,
            }) {
                return Called::Ended(outcome);
            }
            let Some(ids) = lookup else { return Called::On };
            let found: Vec<Link> = if self.lacks(Protection::Ties) {
                Vec::new()
            } else {
                ids.iter().filter_map(|id| self.link_of(1 - from, id)).cloned().collect()
            };
            effects = work.links_found(&self.context(from, *outside.now), &found);
        }
    }

    /// By which operation a call is made: half of those that may share a call with others do.
    fn operation(
        &self,
        work: &Work,
        call: &Call,
        from: usize,
        outside: &mut Outside<'_>,
    ) -> Operation {
        let always = (self.lacks(Protection::CreatesOnce) || self.lacks(Protection::Exists))
            && matches!(call, Call::Capture(_));
        let context = self.context(from, *outside.now);
        if !always && (work.goes_alone(call, &context) || outside.chance.of(500)) {
            return call.operation();
        }
        match call {
            Call::ReadLead(_) => Operation::LeadsByIds,
            Call::Capture(_) if self.lacks(Protection::CreatesOnce) => Operation::BulkCreate,
            Call::Capture(Capture { update: true, on_create, .. })
                if on_create.is_empty() && !self.lacks(Protection::Exists) =>
            {
                Operation::BulkCapture
            }
            Call::Capture(Capture { creates_once: true, .. }) => Operation::BulkCreate,
            Call::UpdateLead(_) => Operation::BulkUpdate,
            Call::CreateActivity(_) => Operation::BulkCreateActivities,
            Call::UpdateActivity(_) => Operation::BulkUpdateActivities,
            call => call.operation(),
        }
    }

    /// What the source posted, in place of what it holds now.
    fn posted(&self, call: &Call, delivery: &Delivery) -> Option<Answer> {
        let is_own = matches!(
            call,
            Call::ReadLead(ReadLead { which: Which::Own, .. })
                | Call::ReadActivities(ReadActivities { party: Party::Source, .. })
        );
        (is_own && self.lacks(Protection::Reading)).then(|| match call {
            Call::ReadActivities(_) => {
                Answer::Activities(ActivityPage { rows: vec![delivery.item.state()], total: 1 })
            }
            _ => Answer::Leads(vec![delivery.item.state()]),
        })
    }

    fn keep(&mut self, effects: &[Effect]) {
        for effect in effects {
            self.coverage.effect(effect);
            match effect {
                Effect::Link(link) => {
                    let is_other = |old: &Link| {
                        old.first.id != link.first.id && old.second.id != link.second.id
                    };
                    self.links.retain(is_other);
                    self.links.push(Link::clone(link));
                }
                Effect::Gone { account, lead_id } => {
                    let side = usize::from(*account == account_id(1));
                    self.gone.insert((side, lead_id.clone()));
                    self.found_gone = true;
                }
                Effect::FindLinks { .. } | Effect::End(_) => {}
            }
        }
    }

    /// Notes what the attempt was about.
    fn note(&mut self, work: &Work, before: &Before) {
        let calls = work.calls() - self.repeats;
        let [linked, any, activity] = &mut self.most_calls;
        match work.entity() {
            Entity::Activity => *activity = calls.max(*activity),
            Entity::Lead if before.is_linked && !self.found_gone => *linked = calls.max(*linked),
            Entity::Lead => *any = calls.max(*any),
        }
        let Some(lead) = work.lead_id() else { return };
        for dispute in work.explanation().map(|it| it.disputes).unwrap_or_default() {
            self.story.add(|| format!("  dispute {dispute:?}"));
            let had_met = before.met.contains(&dispute.field);
            if dispute.ruling == Ruling::Left && had_met {
                self.strangers = Some(dispute.clone());
            }
            self.disputes.push(Noted { lead: lead.clone(), dispute, had_met });
        }
    }

    /// Ends an attempt.
    fn end(&mut self, delivery: Delivery, work: &Work, outcome: &Outcome, now: Timestamp) {
        self.story.add(|| format!("  {outcome:?}"));
        self.reviews.solve(work.solved_by(outcome));
        let code = outcome.problem.as_ref().map(|problem| problem.code);
        if let Some(code) = code {
            self.coverage.code(code);
        }
        let attempts = delivery.attempts + 1;
        let again = |doubtful: bool, tries: u32, due: Timestamp| Delivery {
            doubtful: doubtful || work.is_doubtful(),
            is_retry: delivery.is_retry,
            tries,
            due,
            attempts,
            ..delivery.clone()
        };
        match outcome.ending {
            Ending::Final(SyncStatus::Success) => {
                if code == Some(Code::LeftAlone) {
                    self.left_alone.push(Undone { delivery, code: Code::LeftAlone });
                } else {
                    debug_assert!(outcome.event != Event::Failed);
                    if let Some(done) = &mut self.done {
                        done.push(Delivery { tries: 0, attempts: 1, doubtful: false, ..delivery });
                    }
                }
            }
            Ending::Final(SyncStatus::Error) => {
                let code = code.expect("a failure has a reason");
                self.frozen += usize::from(code == Code::Alternates);
                let mut delivery = again(false, 0, now);
                delivery.doubtful &= !self.lacks(Protection::DoubtOfFailures);
                self.failed.push(Undone { delivery, code });
            }
            Ending::Held(until) => {
                let due = until.unwrap_or(now + HELD);
                self.queue.push_front(again(false, delivery.tries, due));
            }
            Ending::Again { doubtful, most } => {
                let tries = delivery.tries + 1;
                if let Some(delay) = retry::delay_of(most, tries, 0.5) {
                    self.queue.push_front(again(doubtful, tries, now + delay));
                } else {
                    let code = code.expect("a failure has a reason");
                    let delivery = again(doubtful, 0, now);
                    self.failed.push(Undone { delivery, code });
                }
            }
        }
    }

    /// What is stored, as a backup keeps it.
    pub fn backup(&self) -> Backup {
        Backup {
            links: self.links.clone(),
            gone: self.gone.clone(),
            queue: self.queue.clone(),
            failed: self.failed.clone(),
        }
    }

    /// A backup takes the place of what is stored.
    pub fn restore(&mut self, backup: Backup, now: Timestamp) {
        self.story.add(|| format!("{now} restored, to {} links", backup.links.len()));
        let Backup { links, gone, queue, failed } = backup;
        (self.links, self.gone, self.queue, self.failed) = (links, gone, queue, failed);
        self.unbroken = now;
    }

    /// A person asks to retry what failed.
    pub fn retry_all(&mut self, now: Timestamp) {
        for undone in std::mem::take(&mut self.failed) {
            self.queue.push_back(Delivery { is_retry: true, due: now, ..undone.delivery });
        }
    }

    /// A person asks to retry something that went well, whatever came after it.
    pub fn retry_one(&mut self, chance: &mut Chance, now: Timestamp) {
        let Some(done) = self.done.as_ref().filter(|done| !done.is_empty()) else { return };
        let again = Delivery { is_retry: true, due: now, ..chance.one(done).clone() };
        self.story.add(|| format!("{now} retried: from {} {:?}", again.from, again.item.id()));
        self.queue.push_back(again);
    }

    /// A person decides a review, or undoes a decision; what waited for it is tried again.
    pub fn decide(&mut self, id: i64, choice: Option<Choice>, now: Timestamp) {
        self.story.add(|| format!("{now} review {id}: {choice:?}"));
        let review = self.reviews.of(id);
        review.state = if choice.is_some() { State::Decided } else { State::Open };
        let is_undone = choice.is_none();
        review.choice = choice;
        let (source, lead) =
            (usize::from(review.source == account_id(1)), review.source_id.clone());
        let there = review.destination_id.clone();
        if is_undone {
            let side = pair().side(account_id(source));
            self.links.retain(|link| link.end(side).id != lead.as_str());
            return;
        }
        let is_its = |undone: &Undone| {
            let delivery = &undone.delivery;
            let waited = Reason::from_code(undone.code).is_some() || undone.code == Code::LeftAlone;
            let about = delivery.item.lead_id();
            waited
                && (delivery.from == source && about.as_ref() == Some(&lead)
                    || delivery.from != source && about.is_some() && about == there)
        };
        for list in [&mut self.failed, &mut self.left_alone] {
            let (its, others) = std::mem::take(list).into_iter().partition(is_its);
            *list = others;
            let its: Vec<Undone> = its;
            for undone in its {
                self.queue.push_back(Delivery { is_retry: true, due: now, ..undone.delivery });
            }
        }
    }
}

/// What was known of a lead before an attempt.
struct Before {
    is_linked: bool,
    /// The fields of the destination that the two agreed about once.
    met: BTreeSet<String>,
}

impl Before {
    fn of(work: &Work, from: usize) -> Self {
        let side = pair().side(account_id(1 - from));
        let links = work.links().filter(|link| link.entity == Entity::Lead);
        let met = links.map(|link| link.end(side)).flat_map(|end| {
            let has_met = |field: &&String| !end.left.contains(*field);
            end.base.0.keys().filter(has_met).cloned()
        });
        let met = met.collect();
        Self { is_linked: work.is_linked(), met }
    }
}

/// What came of a call.
enum Called {
    On,
    Ended(Outcome),
    Crashed { doubtful: bool },
}

/// Whether the account refuses a lead because it has one with the same unique value.
fn is_duplicate(answer: &Answer) -> bool {
    let Answer::Failed(Failure::Refused { exception, .. }) = answer else { return false };
    exception.as_deref() == Some("MXDuplicateEntryException")
}

/// Whether a call for many does not tell what is wrong with this one: it will be told alone. What is
/// no refusal of LeadSquared's own may have taken effect, and is never repeated like that.
fn is_mute(by: Operation, call: &Call, answer: &Answer) -> bool {
    if by == call.operation() {
        return false;
    }
    let refusal = match answer {
        Answer::Failed(Failure::Refused { exception, .. }) => exception.as_deref(),
        _ => None,
    };
    match by {
        Operation::LeadsByIds => *answer == Answer::Leads(Vec::new()) || refusal.is_some(),
        Operation::BulkUpdate => refusal.is_some_and(|name| name.starts_with("MX")),
        // The whole call is refused, not this row of it.
        _ => refusal == Some("MXInvalidInputException"),
    }
}

fn connector(definition: Definition, side: usize, catalogues: &[Catalogue; 2]) -> Connector {
    let (here, there) = (&catalogues[side], &catalogues[1 - side]);
    Connector {
        leads: Mapping::new(&definition, here, there),
        activities: ActivityMapping::new(&definition, here, there),
        definition,
    }
}

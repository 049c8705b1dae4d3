//! The service as small as can be: a queue of deliveries and what is stored. It drives [`Work`],
//! makes its calls and keeps its effects; it can be crashed before and after each call, and each of
//! its protections can be switched off.

mod attempt;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use plan::activity::ActivityMapping;
use plan::connector::{Definition, FirstMeeting};
use plan::directory::{self, Hints};
use plan::id::{AccountId, LeadId};
use plan::link::{Link, Pair};
use plan::mapping::Mapping;
use plan::metadata::Catalogue;
use plan::outcome::Entity;
use plan::payload::Item;
use plan::problem::Code;
use plan::review::{Choice, Dispute, Reason, State};
use plan::snapshot::Snapshot;
use plan::value::Reading;
use plan::work::{self, Context, Opposite, Work};

use super::account::Account;
use super::chance::Chance;
use super::coverage::Coverage;
use super::outside::Outside;
use super::protection::Protection;
use super::reviews::Reviews;
use super::story::Story;

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

fn connector(definition: Definition, side: usize, catalogues: &[Catalogue; 2]) -> Connector {
    let (here, there) = (&catalogues[side], &catalogues[1 - side]);
    Connector {
        leads: Mapping::new(&definition, here, there),
        activities: ActivityMapping::new(&definition, here, there),
        definition,
    }
}

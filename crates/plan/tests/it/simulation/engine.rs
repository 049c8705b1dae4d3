//! A shell around the plan as small as can be: it carries out decisions as the dispatcher does, and
//! can be crashed before and after each call.

use std::collections::{BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use plan::connector::Definition;
use plan::decide::{self, Case, Change, Decision, Dispute, Known, Opposite, Ruling, Sought, Why};
use plan::id::AccountId;
use plan::link::{Link, Pair};
use plan::mapping::Mapping;
use plan::operation::Operation;
use plan::outcome::Entity;
use plan::payload::{self, Item, Removal};
use plan::snapshot::Snapshot;

use super::account::Account;
use super::chance::Chance;

/// A protection that is switched off, to see that the checks notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// The base of the two sides: nothing is known of what they held when they last agreed.
    Base,
    /// The order by the accounts' own times.
    Versions,
    /// The other side is looked at, and what it changed merged.
    Merge,
    /// What is about to be written is kept before the call.
    Intent,
    /// Fields that go back and forth are frozen.
    Breaker,
    /// Leads that are gone are known, so that a late webhook does not make them again.
    Graves,
}

/// One of the two opposite connectors.
pub struct Direction {
    pub definition: Definition,
    pub mapping: Mapping,
}

/// A webhook that waits to be worked.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub from: usize,
    pub lead: Snapshot,
    /// What it tells of, if the lead is gone.
    pub removal: Option<Removal>,
    pub doubtful: bool,
}

impl Delivery {
    fn item(&self) -> Item {
        let Some(removal) = self.removal else {
            return Item::from_state(Entity::Lead, &self.lead);
        };
        let body = serde_json::to_vec(&self.lead).unwrap();
        payload::read_removals(&body, None, removal).unwrap().remove(0)
    }
}

pub struct Engine {
    pub directions: [Direction; 2],
    pub links: Vec<Link>,
    /// Leads that were linked, and are not in their account any more.
    pub gone: BTreeSet<String>,
    pub queue: VecDeque<Delivery>,
    pub without: Option<Protection>,
    pub disputes: Vec<(String, Dispute)>,
    pub frozen: usize,
    /// Times that a person was asked who a lead is, or whose value holds.
    pub reviews: usize,
    /// A field that was treated as if the two sides had never met, although they had.
    pub strangers: Option<Dispute>,
    /// The most calls that one delivery took, reads too: about a lead that was linked, and any.
    pub most_calls: [usize; 2],
    /// What happened, for a seed that fails; it is only told when one is looked at.
    pub story: Story,
}

/// What happened, in words.
#[derive(Debug, Default)]
pub struct Story(pub Option<Vec<String>>);

impl Story {
    pub fn add(&mut self, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.0 {
            lines.push(line());
        }
    }

    pub fn text(&self) -> String {
        self.0.iter().flatten().fold(String::new(), |text, line| text + line + "\n")
    }
}

/// What may go wrong with a call, in thousandths.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    pub lost_before: u64,
    pub lost_after: u64,
    pub crash: u64,
}

/// The world outside of the engine.
pub struct Outside<'a> {
    pub accounts: &'a mut [Account; 2],
    pub now: &'a mut Timestamp,
    pub faults: Faults,
    pub chance: &'a mut Chance,
}

impl Outside<'_> {
    /// Makes a call that writes; `None` if its answer is lost, before it took effect or after.
    fn call<T>(&mut self, write: impl FnOnce(&mut [Account; 2]) -> T) -> Option<T> {
        if self.chance.of(self.faults.lost_before) {
            return None;
        }
        let answer = write(self.accounts);
        (!self.chance.of(self.faults.lost_after)).then_some(answer)
    }
}

/// One attempt at a delivery.
struct Pass {
    from: usize,
    item: Item,
    known: Known,
}

enum Step {
    On,
    Ended,
    /// A write got no answer.
    Lost,
}

impl Pass {
    /// The lead that was to be written to is not there any more, as the dispatcher takes it.
    fn twin_gone(&mut self) -> Step {
        if std::mem::replace(&mut self.known.twin_gone, true) {
            return Step::Ended;
        }
        (self.known.lead, self.known.lead_id, self.known.keys_tried) = (None, None, 0);
        self.known.wrote.clear();
        Step::On
    }
}

/// More steps bring no record to its end.
const MOST_STEPS: usize = 16;

pub fn account_id(number: usize) -> AccountId {
    AccountId(i64::try_from(number).unwrap() + 1)
}

impl Engine {
    fn link_of(&self, side: usize, id: &str) -> Option<&Link> {
        let pair = Pair::of(account_id(0), account_id(1));
        self.links.iter().find(|link| link.end(pair.side(account_id(side))).id == id)
    }

    fn keep(&mut self, link: Option<Link>) {
        let Some(link) = link else { return };
        self.links.retain(|old| old.first.id != link.first.id && old.second.id != link.second.id);
        self.links.push(link);
    }

    fn lacks(&self, protection: Protection) -> bool {
        self.without == Some(protection)
    }

    /// Works one delivery to its end, a crash, or a lost call; then it is queued again.
    pub fn work(&mut self, delivery: Delivery, world: &mut Outside<'_>) {
        let mut pass = Pass {
            from: delivery.from,
            item: delivery.item(),
            known: Known { doubtful: delivery.doubtful, ..Known::default() },
        };
        pass.known.fresh = self.lacks(Protection::Versions);
        pass.known.was_gone = pass.item.lead_id().is_some_and(|id| self.gone.contains(id))
            && !self.lacks(Protection::Graves);
        let is_linked = self.with(&pass, *world.now, |case| case.link.is_some());
        let mut calls = 0;
        for _ in 0..MOST_STEPS {
            if world.chance.of(world.faults.crash) {
                self.story.add(|| "  crash".to_owned());
                self.queue.push_front(delivery);
                return;
            }
            *world.now += SignedDuration::from_millis(40);
            let decision = self.with(&pass, *world.now, decide::decide);
            self.note_disputes(&pass, *world.now);
            self.story.add(|| format!("  {decision:?}"));
            calls += usize::from(Operation::carrying_out(&decision).is_some());
            let [linked, any] = &mut self.most_calls;
            *any = calls.max(*any);
            if is_linked && !pass.known.twin_gone {
                *linked = calls.max(*linked);
            }
            match self.carry_out(&mut pass, decision, world) {
                Step::On => {}
                Step::Ended => return,
                Step::Lost => {
                    self.queue.push_front(Delivery { doubtful: true, ..delivery });
                    return;
                }
            }
        }
        panic!("{MOST_STEPS} steps brought no end:\n{}", self.story.text());
    }

    fn carry_out(&mut self, pass: &mut Pass, decision: Decision, world: &mut Outside<'_>) -> Step {
        let (from, to, now) = (pass.from, 1 - pass.from, *world.now);
        match decision {
            Decision::Refuse { .. } | Decision::Skip { .. } => return Step::Ended,
            Decision::Freeze { tripped } => {
                self.frozen += 1;
                let until = now + SignedDuration::from_hours(24);
                let freeze = |case: &Case<'_>| {
                    case.link.map(|link| decide::freeze(link, case, &tripped, until))
                };
                let link = self.with(pass, now, freeze);
                self.keep(link);
                return Step::Ended;
            }
            Decision::Unchanged { why, destination_id } => {
                let id = destination_id.filter(|_| why != Why::Stale);
                let link = id.and_then(|id| {
                    self.with(pass, now, |case| decide::settle(case, &id, &[], None))
                });
                self.keep(link);
                return Step::Ended;
            }
            Decision::Adopt { lead_id } => {
                let link = self.with(pass, now, |case| decide::adopt(case, &lead_id, now));
                self.keep(link);
            }
            Decision::ReadSource { lead_id } => {
                let lead = world.accounts[from].leads.get(&lead_id);
                (pass.known.fresh, pass.known.source_gone) = (true, lead.is_none());
                if let Some(lead) = lead {
                    pass.item = Item::from_state(Entity::Lead, lead);
                }
            }
            Decision::ReadOther { lead_id } => {
                let lead = world.accounts[from].leads.get(&lead_id).cloned();
                pass.known.others.insert(lead_id, lead);
            }
            Decision::Look { by } => {
                pass.known.take_found(&by, world.accounts[to].found(&by));
                if let Sought::Id(id) = by
                    && pass.known.twin_gone
                {
                    self.gone.insert(id);
                }
                self.tie(pass);
            }
            Decision::Review { .. } => {
                self.reviews += 1;
                return Step::Ended;
            }
            Decision::Capture { mut fields, update, on_create, .. } => {
                fields.extend(on_create);
                let is_linked = self.with(pass, now, |case| case.link.is_some());
                if is_linked {
                    self.announce(pass, now, &fields, false);
                }
                let made = world.call(|accounts| {
                    let made = accounts[to].create(&fields, now, true);
                    if let (Err(id), true) = (&made, update) {
                        accounts[to].update(id, &fields, now, true);
                    }
                    made
                });
                match made {
                    None => return Step::Lost,
                    Some(Err(id)) if !update => pass.known.lead_id = Some(id),
                    Some(Ok(id) | Err(id)) => {
                        let settle =
                            |case: &Case<'_>| decide::settle(case, &id, &fields, Some(now));
                        let link = self.with(pass, now, settle);
                        self.keep(link);
                        return Step::Ended;
                    }
                }
            }
            Decision::Update { lead_id, fields } => {
                return self.update(pass, lead_id, fields, world);
            }
            Decision::UpdateSource { lead_id, fields } => {
                return self.update_source(pass, &lead_id, fields, world);
            }
            other => panic!("no decision about a lead: {other:?}"),
        }
        Step::On
    }

    fn update(
        &mut self,
        pass: &mut Pass,
        lead_id: String,
        fields: Vec<Change>,
        world: &mut Outside<'_>,
    ) -> Step {
        let (to, now) = (1 - pass.from, *world.now);
        self.announce(pass, now, &fields, false);
        match world.call(|accounts| accounts[to].update(&lead_id, &fields, now, true)) {
            None => return Step::Lost,
            Some(true) => {}
            Some(false) => {
                self.gone.insert(lead_id);
                return pass.twin_gone();
            }
        }
        let settle = |case: &Case<'_>| decide::settle(case, &lead_id, &fields, Some(now));
        let link = self.with(pass, now, settle);
        self.keep(link);
        if self.lacks(Protection::Merge) || pass.item.removal().is_some() {
            return Step::Ended;
        }
        pass.known.wrote.extend(fields);
        Step::On
    }

    fn update_source(
        &mut self,
        pass: &mut Pass,
        lead_id: &str,
        fields: Vec<Change>,
        world: &mut Outside<'_>,
    ) -> Step {
        let (from, now) = (pass.from, *world.now);
        self.announce(pass, now, &fields, true);
        match world.call(|accounts| accounts[from].update(lead_id, &fields, now, true)) {
            None => return Step::Lost,
            Some(true) => {}
            // It fails, until the lead is seen from the other side.
            Some(false) => return Step::Ended,
        }
        let link = self.with(pass, now, |case| decide::settle_back(case, &fields, now));
        self.keep(link);
        pass.known.wrote_back.extend(fields);
        Step::On
    }

    /// Sees whose the leads are that were found.
    fn tie(&self, pass: &mut Pass) {
        let (from, to) = (pass.from, 1 - pass.from);
        let side = Pair::of(account_id(0), account_id(1)).side(account_id(from));
        let found: Vec<String> = pass.known.found().map(str::to_owned).collect();
        for id in found {
            let twin = self.link_of(to, &id).map(|link| link.end(side).id.clone());
            let twin = twin.filter(|twin| Some(twin.as_str()) != pass.item.lead_id());
            pass.known.ties.extend(twin.map(|twin| (id, twin)));
        }
    }

    fn note_disputes(&mut self, pass: &Pass, now: Timestamp) {
        let pair = Pair::of(account_id(0), account_id(1));
        let side = pair.side(account_id(1 - pass.from));
        let Some(lead) = pass.item.lead_id().map(str::to_owned) else { return };
        for dispute in self.with(pass, now, decide::disputes) {
            self.story.add(|| format!("  dispute {dispute:?}"));
            let link = self.link_of(pass.from, &lead);
            let had_met =
                link.is_some_and(|link| link.end(side).base.get(&dispute.field).is_some());
            if dispute.ruling == Ruling::Left && had_met {
                self.strangers = Some(dispute.clone());
            }
            self.disputes.push((lead.clone(), dispute));
        }
    }

    fn announce(&mut self, pass: &Pass, now: Timestamp, fields: &[Change], in_source: bool) {
        if !self.lacks(Protection::Intent) {
            let link = self.with(pass, now, |case| decide::announce(case, fields, in_source));
            self.keep(link);
        }
    }

    fn with<T>(&self, pass: &Pass, now: Timestamp, f: impl FnOnce(&Case<'_>) -> T) -> T {
        let Pass { from, item, known } = pass;
        let Direction { definition, mapping } = &self.directions[*from];
        let back = &self.directions[1 - from];
        let mapped = mapping.apply(item);
        let mut link = item.lead_id().and_then(|id| self.link_of(*from, id)).cloned();
        for end in link.iter_mut().flat_map(|link| [&mut link.first, &mut link.second]) {
            match self.without {
                Some(Protection::Base) => end.base = Snapshot::default(),
                Some(Protection::Breaker) => end.turns.clear(),
                _ => {}
            }
        }
        let opposite = Opposite { connector: &back.definition, mapping: &back.mapping };
        f(&Case {
            connector: definition,
            mapping,
            item,
            mapped: &mapped,
            source: account_id(*from),
            destination: account_id(1 - from),
            link: link.as_ref(),
            known,
            opposite: Some(opposite).filter(|_| !self.lacks(Protection::Merge)),
            now,
        })
    }

    /// Whether a field of a lead is left as it is on purpose.
    pub fn is_left(&self, lead: &str, field: &str) -> bool {
        self.disputes.iter().any(|(id, dispute)| {
            id == lead
                && dispute.field == field
                && matches!(dispute.ruling, Ruling::Left | Ruling::Waits | Ruling::Frozen)
        })
    }
}

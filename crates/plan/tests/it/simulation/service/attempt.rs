//! One attempt at a delivery: its calls, and the effects that are kept.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use plan::link::Link;
use plan::operation::Operation;
use plan::outcome::{Entity, Event, Party, SyncStatus};
use plan::problem::Code;
use plan::retry;
use plan::review::Ruling;
use plan::verdict::Failure;
use plan::work::{
    ActivityPage, Answer, Call, Capture, Effect, Ending, Outcome, ReadActivities, ReadLead, Step,
    Which, Work,
};

use super::{Delivery, Noted, Service, Undone, account_id, pair};
use crate::simulation::outside::Outside;
use crate::simulation::protection::Protection;

/// How long a record waits for an account that refuses its keys.
const HELD: SignedDuration = SignedDuration::from_hours(1);
/// How long an account that is called too often is left alone.
const WINDOW: SignedDuration = SignedDuration::from_mins(1);
/// More turns of one attempt are a loop that `Work` does not see: an account may be called too often
/// for hours.
const MOST_TURNS: usize = 3_000;

impl Service {
    /// Works one delivery to its end, to a crash, or to a time to wait for.
    pub(super) fn attempt(&mut self, delivery: Delivery, outside: &mut Outside<'_>) {
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

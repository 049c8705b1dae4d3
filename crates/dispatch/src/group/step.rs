//! Asking each record whose turn has come for its next step, and turning the steps into calls.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use leadsquared::{
    BULK_ACTIVITIES_MAX, BULK_CREATE_MAX, BULK_CREATE_OR_UPDATE_MAX, BULK_UPDATE_V2_MAX,
};
use plan::id::{AccountId, ConnectorId};
use plan::operation::Operation;
use plan::outcome::SyncStatus;
use plan::problem::{Code, Problem};
use plan::quota::{Draw, Urgency};
use plan::work::{
    ActivityUpdate, Call, Capture, Context, LeadUpdate, NewActivity, Outcome, ReadLead, Step,
};
use store::RecordKey;

use super::book::{Place, Record};
use super::call::{Job, RecordCalls};
use super::effects::After;
use super::lanes::Lane;
use super::route::Route;
use super::worker::Worker;

/// From this many waiting writes of one kind, they share a bulk call.
const BULK_FROM: usize = 3;
/// The most leads that one call reads. A guess: no page says how many it accepts.
const MOST_READ: usize = 100;
/// Once this many of a connector's records have to wait for their account, the rest are skipped: they
/// would have to wait too, and deciding about them is the most expensive part.
const STARVING: u32 = 4;
/// A budget that is empty for longer than this is reported on the record.
const LONG_WAIT: SignedDuration = SignedDuration::from_mins(2);
/// How many of the newest records in a lead's lane are considered as successors.
const MOST_SUCCESSORS: usize = 4;

/// Calls that could share one, by account and connector: the log of a call belongs to one connector.
#[derive(Debug, Default)]
struct Shared {
    /// Captures that may update.
    captures: Vec<(RecordKey, Capture)>,
    /// Captures of leads that are probably new, each with something that only a new lead gets.
    creations: Vec<(RecordKey, Capture)>,
    updates: Vec<(RecordKey, LeadUpdate)>,
    activities: Vec<(RecordKey, NewActivity)>,
    activity_updates: Vec<(RecordKey, ActivityUpdate)>,
    reads: Vec<(RecordKey, ReadLead)>,
}

#[derive(Debug, Default)]
struct Batches {
    shared: HashMap<(AccountId, ConnectorId), Shared>,
    /// How many writes to an account are held back, by urgency.
    writes: HashMap<(AccountId, Urgency), usize>,
}

impl Batches {
    /// How many writes to an account are held back for this urgency, and for all others.
    fn writes(&self, account: AccountId, urgency: Urgency) -> (usize, usize) {
        let of_account = self.writes.iter().filter(|((other, _), _)| *other == account);
        let all: usize = of_account.map(|(_, count)| count).sum();
        let own = self.writes.get(&(account, urgency)).copied().unwrap_or_default();
        (own, all - own)
    }
}

impl Shared {
    /// Holds a call back that may share one with others; returns one that may not.
    fn keep(&mut self, key: RecordKey, call: Call) -> Result<(), Call> {
        match call {
            Call::ReadLead(read) => self.reads.push((key, read)),
            Call::Capture(capture) if capture.update && capture.on_create.is_empty() => {
                self.captures.push((key, capture));
            }
            Call::Capture(capture) if capture.creates_once => self.creations.push((key, capture)),
            Call::UpdateLead(update) => self.updates.push((key, update)),
            Call::CreateActivity(new) => self.activities.push((key, new)),
            Call::UpdateActivity(update) => self.activity_updates.push((key, update)),
            call => return Err(call),
        }
        Ok(())
    }
}

/// The result of a record's turn.
#[derive(PartialEq, Eq)]
enum Turn {
    /// It ended, or a call for it was prepared: others may go now.
    Taken,
    /// It waits for metadata, or for a link.
    Waits,
    /// It waits until its account may be called again.
    Starves,
}

impl Worker {
    /// Gives a turn to every record that may have one, within what the accounts may be called.
    pub(super) fn step(&mut self) {
        self.read_metadata();
        // A page at a time: otherwise each record that waits for it would look up its lead by a
        // single call.
        self.read_directories();
        let mut batches = Batches::default();
        let mut starving: HashMap<(ConnectorId, Urgency), u32> = HashMap::new();
        let is_careful = self.trouble.is_careful(self.steady());
        loop {
            let mut taken = false;
            for key in self.turns() {
                // It may have been closed, with its request, by the turn of another one.
                let Some(record) = self.book.record(key) else { continue };
                let connector = (record.connector, self.urgency(record));
                let starves = starving.get(&connector).is_some_and(|count| *count >= STARVING);
                if starves || !self.book.may_go(key) {
                    continue;
                }
                let record = self.book.take(key);
                self.at_stake = vec![key];
                match self.work_record(record, &mut batches) {
                    // Going one by one shows which record makes the work fail.
                    Turn::Taken if is_careful => break,
                    Turn::Taken => taken = true,
                    Turn::Waits => {}
                    Turn::Starves => *starving.entry(connector).or_default() += 1,
                }
            }
            if !taken {
                break;
            }
        }
        self.at_stake.clear();
        for ((account, _), shared) in batches.shared {
            self.read_leads(account, shared.reads);
            let most = BULK_CREATE_OR_UPDATE_MAX;
            self.write(account, shared.captures, most, RecordCalls::Capture, Call::Capture);
            self.write(
                account,
                shared.creations,
                BULK_CREATE_MAX,
                RecordCalls::Create,
                Call::Capture,
            );
            let most = BULK_UPDATE_V2_MAX;
            self.write(account, shared.updates, most, RecordCalls::Update, Call::UpdateLead);
            let most = BULK_ACTIVITIES_MAX;
            let asked = RecordCalls::CreateActivities;
            self.write(account, shared.activities, most, asked, Call::CreateActivity);
            let asked = RecordCalls::UpdateActivities;
            self.write(account, shared.activity_updates, most, asked, Call::UpdateActivity);
        }
        self.read_sweeps();
        self.read_parities();
        self.read_counts();
        self.read_backfills();
        metrics::gauge!("leadsync_open_records").set(gauge(self.book.open_records()));
    }

    /// The records whose turn may have come, the most urgent first, and otherwise in order of
    /// arrival.
    fn turns(&self) -> Vec<RecordKey> {
        let mut ready = self.book.ready();
        let is_late = |key: &RecordKey| {
            self.book.record(*key).is_some_and(|record| self.urgency(record).can_wait())
        };
        if self.is_opening_late {
            ready.retain(|key| !is_late(key));
        }
        let urgency = |key: &RecordKey| self.book.record(*key).map(|record| self.urgency(record));
        if ready.iter().any(|key| urgency(key) > Some(Urgency::Live)) {
            ready.sort_by_cached_key(urgency);
        }
        ready
    }

    /// The urgency of a record: that of the most urgent record behind it for the same lead, if
    /// higher.
    pub(super) fn urgency(&self, record: &Record) -> Urgency {
        if record.urgency == Urgency::Live {
            return Urgency::Live;
        }
        let behind = record.lanes.iter().flat_map(|lane| self.book.newer(record.key, lane));
        let behind = behind.filter_map(|key| Some(self.book.record(key)?.urgency));
        behind.chain([record.urgency]).min().unwrap_or(record.urgency)
    }

    /// Gives a record its turn.
    fn work_record(&mut self, mut record: Box<Record>, batches: &mut Batches) -> Turn {
        let Some(route) = self.routes.get(record.connector).cloned() else {
            // The connector was removed, and its log with it.
            let now = self.now();
            self.book.close(*record, Place::Final(SyncStatus::Error), now);
            return Turn::Taken;
        };
        if !route.enabled {
            return self.stay(record);
        }
        if let Some(problem) =
            self.closed(route.destination).or_else(|| self.closed_unread(route.source))
        {
            self.conclude(record, Outcome::held(problem, None));
            return Turn::Taken;
        }
        let now = self.steady();
        for id in [route.source, route.destination] {
            let account = self.account(id);
            if account.is_awaited() {
                let may_ask = account.left(Draw::Single, now) > 0;
                return if may_ask { self.stay(record) } else { self.starve(record, id) };
            }
        }
        if record.awaits_directory && self.awaits_directory(&record, route.destination) {
            return self.stay(record);
        }
        let binding = self.binding(&record).expect("the metadata of both accounts is known");
        let context = binding.context(self.moment());
        if let Some(successor) = self.successor(&record, &route, &context) {
            self.conclude(record, Outcome::superseded(successor.request));
            return Turn::Taken;
        }
        let call = loop {
            let next = record.work.next(&context);
            let after = self.keep(next.effects);
            debug_assert!(matches!(after, After::GoesOn), "a step ends an attempt, not an effect");
            match next.step {
                Step::Call(call) => break call,
                Step::End(outcome) => {
                    self.conclude(record, outcome);
                    return Turn::Taken;
                }
                Step::Ask(review) => {
                    self.ask(record, *review);
                    return Turn::Taken;
                }
                Step::NeedsMetadata { older_than } => {
                    let accounts = [route.source, route.destination];
                    let asks = accounts.map(|id| self.account(id).suspect(older_than, now));
                    if asks.contains(&true) {
                        return self.stay(record);
                    }
                }
            }
        };
        if is_told_by_directory(&call) && self.awaits_directory(&record, route.destination) {
            record.awaits_directory = true;
            return self.stay(record);
        }
        let account = context.account(call.party()).id;
        if let Some(problem) = self.closed(account) {
            self.conclude(record, Outcome::held(problem, None));
            return Turn::Taken;
        }
        if record.work.goes_alone(&call, &context) {
            return self.send_alone(record, account, call);
        }
        self.collect(record, account, call, batches)
    }

    fn stay(&mut self, record: Box<Record>) -> Turn {
        self.book.put_back(record);
        Turn::Waits
    }

    /// Waits silently for a budget that recovers within the window; a used-up day is reported.
    fn starve(&mut self, record: Box<Record>, account: AccountId) -> Turn {
        let (now, wall) = (self.steady(), self.now());
        let account = self.account(account);
        match account.budget.next_free(Draw::Single, now) {
            Some(free) if free.duration_since(now) > LONG_WAIT => {
                let free = wall + free.duration_since(now);
                let problem = quota_used_up(account.name(), account.budget.spent_today(), free);
                self.conclude(record, Outcome::held(problem, Some(free)));
                Turn::Taken
            }
            _ => {
                self.book.put_back(record);
                Turn::Starves
            }
        }
    }

    /// A newer waiting change of the same lead that includes this one.
    fn successor(
        &self,
        record: &Record,
        route: &Route,
        context: &Context<'_>,
    ) -> Option<RecordKey> {
        let may_give_way = |record: &Record| {
            record.work.may_give_way(context) && record.attempts == 0 && record.past.is_none()
        };
        if !may_give_way(record) {
            return None;
        }
        let lane = Lane::Id(route.source, record.work.lead_id()?.into());
        self.book.newer(record.key, &lane).take(MOST_SUCCESSORS).find(|other| {
            let Some(other) = self.book.record(*other) else { return false };
            // One that is matched by another key might match another lead, unless they are linked.
            let finds_it = record.work.is_linked()
                || record.lanes.iter().all(|lane| other.lanes.contains(lane));
            finds_it
                && other.connector == record.connector
                && may_give_way(other)
                && other.work.stands_in_for(&record.work)
        })
    }

    fn send_alone(&mut self, record: Box<Record>, account: AccountId, call: Call) -> Turn {
        let (now, urgency) = (self.steady(), self.urgency(&record));
        if self.account(account).room(Draw::Single, urgency, now) == 0 {
            return self.starve(record, account);
        }
        let key = record.key;
        self.book.put_back(record);
        self.prepare(account, Job::Records(RecordCalls::One(key, call)));
        Turn::Taken
    }

    /// Holds a call back until all are known, if it may share one with others.
    fn collect(
        &mut self,
        record: Box<Record>,
        account: AccountId,
        call: Call,
        batches: &mut Batches,
    ) -> Turn {
        let (now, urgency, writes) = (self.steady(), self.urgency(&record), call.writes());
        let state = self.account(account);
        let singles = state.room(Draw::Single, urgency, now) as usize;
        let has_room = if writes {
            let bulks = state.room(Draw::Bulk, urgency, now) as usize;
            let due = state.budget.due(Draw::Bulk, urgency, now) as usize;
            let (own, others) = batches.writes(account, urgency);
            let bulks = bulks.saturating_sub(others.div_ceil(BULK_UPDATE_V2_MAX)).max(due);
            // What can wait does so until a bulk call may be sent for it: a bulk call with few rows
            // would cost as much, and take the room left for live changes.
            let is_awaited = bulks == 0 && urgency.can_wait() && state.budget.takes(Draw::Bulk);
            // Without room for a bulk call, one more than could be sent singly shows that there is a
            // backlog.
            singles + bulks > 0 && own < BULK_FROM.max(bulks * BULK_UPDATE_V2_MAX) && !is_awaited
        } else {
            singles > 0
        };
        let key = record.key;
        let shared = batches.shared.entry((account, record.connector)).or_default();
        if !has_room {
            return self.starve(record, account);
        }
        match shared.keep(key, call) {
            Ok(()) => {
                *batches.writes.entry((account, urgency)).or_default() += usize::from(writes);
                self.book.occupy(record);
                Turn::Taken
            }
            Err(call) => self.send_alone(record, account, call),
        }
    }

    /// Turns reads into calls: one for a single lead, shared ones for a backlog.
    fn read_leads(&mut self, account: AccountId, mut reads: Vec<(RecordKey, ReadLead)>) {
        let now = self.steady();
        let takes_many = self.account(account).takes_many(Operation::LeadsByIds, now);
        let is_few = reads.len() < BULK_FROM || !takes_many;
        while !reads.is_empty() {
            // Those without room are released, and wait for their turn.
            let asked = if is_few || reads.len() == 1 {
                let (key, read) = reads.remove(0);
                RecordCalls::One(key, Call::ReadLead(read))
            } else {
                RecordCalls::ReadLeads(reads.drain(..reads.len().min(MOST_READ)).collect())
            };
            self.prepare(account, Job::Records(asked));
        }
    }

    /// Turns writes of one kind into calls: at once for a single lead, bulk calls for a backlog.
    fn write<T>(
        &mut self,
        account: AccountId,
        rows: Vec<(RecordKey, T)>,
        most: usize,
        bulk: fn(Vec<(RecordKey, T)>) -> RecordCalls,
        alone: fn(T) -> Call,
    ) {
        let takes_many = {
            let (now, operation) = (self.steady(), bulk(Vec::new()).operation());
            self.account(account).takes_many(operation, now)
        };
        let is_few = rows.len() < BULK_FROM || !takes_many;
        let mut rows = rows.into_iter();
        while rows.len() > 0 {
            let now = self.steady();
            let state = self.account(account);
            let (singles, bulks) = (state.left(Draw::Single, now), state.left(Draw::Bulk, now));
            let bulks = if takes_many { bulks } else { 0 };
            if bulks > 0 && (!is_few || singles == 0) {
                let rows = rows.by_ref().take(most).collect();
                self.prepare(account, Job::Records(bulk(rows)));
            } else if let Some((key, row)) = rows.next() {
                // A backlog waits for the next bulk call: single calls would cost more calls, and
                // delay everything.
                if is_few && singles > 0 {
                    self.prepare(account, Job::Records(RecordCalls::One(key, alone(row))));
                } else {
                    self.book.release(key);
                }
            }
        }
    }
}

/// Whether the directory's data may replace this call, or let it share one with others.
fn is_told_by_directory(call: &Call) -> bool {
    match call {
        Call::FindLead(_) => true,
        Call::Capture(capture) => !capture.update || !capture.on_create.is_empty(),
        _ => false,
    }
}

/// A count as a gauge value.
fn gauge(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn quota_used_up(account: &str, spent: u32, free: Timestamp) -> Problem {
    Problem::new(
        Code::Quota,
        format!("Today's API quota of the account {account} is used up: {spent} calls were made."),
        format!(
            "Syncing resumes automatically at {free}. If the account's plan allows more calls, \
             raise the quota in the account settings."
        ),
    )
}

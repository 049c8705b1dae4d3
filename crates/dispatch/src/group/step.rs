//! Deciding about the records whose turn has come, and making calls of the decisions.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use leadsquared::{
    Automations, BULK_ACTIVITIES_MAX, BULK_CREATE_MAX, BULK_CREATE_OR_UPDATE_MAX,
    BULK_UPDATE_V2_MAX,
};
use plan::decide::{self, Decision, Sought};
use plan::id::{AccountId, ConnectorId};
use plan::metadata::Kind;
use plan::outcome::Event;
use plan::problem::Problem;
use plan::quota::Draw;
use store::RecordKey;

use super::call::{Job, Row, Target};
use super::outcome::Outcome;
use super::worker::Worker;

/// From so many waiting writes of one kind on, a bulk call is made of them.
const BULK_FROM: usize = 3;
/// The most leads that one call reads. A guess: no page says how many it takes.
const MOST_READ: usize = 100;
/// The most calls that one attempt makes: more is a defect or a mad account.
const MOST_CALLS: usize = 16;
/// Once so many of a connector's records have to wait for their account, the rest of them is not
/// looked at: they would have to wait too, and looking costs more than anything else here.
const STARVING: u32 = 4;
/// A budget that is empty for longer than this is told to people.
const LONG_WAIT: SignedDuration = SignedDuration::from_mins(2);

/// Writes and reads that could share calls, by account and connector: the log of a call belongs to one
/// connector.
#[derive(Debug, Default)]
struct Writes {
    captures: Vec<(RecordKey, Row)>,
    creations: Vec<(RecordKey, Row)>,
    updates: Vec<(RecordKey, Row)>,
    activities: Vec<(RecordKey, Row)>,
    /// Leads to be read by id.
    reads: Vec<(RecordKey, Job)>,
}

/// Which writes may go in one call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shares {
    Captures,
    /// Captures of leads that are likely new, each with something that only a new lead gets.
    Creations,
    Updates,
    Activities,
}

impl Writes {
    fn of(&mut self, shares: Shares) -> &mut Vec<(RecordKey, Row)> {
        match shares {
            Shares::Captures => &mut self.captures,
            Shares::Creations => &mut self.creations,
            Shares::Updates => &mut self.updates,
            Shares::Activities => &mut self.activities,
        }
    }

    fn len(&self) -> usize {
        [&self.captures, &self.creations, &self.updates, &self.activities]
            .iter()
            .map(|rows| rows.len())
            .sum()
    }
}

/// What came of looking at a record.
#[derive(PartialEq, Eq)]
enum Step {
    /// It ended, or a call for it was made ready: others may go now.
    Taken,
    /// It has to wait for a field list or an answer.
    Waits,
    /// It has to wait until its account may be called again.
    Starves,
}

impl Worker {
    /// Decides about every record whose turn has come, as far as the accounts may be asked.
    pub(super) fn step(&mut self) {
        self.ask_accounts();
        let mut writes: HashMap<(AccountId, ConnectorId), Writes> = HashMap::new();
        let mut starving: HashMap<ConnectorId, u32> = HashMap::new();
        loop {
            let mut taken = false;
            for key in self.book.ready() {
                let Some(connector) = self.book.connector(key) else { continue };
                if starving.get(&connector).is_some_and(|count| *count >= STARVING) {
                    continue;
                }
                match self.step_record(key, &mut writes) {
                    Step::Taken => taken = true,
                    Step::Waits => {}
                    Step::Starves => *starving.entry(connector).or_default() += 1,
                }
            }
            if !taken {
                break;
            }
        }
        for ((account, _), writes) in writes {
            self.read_many(account, writes.reads);
            self.write(account, writes.captures, BULK_CREATE_OR_UPDATE_MAX, Job::BulkCapture);
            self.write(account, writes.creations, BULK_CREATE_MAX, Job::BulkCreate);
            self.write(account, writes.updates, BULK_UPDATE_V2_MAX, Job::BulkUpdate);
            let activities = writes.activities;
            self.write(account, activities, BULK_ACTIVITIES_MAX, Job::BulkCreateActivities);
        }
        metrics::gauge!("leadsync_open_records").set(gauge(self.book.open_records()));
    }

    fn step_record(
        &mut self,
        key: RecordKey,
        writes: &mut HashMap<(AccountId, ConnectorId), Writes>,
    ) -> Step {
        let Some(record) = self.book.record(key) else { return Step::Waits };
        let Some(route) = self.routes.get(&record.connector) else { return Step::Waits };
        let (source, destination) = (route.source, route.destination);
        if !route.enabled {
            return Step::Waits;
        }
        if record.calls.len() >= MOST_CALLS {
            self.conclude(key, Outcome::again(too_many_calls(), true));
            return Step::Taken;
        }
        if let Some(problem) = self.closed(destination).or_else(|| self.closed_unread(source)) {
            self.conclude(key, Outcome::held(problem, None));
            return Step::Taken;
        }
        let now = self.now();
        for id in [source, destination] {
            let Some(account) = self.accounts.get_mut(&id) else { return Step::Waits };
            if account.told.is_awaited() {
                let may_ask = account.room(Draw::Single, now) > 0;
                return if may_ask { Step::Waits } else { self.wait_for_budget(key, id) };
            }
        }
        if self.give_way(key) {
            return Step::Taken;
        }
        let Some(decision) = self.decide(key) else { return Step::Waits };
        self.carry_out(key, decision, writes)
    }

    /// Why nothing is sent to an account, if so.
    fn closed(&self, id: AccountId) -> Option<Problem> {
        self.accounts.get(&id)?.closed().cloned()
    }

    /// Why an account that never told its fields can't do so, if so.
    fn closed_unread(&self, id: AccountId) -> Option<Problem> {
        let account = self.accounts.get(&id)?;
        if account.told.catalogue().is_some() { None } else { account.closed().cloned() }
    }

    /// A budget that comes back within a window is waited for in silence, the day's is not.
    fn wait_for_budget(&mut self, key: RecordKey, account: AccountId) -> Step {
        let now = self.now();
        let Some(account) = self.accounts.get_mut(&account) else { return Step::Waits };
        match account.budget.next_free(Draw::Single, now) {
            Some(free) if free.duration_since(now) > LONG_WAIT => {
                let problem = quota_used_up(account.name(), account.budget.spent_today(), free);
                self.conclude(key, Outcome::held(problem, Some(free)));
                Step::Taken
            }
            _ => Step::Starves,
        }
    }

    fn carry_out(
        &mut self,
        key: RecordKey,
        decision: Decision,
        writes: &mut HashMap<(AccountId, ConnectorId), Writes>,
    ) -> Step {
        let Some(record) = self.book.record(key) else { return Step::Waits };
        let Some(route) = self.routes.get(&record.connector) else { return Step::Waits };
        let (source, destination) = (route.source, route.destination);
        match decision {
            Decision::Refuse { problems } => return self.refuse(key, problems),
            Decision::Skip { problem } => {
                self.conclude(key, Outcome::ended(Event::Skipped).because(problem));
            }
            Decision::Unchanged { why, destination_id } => {
                let outcome = Outcome::ended(record.achieved.unwrap_or(Event::Unchanged));
                let Some(id) = destination_id else {
                    self.conclude(key, outcome);
                    return Step::Taken;
                };
                if why != decide::Why::Stale {
                    let before = record.link.clone();
                    let link = self.with_case(key, |case| decide::settle(case, &id, &[], None));
                    if let Some(link) = link.flatten().filter(|link| before.as_ref() != Some(link))
                    {
                        self.link(link);
                    }
                }
                self.conclude(key, outcome.of(id));
            }
            Decision::ReadSource { lead_id } => {
                if let Some(problem) = self.closed(source) {
                    self.conclude(key, Outcome::held(problem, None));
                    return Step::Taken;
                }
                return self.collect_read(key, source, Job::ReadSource(lead_id), writes);
            }
            Decision::ReadOther { lead_id } => {
                if let Some(problem) = self.closed(source) {
                    self.conclude(key, Outcome::held(problem, None));
                    return Step::Taken;
                }
                return self.collect_read(key, source, Job::ReadOther(lead_id), writes);
            }
            Decision::Create { fields } => {
                let row = Row { target: Target::New, fields };
                return self.collect(key, destination, None, row, writes);
            }
            Decision::Review { review } => self.review(key, *review),
            Decision::Look { by: by @ Sought::Id(_) } => {
                return self.collect_read(key, destination, Job::Look(by), writes);
            }
            Decision::Look { by } => return self.read(key, destination, Job::Look(by)),
            Decision::Capture { key: identity, mut fields, update, on_create } => {
                let shares = if update && on_create.is_empty() {
                    Some(Shares::Captures)
                } else {
                    let once = self.with_lead(key, decide::creates_once).unwrap_or_default();
                    once.then_some(Shares::Creations)
                };
                fields.extend(on_create);
                let row = Row { target: Target::Key { key: identity, update }, fields };
                return self.collect(key, destination, shares, row, writes);
            }
            Decision::Update { lead_id, fields } => {
                let row = Row { target: Target::Id(lead_id), fields };
                return self.collect(key, destination, Some(Shares::Updates), row, writes);
            }
            Decision::UpdateSource { lead_id, fields } => {
                if let Some(problem) = self.closed(source) {
                    self.conclude(key, Outcome::held(problem, None));
                    return Step::Taken;
                }
                let row = Row { target: Target::Back(lead_id), fields };
                return self.collect(key, source, Some(Shares::Updates), row, writes);
            }
            Decision::Adopt { lead_id } => self.adopt(key, &lead_id),
            Decision::Freeze { tripped } => self.freeze(key, &tripped),
            Decision::ReadActivity { lead_id, event } => {
                if let Some(problem) = self.closed(source) {
                    self.conclude(key, Outcome::held(problem, None));
                    return Step::Taken;
                }
                return self.read(key, source, Job::ReadActivity(lead_id, event));
            }
            Decision::LookActivity { lead_id, event } => {
                return self.read(key, destination, Job::LookActivity(lead_id, event));
            }
            Decision::CreateActivity { lead_id, event, fields } => {
                let row = Row { target: Target::NewActivity { lead_id, event }, fields };
                return self.collect(key, destination, Some(Shares::Activities), row, writes);
            }
            Decision::UpdateActivity { activity_id, event, fields } => {
                let row = Row { target: Target::Activity { id: activity_id, event }, fields };
                return self.collect(key, destination, None, row, writes);
            }
        }
        Step::Taken
    }

    /// Refuses a record; but if a field, an option or a type is missing, the destination may have
    /// got it just now.
    fn refuse(&mut self, key: RecordKey, problems: Vec<Problem>) -> Step {
        let now = self.now();
        let suspicious = ["unknown_field", "unknown_activity_type", "missing_option"];
        let missing = problems.iter().any(|problem| suspicious.contains(&problem.code.as_str()));
        if missing && self.fetch_once(key, now) {
            return Step::Waits;
        }
        self.conclude(key, Outcome::refused(problems));
        Step::Taken
    }

    /// Has the destination asked for its fields for this record, unless that was done.
    pub(super) fn fetch_once(&mut self, key: RecordKey, now: Timestamp) -> bool {
        let Some(record) = self.book.record_mut(key) else { return false };
        if std::mem::replace(&mut record.refreshed, true) {
            return false;
        }
        let connector = record.connector;
        let Some(route) = self.routes.get(&connector) else { return false };
        self.accounts.get_mut(&route.destination).is_some_and(|account| account.told.suspect(now))
    }

    fn read(&mut self, key: RecordKey, account: AccountId, job: Job) -> Step {
        let now = self.now();
        let Some(state) = self.accounts.get_mut(&account) else { return Step::Waits };
        if state.room(Draw::Single, now) == 0 {
            return self.wait_for_budget(key, account);
        }
        self.prepare(account, vec![key], job);
        Step::Taken
    }

    /// Keeps a read until all are known.
    fn collect_read(
        &mut self,
        key: RecordKey,
        account: AccountId,
        job: Job,
        writes: &mut HashMap<(AccountId, ConnectorId), Writes>,
    ) -> Step {
        let Some(record) = self.book.record(key) else { return Step::Waits };
        if record.singly {
            return self.read(key, account, job);
        }
        let connector = record.connector;
        let now = self.now();
        let Some(state) = self.accounts.get_mut(&account) else { return Step::Waits };
        if state.room(Draw::Single, now) == 0 {
            return self.wait_for_budget(key, account);
        }
        self.book.occupy(key);
        writes.entry((account, connector)).or_default().reads.push((key, job));
        Step::Taken
    }

    /// Makes calls of reads: one for a lone lead, one for many of a backlog.
    fn read_many(&mut self, account: AccountId, reads: Vec<(RecordKey, Job)>) {
        let most = if reads.len() < BULK_FROM { 1 } else { MOST_READ };
        let mut reads = reads.into_iter();
        while reads.len() > 0 {
            let (keys, mut jobs): (Vec<_>, Vec<_>) = reads.by_ref().take(most).unzip();
            let job = match jobs.pop() {
                Some(job) if jobs.is_empty() => job,
                Some(job) => {
                    jobs.push(job);
                    Job::ReadMany(jobs)
                }
                None => return,
            };
            // What there is no room for any more is released, and waits for its turn.
            self.prepare(account, keys, job);
        }
    }

    /// Keeps a write until all are known; `shares` says which of them may go in one call with it, if any.
    fn collect(
        &mut self,
        key: RecordKey,
        account: AccountId,
        shares: Option<Shares>,
        row: Row,
        writes: &mut HashMap<(AccountId, ConnectorId), Writes>,
    ) -> Step {
        let Some(record) = self.book.record(key) else { return Step::Waits };
        let connector = record.connector;
        let alone = record.singly
            || self.fires(connector, &row)
            || row.fields.iter().any(|change| change.kind == Kind::FieldSet);
        let Some(shares) = shares.filter(|_| !alone) else {
            let job = self.single(key, row);
            return self.read(key, account, job);
        };
        let now = self.now();
        let Some(state) = self.accounts.get_mut(&account) else { return Step::Waits };
        let bulks = state.room(Draw::Bulk, now) as usize;
        let nothing_goes = bulks == 0 && state.room(Draw::Single, now) == 0;
        let collected: usize = writes
            .iter()
            .filter(|((other, _), _)| *other == account)
            .map(|(_, writes)| writes.len())
            .sum();
        // Without room for a bulk call one more than goes singly shows that there is a backlog.
        if nothing_goes || collected >= BULK_FROM.max(bulks * BULK_UPDATE_V2_MAX) {
            return self.wait_for_budget(key, account);
        }
        self.book.occupy(key);
        let writes = writes.entry((account, connector)).or_default();
        writes.of(shares).push((key, row));
        Step::Taken
    }

    /// Makes calls of writes of one kind: one at once for a lone lead, bulk calls for a backlog.
    fn write(
        &mut self,
        account: AccountId,
        rows: Vec<(RecordKey, Row)>,
        most: usize,
        bulk: fn(Vec<Row>) -> Job,
    ) {
        let few = rows.len() < BULK_FROM;
        let mut rows = rows.into_iter();
        while rows.len() > 0 {
            let now = self.now();
            let Some(state) = self.accounts.get_mut(&account) else { return };
            let (singles, bulks) = (state.room(Draw::Single, now), state.room(Draw::Bulk, now));
            if bulks > 0 && (!few || singles == 0) {
                let (keys, rows): (Vec<_>, Vec<_>) = rows.by_ref().take(most).unzip();
                self.prepare(account, keys, bulk(rows));
            } else if let Some((key, row)) = rows.next() {
                // A backlog waits for the next bulk call: single calls for it would be the more
                // calls, and the later for all.
                if few && singles > 0 {
                    let job = self.single(key, row);
                    self.prepare(account, vec![key], job);
                } else {
                    self.book.release(key);
                }
            }
        }
    }

    /// Whether the automations of the account are to see the write: what is written back to the
    /// source is written as the opposite connector would.
    fn fires(&self, connector: ConnectorId, row: &Row) -> bool {
        let Some(route) = self.routes.get(&connector) else { return false };
        let mut routes = self.routes.values();
        let writer = match row.target {
            Target::Back(_) => routes.find(|other| {
                other.enabled
                    && other.source == route.destination
                    && other.destination == route.source
            }),
            _ => Some(route),
        };
        writer.is_some_and(|route| route.definition.lead.trigger_automations)
    }

    fn single(&self, key: RecordKey, row: Row) -> Job {
        let connector = self.book.connector(key);
        let fires = connector.is_some_and(|connector| self.fires(connector, &row));
        let automations = if fires { Automations::Fire } else { Automations::Quiet };
        match row.target {
            Target::Id(_) | Target::Back(_) => Job::Update(row, automations),
            Target::Key { .. } => Job::Capture(row),
            Target::New => Job::BulkCreate(vec![row]),
            Target::NewActivity { .. } => Job::CreateActivity(row),
            Target::Activity { .. } => Job::UpdateActivity(row),
        }
    }
}

/// A count as a gauge shows it.
fn gauge(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn too_many_calls() -> Problem {
    Problem::new(
        Code::TooManyCalls,
        format!("{MOST_CALLS} calls did not bring this record to an end."),
        "Look at its calls in the log: the account answers differently each time.",
    )
}

fn quota_used_up(account: &str, spent: u32, free: Timestamp) -> Problem {
    Problem::new(
        Code::Quota,
        format!("The account {account} may not be called any more today: {spent} calls were made."),
        format!(
            "It goes on by itself at {free}. Raise the account's quota if its plan allows more."
        ),
    )
}

//! The loop.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use plan::id::{AccountId, ConnectorId, IDS_PER_MILLISECOND, RequestId};
use plan::problem::Problem;
use plan::quota::{Draw, Urgency, day_of, hour_of};
use store::{Configuration, Intent, IntentRecord, Lease, Progress, RecordKey, Spent};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Group;
use super::account::Account;
use super::backfill::Running;
use super::book::{Book, Record};
use super::call::{Ended, Job, Prepared, Returned};
use super::counting::Counting;
use super::doubts::Doubts;
use super::guard::Guard;
use super::lanes::Lane;
use super::parity::Comparing;
use super::reads::Arrived;
use super::route::{Binding, Route, Routes};
use super::sweep::Sweeping;
use super::trouble::Trouble;
use crate::Shared;
use crate::pages::Reader;

/// How often a lease is renewed within its time.
const RENEWALS: u32 = 4;

/// How many backfill records' responses are handled before their changes are committed: a change
/// that arrives meanwhile waits for that.
const MOST_LATE: usize = 25;

/// Longer quota windows start anew with each holder of the lease.
const LONGEST_WINDOW: SignedDuration = SignedDuration::from_mins(1);

/// A wall clock that falls behind by more than this has stepped; by less, it was only adjusted.
const STEP: SignedDuration = SignedDuration::from_secs(2);

/// A group while this node has its lease.
pub(super) struct Worker {
    pub(super) shared: Shared,
    pub(super) lease: Lease,
    renewed: Instant,
    pub(super) accounts: HashMap<AccountId, Account>,
    /// The connectors between them.
    pub(super) routes: Routes,
    /// The configuration version in effect here.
    pub(super) configured: i64,
    /// When the store was restored from a backup, if it was.
    pub(super) restored: Option<Timestamp>,
    pub(super) book: Book,
    /// What to store with the next commit.
    pub(super) progress: Progress,
    /// The calls to send after it.
    prepared: Vec<Prepared>,
    calls: JoinSet<Ended>,
    /// Writes whose outcome a crash left unknown, and their intents.
    pub(super) doubts: Doubts,
    pub(super) look_for_work: bool,
    /// Whether a page of a backfill is being opened, portion by portion: its leads share calls, so they
    /// proceed together.
    pub(super) is_opening_late: bool,
    /// Links to look up.
    pub(super) lookups: Vec<Lookup>,
    /// Records that have yet to get what the directory says about their keys.
    pub(super) unhinted: HashSet<RecordKey>,
    /// The running backfills.
    pub(super) backfills: Vec<Running>,
    /// The sweeps of connectors.
    pub(super) sweeps: Vec<Sweeping>,
    /// The comparisons that are running or due.
    pub(super) comparisons: Vec<Comparing>,
    /// The counts of what backfills would do.
    pub(super) counts: Vec<Counting>,
    /// What webhooks changed recently, and which connectors are held.
    pub(super) guard: Guard,
    /// Pages that were read for them.
    pub(super) arrived: Vec<Arrived>,
    /// When to check next whether any was started or paused, on the steady clock.
    pub(super) follows: Timestamp,
    /// Accounts whose metadata was read and has to be stored.
    pub(super) fetched: HashSet<AccountId>,
    /// Connectors whose waiting records may continue.
    pub(super) wake: HashSet<ConnectorId>,
    /// Bugs that ended the work before.
    pub(super) trouble: Trouble,
    /// The records that are to blame if the work fails now.
    pub(super) at_stake: Vec<RecordKey>,
    last_id: (Timestamp, i64),
    /// The two clocks as they were seen last: the wall clock, and the steady one.
    clocks: Option<(Timestamp, Timestamp)>,
    /// When this task started, on the steady clock.
    pub(super) began: Timestamp,
    /// Unique to this worker, so that no two give the same number to a call.
    node: i64,
}

/// Links to look up for a record.
#[derive(Debug)]
pub(super) struct Lookup {
    pub(super) key: RecordKey,
    /// The leads or activities of the destination.
    pub(super) ids: Vec<String>,
}

impl Worker {
    pub(super) fn new(shared: Shared, lease: Lease, trouble: Trouble) -> Self {
        let began = shared.steady();
        Self {
            shared,
            lease,
            renewed: Instant::now(),
            accounts: HashMap::new(),
            routes: Routes::default(),
            configured: 0,
            restored: None,
            book: Book::default(),
            progress: Progress::default(),
            prepared: Vec::new(),
            calls: JoinSet::new(),
            doubts: Doubts::default(),
            look_for_work: true,
            is_opening_late: false,
            lookups: Vec::new(),
            unhinted: HashSet::new(),
            backfills: Vec::new(),
            sweeps: Vec::new(),
            comparisons: Vec::new(),
            counts: Vec::new(),
            guard: Guard::default(),
            arrived: Vec::new(),
            follows: Timestamp::MIN,
            fetched: HashSet::new(),
            wake: HashSet::new(),
            trouble,
            at_stake: Vec::new(),
            last_id: (Timestamp::MIN, 0),
            clocks: None,
            began,
            node: 0,
        }
    }

    /// What is known about bugs, and the records that were at stake when the work ended.
    pub(super) fn end_of_work(self) -> (Trouble, Vec<RecordKey>) {
        (self.trouble, self.at_stake)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.shared.now()
    }

    /// The time on the steady clock.
    pub(super) fn steady(&self) -> Timestamp {
        self.shared.steady()
    }

    /// The time, and since when the store knows everything that was done.
    pub(super) fn moment(&self) -> (Timestamp, Timestamp) {
        (self.now(), self.lease.unbroken)
    }

    pub(super) fn account(&mut self, id: AccountId) -> &mut Account {
        self.accounts.get_mut(&id).expect("connectors of other accounts are not worked here")
    }

    /// The connector of a record.
    pub(super) fn route_of(&self, record: &Record) -> &Route {
        self.routes.get(record.connector).expect("records of removed connectors are abandoned")
    }

    /// What decisions about a record depend on; `None` until the accounts' metadata has been read.
    pub(super) fn binding(&mut self, record: &Record) -> Option<Arc<Binding>> {
        self.routes.binding(&self.accounts, (record.connector, record.past))
    }

    /// Why nothing is sent to an account, if so.
    pub(super) fn closed(&mut self, id: AccountId) -> Option<Problem> {
        self.account(id).closed().cloned()
    }

    /// Why nothing is sent to one of the two accounts of a connector, if so.
    pub(super) fn closed_end(&self, route: &Route) -> Option<Problem> {
        let closed = |id: AccountId| self.accounts.get(&id)?.closed().cloned();
        closed(route.source).or_else(|| closed(route.destination))
    }

    /// Why an account whose metadata was never read can't provide it, if so.
    pub(super) fn closed_unread(&mut self, id: AccountId) -> Option<Problem> {
        let account = self.account(id);
        if account.metadata.is_unread() { account.closed().cloned() } else { None }
    }

    /// Runs until it is stopped, or until an error requires a restart.
    pub(super) async fn work(&mut self, group: &mut Group) -> store::Result<()> {
        let configuration = group.configuration.borrow_and_update().clone();
        self.take_up(&configuration).await?;
        let mut was_urgent = false;
        while !group.stop.is_cancelled() {
            self.renew().await?;
            self.follow_clock().await?;
            let has_arrived = tokio::select! {
                biased;
                () = group.wake.notified() => true,
                () = std::future::ready(()) => false,
            };
            self.look_for_work |= has_arrived;
            // What just arrived goes out before anything of a backfill is handled: but only every other
            // time, so that the backfill progresses too.
            was_urgent = has_arrived && !was_urgent && !self.backfills.is_empty();
            let mut late = if was_urgent { MOST_LATE } else { 0 };
            while late < MOST_LATE
                && let Some(ended) = self.calls.try_join_next()
            {
                let ended = joined(ended);
                late += self.late_records(&ended);
                self.ended(ended);
            }
            self.find_links().await?;
            self.take_pages().await?;
            self.judge_changes().await?;
            if group.configuration.has_changed().unwrap_or(false) {
                let configuration = group.configuration.borrow_and_update().clone();
                self.configure(&configuration).await?;
            }
            self.open(was_urgent).await?;
            self.hint().await?;
            self.end_backfills().await?;
            self.step();
            let idle = self.progress.is_empty();
            self.commit().await?;
            self.launch();
            if idle && !has_arrived && !self.is_opening_late {
                self.wait(group).await;
            }
        }
        self.end().await
    }

    /// How many records that can wait were in a call.
    fn late_records(&self, ended: &Ended) -> usize {
        let Returned::Records(records) = &ended.returned else { return 0 };
        let is_late = |key| self.book.record(key).is_some_and(|record| record.urgency.can_wait());
        records.iter().filter(|record| is_late(record.key)).count()
    }

    /// Reads what the last holder of the lease left.
    async fn take_up(&mut self, configuration: &Configuration) -> store::Result<()> {
        self.node = self.shared.store.take_node_number().await?;
        let now = self.now();
        for settings in &configuration.accounts {
            if self.lease.accounts.contains(&settings.id) {
                let catalogue = self.shared.store.catalogue(settings.id).await?;
                let traits = self.shared.store.traits(settings.id).await?;
                let spent = self.shared.store.spent(settings.id, day_of(now)).await?;
                let limits = self.shared.options.limits;
                let clocks = (self.steady(), now);
                let account =
                    Account::new(settings.clone(), limits, catalogue, &traits, spent, clocks);
                self.accounts.insert(settings.id, account);
            }
        }
        let unsettled = self.shared.store.unsettled_intents(&self.lease).await?;
        self.recall(&unsettled).await?;
        for intent in unsettled {
            let written: Vec<RecordKey> =
                intent.records.iter().filter(|record| record.writes).map(|r| r.key).collect();
            if written.is_empty() {
                self.progress.settled.push(intent.id);
            } else {
                self.doubts.add(intent.id, written);
            }
        }
        self.configure(configuration).await
    }

    /// Counts the calls of the last holder that may still be in a window of an account's quota: also
    /// those whose outcome a crash left unknown.
    async fn recall(&mut self, unsettled: &[Intent]) -> store::Result<()> {
        let (now, steady) = (self.now(), self.steady());
        let accounts = &self.lease.accounts;
        let recent = self.shared.store.recent_calls(accounts, now - LONGEST_WINDOW).await?;
        for call in recent {
            let age = now.duration_since(call.ended).max(SignedDuration::ZERO);
            if let Some(account) = self.accounts.get_mut(&call.account) {
                account.budget.end(drawn_by(&call.url), steady - age);
            }
        }
        for intent in unsettled {
            if let Some(account) = self.accounts.get_mut(&intent.account) {
                account.budget.end(drawn_by(&intent.operation), steady);
            }
        }
        Ok(())
    }

    /// Applies changed settings, unless they are older than the current ones.
    pub(super) async fn configure(&mut self, configuration: &Configuration) -> store::Result<()> {
        if configuration.version <= self.configured {
            return Ok(());
        }
        self.restored = configuration.restored_at;
        for settings in &configuration.accounts {
            if let Some(account) = self.accounts.get_mut(&settings.id) {
                account.configure(settings.clone());
            }
        }
        let accounts = &self.accounts;
        // One that joins another account belongs to another group, which is about to start.
        let is_here = |connector: &&store::Connector| {
            accounts.contains_key(&connector.source)
                && accounts.contains_key(&connector.destination)
        };
        let connectors = configuration.connectors.iter().filter(is_here);
        let is_new = self.configured == 0;
        self.configured = configuration.version;
        let begun = self.routes.configure(connectors, |key| self.book.uses(key));
        if !is_new {
            self.forget_sweeps(&begun);
        }
        self.forget_resting();
        self.learn_needs();
        self.configure_directories().await?;
        self.remember_waiting(&begun).await?;
        self.look_for_work = true;
        Ok(())
    }

    /// Forgets open records of connectors that are disabled or held.
    pub(super) fn forget_resting(&mut self) {
        let (routes, guard) = (&self.routes, &self.guard);
        self.book.forget(|connector| {
            routes.get(connector).is_some_and(|route| route.enabled) && !guard.is_held(connector)
        });
    }

    /// Loads the waiting records of connectors that were enabled or resumed.
    pub(super) async fn remember_waiting(&mut self, begun: &[ConnectorId]) -> store::Result<()> {
        let now = self.now();
        for record in self.shared.store.waiting_records(&self.lease, begun, now).await? {
            let route = self.routes.get(record.connector).expect("it is asked about those only");
            if record.due > now {
                for id in [route.source, route.destination] {
                    let steady = self.shared.steady();
                    self.accounts.get_mut(&id).expect("it is a route of this group").doubt(steady);
                }
            }
            let lane = record.source_id.map(|id| Lane::Id(route.source, id));
            let lanes = lane.into_iter().collect();
            self.book.remember_waiting(record.key, record.connector, record.due, lanes);
        }
        Ok(())
    }

    /// Updates the day from the wall clock; if that clock stepped back, waits for a wall-clock time
    /// must not become longer.
    async fn follow_clock(&mut self) -> store::Result<()> {
        let (now, steady) = (self.now(), self.steady());
        for account in self.accounts.values_mut() {
            account.budget.turn(steady, now);
        }
        let (now_then, steady_then) = self.clocks.replace((now, steady)).unwrap_or((now, steady));
        let behind = steady.duration_since(steady_then) - now.duration_since(now_then);
        if behind > STEP {
            tracing::warn!(seconds = behind.as_secs(), "the clock stepped back");
            let connectors: Vec<ConnectorId> = self.routes.iter().map(|route| route.id).collect();
            self.shared.store.bring_forward(&self.lease, &connectors, now, behind).await?;
            self.book.bring_forward(now, behind);
            self.look_for_work = true;
        }
        Ok(())
    }

    async fn renew(&mut self) -> store::Result<()> {
        let ttl = self.shared.options.lease;
        if self.renewed.elapsed() >= ttl / RENEWALS {
            self.shared.store.renew_lease(&self.lease, ttl).await?;
            self.renewed = Instant::now();
        }
        Ok(())
    }

    /// Stores everything that happened and is about to happen.
    async fn commit(&mut self) -> store::Result<()> {
        let now = self.now();
        let store = &self.shared.store;
        for id in self.fetched.drain() {
            if let Some(catalogue) = self.accounts[&id].metadata.catalogue() {
                store.store_catalogue(id, catalogue, now).await?;
            }
        }
        if !self.progress.is_empty() {
            let progress = std::mem::take(&mut self.progress);
            let ended: Vec<RecordKey> =
                progress.attempts.iter().map(|attempt| attempt.key).collect();
            let called = progress.intents.iter().flat_map(|intent| &intent.records);
            self.at_stake = called.map(|record| record.key).chain(ended.iter().copied()).collect();
            store.record_progress(&self.lease, progress).await?;
            self.at_stake.clear();
            for key in ended {
                self.trouble.forget(key);
            }
            self.book.committed();
        }
        if !self.wake.is_empty() {
            let connectors: Vec<ConnectorId> = self.wake.drain().collect();
            store.wake_waiting(&self.lease, &connectors, now).await?;
            self.book.wake(&connectors, now);
            self.look_for_work = true;
        }
        Ok(())
    }

    /// Sends the calls whose intents are on disk.
    fn launch(&mut self) {
        let now = self.now();
        for call in self.prepared.drain(..) {
            let client = self.accounts[&call.account].client.as_ref();
            let client = client.expect("an account without a client is closed").clone();
            self.calls.spawn(call.run(client, now));
        }
    }

    /// Waits until there may be something to do.
    async fn wait(&mut self, group: &Group) {
        let now = self.steady();
        let mut pause = self.shared.options.poll;
        if self.book.has_ready() {
            let free = self.accounts.values_mut().filter_map(|account| {
                [Draw::Single, Draw::Bulk]
                    .into_iter()
                    .filter_map(|kind| account.budget.next_free(kind, now))
                    .filter(|free| *free > now)
                    .min()
            });
            if let Some(free) = free.min() {
                pause = pause.min(until(now, free));
            }
        }
        tokio::select! {
            () = group.stop.cancelled() => {}
            () = group.wake.notified() => {
                self.look_for_work = true;
                self.follows = Timestamp::MIN;
            }
            Some(ended) = self.calls.join_next() => self.ended(joined(ended)),
            () = tokio::time::sleep(pause) => self.look_for_work = true,
        }
    }

    /// Finishes the calls in flight and gives the lease up.
    async fn end(&mut self) -> store::Result<()> {
        let deadline = tokio::time::sleep(self.shared.options.patience);
        tokio::pin!(deadline);
        while !self.calls.is_empty() {
            tokio::select! {
                Some(ended) = self.calls.join_next() => self.ended(joined(ended)),
                () = &mut deadline => break,
            }
        }
        self.find_links().await?;
        self.commit().await?;
        self.shared.store.release_lease(&self.lease).await
    }

    /// Prepares a call: its intent and its cost are part of the next commit. If the account has no
    /// room for it, its records are released and wait for their turn.
    pub(super) fn prepare(&mut self, account: AccountId, job: Job) {
        let now = self.now();
        let id = self.next_id(now);
        let operation = job.operation();
        let sent = match &job {
            Job::ReadMetadata(_) | Job::ReadPage(..) => Vec::new(),
            Job::Records(asked) => asked.sent(),
        };
        let steady = self.steady();
        let urgencies = self.urgencies(&job, &sent);
        if !self.account(account).begin(operation.draw(), &urgencies, steady) {
            for (key, _) in sent {
                self.book.release(key);
            }
            match job {
                Job::ReadPage(Reader::Directory, _) => self.directory_delayed(account),
                Job::ReadPage(Reader::Backfill(backfill), _) => self.backfill_delayed(backfill),
                Job::ReadPage(Reader::Sweep(connector), _) => self.sweep_delayed(connector),
                Job::ReadPage(Reader::Parity(connector, asked_at), _) => {
                    self.parity_delayed((connector, asked_at));
                }
                Job::ReadPage(Reader::Count(connector, asked_at), _) => {
                    self.count_delayed((connector, asked_at));
                }
                Job::ReadMetadata(_) | Job::Records(_) => {}
            }
            return;
        }
        let hour = hour_of(now);
        match self.progress.spent.iter_mut().find(|s| s.account == account && s.hour == hour) {
            Some(known) => known.calls += 1,
            None => self.progress.spent.push(Spent { account, hour, calls: 1 }),
        }
        let writes = operation.writes();
        self.progress.intents.push(Intent {
            id,
            account,
            at: now,
            operation: operation.as_str().to_owned(),
            records: sent.iter().map(|&(key, _)| IntentRecord { key, writes }).collect(),
        });
        for (key, call) in &sent {
            let mut record = self.book.take(*key);
            let binding = self.binding(&record).expect("the call was decided by it");
            let effects = record.work.sending(call, &binding.context(self.moment()));
            self.keep(effects);
            self.book.occupy(record);
        }
        self.prepared.push(Prepared { id, account, job });
    }

    /// The urgency of a call.
    fn urgencies(&self, job: &Job, sent: &[(RecordKey, plan::work::Call)]) -> Vec<Urgency> {
        match job {
            Job::ReadMetadata(_) => vec![Urgency::Live],
            Job::ReadPage(Reader::Backfill(_) | Reader::Count(..), _) => vec![Urgency::Backfill],
            Job::ReadPage(..) => vec![Urgency::Sweep],
            Job::Records(_) => {
                let records = sent.iter().filter_map(|(key, _)| self.book.record(*key));
                let urgencies: BTreeSet<Urgency> =
                    records.map(|record| self.urgency(record)).collect();
                urgencies.into_iter().collect()
            }
        }
    }

    /// A number for a call, made like a Request ID, that this node never reuses.
    pub(super) fn next_id(&mut self, now: Timestamp) -> i64 {
        let (last, used) = self.last_id;
        self.last_id = if now.as_millisecond() > last.as_millisecond() + used / IDS_PER_MILLISECOND
        {
            (now, 0)
        } else {
            (last, used + 1)
        };
        RequestId::new(self.last_id.0, self.node, self.last_id.1).number()
    }
}

fn joined(ended: Result<Ended, tokio::task::JoinError>) -> Ended {
    match ended {
        Ok(ended) => ended,
        // The supervisor starts the group again, and the intent is found without an outcome.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Which bucket a call used, by its URL or the operation's name.
fn drawn_by(operation: &str) -> Draw {
    if operation.contains("Bulk/") { Draw::Bulk } else { Draw::Single }
}

fn until(now: Timestamp, then: Timestamp) -> Duration {
    let least = Duration::from_millis(1);
    Duration::try_from(then.duration_since(now)).map_or(least, |wait| wait.max(least))
}

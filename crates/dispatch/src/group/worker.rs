//! The loop.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use plan::id::{AccountId, ConnectorId};
use plan::problem::Problem;
use plan::quota::Draw;
use store::{Lease, Progress, RecordKey};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Group;
use super::account::Account;
use super::backfill::Running;
use super::book::{Book, Record};
use super::call::{Ended, Prepared, Returned};
use super::comparing::Comparing;
use super::counting::Counting;
use super::doubts::Doubts;
use super::guard::Guard;
use super::reads::Arrived;
use super::route::{Binding, Route, Routes};
use super::sweep::Sweeping;
use super::trouble::Trouble;
use crate::Shared;

/// How often a lease is renewed within its time.
const RENEWALS: u32 = 4;

/// How many backfill records' responses are handled before their changes are committed: a change
/// that arrives meanwhile waits for that.
const MOST_LATE: usize = 25;

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
    pub(super) prepared: Vec<Prepared>,
    pub(super) calls: JoinSet<Ended>,
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
    pub(super) last_id: (Timestamp, i64),
    /// The two clocks as they were seen last: the wall clock, and the steady one.
    clocks: Option<(Timestamp, Timestamp)>,
    /// When this task started, on the steady clock.
    pub(super) began: Timestamp,
    /// Unique to this worker, so that no two give the same number to a call.
    pub(super) node: i64,
    /// Recent calls by others that were counted, by number.
    pub(super) counted: BTreeSet<i64>,
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
            counted: BTreeSet::new(),
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
}

fn joined(ended: Result<Ended, tokio::task::JoinError>) -> Ended {
    match ended {
        Ok(ended) => ended,
        // The supervisor starts the group again, and the intent is found without an outcome.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

fn until(now: Timestamp, then: Timestamp) -> Duration {
    let least = Duration::from_millis(1);
    Duration::try_from(then.duration_since(now)).map_or(least, |wait| wait.max(least))
}

//! Backfills: the source's leads are read page by page, and become requests as if a webhook had posted
//! them.
//!
//! A page is read when the previous one is nearly synced, and live changes go first: a backfill takes
//! what is left of the quota, and at least the one call in twenty that is reserved for it.

use jiff::{SignedDuration, Timestamp};
use leadsquared::Error;
use plan::backfill::{A_PAGE, BackfillState, LeadPage, Passing, beginning, columns};
use plan::id::RequestId;
use plan::outcome::Entity;
use plan::payload::Item;
use plan::problem::Problem;
use plan::quota::{Draw, Urgency};
use plan::snapshot::Snapshot;
use plan::verdict;
use store::{Backfill, BackfillNews, Origin};

use super::book::Record;
use super::call::Job;
use super::missed::synced_types;
use super::pacing::Pacing;
use super::reads::AHEAD;
use super::worker::Worker;
use crate::failure;
use crate::pages::{Reader, Wanted};

/// No more are read while this many of a backfill's leads are in progress.
const ENOUGH: usize = 200;
/// How often to check whether a backfill has ended.
pub(super) const LOOK: SignedDuration = SignedDuration::from_secs(1);

/// A running backfill.
#[derive(Debug)]
pub(super) struct Running {
    backfill: Backfill,
    pacing: Pacing,
    /// The first request of its last page, until one of them is opened.
    ahead: Option<RequestId>,
}

impl Worker {
    /// Adds backfills that were started or resumed, and drops those that were paused or cancelled.
    pub(super) fn follow_backfills(&mut self, kept: Vec<Backfill>) {
        self.backfills.retain(|running| kept.iter().any(|one| one.id == running.backfill.id));
        for backfill in kept {
            let known = self.backfills.iter().any(|running| running.backfill.id == backfill.id);
            if !known {
                let pacing = Pacing::default();
                self.backfills.push(Running { backfill, pacing, ahead: None });
            }
        }
    }

    /// Ends backfills that have read and synced everything.
    pub(super) async fn end_backfills(&mut self) -> store::Result<()> {
        let (now, steady) = (self.now(), self.steady());
        let open = self.open_backfill_records();
        let is_due = |running: &&mut Running| {
            running.backfill.page.is_none() && running.pacing.is_due(steady)
        };
        let mut read: Vec<i64> = Vec::new();
        for running in self.backfills.iter_mut().filter(is_due) {
            running.pacing.wait(steady, LOOK);
            read.push(running.backfill.id);
        }
        if read.is_empty() || open > 0 {
            return Ok(());
        }
        self.shared.store.end_backfills(&self.lease, &read, now).await?;
        self.follows = Timestamp::MIN;
        self.follow_reads().await
    }

    fn backfill_records(&self) -> impl Iterator<Item = &Record> {
        self.book.records().filter(|record| record.urgency == Urgency::Backfill)
    }

    fn open_backfill_records(&self) -> usize {
        self.backfill_records().count()
    }

    /// Requests the next page of each backfill that may continue.
    pub(super) fn read_backfills(&mut self) {
        if self.backfills.is_empty() {
            return;
        }
        let open = self.open_backfill_records();
        let newest = self.backfill_records().map(|record| record.key.request).max();
        for running in &mut self.backfills {
            running.ahead.take_if(|first| !self.look_for_work || newest >= Some(*first));
        }
        // One page at a time, for whichever backfill.
        let is_asked =
            self.backfills.iter().any(|one| one.pacing.is_asked() || one.ahead.is_some());
        if is_asked || open >= ENOUGH {
            return;
        }
        let (steady, is_busy) = (self.steady(), self.look_for_work);
        let mut asked = Vec::new();
        for at in 0..self.backfills.len() {
            if !asked.is_empty() {
                break;
            }
            let Running { backfill, pacing, .. } = &self.backfills[at];
            let is_due = pacing.is_due(steady);
            let Some(page) = backfill.page.filter(|_| is_due) else { continue };
            let Some(route) = self.routes.get(backfill.connector).cloned() else { continue };
            if self.guard.is_held(route.id) {
                continue;
            }
            let Some(binding) = self.routes.binding(&self.accounts, (route.id, None)) else {
                continue;
            };
            let account = self.account(route.source);
            let mut room = account.room(Draw::Single, Urgency::Backfill, steady);
            if is_busy {
                // Not all live changes have been opened, and they go first, except for the reserved
                // calls.
                room = room.min(account.budget.due(Draw::Single, Urgency::Backfill, steady));
            }
            if account.closed().is_some() || room == 0 {
                continue;
            }
            let backfill = &self.backfills[at].backfill;
            let (id, since) = (backfill.id, backfill.of.since);
            let wanted = match backfill.event {
                None => {
                    let columns = columns(binding.columns(), &backfill.of);
                    Wanted::Leads(LeadPage { page, ..LeadPage::first(since, A_PAGE, columns) })
                }
                // The activities' leads are synced first.
                Some(_) if open > 0 && page == 1 => continue,
                Some(event) => {
                    let between = (since.unwrap_or_else(beginning), self.now() + AHEAD);
                    Wanted::Activities { event, between, page }
                }
            };
            self.backfills[at].pacing.ask();
            asked.push((route.source, Job::ReadPage(Reader::Backfill(id), wanted)));
        }
        for (account, job) in asked {
            self.prepare(account, job);
        }
    }

    /// A page of leads or activities was read for a backfill: they become requests.
    pub(super) fn backfill_read(
        &mut self,
        id: i64,
        wanted: &Wanted,
        read: Result<Vec<Snapshot>, Error>,
    ) {
        let steady = self.steady();
        let Some(at) = self.backfills.iter().position(|one| one.backfill.id == id) else { return };
        self.backfills[at].pacing.forget();
        let Running { backfill, .. } = &self.backfills[at];
        // It was paused and resumed meanwhile.
        let Some(page) = backfill.page.filter(|page| wanted.is_page(backfill.event, *page)) else {
            return;
        };
        let (event, are_activities) = (backfill.event, backfill.event.is_some());
        if backfill.state != BackfillState::Running {
            return;
        }
        let (connector, of) = (backfill.connector, backfill.of.clone());
        let route = self.routes.get(connector).filter(|route| route.enabled);
        // A disabled connector may drop arrivals.
        let Some(route) = route.cloned() else { return };
        let Some(binding) = self.routes.binding(&self.accounts, (connector, None)) else { return };
        let rows = match read {
            Ok(rows) => rows,
            Err(error) => {
                let name = self.account(route.source).name().to_owned();
                let problem = verdict::not_read(&failure::of(&error), &name);
                self.backfills[at].pacing.fail(steady);
                self.progress.backfills.push(failed(id, problem));
                return;
            }
        };
        let next = if !LeadPage::is_behind(rows.len()) {
            Some((page + 1, event))
        } else if of.activities {
            synced_types(&route, &binding)
                .into_iter()
                .filter(|other| Some(*other) > event)
                .min()
                .map(|event| (1, Some(event)))
        } else {
            None
        };
        let count = rows.len() as u64;
        let metadata = |id| self.accounts.get(&id)?.metadata.catalogue().cloned();
        let Some((here, there)) = metadata(route.source).zip(metadata(route.destination)) else {
            return;
        };
        let passing = Passing::new(&route.definition, &of, &here, &there);
        let passes =
            |row: &Snapshot| are_activities || passing.passes(&Item::from_state(Entity::Lead, row));
        let kept: Vec<Snapshot> = rows.into_iter().filter(passes).collect();
        let deliveries = self.deliveries(connector, Origin::Backfill, &kept);
        let (page, event) = next.unzip();
        self.backfills[at].backfill.page = page;
        self.backfills[at].backfill.event = event.flatten();
        self.backfills[at].pacing.read();
        self.backfills[at].ahead = deliveries.first().map(|delivery| delivery.id);
        self.progress.backfills.push(BackfillNews {
            id,
            page,
            event: event.flatten(),
            read: count,
            are_activities,
            left_out: count - kept.len() as u64,
            deliveries,
            problem: None,
        });
        self.look_for_work = true;
    }

    /// The account's quota had no room for it after all.
    pub(super) fn backfill_delayed(&mut self, id: i64) {
        let steady = self.steady();
        for running in self.backfills.iter_mut().filter(|one| one.backfill.id == id) {
            running.pacing.delay(steady);
        }
    }
}

fn failed(id: i64, problem: Problem) -> BackfillNews {
    BackfillNews {
        id,
        page: None,
        event: None,
        read: 0,
        are_activities: false,
        left_out: 0,
        deliveries: Vec::new(),
        problem: Some(problem),
    }
}

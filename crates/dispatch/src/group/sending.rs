//! Sending calls: each is prepared, its intent is stored, and then it is sent.

use std::collections::BTreeSet;

use jiff::Timestamp;
use plan::id::{AccountId, IDS_PER_MILLISECOND, RequestId};
use plan::quota::{Urgency, hour_of};
use store::{Intent, IntentRecord, RecordKey, Spent};

use super::call::{Job, Prepared};
use super::worker::Worker;
use crate::pages::Reader;

impl Worker {
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

    /// Sends the calls whose intents are on disk.
    pub(super) fn launch(&mut self) {
        let now = self.now();
        for call in self.prepared.drain(..) {
            let client = self.accounts[&call.account].client.as_ref();
            let client = client.expect("an account without a client is closed").clone();
            self.calls.spawn(call.run(client, now));
        }
    }
}

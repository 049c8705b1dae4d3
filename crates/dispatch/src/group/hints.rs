//! Giving records what the [directory](super::directory) of their destination says about their keys, and
//! which records wait for it.

use std::collections::HashMap;

use jiff::SignedDuration;
use plan::directory::{Hints, form_of};
use plan::id::{AccountId, LeadId};
use store::{DirectoryNews, RecordKey};

use super::book::Record;
use super::directory::BACKLOG;
use super::worker::Worker;

/// How long a backlog waits at most for the first reading of an account.
const PATIENCE: SignedDuration = SignedDuration::from_secs(120);

/// The fields of a record's keys, with the forms in which they are looked up.
type KeyForms = Vec<(String, String)>;

impl Worker {
    /// Whether a record waits until its account has been read for the first time: otherwise it and
    /// many others would each look up a lead by a single call.
    pub(super) fn awaits_directory(&mut self, record: &Record, destination: AccountId) -> bool {
        // Live changes don't wait because of what a backfill reads.
        let is_backlog = record.urgency.can_wait() || self.live_records() >= BACKLOG;
        let steady = self.steady();
        if !is_backlog || !self.unhinted.contains(&record.key) {
            return false;
        }
        let is_ready = self.is_ready(destination);
        let directory = &mut self.account(destination).directory;
        !is_ready
            && directory.awaited(steady).is_some_and(|at| steady.duration_since(at) < PATIENCE)
    }

    fn live_records(&self) -> usize {
        self.book.records().filter(|record| !record.urgency.can_wait()).count()
    }

    /// Whether an account's directory is complete, and on disk, where it is looked up.
    pub(super) fn is_ready(&self, id: AccountId) -> bool {
        let is_new = |news: &DirectoryNews| news.account == id && news.reading.is_some();
        self.accounts.get(&id).is_some_and(|account| account.directory.is_complete())
            && !self.progress.directory.iter().any(is_new)
    }

    /// Gives records what the directory says about their keys, once it is complete.
    pub(super) async fn hint(&mut self) -> store::Result<()> {
        if self.unhinted.is_empty() {
            return Ok(());
        }
        let in_backlog = self.book.open_records() >= BACKLOG;
        let mut wanted: HashMap<AccountId, Vec<(RecordKey, KeyForms)>> = HashMap::new();
        for key in std::mem::take(&mut self.unhinted) {
            let Some(record) = self.book.record(key) else { continue };
            let Some(route) = self.routes.get(record.connector) else { continue };
            let destination = route.destination;
            if !record.work.is_unmatched() {
                continue;
            }
            if !self.is_ready(destination) {
                self.unhinted.insert(key);
                continue;
            }
            let version = (record.connector, record.past);
            let Some(binding) = self.routes.binding(&self.accounts, version) else { continue };
            let moment = self.moment();
            let record = self.book.record_mut(key).expect("it was found just now");
            let keys = record.work.keys(&binding.context(moment));
            let form = |key: &plan::identity::Key| Some((key.field.clone(), form_of(key)?));
            // Nothing is known about a key that has no form.
            let Some(keys) = keys.iter().map(form).collect::<Option<Vec<_>>>() else { continue };
            wanted.entry(destination).or_default().push((key, keys));
        }
        for (account, records) in wanted {
            let mut forms: Vec<String> = records
                .iter()
                .flat_map(|(_, keys)| keys.iter().map(|(_, form)| form.clone()))
                .collect();
            forms.sort_unstable();
            forms.dedup();
            let found = self.shared.store.directory(account, &forms).await?;
            for (key, keys) in records {
                // Records from a backfill or a sweep share calls, however few of them are open now.
                let can_wait = |record: &Record| record.urgency.can_wait();
                let shares = in_backlog || self.book.record(key).is_some_and(can_wait);
                let mut hints = Hints::new(true, shares);
                for (field, form) in keys {
                    let leads = found.get(&form).into_iter().flatten();
                    hints.add(&field, leads.map(|id| LeadId::new(id)));
                }
                if let Some(record) = self.book.record_mut(key) {
                    record.work.take_hints(hints);
                }
            }
        }
        Ok(())
    }
}

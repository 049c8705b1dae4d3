//! Handling calls that ended.

use plan::id::AccountId;
use plan::operation::Operation;
use plan::outcome::SyncStatus;
use plan::traits::Trait;
use plan::verdict::{self, Failure};
use plan::work::{Effect, Ending};
use store::{Call, CallRef, KeysNews, TraitNews};

use super::book::Place;
use super::call::{Ended, ForRecord, Returned};
use super::worker::Worker;
use crate::pages::{Reader, Wanted};

impl Worker {
    /// Handles a call that ended.
    pub(super) fn ended(&mut self, ended: Ended) {
        let Ended { id, account, operation, at, exchange, failure, error, returned } = ended;
        metrics::counter!("leadsync_calls_total", "operation" => operation.as_str()).increment(1);
        let first = match &returned {
            Returned::Metadata(..) | Returned::Page(..) => None,
            Returned::Records(records) => records.first().map(|record| record.key),
        };
        self.progress.settled.push(id);
        self.progress.calls.push(Call {
            id,
            account,
            connector: first.and_then(|key| Some(self.book.record(key)?.connector)),
            at,
            milliseconds: u32::try_from(exchange.elapsed.as_millis()).unwrap_or(u32::MAX),
            method: exchange.method,
            url: exchange.url,
            status: exchange.status,
            request: exchange.request,
            // Nothing is stored of leads that are only scanned.
            response: match &returned {
                Returned::Page(_, Wanted::Activities { .. }, Ok(rows)) => {
                    format!("({} activities)", rows.len()).into()
                }
                Returned::Page(_, _, Ok(leads)) => format!("({} leads)", leads.len()).into(),
                _ => exchange.response,
            },
            error,
        });
        let is_probe = matches!(returned, Returned::Metadata(..));

        self.note_traits(account, operation, exchange.status, failure.as_ref());
        // A page of leads is large: its failure does not show that the account is unavailable.
        let is_page = matches!(returned, Returned::Page(..));
        if is_page && matches!(failure, Some(Failure::Broken { .. })) {
            let steady = self.steady();
            self.account(account).end(operation.draw(), steady);
        } else {
            self.account_answered(account, operation, is_probe, failure.as_ref());
        }
        match returned {
            Returned::Metadata(part, read) => self.metadata_read(account, part, read),
            Returned::Page(Reader::Directory, Wanted::Leads(page), read) => {
                self.directory_read(account, &page, read);
            }
            Returned::Page(Reader::Backfill(backfill), wanted, read) => {
                self.backfill_read(backfill, &wanted, read);
            }
            Returned::Page(reader, wanted, read) => self.page_read(reader, wanted, read),
            Returned::Records(records) => {
                self.note_telling(account, operation, &records);
                for record in records {
                    self.record_answered(id, account, operation, at, record);
                }
                self.at_stake.clear();
            }
        }
    }

    /// Handles one record's part of an ended call.
    fn record_answered(
        &mut self,
        id: i64,
        account: AccountId,
        operation: Operation,
        at: jiff::Timestamp,
        ForRecord { key, call, row, answer }: ForRecord,
    ) {
        self.at_stake = vec![key];
        let mut record = self.book.take(key);
        record.calls.push(CallRef { id, row });
        if self.routes.get(record.connector).is_none() {
            // The connector was removed, and its log with it.
            let now = self.now();
            self.book.close(*record, Place::Final(SyncStatus::Error), now);
            return;
        }
        let Some(answer) = answer else {
            record.work.go_alone();
            self.book.resume(record);
            return;
        };
        if record.work.is_unlinked() {
            self.note_in_directory(account, &call, &answer);
        }
        let binding = self.binding(&record).expect("the call was made by it");
        let context = binding.context(self.moment());
        let mut effects = record.work.answered(&context, &call, operation, answer, at);
        // It is not the record's fault that the account is unavailable: it waits without using up a
        // try.
        if self.closed(account).is_some() {
            for effect in &mut effects {
                if let Effect::End(outcome) = effect
                    && matches!(outcome.ending, Ending::Again { .. })
                {
                    outcome.ending = Ending::Held(None);
                }
            }
        }
        self.go_on(record, effects);
    }

    /// Notes that the response to a bulk update of activities says nothing about any of them: its
    /// shape is a guess.
    fn note_telling(&mut self, id: AccountId, operation: Operation, records: &[ForRecord]) {
        let is_mute = operation == Operation::BulkUpdateActivities
            && records.len() > 1
            && records.iter().all(|record| record.answer.is_none());
        if !is_mute {
            return;
        }
        let (now, steady) = (self.now(), self.steady());
        let said = "the answer tells nothing of any activity";
        let how = (Some(404), false);
        let Some(seen) = self.account(id).refused_many(operation, how, said, steady) else {
            return;
        };
        self.progress.traits.push(TraitNews { account: id, at: now, seen, holds: true });
    }

    /// Notes what a response shows about the account.
    fn note_traits(
        &mut self,
        id: AccountId,
        operation: Operation,
        status: Option<u16>,
        failure: Option<&Failure>,
    ) {
        let (now, steady) = (self.now(), self.steady());
        let account = self.accounts.get_mut(&id).expect("accounts stay as long as the lease");
        let (seen, holds) = match failure {
            Some(Failure::RateLimited(Some(limit))) => {
                let is_known = account.budget.named() == Some(*limit);
                ((!is_known).then_some(Trait::RateLimit(*limit)), true)
            }
            Some(Failure::Refused { exception, message }) if operation.is_for_many() => {
                let how = (status, exception.is_some());
                (account.refused_many(operation, how, message, steady), true)
            }
            None if operation.is_for_many() => (account.took_many(operation), false),
            _ => (None, true),
        };
        let Some(seen) = seen else { return };
        if holds {
            tracing::warn!(account = account.name(), "{}: {}", seen.title(), seen.words());
        }
        self.progress.traits.push(TraitNews { account: id, at: now, seen, holds });
    }

    /// Notes whether the account responds, as people see it.
    pub(super) fn note_contact(&mut self, id: AccountId) {
        let (at, steady) = (self.now(), self.steady());
        let account = self.accounts.get_mut(&id).expect("accounts stay as long as the lease");
        self.progress.contacts.extend(account.contact(id, at, steady));
    }

    /// Notes what a response says about the account itself.
    fn account_answered(
        &mut self,
        id: AccountId,
        operation: Operation,
        is_probe: bool,
        failure: Option<&Failure>,
    ) {
        let (now, steady) = (self.now(), self.steady());
        let account = self.accounts.get_mut(&id).expect("accounts stay as long as the lease");
        account.end(operation.draw(), steady);
        let back = match failure {
            Some(Failure::Broken { problem, .. }) => {
                let problem = verdict::unreachable(account.name(), problem);
                account.failed(&problem, is_probe, operation.writes(), steady);
                false
            }
            Some(Failure::Credentials { message }) => {
                let problem = verdict::credentials(account.name(), message);
                if account.closed().is_none_or(|known| known.code != problem.code) {
                    let refused = Some(problem.clone());
                    self.progress.keys.push(KeysNews { account: id, at: now, refused });
                }
                account.close(problem, steady);
                false
            }
            Some(Failure::RateLimited(named)) => {
                account.budget.refused(operation.draw(), *named, steady);
                false
            }
            // It was never sent, so there is no response.
            Some(Failure::Impossible { .. }) => return,
            Some(Failure::Refused { .. }) | None => account.answered(is_probe, operation.writes()),
        };
        if back {
            tracing::debug!(account = account.name(), "the account responds again");
            self.progress.keys.push(KeysNews { account: id, at: now, refused: None });
            let touching = self.routes.iter().filter(|r| r.source == id || r.destination == id);
            self.wake.extend(touching.map(|route| route.id));
        }
        self.note_contact(id);
    }
}

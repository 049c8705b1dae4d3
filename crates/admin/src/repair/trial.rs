//! What a repair would do to a group, without doing it.

use plan::activity;
use plan::connector::Definition;
use plan::outcome::Party;
use plan::payload::Item;
use plan::preview::RecordPreview;
use plan::problem::Code;
use plan::work::PlanKind;
use serde::Serialize;
use store::{Connector, Store};

use super::{Case, ranked};
use crate::preview::{NotPreviewed, Previewed, preview_retries};

/// How many reasons of records that would still fail are listed.
const MOST_REASONS: usize = 5;

/// What a retry of a group would do under some settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DryRun {
    /// Records in the group.
    pub records: u64,
    /// How many of them were examined, the newest.
    pub examined: u64,
    /// Of those: they would be sent.
    pub synced: u64,
    /// Of those: the destination already has everything.
    pub unchanged: u64,
    /// Of those: they would be skipped.
    pub skipped: u64,
    /// Of those: they would wait for a review.
    pub reviews: u64,
    /// Of those: they would fail.
    pub failed: u64,
    /// Why, the most frequent first.
    pub failing: Vec<StillFailing>,
    /// The most API calls to the source that retrying the whole group takes,
    pub source_calls: u64,
    /// and to the destination. A backlog takes fewer: one call then carries many records.
    pub destination_calls: u64,
    /// Whether the account refused these records, so that only its next response shows whether it
    /// accepts them now.
    pub is_up_to_account: bool,
}

/// Why some records would still fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StillFailing {
    /// The error.
    pub message: String,
    /// How many of the examined records.
    pub records: u64,
}

impl DryRun {
    /// Whether no examined record would still fail.
    pub fn is_clear(&self) -> bool {
        self.failed == 0
    }

    fn add(&mut self, record: &RecordPreview) -> Option<String> {
        let (mut source, mut destination) = (0, 0);
        for call in &record.calls {
            // What is read is often written then.
            let calls = 1 + u64::from(call.then.is_some() && call.fields.is_empty());
            match call.account {
                Party::Source => source += calls,
                Party::Destination => destination += calls,
            }
        }
        self.source_calls += source;
        self.destination_calls += destination;
        match record.plan.kind {
            PlanKind::Refuse | PlanKind::Freeze => {
                self.failed += 1;
                let problem = record.plan.problems.first();
                return Some(problem.map_or_else(String::new, |problem| problem.message.clone()));
            }
            PlanKind::Skip => self.skipped += 1,
            PlanKind::Review => self.reviews += 1,
            PlanKind::Unchanged => self.unchanged += 1,
            _ => self.synced += 1,
        }
        None
    }
}

impl Case {
    /// What a retry of the group would do under these settings; `None` while the metadata of an account
    /// was never read. Nothing is written, and no account is called.
    ///
    /// # Errors
    /// The store failed.
    pub async fn dry_run(
        &self,
        store: &dyn Store,
        definition: Definition,
        now: jiff::Timestamp,
    ) -> Result<Option<DryRun>, NotPreviewed> {
        let Some((source, destination)) = &self.metadata else { return Ok(None) };
        let connector = Connector { definition, ..self.connector.clone() };
        let previewed =
            Previewed { configuration: &self.configuration, connector: &connector, now };
        let rules = &connector.definition.activity;
        let items: Vec<Item> = self
            .records
            .iter()
            .filter_map(|record| Some(activity::identified(record.item.clone()?, rules)))
            .collect();
        let unreadable = self.records.iter().filter(|record| record.item.is_none());
        let mut messages: Vec<String> =
            unreadable.map(|record| record.error.message.clone()).collect();
        let mut run = DryRun {
            records: self.group.records,
            examined: self.records.len() as u64,
            failed: messages.len() as u64,
            is_up_to_account: is_up_to_account(&self.group.error),
            ..DryRun::default()
        };
        for record in preview_retries(store, previewed, (source, destination), items).await? {
            messages.extend(run.add(&record));
        }
        let failing = ranked(messages.into_iter()).into_iter();
        let failing = failing.map(|(message, records)| StillFailing { message, records });
        run.failing = failing.take(MOST_REASONS).collect();
        let for_all = |calls: u64| (calls * run.records).div_ceil(run.examined.max(1));
        (run.source_calls, run.destination_calls) =
            (for_all(run.source_calls), for_all(run.destination_calls));
        Ok(Some(run))
    }
}

/// Whether the account refused these records, rather than leadsync.
fn is_up_to_account(problem: &plan::problem::Problem) -> bool {
    let of_responses = [
        Code::AccountError,
        Code::Credentials,
        Code::Duplicate,
        Code::Quota,
        Code::Refused,
        Code::Unreachable,
        Code::UnreadableAnswer,
    ];
    problem.exception.is_some() || of_responses.contains(&problem.code)
}

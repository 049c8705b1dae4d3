//! What an ended call means for its records.

use std::collections::HashMap;

use leadsquared::{ActivityRow, BulkUpdated, Error, Lead, LeadRow, Rows, Written};
use plan::connector::Behaviour;
use plan::decide;
use plan::id::AccountId;
use plan::identity::Key;
use plan::link::Pair;
use plan::outcome::{Entity, Event};
use plan::payload::Item;
use plan::problem::Problem;
use plan::review::Ruled;
use plan::snapshot::Snapshot;
use plan::value;
use plan::verdict::{self, Failure, Verdict};
use store::{Call, CallRef, KeysNews, RecordKey};

use super::activity;
use super::call::{Answer, Ended, Job, Prepared, Row, Target, snapshot};
use super::merging::in_source;
use super::outcome::Outcome;
use super::reviewing::Found;
use super::worker::Worker;
use crate::failure;

impl Worker {
    /// Takes in an ended call.
    pub(super) fn ended(&mut self, ended: Ended) {
        let now = self.now();
        let Ended { call, at, exchange, answer } = ended;
        let error = error_of(&answer);
        metrics::counter!("leadsync_calls_total", "operation" => call.job.operation().as_str())
            .increment(1);
        let bulk = call.job.is_bulk();
        self.progress.settled.push(call.id);
        self.progress.calls.push(Call {
            id: call.id,
            account: call.account,
            connector: call.records.first().and_then(|key| self.book.connector(*key)),
            at,
            milliseconds: u32::try_from(exchange.elapsed.as_millis()).unwrap_or(u32::MAX),
            method: exchange.method,
            url: exchange.url,
            status: exchange.status,
            request: exchange.request,
            response: exchange.response,
            error: error.map(ToString::to_string),
        });
        for (row, key) in (0u32..).zip(&call.records) {
            if let Some(record) = self.book.record_mut(*key) {
                record.calls.push(CallRef { id: call.id, row: bulk.then_some(row) });
            }
        }
        let failure = error.map(failure::of);
        self.account_answered(&call.job, call.account, failure.as_ref(), now);
        if let Some(failure) = failure
            && !matches!(call.job, Job::Ask(_))
        {
            self.call_failed(&call, &failure);
            return;
        }
        match answer {
            Answer::Told(told) => {
                if let Job::Ask(part) = call.job {
                    self.told(call.account, part, told);
                }
            }
            Answer::Leads(Ok(leads)) if matches!(call.job, Job::ReadMany(_)) => {
                self.many_read(&call, &leads);
            }
            Answer::Leads(Ok(leads)) => {
                for key in call.records {
                    let leads = leads.iter().map(snapshot).collect();
                    self.read_answered(key, &call.job, leads);
                }
            }
            Answer::Written(Ok(written)) => {
                for key in call.records {
                    self.written(key, &call.job, &written, at);
                }
            }
            Answer::Rows(Ok(rows)) => self.rows_answered(&call, &rows, at),
            Answer::Updated(Ok(updated)) => {
                self.bulk_updated(&call.job, &call.records, &updated, at);
            }
            Answer::Activities(Ok(page)) => {
                for key in call.records {
                    let found = page.rows.iter().filter_map(activity::snapshot).collect();
                    self.activities_read(key, &call.job, found);
                }
            }
            Answer::ActivityRows(Ok(rows)) => self.activity_rows_answered(&call, &rows, at),
            Answer::Leads(Err(_))
            | Answer::Written(Err(_))
            | Answer::Rows(Err(_))
            | Answer::Updated(Err(_))
            | Answer::Activities(Err(_))
            | Answer::ActivityRows(Err(_)) => {}
        }
    }

    /// What an answer says about the account itself.
    fn account_answered(
        &mut self,
        job: &Job,
        id: AccountId,
        failure: Option<&Failure>,
        now: jiff::Timestamp,
    ) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        account.end(job.operation().draw(), now);
        let back = match failure {
            Some(Failure::Broken { problem, .. }) => {
                let problem = verdict::unreachable(account.name(), problem);
                account.failed(&problem, now);
                false
            }
            Some(failure @ Failure::Credentials { .. }) => {
                if let Verdict::AccountClosed(problem) = verdict::of(failure, account.name()) {
                    if account.closed().is_none_or(|known| known.code != problem.code) {
                        let refused = Some(problem.clone());
                        self.progress.keys.push(KeysNews { account: id, at: now, refused });
                    }
                    account.close(problem, now);
                }
                false
            }
            Some(Failure::RateLimited) => {
                account.budget.refused(now);
                false
            }
            Some(Failure::Refused { .. } | Failure::Impossible { .. }) | None => account.answered(),
        };
        if back {
            tracing::debug!(account = account.name(), "the account answers");
            self.progress.keys.push(KeysNews { account: id, at: now, refused: None });
            let touching = self.routes.values().filter(|r| r.source == id || r.destination == id);
            self.wake.extend(touching.map(|route| route.id));
        }
    }

    /// The whole call failed.
    fn call_failed(&mut self, call: &Prepared, failure: &Failure) {
        let Prepared { account, records, job, .. } = call;
        let refused = matches!(failure, Failure::Refused { .. });
        for (index, &key) in records.iter().enumerate() {
            if refused && records.len() > 1 {
                // One of them is to blame: each will be told by a call of its own.
                self.again_singly(key);
            } else {
                let verdict = self.verdict(*account, failure);
                self.judge(key, job.row(index).map(|row| &row.target), verdict);
            }
        }
    }

    fn verdict(&self, account: AccountId, failure: &Failure) -> Verdict {
        verdict::of(failure, self.accounts.get(&account).map_or("", |account| account.name()))
    }

    fn again_singly(&mut self, key: RecordKey) {
        if let Some(record) = self.book.record_mut(key) {
            record.singly = true;
        }
        self.book.resume(key);
    }

    /// Does what a verdict says.
    fn judge(&mut self, key: RecordKey, target: Option<&Target>, verdict: Verdict) {
        let now = self.now();
        if matches!(target, Some(Target::Back(_)))
            && let Verdict::NextKey(problem) | Verdict::Fail(problem) = verdict
        {
            self.conclude(key, Outcome::failed(in_source(problem)));
            return;
        }
        match verdict {
            Verdict::NextKey(problem) => self.next_key(key, target, problem),
            Verdict::TwinGone => self.twin_gone(key, target),
            Verdict::FieldsChanged(problem) => {
                if self.fetch_once(key, now) {
                    self.book.resume(key);
                } else {
                    // The fields are as fresh as they may be asked for: they will be read again
                    // before the next try.
                    self.conclude(key, Outcome::again(problem, false));
                }
            }
            Verdict::Fail(problem) => self.conclude(key, Outcome::failed(problem)),
            Verdict::AccountClosed(problem) => self.conclude(key, Outcome::held(problem, None)),
            Verdict::Throttled => self.book.resume(key),
            Verdict::Later { problem, doubtful } => {
                let Some(record) = self.book.record_mut(key) else { return };
                if doubtful && target.is_some() {
                    record.doubt();
                }
                let doubtful = record.known.doubtful;
                let connector = record.connector;
                let closed = self
                    .routes
                    .get(&connector)
                    .and_then(|route| self.accounts.get(&route.destination))
                    .is_some_and(|account| account.closed().is_some());
                if closed {
                    self.conclude(key, Outcome::held(problem, None));
                } else {
                    self.conclude(key, Outcome::again(problem, doubtful));
                }
            }
        }
    }

    /// A lead was not created, because there is one with one of its unique values: it is updated,
    /// where it may be.
    fn exists(&mut self, key: RecordKey, target: &Target) {
        let Some(record) = self.book.record_mut(key) else { return };
        if matches!(target, Target::Key { update: true, .. }) {
            record.lead_known().exists = true;
        } else {
            // A capture that updates nothing says which lead it is.
            record.singly = true;
        }
        self.book.resume(key);
    }

    /// One of the lead's unique values belongs to another lead.
    fn next_key(&mut self, key: RecordKey, target: Option<&Target>, problem: Problem) {
        let (keys, creates_only) = self
            .with_lead(key, |case| {
                let keys = plan::identity::keys(&case.connector.basic, case.mapped).len();
                (keys, case.connector.lead.behaviour == Behaviour::CreateOnly)
            })
            .unwrap_or_default();
        let Some(record) = self.book.record_mut(key) else { return };
        let is_lead = record.lead.is_none();
        let known = record.lead_known();
        // Which lead it is was said although another one has one of its keys.
        let is_said = known.rivals.as_ref().is_some_and(|rivals| !rivals.is_empty())
            || matches!(known.ruled, Some(Ruled::Decided(_)));
        match target {
            Some(Target::Key { .. }) if known.keys_tried + 1 < keys => known.keys_tried += 1,
            Some(Target::Key { .. }) if creates_only && is_lead => {
                self.conclude(key, Outcome::ended(Event::Skipped).because(exists()));
                return;
            }
            // It is seen which leads they are.
            Some(Target::Key { .. }) if keys > 1 && !known.look_first => {
                (known.look_first, known.keys_tried) = (true, 0);
            }
            Some(Target::Id(_)) if is_said && !known.key_taken => known.key_taken = true,
            _ => {
                self.conclude(key, Outcome::failed(problem));
                return;
            }
        }
        self.book.resume(key);
    }

    /// The lead or activity that was to be written to is not there any more.
    fn twin_gone(&mut self, key: RecordKey, target: Option<&Target>) {
        let Some(record) = self.book.record_mut(key) else { return };
        let known = match target {
            Some(Target::Activity { .. }) => Some(&mut record.known),
            Some(Target::NewActivity { .. }) => Some(record.lead_known()),
            _ => None,
        };
        if let Some(known) = known {
            if std::mem::replace(&mut known.twin_gone, true) {
                self.conclude(key, Outcome::failed(lead_unknown()));
            } else {
                (known.lead, known.lead_id, known.keys_tried) = (None, None, 0);
                known.wrote.clear();
                self.book.resume(key);
            }
            return;
        }
        let linked = record.link.is_some() && !record.known.twin_gone;
        if matches!(target, Some(Target::Id(_))) && linked {
            self.note_gone(key);
        }
        let Some(record) = self.book.record_mut(key) else { return };
        if matches!(target, Some(Target::Id(_))) && (linked || record.known.lead.is_some()) {
            record.known.twin_gone = true;
            record.known.lead = None;
            record.known.lead_id = None;
            record.known.wrote.clear();
            record.known.keys_tried = 0;
            self.book.resume(key);
        } else {
            self.conclude(key, Outcome::failed(lead_unknown()));
        }
    }

    fn read_answered(&mut self, key: RecordKey, job: &Job, leads: Vec<Snapshot>) {
        let leads = match job {
            Job::Look(decide::Sought::Key(sought)) => self.with_value(key, sought, leads),
            _ => leads,
        };
        let Some(record) = self.book.record_mut(key) else { return };
        match job {
            Job::ReadSource(_) => {
                let lead = leads.first().map(|lead| Item::from_state(Entity::Lead, lead));
                record.read_lead(lead);
            }
            Job::ReadOther(id) => {
                record.lead_known().others.insert(id.clone(), leads.into_iter().next());
            }
            Job::Look(by) => {
                let is_gone = matches!(by, decide::Sought::Id(_)) && leads.is_empty();
                record.lead_known().take_found(by, leads);
                if is_gone {
                    self.note_gone(key);
                }
            }
            _ => {}
        }
        if matches!(job, Job::Look(_)) && self.is_unlinked(key) {
            self.found.push(Found::Read(key));
        } else {
            self.book.resume(key);
        }
    }

    /// Many leads were read by id. One that is not among them may have been left out only: a call
    /// of its own will say whether it is gone.
    fn many_read(&mut self, call: &Prepared, leads: &[Lead]) {
        let Job::ReadMany(jobs) = &call.job else { return };
        let mut found: HashMap<String, Snapshot> = leads
            .iter()
            .map(snapshot)
            .filter_map(|lead| Some((lead.filled("ProspectID")?.to_lowercase(), lead)))
            .collect();
        for (&key, job) in call.records.iter().zip(jobs) {
            match job.read_id().and_then(|id| found.remove(&id.to_lowercase())) {
                Some(lead) => self.read_answered(key, job, vec![lead]),
                None => self.again_singly(key),
            }
        }
    }

    /// The leads whose field really holds the key: a look by phone number also finds by Mobile.
    fn with_value(&mut self, key: RecordKey, sought: &Key, leads: Vec<Snapshot>) -> Vec<Snapshot> {
        let reading =
            self.with_lead(key, |case| case.mapping.reading().clone()).unwrap_or_default();
        let holds = |lead: &Snapshot| match lead.get(&sought.field) {
            Some(held) => value::same(sought.kind, held, &sought.value, &reading),
            None => true,
        };
        leads.into_iter().filter(holds).collect()
    }

    /// A single write took effect.
    fn written(&mut self, key: RecordKey, job: &Job, written: &Written, at: jiff::Timestamp) {
        let Some(row) = job.row(0) else { return };
        match &row.target {
            Target::Back(_) => self.written_back(key, row, at),
            Target::Id(id) | Target::Activity { id, .. } => {
                self.synced(key, row, id, Event::Updated, at);
            }
            // A call for rows answers for it.
            Target::New => {}
            Target::NewActivity { .. } => match written.id.as_deref().filter(|id| !id.is_empty()) {
                Some(id) => self.synced(key, row, id, Event::New, at),
                None => self.look_again(key),
            },
            Target::Key { update, .. } => {
                let Some(id) = written.lead_id().filter(|id| !id.is_empty()) else {
                    self.look_again(key);
                    return;
                };
                match (written.is_created, update) {
                    (Some(false), false) => self.left_alone(key, id),
                    (Some(false), true) => {
                        self.captured(key, row, id, Event::Updated, (false, at));
                    }
                    // What is there is merged with, and must be known for that.
                    (None, false) if self.merges(key) => self.left_alone(key, id),
                    // Accounts that don't say whether it was created are taken to have done it.
                    (created, _) => {
                        self.captured(key, row, id, Event::New, (created.is_some(), at));
                    }
                }
            }
        }
    }

    fn rows_answered(&mut self, call: &Prepared, rows: &Rows<LeadRow>, at: jiff::Timestamp) {
        let Prepared { account, records, job, .. } = call;
        for (index, &key) in records.iter().enumerate() {
            let Some(sent) = job.row(index) else { continue };
            match rows.of(index) {
                None => self.look_again(key),
                Some(row) if row.is_failure() => {
                    let failure = Failure::Refused {
                        exception: row.exception_type.clone(),
                        message: row.error_message.clone().unwrap_or_default(),
                    };
                    let verdict = self.verdict(*account, &failure);
                    let creates = matches!(job, Job::BulkCreate(_))
                        && matches!(sent.target, Target::Key { .. });
                    if creates && matches!(verdict, Verdict::NextKey(_)) {
                        self.exists(key, &sent.target);
                    } else {
                        self.judge(key, Some(&sent.target), verdict);
                    }
                }
                Some(row) => match row.lead_id.as_deref().filter(|id| !id.is_empty()) {
                    None => self.look_again(key),
                    Some(id) => {
                        let created = row.lead_created == Some(true);
                        let event = if created { Event::New } else { Event::Updated };
                        self.captured(key, sent, id, event, (created, at));
                    }
                },
            }
        }
    }

    fn bulk_updated(
        &mut self,
        job: &Job,
        records: &[RecordKey],
        updated: &BulkUpdated,
        at: jiff::Timestamp,
    ) {
        let named: Vec<&str> = updated
            .failed_leads
            .iter()
            .chain(&updated.unprocessed_leads)
            .map(|lead| lead.identifier_value.as_str())
            .collect();
        let said = updated.failed.unwrap_or(0) + updated.unprocessed.unwrap_or(0);
        let all_named = named.len() as u64 >= said;
        for (index, &key) in records.iter().enumerate() {
            let Some(row) = job.row(index) else { continue };
            let (Target::Id(id) | Target::Back(id)) = &row.target else { continue };
            if all_named && !named.iter().any(|failed| failed.eq_ignore_ascii_case(id)) {
                match row.target {
                    Target::Back(_) => self.written_back(key, row, at),
                    _ => self.synced(key, row, id, Event::Updated, at),
                }
            } else {
                // The answer has no exception: a call of its own will say what is wrong.
                self.again_singly(key);
            }
        }
    }

    /// The write was accepted, and the answer does not say for which lead.
    fn look_again(&mut self, key: RecordKey) {
        if let Some(record) = self.book.record_mut(key) {
            record.doubt();
        }
        self.book.resume(key);
    }

    /// A capture found a lead that was not to be changed.
    fn left_alone(&mut self, key: RecordKey, id: &str) {
        if self.merges(key) {
            if let Some(record) = self.book.record_mut(key) {
                record.lead_known().lead_id = Some(id.to_owned());
            }
            self.book.resume(key);
        } else if !self.lead_found(key, id) {
            let outcome = Outcome::ended(Event::Skipped).because(exists()).of(id);
            self.conclude(key, outcome);
        }
    }

    /// If the record is an activity: its lead is there, and the activity's turn comes.
    fn lead_found(&mut self, key: RecordKey, id: &str) -> bool {
        let Some(record) = self.book.record_mut(key) else { return false };
        let is_activity = record.lead.is_some();
        if is_activity {
            record.lead_known().lead_id = Some(id.to_owned());
            // The doubt, if there was one, was about the lead as well: it is there.
            self.book.resume(key);
        }
        is_activity
    }

    /// A capture took effect. A lead that was there may be another one's, which is seen to first.
    fn captured(
        &mut self,
        key: RecordKey,
        row: &Row,
        id: &str,
        event: Event,
        (is_made, at): (bool, jiff::Timestamp),
    ) {
        if is_made || !matches!(row.target, Target::Key { .. }) || !self.is_unlinked(key) {
            self.synced(key, row, id, event, at);
            return;
        }
        self.found.push(Found::Captured { key, row: row.clone(), id: id.to_owned(), event, at });
    }

    pub(super) fn synced(
        &mut self,
        key: RecordKey,
        row: &Row,
        id: &str,
        event: Event,
        at: jiff::Timestamp,
    ) {
        let of_lead = matches!(row.target, Target::Id(_) | Target::Key { .. } | Target::New);
        let settle = |case: &decide::Case<'_>| decide::settle(case, id, &row.fields, Some(at));
        let link = if of_lead { self.with_lead(key, settle) } else { self.with_case(key, settle) };
        if let Some(link) = link.flatten() {
            self.link(link);
        }
        if of_lead && self.lead_found(key, id) || self.goes_on(key, row, event) {
            return;
        }
        self.conclude(key, Outcome::ended(event).of(id));
    }

    /// Takes in the activities of leads that were looked through: those that are tied to another
    /// activity of the source are not the ones that a lost answer was about.
    pub(super) async fn sort_activities(&mut self) -> store::Result<()> {
        for (key, mut found) in std::mem::take(&mut self.looked_through) {
            let Some(record) = self.book.record(key) else { continue };
            let Some(route) = self.routes.get(&record.connector) else { continue };
            let pair = Pair::of(route.source, route.destination);
            let side = pair.side(route.destination);
            let id = |activity: &Snapshot| activity.get("ProspectActivityId").map(str::to_owned);
            let ids: Vec<String> = found.iter().filter_map(id).collect();
            let links = self.shared.store.links(pair, side, &ids).await?;
            let tied = |activity: &Snapshot| {
                let id = activity.get("ProspectActivityId");
                links.iter().any(|link| Some(link.end(side).id.as_str()) == id)
            };
            found.retain(|activity| !tied(activity));
            if let Some(record) = self.book.record_mut(key) {
                record.known.activities = Some(found);
            }
            self.book.resume(key);
        }
        Ok(())
    }

    /// The activities of a lead were read: those of the source for the record itself.
    fn activities_read(&mut self, key: RecordKey, job: &Job, found: Vec<Snapshot>) {
        let Job::ReadActivity(lead_id, event) = job else {
            self.looked_through.push((key, found));
            return;
        };
        let Some(record) = self.book.record_mut(key) else { return };
        let id = record.item.id().unwrap_or_default();
        let read = plan::activity::read(id, lead_id, *event, &found);
        record.read_activity(read);
        self.book.resume(key);
    }

    fn activity_rows_answered(
        &mut self,
        call: &Prepared,
        rows: &Rows<ActivityRow>,
        at: jiff::Timestamp,
    ) {
        let Prepared { account, records, job, .. } = call;
        for (index, &key) in records.iter().enumerate() {
            let Some(sent) = job.row(index) else { continue };
            match rows.of(index) {
                Some(row) if row.is_failure() => {
                    let failure = Failure::Refused {
                        exception: row.exception_type.clone(),
                        message: row.exception_message.clone().unwrap_or_default(),
                    };
                    let verdict = self.verdict(*account, &failure);
                    self.judge(key, Some(&sent.target), verdict);
                }
                row => match row.and_then(|row| row.prospect_activity_id.as_deref()) {
                    Some(id) if !id.is_empty() => self.synced(key, sent, id, Event::New, at),
                    _ => self.look_again(key),
                },
            }
        }
    }
}

fn error_of(answer: &Answer) -> Option<&Error> {
    match answer {
        Answer::Told(result) => result.as_ref().err(),
        Answer::Leads(result) => result.as_ref().err(),
        Answer::Written(result) => result.as_ref().err(),
        Answer::Rows(result) => result.as_ref().err(),
        Answer::Updated(result) => result.as_ref().err(),
        Answer::Activities(result) => result.as_ref().err(),
        Answer::ActivityRows(result) => result.as_ref().err(),
    }
}

fn exists() -> Problem {
    Problem::new(
        Code::Exists,
        "The lead exists in the destination, and the connector only creates new ones.",
        "Change the connector's lead behaviour if that is not meant.",
    )
}

fn lead_unknown() -> Problem {
    Problem::new(
        Code::LeadGone,
        "The destination says that the lead does not exist, although it was found a moment ago.",
        "Look for it in the destination account, then retry.",
    )
}

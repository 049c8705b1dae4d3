//! Reading the log.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use plan::id::{AccountId, ConnectorId, RequestId};
use plan::quota::forecast::Spending;
use sqlx::Row;

use super::values::Place;
use super::{
    Backend, Connection, DbRow, QueryBuilder, ROWS_A_STATEMENT, audit, batches, contact, counts,
    failures, filter, found, health, history, intake, linked, list, progress, push_list, retry,
};
use crate::audit::Actor;
use crate::contact::Contact;
use crate::error::Result;
use crate::filter::{Cursor, Filter, Page};
use crate::history::{HistoryItem, Neighbours};
use crate::intake::NewDelivery;
use crate::list::{Count, Counts, RequestLine, StateCounts};
use crate::log::{AttemptItem, CallItem, Delivery, FailureGroup, Log, RecordItem, RequestItem};
use crate::progress::{Call, CallRef};
use crate::retry::{LinkedRecords, Retried, Retry, RetryBatch, Selection};
use crate::tally::{Cause, Health, Span, Step, Used};

#[async_trait]
impl Log for Backend {
    async fn requests(
        &self,
        filter: &Filter,
        page: &Page,
    ) -> Result<(Vec<RequestItem>, Option<Cursor>)> {
        let mut transaction = self.begin_read().await?;
        let running = filter::running(&mut transaction).await?;
        let (ids, more) = found::page(&mut transaction, filter, page, &running).await?;
        let lines = list::requests(&mut transaction, &ids, &running).await?;
        let mut records = records(&mut transaction, &ids).await?;
        let items: Vec<RequestItem> = lines
            .into_iter()
            .map(|line| {
                let records = records.remove(&line.id.number()).unwrap_or_default();
                whole(line, records)
            })
            .collect();
        let cursor = items.last().filter(|_| more).map(|item| Cursor(item.id));
        Ok((items, cursor))
    }

    async fn request_lines(
        &self,
        filter: &Filter,
        page: &Page,
    ) -> Result<(Vec<RequestLine>, Option<Cursor>)> {
        let mut transaction = self.begin_read().await?;
        let running = filter::running(&mut transaction).await?;
        let (ids, more) = found::page(&mut transaction, filter, page, &running).await?;
        let mut lines = list::requests(&mut transaction, &ids, &running).await?;
        let mut records = list::records(&mut transaction, &ids).await?;
        for line in &mut lines {
            line.records = records.remove(&line.id.number()).unwrap_or_default();
        }
        let cursor = lines.last().filter(|_| more).map(|line| Cursor(line.id));
        Ok((lines, cursor))
    }

    async fn count_requests(&self, filter: &Filter) -> Result<Counts> {
        counts::requests_by_event(&mut *self.begin_read().await?, filter).await
    }

    async fn count(&self, filter: &Filter) -> Result<Count> {
        counts::all(&mut *self.begin_read().await?, filter).await
    }

    async fn count_states(&self, filter: &Filter) -> Result<StateCounts> {
        counts::by_state(&mut *self.begin_read().await?, filter).await
    }

    async fn neighbours(&self, request: RequestId, q: &str) -> Result<Neighbours> {
        history::neighbours(&mut *self.begin_read().await?, request, q).await
    }

    async fn history(&self, lead: &str) -> Result<(Vec<HistoryItem>, bool)> {
        history::history(&mut *self.begin_read().await?, lead).await
    }

    async fn deliveries(&self, requests: &[RequestId]) -> Result<Vec<(RequestId, Delivery)>> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        let mut transaction = self.begin_read().await?;
        let mut query = QueryBuilder::new(
            "SELECT d.id, c.name, d.received_at, d.content_type, d.body, d.origin FROM delivery d \
             JOIN connector c ON c.id = d.connector WHERE d.id IN ",
        );
        push_list(&mut query, requests.iter().map(|request| request.number()));
        let rows = query.build().persistent(false).fetch_all(&mut *transaction).await?;
        let delivery = |row: &DbRow| {
            let request = RequestId::from_number(row.try_get(0)?);
            let place = Place { table: "delivery", row: &request };
            let delivery = Delivery {
                connector: row.try_get(1)?,
                received_at: place.time(row.try_get(2)?)?,
                content_type: row.try_get(3)?,
                body: row.try_get(4)?,
                origin: place.origin(row.try_get(5)?)?,
            };
            Ok((request, delivery))
        };
        rows.iter().map(delivery).collect()
    }

    async fn failures(&self, filter: &Filter) -> Result<Vec<FailureGroup>> {
        failures::failures(&mut *self.begin_read().await?, filter).await
    }

    async fn retry(&self, retry: &Retry, actor: &Actor, now: Timestamp) -> Result<Retried> {
        let (retry, actor) = (retry.clone(), actor.clone());
        self.write(move |connection| {
            Box::pin(async move { retry::retry(connection, &retry, &actor, now).await })
        })
        .await
    }

    async fn linked_records(
        &self,
        connector: ConnectorId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<LinkedRecords> {
        linked::records(&mut *self.begin_read().await?, connector, after, limit).await
    }

    async fn refresh_leads(
        &self,
        (connector, name): (ConnectorId, &str),
        per_minute: Option<u32>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Retried> {
        // Some at a time, so that webhooks are stored in between.
        const LEADS: usize = 1_000;
        let mut after: Option<String> = None;
        let mut retried = Retried { requests: 0, batch: None };
        loop {
            let some = self.linked_records(connector, after.as_deref(), LEADS).await?;
            if !some.records.is_empty() {
                let (name, actor) = (name.to_owned(), actor.clone());
                let so_far = (retried.batch, retried.requests);
                let (batch, requests) = self
                    .write(move |connection| {
                        Box::pin(async move {
                            let which = (name.as_str(), some.records.as_slice());
                            let how = (per_minute, &actor);
                            retry::queue_linked(connection, which, so_far, how, now).await
                        })
                    })
                    .await?;
                (retried.batch, retried.requests) = (Some(batch), retried.requests + requests);
            }
            after = some.next;
            if after.is_none() {
                return Ok(retried);
            }
        }
    }

    async fn keep_call(&self, call: Call) -> Result<()> {
        self.write(move |connection| {
            Box::pin(async move { progress::keep_call(connection, call).await })
        })
        .await
    }

    async fn sync_lead(
        &self,
        lead: &str,
        deliveries: Vec<NewDelivery>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()> {
        let (lead, actor) = (lead.to_owned(), actor.clone());
        self.write(move |connection| {
            Box::pin(async move {
                intake::store(connection, &deliveries, None).await?;
                let action = "sync_lead";
                let entry = audit::Entry { action, subject: &lead, before: None, after: None };
                audit::audit(connection, &actor, now, &entry).await
            })
        })
        .await
    }

    async fn cancel_retries(
        &self,
        selection: &Selection,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<u64> {
        let (selection, actor) = (selection.clone(), actor.clone());
        self.write(move |connection| {
            Box::pin(async move { retry::cancel(connection, &selection, &actor, now).await })
        })
        .await
    }

    async fn retry_batches(&self) -> Result<Vec<RetryBatch>> {
        batches::last(&mut *self.begin_read().await?).await
    }

    async fn retry_batch(&self, id: i64) -> Result<Option<RetryBatch>> {
        batches::find(&mut *self.begin_read().await?, id).await
    }

    async fn cancel_retry_batch(&self, id: i64, actor: &Actor, now: Timestamp) -> Result<u64> {
        let actor = actor.clone();
        self.write(move |connection| {
            Box::pin(async move { retry::cancel_batch(connection, id, &actor, now).await })
        })
        .await
    }

    async fn health(&self, since: Timestamp) -> Result<Vec<Health>> {
        health::health(&mut *self.begin_read().await?, since).await
    }

    async fn steps(&self, span: &Span) -> Result<Vec<Step>> {
        health::steps(&mut *self.begin_read().await?, span).await
    }

    async fn recent_steps(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Step>> {
        health::recent_steps(&mut *self.begin_read().await?, from, to).await
    }

    async fn causes(
        &self,
        between: (Timestamp, Timestamp),
        connectors: Option<&[ConnectorId]>,
        limit: usize,
    ) -> Result<Vec<Cause>> {
        health::causes(&mut *self.begin_read().await?, between, connectors, limit).await
    }

    async fn used(
        &self,
        windows: &[(AccountId, SignedDuration)],
        now: Timestamp,
    ) -> Result<Vec<Used>> {
        health::used(&mut *self.begin_read().await?, windows, now).await
    }

    async fn contacts(&self, accounts: &[AccountId]) -> Result<Vec<Contact>> {
        contact::find(&mut *self.begin_read().await?, accounts).await
    }

    async fn spending(&self, accounts: &[AccountId], now: Timestamp) -> Result<Vec<Spending>> {
        health::spending(&mut *self.begin_read().await?, accounts, now).await
    }
}

fn whole(line: RequestLine, records: Vec<RecordItem>) -> RequestItem {
    RequestItem {
        id: line.id,
        connector: line.connector,
        origin: line.origin,
        received_at: line.received_at,
        finished_at: line.finished_at,
        job_status: line.job_status,
        sync_status: line.sync_status,
        behaviour: line.behaviour,
        records,
    }
}

/// The records of these requests, with their attempts and calls.
async fn records(
    connection: &mut Connection,
    requests: &[i64],
) -> Result<HashMap<i64, Vec<RecordItem>>> {
    let mut records: HashMap<i64, Vec<RecordItem>> = HashMap::new();
    if requests.is_empty() {
        return Ok(records);
    }
    let mut attempts = attempts(connection, requests).await?;
    let mut query = QueryBuilder::new(
        "SELECT request, position, entity, event, sync_status, source_id, destination_id, problem, \
         explanation, version, due, known_as, name FROM record WHERE request IN ",
    );
    push_list(&mut query, requests.iter().copied());
    query.push(" ORDER BY request, position");
    for row in query.build().persistent(false).fetch_all(connection).await? {
        let request: i64 = row.try_get(0)?;
        let place = Place { table: "record", row: &request };
        let position: i64 = row.try_get(1)?;
        let due: Option<i64> = row.try_get(10)?;
        records.entry(request).or_default().push(RecordItem {
            position: place.count(position)?,
            entity: place.word(row.try_get(2)?)?,
            event: place.word(row.try_get(3)?)?,
            sync_status: place.word(row.try_get(4)?)?,
            known_as: row.try_get(11)?,
            name: row.try_get(12)?,
            source_id: row.try_get(5)?,
            destination_id: row.try_get(6)?,
            error: place.problem(row.try_get(7)?)?,
            explanation: place.raw(row.try_get(8)?)?,
            version: row.try_get(9)?,
            next_attempt_at: due.map(|due| place.time(due)).transpose()?,
            attempts: attempts.remove(&(request, position)).unwrap_or_default(),
        });
    }
    Ok(records)
}

async fn attempts(
    connection: &mut Connection,
    requests: &[i64],
) -> Result<HashMap<(i64, i64), Vec<AttemptItem>>> {
    let mut query = QueryBuilder::new(
        "SELECT a.request, a.position, a.number, a.at, a.event, a.problem, a.calls, a.retry, \
         a.version, b.actor FROM attempt a LEFT JOIN retry_batch b ON b.id = a.batch \
         WHERE a.request IN ",
    );
    push_list(&mut query, requests.iter().copied());
    query.push(" ORDER BY a.request, a.position, a.number");
    let rows = query.build().persistent(false).fetch_all(&mut *connection).await?;
    let mut references: Vec<Vec<CallRef>> = Vec::with_capacity(rows.len());
    for row in &rows {
        let request: i64 = row.try_get(0)?;
        references.push(Place { table: "attempt", row: &request }.parse(row.try_get(6)?)?);
    }
    let wanted: HashSet<i64> = references.iter().flatten().map(|call| call.id).collect();
    let calls = calls(connection, wanted).await?;
    let mut attempts: HashMap<(i64, i64), Vec<AttemptItem>> = HashMap::new();
    for (row, references) in rows.iter().zip(references) {
        let request: i64 = row.try_get(0)?;
        let place = Place { table: "attempt", row: &request };
        attempts.entry((request, row.try_get(1)?)).or_default().push(AttemptItem {
            number: place.count(row.try_get(2)?)?,
            at: place.time(row.try_get(3)?)?,
            event: place.word(row.try_get(4)?)?,
            error: place.problem(row.try_get(5)?)?,
            retry: row.try_get::<Option<&str>, _>(7)?.map(|word| place.word(word)).transpose()?,
            retry_by: row.try_get(9)?,
            version: row.try_get(8)?,
            calls: references
                .iter()
                .filter_map(|reference| {
                    let mut call = calls.get(&reference.id)?.clone();
                    call.row = reference.row;
                    Some(call)
                })
                .collect(),
        });
    }
    Ok(attempts)
}

async fn calls(
    connection: &mut Connection,
    wanted: HashSet<i64>,
) -> Result<HashMap<i64, CallItem>> {
    let mut calls = HashMap::with_capacity(wanted.len());
    let wanted: Vec<i64> = wanted.into_iter().collect();
    for some in wanted.chunks(ROWS_A_STATEMENT) {
        let mut query = QueryBuilder::new(
            "SELECT id, at, milliseconds, method, url, status, request, response, error FROM call \
             WHERE id IN ",
        );
        push_list(&mut query, some.iter().copied());
        for row in query.build().persistent(false).fetch_all(&mut *connection).await? {
            let id: i64 = row.try_get(0)?;
            let place = Place { table: "call", row: &id };
            let status: Option<i64> = row.try_get(5)?;
            let call = CallItem {
                at: place.time(row.try_get(1)?)?,
                milliseconds: place.count(row.try_get(2)?)?,
                method: row.try_get(3)?,
                url: row.try_get(4)?,
                status: status.and_then(|status| u16::try_from(status).ok()),
                request: row.try_get(6)?,
                response: row.try_get(7)?,
                error: row.try_get(8)?,
                row: None,
            };
            calls.insert(id, call);
        }
    }
    Ok(calls)
}

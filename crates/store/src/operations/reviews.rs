//! Reviews.

use async_trait::async_trait;
use jiff::Timestamp;
use plan::id::{AccountId, RequestId};
use plan::identity;
use plan::link::{Pair, Side};
use plan::outcome::RetryWith;
use plan::problem::Code;
use plan::review::{Choice, Reason, State};
use sqlx::Row;

use super::values::{Place, json, ms};
use super::{Backend, Connection, DbRow, QueryBuilder, audit, lease, links, push_list, retry};
use crate::audit::Actor;
use crate::error::{Error, Result};
use crate::filter::Page;
use crate::retry::{Retried, Retry, Selection};
use crate::reviews::{ReviewFilter, ReviewItem, Reviews};

const ITEM: &str = "SELECT v.id, c.name, v.source_id, v.known_as, v.reason, v.state, v.opened_at, \
                    v.request, v.choice, v.decided_at, v.decided_by, v.evidence \
                    FROM review v JOIN connector c ON c.id = v.connector WHERE v.id > 0";

#[async_trait]
impl Reviews for Backend {
    async fn reviews(
        &self,
        filter: &ReviewFilter,
        limit: usize,
        after: Option<i64>,
    ) -> Result<(Vec<ReviewItem>, Option<i64>)> {
        let limit = limit.clamp(1, Page::MOST);
        let mut transaction = self.begin_read().await?;
        let mut query = QueryBuilder::new(ITEM);
        push_filter(&mut query, filter);
        query.push(" AND v.id < ").push_bind(after.unwrap_or(i64::MAX));
        query.push(" ORDER BY v.id DESC LIMIT ");
        query.push_bind(i64::try_from(limit + 1).unwrap_or(i64::MAX));
        let rows = query.build().persistent(false).fetch_all(&mut *transaction).await?;
        let items: Vec<ReviewItem> = rows.iter().take(limit).map(item).collect::<Result<_>>()?;
        let cursor = items.last().filter(|_| rows.len() > limit).map(|item| item.id);
        Ok((items, cursor))
    }

    async fn review(&self, id: i64) -> Result<Option<ReviewItem>> {
        let mut transaction = self.begin_read().await?;
        let mut query = QueryBuilder::new(ITEM);
        query.push(" AND v.id = ").push_bind(id);
        let row = query.build().persistent(false).fetch_optional(&mut *transaction).await?;
        row.as_ref().map(item).transpose()
    }

    async fn count_reviews(&self, filter: &ReviewFilter) -> Result<u64> {
        let mut transaction = self.begin_read().await?;
        let mut query = QueryBuilder::new(
            "SELECT count(*) FROM review v JOIN connector c ON c.id = v.connector WHERE v.id > 0",
        );
        push_filter(&mut query, filter);
        let row = query.build().persistent(false).fetch_one(&mut *transaction).await?;
        Ok(row.try_get::<i64, _>(0)?.cast_unsigned())
    }

    async fn decide_review(
        &self,
        id: i64,
        choice: Option<&Choice>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Retried> {
        let (choice, actor) = (choice.cloned(), actor.clone());
        self.write(move |connection| {
            Box::pin(async move { decide(connection, id, choice.as_ref(), &actor, now).await })
        })
        .await
    }

    async fn release_field(
        &self,
        end: (Pair, Side),
        lead: &str,
        field: &str,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<bool> {
        // A field that is not frozen is no reason to interrupt the lease holder.
        let mut reading = self.begin_read().await?;
        let frozen = links::find_frozen(&mut reading, &self.cipher, end, lead, field).await?;
        drop(reading);
        if frozen.is_none() {
            return Ok(false);
        }
        let (lead, field, actor) = (lead.to_owned(), field.to_owned(), actor.clone());
        let cipher = self.cipher.clone();
        self.write(move |connection| {
            Box::pin(async move {
                links::release_field(connection, &cipher, end, &lead, &field, &actor, now).await
            })
        })
        .await
    }
}

async fn decide(
    connection: &mut Connection,
    id: i64,
    choice: Option<&Choice>,
    actor: &Actor,
    now: Timestamp,
) -> Result<Retried> {
    let row = sqlx::query(
        "SELECT source, destination, source_id, reason, state, choice FROM review WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else {
        return Err(Error::Refused(format!("there is no review {id}")));
    };
    let place = Place { table: "review", row: &id };
    let accounts = (AccountId(row.try_get(0)?), AccountId(row.try_get(1)?));
    let lead: String = row.try_get(2)?;
    let reason: Reason = place.word(row.try_get(3)?)?;
    let state: State = place.word(row.try_get(4)?)?;
    let before: Option<String> = row.try_get(5)?;
    must_fit(state, choice)?;
    let after = choice.map(json).transpose()?;
    sqlx::query(
        "UPDATE review SET state = $2, choice = $3, decided_at = $4, decided_by = $5 \
         WHERE id = $1",
    )
    .bind(id)
    .bind(if choice.is_some() { State::Decided } else { State::Open }.as_str())
    .bind(after.as_deref())
    .bind(choice.map(|_| ms(now)))
    .bind(choice.map(|_| actor.0.as_str()))
    .execute(&mut *connection)
    .await?;
    if choice.is_none() {
        let pair = Pair::of(accounts.0, accounts.1);
        // The lease holder of these accounts must not continue with its in-memory state.
        lease::revoke(connection, &[pair.first, pair.second]).await?;
        match reason {
            // The lead is linked because of the decision, which no longer holds.
            Reason::Several | Reason::KeysDisagree | Reason::Linked => {
                links::forget_lead(connection, pair, pair.side(accounts.0), &lead).await?;
            }
            // A decision about a conflict says nothing about which lead it is.
            Reason::Conflict => {}
        }
    }
    let action = if choice.is_some() { "decide_review" } else { "undo_review" };
    let entry = audit::Entry { action, subject: &lead, before, after };
    audit::audit(connection, actor, now, &entry).await?;
    match choice {
        Some(_) => drain(connection, accounts, &lead, actor, now).await,
        None => Ok(Retried { requests: 0, batch: None }),
    }
}

fn push_filter(query: &mut QueryBuilder, filter: &ReviewFilter) {
    if let Some(state) = filter.state {
        query.push(" AND v.state = ").push_bind(state.as_str());
    }
    if let Some(connector) = &filter.connector {
        query.push(" AND c.name = ").push_bind(connector.clone());
    }
    if let Some(lead) = &filter.lead {
        let lead = identity::mention(lead);
        query.push(" AND (v.source_id = ").push_bind(lead.clone());
        query.push(" OR v.destination_id = ").push_bind(lead).push(")");
    }
    match filter.within.as_deref() {
        None => {}
        Some([]) => {
            query.push(" AND 1 = 0");
        }
        Some(names) => {
            query.push(" AND c.name IN ");
            push_list(query, names.iter().cloned());
        }
    }
}

/// Whether a review in this state can be decided, or undone.
fn must_fit(state: State, choice: Option<&Choice>) -> Result<()> {
    let problem = match (state, choice) {
        (State::Open, Some(_)) | (State::Decided, None) => return Ok(()),
        (State::Open, None) => "the review has no decision yet, so there is nothing to undo",
        (State::Decided, Some(_)) => "the review is already resolved: undo that decision first",
        (State::Solved, _) => "the review no longer needs a decision",
    };
    Err(Error::Refused(problem.to_owned()))
}

/// Retries the changes of a lead that waited for the decision, including those of its activities.
async fn drain(
    connection: &mut Connection,
    (source, destination): (AccountId, AccountId),
    lead: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<Retried> {
    let waited: Vec<String> =
        Reason::ALL.iter().map(|reason| format!("'{}'", reason.code())).collect();
    let sql = format!(
        "SELECT DISTINCT m.request FROM mention m \
         JOIN record r ON r.request = m.request AND r.position = m.position \
         JOIN connector c ON c.id = r.connector \
         WHERE m.value = $1 AND c.source IN ($2, $3) AND c.destination IN ($2, $3) \
         AND (r.event = 'failed' AND r.code IN ({}) OR r.code = '{}') ORDER BY m.request",
        waited.join(", "),
        Code::LeftAlone,
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(identity::mention(lead))
        .bind(source.0)
        .bind(destination.0)
        .fetch_all(&mut *connection)
        .await?;
    let requests: Vec<RequestId> = rows
        .iter()
        .map(|row| Ok(RequestId::from_number(row.try_get(0)?)))
        .collect::<Result<_>>()?;
    if requests.is_empty() {
        return Ok(Retried { requests: 0, batch: None });
    }
    let selection = Selection::Requests(requests);
    let retry = Retry { with: RetryWith::Now, per_minute: None, ..selection.into() };
    retry::queue(connection, &retry, actor, now).await
}

fn item(row: &DbRow) -> Result<ReviewItem> {
    let id = row.try_get(0)?;
    let place = Place { table: "review", row: &id };
    let decided_at: Option<i64> = row.try_get(9)?;
    Ok(ReviewItem {
        id,
        connector: row.try_get(1)?,
        source_id: row.try_get(2)?,
        known_as: row.try_get(3)?,
        reason: place.word(row.try_get(4)?)?,
        state: place.word(row.try_get(5)?)?,
        opened_at: place.time(row.try_get(6)?)?,
        request: RequestId::from_number(row.try_get(7)?),
        choice: row.try_get::<Option<&str>, _>(8)?.map(|json| place.parse(json)).transpose()?,
        decided_at: decided_at.map(|at| place.time(at)).transpose()?,
        decided_by: row.try_get(10)?,
        evidence: place.parse(row.try_get(11)?)?,
    })
}

//! Trying failed records again because a person asked.

use jiff::Timestamp;
use sqlx::Row;

use super::values::{json, ms};
use super::{Backend, Connection, QueryBuilder, ROWS_A_STATEMENT, audit, log, push_list};
use crate::{Actor, Filter, Result, Retry, Selection};

/// A record that a person asked to retry and that nobody has begun.
const NOT_BEGUN: &str = "retry IS NOT NULL AND tries = 0 AND due IS NOT NULL";

impl Backend {
    pub(super) async fn queue_again(
        &self,
        retry: &Retry,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<u64> {
        let mut transaction = self.begin().await?;
        let requests = selected(&mut transaction, &retry.selection).await?;
        let due: Vec<(i64, i64)> =
            requests.iter().enumerate().map(|(n, id)| (*id, ms(now) + delay(n, retry))).collect();
        let mut touched = 0;
        for some in due.chunks(ROWS_A_STATEMENT) {
            touched += again(&mut transaction, some, retry).await?;
        }
        note(&mut transaction, "retry", touched, &retry.selection, actor, now).await?;
        transaction.commit().await?;
        Ok(touched)
    }

    pub(super) async fn take_back(
        &self,
        selection: &Selection,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<u64> {
        let mut transaction = self.begin().await?;
        let requests = selected(&mut transaction, selection).await?;
        let mut touched = 0;
        for some in requests.chunks(ROWS_A_STATEMENT) {
            touched += cancel(&mut transaction, some, now).await?;
        }
        note(&mut transaction, "cancel_retries", touched, selection, actor, now).await?;
        transaction.commit().await?;
        Ok(touched)
    }
}

/// How many milliseconds later than at once the request at this place is tried again.
fn delay(place: usize, retry: &Retry) -> i64 {
    const MINUTE: i64 = 60_000;
    let Some(per_minute) = retry.per_minute else { return 0 };
    let after = i64::try_from(place.saturating_sub(Retry::AT_ONCE)).unwrap_or(i64::MAX);
    after.saturating_mul(MINUTE) / i64::from(per_minute.max(1))
}

async fn note(
    connection: &mut Connection,
    action: &str,
    touched: u64,
    selection: &Selection,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    if touched == 0 {
        return Ok(());
    }
    let which = match selection {
        Selection::Requests(ids) => json(ids)?,
        Selection::Failed(_) => json("failed requests by filter")?,
    };
    let subject = format!("{touched} requests");
    let entry = audit::Entry { action, subject: &subject, before: None, after: Some(which) };
    audit::audit(connection, actor, now, &entry).await
}

async fn selected(connection: &mut Connection, selection: &Selection) -> Result<Vec<i64>> {
    match selection {
        Selection::Requests(ids) => Ok(ids.iter().map(|id| id.number()).collect()),
        Selection::Failed(filter) => failed(connection, filter).await,
    }
}

async fn failed(connection: &mut Connection, filter: &Filter) -> Result<Vec<i64>> {
    let running = log::running(connection).await?;
    let mut query = log::matching("SELECT q.id FROM request q", filter);
    log::push_job_status(&mut query, filter.job_status, &running);
    query.push(
        " AND EXISTS (SELECT 1 FROM record f WHERE f.request = q.id AND f.event = 'failed') \
         ORDER BY q.id",
    );
    let rows = query.build().persistent(false).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Makes failed records of these requests due at these times; answers how many requests have one.
async fn again(connection: &mut Connection, requests: &[(i64, i64)], retry: &Retry) -> Result<u64> {
    let mut query = QueryBuilder::new("UPDATE record SET tries = 0, retry = ");
    query.push_bind(retry.with.as_str()).push(", due = v.column2 FROM (");
    query.push_values(requests, |mut row, (id, due)| {
        row.push_bind(*id).push_bind(*due);
    });
    query.push(") AS v WHERE record.request = v.column1 AND record.event = 'failed'");
    query.build().persistent(false).execute(&mut *connection).await?;
    let mut query = QueryBuilder::new(
        "UPDATE request SET job_status = 'queued', finished_at = NULL, due = v.column2 FROM (",
    );
    query.push_values(requests, |mut row, (id, due)| {
        row.push_bind(*id).push_bind(*due);
    });
    query.push(
        ") AS v WHERE request.id = v.column1 AND EXISTS (SELECT 1 FROM record \
         WHERE record.request = request.id AND record.event = 'failed')",
    );
    let done = query.build().persistent(false).execute(&mut *connection).await?;
    Ok(done.rows_affected())
}

/// Makes records of these requests failed again that were queued and not begun.
async fn cancel(connection: &mut Connection, requests: &[i64], now: Timestamp) -> Result<u64> {
    let mut query = QueryBuilder::new(format!(
        "SELECT DISTINCT request FROM record WHERE {NOT_BEGUN} AND request IN "
    ));
    push_list(&mut query, requests.iter().copied());
    let rows = query.build().persistent(false).fetch_all(&mut *connection).await?;
    let touched: Vec<i64> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    if touched.is_empty() {
        return Ok(0);
    }
    let mut query = QueryBuilder::new(format!(
        "UPDATE record SET due = NULL, retry = NULL WHERE {NOT_BEGUN} AND request IN "
    ));
    push_list(&mut query, touched.iter().copied());
    query.build().persistent(false).execute(&mut *connection).await?;
    let mut query = QueryBuilder::new("UPDATE request SET job_status = 'failure', finished_at = ");
    query.push_bind(ms(now)).push(
        " WHERE NOT EXISTS (SELECT 1 FROM record WHERE record.request = request.id \
         AND record.due IS NOT NULL) AND id IN ",
    );
    push_list(&mut query, touched.iter().copied());
    query.build().persistent(false).execute(&mut *connection).await?;
    Ok(touched.len() as u64)
}

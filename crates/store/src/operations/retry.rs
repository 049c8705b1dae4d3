//! Trying failed records again because a person asked.

use jiff::Timestamp;
use sqlx::Row;

use super::values::{json, ms};
use super::{Backend, Connection, QueryBuilder, ROWS_A_STATEMENT, configuration, log, push_list};
use crate::{Actor, Filter, Result, Selection};

impl Backend {
    pub(super) async fn queue_again(
        &self,
        selection: &Selection,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<u64> {
        let mut transaction = self.begin().await?;
        let requests = match selection {
            Selection::Requests(ids) => ids.iter().map(|id| id.number()).collect(),
            Selection::Failed(filter) => failed(&mut transaction, filter).await?,
        };
        let mut touched = 0;
        for some in requests.chunks(ROWS_A_STATEMENT) {
            touched += again(&mut transaction, some, now).await?;
        }
        if touched > 0 {
            let what = format!("{touched} requests");
            let which = match selection {
                Selection::Requests(ids) => json(ids)?,
                Selection::Failed(_) => json("failed requests by filter")?,
            };
            let entry = configuration::Entry {
                action: "retry",
                subject: &what,
                before: None,
                after: Some(which),
            };
            configuration::audit(&mut transaction, actor, now, &entry).await?;
        }
        transaction.commit().await?;
        Ok(touched)
    }
}

async fn failed(connection: &mut Connection, filter: &Filter) -> Result<Vec<i64>> {
    let mut query = log::matching("SELECT q.id FROM request q", filter);
    query.push(
        " AND EXISTS (SELECT 1 FROM record f WHERE f.request = q.id AND f.event = 'failed') \
         ORDER BY q.id",
    );
    let rows = query.build().persistent(false).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Makes failed records of these requests due now; answers how many requests have one.
async fn again(connection: &mut Connection, requests: &[i64], now: Timestamp) -> Result<u64> {
    let mut query = QueryBuilder::new("UPDATE record SET tries = 0, due = ");
    query.push_bind(ms(now)).push(" WHERE event = 'failed' AND request IN ");
    push_list(&mut query, requests.iter().copied());
    query.build().persistent(false).execute(&mut *connection).await?;
    let mut query =
        QueryBuilder::new("UPDATE request SET job_status = 'queued', finished_at = NULL, due = ");
    query.push_bind(ms(now));
    query.push(
        " WHERE EXISTS (SELECT 1 FROM record WHERE record.request = request.id \
         AND record.event = 'failed') AND id IN ",
    );
    push_list(&mut query, requests.iter().copied());
    let done = query.build().persistent(false).execute(&mut *connection).await?;
    Ok(done.rows_affected())
}

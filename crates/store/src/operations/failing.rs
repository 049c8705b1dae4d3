//! What is failed now by cause, and dismissals.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use jiff::Timestamp;
use plan::id::{ConnectorId, RequestId};
use sqlx::Row;

use super::audit::{Entry, audit};
use super::values::{Place, json, ms};
use super::{Backend, Connection, DbRow, QueryBuilder, ROWS_A_STATEMENT, push_list};
use crate::audit::Actor;
use crate::error::{Error, Result};
use crate::failing::{Dismissal, Failing, Failures};
use crate::tally::Waiting;

/// In a statement over `tally`: the cause is not dismissed.
pub(super) const IS_OPEN: &str = " AND NOT EXISTS (SELECT 1 FROM dismissal d \
     WHERE d.connector = tally.connector AND d.cause = tally.cause AND d.recurred_at IS NULL)";

#[async_trait]
impl Failures for Backend {
    async fn failing(&self, connectors: &[ConnectorId]) -> Result<Vec<Failing>> {
        failing(&mut *self.begin_read().await?, connectors, None).await
    }

    async fn failing_for(&self, connector: ConnectorId, cause: &str) -> Result<Option<Failing>> {
        let found = failing(&mut *self.begin_read().await?, &[connector], Some(cause)).await?;
        Ok(found.into_iter().next())
    }

    async fn dismiss_failures(
        &self,
        (connector, name): (ConnectorId, &str),
        cause: &str,
        note: &str,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()> {
        let subject = format!("{name}: {cause}");
        let (cause, note, actor) = (cause.to_owned(), note.to_owned(), actor.clone());
        self.write(move |connection| {
            Box::pin(async move {
                if failing(connection, &[connector], Some(&cause)).await?.is_empty() {
                    return Err(Error::Refused(format!("no record is failed for {subject}")));
                }
                sqlx::query(
                    "INSERT INTO dismissal (connector, cause, note, at, actor) \
                     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (connector, cause) \
                     DO UPDATE SET note = $3, at = $4, actor = $5, recurred_at = NULL",
                )
                .bind(connector.0)
                .bind(&cause)
                .bind(&note)
                .bind(ms(now))
                .bind(&actor.0)
                .execute(&mut *connection)
                .await?;
                let after = Some(json(&note)?);
                let action = "dismiss_failures";
                let entry = Entry { action, subject: &subject, before: None, after };
                audit(connection, &actor, now, &entry).await
            })
        })
        .await
    }

    async fn restore_failures(
        &self,
        (connector, name): (ConnectorId, &str),
        cause: &str,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()> {
        let subject = format!("{name}: {cause}");
        let (cause, actor) = (cause.to_owned(), actor.clone());
        self.write(move |connection| {
            Box::pin(async move {
                let note = sqlx::query(
                    "DELETE FROM dismissal WHERE connector = $1 AND cause = $2 \
                     AND recurred_at IS NULL RETURNING note",
                )
                .bind(connector.0)
                .bind(&cause)
                .fetch_optional(&mut *connection)
                .await?;
                let Some(note) = note else {
                    return Err(Error::Refused(format!("{subject} is not dismissed")));
                };
                let before = Some(json(&note.try_get::<String, _>(0)?)?);
                let action = "restore_failures";
                let entry = Entry { action, subject: &subject, before, after: None };
                audit(connection, &actor, now, &entry).await
            })
        })
        .await
    }
}

async fn failing(
    connection: &mut Connection,
    connectors: &[ConnectorId],
    cause: Option<&str>,
) -> Result<Vec<Failing>> {
    let mut query = QueryBuilder::new(
        "SELECT t.connector, t.cause, CAST(sum(t.records) AS BIGINT), d.note, d.at, d.actor, \
         d.recurred_at FROM tally t \
         LEFT JOIN dismissal d ON d.connector = t.connector AND d.cause = t.cause \
         WHERE t.event = 'failed' AND t.cause <> '' AND t.connector IN ",
    );
    // SQL has no empty lists; no connector has this number.
    push_list(&mut query, connectors.iter().map(|connector| connector.0).chain([-1]));
    if let Some(cause) = cause {
        query.push(" AND t.cause = ").push_bind(cause.to_owned());
    }
    query.push(
        " GROUP BY t.connector, t.cause, d.note, d.at, d.actor, d.recurred_at \
         HAVING sum(t.records) > 0 ORDER BY 3 DESC, 1, 2 LIMIT ",
    );
    query.push_bind(i64::try_from(Failing::MOST).unwrap_or(i64::MAX));
    let rows = query.build().persistent(false).fetch_all(&mut *connection).await?;
    let mut waiting: HashMap<i64, HashMap<String, u64>> = HashMap::new();
    let mut all = Vec::with_capacity(rows.len());
    for row in &rows {
        let (connector, cause): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
        if let std::collections::hash_map::Entry::Vacant(vacant) = waiting.entry(connector) {
            vacant.insert(retrying(connection, connector).await?);
        }
        // The tally may be ahead of an error that has no problem; such a record is not in a group.
        let Some((first, last, problem)) = ends(connection, connector, &cause).await? else {
            continue;
        };
        let place = Place { table: "record", row: &last };
        let Some(problem) = place.problem(problem.as_deref())? else { continue };
        all.push(Failing {
            connector: ConnectorId(connector),
            records: row.try_get::<i64, _>(2)?.cast_unsigned(),
            retrying: waiting[&connector].get(&cause).copied().unwrap_or_default(),
            first: RequestId::from_number(first),
            last: RequestId::from_number(last),
            problem,
            dismissal: dismissal(row)?,
            cause,
        });
    }
    Ok(all)
}

fn dismissal(row: &DbRow) -> Result<Option<Dismissal>> {
    let Some(note) = row.try_get(3)? else { return Ok(None) };
    let place = Place { table: "dismissal", row: &note };
    let recurred_at: Option<i64> = row.try_get(6)?;
    Ok(Some(Dismissal {
        at: place.time(row.try_get(4)?)?,
        actor: row.try_get(5)?,
        recurred_at: recurred_at.map(|at| place.time(at)).transpose()?,
        note,
    }))
}

/// The oldest and the newest request with a record that failed for this cause, and the problem of the
/// newest; read off the index of causes.
async fn ends(
    connection: &mut Connection,
    connector: i64,
    cause: &str,
) -> Result<Option<(i64, i64, Option<String>)>> {
    const OF_CAUSE: &str =
        "FROM record WHERE connector = $1 AND cause = $2 AND sync_status = 'error'";
    let row = sqlx::query(sqlx::AssertSqlSafe(format!(
        "SELECT request, problem, (SELECT min(request) {OF_CAUSE}) {OF_CAUSE} \
         ORDER BY request DESC, position LIMIT 1"
    )))
    .bind(connector)
    .bind(cause)
    .fetch_optional(connection)
    .await?;
    row.map(|row| Ok((row.try_get(2)?, row.try_get(0)?, row.try_get(1)?))).transpose()
}

/// How many of the connector's waiting records failed for which cause.
async fn retrying(connection: &mut Connection, connector: i64) -> Result<HashMap<String, u64>> {
    let rows = sqlx::query(
        "SELECT cause, count(*) FROM (SELECT cause, sync_status FROM record \
         WHERE connector = $1 AND due IS NOT NULL ORDER BY due LIMIT $2) AS found \
         WHERE sync_status = 'error' AND cause IS NOT NULL GROUP BY cause",
    )
    .bind(connector)
    .bind(i64::try_from(Waiting::MOST).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await?;
    let count = |row: &DbRow| Ok((row.try_get(0)?, row.try_get::<i64, _>(1)?.cast_unsigned()));
    rows.iter().map(count).collect()
}

/// Ends the dismissals of causes for which records failed anew.
pub(super) async fn recur(
    connection: &mut Connection,
    causes: &BTreeSet<(i64, String)>,
    at: Timestamp,
) -> Result<()> {
    let causes: Vec<_> = causes.iter().collect();
    for some in causes.chunks(ROWS_A_STATEMENT) {
        let mut query = QueryBuilder::new("UPDATE dismissal SET recurred_at = ");
        query.push_bind(ms(at));
        query.push(" WHERE recurred_at IS NULL AND (connector, cause) IN (");
        query.push_values(some, |mut row, (connector, cause)| {
            row.push_bind(*connector).push_bind(cause);
        });
        query.push(")");
        query.build().persistent(some.len() == 1).execute(&mut *connection).await?;
    }
    Ok(())
}

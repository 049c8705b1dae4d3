//! When webhooks of connectors arrive.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use plan::id::ConnectorId;
use plan::incident::Kind;
use plan::problem::Problem;
use sqlx::{AssertSqlSafe, Row};

use super::values::{Place, ms};
use super::{Backend, CLAIM_ROWS, Connection, QueryBuilder, incident, push_list};
use crate::arrivals::{Arrival, Arrivals};
use crate::error::Result;
use crate::intake::NewDelivery;

#[async_trait]
impl Arrivals for Backend {
    async fn arrivals(&self) -> Result<Vec<Arrival>> {
        let mut transaction = self.begin_read().await?;
        let rows = sqlx::query("SELECT connector, last_at, since FROM arrival ORDER BY connector")
            .fetch_all(&mut *transaction)
            .await?;
        let arrival = |row: &super::DbRow| {
            let connector: i64 = row.try_get(0)?;
            let place = Place { table: "arrival", row: &connector };
            let last: Option<i64> = row.try_get(1)?;
            Ok(Arrival {
                connector: ConnectorId(connector),
                last_at: last.map(|last| place.time(last)).transpose()?,
                since: place.time(row.try_get(2)?)?,
            })
        };
        rows.iter().map(arrival).collect()
    }

    async fn begin_silence(
        &self,
        seen: &Arrival,
        problem: &Problem,
        now: Timestamp,
    ) -> Result<bool> {
        let (seen, problem) = (*seen, problem.clone());
        self.write(move |connection| {
            Box::pin(async move { begin(connection, seen, problem, now).await })
        })
        .await
    }

    async fn end_silence(&self, connector: ConnectorId) -> Result<()> {
        self.write(move |connection| {
            Box::pin(async move { incident::heard(connection, connector).await })
        })
        .await
    }

    async fn count_hours_anew(&self, connector: ConnectorId, now: Timestamp) -> Result<()> {
        self.write(move |connection| {
            Box::pin(async move {
                sqlx::query(
                    "UPDATE arrival SET since = $2, \
                     last_at = CASE WHEN last_at > $2 THEN $2 ELSE last_at END \
                     WHERE connector = $1 AND (since > $2 OR last_at > $2)",
                )
                .bind(connector.0)
                .bind(ms(now))
                .execute(connection)
                .await?;
                Ok(())
            })
        })
        .await
    }
}

/// Notes webhooks in the transaction that stores them, and that silence is over. Nearly always it only reads
/// the row of a connector: within a minute, only the first is noted.
pub(super) async fn note(connection: &mut Connection, deliveries: &[NewDelivery]) -> Result<()> {
    // In the order of connectors, in which every transaction locks them.
    let mut last: BTreeMap<i64, Timestamp> = BTreeMap::new();
    for delivery in deliveries.iter().filter(|delivery| delivery.origin.is_webhook()) {
        let at = last.entry(delivery.connector.0).or_insert(delivery.received_at);
        *at = (*at).max(delivery.received_at);
    }
    if last.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new("SELECT connector, last_at FROM arrival WHERE connector IN ");
    push_list(&mut query, last.keys().copied());
    for row in query.build().persistent(last.len() == 1).fetch_all(&mut *connection).await? {
        let connector: i64 = row.try_get(0)?;
        let known: Option<i64> = row.try_get(1)?;
        let place = Place { table: "arrival", row: &connector };
        let known = known.map(|known| place.time(known)).transpose()?;
        let is_near = |at: &Timestamp| {
            known.is_some_and(|known| at.duration_since(known).abs() < Arrival::STEP)
        };
        if last.get(&connector).is_some_and(is_near) {
            last.remove(&connector);
        }
    }
    for (connector, at) in last {
        sqlx::query("UPDATE arrival SET last_at = $2 WHERE connector = $1")
            .bind(connector)
            .bind(ms(at))
            .execute(&mut *connection)
            .await?;
        incident::heard(connection, ConnectorId(connector)).await?;
    }
    Ok(())
}

/// Locks all rows in the order in which webhooks are noted: a change of several connectors has an order
/// of its own.
pub(super) async fn lock(connection: &mut Connection) -> Result<()> {
    let query = format!("SELECT connector FROM arrival ORDER BY connector{CLAIM_ROWS}");
    sqlx::query(AssertSqlSafe(query)).fetch_all(connection).await?;
    Ok(())
}

/// A connector is new.
pub(super) async fn add(connection: &mut Connection, connector: i64, now: Timestamp) -> Result<()> {
    sqlx::query("INSERT INTO arrival (connector, since) VALUES ($1, $2)")
        .bind(connector)
        .bind(ms(now))
        .execute(connection)
        .await?;
    Ok(())
}

/// The hours without a webhook count from now on: the connector was enabled, or their number was changed.
pub(super) async fn count_from(
    connection: &mut Connection,
    connector: i64,
    now: Timestamp,
) -> Result<()> {
    sqlx::query("UPDATE arrival SET since = $2 WHERE connector = $1")
        .bind(connector)
        .bind(ms(now))
        .execute(&mut *connection)
        .await?;
    incident::heard(connection, ConnectorId(connector)).await
}

async fn begin(
    connection: &mut Connection,
    seen: Arrival,
    problem: Problem,
    now: Timestamp,
) -> Result<bool> {
    // A webhook that is stored at the same time waits for this, or this for it.
    let unchanged = sqlx::query(
        "UPDATE arrival SET since = since \
         WHERE connector = $1 AND since = $2 AND coalesce(last_at, -1) = $3 \
         AND EXISTS (SELECT 1 FROM connector WHERE id = $1 AND enabled) \
         AND NOT EXISTS (SELECT 1 FROM incident_cause \
         WHERE incident_cause.connector = arrival.connector AND kind = $4)",
    )
    .bind(seen.connector.0)
    .bind(ms(seen.since))
    .bind(seen.last_at.map_or(-1, ms))
    .bind(Kind::Silent.as_str())
    .execute(&mut *connection)
    .await?;
    if unchanged.rows_affected() == 0 {
        return Ok(false);
    }
    incident::silent(connection, seen.connector, problem, now).await
}

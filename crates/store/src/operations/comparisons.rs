//! Comparisons of two accounts, and the leads that differ.

use jiff::Timestamp;
use plan::id::{ConnectorId, RequestId};
use plan::parity::{Apart, Parity, Standing};
use sqlx::Row;

use super::values::{Place, json, ms};
use super::{Connection, DbRow, QueryBuilder, ROWS_A_STATEMENT, intake, push_list};
use crate::catch_up::{Compared, ParityNews};
use crate::error::Result;

/// How far the accounts of these connectors agree, if they were ever compared.
pub(super) async fn standings(
    connection: &mut Connection,
    connectors: &[ConnectorId],
) -> Result<Vec<(ConnectorId, Standing)>> {
    let mut query = QueryBuilder::new(
        "SELECT connector, asked_at, leads, ended_at, result, problem, held FROM parity \
         WHERE connector IN ",
    );
    push_list(&mut query, connectors.iter().map(|connector| connector.0).chain([-1]));
    let rows = query.build().persistent(false).fetch_all(connection).await?;
    let standing = |row: &DbRow| {
        let connector: i64 = row.try_get(0)?;
        let place = Place { table: "parity", row: &connector };
        let time = |at: Option<i64>| at.map(|at| place.time(at)).transpose();
        let (result, problem): (Option<&str>, Option<&str>) = (row.try_get(4)?, row.try_get(5)?);
        let standing = Standing {
            asked_at: time(row.try_get(1)?)?,
            read: row.try_get::<i64, _>(2)?.cast_unsigned(),
            at: time(row.try_get(3)?)?,
            parity: result.map(|result| place.parse(result)).transpose()?,
            problem: problem.map(|problem| place.parse(problem)).transpose()?,
            held: row.try_get::<Option<i64>, _>(6)?.map(i64::cast_unsigned),
        };
        Ok((ConnectorId(connector), standing))
    };
    rows.iter().map(standing).collect()
}

/// Requests a comparison, unless one is requested already.
pub(super) async fn ask(
    connection: &mut Connection,
    connector: ConnectorId,
    now: Timestamp,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO parity (connector, asked_at, leads) VALUES ($1, $2, 0) \
         ON CONFLICT (connector) DO UPDATE SET asked_at = $2, leads = 0, problem = NULL \
         WHERE parity.asked_at IS NULL",
    )
    .bind(connector.0)
    .bind(ms(now))
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes which requests sync the leads that differ.
pub(super) async fn note_synced(
    connection: &mut Connection,
    connector: ConnectorId,
    leads: &[(i64, RequestId)],
) -> Result<()> {
    for of_one in leads.chunk_by(|one, next| one.1 == next.1) {
        for some in of_one.chunks(ROWS_A_STATEMENT) {
            let mut query = QueryBuilder::new("UPDATE parity_lead SET request = ");
            query.push_bind(some[0].1.number());
            query.push(" WHERE connector = ").push_bind(connector.0);
            query.push(" AND number IN ");
            push_list(&mut query, some.iter().map(|(number, _)| *number));
            query.build().persistent(false).execute(&mut *connection).await?;
        }
    }
    // Nothing waits for a person now.
    sqlx::query(
        "UPDATE parity SET held = NULL WHERE connector = $1 AND held IS NOT NULL AND NOT EXISTS \
         (SELECT 1 FROM parity_lead WHERE connector = $1 AND apart = $2 AND request IS NULL)",
    )
    .bind(connector.0)
    .bind(Apart::GoneHere.as_str())
    .execute(connection)
    .await?;
    Ok(())
}

/// Stores the outcome of a comparison.
pub(super) async fn keep(connection: &mut Connection, news: &ParityNews) -> Result<()> {
    let connector = news.connector;
    match &news.what {
        Compared::Began => ask(connection, connector, news.asked_at).await,
        Compared::Read(leads) => {
            sqlx::query("UPDATE parity SET leads = $2, problem = NULL WHERE connector = $1")
                .bind(connector.0)
                .bind(leads.cast_signed())
                .execute(connection)
                .await?;
            Ok(())
        }
        Compared::Failed(problem) => {
            sqlx::query("UPDATE parity SET problem = $2 WHERE connector = $1")
                .bind(connector.0)
                .bind(json(problem)?)
                .execute(connection)
                .await?;
            Ok(())
        }
        Compared::Ended { at, parity, differences, held, deliveries } => {
            intake::store(connection, deliveries, None).await?;
            // Until people are notified that fewer agree, this is compared with the result before
            // the drop.
            let row =
                sqlx::query("SELECT coalesce(fell_from, result) FROM parity WHERE connector = $1")
                    .bind(connector.0)
                    .fetch_optional(&mut *connection)
                    .await?;
            let place = Place { table: "parity", row: &connector.0 };
            let before = row.as_ref().map(|row| row.try_get::<Option<&str>, _>(0)).transpose()?;
            let before: Option<Parity> = match before.flatten() {
                Some(before) => Some(place.parse(before)?),
                None => None,
            };
            let fell_from = before.filter(|before| parity.has_fallen(before));
            // One that was requested meanwhile is still pending.
            sqlx::query(
                "UPDATE parity SET ended_at = $2, result = $3, problem = NULL, fell_from = $4, \
                 held = $5, held_notified = CASE WHEN $5 IS NULL THEN 1 \
                 WHEN held = $5 THEN held_notified ELSE 0 END, \
                 asked_at = CASE WHEN asked_at <= $6 THEN NULL ELSE asked_at END \
                 WHERE connector = $1",
            )
            .bind(connector.0)
            .bind(ms(*at))
            .bind(json(parity)?)
            .bind(fell_from.map(|before| json(&before)).transpose()?)
            .bind(held.map(u64::cast_signed))
            .bind(ms(news.asked_at))
            .execute(&mut *connection)
            .await?;
            sqlx::query("DELETE FROM parity_lead WHERE connector = $1")
                .bind(connector.0)
                .execute(&mut *connection)
                .await?;
            let mut rows = Vec::with_capacity(differences.len());
            for (number, difference) in (1_i64..).zip(differences) {
                rows.push((number, difference.apart.as_str(), json(difference)?));
            }
            for some in rows.chunks(ROWS_A_STATEMENT) {
                let mut query =
                    QueryBuilder::new("INSERT INTO parity_lead (connector, number, apart, what) ");
                query.push_values(some, |mut row, (number, apart, what)| {
                    row.push_bind(connector.0).push_bind(*number).push_bind(*apart);
                    row.push_bind(what.as_str());
                });
                query.build().persistent(false).execute(&mut *connection).await?;
            }
            Ok(())
        }
    }
}

//! Sweeps, and what they compare a change with.

use std::collections::HashMap;

use plan::id::ConnectorId;
use plan::outcome::Entity;
use sqlx::Row;

use super::values::{Place, json, ms};
use super::{Connection, DbRow, QueryBuilder, ROWS_A_STATEMENT, intake, push_list};
use crate::catch_up::{Posted, Sweep, SweepNews, Swept};
use crate::error::Result;
use crate::intake::Origin;

/// The sweeps of these connectors that ever began.
pub(super) async fn find(
    connection: &mut Connection,
    connectors: &[ConnectorId],
) -> Result<Vec<(ConnectorId, Sweep)>> {
    let mut query = QueryBuilder::new(
        "SELECT connector, begun_at, ended_at, rounds, found, last_found, asked_at, held, \
         confirmed, problem, behind FROM sweep WHERE connector IN ",
    );
    // SQL has no empty lists; no connector has this number.
    push_list(&mut query, connectors.iter().map(|connector| connector.0).chain([-1]));
    let rows = query.build().persistent(false).fetch_all(connection).await?;
    let sweep = |row: &DbRow| {
        let connector: i64 = row.try_get(0)?;
        let place = Place { table: "sweep", row: &connector };
        let time = |at: Option<i64>| at.map(|at| place.time(at)).transpose();
        let (problem, behind): (Option<&str>, Option<&str>) = (row.try_get(9)?, row.try_get(10)?);
        let sweep = Sweep {
            begun_at: time(row.try_get(1)?)?,
            ended_at: time(row.try_get(2)?)?,
            rounds: row.try_get::<i64, _>(3)?.cast_unsigned(),
            found: row.try_get::<i64, _>(4)?.cast_unsigned(),
            last_found: row.try_get::<i64, _>(5)?.cast_unsigned(),
            asked_at: time(row.try_get(6)?)?,
            held: row.try_get::<Option<i64>, _>(7)?.map(i64::cast_unsigned),
            confirmed: row.try_get::<i64, _>(8)? != 0,
            problem: problem.map(|problem| place.parse(problem)).transpose()?,
            behind: behind.map(|behind| place.parse(behind)).transpose()?.unwrap_or_default(),
        };
        Ok((ConnectorId(connector), sweep))
    };
    rows.iter().map(sweep).collect()
}

/// The last processed payload about each of these leads or activities of a connector's source.
pub(super) async fn last_posted(
    connection: &mut Connection,
    connector: ConnectorId,
    entity: Entity,
    ids: &[String],
) -> Result<HashMap<String, Posted>> {
    let mut found = HashMap::new();
    for some in ids.chunks(ROWS_A_STATEMENT) {
        let mut query = QueryBuilder::new(
            "SELECT n.own, d.origin, d.content_type, d.body FROM (\
             SELECT m.value AS own, max(m.request) AS request FROM mention m \
             JOIN record s ON s.request = m.request AND s.position = m.position \
             WHERE s.source_id = m.value AND s.connector = ",
        );
        query.push_bind(connector.0).push(" AND s.entity = ").push_bind(entity.as_str());
        query.push(" AND m.value IN ");
        push_list(&mut query, some.iter().map(String::as_str));
        query.push(" GROUP BY m.value) n JOIN delivery d ON d.id = n.request");
        for row in query.build().persistent(false).fetch_all(&mut *connection).await? {
            let origin = Origin::from_stored(row.try_get(1)?).unwrap_or(Origin::Webhook);
            let (content_type, body) = (row.try_get(2)?, row.try_get(3)?);
            found.insert(row.try_get(0)?, Posted { origin, content_type, body });
        }
    }
    Ok(found)
}

/// Stores the outcome of a round of a sweep.
pub(super) async fn keep(connection: &mut Connection, news: &SweepNews) -> Result<()> {
    intake::store(connection, &news.deliveries, None).await?;
    let connector = news.connector.0;
    match &news.what {
        Swept::Begins(at) => {
            sqlx::query(
                "INSERT INTO sweep (connector, begun_at, rounds, found, last_found, confirmed) \
                 VALUES ($1, $2, 0, 0, 0, 0) \
                 ON CONFLICT (connector) DO UPDATE SET begun_at = $2, behind = NULL",
            )
            .bind(connector)
            .bind(ms(*at))
            .execute(connection)
            .await?;
        }
        Swept::Ended { begun_at, ended_at, found, behind, problem } => {
            // What a person requested or confirmed since it started applies to the next round.
            sqlx::query(
                "UPDATE sweep SET begun_at = $2, ended_at = $3, rounds = rounds + 1, \
                 found = found + $4, last_found = $4, held = NULL, behind = $5, problem = $6, \
                 confirmed = CASE WHEN asked_at > $2 THEN confirmed ELSE 0 END, \
                 failures = CASE WHEN $6 IS NULL THEN 0 ELSE failures END, \
                 failure_notified = CASE WHEN $6 IS NULL THEN 0 ELSE failure_notified END, \
                 asked_at = CASE WHEN asked_at <= $2 THEN NULL ELSE asked_at END \
                 WHERE connector = $1",
            )
            .bind(connector)
            .bind(ms(*begun_at))
            .bind(ms(*ended_at))
            .bind(found.cast_signed())
            .bind(Some(behind).filter(|behind| !behind.is_empty()).map(json).transpose()?)
            .bind(problem.as_ref().map(json).transpose()?)
            .execute(connection)
            .await?;
        }
        Swept::Held { begun_at, found } => {
            sqlx::query(
                "UPDATE sweep SET held = CASE WHEN confirmed = 1 THEN NULL ELSE $3 END, \
                 notified = 0, problem = NULL, failures = 0, failure_notified = 0, \
                 asked_at = CASE WHEN asked_at <= $2 THEN NULL ELSE asked_at END \
                 WHERE connector = $1",
            )
            .bind(connector)
            .bind(ms(*begun_at))
            .bind(found.cast_signed())
            .execute(connection)
            .await?;
        }
        Swept::Read { problem } => {
            sqlx::query(
                "UPDATE sweep SET problem = $2, \
                 failures = CASE WHEN $2 IS NULL THEN 0 ELSE failures END WHERE connector = $1",
            )
            .bind(connector)
            .bind(problem.as_ref().map(json).transpose()?)
            .execute(connection)
            .await?;
        }
        Swept::Failed(problem) => {
            sqlx::query(
                "UPDATE sweep SET problem = $2, failures = failures + 1 WHERE connector = $1",
            )
            .bind(connector)
            .bind(json(problem)?)
            .execute(connection)
            .await?;
        }
    }
    Ok(())
}

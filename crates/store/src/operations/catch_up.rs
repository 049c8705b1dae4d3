//! Sweeps, and comparisons of two accounts.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;
use plan::id::{ConnectorId, RequestId};
use plan::outcome::Entity;
use plan::parity::{Apart, Parity, Standing};
use sqlx::Row;

use super::audit::{Entry, audit};
use super::values::{Place, json, ms};
use super::{
    Backend, CLAIM_ROWS, Connection, DbRow, QueryBuilder, ROWS_A_STATEMENT, intake, outbox,
    push_list,
};
use crate::audit::Actor;
use crate::catch_up::{
    CatchUpNews, CatchUpNotice, CatchUps, ChosenDifferences, Compared, Differing, ParityNews,
    Posted, Sweep, SweepNews, Swept,
};
use crate::error::{Error, Result};
use crate::intake::Origin;
use crate::mail::NewMail;

/// People are notified once this many pages of a sweep in a row could not be read.
const TROUBLED: i64 = 3;

#[async_trait]
impl CatchUps for Backend {
    async fn sweep(&self, connector: ConnectorId) -> Result<Option<Sweep>> {
        let found = sweeps(&mut *self.begin_read().await?, &[connector]).await?;
        Ok(found.into_iter().next().map(|(_, sweep)| sweep))
    }

    async fn ask_for_sweep(
        &self,
        (connector, name): (ConnectorId, &str),
        confirms: bool,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()> {
        let (name, actor) = (name.to_owned(), actor.clone());
        self.write(move |connection| {
            Box::pin(async move {
                let kept = sweeps(connection, &[connector]).await?;
                let held = kept.first().and_then(|(_, sweep)| sweep.held);
                if let Some(held) = held.filter(|_| !confirms) {
                    return Err(Error::Refused(format!(
                        "the last sweep found {held} changes that need confirmation; no other \
                         sweep starts until they are confirmed"
                    )));
                }
                let confirm = if confirms { ", held = NULL, confirmed = 1" } else { "" };
                let sql = format!(
                    "INSERT INTO sweep (connector, rounds, found, last_found, asked_at, confirmed) \
                     VALUES ($1, 0, 0, 0, $2, $3) \
                     ON CONFLICT (connector) DO UPDATE SET asked_at = $2{confirm}"
                );
                sqlx::query(sqlx::AssertSqlSafe(sql))
                    .bind(connector.0)
                    .bind(ms(now))
                    .bind(i64::from(confirms))
                    .execute(&mut *connection)
                    .await?;
                let after = confirms.then(|| json(&"confirmed")).transpose()?;
                let entry = Entry { action: "ask_for_sweep", subject: &name, before: None, after };
                audit(connection, &actor, now, &entry).await
            })
        })
        .await
    }

    async fn parity(&self, connector: ConnectorId) -> Result<Standing> {
        let found = standings(&mut *self.begin_read().await?, &[connector]).await?;
        Ok(found.into_iter().next().map(|(_, standing)| standing).unwrap_or_default())
    }

    async fn ask_for_parity(
        &self,
        (connector, name): (ConnectorId, &str),
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()> {
        let (name, actor) = (name.to_owned(), actor.clone());
        self.write(move |connection| {
            Box::pin(async move {
                ask_for_parity(connection, connector, now).await?;
                let entry =
                    Entry { action: "ask_for_parity", subject: &name, before: None, after: None };
                audit(connection, &actor, now, &entry).await
            })
        })
        .await
    }

    async fn differences(
        &self,
        connector: ConnectorId,
        apart: Option<Apart>,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Differing>> {
        let mut query =
            QueryBuilder::new("SELECT number, what, request FROM parity_lead WHERE connector = ");
        query.push_bind(connector.0);
        query.push(" AND number > ").push_bind(after);
        if let Some(apart) = apart {
            query.push(" AND apart = ").push_bind(apart.as_str());
        }
        query.push(" ORDER BY number LIMIT ");
        query.push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let mut transaction = self.begin_read().await?;
        let rows = query.build().persistent(false).fetch_all(&mut *transaction).await?;
        let place = Place { table: "parity_lead", row: &connector.0 };
        let differing = |row: &DbRow| {
            Ok(Differing {
                number: row.try_get(0)?,
                difference: place.parse(row.try_get(1)?)?,
                request: row.try_get::<Option<i64>, _>(2)?.map(RequestId::from_number),
            })
        };
        rows.iter().map(differing).collect()
    }

    async fn catch_up_notices(&self) -> Result<Vec<CatchUpNotice>> {
        let mut transaction = self.begin_read().await?;
        let mut notices = Vec::new();
        let mut of = |connector, news| {
            notices.push(CatchUpNotice { connector: ConnectorId(connector), news });
        };
        let held = "SELECT connector, held FROM sweep WHERE notified = 0 AND held > 0";
        for row in &sqlx::query(held).fetch_all(&mut *transaction).await? {
            of(row.try_get(0)?, CatchUpNews::Held(row.try_get::<i64, _>(1)?.cast_unsigned()));
        }
        let gone = "SELECT connector, held FROM parity WHERE held_notified = 0 AND held > 0";
        for row in &sqlx::query(gone).fetch_all(&mut *transaction).await? {
            of(row.try_get(0)?, CatchUpNews::Gone(row.try_get::<i64, _>(1)?.cast_unsigned()));
        }
        let arrived =
            "SELECT connector, changes FROM mass_change WHERE notified = 0 AND held_at IS NOT NULL";
        for row in &sqlx::query(arrived).fetch_all(&mut *transaction).await? {
            of(row.try_get(0)?, CatchUpNews::Arrived(row.try_get::<i64, _>(1)?.cast_unsigned()));
        }
        let failing = sqlx::query(
            "SELECT connector, problem FROM sweep \
             WHERE failure_notified = 0 AND failures >= $1 AND problem IS NOT NULL",
        );
        for row in &failing.bind(TROUBLED).fetch_all(&mut *transaction).await? {
            let connector: i64 = row.try_get(0)?;
            let problem = Place { table: "sweep", row: &connector }.parse(row.try_get(1)?)?;
            of(connector, CatchUpNews::Failing(problem));
        }
        let fell = sqlx::query(
            "SELECT connector, fell_from, result FROM parity \
             WHERE fell_from IS NOT NULL AND result IS NOT NULL",
        );
        for row in &fell.fetch_all(&mut *transaction).await? {
            let connector: i64 = row.try_get(0)?;
            let place = Place { table: "parity", row: &connector };
            let (before, now) = (place.parse(row.try_get(1)?)?, place.parse(row.try_get(2)?)?);
            of(connector, CatchUpNews::Fell { before, now });
        }
        Ok(notices)
    }

    async fn notify_of_catch_up(
        &self,
        notice: &CatchUpNotice,
        mails: Vec<NewMail>,
        now: Timestamp,
    ) -> Result<()> {
        let (connector, news) = (notice.connector, notice.news.clone());
        self.write(move |connection| {
            let mails = mails.clone();
            let sql = match news {
                CatchUpNews::Held(_) => {
                    "UPDATE sweep SET notified = 1 WHERE connector = $1 AND notified = 0"
                }
                CatchUpNews::Failing(_) => {
                    "UPDATE sweep SET failure_notified = 1 \
                     WHERE connector = $1 AND failure_notified = 0"
                }
                CatchUpNews::Arrived(_) => {
                    "UPDATE mass_change SET notified = 1 WHERE connector = $1 AND notified = 0"
                }
                CatchUpNews::Gone(_) => {
                    "UPDATE parity SET held_notified = 1 WHERE connector = $1 AND held_notified = 0"
                }
                CatchUpNews::Fell { .. } => {
                    "UPDATE parity SET fell_from = NULL WHERE connector = $1 AND fell_from IS NOT NULL"
                }
            };
            Box::pin(async move {
                let done = sqlx::query(sql).bind(connector.0).execute(&mut *connection).await?;
                if done.rows_affected() == 0 {
                    return Ok(());
                }
                for mail in &mails {
                    outbox::queue(connection, mail, now).await?;
                }
                Ok(())
            })
        })
        .await
    }

    async fn sync_differences(
        &self,
        (connector, name): (ConnectorId, &str),
        chosen: ChosenDifferences,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()> {
        let (name, actor) = (name.to_owned(), actor.clone());
        self.write(move |connection| {
            let ChosenDifferences { compared_at, leads, deliveries } = chosen.clone();
            let (name, actor) = (name.clone(), actor.clone());
            Box::pin(async move {
                // A comparison that ends at the same time waits until this is over.
                let sql = format!("SELECT ended_at FROM parity WHERE connector = $1{CLAIM_ROWS}");
                let row = sqlx::query(sqlx::AssertSqlSafe(sql))
                    .bind(connector.0)
                    .fetch_optional(&mut *connection)
                    .await?;
                let last: Option<i64> = row.map(|row| row.try_get(0)).transpose()?.flatten();
                if last != Some(ms(compared_at)) {
                    return Err(Error::Changed(
                        "the accounts have been compared again since, and the list is different now"
                            .to_owned(),
                    ));
                }
                intake::store(connection, &deliveries, None).await?;
                note_synced(connection, connector, &leads).await?;
                let after = Some(json(&leads.len())?);
                let entry =
                    Entry { action: "sync_differences", subject: &name, before: None, after };
                audit(connection, &actor, now, &entry).await
            })
        })
        .await
    }
}

/// Notes which requests sync the leads that differ.
async fn note_synced(
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

async fn ask_for_parity(
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

/// The sweeps of these connectors that ever began.
pub(super) async fn sweeps(
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
pub(super) async fn keep_sweep(connection: &mut Connection, news: &SweepNews) -> Result<()> {
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

/// Stores the outcome of a comparison.
pub(super) async fn keep_parity(connection: &mut Connection, news: &ParityNews) -> Result<()> {
    let connector = news.connector;
    match &news.what {
        Compared::Began => ask_for_parity(connection, connector, news.asked_at).await,
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

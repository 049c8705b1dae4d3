//! Backfills, and their progress.

use async_trait::async_trait;
use jiff::Timestamp;
use plan::backfill::{BackfillState, Backfilled, Planning};
use plan::id::ConnectorId;
use plan::outcome::Event;
use sqlx::Row;

use super::audit::{Entry, audit};
use super::values::{Place, json, ms};
use super::{Backend, Connection, DbRow, QueryBuilder, intake, push_list};
use crate::audit::Actor;
use crate::backfills::{Backfill, BackfillNews, Backfills, NewBackfill, PlanNews, Planned};
use crate::error::{Error, Result};

const COLUMNS: &str = "SELECT id, connector, begun_at, actor, what, state, page, leads, left_out, \
                       records, expected, problem, ended_at, event, activities FROM backfill";

#[async_trait]
impl Backfills for Backend {
    async fn begin_backfill(
        &self,
        new: &NewBackfill,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Backfill> {
        let (new, actor) = (new.clone(), actor.clone());
        self.write(move |connection| {
            Box::pin(async move { begin(connection, &new, &actor, now).await })
        })
        .await
    }

    async fn set_backfill(
        &self,
        id: i64,
        state: BackfillState,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Backfill> {
        let actor = actor.clone();
        self.write(move |connection| {
            Box::pin(async move { set(connection, id, state, &actor, now).await })
        })
        .await
    }

    async fn backfills(&self, connector: Option<ConnectorId>) -> Result<Vec<Backfill>> {
        let mut transaction = self.begin_read().await?;
        let mut query = QueryBuilder::new(COLUMNS);
        if let Some(connector) = connector {
            query.push(" WHERE connector = ").push_bind(connector.0);
        }
        query.push(" ORDER BY id DESC LIMIT ");
        query.push_bind(i64::try_from(Backfill::MOST).unwrap_or(i64::MAX));
        read(&mut transaction, query).await
    }

    async fn backfill(&self, id: i64) -> Result<Option<Backfill>> {
        let mut transaction = self.begin_read().await?;
        find(&mut transaction, id).await
    }

    async fn ask_for_plan(
        &self,
        (connector, name): (ConnectorId, &str),
        of: &Backfilled,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()> {
        let (name, actor, of) = (name.to_owned(), actor.clone(), json(of)?);
        self.write(move |connection| {
            let (name, actor, of) = (name.clone(), actor.clone(), of.clone());
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO backfill_plan (connector, asked_at, what, leads) \
                     VALUES ($1, $2, $3, 0) \
                     ON CONFLICT (connector) DO UPDATE SET asked_at = $2, what = $3, leads = 0, \
                     problem = NULL \
                     WHERE backfill_plan.asked_at IS NULL OR backfill_plan.what <> $3",
                )
                .bind(connector.0)
                .bind(ms(now))
                .bind(&of)
                .execute(&mut *connection)
                .await?;
                let (subject, before, after) = (name.as_str(), None, Some(of));
                let entry = Entry { action: "plan_backfill", subject, before, after };
                audit(connection, &actor, now, &entry).await
            })
        })
        .await
    }

    async fn planning(&self, connector: ConnectorId) -> Result<Planning> {
        let found = plannings(&mut *self.begin_read().await?, &[connector]).await?;
        Ok(found.into_iter().next().map(|(_, planning)| planning).unwrap_or_default())
    }
}

/// What is known about what backfills of these connectors would do.
pub(super) async fn plannings(
    connection: &mut Connection,
    connectors: &[ConnectorId],
) -> Result<Vec<(ConnectorId, Planning)>> {
    let mut query = QueryBuilder::new(
        "SELECT connector, asked_at, what, leads, ended_at, counted, result, problem \
         FROM backfill_plan WHERE connector IN ",
    );
    // SQL has no empty lists; no connector has this number.
    push_list(&mut query, connectors.iter().map(|connector| connector.0).chain([-1]));
    let rows = query.build().persistent(false).fetch_all(connection).await?;
    let planning = |row: &DbRow| {
        let connector: i64 = row.try_get(0)?;
        let place = Place { table: "backfill_plan", row: &connector };
        let time = |at: Option<i64>| at.map(|at| place.time(at)).transpose();
        let text = |column| row.try_get::<Option<&str>, _>(column);
        let planning = Planning {
            asked_at: time(row.try_get(1)?)?,
            of: text(2)?.map(|of| place.parse(of)).transpose()?,
            read: row.try_get::<i64, _>(3)?.cast_unsigned(),
            at: time(row.try_get(4)?)?,
            plan_of: text(5)?.map(|of| place.parse(of)).transpose()?,
            plan: text(6)?.map(|plan| place.parse(plan)).transpose()?,
            problem: text(7)?.map(|problem| place.parse(problem)).transpose()?,
        };
        Ok((ConnectorId(connector), planning))
    };
    rows.iter().map(planning).collect()
}

/// Stores the outcome of a count, unless another one was requested since.
pub(super) async fn keep_plan(connection: &mut Connection, news: &PlanNews) -> Result<()> {
    let (connector, asked_at) = (news.connector.0, ms(news.asked_at));
    let query = match &news.what {
        Planned::Read(leads) => sqlx::query(
            "UPDATE backfill_plan SET leads = $3, problem = NULL \
             WHERE connector = $1 AND asked_at = $2",
        )
        .bind(connector)
        .bind(asked_at)
        .bind(leads.cast_signed()),
        Planned::Failed(problem) => sqlx::query(
            "UPDATE backfill_plan SET problem = $3 WHERE connector = $1 AND asked_at = $2",
        )
        .bind(connector)
        .bind(asked_at)
        .bind(json(problem)?),
        Planned::Ended { at, of, plan } => sqlx::query(
            "UPDATE backfill_plan SET asked_at = NULL, what = NULL, problem = NULL, ended_at = $3, \
             counted = $4, result = $5 WHERE connector = $1 AND asked_at = $2",
        )
        .bind(connector)
        .bind(asked_at)
        .bind(ms(*at))
        .bind(json(of)?)
        .bind(json(plan)?),
    };
    query.execute(connection).await?;
    Ok(())
}

async fn find(connection: &mut Connection, id: i64) -> Result<Option<Backfill>> {
    let mut query = QueryBuilder::new(COLUMNS);
    query.push(" WHERE id = ").push_bind(id);
    Ok(read(connection, query).await?.into_iter().next())
}

async fn begin(
    connection: &mut Connection,
    new: &NewBackfill,
    actor: &Actor,
    now: Timestamp,
) -> Result<Backfill> {
    let begun = sqlx::query(
        "INSERT INTO backfill (connector, begun_at, actor, what, state, page, leads, left_out, \
         records, expected) VALUES ($1, $2, $3, $4, 'running', 1, 0, 0, 0, $5) \
         ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(new.connector.0)
    .bind(ms(now))
    .bind(&actor.0)
    .bind(json(&new.of)?)
    .bind(new.expected.map(u64::cast_signed))
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = begun else {
        return Err(Error::Refused(format!(
            "a backfill of {} is already running: wait for it, or cancel it",
            new.name
        )));
    };
    let after = Some(json(&new.of)?);
    let entry = Entry { action: "begin_backfill", subject: &new.name, before: None, after };
    audit(connection, actor, now, &entry).await?;
    let id = row.try_get(0)?;
    find(connection, id).await?.ok_or_else(|| Error::Defect("a new backfill is gone".to_owned()))
}

async fn set(
    connection: &mut Connection,
    id: i64,
    state: BackfillState,
    actor: &Actor,
    now: Timestamp,
) -> Result<Backfill> {
    let known = find(connection, id).await?;
    let known = known.ok_or_else(|| Error::Refused(format!("there is no backfill {id}")))?;
    if known.state == state {
        return Ok(known);
    }
    if known.state.is_over() {
        return Err(Error::Refused(format!("the backfill {id} is already {}", known.state)));
    }
    sqlx::query("UPDATE backfill SET state = $2, ended_at = $3 WHERE id = $1")
        .bind(id)
        .bind(state.as_str())
        .bind(state.is_over().then(|| ms(now)))
        .execute(&mut *connection)
        .await?;
    let name = sqlx::query("SELECT name FROM connector WHERE id = $1")
        .bind(known.connector.0)
        .fetch_one(&mut *connection)
        .await?;
    let (name, before, after): (String, _, _) =
        (name.try_get(0)?, Some(json(&known.state)?), Some(json(&state)?));
    let entry = Entry { action: "set_backfill", subject: &name, before, after };
    audit(connection, actor, now, &entry).await?;
    find(connection, id).await?.ok_or_else(|| Error::Defect("a backfill is gone".to_owned()))
}

/// The running backfills of these connectors; the outcomes of their leads are not counted.
pub(super) async fn running(
    connection: &mut Connection,
    connectors: &[ConnectorId],
) -> Result<Vec<Backfill>> {
    let mut query = QueryBuilder::new(COLUMNS);
    query.push(" WHERE state = 'running' AND connector IN ");
    // SQL has no empty lists; no connector has this number.
    push_list(&mut query, connectors.iter().map(|connector| connector.0).chain([-1]));
    let rows = query.build().persistent(false).fetch_all(connection).await?;
    rows.iter().map(backfill).collect()
}

/// Stores a page of leads as requests, and the progress of the backfill.
pub(super) async fn keep(connection: &mut Connection, news: &BackfillNews) -> Result<()> {
    if let Some(problem) = &news.problem {
        sqlx::query("UPDATE backfill SET problem = $2 WHERE id = $1")
            .bind(news.id)
            .bind(json(problem)?)
            .execute(connection)
            .await?;
        return Ok(());
    }
    intake::store(connection, &news.deliveries, Some(news.id)).await?;
    let kept = news.read - news.left_out;
    let (leads, activities) = if news.are_activities { (0, news.read) } else { (news.read, 0) };
    sqlx::query(
        "UPDATE backfill SET page = $2, leads = leads + $3, left_out = left_out + $4, \
         records = records + $5, event = $6, activities = activities + $7, problem = NULL \
         WHERE id = $1",
    )
    .bind(news.id)
    .bind(news.page.map(i64::from))
    .bind(leads.cast_signed())
    .bind(news.left_out.cast_signed())
    .bind(kept.cast_signed())
    .bind(news.event.map(i64::from))
    .bind(activities.cast_signed())
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends backfills that have read everything and have nothing left to sync.
pub(super) async fn end(connection: &mut Connection, ids: &[i64], now: Timestamp) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new("UPDATE backfill SET state = 'done', ended_at = ");
    query.push_bind(ms(now));
    query.push(
        " WHERE state = 'running' AND page IS NULL AND NOT EXISTS (SELECT 1 FROM request \
         WHERE request.backfill = backfill.id AND finished_at IS NULL) AND id IN ",
    );
    push_list(&mut query, ids.iter().copied());
    query.build().persistent(false).execute(connection).await?;
    Ok(())
}

async fn read(connection: &mut Connection, mut query: QueryBuilder) -> Result<Vec<Backfill>> {
    let rows = query.build().persistent(false).fetch_all(&mut *connection).await?;
    let mut backfills = rows.iter().map(backfill).collect::<Result<Vec<_>>>()?;
    for backfill in &mut backfills {
        measure(connection, backfill).await?;
    }
    Ok(backfills)
}

/// The backfill of a row; `waiting` has all its records.
fn backfill(row: &DbRow) -> Result<Backfill> {
    let id: i64 = row.try_get(0)?;
    let place = Place { table: "backfill", row: &id };
    let time = |at: Option<i64>| at.map(|at| place.time(at)).transpose();
    let problem: Option<&str> = row.try_get(11)?;
    Ok(Backfill {
        id,
        connector: ConnectorId(row.try_get(1)?),
        begun_at: place.time(row.try_get(2)?)?,
        actor: row.try_get(3)?,
        of: place.parse(row.try_get(4)?)?,
        state: place.word(row.try_get(5)?)?,
        page: row.try_get::<Option<i64>, _>(6)?.map(|page| place.count(page)).transpose()?,
        read: row.try_get::<i64, _>(7)?.cast_unsigned(),
        event: row.try_get::<Option<i64>, _>(13)?.map(|event| place.count(event)).transpose()?,
        activities: row.try_get::<i64, _>(14)?.cast_unsigned(),
        left_out: row.try_get::<i64, _>(8)?.cast_unsigned(),
        expected: row.try_get::<Option<i64>, _>(10)?.map(i64::cast_unsigned),
        problem: problem.map(|problem| place.parse(problem)).transpose()?,
        ended_at: time(row.try_get(12)?)?,
        new: 0,
        updated: 0,
        unchanged: 0,
        skipped: 0,
        failed: 0,
        waiting: row.try_get::<i64, _>(9)?.cast_unsigned(),
    })
}

/// Counts the outcomes of its records, by their own index.
async fn measure(connection: &mut Connection, backfill: &mut Backfill) -> Result<()> {
    let rows = sqlx::query(
        "SELECT r.event, count(*) FROM request q JOIN record r ON r.request = q.id \
         WHERE q.backfill = $1 AND r.due IS NULL GROUP BY r.event",
    )
    .bind(backfill.id)
    .fetch_all(connection)
    .await?;
    let place = Place { table: "record", row: &backfill.id };
    for row in &rows {
        let event: Event = place.word(row.try_get(0)?)?;
        let count = row.try_get::<i64, _>(1)?.cast_unsigned();
        match event {
            Event::New => backfill.new = count,
            Event::Updated => backfill.updated = count,
            Event::Unchanged => backfill.unchanged = count,
            Event::Skipped => backfill.skipped = count,
            Event::Failed => backfill.failed = count,
        }
    }
    backfill.waiting = backfill.waiting.saturating_sub(backfill.settled());
    Ok(())
}

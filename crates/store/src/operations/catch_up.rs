//! Sweeps, and comparisons of two accounts.

use async_trait::async_trait;
use jiff::Timestamp;
use plan::id::{ConnectorId, RequestId};
use plan::parity::{Apart, Standing};
use sqlx::Row;

use super::audit::{Entry, audit};
use super::values::{Place, json, ms};
use super::{Backend, CLAIM_ROWS, DbRow, QueryBuilder, comparisons, intake, outbox, sweeps};
use crate::audit::Actor;
use crate::catch_up::{CatchUpNews, CatchUpNotice, CatchUps, ChosenDifferences, Differing, Sweep};
use crate::error::{Error, Result};
use crate::mail::NewMail;

/// People are notified once this many pages of a sweep in a row could not be read.
const TROUBLED: i64 = 3;

#[async_trait]
impl CatchUps for Backend {
    async fn sweep(&self, connector: ConnectorId) -> Result<Option<Sweep>> {
        let found = sweeps::find(&mut *self.begin_read().await?, &[connector]).await?;
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
                let kept = sweeps::find(connection, &[connector]).await?;
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
        let found = comparisons::standings(&mut *self.begin_read().await?, &[connector]).await?;
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
                comparisons::ask(connection, connector, now).await?;
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
                outbox::queue_all(connection, &mails, now).await
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
                comparisons::note_synced(connection, connector, &leads).await?;
                let after = Some(json(&leads.len())?);
                let entry =
                    Entry { action: "sync_differences", subject: &name, before: None, after };
                audit(connection, &actor, now, &entry).await
            })
        })
        .await
    }
}

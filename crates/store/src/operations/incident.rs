//! Incidents of connectors.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use plan::id::{ConnectorId, RequestId};
use plan::incident::{self, Cause, Course, Kind, Tally};
use plan::outcome::{Event, SyncStatus};
use plan::problem::Problem;
use sqlx::Row;

use super::values::{Place, json, ms};
use super::{Connection, DbRow, QueryBuilder, ROWS_A_STATEMENT, push_list};
use crate::error::Result;
use crate::progress::{KeysNews, Progress, Stage};

const COURSE: &str = "connector, began, since, streak, longest, failed_at, passed";

/// Counts failures in the transaction that stores them. Without failures or an incident it only
/// reads.
pub(super) async fn count(connection: &mut Connection, progress: &Progress) -> Result<()> {
    for news in &progress.keys {
        keys(connection, news).await?;
    }
    let mut tallies = tallies(progress);
    bad_batches(connection, progress, &mut tallies).await?;
    if tallies.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new(format!("SELECT {COURSE} FROM incident WHERE connector IN "));
    push_list(&mut query, tallies.keys().map(|connector| connector.0));
    let rows = query.build().fetch_all(&mut *connection).await?;
    let before: HashMap<ConnectorId, Course> = rows.iter().map(course).collect::<Result<_>>()?;
    for (connector, tally) in tallies {
        let before = before.get(&connector);
        // A batch may end long after its failures were reported and over.
        let Some(after) = Course::after(before, &tally) else { continue };
        if Some(&after) != before {
            keep(connection, connector, &after).await?;
        }
        for ((kind, name), count) in tally.causes {
            let cause = Cause {
                kind,
                name,
                count: count.count,
                told: 0,
                problem: count.problem,
                request: Some(count.request),
            };
            add(connection, connector, &cause).await?;
        }
    }
    Ok(())
}

/// A person enabled a connector, or disabled it.
pub(super) async fn switched(
    connection: &mut Connection,
    (id, name): (i64, &str),
    disabled_by: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    let connector = ConnectorId(id);
    match disabled_by {
        Some(by) => {
            heard(connection, connector).await?;
            let problem = incident::disabled(name, by);
            last(connection, connector, Kind::Disabled, String::new(), problem, now).await?;
            Ok(())
        }
        None => lasts_no_more(connection, &[connector], Kind::Disabled, "").await,
    }
}

/// No webhook arrives at a connector. Returns whether that is new.
pub(super) async fn silent(
    connection: &mut Connection,
    connector: ConnectorId,
    problem: Problem,
    now: Timestamp,
) -> Result<bool> {
    last(connection, connector, Kind::Silent, String::new(), problem, now).await
}

/// Webhooks arrive again, or nobody waits for them.
pub(super) async fn heard(connection: &mut Connection, connector: ConnectorId) -> Result<()> {
    lasts_no_more(connection, &[connector], Kind::Silent, "").await
}

/// In the order of connectors, in which every transaction locks them.
fn tallies(progress: &Progress) -> BTreeMap<ConnectorId, Tally> {
    let mut tallies: BTreeMap<ConnectorId, Tally> = BTreeMap::new();
    for attempt in &progress.attempts {
        if attempt.event == Event::Failed {
            let for_good = attempt.stage == Stage::Final;
            // That its account is still unavailable is not another failure of a record that was
            // already reported.
            let is_known = match attempt.stage {
                Stage::Waiting(_) => plan::retry::is_quick(attempt.tries),
                Stage::Held(_) => attempt.attempt > 1,
                Stage::Final => false,
            };
            if is_known {
                continue;
            }
            let problem = attempt.problem.as_ref();
            let tally = tallies.entry(attempt.connector).or_default();
            tally.failed(attempt.key.request, attempt.at, problem, for_good);
        } else if !attempt.calls.is_empty() {
            tallies.entry(attempt.connector).or_default().passed();
        }
    }
    tallies
}

/// Finds out which of the requests that ended in failure are bad batches. Their failures may have
/// been stored by earlier commits.
async fn bad_batches(
    connection: &mut Connection,
    progress: &Progress,
    tallies: &mut BTreeMap<ConnectorId, Tally>,
) -> Result<()> {
    let ended = progress.requests.iter().filter(|state| {
        state.finished_at.is_some() && state.sync_status == Some(SyncStatus::Error)
    });
    let ended: Vec<i64> = ended.map(|state| state.id.number()).collect();
    for some in ended.chunks(ROWS_A_STATEMENT) {
        let mut query = QueryBuilder::new(
            "SELECT request, min(connector), count(*), \
             count(CASE WHEN event = 'failed' THEN 1 END) FROM record WHERE request IN ",
        );
        push_list(&mut query, some.iter().copied());
        query.push(" GROUP BY request ORDER BY request");
        for row in query.build().persistent(false).fetch_all(&mut *connection).await? {
            let request = row.try_get(0)?;
            let place = Place { table: "record", row: &request };
            let failed = place.count(row.try_get(3)?)?;
            let problem = incident::bad_batch(failed, place.count(row.try_get(2)?)?);
            if let Some(problem) = problem {
                let tally = tallies.entry(ConnectorId(row.try_get(1)?)).or_default();
                tally.bad_batch(RequestId::from_number(request), problem);
            }
        }
    }
    Ok(())
}

async fn keys(connection: &mut Connection, news: &KeysNews) -> Result<()> {
    // A disabled connector does not call the account, but still has to learn that its keys work
    // again.
    let rows = sqlx::query(
        "SELECT id FROM connector WHERE (source = $1 OR destination = $1) AND (enabled OR $2) \
         ORDER BY id",
    )
    .bind(news.account.0)
    .bind(news.refused.is_none())
    .fetch_all(&mut *connection)
    .await?;
    let connectors = rows.iter().map(|row| Ok(ConnectorId(row.try_get(0)?)));
    let connectors: Vec<ConnectorId> = connectors.collect::<Result<_>>()?;
    let name = news.account.0.to_string();
    let Some(problem) = &news.refused else {
        return lasts_no_more(connection, &connectors, Kind::Account, &name).await;
    };
    for connector in connectors {
        let (name, problem) = (name.clone(), problem.clone());
        last(connection, connector, Kind::Account, name, problem, news.at).await?;
    }
    Ok(())
}

/// A persistent condition begins; one that already persists is not counted again. Returns whether it began.
async fn last(
    connection: &mut Connection,
    connector: ConnectorId,
    kind: Kind,
    name: String,
    problem: Problem,
    now: Timestamp,
) -> Result<bool> {
    let course = Course::begin(now);
    sqlx::query(
        "INSERT INTO incident (connector, began, streak, longest, failed_at, passed, row_told, \
         mails) VALUES ($1, $2, 0, 0, $2, $3, $3, 0) \
         ON CONFLICT (connector) DO UPDATE SET failed_at = excluded.failed_at",
    )
    .bind(connector.0)
    .bind(ms(course.began))
    .bind(false)
    .execute(&mut *connection)
    .await?;
    let begun = sqlx::query(
        "INSERT INTO incident_cause (connector, kind, name, count, told, problem) \
         VALUES ($1, $2, $3, 1, 0, $4) ON CONFLICT (connector, kind, name) DO NOTHING",
    )
    .bind(connector.0)
    .bind(kind.as_str())
    .bind(name)
    .bind(json(&problem)?)
    .execute(connection)
    .await?;
    Ok(begun.rows_affected() > 0)
}

async fn lasts_no_more(
    connection: &mut Connection,
    connectors: &[ConnectorId],
    kind: Kind,
    name: &str,
) -> Result<()> {
    for connector in connectors {
        sqlx::query("DELETE FROM incident_cause WHERE connector = $1 AND kind = $2 AND name = $3")
            .bind(connector.0)
            .bind(kind.as_str())
            .bind(name)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

async fn keep(connection: &mut Connection, connector: ConnectorId, course: &Course) -> Result<()> {
    sqlx::query(
        "INSERT INTO incident (connector, began, since, streak, longest, failed_at, passed, \
         row_told, mails) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0) \
         ON CONFLICT (connector) DO UPDATE SET since = excluded.since, streak = excluded.streak, \
         longest = excluded.longest, failed_at = excluded.failed_at, passed = excluded.passed",
    )
    .bind(connector.0)
    .bind(ms(course.began))
    .bind(course.since.map(RequestId::number))
    .bind(i64::from(course.streak))
    .bind(i64::from(course.longest))
    .bind(ms(course.failed_at))
    .bind(course.passed)
    .bind(false)
    .execute(connection)
    .await?;
    Ok(())
}

async fn add(connection: &mut Connection, connector: ConnectorId, cause: &Cause) -> Result<()> {
    sqlx::query(
        "INSERT INTO incident_cause (connector, kind, name, count, told, problem, request) \
         VALUES ($1, $2, $3, $4, 0, $5, $6) ON CONFLICT (connector, kind, name) DO UPDATE SET \
         count = incident_cause.count + excluded.count, problem = excluded.problem, \
         request = excluded.request",
    )
    .bind(connector.0)
    .bind(cause.kind.as_str())
    .bind(&cause.name)
    .bind(number(cause.count))
    .bind(json(&cause.problem)?)
    .bind(cause.request.map(RequestId::number))
    .execute(connection)
    .await?;
    Ok(())
}

/// A row that begins with [`COURSE`].
pub(super) fn course(row: &DbRow) -> Result<(ConnectorId, Course)> {
    let connector: i64 = row.try_get(0)?;
    let place = Place { table: "incident", row: &connector };
    let since: Option<i64> = row.try_get(2)?;
    let course = Course {
        began: place.time(row.try_get(1)?)?,
        since: since.map(RequestId::from_number),
        streak: place.count(row.try_get(3)?)?,
        longest: place.count(row.try_get(4)?)?,
        failed_at: place.time(row.try_get(5)?)?,
        passed: row.try_get(6)?,
    };
    Ok((ConnectorId(connector), course))
}

pub(super) fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

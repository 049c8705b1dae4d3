//! The state of connectors, from counts.

use jiff::{SignedDuration, Timestamp};
use plan::id::{AccountId, ConnectorId, RequestId};
use plan::lag;
use plan::outcome::Event;
use plan::quota::forecast::Spending;
use plan::quota::{self, day_of};
use sqlx::Row;

use super::values::{Place, ms};
use super::{Connection, DbRow, QueryBuilder, failing, push_list};
use crate::error::Result;
use crate::tally::{Cause, Health, Span, Step, Tally, Used, Waiting, hour_of, slot_of};

/// A call is over after this time: its deadline is far below.
const LONGEST_CALL: SignedDuration = SignedDuration::from_mins(5);

pub(super) async fn health(connection: &mut Connection, since: Timestamp) -> Result<Vec<Health>> {
    let rows =
        sqlx::query("SELECT id FROM connector ORDER BY name").fetch_all(&mut *connection).await?;
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let connector = ConnectorId(row.try_get(0)?);
        all.push(Health {
            connector,
            counts: Tally::default(),
            lags: lag::Lags::default(),
            waiting: waiting(connection, connector).await?,
            retrying: retrying(connection, connector).await?,
            last_success: None,
            last_failure: None,
        });
    }
    let one_step = Span { from: since, to: Timestamp::MAX, hours: i64::MAX };
    for step in steps(connection, &one_step).await? {
        if let Some(health) = all.iter_mut().find(|one| one.connector == step.connector) {
            health.counts.add_all(&step.counts);
            health.lags.add_all(&step.lags);
        }
    }
    let rows =
        sqlx::query("SELECT connector, event, at FROM latest").fetch_all(&mut *connection).await?;
    for row in rows {
        let connector: i64 = row.try_get(0)?;
        let place = Place { table: "latest", row: &connector };
        let (event, at) = (place.word(row.try_get(1)?)?, place.time(row.try_get(2)?)?);
        let Some(health) = all.iter_mut().find(|one| one.connector.0 == connector) else {
            continue;
        };
        let last = match event {
            Event::Failed => &mut health.last_failure,
            Event::Skipped => continue,
            Event::New | Event::Updated | Event::Unchanged => &mut health.last_success,
        };
        *last = (*last).max(Some(at));
    }
    Ok(all)
}

pub(super) async fn causes(
    connection: &mut Connection,
    (from, to): (Timestamp, Timestamp),
    connectors: Option<&[ConnectorId]>,
    limit: usize,
) -> Result<Vec<Cause>> {
    let mut query = QueryBuilder::new(
        "SELECT connector, cause, CAST(sum(records) AS BIGINT) FROM tally \
         WHERE event = 'failed' AND cause <> ''",
    );
    query.push(failing::IS_OPEN);
    push_hours(&mut query, from, to);
    if let Some(connectors) = connectors {
        query.push(" AND connector IN ");
        push_list(&mut query, connectors.iter().map(|connector| connector.0).chain([-1]));
    }
    query.push(" GROUP BY connector, cause HAVING sum(records) > 0 ORDER BY 3 DESC, 1, 2 LIMIT ");
    query.push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let rows = query.build().persistent(false).fetch_all(&mut *connection).await?;
    let mut causes = Vec::with_capacity(rows.len());
    for row in rows {
        let (connector, cause): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
        let example = sqlx::query(
            "SELECT request, problem FROM record WHERE connector = $1 AND cause = $2 \
             AND sync_status = 'error' AND request >= $3 ORDER BY request DESC LIMIT 1",
        )
        .bind(connector)
        .bind(&cause)
        .bind(RequestId::first_at(from).number())
        .fetch_optional(&mut *connection)
        .await?;
        let Some(example) = example else { continue };
        let request = RequestId::from_number(example.try_get(0)?);
        let place = Place { table: "record", row: &request };
        let Some(problem) = place.problem(example.try_get(1)?)? else { continue };
        let records = row.try_get::<i64, _>(2)?.cast_unsigned();
        causes.push(Cause { connector: ConnectorId(connector), cause, records, request, problem });
    }
    Ok(causes)
}

pub(super) async fn used(
    connection: &mut Connection,
    windows: &[(AccountId, SignedDuration)],
    now: Timestamp,
) -> Result<Vec<Used>> {
    let under_way =
        sqlx::query("SELECT account, operation FROM intent").fetch_all(&mut *connection).await?;
    let mut all = Vec::with_capacity(windows.len());
    for (account, window) in windows {
        let since = now.checked_sub(*window).unwrap_or(Timestamp::MIN);
        // Calls are numbered by the time of their beginning.
        let begun = since.checked_sub(LONGEST_CALL).unwrap_or(Timestamp::MIN);
        let row = sqlx::query(
            "SELECT (SELECT calls FROM spent WHERE account = $1 AND day = $2), count(*), \
             count(CASE WHEN url LIKE '%/Bulk/%' THEN 1 END) FROM call \
             WHERE id >= $3 AND account = $1 AND at + milliseconds > $4",
        )
        .bind(account.0)
        .bind(day_of(now))
        .bind(RequestId::first_at(begun).number())
        .bind(ms(since))
        .fetch_one(&mut *connection)
        .await?;
        let place = Place { table: "call", row: &account.0 };
        let mut used = Used {
            account: *account,
            today: place.count(row.try_get::<Option<i64>, _>(0)?.unwrap_or(0))?,
            calls: place.count(row.try_get(1)?)?,
            bulk_calls: place.count(row.try_get(2)?)?,
        };
        for row in &under_way {
            if row.try_get::<i64, _>(0)? == account.0 {
                // It counts for the day because it was about to be sent.
                used.calls += 1;
                used.bulk_calls += u32::from(row.try_get::<&str, _>(1)?.contains("Bulk/"));
            }
        }
        all.push(used);
    }
    Ok(all)
}

pub(super) async fn spending(
    connection: &mut Connection,
    accounts: &[AccountId],
    now: Timestamp,
) -> Result<Vec<Spending>> {
    let mut all = Vec::with_capacity(accounts.len());
    for account in accounts {
        let place = Place { table: "spent", row: &account.0 };
        let today = sqlx::query("SELECT calls FROM spent WHERE account = $1 AND day = $2")
            .bind(account.0)
            .bind(day_of(now))
            .fetch_optional(&mut *connection)
            .await?;
        let today = today.map(|row| place.count(row.try_get(0)?)).transpose()?;
        let hours = sqlx::query(
            "SELECT hour, calls FROM spent_hour WHERE account = $1 AND hour IN ($2, $3)",
        )
        .bind(account.0)
        .bind(quota::hour_of(now))
        .bind(quota::hour_of(now) - 1)
        .fetch_all(&mut *connection)
        .await?;
        let hour = |row: &DbRow| Ok((row.try_get(0)?, place.count(row.try_get(1)?)?));
        let hours: Vec<(i64, u32)> = hours.iter().map(hour).collect::<Result<_>>()?;
        all.push(Spending::new(today.unwrap_or_default(), hours, now));
    }
    Ok(all)
}

pub(super) async fn steps(connection: &mut Connection, span: &Span) -> Result<Vec<Step>> {
    let hours = span.hours.max(1);
    let mut query = QueryBuilder::new("SELECT hour / ");
    query.push_bind(hours).push(
        ", connector, event, lag, CAST(sum(records) AS BIGINT) FROM tally WHERE records <> 0",
    );
    push_hours(&mut query, span.from, span.to);
    query.push(" GROUP BY 1, 2, 3, 4 ORDER BY 1, 2");
    let rows = query.build().persistent(false).fetch_all(connection).await?;
    gathered(&rows, "tally", hours.saturating_mul(3_600_000))
}

pub(super) async fn recent_steps(
    connection: &mut Connection,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Step>> {
    let rows = sqlx::query(
        "SELECT slot, connector, event, lag, records FROM tally_recent \
         WHERE records <> 0 AND slot >= $1 AND slot <= $2 ORDER BY slot, connector",
    )
    .bind(slot_of(from))
    .bind(slot_of(last_before(to)))
    .fetch_all(connection)
    .await?;
    let length = i64::try_from(Step::SHORT.as_millis()).unwrap_or(i64::MAX);
    gathered(&rows, "tally_recent", length)
}

/// Steps of this length, in milliseconds, from rows with the step's number, the connector, the
/// event, the class of the lag, and the number of records.
fn gathered(rows: &[DbRow], table: &'static str, length: i64) -> Result<Vec<Step>> {
    let mut steps: Vec<Step> = Vec::new();
    for row in rows {
        let (number, connector) = (row.try_get::<i64, _>(0)?, ConnectorId(row.try_get(1)?));
        let place = Place { table, row: &number };
        let from = place.time(number.saturating_mul(length))?;
        if !steps.last().is_some_and(|step| step.from == from && step.connector == connector) {
            let (counts, lags) = Default::default();
            steps.push(Step { connector, from, counts, lags });
        }
        let Some(step) = steps.last_mut() else { continue };
        let records = row.try_get::<i64, _>(4)?.max(0).cast_unsigned();
        step.counts.add(place.word(row.try_get(2)?)?, records);
        step.lags.add(usize::try_from(row.try_get::<i64, _>(3)?).unwrap_or(0), records);
    }
    Ok(steps)
}

fn push_hours(query: &mut QueryBuilder, from: Timestamp, to: Timestamp) {
    query.push(" AND hour >= ").push_bind(hour_of(from));
    query.push(" AND hour <= ").push_bind(hour_of(last_before(to)));
}

fn last_before(to: Timestamp) -> Timestamp {
    to.checked_sub(SignedDuration::from_millis(1)).unwrap_or(Timestamp::MIN)
}

async fn waiting(connection: &mut Connection, connector: ConnectorId) -> Result<Waiting> {
    let row = sqlx::query(
        "SELECT count(*), min(id) FROM (SELECT id FROM request WHERE connector = $1 \
         AND finished_at IS NULL AND due = 0 ORDER BY due, id LIMIT $2) AS found",
    )
    .bind(connector.0)
    .bind(most())
    .fetch_one(connection)
    .await?;
    Ok(Waiting {
        count: row.try_get::<i64, _>(0)?.cast_unsigned(),
        oldest: came(row.try_get(1)?),
        next: None,
    })
}

async fn retrying(connection: &mut Connection, connector: ConnectorId) -> Result<Waiting> {
    let row = sqlx::query(
        "SELECT count(*), min(request), min(due) FROM (SELECT request, due FROM record \
         WHERE connector = $1 AND due IS NOT NULL ORDER BY due LIMIT $2) AS found",
    )
    .bind(connector.0)
    .bind(most())
    .fetch_one(connection)
    .await?;
    let place = Place { table: "record", row: &connector.0 };
    let next: Option<i64> = row.try_get(2)?;
    Ok(Waiting {
        count: row.try_get::<i64, _>(0)?.cast_unsigned(),
        oldest: came(row.try_get(1)?),
        next: next.map(|due| place.time(due)).transpose()?,
    })
}

fn most() -> i64 {
    i64::try_from(Waiting::MOST).unwrap_or(i64::MAX)
}

fn came(request: Option<i64>) -> Option<Timestamp> {
    request.map(|number| RequestId::from_number(number).received_at())
}

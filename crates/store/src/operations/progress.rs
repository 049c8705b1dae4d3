//! Recording what the dispatcher did and is about to do.

use std::collections::{BTreeMap, HashMap};

use plan::id::AccountId;
use plan::outcome::{RetryWith, SyncStatus};
use plan::quota::hour_of;
use sqlx::Row;

use super::values::{json, ms};
use super::{
    Connection, QueryBuilder, ROWS_A_STATEMENT, backfills, comparisons, contact, directory,
    incident, intake, links, mass_change, push_list, standing, sweeps, tally, traits,
};
use crate::error::Result;
use crate::progress::{
    AttemptOutcome, Call, Intent, Progress, RecordKey, RequestState, Spent, Stage,
};
use crate::secret::Cipher;

const HOURS_A_DAY: i64 = 24;
/// How many hours of hourly call counts are kept.
const HOURS_KEPT: i64 = 2 * HOURS_A_DAY;

/// The columns of a record that its last attempt replaces,
const REPLACED: [&str; 14] = [
    "entity",
    "sync_status",
    "due",
    "attempts",
    "tries",
    "doubtful",
    "source_id",
    "destination_id",
    "problem",
    "cause",
    "code",
    "retry",
    "known_as",
    "name",
];
/// and those that stay if its event stays ([`tally::STANDS`]).
const OF_EVENT: [&str; 5] = ["event", "explanation", "version", "lag", "echo"];

/// Records everything; the lease was checked before.
pub(super) async fn record(
    connection: &mut Connection,
    cipher: &Cipher,
    progress: &Progress,
) -> Result<()> {
    keep_calls(connection, &progress.calls).await?;
    keep_attempts(connection, &progress.attempts).await?;
    keep_requests(connection, &progress.requests).await?;
    keep_echoes(connection, &progress.attempts).await?;
    links::keep(connection, &progress.links).await?;
    links::keep_gone(connection, &progress.gone).await?;
    standing::solve(connection, &progress.solved).await?;
    standing::keep(connection, &progress.reviews).await?;
    settle(connection, &progress.settled).await?;
    keep_intents(connection, &progress.intents).await?;
    add_spent(connection, &progress.spent).await?;
    for news in &progress.contacts {
        contact::keep(connection, news).await?;
    }
    for news in &progress.traits {
        traits::keep(connection, news).await?;
    }
    for news in &progress.backfills {
        backfills::keep(connection, news).await?;
    }
    intake::store(connection, &progress.deliveries, None).await?;
    for news in &progress.sweeps {
        sweeps::keep(connection, news).await?;
    }
    for news in &progress.parities {
        comparisons::keep(connection, news).await?;
    }
    for news in &progress.held {
        mass_change::keep(connection, news).await?;
    }
    for news in &progress.plans {
        backfills::keep_plan(connection, news).await?;
    }
    for news in &progress.directory {
        directory::keep(connection, cipher, news).await?;
    }
    incident::count(connection, progress).await
}

/// Keeps a call that was made outside the dispatcher, and counts it.
pub(super) async fn keep_call(connection: &mut Connection, call: Call) -> Result<()> {
    let spent = Spent { account: call.account, hour: hour_of(call.at), calls: 1 };
    keep_calls(connection, &[call]).await?;
    add_spent(connection, &[spent]).await
}

async fn keep_calls(connection: &mut Connection, calls: &[Call]) -> Result<()> {
    for some in calls.chunks(ROWS_A_STATEMENT) {
        let mut query = QueryBuilder::new(
            "INSERT INTO call (id, account, connector, at, milliseconds, method, url, status, \
             request, response, error) ",
        );
        query.push_values(some, |mut row, call| {
            row.push_bind(call.id)
                .push_bind(call.account.0)
                .push_bind(call.connector.map(|connector| connector.0))
                .push_bind(ms(call.at))
                .push_bind(i64::from(call.milliseconds))
                .push_bind(call.method)
                .push_bind(&call.url)
                .push_bind(call.status.map(i64::from))
                .push_bind(&*call.request)
                .push_bind(&*call.response)
                .push_bind(call.error.as_deref());
        });
        query.build().persistent(some.len() == 1).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn keep_attempts(connection: &mut Connection, attempts: &[AttemptOutcome]) -> Result<()> {
    let mut moves = tally::Moves::default();
    for some in attempts.chunks(ROWS_A_STATEMENT) {
        let mut rows = Vec::with_capacity(some.len());
        for attempt in some {
            let problem = attempt.problem.as_ref().map(json).transpose()?;
            rows.push((attempt, problem, json(&attempt.calls)?));
        }
        let mut query = QueryBuilder::new(
            "INSERT INTO attempt (request, position, number, at, event, problem, calls, retry, \
             version) ",
        );
        query.push_values(&rows, |mut row, (attempt, problem, calls)| {
            row.push_bind(attempt.key.request.number())
                .push_bind(i64::from(attempt.key.position))
                .push_bind(i64::from(attempt.attempt))
                .push_bind(ms(attempt.at))
                .push_bind(attempt.event.as_str())
                .push_bind(problem.as_deref())
                .push_bind(calls)
                .push_bind(attempt.retry.map(RetryWith::as_str))
                .push_bind(attempt.version);
        });
        query.build().persistent(some.len() == 1).execute(&mut *connection).await?;
        keep_mentions(connection, some).await?;

        // A statement may touch a record only once: of several attempts the last one counts.
        let mut last: HashMap<RecordKey, usize> = HashMap::with_capacity(rows.len());
        let mut first: HashMap<RecordKey, u32> = HashMap::with_capacity(rows.len());
        for (index, (attempt, ..)) in rows.iter().enumerate() {
            last.insert(attempt.key, index);
            first.entry(attempt.key).or_insert(attempt.attempt);
        }
        let is_last = |index: &usize| last.get(&rows[*index].0.key) == Some(index);
        let ends: Vec<&AttemptOutcome> =
            (0..rows.len()).filter(is_last).map(|index| rows[index].0).collect();
        moves.add(connection, &ends, &first).await?;
        let mut query = QueryBuilder::new(
            "INSERT INTO record (request, position, connector, entity, event, sync_status, due, \
             attempts, tries, doubtful, source_id, destination_id, problem, explanation, version, \
             cause, code, retry, lag, known_as, name, echo) ",
        );
        query.push_values((0..rows.len()).filter(is_last), |mut row, index| {
            let (attempt, problem, _) = &rows[index];
            let due = match attempt.stage {
                Stage::Waiting(due) | Stage::Held(due) => Some(ms(due)),
                Stage::Final => None,
            };
            // The next try by the schedule is part of the same retry.
            let retry = attempt.retry.filter(|_| due.is_some()).map(RetryWith::as_str);
            row.push_bind(attempt.key.request.number())
                .push_bind(i64::from(attempt.key.position))
                .push_bind(attempt.connector.0)
                .push_bind(attempt.entity.as_str())
                .push_bind(attempt.event.as_str())
                .push_bind(attempt.sync_status.as_str())
                .push_bind(due)
                .push_bind(i64::from(attempt.attempt))
                .push_bind(i64::from(attempt.tries))
                .push_bind(attempt.doubtful)
                .push_bind(attempt.source_id.as_deref())
                .push_bind(attempt.destination_id.as_deref())
                .push_bind(problem.as_deref())
                .push_bind(attempt.explanation.as_deref())
                .push_bind(attempt.version)
                .push_bind(tally::cause_of(attempt))
                .push_bind(attempt.problem.as_ref().map(|problem| problem.code.as_str()))
                .push_bind(retry)
                .push_bind(tally::lag_of(attempt))
                .push_bind(attempt.known_as.as_deref())
                .push_bind(attempt.name.as_deref())
                .push_bind(i64::from(attempt.is_echo));
        });
        query.push(" ON CONFLICT (request, position) DO UPDATE SET ");
        let mut set = query.separated(", ");
        for column in REPLACED {
            set.push(format!("{column} = excluded.{column}"));
        }
        for column in OF_EVENT {
            set.push(format!(
                "{column} = CASE WHEN {} THEN record.{column} ELSE excluded.{column} END",
                tally::STANDS
            ));
        }
        query.build().persistent(some.len() == 1).execute(&mut *connection).await?;
        note_batches(connection, some).await?;
    }
    moves.keep(connection).await
}

/// Notes for which batch of retries these attempts were made, as stored with their records.
async fn note_batches(connection: &mut Connection, attempts: &[AttemptOutcome]) -> Result<()> {
    let asked = |attempt: &&AttemptOutcome| attempt.retry.is_some();
    let requests: Vec<i64> =
        attempts.iter().filter(asked).map(|attempt| attempt.key.request.number()).collect();
    if requests.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new(
        "UPDATE attempt SET batch = (SELECT r.batch FROM record r \
         WHERE r.request = attempt.request AND r.position = attempt.position) \
         WHERE batch IS NULL AND retry IS NOT NULL AND request IN ",
    );
    push_list(&mut query, requests);
    query.build().persistent(false).execute(&mut *connection).await?;
    Ok(())
}

async fn keep_mentions(connection: &mut Connection, attempts: &[AttemptOutcome]) -> Result<()> {
    let mentions: Vec<(&RecordKey, &str)> = attempts
        .iter()
        .flat_map(|attempt| attempt.mentions.iter().map(|value| (&attempt.key, value.as_str())))
        .collect();
    for some in mentions.chunks(ROWS_A_STATEMENT) {
        let mut query = QueryBuilder::new("INSERT INTO mention (value, request, position) ");
        query.push_values(some, |mut row, (key, value)| {
            row.push_bind(*value)
                .push_bind(key.request.number())
                .push_bind(i64::from(key.position));
        });
        query.push(" ON CONFLICT DO NOTHING");
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn keep_requests(connection: &mut Connection, requests: &[RequestState]) -> Result<()> {
    for some in requests.chunks(ROWS_A_STATEMENT) {
        let mut query = QueryBuilder::new(
            "UPDATE request SET job_status = v.column2, sync_status = v.column3, \
             behaviour = v.column4, finished_at = v.column5, due = v.column6, echo = 0 FROM (",
        );
        query.push_values(some, |mut row, state| {
            row.push_bind(state.id.number())
                .push_bind(state.job_status.as_str())
                .push_bind(state.sync_status.map(SyncStatus::as_str))
                .push_bind(state.behaviour)
                .push_bind(state.finished_at.map(ms))
                .push_bind(state.due.map_or(0, ms));
        });
        query.push(") AS v WHERE request.id = v.column1");
        query.build().persistent(some.len() == 1).execute(&mut *connection).await?;

        // Somebody may have asked for a retry while the last record was in progress.
        let ended: Vec<i64> = some
            .iter()
            .filter(|state| state.finished_at.is_some())
            .map(|state| state.id.number())
            .collect();
        if ended.is_empty() {
            continue;
        }
        let waits = "FROM record WHERE record.request = request.id AND record.due IS NOT NULL";
        let mut query = QueryBuilder::new(format!(
            "UPDATE request SET job_status = 'queued', finished_at = NULL, \
             due = (SELECT min(record.due) {waits}) WHERE EXISTS (SELECT 1 {waits}) AND id IN "
        ));
        push_list(&mut query, ended);
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Marks requests that are nothing but echoes of our own writes.
async fn keep_echoes(connection: &mut Connection, attempts: &[AttemptOutcome]) -> Result<()> {
    let echoes: Vec<i64> = attempts
        .iter()
        .filter(|attempt| attempt.is_echo)
        .map(|attempt| attempt.key.request.number())
        .collect();
    for some in echoes.chunks(ROWS_A_STATEMENT) {
        let mut query = QueryBuilder::new(
            "UPDATE request SET echo = 1 WHERE finished_at IS NOT NULL AND NOT EXISTS (SELECT 1 \
             FROM record r WHERE r.request = request.id AND r.echo = 0) AND id IN ",
        );
        push_list(&mut query, some.iter().copied());
        query.build().persistent(some.len() == 1).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn settle(connection: &mut Connection, intents: &[i64]) -> Result<()> {
    for some in intents.chunks(ROWS_A_STATEMENT) {
        let mut query = QueryBuilder::new("DELETE FROM intent WHERE id IN ");
        push_list(&mut query, some.iter().copied());
        query.build().persistent(some.len() == 1).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn keep_intents(connection: &mut Connection, intents: &[Intent]) -> Result<()> {
    for some in intents.chunks(ROWS_A_STATEMENT) {
        let mut rows = Vec::with_capacity(some.len());
        for intent in some {
            rows.push((intent, json(&intent.records)?));
        }
        let mut query =
            QueryBuilder::new("INSERT INTO intent (id, account, at, operation, records) ");
        query.push_values(&rows, |mut row, (intent, records)| {
            row.push_bind(intent.id)
                .push_bind(intent.account.0)
                .push_bind(ms(intent.at))
                .push_bind(&intent.operation)
                .push_bind(records);
        });
        query.build().persistent(some.len() == 1).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn add_spent(connection: &mut Connection, spent: &[Spent]) -> Result<()> {
    let mut sums: BTreeMap<(AccountId, i64), i64> = BTreeMap::new();
    for one in spent {
        *sums.entry((one.account, one.hour)).or_default() += i64::from(one.calls);
    }
    for ((account, hour), calls) in sums {
        sqlx::query(
            "INSERT INTO spent (account, day, calls) VALUES ($1, $2, $3) \
             ON CONFLICT (account, day) DO UPDATE SET calls = spent.calls + excluded.calls",
        )
        .bind(account.0)
        .bind(hour.div_euclid(HOURS_A_DAY))
        .bind(calls)
        .execute(&mut *connection)
        .await?;
        let row = sqlx::query(
            "INSERT INTO spent_hour (account, hour, calls) VALUES ($1, $2, $3) \
             ON CONFLICT (account, hour) DO UPDATE SET calls = spent_hour.calls + excluded.calls \
             RETURNING calls",
        )
        .bind(account.0)
        .bind(hour)
        .bind(calls)
        .fetch_one(&mut *connection)
        .await?;
        let is_first = row.try_get::<i64, _>(0)? == calls;
        if is_first {
            sqlx::query("DELETE FROM spent_hour WHERE account = $1 AND hour < $2")
                .bind(account.0)
                .bind(hour - HOURS_KEPT)
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}

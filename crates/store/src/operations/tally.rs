//! Counting records as they are stored.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use plan::id::RequestId;
use plan::lag;
use plan::outcome::{Event, SyncStatus};
use sqlx::Row;

use super::values::{Place, ms};
use super::{Connection, QueryBuilder, ROWS_A_STATEMENT, failing};
use crate::error::Result;
use crate::progress::{AttemptOutcome, RecordKey};
use crate::tally::{Step, hour_of, slot_of};

/// What a record is counted under.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Class {
    hour: i64,
    connector: i64,
    event: Event,
    lag: i64,
    cause: String,
}

/// In the statement that stores a record: whether its event stays. [`Class::stands`] is the same
/// for the counts.
pub(super) const STANDS: &str =
    "excluded.event = 'unchanged' AND record.event IN ('new', 'updated')";

impl Class {
    /// Whether a written record stays counted as such: it was retried, and nothing had to be done.
    fn stands(&self, event: Event) -> bool {
        event == Event::Unchanged && matches!(self.event, Event::New | Event::Updated)
    }
}

/// The class of an attempt's lag, as in `tally` and `record`; 0 if nothing was written.
pub(super) fn lag_of(attempt: &AttemptOutcome) -> i64 {
    let is_written = matches!(attempt.event, Event::New | Event::Updated);
    if !is_written {
        return 0;
    }
    let class = lag::class_of(attempt.at.duration_since(attempt.key.request.received_at()));
    i64::try_from(class).unwrap_or(0)
}

/// The cause by which an attempt's failure is grouped.
pub(super) fn cause_of(attempt: &AttemptOutcome) -> Option<String> {
    let failed = attempt.sync_status == SyncStatus::Error;
    attempt.problem.as_ref().filter(|_| failed).map(plan::problem::Problem::cause)
}

/// What a record that arrived lately is counted under too: its step of [`Step::SHORT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Recent {
    slot: i64,
    connector: i64,
    event: Event,
    lag: i64,
}

impl Recent {
    fn of(request: RequestId, class: &Class) -> Self {
        let Class { connector, event, lag, .. } = *class;
        Self { slot: slot_of(request.received_at()), connector, event, lag }
    }
}

/// How the attempts of one commit change the counts.
#[derive(Debug, Default)]
pub(super) struct Moves {
    counts: BTreeMap<Class, i64>,
    recent: BTreeMap<Recent, i64>,
    /// When the last of them ended.
    at: Timestamp,
    latest: BTreeMap<(i64, Event), i64>,
    /// Causes for which records failed that had not failed for them before, or that a person asked to
    /// retry; and when.
    recurred: BTreeSet<(i64, String)>,
    recurred_at: Option<Timestamp>,
}

impl Moves {
    /// Adds records in their state after these attempts, before they are stored: the last attempt
    /// of each record.
    pub(super) async fn add(
        &mut self,
        connection: &mut Connection,
        attempts: &[&AttemptOutcome],
        first: &HashMap<RecordKey, u32>,
    ) -> Result<()> {
        // A record's first attempt finds nothing to move from, so fresh records are never read.
        let again = attempts.iter().filter(|a| first.get(&a.key).is_none_or(|n| *n > 1));
        let keys: Vec<RecordKey> = again.map(|attempt| attempt.key).collect();
        let before = before(connection, &keys).await?;
        for (key, class) in &before {
            *self.counts.entry(class.clone()).or_default() -= 1;
            *self.recent.entry(Recent::of(key.request, class)).or_default() -= 1;
        }
        for attempt in attempts {
            let class = Class {
                hour: hour_of(attempt.key.request.received_at()),
                connector: attempt.connector.0,
                event: attempt.event,
                lag: lag_of(attempt),
                cause: cause_of(attempt).unwrap_or_default(),
            };
            let was = before.get(&attempt.key).map(|class| &class.cause);
            if !class.cause.is_empty() && (was != Some(&class.cause) || attempt.retry.is_some()) {
                self.recurred.insert((class.connector, class.cause.clone()));
                self.recurred_at = self.recurred_at.max(Some(attempt.at));
            }
            let stands = before.get(&attempt.key).filter(|class| class.stands(attempt.event));
            let class = stands.unwrap_or(&class);
            *self.counts.entry(class.clone()).or_default() += 1;
            *self.recent.entry(Recent::of(attempt.key.request, class)).or_default() += 1;
            self.at = self.at.max(attempt.at);
            let latest = self.latest.entry((attempt.connector.0, attempt.event)).or_insert(0);
            *latest = (*latest).max(ms(attempt.at));
        }
        Ok(())
    }

    /// Stores them: one statement for the counts and one for the times, however many records.
    pub(super) async fn keep(self, connection: &mut Connection) -> Result<()> {
        let counts: Vec<(Class, i64)> =
            self.counts.into_iter().filter(|(_, change)| *change != 0).collect();
        for some in counts.chunks(ROWS_A_STATEMENT) {
            let mut query = QueryBuilder::new(
                "INSERT INTO tally (hour, connector, event, lag, cause, records) ",
            );
            query.push_values(some, |mut row, (class, change)| {
                row.push_bind(class.hour)
                    .push_bind(class.connector)
                    .push_bind(class.event.as_str())
                    .push_bind(class.lag)
                    .push_bind(&class.cause)
                    .push_bind(change);
            });
            query.push(
                " ON CONFLICT (hour, connector, event, lag, cause) \
                 DO UPDATE SET records = tally.records + excluded.records",
            );
            query.build().persistent(some.len() == 1).execute(&mut *connection).await?;
        }
        keep_recent(connection, self.recent, self.at).await?;
        let latest: Vec<((i64, Event), i64)> = self.latest.into_iter().collect();
        for some in latest.chunks(ROWS_A_STATEMENT) {
            let mut query = QueryBuilder::new("INSERT INTO latest (connector, event, at) ");
            query.push_values(some, |mut row, ((connector, event), at)| {
                row.push_bind(*connector).push_bind(event.as_str()).push_bind(*at);
            });
            query.push(
                " ON CONFLICT (connector, event) DO UPDATE SET at = excluded.at \
                 WHERE latest.at < excluded.at",
            );
            query.build().persistent(some.len() == 1).execute(&mut *connection).await?;
        }
        match self.recurred_at {
            Some(at) => failing::recur(connection, &self.recurred, at).await,
            None => Ok(()),
        }
    }
}

/// Stores the changes of recent steps, and deletes those that are no longer recent at this time.
async fn keep_recent(
    connection: &mut Connection,
    changes: BTreeMap<Recent, i64>,
    at: Timestamp,
) -> Result<()> {
    let oldest = slot_of(at.checked_sub(Step::RECENT).unwrap_or(Timestamp::MIN));
    let is_kept = |(recent, change): &(Recent, i64)| *change != 0 && recent.slot > oldest;
    let changes: Vec<(Recent, i64)> = changes.into_iter().filter(is_kept).collect();
    let most = changes.iter().map(|(_, change)| *change).max().unwrap_or(0);
    let mut is_new = false;
    for some in changes.chunks(ROWS_A_STATEMENT) {
        let mut query =
            QueryBuilder::new("INSERT INTO tally_recent (slot, connector, event, lag, records) ");
        query.push_values(some, |mut row, (recent, change)| {
            row.push_bind(recent.slot)
                .push_bind(recent.connector)
                .push_bind(recent.event.as_str())
                .push_bind(recent.lag)
                .push_bind(*change);
        });
        query.push(
            " ON CONFLICT (slot, connector, event, lag) \
             DO UPDATE SET records = tally_recent.records + excluded.records RETURNING records",
        );
        let rows = query.build().persistent(some.len() == 1).fetch_all(&mut *connection).await?;
        for row in rows {
            // The first records of their kind in a step: from time to time there are some.
            is_new |= row.try_get::<i64, _>(0)? <= most;
        }
    }
    if is_new {
        sqlx::query("DELETE FROM tally_recent WHERE slot <= $1")
            .bind(oldest)
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// What these records are counted under so far; new records are omitted.
async fn before(
    connection: &mut Connection,
    keys: &[RecordKey],
) -> Result<HashMap<RecordKey, Class>> {
    let mut classes = HashMap::with_capacity(keys.len());
    for some in keys.chunks(ROWS_A_STATEMENT) {
        let mut query = QueryBuilder::new(
            "SELECT request, connector, event, lag, coalesce(cause, ''), position FROM record \
             WHERE (request, position) IN (",
        );
        query.push_values(some, |mut row, key| {
            row.push_bind(key.request.number()).push_bind(i64::from(key.position));
        });
        query.push(")");
        let rows = query.build().persistent(some.len() == 1).fetch_all(&mut *connection).await?;
        for row in rows {
            let request = RequestId::from_number(row.try_get(0)?);
            let place = Place { table: "record", row: &request };
            let key = RecordKey { request, position: place.count(row.try_get(5)?)? };
            let class = Class {
                hour: hour_of(request.received_at()),
                connector: row.try_get(1)?,
                event: place.word(row.try_get(2)?)?,
                lag: row.try_get(3)?,
                cause: row.try_get(4)?,
            };
            classes.insert(key, class);
        }
    }
    Ok(classes)
}

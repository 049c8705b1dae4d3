//! Pending work, and doing it.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use plan::backfill::Planning;
use plan::id::{AccountId, ConnectorId, RequestId};
use plan::link::{Link, Pair, Side};
use sqlx::Row;

use super::retry::NOT_BEGUN;
use super::values::{Place, ms};
use super::{
    Backend, Connection, QueryBuilder, backfills, comparisons, directory, lease, links, progress,
    push_list, settings, standing, sweeps, unfinished,
};
use crate::backfills::Backfill;
use crate::catch_up::{Posted, Sweep};
use crate::directory::DirectoryReading;
use crate::dispatching::{Dispatching, Lease, LinkCounts, Opened, RecentCall, Room, WaitingRecord};
use crate::error::Result;
use crate::progress::{Intent, Progress, RecordKey};
use plan::outcome::Entity;
use plan::parity::Standing;
use plan::review::StandingReview;

/// Calls that took longer than this are not among the recent ones.
const LONGEST_CALL: SignedDuration = SignedDuration::from_mins(1);

#[async_trait]
impl Dispatching for Backend {
    async fn take_lease(
        &self,
        accounts: &[AccountId],
        holder: &str,
        ttl: Duration,
    ) -> Result<Option<Lease>> {
        let (accounts, holder) = (accounts.to_vec(), holder.to_owned());
        self.write(move |connection| {
            Box::pin(async move { lease::take(connection, accounts, &holder, ttl).await })
        })
        .await
    }

    async fn renew_lease(&self, lease: &Lease, ttl: Duration) -> Result<()> {
        let lease = lease.clone();
        self.write(move |connection| {
            Box::pin(async move { lease::renew(connection, &lease, ttl).await })
        })
        .await
    }

    async fn release_lease(&self, lease: &Lease) -> Result<()> {
        let lease = lease.clone();
        self.write(move |connection| {
            Box::pin(async move { lease::release(connection, &lease).await })
        })
        .await
    }

    async fn open_requests(
        &self,
        lease: &Lease,
        connectors: &[ConnectorId],
        open: &HashSet<RequestId>,
        now: Timestamp,
        room: Room,
    ) -> Result<Opened> {
        let mut transaction = self.begin_read().await?;
        lease::check_read(&mut transaction, lease).await?;
        let configuration = settings::version(&mut transaction).await?;
        // Some of those found may already be open.
        let most = i64::try_from(room.all + open.len()).unwrap_or(i64::MAX);
        let mut found: [Vec<i64>; 2] = Default::default();
        for connector in connectors {
            // Fresh requests by arrival and retries by due time are two ranges of one index: those
            // that have to wait are never read.
            let ranges = ["due = 0 AND 0 <= $2", "due > 0 AND due <= $2"];
            for (range, found) in ranges.into_iter().zip(&mut found) {
                let sql = format!(
                    "SELECT id FROM request WHERE connector = $1 AND finished_at IS NULL \
                     AND {range} ORDER BY due, id LIMIT $3"
                );
                let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
                    .bind(connector.0)
                    .bind(ms(now))
                    .bind(most)
                    .fetch_all(&mut *transaction)
                    .await?;
                for row in rows {
                    let id = row.try_get(0)?;
                    if !open.contains(&RequestId::from_number(id)) {
                        found.push(id);
                    }
                }
            }
        }
        let [mut found, mut again] = found;
        let (fresh, due_again) = room.share(found.len(), again.len());
        for (ids, most) in [(&mut found, fresh), (&mut again, due_again)] {
            ids.sort_unstable();
            ids.truncate(most);
        }
        found.extend(again);
        found.sort_unstable();
        let before = found.len();
        unfinished::leave_late(&mut transaction, &mut found, room.late).await?;
        let are_more_late = found.len() < before;
        let requests = unfinished::read(&mut transaction, &found).await?;
        Ok(Opened { configuration, requests, are_more_late })
    }

    async fn arrivals_while_disabled(
        &self,
        lease: &Lease,
        connector: ConnectorId,
        limit: usize,
    ) -> Result<Opened> {
        let mut transaction = self.begin_read().await?;
        lease::check_read(&mut transaction, lease).await?;
        let configuration = settings::version(&mut transaction).await?;
        let row = sqlx::query("SELECT disabled_at FROM connector WHERE id = $1 AND NOT enabled")
            .bind(connector.0)
            .fetch_optional(&mut *transaction)
            .await?;
        let Some(since) = row.map(|row| row.try_get::<Option<i64>, _>(0)).transpose()?.flatten()
        else {
            return Ok(Opened { configuration, requests: Vec::new(), are_more_late: false });
        };
        // What arrived within the same millisecond may have arrived before: it is kept.
        let since = Place { table: "connector", row: &connector.0 }.time(since + 1)?;
        let rows = sqlx::query(
            "SELECT id FROM request WHERE connector = $1 AND finished_at IS NULL AND due = 0 \
             AND id >= $2 ORDER BY id LIMIT $3",
        )
        .bind(connector.0)
        // A Request ID begins with the time of arrival.
        .bind(RequestId::first_at(since).number())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&mut *transaction)
        .await?;
        let found: Vec<i64> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        let requests = unfinished::read(&mut transaction, &found).await?;
        Ok(Opened { configuration, requests, are_more_late: false })
    }

    async fn waiting_records(
        &self,
        lease: &Lease,
        connectors: &[ConnectorId],
        now: Timestamp,
    ) -> Result<Vec<WaitingRecord>> {
        if connectors.is_empty() {
            return Ok(Vec::new());
        }
        let mut transaction = self.begin_read().await?;
        lease::check_read(&mut transaction, lease).await?;
        let mut query = QueryBuilder::new(format!(
            "SELECT request, position, connector, source_id, due FROM record \
             WHERE due IS NOT NULL AND NOT ({NOT_BEGUN}) AND due > "
        ));
        query.push_bind(ms(now)).push(" AND connector IN ");
        push_list(&mut query, connectors.iter().map(|connector| connector.0));
        let rows = query.build().persistent(false).fetch_all(&mut *transaction).await?;
        rows.iter()
            .map(|row| {
                let request = RequestId::from_number(row.try_get(0)?);
                let place = Place { table: "record", row: &request };
                Ok(WaitingRecord {
                    key: RecordKey { request, position: place.count(row.try_get(1)?)? },
                    connector: ConnectorId(row.try_get(2)?),
                    source_id: row.try_get(3)?,
                    due: place.time(row.try_get(4)?)?,
                })
            })
            .collect()
    }

    async fn wake_waiting(
        &self,
        lease: &Lease,
        connectors: &[ConnectorId],
        now: Timestamp,
    ) -> Result<u64> {
        if connectors.is_empty() {
            return Ok(0);
        }
        let (lease, connectors) = (lease.clone(), connectors.to_vec());
        self.write(move |connection| {
            Box::pin(async move {
                lease::check(connection, &lease).await?;
                wake(connection, &connectors, now).await
            })
        })
        .await
    }

    async fn bring_forward(
        &self,
        lease: &Lease,
        connectors: &[ConnectorId],
        now: Timestamp,
        by: SignedDuration,
    ) -> Result<()> {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        if connectors.is_empty() || by <= 0 {
            return Ok(());
        }
        let (lease, connectors) = (lease.clone(), connectors.to_vec());
        self.write(move |connection| {
            Box::pin(async move {
                lease::check(connection, &lease).await?;
                for table in ["record", "request"] {
                    let mut query =
                        QueryBuilder::new(format!("UPDATE {table} SET due = CASE WHEN due - "));
                    query.push_bind(by).push(" > ").push_bind(ms(now)).push(" THEN due - ");
                    query.push_bind(by).push(" ELSE ").push_bind(ms(now)).push(" END WHERE due > ");
                    query.push_bind(ms(now)).push(" AND connector IN ");
                    push_list(&mut query, connectors.iter().map(|connector| connector.0));
                    query.build().persistent(false).execute(&mut *connection).await?;
                }
                Ok(())
            })
        })
        .await
    }

    async fn unsettled_intents(&self, lease: &Lease) -> Result<Vec<Intent>> {
        let mut transaction = self.begin_read().await?;
        lease::check_read(&mut transaction, lease).await?;
        let mut query = QueryBuilder::new(
            "SELECT id, account, at, operation, records FROM intent WHERE account IN ",
        );
        push_list(&mut query, lease.accounts.iter().map(|account| account.0));
        query.push(" ORDER BY id");
        let rows = query.build().persistent(false).fetch_all(&mut *transaction).await?;
        rows.iter()
            .map(|row| {
                let id = row.try_get(0)?;
                let place = Place { table: "intent", row: &id };
                Ok(Intent {
                    id,
                    account: AccountId(row.try_get(1)?),
                    at: place.time(row.try_get(2)?)?,
                    operation: row.try_get(3)?,
                    records: place.parse(row.try_get(4)?)?,
                })
            })
            .collect()
    }

    async fn recent_calls(
        &self,
        accounts: &[AccountId],
        since: Timestamp,
    ) -> Result<Vec<RecentCall>> {
        let mut transaction = self.begin_read().await?;
        // A call's number begins with the time of the call.
        let first = RequestId::first_at(since - LONGEST_CALL).number();
        let mut query =
            QueryBuilder::new("SELECT account, at + milliseconds, url, id FROM call WHERE id >= ");
        query.push_bind(first).push(" AND at + milliseconds >= ").push_bind(ms(since));
        query.push(" AND account IN ");
        push_list(&mut query, accounts.iter().map(|account| account.0));
        query.push(" ORDER BY 2");
        let rows = query.build().persistent(false).fetch_all(&mut *transaction).await?;
        rows.iter()
            .map(|row| {
                let id: i64 = row.try_get(3)?;
                let ended = Place { table: "call", row: &id }.time(row.try_get(1)?)?;
                let account = AccountId(row.try_get(0)?);
                Ok(RecentCall { id, account, ended, url: row.try_get(2)? })
            })
            .collect()
    }

    async fn links(&self, pair: Pair, side: Side, ids: &[String]) -> Result<Vec<Link>> {
        links::find(&mut *self.begin_read().await?, &self.cipher, pair, side, ids).await
    }

    async fn count_links(&self, pair: Pair) -> Result<LinkCounts> {
        links::count(&mut *self.begin_read().await?, pair).await
    }

    async fn gone(&self, account: AccountId, leads: &[String]) -> Result<Vec<String>> {
        links::gone(&mut *self.begin_read().await?, account, leads).await
    }

    async fn directory_reading(&self, account: AccountId) -> Result<Option<DirectoryReading>> {
        directory::reading(&mut *self.begin_read().await?, account).await
    }

    async fn count_directory(&self, account: AccountId) -> Result<u64> {
        directory::count(&mut *self.begin_read().await?, account).await
    }

    async fn directory(
        &self,
        account: AccountId,
        keys: &[String],
    ) -> Result<HashMap<String, Vec<String>>> {
        directory::find(&mut *self.begin_read().await?, &self.cipher, account, keys).await
    }

    async fn standing_reviews(&self, pair: Pair, ids: &[String]) -> Result<Vec<StandingReview>> {
        standing::find(&mut *self.begin_read().await?, pair, ids).await
    }

    async fn record_progress(&self, lease: &Lease, progress: Progress) -> Result<()> {
        if progress.is_empty() {
            return Ok(());
        }
        let (lease, cipher) = (lease.clone(), self.cipher.clone());
        self.write(move |connection| {
            Box::pin(async move {
                lease::check(connection, &lease).await?;
                progress::record(connection, &cipher, &progress).await
            })
        })
        .await
    }

    async fn running_backfills(
        &self,
        lease: &Lease,
        connectors: &[ConnectorId],
    ) -> Result<Vec<Backfill>> {
        let mut transaction = self.begin_read().await?;
        lease::check_read(&mut transaction, lease).await?;
        backfills::running(&mut transaction, connectors).await
    }

    async fn end_backfills(&self, lease: &Lease, ids: &[i64], now: Timestamp) -> Result<()> {
        let (lease, ids) = (lease.clone(), ids.to_vec());
        self.write(move |connection| {
            Box::pin(async move {
                lease::check(connection, &lease).await?;
                backfills::end(connection, &ids, now).await
            })
        })
        .await
    }

    async fn sweeps(
        &self,
        lease: &Lease,
        connectors: &[ConnectorId],
    ) -> Result<Vec<(ConnectorId, Sweep)>> {
        let mut transaction = self.begin_read().await?;
        lease::check_read(&mut transaction, lease).await?;
        sweeps::find(&mut transaction, connectors).await
    }

    async fn parities(
        &self,
        lease: &Lease,
        connectors: &[ConnectorId],
    ) -> Result<Vec<(ConnectorId, Standing)>> {
        let mut transaction = self.begin_read().await?;
        lease::check_read(&mut transaction, lease).await?;
        comparisons::standings(&mut transaction, connectors).await
    }

    async fn plannings(
        &self,
        lease: &Lease,
        connectors: &[ConnectorId],
    ) -> Result<Vec<(ConnectorId, Planning)>> {
        let mut transaction = self.begin_read().await?;
        lease::check_read(&mut transaction, lease).await?;
        backfills::plannings(&mut transaction, connectors).await
    }

    async fn last_posted(
        &self,
        connector: ConnectorId,
        entity: Entity,
        ids: &[String],
    ) -> Result<HashMap<String, Posted>> {
        sweeps::last_posted(&mut *self.begin_read().await?, connector, entity, ids).await
    }

    async fn linked_leads(
        &self,
        pair: Pair,
        side: Side,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, String)>> {
        links::lead_ids(&mut *self.begin_read().await?, pair, side, after, limit).await
    }

    async fn spent(&self, account: AccountId, day: i64) -> Result<u32> {
        let mut transaction = self.begin_read().await?;
        let row = sqlx::query("SELECT calls FROM spent WHERE account = $1 AND day = $2")
            .bind(account.0)
            .bind(day)
            .fetch_optional(&mut *transaction)
            .await?;
        let Some(row) = row else { return Ok(0) };
        Place { table: "spent", row: &account.0 }.count(row.try_get(0)?)
    }
}

/// Makes what waits for its next try due at once. Retries that have not started keep their pace.
async fn wake(
    connection: &mut Connection,
    connectors: &[ConnectorId],
    now: Timestamp,
) -> Result<u64> {
    let mut query = QueryBuilder::new("UPDATE record SET due = ");
    query.push_bind(ms(now)).push(format!(" WHERE NOT ({NOT_BEGUN}) AND due > "));
    query.push_bind(ms(now)).push(" AND connector IN ");
    push_list(&mut query, connectors.iter().map(|connector| connector.0));
    let records = query.build().persistent(false).execute(&mut *connection).await?;
    let mut query = QueryBuilder::new("UPDATE request SET due = ");
    query.push_bind(ms(now)).push(" WHERE finished_at IS NULL AND due > ").push_bind(ms(now));
    query.push(
        " AND EXISTS (SELECT 1 FROM record WHERE record.request = request.id AND record.due <= ",
    );
    query.push_bind(ms(now)).push(") AND connector IN ");
    push_list(&mut query, connectors.iter().map(|connector| connector.0));
    query.build().persistent(false).execute(&mut *connection).await?;
    Ok(records.rows_affected())
}

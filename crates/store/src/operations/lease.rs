//! Leases: which node processes which accounts.

use std::collections::HashMap;
use std::time::Duration;

use plan::id::AccountId;
use sqlx::Row;

use super::values::Place;
use super::{CLAIM_ROWS, Connection, KEEP_ROWS, NOW, QueryBuilder, count_up, push_list};
use crate::dispatching::Lease;
use crate::error::{Error, Result};

/// How long, in milliseconds, accounts may be without a holder before it is no longer certain that
/// the store knows everything that was done: it may be a backup. A restart takes less.
const BREAK: i64 = 60_000;

pub(super) async fn take(
    connection: &mut Connection,
    mut accounts: Vec<AccountId>,
    holder: &str,
    ttl: Duration,
) -> Result<Option<Lease>> {
    if accounts.is_empty() {
        return Err(Error::Refused("a lease of no accounts was asked for".to_owned()));
    }
    accounts.sort_unstable();
    accounts.dedup();
    let mut query = QueryBuilder::new("INSERT INTO lease (account, holder, fence, expires) ");
    query.push_values(&accounts, |mut row, account| {
        row.push_bind(account.0).push("''").push("0").push("0");
    });
    query.push(" ON CONFLICT (account) DO NOTHING");
    query.build().persistent(false).execute(&mut *connection).await?;
    // In the same order everywhere, so that two nodes can't wait for each other. A lease that
    // expires later than one taken just now is from before the clock stepped back: its holder takes
    // it again at once, and loses nothing but the lease.
    let mut query = QueryBuilder::new(format!(
        "SELECT holder <> '' AND expires > {NOW} AND expires <= {NOW} + "
    ));
    query.push_bind(milliseconds(ttl).saturating_mul(2));
    query.push(format!(
        ", CASE WHEN expires < {NOW} - {BREAK} THEN {NOW} ELSE since END \
         FROM lease WHERE account IN "
    ));
    push_list(&mut query, accounts.iter().map(|account| account.0));
    query.push(" ORDER BY account").push(CLAIM_ROWS);
    let mut since = 0;
    for row in query.build().persistent(false).fetch_all(&mut *connection).await? {
        if row.try_get::<bool, _>(0)? {
            return Ok(None);
        }
        since = since.max(row.try_get::<i64, _>(1)?);
    }
    let fence = count_up(connection, "fence").await?;
    let mut query = QueryBuilder::new("UPDATE lease SET holder = ");
    query.push_bind(holder).push(", fence = ").push_bind(fence);
    query.push(format!(", expires = {NOW} + ")).push_bind(milliseconds(ttl));
    query.push(", since = ").push_bind(since);
    query.push(" WHERE account IN ");
    push_list(&mut query, accounts.iter().map(|account| account.0));
    query.build().persistent(false).execute(&mut *connection).await?;
    let unbroken = Place { table: "lease", row: &accounts[0].0 }.time(since)?;
    Ok(Some(Lease { accounts, fence, unbroken }))
}

pub(super) async fn renew(connection: &mut Connection, lease: &Lease, ttl: Duration) -> Result<()> {
    let mut query = QueryBuilder::new(format!("UPDATE lease SET expires = {NOW} + "));
    query.push_bind(milliseconds(ttl)).push(" WHERE fence = ").push_bind(lease.fence);
    query.push(" AND account IN ");
    push_list(&mut query, lease.accounts.iter().map(|account| account.0));
    let done = query.build().persistent(false).execute(connection).await?;
    if done.rows_affected() != lease.accounts.len() as u64 {
        return Err(Error::LeaseLost);
    }
    Ok(())
}

pub(super) async fn release(connection: &mut Connection, lease: &Lease) -> Result<()> {
    // The time it was given up tells the next holder how long nobody held it.
    let mut query =
        QueryBuilder::new(format!("UPDATE lease SET holder = '', expires = {NOW} WHERE fence = "));
    query.push_bind(lease.fence).push(" AND account IN ");
    push_list(&mut query, lease.accounts.iter().map(|account| account.0));
    query.build().persistent(false).execute(connection).await?;
    Ok(())
}

/// Makes sure that the lease is still held, until the end of this transaction.
pub(super) async fn check(connection: &mut Connection, lease: &Lease) -> Result<()> {
    hold(connection, lease, KEEP_ROWS).await
}

/// The same in a transaction that only reads: what it read was true while the lease was held.
pub(super) async fn check_read(connection: &mut Connection, lease: &Lease) -> Result<()> {
    hold(connection, lease, "").await
}

async fn hold(connection: &mut Connection, lease: &Lease, keep: &str) -> Result<()> {
    let mut query = QueryBuilder::new("SELECT account, fence FROM lease WHERE account IN ");
    push_list(&mut query, lease.accounts.iter().map(|account| account.0));
    query.push(keep);
    let rows = query.build().fetch_all(connection).await?;
    let mut fences = HashMap::with_capacity(rows.len());
    for row in rows {
        fences.insert(AccountId(row.try_get(0)?), row.try_get::<i64, _>(1)?);
    }
    let held = lease.accounts.iter().all(|account| fences.get(account) == Some(&lease.fence));
    if held { Ok(()) } else { Err(Error::LeaseLost) }
}

/// Revokes the lease of these accounts: what its holder knows is no longer true.
pub(super) async fn revoke(connection: &mut Connection, accounts: &[AccountId]) -> Result<()> {
    let fence = count_up(connection, "fence").await?;
    let mut query =
        QueryBuilder::new(format!("UPDATE lease SET holder = '', expires = {NOW}, fence = "));
    query.push_bind(fence).push(" WHERE account IN ");
    push_list(&mut query, accounts.iter().map(|account| account.0));
    query.build().persistent(false).execute(connection).await?;
    Ok(())
}

fn milliseconds(ttl: Duration) -> i64 {
    i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX / 4)
}

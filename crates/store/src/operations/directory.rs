//! Which leads accounts have, as far as they were read.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use plan::id::AccountId;
use sqlx::Row;

use super::values::{Place, json, ms};
use super::{Connection, QueryBuilder, ROWS_A_STATEMENT, push_list};
use crate::directory::{DirectoryEntry, DirectoryNews, DirectoryReading};
use crate::error::Result;
use crate::secret::Cipher;

/// A lead, with its entry if it is there.
type Lead<'n> = (&'n str, Option<&'n DirectoryEntry>);

pub(super) async fn reading(
    connection: &mut Connection,
    account: AccountId,
) -> Result<Option<DirectoryReading>> {
    let row = sqlx::query(
        "SELECT fields, begun_at, from_at, page, leads, complete_at FROM directory_reading \
         WHERE account = $1",
    )
    .bind(account.0)
    .fetch_optional(connection)
    .await?;
    let place = Place { table: "directory_reading", row: &account.0 };
    row.map(|row| {
        Ok(DirectoryReading {
            fields: place.parse(row.try_get(0)?)?,
            begun_at: place.time(row.try_get(1)?)?,
            from: place.time(row.try_get(2)?)?,
            page: place.count(row.try_get(3)?)?,
            leads: row.try_get::<i64, _>(4)?.cast_unsigned(),
            complete_at: row.try_get::<Option<i64>, _>(5)?.map(|at| place.time(at)).transpose()?,
        })
    })
    .transpose()
}

/// The leads that have these keys, by key.
pub(super) async fn find(
    connection: &mut Connection,
    cipher: &Cipher,
    account: AccountId,
    keys: &[String],
) -> Result<HashMap<String, Vec<String>>> {
    let hashed: Vec<(i64, &String)> =
        keys.iter().map(|key| (hash(cipher, account, key), key)).collect();
    let hashes: BTreeSet<i64> = hashed.iter().map(|(hash, _)| *hash).collect();
    let hashes: Vec<i64> = hashes.into_iter().collect();
    let mut leads: HashMap<i64, Vec<String>> = HashMap::new();
    for some in hashes.chunks(ROWS_A_STATEMENT) {
        let mut query =
            QueryBuilder::new("SELECT hash, lead_id FROM directory_key WHERE account = ");
        query.push_bind(account.0).push(" AND hash IN ");
        push_list(&mut query, some.iter().copied());
        for row in query.build().persistent(false).fetch_all(&mut *connection).await? {
            leads.entry(row.try_get(0)?).or_default().push(row.try_get(1)?);
        }
    }
    leads.values_mut().for_each(|ids| ids.sort_unstable());
    let found = hashed.into_iter().filter_map(|(hash, key)| {
        let ids = leads.get(&hash)?;
        Some((key.clone(), ids.clone()))
    });
    Ok(found.collect())
}

/// Keeps what became known of an account's leads.
pub(super) async fn keep(
    connection: &mut Connection,
    cipher: &Cipher,
    news: &DirectoryNews,
) -> Result<()> {
    // A statement may touch a lead once.
    let mut leads: BTreeMap<&str, Option<&DirectoryEntry>> = BTreeMap::new();
    leads.extend(news.entries.iter().map(|entry| (entry.id.as_str(), Some(entry))));
    leads.extend(news.gone.iter().map(|id| (id.as_str(), None)));
    let leads: Vec<Lead<'_>> = leads.into_iter().collect();
    for some in leads.chunks(ROWS_A_STATEMENT) {
        keep_leads(connection, news.account, some).await?;
        keep_keys(connection, cipher, news.account, some).await?;
    }
    match &news.reading {
        Some(reading) => keep_reading(connection, news.account, reading).await,
        None => Ok(()),
    }
}

async fn keep_leads(
    connection: &mut Connection,
    account: AccountId,
    leads: &[Lead<'_>],
) -> Result<()> {
    let there: Vec<&DirectoryEntry> = leads.iter().filter_map(|(_, entry)| *entry).collect();
    if !there.is_empty() {
        let mut query =
            QueryBuilder::new("INSERT INTO directory_lead (account, lead_id, modified_at) ");
        query.push_values(there, |mut row, entry| {
            row.push_bind(account.0).push_bind(&entry.id).push_bind(entry.modified.map(ms));
        });
        query.push(
            " ON CONFLICT (account, lead_id) DO UPDATE SET modified_at = excluded.modified_at",
        );
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    let gone: Vec<&str> =
        leads.iter().filter(|(_, entry)| entry.is_none()).map(|(id, _)| *id).collect();
    if !gone.is_empty() {
        let mut query = QueryBuilder::new("DELETE FROM directory_lead WHERE account = ");
        query.push_bind(account.0).push(" AND lead_id IN ");
        push_list(&mut query, gone);
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Gives these leads the keys of their entries and no others. Most keys stay as they are: only what
/// differs is written.
async fn keep_keys(
    connection: &mut Connection,
    cipher: &Cipher,
    account: AccountId,
    leads: &[Lead<'_>],
) -> Result<()> {
    let mut query = QueryBuilder::new("SELECT hash, lead_id FROM directory_key WHERE account = ");
    query.push_bind(account.0).push(" AND lead_id IN ");
    push_list(&mut query, leads.iter().map(|(id, _)| *id));
    let rows = query.build().persistent(false).fetch_all(&mut *connection).await?;
    let kept: BTreeSet<(i64, &str)> =
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_>>()?;
    let entries = leads.iter().filter_map(|(_, entry)| *entry);
    let wanted: BTreeSet<(i64, &str)> = entries
        .flat_map(|entry| {
            entry.keys.iter().map(|key| (hash(cipher, account, key), entry.id.as_str()))
        })
        .collect();
    let stale: Vec<&(i64, &str)> = kept.difference(&wanted).collect();
    for some in stale.chunks(ROWS_A_STATEMENT) {
        let mut query =
            QueryBuilder::new("DELETE FROM directory_key WHERE (account, hash, lead_id) IN (");
        query.push_values(some, |mut row, (hash, lead)| {
            row.push_bind(account.0).push_bind(hash).push_bind(lead);
        });
        query.push(")");
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    let fresh: Vec<&(i64, &str)> = wanted.difference(&kept).collect();
    for some in fresh.chunks(ROWS_A_STATEMENT) {
        let mut query = QueryBuilder::new("INSERT INTO directory_key (account, hash, lead_id) ");
        query.push_values(some, |mut row, (hash, lead)| {
            row.push_bind(account.0).push_bind(hash).push_bind(lead);
        });
        query.push(" ON CONFLICT DO NOTHING");
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn keep_reading(
    connection: &mut Connection,
    account: AccountId,
    reading: &DirectoryReading,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO directory_reading (account, fields, begun_at, from_at, page, leads, \
         complete_at) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (account) DO UPDATE SET fields = excluded.fields, \
         begun_at = excluded.begun_at, from_at = excluded.from_at, page = excluded.page, \
         leads = excluded.leads, complete_at = excluded.complete_at",
    )
    .bind(account.0)
    .bind(json(&reading.fields)?)
    .bind(ms(reading.begun_at))
    .bind(ms(reading.from))
    .bind(i64::from(reading.page))
    .bind(reading.leads.cast_signed())
    .bind(reading.complete_at.map(ms))
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets an account's leads, and how far it was read.
pub(super) async fn forget(connection: &mut Connection, account: AccountId) -> Result<()> {
    for sql in [
        "DELETE FROM directory_reading WHERE account = $1",
        "DELETE FROM directory_key WHERE account = $1",
        "DELETE FROM directory_lead WHERE account = $1",
    ] {
        sqlx::query(sql).bind(account.0).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Forgets all of it: the database is one that was restored, and what it knows is old.
pub(crate) async fn forget_all(connection: &mut Connection) -> Result<()> {
    for table in ["directory_reading", "directory_key", "directory_lead"] {
        let sql = format!("DELETE FROM {table}");
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *connection).await?;
    }
    Ok(())
}

/// By what a key is found among those of an account.
fn hash(cipher: &Cipher, account: AccountId, key: &str) -> i64 {
    cipher.hash(&format!("directory/{}", account.0), key)
}

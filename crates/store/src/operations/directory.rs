//! Which leads accounts have, as far as they have been read.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use plan::id::AccountId;
use sqlx::Row;

use super::values::{Place, json, ms};
use super::{Connection, QueryBuilder, ROWS_A_STATEMENT, push_list};
use crate::directory::{DirectoryEntry, DirectoryNews, DirectoryReading};
use crate::error::Result;
use crate::secret::Cipher;

/// A lead, with its entry if it exists.
type Lead<'n> = (&'n str, Option<&'n DirectoryEntry>);

/// The hash of a key, and the lead that has it.
type Key<'n> = (i64, &'n str);

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

pub(super) async fn count(connection: &mut Connection, account: AccountId) -> Result<u64> {
    let row = sqlx::query("SELECT count(*) FROM directory_lead WHERE account = $1")
        .bind(account.0)
        .fetch_one(connection)
        .await?;
    Ok(row.try_get::<i64, _>(0)?.cast_unsigned())
}

/// The leads that have these keys, by key.
pub(super) async fn find(
    connection: &mut Connection,
    cipher: &Cipher,
    account: AccountId,
    keys: &[String],
) -> Result<HashMap<String, Vec<String>>> {
    let sought: Vec<(i64, &String)> =
        keys.iter().map(|key| (hash(cipher, account, key), key)).collect();
    let hashes: BTreeSet<i64> = sought.iter().map(|(hash, _)| *hash).collect();
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
    for ids in leads.values_mut() {
        ids.sort_unstable();
    }
    let found = sought.into_iter().filter_map(|(hash, key)| {
        let ids = leads.get(&hash)?;
        Some((key.clone(), ids.clone()))
    });
    Ok(found.collect())
}

/// Stores what was learned about an account's leads.
pub(super) async fn keep(
    connection: &mut Connection,
    cipher: &Cipher,
    news: &DirectoryNews,
) -> Result<()> {
    // A statement may touch a lead only once.
    let mut leads: BTreeMap<&str, Option<&DirectoryEntry>> = BTreeMap::new();
    leads.extend(news.entries.iter().map(|entry| (entry.id.as_str(), Some(entry))));
    leads.extend(news.gone.iter().map(|id| (id.as_str(), None)));
    let leads: Vec<Lead<'_>> = leads.into_iter().collect();
    for some in leads.chunks(ROWS_A_STATEMENT) {
        keep_leads(connection, cipher, news.account, some).await?;
    }
    match &news.reading {
        Some(reading) => keep_reading(connection, news.account, reading).await,
        None => Ok(()),
    }
}

/// Stores which leads exist and which do not, and gives them exactly the keys of their entries.
/// Most keys of a lead stay as they are: only what differs is written.
///
/// A lead's hashes are in its own row: an index of the keys by lead would be as large as the keys,
/// and one more page to write for each lead.
async fn keep_leads(
    connection: &mut Connection,
    cipher: &Cipher,
    account: AccountId,
    leads: &[Lead<'_>],
) -> Result<()> {
    let mut query =
        QueryBuilder::new("SELECT lead_id, hashes FROM directory_lead WHERE account = ");
    query.push_bind(account.0).push(" AND lead_id IN ");
    push_list(&mut query, leads.iter().map(|(id, _)| *id));
    let rows = query.build().persistent(false).fetch_all(&mut *connection).await?;
    let mut kept: BTreeSet<Key<'_>> = BTreeSet::new();
    for row in &rows {
        let id: &str = row.try_get(0)?;
        let hashes: Vec<i64> =
            Place { table: "directory_lead", row: &id }.parse(row.try_get(1)?)?;
        kept.extend(hashes.into_iter().map(|hash| (hash, id)));
    }

    let (mut there, mut gone) = (Vec::new(), Vec::new());
    let mut wanted: BTreeSet<Key<'_>> = BTreeSet::new();
    for (id, entry) in leads {
        let Some(entry) = entry else {
            gone.push(*id);
            continue;
        };
        let hashes: BTreeSet<i64> =
            entry.keys.iter().map(|key| hash(cipher, account, key)).collect();
        there.push((*id, entry.modified, json(&hashes)?));
        wanted.extend(hashes.into_iter().map(|hash| (hash, *id)));
    }
    if !there.is_empty() {
        let mut query = QueryBuilder::new(
            "INSERT INTO directory_lead (account, lead_id, modified_at, hashes) ",
        );
        query.push_values(&there, |mut row, (id, modified, hashes)| {
            row.push_bind(account.0).push_bind(*id).push_bind(modified.map(ms)).push_bind(hashes);
        });
        query.push(
            " ON CONFLICT (account, lead_id) DO UPDATE SET modified_at = excluded.modified_at, \
             hashes = excluded.hashes",
        );
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    if !gone.is_empty() {
        let mut query = QueryBuilder::new("DELETE FROM directory_lead WHERE account = ");
        query.push_bind(account.0).push(" AND lead_id IN ");
        push_list(&mut query, gone);
        query.build().persistent(false).execute(&mut *connection).await?;
    }

    remove_keys(connection, account, &kept.difference(&wanted).copied().collect::<Vec<_>>())
        .await?;
    add_keys(connection, account, &wanted.difference(&kept).copied().collect::<Vec<_>>()).await
}

async fn remove_keys(
    connection: &mut Connection,
    account: AccountId,
    stale: &[Key<'_>],
) -> Result<()> {
    for some in stale.chunks(ROWS_A_STATEMENT) {
        let mut query =
            QueryBuilder::new("DELETE FROM directory_key WHERE (account, hash, lead_id) IN (");
        query.push_values(some, |mut row, (hash, lead)| {
            row.push_bind(account.0).push_bind(hash).push_bind(lead);
        });
        query.push(")");
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn add_keys(
    connection: &mut Connection,
    account: AccountId,
    fresh: &[Key<'_>],
) -> Result<()> {
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

/// Deletes all of it: the database was restored, so its content is outdated.
pub(crate) async fn forget_all(connection: &mut Connection) -> Result<()> {
    for table in ["directory_reading", "directory_key", "directory_lead"] {
        let sql = format!("DELETE FROM {table}");
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *connection).await?;
    }
    Ok(())
}

/// What a key is looked up by among those of an account.
fn hash(cipher: &Cipher, account: AccountId, key: &str) -> i64 {
    cipher.hash(&format!("directory/{}", account.0), key)
}

//! Links: which leads are the same person, and which activities the same event.

use jiff::Timestamp;
use plan::id::AccountId;
use plan::link::{Link, Pair, Side, Veil};
use plan::outcome::Entity;
use sqlx::Row;

use super::values::{self, Place};
use super::{Connection, DbRow, QueryBuilder, ROWS_A_STATEMENT, audit, lease, push_list};
use crate::audit::Actor;
use crate::dispatching::LinkCounts;
use crate::error::Result;
use crate::secret::Cipher;

const COLUMNS: &str =
    "first_account, second_account, first_id, second_id, first_end, second_end, entity";

pub(super) async fn find(
    connection: &mut Connection,
    cipher: &Cipher,
    pair: Pair,
    side: Side,
    ids: &[String],
) -> Result<Vec<Link>> {
    let mut links = Vec::with_capacity(ids.len());
    for some in ids.chunks(ROWS_A_STATEMENT) {
        let mut query = QueryBuilder::new(format!("SELECT {COLUMNS} FROM link WHERE "));
        push_pair(&mut query, pair);
        query.push(match side {
            Side::First => " AND first_id IN ",
            Side::Second => " AND second_id IN ",
        });
        push_list(&mut query, some.iter().map(String::as_str));
        for row in query.build().persistent(false).fetch_all(&mut *connection).await? {
            links.push(link(&row, cipher)?);
        }
    }
    Ok(links)
}

pub(super) async fn gone(
    connection: &mut Connection,
    account: AccountId,
    leads: &[String],
) -> Result<Vec<String>> {
    let mut gone = Vec::new();
    for some in leads.chunks(ROWS_A_STATEMENT) {
        let mut query = QueryBuilder::new("SELECT lead FROM gone WHERE account = ");
        query.push_bind(account.0).push(" AND lead IN ");
        push_list(&mut query, some.iter().map(String::as_str));
        for row in query.build().persistent(false).fetch_all(&mut *connection).await? {
            gone.push(row.try_get(0)?);
        }
    }
    Ok(gone)
}

pub(super) async fn count(connection: &mut Connection, pair: Pair) -> Result<LinkCounts> {
    let mut query = QueryBuilder::new("SELECT entity, count(*) FROM link WHERE ");
    push_pair(&mut query, pair);
    query.push(" GROUP BY entity");
    let mut counts = LinkCounts::default();
    for row in query.build().fetch_all(connection).await? {
        let count = row.try_get::<i64, _>(1)?.cast_unsigned();
        if row.try_get::<&str, _>(0)? == Entity::Lead.as_str() {
            counts.leads = count;
        } else {
            counts.activities = count;
        }
    }
    Ok(counts)
}

/// The ids of linked leads, this side's first, in its order: those after this one.
pub(super) async fn lead_ids(
    connection: &mut Connection,
    pair: Pair,
    side: Side,
    after: &str,
    limit: usize,
) -> Result<Vec<(String, String)>> {
    let (own, other) = match side {
        Side::First => ("first_id", "second_id"),
        Side::Second => ("second_id", "first_id"),
    };
    let sql = format!(
        "SELECT {own}, {other} FROM link WHERE first_account = $1 AND second_account = $2 \
         AND entity = 'lead' AND {own} > $3 ORDER BY {own} LIMIT $4"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(pair.first.0)
        .bind(pair.second.0)
        .bind(after)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// The link of a lead, if this field of it is frozen.
pub(super) async fn find_frozen(
    connection: &mut Connection,
    cipher: &Cipher,
    (pair, side): (Pair, Side),
    lead: &str,
    field: &str,
) -> Result<Option<Link>> {
    let found = find(connection, cipher, pair, side, &[lead.to_owned()]).await?;
    let is_frozen =
        |link: &Link| link.entity == Entity::Lead && link.end(side).frozen.contains_key(field);
    Ok(found.into_iter().find(is_frozen))
}

/// Unfreezes a field of a lead; returns whether it was frozen.
pub(super) async fn release_field(
    connection: &mut Connection,
    cipher: &Cipher,
    end: (Pair, Side),
    lead: &str,
    field: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool> {
    let (pair, side) = end;
    // The lease holder of these accounts must not continue with the link in its memory. This waits
    // for what it is recording now, and it records nothing more before this ends, so that the link
    // read here is the latest.
    lease::revoke(connection, &[pair.first, pair.second]).await?;
    let Some(mut link) = find_frozen(connection, cipher, end, lead, field).await? else {
        return Ok(false);
    };
    let released = link.end_mut(side);
    released.frozen.remove(field);
    released.turns.remove(field);
    keep(connection, &[link]).await?;
    let after = Some(values::json(field)?);
    let entry = audit::Entry { action: "release_field", subject: lead, before: None, after };
    audit::audit(connection, actor, now, &entry).await?;
    Ok(true)
}

/// Deletes the link of one lead.
pub(super) async fn forget_lead(
    connection: &mut Connection,
    pair: Pair,
    side: Side,
    lead: &str,
) -> Result<()> {
    let mut query = QueryBuilder::new("DELETE FROM link WHERE ");
    push_pair(&mut query, pair);
    query.push(match side {
        Side::First => " AND first_id = ",
        Side::Second => " AND second_id = ",
    });
    query.push_bind(lead);
    query.build().execute(connection).await?;
    Ok(())
}

/// Stores links as they are now. A lead has only one link: an older link of either lead is deleted.
pub(super) async fn keep(connection: &mut Connection, links: &[Link]) -> Result<()> {
    for some in links.chunks(ROWS_A_STATEMENT) {
        let mut query = QueryBuilder::new(
            "DELETE FROM link WHERE (first_account, second_account, second_id) IN (",
        );
        query.push_values(some, |mut row, link| {
            row.push_bind(link.pair.first.0)
                .push_bind(link.pair.second.0)
                .push_bind(&link.second.id);
        });
        query.push(")");
        query.build().persistent(false).execute(&mut *connection).await?;
        let mut rows = Vec::with_capacity(some.len());
        for link in some {
            rows.push((link, values::json(&link.first)?, values::json(&link.second)?));
        }
        let mut query = QueryBuilder::new(format!("INSERT INTO link ({COLUMNS}) "));
        query.push_values(&rows, |mut row, (link, first, second)| {
            row.push_bind(link.pair.first.0)
                .push_bind(link.pair.second.0)
                .push_bind(&link.first.id)
                .push_bind(&link.second.id)
                .push_bind(first)
                .push_bind(second)
                .push_bind(link.entity.as_str());
        });
        query.push(
            " ON CONFLICT (first_account, second_account, first_id) DO UPDATE SET \
             second_id = excluded.second_id, first_end = excluded.first_end, \
             second_end = excluded.second_end",
        );
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Notes that leads are no longer in their account.
pub(super) async fn keep_gone(
    connection: &mut Connection,
    gone: &[(AccountId, String)],
) -> Result<()> {
    for some in gone.chunks(ROWS_A_STATEMENT) {
        let mut query = QueryBuilder::new("INSERT INTO gone (account, lead) ");
        query.push_values(some, |mut row, (account, lead)| {
            row.push_bind(account.0).push_bind(lead);
        });
        query.push(" ON CONFLICT (account, lead) DO NOTHING");
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Deletes every link of a pair.
pub(super) async fn forget(connection: &mut Connection, pair: Pair) -> Result<()> {
    let mut query = QueryBuilder::new("DELETE FROM link WHERE ");
    push_pair(&mut query, pair);
    query.build().execute(connection).await?;
    Ok(())
}

fn push_pair(query: &mut QueryBuilder, pair: Pair) {
    query.push("first_account = ").push_bind(pair.first.0);
    query.push(" AND second_account = ").push_bind(pair.second.0);
}

fn link(row: &DbRow, cipher: &Cipher) -> Result<Link> {
    let (first_id, second_id): (String, String) = (row.try_get(2)?, row.try_get(3)?);
    let place = Place { table: "link", row: &first_id };
    let mut first: plan::link::End = place.parse(row.try_get(4)?)?;
    let mut second: plan::link::End = place.parse(row.try_get(5)?)?;
    first.id.clone_from(&first_id);
    second.id = second_id;
    let pair = Pair { first: AccountId(row.try_get(0)?), second: AccountId(row.try_get(1)?) };
    let entity = place.word(row.try_get(6)?)?;
    let mut link = Link { entity, pair, first, second };
    let veils = veils(cipher, &link);
    link.know(veils);
    Ok(link)
}

/// Covers the values of a link, and recognises them: each end's have hashes of their own.
pub(super) fn veils(cipher: &Cipher, link: &Link) -> impl Fn(Side) -> Veil + use<> {
    let (cipher, pair) = (cipher.clone(), link.pair);
    let ids = (link.first.id.clone(), link.second.id.clone());
    move |side| {
        let (account, id) = match side {
            Side::First => (pair.first, &ids.0),
            Side::Second => (pair.second, &ids.1),
        };
        let (cipher, place) = (cipher.clone(), format!("link/{}/{id}", account.0));
        Veil::new(move |text| cipher.hash(&place, text))
    }
}

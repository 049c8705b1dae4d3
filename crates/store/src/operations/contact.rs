//! Whether accounts respond.

use jiff::Timestamp;
use plan::id::AccountId;
use sqlx::Row;

use super::values::{Place, json, ms};
use super::{Connection, QueryBuilder, push_list};
use crate::contact::{Contact, ContactNews};
use crate::error::Result;

/// Stores whether an account responded. One that stays closed for the same kind of reason stays
/// closed since the first time.
pub(super) async fn keep(connection: &mut Connection, news: &ContactNews) -> Result<()> {
    let Some(problem) = &news.closed else {
        return responded(connection, news.account, news.at).await;
    };
    let known = find(connection, &[news.account]).await?;
    let known = known.into_iter().next().and_then(|contact| contact.closed);
    let since = known.filter(|(_, known)| known.code == problem.code).map(|(since, _)| since);
    sqlx::query(
        "INSERT INTO contact (account, closed_at, problem) SELECT id, $2, $3 FROM account \
         WHERE id = $1 ON CONFLICT (account) DO UPDATE SET closed_at = excluded.closed_at, \
         problem = excluded.problem",
    )
    .bind(news.account.0)
    .bind(ms(since.unwrap_or(news.at)))
    .bind(json(problem)?)
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes that an account responded.
pub(super) async fn responded(
    connection: &mut Connection,
    account: AccountId,
    at: Timestamp,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO contact (account, responded_at) SELECT id, $2 FROM account WHERE id = $1 \
         ON CONFLICT (account) DO UPDATE SET responded_at = excluded.responded_at, \
         closed_at = NULL, problem = NULL",
    )
    .bind(account.0)
    .bind(ms(at))
    .execute(connection)
    .await?;
    Ok(())
}

/// The settings of the account of this name were saved: whether it is closed is to be found out
/// again.
pub(super) async fn doubt(connection: &mut Connection, name: &str) -> Result<()> {
    sqlx::query(
        "UPDATE contact SET closed_at = NULL, problem = NULL \
         WHERE account = (SELECT id FROM account WHERE name = $1)",
    )
    .bind(name)
    .execute(connection)
    .await?;
    Ok(())
}

/// Those of these accounts that were ever called.
pub(super) async fn find(
    connection: &mut Connection,
    accounts: &[AccountId],
) -> Result<Vec<Contact>> {
    let mut query = QueryBuilder::new(
        "SELECT account, responded_at, closed_at, problem FROM contact WHERE account IN ",
    );
    push_list(&mut query, accounts.iter().map(|account| account.0).chain([-1]));
    query.push(" ORDER BY account");
    let rows = query.build().persistent(false).fetch_all(connection).await?;
    let contact = |row: &super::DbRow| {
        let account: i64 = row.try_get(0)?;
        let place = Place { table: "contact", row: &account };
        let time = |ms: Option<i64>| ms.map(|ms| place.time(ms)).transpose();
        let closed = time(row.try_get(2)?)?.zip(place.problem(row.try_get(3)?)?);
        Ok(Contact { account: AccountId(account), responded_at: time(row.try_get(1)?)?, closed })
    };
    rows.iter().map(contact).collect()
}

//! Filters of the log that people saved.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::Row;

use super::values::ms;
use super::{Backend, Connection};
use crate::error::{Error, Result};
use crate::views::{View, Views};

#[async_trait]
impl Views for Backend {
    async fn views(&self, owner: &str) -> Result<Vec<View>> {
        let rows = sqlx::query(
            "SELECT id, name, query FROM saved_view WHERE owner = $1 ORDER BY lower(name), id",
        )
        .bind(owner)
        .fetch_all(&mut *self.begin_read().await?)
        .await?;
        let view = |row| {
            let row: &super::DbRow = row;
            Ok(View { id: row.try_get(0)?, name: row.try_get(1)?, query: row.try_get(2)? })
        };
        rows.iter().map(view).collect()
    }

    async fn save_view(&self, owner: &str, name: &str, query: &str, now: Timestamp) -> Result<()> {
        let name = named(name)?;
        if query.len() > View::LONGEST_QUERY {
            return Err(Error::Refused("this filter is too long to be saved".to_owned()));
        }
        let (owner, query) = (owner.to_owned(), query.to_owned());
        self.write(move |connection| {
            Box::pin(async move { save(connection, &owner, &name, &query, now).await })
        })
        .await
    }

    async fn rename_view(&self, owner: &str, id: i64, name: &str) -> Result<bool> {
        let (owner, name) = (owner.to_owned(), named(name)?);
        self.write(move |connection| {
            Box::pin(async move {
                let taken = sqlx::query(
                    "SELECT 1 FROM saved_view WHERE owner = $1 AND name = $2 AND id <> $3",
                )
                .bind(&owner)
                .bind(&name)
                .bind(id)
                .fetch_optional(&mut *connection)
                .await?;
                if taken.is_some() {
                    return Err(Error::Refused(format!("another view has the name '{name}'")));
                }
                let done =
                    sqlx::query("UPDATE saved_view SET name = $3 WHERE owner = $1 AND id = $2")
                        .bind(&owner)
                        .bind(id)
                        .bind(&name)
                        .execute(&mut *connection)
                        .await?;
                Ok(done.rows_affected() > 0)
            })
        })
        .await
    }

    async fn remove_view(&self, owner: &str, id: i64) -> Result<bool> {
        let owner = owner.to_owned();
        self.write(move |connection| {
            Box::pin(async move {
                let done = sqlx::query("DELETE FROM saved_view WHERE owner = $1 AND id = $2")
                    .bind(&owner)
                    .bind(id)
                    .execute(&mut *connection)
                    .await?;
                Ok(done.rows_affected() > 0)
            })
        })
        .await
    }
}

/// A name as it is stored.
fn named(name: &str) -> Result<String> {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let length = name.chars().count();
    if length == 0 || length > View::LONGEST_NAME || name.contains(char::is_control) {
        let most = View::LONGEST_NAME;
        return Err(Error::Refused(format!("a view needs a name of 1 to {most} characters")));
    }
    Ok(name)
}

async fn save(
    connection: &mut Connection,
    owner: &str,
    name: &str,
    query: &str,
    now: Timestamp,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO saved_view (owner, name, query, made_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (owner, name) DO UPDATE SET query = excluded.query",
    )
    .bind(owner)
    .bind(name)
    .bind(query)
    .bind(ms(now))
    .execute(&mut *connection)
    .await?;
    let row = sqlx::query("SELECT count(*) FROM saved_view WHERE owner = $1")
        .bind(owner)
        .fetch_one(connection)
        .await?;
    let most = i64::try_from(View::MOST).unwrap_or(i64::MAX);
    if row.try_get::<i64, _>(0)? > most {
        // The transaction is rolled back.
        return Err(Error::Refused(format!("there are {most} saved views: remove one first")));
    }
    Ok(())
}

/// Removes the views of somebody who may no longer sign in.
pub(super) async fn remove_all(connection: &mut Connection, owner: &str) -> Result<()> {
    sqlx::query("DELETE FROM saved_view WHERE owner = $1").bind(owner).execute(connection).await?;
    Ok(())
}

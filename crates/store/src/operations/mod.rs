//! The storage operations, written once for both databases.
//!
//! This folder is compiled twice: as `sqlite::operations` and as `postgres::operations`. What
//! differs between the two (types, how a transaction begins, the clock) comes from the parent
//! module, under the same names.
//!
//! Each part of the store is implemented in the file of its name. Other files contain statements
//! about one subject, which run on the connection of the caller's transaction.

mod account_users;
mod alerts;
mod arrivals;
mod audit;
mod backfills;
mod batches;
mod catalogue;
mod catch_up;
mod changing;
mod comparisons;
mod contact;
mod copies;
mod counts;
pub(crate) mod directory;
mod dispatching;
mod failing;
mod failures;
mod filter;
mod forgetting;
mod found;
mod health;
mod history;
mod identities;
mod incident;
mod intake;
mod invites;
mod lease;
mod linked;
mod links;
mod list;
mod log;
mod mail;
pub(crate) mod marks;
mod mass_change;
mod outbox;
mod people;
mod person;
mod progress;
mod rekey;
mod retention;
mod retry;
mod reviews;
mod search;
mod second_factors;
mod sessions;
mod settings;
mod sign_in;
mod standing;
mod states;
mod sweeps;
mod tally;
mod texts;
mod traits;
mod unfinished;
mod urls;
mod users;
mod values;
mod views;

use std::pin::Pin;

use async_trait::async_trait;
use plan::id::NODES;
use sqlx::Row;

use super::{Backend, CLAIM_ROWS, Connection, Db, KEEP_ROWS, NOW};
use crate::error::{Error, Result};
use crate::store::{Base, Store};

type QueryBuilder = sqlx::QueryBuilder<Db>;
type DbRow = <Db as sqlx::Database>::Row;
/// The operation of a write on its connection.
type Doing<'c, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'c>>;

/// Rows of one statement: SQLite takes 32,766 parameters, and no row here has more than 22.
const ROWS_A_STATEMENT: usize = 1_400;

impl Backend {
    /// Writes in one transaction, which is rolled back if `operation` fails. It runs to completion
    /// whatever happens to the caller: a dropped future must neither interrupt the operation nor
    /// leave its connection in the middle of a transaction.
    async fn write<T: Send + 'static>(
        &self,
        operation: impl for<'c> FnOnce(&'c mut Connection) -> Doing<'c, T> + Send + 'static,
    ) -> Result<T> {
        let backend = self.clone();
        let writing = tokio::spawn(async move {
            let mut transaction = backend.begin().await?;
            let result = operation(&mut transaction).await?;
            transaction.commit().await?;
            Ok(result)
        });
        match writing.await {
            Ok(result) => result,
            Err(panic) => Err(Error::panicked(&panic)),
        }
    }
}

/// Adds `(a, b, c)` to a statement.
fn push_list<'t, T>(query: &mut QueryBuilder, values: impl IntoIterator<Item = T>)
where
    T: sqlx::Encode<'t, Db> + sqlx::Type<Db> + 't,
{
    query.push("(");
    let mut list = query.separated(", ");
    for value in values {
        list.push_bind(value);
    }
    query.push(")");
}

/// Adds one to a counter; returns its new value.
async fn count_up(connection: &mut Connection, name: &str) -> Result<i64> {
    let row = sqlx::query("UPDATE counter SET value = value + 1 WHERE name = $1 RETURNING value")
        .bind(name)
        .fetch_one(connection)
        .await?;
    Ok(row.try_get(0)?)
}

#[async_trait]
impl Store for Backend {
    async fn ready(&self) -> Result<()> {
        let mut transaction = self.begin_read().await?;
        sqlx::query("SELECT value FROM counter WHERE name = 'configuration'")
            .fetch_one(&mut *transaction)
            .await?;
        Ok(())
    }

    async fn close(&self) -> Result<()> {
        self.close_all().await
    }

    async fn base_url(&self, base: Base) -> Result<Option<String>> {
        let mut transaction = self.begin_read().await?;
        match marks::find(&mut transaction, marks::of_base(base)).await? {
            // A service of an earlier version noted only one for both.
            None => marks::find(&mut transaction, marks::of_base(Base::Links)).await,
            noted => Ok(noted),
        }
    }

    async fn note_base_url(&self, base: Base, url: &str) -> Result<()> {
        let url = url.to_owned();
        self.write(move |connection| {
            Box::pin(async move { marks::put(connection, marks::of_base(base), &url).await })
        })
        .await
    }

    async fn take_node_number(&self) -> Result<i64> {
        let number =
            self.write(|connection| Box::pin(async move { count_up(connection, "node").await }));
        Ok(number.await? % NODES)
    }
}

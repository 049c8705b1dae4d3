//! What accounts said of themselves, and what changed in that.

use jiff::Timestamp;
use plan::access::AccountUser;
use plan::id::AccountId;
use plan::metadata::{self, Catalogue, FieldChange};
use sqlx::Row;

use super::values::{Place, json, ms};
use super::{Backend, Connection};
use crate::Result;

/// More changes of an account than this are not kept: the oldest go.
const MOST_CHANGES: i64 = 1_000;

impl Backend {
    pub(super) async fn read_account_users(
        &self,
        email: &str,
    ) -> Result<Vec<(AccountId, Timestamp, Option<AccountUser>)>> {
        let mut transaction = self.begin_read().await?;
        let rows = sqlx::query(
            "SELECT account, asked_at, told FROM account_user WHERE email = $1 ORDER BY account",
        )
        .bind(email.trim().to_lowercase())
        .fetch_all(&mut *transaction)
        .await?;
        rows.iter()
            .map(|row| {
                let account: i64 = row.try_get(0)?;
                let place = Place { table: "account_user", row: &account };
                let told: Option<&str> = row.try_get(2)?;
                let told = told.map(serde_json::from_str).transpose();
                let told = told.map_err(|error| place.corrupt(error.to_string()))?;
                Ok((AccountId(account), place.time(row.try_get(1)?)?, told))
            })
            .collect()
    }

    pub(super) async fn write_account_user(
        &self,
        account: AccountId,
        email: &str,
        user: Option<AccountUser>,
        at: Timestamp,
    ) -> Result<()> {
        let told = user.map(|user| json(&user)).transpose()?;
        let mut transaction = self.begin().await?;
        sqlx::query(
            "INSERT INTO account_user (account, email, asked_at, told) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (account, email) DO UPDATE \
             SET asked_at = excluded.asked_at, told = excluded.told",
        )
        .bind(account.0)
        .bind(email.trim().to_lowercase())
        .bind(ms(at))
        .bind(told)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    pub(super) async fn read_catalogue(
        &self,
        account: AccountId,
    ) -> Result<Option<(Timestamp, Catalogue)>> {
        let mut transaction = self.begin_read().await?;
        read(&mut transaction, account).await
    }

    pub(super) async fn write_catalogue(
        &self,
        account: AccountId,
        catalogue: Catalogue,
        at: Timestamp,
    ) -> Result<()> {
        let mut transaction = self.begin().await?;
        if let Some((_, before)) = read(&mut transaction, account).await? {
            let changes = metadata::changes(&before.fields, &catalogue.fields);
            note(&mut transaction, account, &changes, at).await?;
        }
        sqlx::query(
            "INSERT INTO catalogue (account, at, content) \
             SELECT id, $2, $3 FROM account WHERE id = $1 \
             ON CONFLICT (account) DO UPDATE SET at = excluded.at, content = excluded.content",
        )
        .bind(account.0)
        .bind(ms(at))
        .bind(json(&catalogue)?)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    pub(super) async fn read_field_changes(
        &self,
        account: AccountId,
        since: Timestamp,
    ) -> Result<Vec<(Timestamp, FieldChange)>> {
        let mut transaction = self.begin_read().await?;
        let rows = sqlx::query(
            "SELECT at, content FROM field_change WHERE account = $1 AND at > $2 ORDER BY id",
        )
        .bind(account.0)
        .bind(ms(since))
        .fetch_all(&mut *transaction)
        .await?;
        let place = Place { table: "field_change", row: &account.0 };
        rows.iter()
            .map(|row| Ok((place.time(row.try_get(0)?)?, place.parse(row.try_get(1)?)?)))
            .collect()
    }
}

async fn read(
    connection: &mut Connection,
    account: AccountId,
) -> Result<Option<(Timestamp, Catalogue)>> {
    let row = sqlx::query("SELECT at, content FROM catalogue WHERE account = $1")
        .bind(account.0)
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let place = Place { table: "catalogue", row: &account.0 };
    Ok(Some((place.time(row.try_get(0)?)?, place.parse(row.try_get(1)?)?)))
}

async fn note(
    connection: &mut Connection,
    account: AccountId,
    changes: &[FieldChange],
    at: Timestamp,
) -> Result<()> {
    for change in changes {
        sqlx::query("INSERT INTO field_change (account, at, content) VALUES ($1, $2, $3)")
            .bind(account.0)
            .bind(ms(at))
            .bind(json(change)?)
            .execute(&mut *connection)
            .await?;
    }
    if !changes.is_empty() {
        sqlx::query(
            "DELETE FROM field_change WHERE account = $1 AND id NOT IN \
             (SELECT id FROM field_change WHERE account = $1 ORDER BY id DESC LIMIT $2)",
        )
        .bind(account.0)
        .bind(MOST_CHANGES)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

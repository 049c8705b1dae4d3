//! Accounts and connectors.

use jiff::Timestamp;
use plan::connector::Definition;
use plan::id::{AccountId, ConnectorId};
use secrecy::ExposeSecret;
use sqlx::Row;

use super::changing::Making;
use super::values::Place;
use super::{Backend, Connection, count_up};
use crate::secret::Cipher;
use crate::{
    Account, Actor, Change, Configuration, Connector, Error, Keys, Result, Token, Version,
};

pub(super) async fn version(connection: &mut Connection) -> Result<i64> {
    let row = sqlx::query("SELECT value FROM counter WHERE name = 'configuration'")
        .fetch_one(connection)
        .await?;
    Ok(row.try_get(0)?)
}

impl Backend {
    /// Makes sure that the key file is the one that this database was written with.
    pub(in super::super) async fn check_key(&self) -> Result<()> {
        match self.read_configuration().await {
            Err(Error::Corrupt { table, row, .. })
                if table == "account" || table == "connector" =>
            {
                Err(Error::CannotOpen(format!(
                    "the key file does not fit this database (table {table}, row {row}): put back \
                     the one that was made with it"
                )))
            }
            Err(error) => Err(error),
            Ok(_) => Ok(()),
        }
    }

    pub(super) async fn read_configuration(&self) -> Result<Configuration> {
        let mut transaction = self.begin_read().await?;
        Ok(Configuration {
            version: version(&mut transaction).await?,
            accounts: accounts(&mut transaction, &self.cipher).await?,
            connectors: connectors(&mut transaction, &self.cipher).await?,
        })
    }

    pub(super) async fn make_changes(
        &self,
        changes: Vec<Change>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<i64> {
        let mut transaction = self.begin().await?;
        if changes.is_empty() {
            return version(&mut transaction).await;
        }
        // Taken first, it makes two changes at once wait for each other.
        let version = count_up(&mut transaction, "configuration").await?;
        let mut making = Making { connection: &mut transaction, cipher: &self.cipher, actor, now };
        for change in changes {
            making.make(change).await?;
        }
        transaction.commit().await?;
        Ok(version)
    }

    pub(super) async fn note_verification(
        &self,
        connector: ConnectorId,
        at: Timestamp,
    ) -> Result<()> {
        let mut transaction = self.begin().await?;
        // Whoever has the URL may ask as often as they like; that is no reason to write as often.
        sqlx::query(
            "UPDATE connector SET verified_at = $2 \
             WHERE id = $1 AND (verified_at IS NULL OR verified_at <= $2 - 60000)",
        )
        .bind(connector.0)
        .bind(at.as_millisecond())
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    pub(super) async fn read_definition(
        &self,
        connector: ConnectorId,
        version: i64,
    ) -> Result<Option<Definition>> {
        let mut transaction = self.begin_read().await?;
        let row = sqlx::query(
            "SELECT definition FROM connector_version WHERE connector = $1 AND version = $2",
        )
        .bind(connector.0)
        .bind(version)
        .fetch_optional(&mut *transaction)
        .await?;
        let place = Place { table: "connector_version", row: &connector.0 };
        row.map(|row| place.parse(row.try_get(0)?)).transpose()
    }

    pub(super) async fn read_versions(
        &self,
        connector: ConnectorId,
        limit: usize,
    ) -> Result<Vec<Version>> {
        let mut transaction = self.begin_read().await?;
        let rows = sqlx::query(
            "SELECT version, at, actor, definition FROM connector_version WHERE connector = $1 \
             ORDER BY version DESC LIMIT $2",
        )
        .bind(connector.0)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&mut *transaction)
        .await?;
        let place = Place { table: "connector_version", row: &connector.0 };
        rows.iter()
            .map(|row| {
                Ok(Version {
                    version: row.try_get(0)?,
                    at: place.time(row.try_get(1)?)?,
                    actor: row.try_get(2)?,
                    definition: place.parse(row.try_get(3)?)?,
                })
            })
            .collect()
    }
}

/// The place of a secret: one can't be moved to another row or column.
pub(super) fn account_place(column: &str, name: &str) -> String {
    format!("account/{column}/{name}")
}

pub(super) fn token_place(name: &str) -> String {
    format!("connector/token/{name}")
}

async fn accounts(connection: &mut Connection, cipher: &Cipher) -> Result<Vec<Account>> {
    let rows = sqlx::query(
        "SELECT id, name, host, access_key, secret_key, plan FROM account ORDER BY name",
    )
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let name: String = row.try_get(1)?;
            let place = Place { table: "account", row: &name };
            let key = |column: &str, sealed: &str| {
                cipher
                    .open(&account_place(column, &name), sealed)
                    .ok_or_else(|| place.corrupt(format!("{column} can't be decrypted")))
            };
            Ok(Account {
                id: AccountId(row.try_get(0)?),
                host: row.try_get(2)?,
                keys: Keys {
                    access: key("access_key", row.try_get(3)?)?,
                    secret: key("secret_key", row.try_get(4)?)?,
                },
                plan: place.parse(row.try_get(5)?)?,
                name: name.clone(),
            })
        })
        .collect()
}

async fn connectors(connection: &mut Connection, cipher: &Cipher) -> Result<Vec<Connector>> {
    let rows = sqlx::query(
        "SELECT c.id, c.name, c.source, c.destination, c.enabled, c.version, c.token, \
         v.definition, c.disabled_at, v.at, c.verified_at FROM connector c \
         JOIN connector_version v ON v.connector = c.id AND v.version = c.version \
         ORDER BY c.name",
    )
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let name: String = row.try_get(1)?;
            let place = Place { table: "connector", row: &name };
            let token = cipher
                .open(&token_place(&name), row.try_get(6)?)
                .ok_or_else(|| place.corrupt("token can't be decrypted"))?;
            let token = Token::from_text(token.expose_secret().to_owned());
            let time = |column: usize| {
                let at = row.try_get::<Option<i64>, _>(column)?;
                at.map(|at| place.time(at)).transpose()
            };
            Ok(Connector {
                id: ConnectorId(row.try_get(0)?),
                definition: place.parse(row.try_get(7)?)?,
                version: row.try_get(5)?,
                saved_at: place.time(row.try_get(9)?)?,
                source: AccountId(row.try_get(2)?),
                destination: AccountId(row.try_get(3)?),
                enabled: row.try_get(4)?,
                disabled_at: time(8)?,
                verified_at: time(10)?,
                token_hash: token.hash(),
                token,
            })
        })
        .collect()
}

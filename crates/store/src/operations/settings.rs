//! Accounts and connectors.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;
use plan::connector::Definition;
use plan::id::{AccountId, ConnectorId};
use plan::metadata::{Catalogue, FieldChange};
use plan::traits::Trait;
use secrecy::ExposeSecret;
use sqlx::Row;

use super::audit::{Entry, audit};
use super::changing::{Making, account_place, token_place};
use super::values::Place;
use super::{Backend, Connection, arrivals, catalogue, count_up, marks, traits, urls};
use crate::audit::Actor;
use crate::error::{Error, Result};
use crate::progress::TraitNews;
use crate::secret::Cipher;
use crate::settings::{Account, Change, Configuration, Connector, Keys, Settings, Version, Wiring};
use crate::token::{Token, TokenHash};

impl Backend {
    /// Makes sure that the key file is the one that this database was written with.
    pub(in super::super) async fn check_key(&self) -> Result<()> {
        match self.configuration().await {
            Err(Error::Corrupt { table, row, .. })
                if table == "account" || table == "connector" =>
            {
                Err(Error::CannotOpen(format!(
                    "the key file does not match this database (table {table}, row {row}): restore \
                     the key file that was created with it"
                )))
            }
            Err(error) => Err(error),
            Ok(_) => self.keep_fingerprint().await,
        }
    }
}

#[async_trait]
impl Settings for Backend {
    async fn configuration_version(&self) -> Result<i64> {
        version(&mut *self.begin_read().await?).await
    }

    async fn configuration(&self) -> Result<Configuration> {
        let mut transaction = self.begin_read().await?;
        Ok(Configuration {
            version: version(&mut transaction).await?,
            accounts: accounts(&mut transaction, &self.cipher).await?,
            connectors: connectors(&mut transaction, &self.cipher).await?,
            restored_at: marks::find_time(&mut transaction, marks::RESTORED).await?,
        })
    }

    async fn change_configuration(
        &self,
        changes: Vec<Change>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<i64> {
        if changes.is_empty() {
            return self.configuration_version().await;
        }
        let (cipher, actor) = (self.cipher.clone(), actor.clone());
        self.write(move |connection| {
            Box::pin(async move {
                // Taken first, so that two changes at once wait for each other.
                let version = count_up(connection, "configuration").await?;
                if changes.len() > 1 {
                    arrivals::lock(connection).await?;
                }
                let mut making = Making { connection, cipher: &cipher, actor: &actor, now };
                for change in changes {
                    making.make(change).await?;
                }
                Ok(version)
            })
        })
        .await
    }

    async fn note_verified(&self, connector: ConnectorId, at: Timestamp) -> Result<()> {
        self.write(move |connection| {
            Box::pin(async move { note_verified(connection, connector, at).await })
        })
        .await
    }

    async fn note_urls_used(&self, used: HashMap<TokenHash, Timestamp>) -> Result<()> {
        self.note_used(used).await
    }

    async fn definition(&self, connector: ConnectorId, version: i64) -> Result<Option<Definition>> {
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

    async fn versions(&self, connector: ConnectorId, limit: usize) -> Result<Vec<Version>> {
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

    async fn catalogue(&self, account: AccountId) -> Result<Option<(Timestamp, Catalogue)>> {
        catalogue::find(&mut *self.begin_read().await?, account).await
    }

    async fn store_catalogue(
        &self,
        account: AccountId,
        catalogue: &Catalogue,
        at: Timestamp,
    ) -> Result<()> {
        let catalogue = catalogue.clone();
        self.write(move |connection| {
            Box::pin(async move { catalogue::store(connection, account, &catalogue, at).await })
        })
        .await
    }

    async fn traits(&self, account: AccountId) -> Result<Vec<(Timestamp, Trait)>> {
        traits::find(&mut *self.begin_read().await?, account).await
    }

    async fn note_traits(&self, news: Vec<TraitNews>) -> Result<()> {
        self.write(move |connection| {
            Box::pin(async move {
                for news in &news {
                    traits::keep(connection, news).await?;
                }
                Ok(())
            })
        })
        .await
    }

    async fn begin_probe(
        &self,
        account: &Account,
        writes: bool,
        actor: &Actor,
        (now, until): (Timestamp, Timestamp),
    ) -> Result<bool> {
        let (id, name, actor) = (account.id, account.name.clone(), actor.clone());
        self.write(move |connection| {
            Box::pin(async move {
                let begins = traits::begin_probe(connection, id, now, until).await?;
                if begins && writes {
                    let (before, after) = (None, None);
                    let entry = Entry { action: "probe", subject: &name, before, after };
                    audit(connection, &actor, now, &entry).await?;
                }
                Ok(begins)
            })
        })
        .await
    }

    async fn hold_probe(&self, account: AccountId, until: Option<Timestamp>) -> Result<()> {
        self.write(move |connection| {
            Box::pin(async move { traits::hold_probe(connection, account, until).await })
        })
        .await
    }

    async fn field_changes(
        &self,
        account: AccountId,
        since: Timestamp,
    ) -> Result<Vec<(Timestamp, FieldChange)>> {
        catalogue::field_changes(&mut *self.begin_read().await?, account, since).await
    }
}

pub(super) async fn version(connection: &mut Connection) -> Result<i64> {
    let row = sqlx::query("SELECT value FROM counter WHERE name = 'configuration'")
        .fetch_one(connection)
        .await?;
    Ok(row.try_get(0)?)
}

async fn note_verified(
    connection: &mut Connection,
    connector: ConnectorId,
    at: Timestamp,
) -> Result<()> {
    // Anyone with the URL may verify it as often as they like, which is no reason to write as
    // often.
    sqlx::query(
        "UPDATE connector SET verified_at = $2 \
         WHERE id = $1 AND (verified_at IS NULL OR verified_at <= $2 - 60000)",
    )
    .bind(connector.0)
    .bind(at.as_millisecond())
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn accounts(connection: &mut Connection, cipher: &Cipher) -> Result<Vec<Account>> {
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
         v.definition, c.disabled_at, v.at, c.verified_at, c.wired_secret, c.wired_at, \
         c.url_since, c.url_used \
         FROM connector c \
         JOIN connector_version v ON v.connector = c.id AND v.version = c.version \
         ORDER BY c.name",
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut former = urls::former(connection).await?;
    rows.iter()
        .map(|row| {
            let id = ConnectorId(row.try_get(0)?);
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
                id,
                definition: place.parse(row.try_get(7)?)?,
                version: row.try_get(5)?,
                saved_at: place.time(row.try_get(9)?)?,
                source: AccountId(row.try_get(2)?),
                destination: AccountId(row.try_get(3)?),
                enabled: row.try_get(4)?,
                disabled_at: time(8)?,
                verified_at: time(10)?,
                wiring: wiring(row.try_get(11)?, time(12)?),
                token_hash: token.hash(),
                token,
                url_since: time(13)?,
                url_used: time(14)?,
                former_urls: former.remove(&id).unwrap_or_default(),
            })
        })
        .collect()
}

fn wiring(secret: Option<String>, at: Option<Timestamp>) -> Option<Wiring> {
    Some(Wiring { secret: TokenHash::parse(&secret?)?, at: at? })
}

//! Webhook URLs of connectors: replaced ones, and when each was last used.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use plan::id::ConnectorId;
use secrecy::SecretString;
use sqlx::Row;

use super::changing::{Making, token_place};
use super::values::{Place, ms};
use super::{Backend, Connection};
use crate::error::{Error, Result};
use crate::settings::FormerUrl;
use crate::token::{Token, TokenHash};

/// For how long it is shown that a URL was valid until some time ago.
const SHOWN: SignedDuration = SignedDuration::from_hours(30 * 24);

impl Making<'_> {
    /// Gives a connector this token; the one that it had stays valid for this time.
    pub(super) async fn replace_url(
        &mut self,
        name: &str,
        token: &Token,
        overlap: SignedDuration,
    ) -> Result<()> {
        let id = self.must_know(name).await?.id;
        let now = ms(self.now);
        let ends = self.now.checked_add(overlap.max(SignedDuration::ZERO));
        let ends = ends
            .map_err(|_| Error::Refused("the old URL can't stay valid for so long".to_owned()))?;
        sqlx::query("DELETE FROM former_url WHERE connector = $1 AND ends_at < $2")
            .bind(id)
            .bind(ms(self.now - SHOWN))
            .execute(&mut *self.connection)
            .await?;
        sqlx::query(
            "INSERT INTO former_url (token_hash, connector, replaced_at, ends_at, used) \
             SELECT token_hash, id, $2, $3, url_used FROM connector WHERE id = $1",
        )
        .bind(id)
        .bind(now)
        .bind(ms(ends))
        .execute(&mut *self.connection)
        .await?;
        sqlx::query(
            "UPDATE connector SET token = $2, token_hash = $3, url_since = $4, url_used = NULL, \
             verified_at = NULL WHERE id = $1",
        )
        .bind(id)
        .bind(self.cipher.seal(&token_place(name), &SecretString::from(token.expose()))?)
        .bind(&token.hash().0[..])
        .bind(now)
        .execute(&mut *self.connection)
        .await?;
        let after = serde_json::json!({ "old_valid_until": ends }).to_string();
        self.audit("replace_url", name, None, Some(after)).await
    }

    /// Ends the validity of a connector's former URLs.
    pub(super) async fn end_former_urls(&mut self, name: &str) -> Result<()> {
        let id = self.must_know(name).await?.id;
        let ended =
            sqlx::query("UPDATE former_url SET ends_at = $2 WHERE connector = $1 AND ends_at > $2")
                .bind(id)
                .bind(ms(self.now))
                .execute(&mut *self.connection)
                .await?;
        if ended.rows_affected() == 0 {
            return Ok(());
        }
        self.audit("end_former_urls", name, None, None).await
    }
}

impl Backend {
    /// Notes that the URLs with these tokens were used, to a minute.
    pub(super) async fn note_used(&self, used: HashMap<TokenHash, Timestamp>) -> Result<()> {
        self.write(move |connection| {
            Box::pin(async move {
                for (hash, at) in &used {
                    for sql in [
                        "UPDATE connector SET url_used = $2 WHERE token_hash = $1 \
                         AND (url_used IS NULL OR url_used < $2)",
                        "UPDATE former_url SET used = $2 WHERE token_hash = $1 \
                         AND (used IS NULL OR used < $2)",
                    ] {
                        sqlx::query(sql)
                            .bind(&hash.0[..])
                            .bind(ms(*at))
                            .execute(&mut *connection)
                            .await?;
                    }
                }
                Ok(())
            })
        })
        .await
    }
}

/// The former URLs of all connectors, the newest first.
pub(super) async fn former(
    connection: &mut Connection,
) -> Result<HashMap<ConnectorId, Vec<FormerUrl>>> {
    let rows = sqlx::query(
        "SELECT connector, token_hash, replaced_at, ends_at, used FROM former_url \
         ORDER BY replaced_at DESC",
    )
    .fetch_all(connection)
    .await?;
    let mut former: HashMap<ConnectorId, Vec<FormerUrl>> = HashMap::new();
    for row in &rows {
        let connector: i64 = row.try_get(0)?;
        let place = Place { table: "former_url", row: &connector };
        let hash: Vec<u8> = row.try_get(1)?;
        let hash = hash.try_into().map_err(|_| place.corrupt("hash of another length"))?;
        let used: Option<i64> = row.try_get(4)?;
        former.entry(ConnectorId(connector)).or_default().push(FormerUrl {
            token_hash: TokenHash(hash),
            replaced_at: place.time(row.try_get(2)?)?,
            ends_at: place.time(row.try_get(3)?)?,
            used_at: used.map(|used| place.time(used)).transpose()?,
        });
    }
    Ok(former)
}

//! What signing in takes, besides users and sessions themselves.

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;
use sqlx::Row;

use super::{Backend, Connection, identities, invites, marks, second_factors, sessions};
use crate::error::Result;
use crate::secret::{hex, random};
use crate::sign_in::{Admission, Invite, ProviderIdentity, SecondFactor, SignIn};
use crate::token::TokenHash;

/// The letters of the code of the first start: none is taken for another.
const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz123456789";
/// How long the code is: 60 bits can't be guessed.
const CODE: usize = 12;
/// How many characters stand together.
const GROUP: usize = 4;

#[async_trait]
impl SignIn for Backend {
    async fn first_start_code(&self) -> Result<Option<String>> {
        let (mut made_of, has_users) = {
            let mut transaction = self.begin_read().await?;
            (
                marks::find(&mut transaction, marks::FIRST_START).await?,
                has_users(&mut transaction).await?,
            )
        };
        if has_users {
            return Ok(None);
        }
        if made_of.is_none() {
            let new = hex(&random::<16>()?);
            let put = self.write(move |connection| {
                Box::pin(async move {
                    marks::put_first(connection, marks::FIRST_START, &new).await?;
                    marks::find(connection, marks::FIRST_START).await
                })
            });
            made_of = put.await?;
        }
        let bits = self.cipher.hash(marks::FIRST_START, &made_of.unwrap_or_default());
        Ok(Some(code(bits.cast_unsigned())))
    }

    async fn confirm_session(&self, session: i64, now: Timestamp) -> Result<()> {
        self.write(move |connection| {
            Box::pin(async move { sessions::confirm(connection, session, now).await })
        })
        .await
    }

    async fn session_without_code(
        &self,
        hash: TokenHash,
        now: Timestamp,
    ) -> Result<Option<String>> {
        sessions::without_code(&mut *self.begin_read().await?, hash, now).await
    }

    async fn knows_browser(&self, email: &str, browser: TokenHash, now: Timestamp) -> Result<bool> {
        sessions::knows_browser(&mut *self.begin_read().await?, email, browser, now).await
    }

    async fn second_factor(&self, email: &str) -> Result<Option<SecondFactor>> {
        second_factors::find(&mut *self.begin_read().await?, &self.cipher, email).await
    }

    async fn prepare_second_factor(&self, email: &str, secret: &SecretString) -> Result<bool> {
        let (cipher, email, secret) = (self.cipher.clone(), email.to_owned(), secret.clone());
        let prepared = self.write(move |connection| {
            Box::pin(
                async move { second_factors::prepare(connection, &cipher, &email, &secret).await },
            )
        });
        let prepared = prepared.await?;
        // From now on the database needs the key.
        self.keep_fingerprint().await?;
        Ok(prepared)
    }

    async fn use_code(&self, email: &str, step: i64) -> Result<bool> {
        let email = email.to_owned();
        self.write(move |connection| {
            Box::pin(async move { second_factors::use_code(connection, &email, step).await })
        })
        .await
    }

    async fn use_recovery_code(&self, email: &str, code: TokenHash) -> Result<bool> {
        let email = email.to_owned();
        self.write(move |connection| {
            Box::pin(
                async move { second_factors::use_recovery_code(connection, &email, code).await },
            )
        })
        .await
    }

    async fn admit_identity(&self, who: &ProviderIdentity, now: Timestamp) -> Result<Admission> {
        let who = who.clone();
        self.write(move |connection| {
            Box::pin(async move { identities::admit(connection, &who, now).await })
        })
        .await
    }

    async fn invites(&self, now: Timestamp) -> Result<Vec<Invite>> {
        invites::all(&mut *self.begin_read().await?, now).await
    }

    async fn invite_of(&self, hash: TokenHash, now: Timestamp) -> Result<Option<Invite>> {
        invites::find(&mut *self.begin_read().await?, hash, now).await
    }
}

async fn has_users(connection: &mut Connection) -> Result<bool> {
    let row = sqlx::query("SELECT count(*) FROM users").fetch_one(connection).await?;
    Ok(row.try_get::<i64, _>(0)? > 0)
}

/// These bits as people type them, in groups.
fn code(mut bits: u64) -> String {
    let mut code = String::with_capacity(CODE + CODE / GROUP);
    for at in 0..CODE {
        if at > 0 && at % GROUP == 0 {
            code.push('-');
        }
        code.push(char::from(LETTERS[usize::try_from(bits % 32).unwrap_or_default()]));
        bits /= 32;
    }
    code
}

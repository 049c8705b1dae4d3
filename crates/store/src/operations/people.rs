//! Users, sessions and API tokens.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use plan::access::AccountUser;
use plan::id::AccountId;
use secrecy::SecretString;
use sqlx::Row;

use super::values::{Place, ms};
use super::{Backend, Connection, DbRow, account_users, audit, sessions, users};
use crate::audit::{Access, Actor, AuditFilter, AuditItem};
use crate::error::Result;
use crate::mail::NewMail;
use crate::people::People;
use crate::session::{EndSessions, Guest, NewLink, NewSession, Session, SessionItem};
use crate::token::TokenHash;
use crate::user::{ApiToken, PasswordHash, User, UserChange};

#[async_trait]
impl People for Backend {
    async fn audit(
        &self,
        filter: &AuditFilter,
        limit: usize,
        after: Option<i64>,
    ) -> Result<(Vec<AuditItem>, Option<i64>)> {
        audit::find(&mut *self.begin_read().await?, filter, limit, after).await
    }

    async fn note_access(&self, actor: &Actor, access: &Access, now: Timestamp) -> Result<()> {
        let (actor, access) = (actor.clone(), access.clone());
        self.write(move |connection| {
            Box::pin(async move {
                let subject = access.subject();
                let (action, subject) = (access.action(), subject.as_str());
                let after = access.details().map(|details| details.to_string());
                let entry = audit::Entry { action, subject, before: None, after };
                audit::audit(connection, &actor, now, &entry).await
            })
        })
        .await
    }

    async fn users(&self) -> Result<Vec<User>> {
        let mut transaction = self.begin_read().await?;
        let rows = sqlx::query(
            "SELECT u.email, u.role, u.made_at, \
             (SELECT count(*) FROM second_factor f WHERE f.owner = u.id AND f.is_on = 1), \
             u.by_provider FROM users u ORDER BY u.email",
        )
        .fetch_all(&mut *transaction)
        .await?;
        rows.iter()
            .map(|row| {
                let email: String = row.try_get(0)?;
                let place = Place { table: "users", row: &email };
                let role = place.word(row.try_get(1)?)?;
                Ok(User {
                    role,
                    made_at: place.time(row.try_get(2)?)?,
                    second_factor: row.try_get::<i64, _>(3)? == 1,
                    by_provider: row.try_get::<i64, _>(4)? == 1,
                    email: email.clone(),
                })
            })
            .collect()
    }

    async fn password(&self, email: &str) -> Result<Option<PasswordHash>> {
        let mut transaction = self.begin_read().await?;
        let row = sqlx::query("SELECT password FROM users WHERE email = $1")
            .bind(email.trim().to_lowercase())
            .fetch_optional(&mut *transaction)
            .await?;
        let hash = row.map(|row| row.try_get::<String, _>(0)).transpose()?;
        // Users whom a provider vouches for have none.
        let hash = hash.filter(|hash| !hash.is_empty());
        Ok(hash.map(|hash| PasswordHash(SecretString::from(hash))))
    }

    async fn change_users(&self, change: UserChange, actor: &Actor, now: Timestamp) -> Result<()> {
        let actor = actor.clone();
        self.write(move |connection| {
            Box::pin(async move { users::change(connection, change, &actor, now).await })
        })
        .await
    }

    async fn api_tokens(&self) -> Result<Vec<ApiToken>> {
        let mut transaction = self.begin_read().await?;
        let rows = sqlx::query(
            "SELECT t.name, u.email, u.role, t.scope, t.made_at, t.expires_at, t.last_used_at \
             FROM api_token t LEFT JOIN users u ON u.id = t.owner ORDER BY t.name",
        )
        .fetch_all(&mut *transaction)
        .await?;
        rows.iter().map(api_token).collect()
    }

    async fn use_api_token(&self, hash: TokenHash, now: Timestamp) -> Result<Option<ApiToken>> {
        let found = find_api_token(&mut *self.begin_read().await?, hash, now).await?;
        let Some(mut token) = found else { return Ok(None) };
        let day = day_of(now);
        // Stored to the day, so that not every read with a token is a write.
        if token.last_used_at.is_none_or(|last| last < day) {
            self.write(move |connection| {
                Box::pin(async move { mark_used(connection, hash, day).await })
            })
            .await?;
            token.last_used_at = Some(day);
        }
        Ok(Some(token))
    }

    async fn begin_session(&self, email: &str, new: NewSession, now: Timestamp) -> Result<bool> {
        let email = email.to_owned();
        self.write(move |connection| {
            Box::pin(async move { sessions::begin(connection, &email, new, now).await })
        })
        .await
    }

    async fn use_session(&self, hash: TokenHash, now: Timestamp) -> Result<Option<Session>> {
        let found = sessions::find(&mut *self.begin_read().await?, hash, now).await?;
        let Some((session, stale)) = found else { return Ok(None) };
        // Stored to a few minutes, so that not every read is a write.
        if stale {
            let id = session.id;
            self.write(move |connection| {
                Box::pin(async move { sessions::mark_seen(connection, id, now).await })
            })
            .await?;
        }
        Ok(Some(session))
    }

    async fn sessions(&self, of: &Session, now: Timestamp) -> Result<Vec<SessionItem>> {
        sessions::of(&mut *self.begin_read().await?, of, now).await
    }

    async fn end_sessions(&self, of: &Session, which: EndSessions) -> Result<()> {
        let of = of.clone();
        self.write(move |connection| {
            Box::pin(async move { sessions::end(connection, &of, which).await })
        })
        .await
    }

    async fn keep_link(&self, link: NewLink, mail: &NewMail, now: Timestamp) -> Result<()> {
        let mail = mail.clone();
        self.write(move |connection| {
            Box::pin(async move { sessions::keep_link(connection, link, &mail, now).await })
        })
        .await
    }

    async fn link_of(&self, hash: TokenHash, now: Timestamp) -> Result<Option<String>> {
        sessions::link_of(&mut *self.begin_read().await?, hash, now).await
    }

    async fn begin_session_by_link(
        &self,
        link: TokenHash,
        new: NewSession,
        now: Timestamp,
    ) -> Result<bool> {
        self.write(move |connection| {
            Box::pin(async move { sessions::begin_by_link(connection, link, new, now).await })
        })
        .await
    }

    async fn guests(&self, now: Timestamp) -> Result<Vec<Guest>> {
        sessions::guests(&mut *self.begin_read().await?, now).await
    }

    async fn account_users(
        &self,
        email: &str,
    ) -> Result<Vec<(AccountId, Timestamp, Option<AccountUser>)>> {
        account_users::find(&mut *self.begin_read().await?, email).await
    }

    async fn store_account_user(
        &self,
        account: AccountId,
        email: &str,
        user: Option<&AccountUser>,
        at: Timestamp,
    ) -> Result<()> {
        let (email, user) = (email.to_owned(), user.cloned());
        self.write(move |connection| {
            Box::pin(async move {
                account_users::store(connection, account, &email, user.as_ref(), at).await
            })
        })
        .await
    }
}

async fn find_api_token(
    connection: &mut Connection,
    hash: TokenHash,
    now: Timestamp,
) -> Result<Option<ApiToken>> {
    let row = sqlx::query(
        "SELECT t.name, u.email, u.role, t.scope, t.made_at, t.expires_at, t.last_used_at \
         FROM api_token t LEFT JOIN users u ON u.id = t.owner \
         WHERE t.hash = $1 AND (t.expires_at IS NULL OR t.expires_at > $2)",
    )
    .bind(&hash.0[..])
    .bind(ms(now))
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(api_token).transpose()
}

async fn mark_used(connection: &mut Connection, hash: TokenHash, day: Timestamp) -> Result<()> {
    sqlx::query("UPDATE api_token SET last_used_at = $2 WHERE hash = $1")
        .bind(&hash.0[..])
        .bind(ms(day))
        .execute(connection)
        .await?;
    Ok(())
}

fn api_token(row: &DbRow) -> Result<ApiToken> {
    let name: String = row.try_get(0)?;
    let place = Place { table: "api_token", row: &name };
    let time = |ms: Option<i64>| ms.map(|ms| place.time(ms)).transpose();
    let role: Option<&str> = row.try_get(2)?;
    Ok(ApiToken {
        user: row.try_get(1)?,
        role: role.map(|word| place.word(word)).transpose()?,
        scope: place.word(row.try_get(3)?)?,
        made_at: place.time(row.try_get(4)?)?,
        expires_at: time(row.try_get(5)?)?,
        last_used_at: time(row.try_get(6)?)?,
        name: name.clone(),
    })
}

/// The beginning of the day (UTC) that this time is in.
fn day_of(at: Timestamp) -> Timestamp {
    let day = SignedDuration::from_hours(24);
    let into_day = ms(at).rem_euclid(day.as_millis().try_into().unwrap_or(i64::MAX));
    Timestamp::from_millisecond(ms(at) - into_day).unwrap_or(at)
}

//! Users and API tokens.

use jiff::{SignedDuration, Timestamp};
use plan::permission::{Role, Scope};
use secrecy::{ExposeSecret, SecretString};
use sqlx::Row;

use super::audit::{Entry, audit};
use super::values::{Place, ms};
use super::{Backend, Connection, DbRow, count_up, sessions};
use crate::{
    Actor, ApiToken, Error, MOST_USERS, NewApiToken, PasswordHash, Result, TokenHash, User,
    UserChange,
};

/// The longest name of a token and the longest email address, in characters.
const LONGEST_NAME: usize = 254;

impl Backend {
    pub(super) async fn read_users(&self) -> Result<Vec<User>> {
        let mut transaction = self.begin_read().await?;
        let rows = sqlx::query("SELECT email, role, made_at FROM users ORDER BY email")
            .fetch_all(&mut *transaction)
            .await?;
        rows.iter()
            .map(|row| {
                let email: String = row.try_get(0)?;
                let place = Place { table: "users", row: &email };
                let role = place.word(row.try_get(1)?)?;
                Ok(User { role, made_at: place.time(row.try_get(2)?)?, email: email.clone() })
            })
            .collect()
    }

    pub(super) async fn read_password(&self, email: &str) -> Result<Option<PasswordHash>> {
        let mut transaction = self.begin_read().await?;
        let row = sqlx::query("SELECT password FROM users WHERE email = $1")
            .bind(email.trim().to_lowercase())
            .fetch_optional(&mut *transaction)
            .await?;
        let hash = row.map(|row| row.try_get::<String, _>(0)).transpose()?;
        Ok(hash.map(|hash| PasswordHash(SecretString::from(hash))))
    }

    pub(super) async fn read_api_tokens(&self) -> Result<Vec<ApiToken>> {
        let mut transaction = self.begin_read().await?;
        let rows = sqlx::query(
            "SELECT t.name, u.email, u.role, t.scope, t.made_at, t.expires_at, t.last_used_at \
             FROM api_token t LEFT JOIN users u ON u.id = t.owner ORDER BY t.name",
        )
        .fetch_all(&mut *transaction)
        .await?;
        rows.iter().map(api_token).collect()
    }

    pub(super) async fn find_api_token(
        &self,
        hash: TokenHash,
        now: Timestamp,
    ) -> Result<Option<ApiToken>> {
        let mut transaction = self.begin_read().await?;
        let row = sqlx::query(
            "SELECT t.name, u.email, u.role, t.scope, t.made_at, t.expires_at, t.last_used_at \
             FROM api_token t LEFT JOIN users u ON u.id = t.owner \
             WHERE t.hash = $1 AND (t.expires_at IS NULL OR t.expires_at > $2)",
        )
        .bind(&hash.0[..])
        .bind(ms(now))
        .fetch_optional(&mut *transaction)
        .await?;
        row.as_ref().map(api_token).transpose()
    }

    pub(super) async fn mark_used(&self, hash: TokenHash, day: Timestamp) -> Result<()> {
        let mut transaction = self.begin().await?;
        sqlx::query("UPDATE api_token SET last_used_at = $2 WHERE hash = $1")
            .bind(&hash.0[..])
            .bind(ms(day))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    pub(super) async fn make_user_change(
        &self,
        change: UserChange,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()> {
        let mut transaction = self.begin().await?;
        let connection = &mut *transaction;
        let (action, subject, before, after) = match change {
            UserChange::Add { email, role, password } => {
                add_user(connection, &email, role, &password, now).await?
            }
            UserChange::AddFirst { email, password } => {
                // Taken first, it makes two first users at once wait for each other.
                count_up(connection, "configuration").await?;
                let row = sqlx::query("SELECT count(*) FROM users").fetch_one(&mut *connection);
                if row.await?.try_get::<i64, _>(0)? > 0 {
                    return Err(Error::Refused("there is a user already: sign in".to_owned()));
                }
                add_user(connection, &email, Role::Administrator, &password, now).await?
            }
            UserChange::SetPassword { email, password } => {
                let (id, email, _) = must_know_user(connection, &email).await?;
                sqlx::query("UPDATE users SET password = $2 WHERE id = $1")
                    .bind(id)
                    .bind(password.0.expose_secret())
                    .execute(&mut *connection)
                    .await?;
                sessions::end_all(connection, id).await?;
                ("set_password", email, None, None)
            }
            UserChange::SetRole { email, role } => {
                keep_an_administrator(connection, &email, role).await?;
                let (id, email, before) = must_know_user(connection, &email).await?;
                sqlx::query("UPDATE users SET role = $2 WHERE id = $1")
                    .bind(id)
                    .bind(role.as_str())
                    .execute(&mut *connection)
                    .await?;
                let told = |role: Role| Some(serde_json::json!({ "role": role }));
                ("set_role", email, told(before), told(role))
            }
            UserChange::Remove { email } => {
                keep_an_administrator(connection, &email, Role::Operator).await?;
                let (id, email, _) = must_know_user(connection, &email).await?;
                let tokens = sqlx::query("DELETE FROM api_token WHERE owner = $1 RETURNING name")
                    .bind(id)
                    .fetch_all(&mut *connection)
                    .await?;
                let tokens: Vec<String> =
                    tokens.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
                sqlx::query("DELETE FROM users WHERE id = $1")
                    .bind(id)
                    .execute(&mut *connection)
                    .await?;
                ("remove_user", email, Some(serde_json::json!({ "tokens": tokens })), None)
            }
            UserChange::EndGuest { email } => {
                let email = email.trim().to_lowercase();
                let ended = sessions::end_guest(connection, &email).await?;
                if ended == 0 {
                    return Err(Error::Refused(format!(
                        "no LeadSquared user {email} is signed in"
                    )));
                }
                ("end_sessions", email, Some(serde_json::json!({ "sessions": ended })), None)
            }
            UserChange::AddToken(token) => add_token(connection, token, now).await?,
            UserChange::RemoveToken { name } => {
                let gone = sqlx::query("DELETE FROM api_token WHERE name = $1")
                    .bind(&name)
                    .execute(&mut *connection)
                    .await?;
                if gone.rows_affected() == 0 {
                    return Err(Error::Refused(format!("there is no token {name}")));
                }
                ("remove_token", name, None, None)
            }
        };
        let (before, after) = (before.map(|v| v.to_string()), after.map(|v| v.to_string()));
        let entry = Entry { action, subject: &subject, before, after };
        audit(connection, actor, now, &entry).await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// Refuses to leave nobody who may administer: whoever came first could then make themselves the
/// first user.
async fn keep_an_administrator(
    connection: &mut Connection,
    email: &str,
    becomes: Role,
) -> Result<()> {
    if becomes == Role::Administrator {
        return Ok(());
    }
    // Taken first, it makes two that would each leave the other wait for each other.
    count_up(connection, "configuration").await?;
    let (id, email, role) = must_know_user(connection, email).await?;
    if role != Role::Administrator {
        return Ok(());
    }
    let row = sqlx::query("SELECT count(*) FROM users WHERE role = $1 AND id <> $2")
        .bind(Role::Administrator.as_str())
        .bind(id)
        .fetch_one(connection)
        .await?;
    if row.try_get::<i64, _>(0)? == 0 {
        return Err(Error::Refused(format!(
            "{email} is the last administrator: make somebody else one first"
        )));
    }
    Ok(())
}

async fn add_user(
    connection: &mut Connection,
    email: &str,
    role: Role,
    password: &PasswordHash,
    now: Timestamp,
) -> Result<Audited> {
    let email = checked_email(email)?;
    must_have_room(connection, "SELECT count(*) FROM users").await?;
    let done = sqlx::query(
        "INSERT INTO users (email, role, password, made_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (email) DO NOTHING",
    )
    .bind(&email)
    .bind(role.as_str())
    .bind(password.0.expose_secret())
    .bind(ms(now))
    .execute(connection)
    .await?;
    if done.rows_affected() == 0 {
        return Err(Error::Refused(format!("there is a user {email} already")));
    }
    Ok(("add_user", email, None, Some(serde_json::json!({ "role": role }))))
}

type Audited = (&'static str, String, Option<serde_json::Value>, Option<serde_json::Value>);

async fn add_token(
    connection: &mut Connection,
    token: NewApiToken,
    now: Timestamp,
) -> Result<Audited> {
    let NewApiToken { name, user: owner, scope, hash, expires_at } = token;
    let name = checked_name(&name)?;
    must_have_room(connection, "SELECT count(*) FROM api_token").await?;
    let (owner, most) = match owner {
        None => (None, Scope::Administer),
        Some(email) => {
            let (id, email, role) = must_know_user(connection, &email).await?;
            (Some((id, email)), role.most())
        }
    };
    let scope = scope.unwrap_or(most);
    if scope > most {
        return Err(Error::Refused(format!(
            "the token {name} may not allow its user more than that user may do: \
             its scope can be {most} at most"
        )));
    }
    let done = sqlx::query(
        "INSERT INTO api_token (name, owner, scope, hash, made_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO NOTHING",
    )
    .bind(&name)
    .bind(owner.as_ref().map(|(id, _)| *id))
    .bind(scope.as_str())
    .bind(&hash.0[..])
    .bind(ms(now))
    .bind(expires_at.map(ms))
    .execute(connection)
    .await?;
    if done.rows_affected() == 0 {
        return Err(Error::Refused(format!(
            "there is a token {name} already: give the new one another name, or remove that one \
             first"
        )));
    }
    let owner = owner.map(|(_, email)| email);
    let after = serde_json::json!({ "user": owner, "scope": scope, "expires_at": expires_at });
    Ok(("add_token", name, None, Some(after)))
}

fn checked_email(email: &str) -> Result<String> {
    let email = email.trim().to_lowercase();
    let (name, domain) = email.split_once('@').unwrap_or_default();
    let odd = |c: char| c.is_whitespace() || c.is_control() || c == '/';
    if name.is_empty()
        || domain.is_empty()
        || email.contains(odd)
        || email.chars().count() > LONGEST_NAME
    {
        return Err(Error::Refused(format!(
            "'{email}' is no email address: write one like ops@example.com"
        )));
    }
    Ok(email)
}

fn checked_name(name: &str) -> Result<String> {
    let name = name.trim();
    let odd = |c: char| c.is_control() || c == '/';
    if name.is_empty() || name.contains(odd) || name.chars().count() > LONGEST_NAME {
        return Err(Error::Refused(format!(
            "'{}' is no name for a token: it needs 1 to {LONGEST_NAME} characters, none of them \
             a slash",
            name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect::<String>()
        )));
    }
    Ok(name.to_owned())
}

async fn must_have_room(connection: &mut Connection, count: &'static str) -> Result<()> {
    let row = sqlx::query(count).fetch_one(connection).await?;
    if row.try_get::<i64, _>(0)? >= MOST_USERS {
        return Err(Error::Refused(format!(
            "there are {MOST_USERS} already, and no more are kept: remove some first"
        )));
    }
    Ok(())
}

async fn must_know_user(connection: &mut Connection, email: &str) -> Result<(i64, String, Role)> {
    let email = email.trim().to_lowercase();
    let row = sqlx::query("SELECT id, role FROM users WHERE email = $1")
        .bind(&email)
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else {
        return Err(Error::Refused(format!("there is no user {email}")));
    };
    let role = Place { table: "users", row: &email }.word(row.try_get(1)?)?;
    Ok((row.try_get(0)?, email, role))
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
pub(super) fn day_of(at: Timestamp) -> Timestamp {
    let day = SignedDuration::from_hours(24);
    let into_day = ms(at).rem_euclid(day.as_millis().try_into().unwrap_or(i64::MAX));
    Timestamp::from_millisecond(ms(at) - into_day).unwrap_or(at)
}

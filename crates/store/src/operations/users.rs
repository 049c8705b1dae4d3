//! Changes of users and API tokens.

use jiff::Timestamp;
use plan::permission::{Role, Scope};
use secrecy::ExposeSecret;
use sqlx::Row;

use super::audit::{Entry, audit};
use super::values::{Place, ms};
use super::{Connection, count_up, invites, second_factors, sessions, views};
use crate::audit::Actor;
use crate::error::{Error, Result};
use crate::sign_in::NewInvite;
use crate::token::TokenHash;
use crate::user::{MOST_USERS, NewApiToken, PasswordHash, UserChange};

/// The longest name of a token and the longest email address, in characters.
const LONGEST_NAME: usize = 254;

pub(super) async fn change(
    connection: &mut Connection,
    change: UserChange,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let (action, subject, before, after) = match change {
        UserChange::Add { email, role, password } => {
            add_user(connection, &email, role, &password, now).await?
        }
        UserChange::AddFirst { email, password } => {
            // Taken first, so that two first users at once wait for each other.
            count_up(connection, "configuration").await?;
            let row = sqlx::query("SELECT count(*) FROM users").fetch_one(&mut *connection);
            if row.await?.try_get::<i64, _>(0)? > 0 {
                return Err(Error::Refused("a user already exists: sign in".to_owned()));
            }
            add_user(connection, &email, Role::Administrator, &password, now).await?
        }
        UserChange::SetPassword { email, password } => {
            let (id, email) = set_password(connection, &email, &password).await?;
            sessions::end_all(connection, id).await?;
            ("set_password", email, None, None)
        }
        UserChange::SetOwnPassword { email, password, session, end_others, remove_tokens } => {
            let (id, email) = set_password(connection, &email, &password).await?;
            if end_others {
                sessions::end_all(connection, id).await?;
            } else {
                sessions::end_one(connection, session).await?;
            }
            let tokens =
                if remove_tokens { remove_tokens_of(connection, id).await? } else { Vec::new() };
            let before = (!tokens.is_empty()).then(|| serde_json::json!({ "tokens": tokens }));
            ("set_password", email, before, None)
        }
        UserChange::TurnOnSecondFactor { email, step, recovery } => {
            let (id, email, _) = must_know_user(connection, &email).await?;
            second_factors::turn_on(connection, id, step, &recovery).await?;
            ("turn_on_second_factor", email, None, None)
        }
        UserChange::TurnOffSecondFactor { email } => {
            let (id, email, _) = must_know_user(connection, &email).await?;
            if !second_factors::turn_off(connection, id).await? {
                return Err(Error::Refused(format!("{email} has no second factor")));
            }
            ("turn_off_second_factor", email, None, None)
        }
        UserChange::Invite(invite) => invite_user(connection, invite, &actor.0, now).await?,
        UserChange::AcceptInvite { invite, password } => {
            accept_invite(connection, invite, &password, now).await?
        }
        UserChange::RemoveInvite { email } => {
            let email = email.trim().to_lowercase();
            if !invites::remove(connection, &email).await? {
                return Err(Error::Refused(format!("{email} is not invited")));
            }
            ("remove_invite", email, None, None)
        }
        UserChange::SetRole { email, role } => {
            let (id, email, before) = set_role(connection, &email, role).await?;
            // From now on the role is decided here.
            sqlx::query("UPDATE users SET by_provider = 0 WHERE id = $1")
                .bind(id)
                .execute(&mut *connection)
                .await?;
            let told = |role: Role| Some(serde_json::json!({ "role": role }));
            ("set_role", email, told(before), told(role))
        }
        UserChange::Remove { email } => {
            keep_an_administrator(connection, &email, Role::Operator).await?;
            let (id, email, _) = must_know_user(connection, &email).await?;
            let tokens = remove_tokens_of(connection, id).await?;
            views::remove_all(&mut *connection, &email).await?;
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
                return Err(Error::Refused(format!("no LeadSquared user {email} is signed in")));
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
    audit(connection, actor, now, &entry).await
}

/// Gives a user this role; returns the one before. The last administrator stays one.
pub(super) async fn set_role(
    connection: &mut Connection,
    email: &str,
    role: Role,
) -> Result<(i64, String, Role)> {
    keep_an_administrator(connection, email, role).await?;
    let (id, email, before) = must_know_user(connection, email).await?;
    sqlx::query("UPDATE users SET role = $2 WHERE id = $1")
        .bind(id)
        .bind(role.as_str())
        .execute(connection)
        .await?;
    Ok((id, email, before))
}

async fn set_password(
    connection: &mut Connection,
    email: &str,
    password: &PasswordHash,
) -> Result<(i64, String)> {
    let (id, email, _) = must_know_user(connection, email).await?;
    sqlx::query("UPDATE users SET password = $2 WHERE id = $1")
        .bind(id)
        .bind(password.0.expose_secret())
        .execute(connection)
        .await?;
    Ok((id, email))
}

/// Removes a user's API tokens; returns their names.
async fn remove_tokens_of(connection: &mut Connection, owner: i64) -> Result<Vec<String>> {
    let tokens = sqlx::query("DELETE FROM api_token WHERE owner = $1 RETURNING name")
        .bind(owner)
        .fetch_all(connection)
        .await?;
    Ok(tokens.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}

async fn invite_user(
    connection: &mut Connection,
    invite: NewInvite,
    by: &str,
    now: Timestamp,
) -> Result<Audited> {
    let invite = NewInvite { email: checked_email(&invite.email)?, ..invite };
    must_have_room(connection, "SELECT count(*) FROM users").await?;
    must_have_room(connection, "SELECT count(*) FROM invite").await?;
    let known = sqlx::query("SELECT 1 FROM users WHERE email = $1")
        .bind(&invite.email)
        .fetch_optional(&mut *connection)
        .await?;
    if known.is_some() {
        return Err(Error::Refused(format!("a user {} already exists", invite.email)));
    }
    invites::put(connection, &invite, by, now).await?;
    let after = serde_json::json!({ "role": invite.role });
    Ok(("invite", invite.email, None, Some(after)))
}

async fn accept_invite(
    connection: &mut Connection,
    hash: TokenHash,
    password: &PasswordHash,
    now: Timestamp,
) -> Result<Audited> {
    let Some(invite) = invites::find(connection, hash, now).await? else {
        return Err(Error::Refused("the invite was used already or has expired".to_owned()));
    };
    // Of two who use it at once, the second finds none.
    if !invites::remove(connection, &invite.email).await? {
        return Err(Error::Refused("the invite was used already or has expired".to_owned()));
    }
    let (_, email, before, after) =
        add_user(connection, &invite.email, invite.role, password, now).await?;
    Ok(("accept_invite", email, before, after))
}

/// Refuses to leave no administrator: anybody could then make themselves the first user.
async fn keep_an_administrator(
    connection: &mut Connection,
    email: &str,
    becomes: Role,
) -> Result<()> {
    if becomes == Role::Administrator {
        return Ok(());
    }
    // Taken first, so that two removals that each count on the other's user wait for each other.
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
            "{email} is the last administrator: make another user an administrator first"
        )));
    }
    Ok(())
}

pub(super) async fn add_user(
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
        return Err(Error::Refused(format!("a user {email} already exists")));
    }
    Ok(("add_user", email, None, Some(serde_json::json!({ "role": role }))))
}

/// The action, its subject, and the state before and after.
pub(super) type Audited =
    (&'static str, String, Option<serde_json::Value>, Option<serde_json::Value>);

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
            "the token {name} can't have more access than its user: its scope can be {most} at most"
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
            "a token {name} already exists: choose another name for the new one, or remove that \
             one first"
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
            "'{email}' is not a valid email address: use one such as ops@example.com"
        )));
    }
    Ok(email)
}

fn checked_name(name: &str) -> Result<String> {
    let name = name.trim();
    let odd = |c: char| c.is_control() || c == '/';
    if name.is_empty() || name.contains(odd) || name.chars().count() > LONGEST_NAME {
        return Err(Error::Refused(format!(
            "'{}' is not a valid name for a token: use 1 to {LONGEST_NAME} characters without a \
             slash",
            name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect::<String>()
        )));
    }
    Ok(name.to_owned())
}

async fn must_have_room(connection: &mut Connection, count: &'static str) -> Result<()> {
    let row = sqlx::query(count).fetch_one(connection).await?;
    if row.try_get::<i64, _>(0)? >= MOST_USERS {
        return Err(Error::Refused(format!(
            "the limit of {MOST_USERS} is reached: remove some first"
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

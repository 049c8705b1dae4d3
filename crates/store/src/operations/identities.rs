//! Whom an OpenID Connect provider vouches for.

use jiff::Timestamp;
use plan::permission::Role;
use secrecy::SecretString;
use sqlx::Row;

use super::audit::{Entry, audit};
use super::values::{Place, ms};
use super::{Connection, invites, sessions, users};
use crate::audit::Actor;
use crate::error::{Error, Result};
use crate::sign_in::{Admission, ProviderIdentity};
use crate::user::PasswordHash;

/// The longest issuer and subject, in bytes; OpenID Connect allows subjects of 255.
const LONGEST: usize = 1_000;

struct Known {
    id: i64,
    email: String,
    role: Role,
    by_provider: bool,
}

/// Finds or adds the user that this identity belongs to, and gives them the role that the provider
/// decides.
pub(super) async fn admit(
    connection: &mut Connection,
    identity: &ProviderIdentity,
    now: Timestamp,
) -> Result<Admission> {
    let ProviderIdentity { issuer, subject, .. } = identity;
    if issuer.len() > LONGEST || subject.len() > LONGEST || subject.is_empty() {
        return Err(Error::Refused("the provider's name for the person is not valid".to_owned()));
    }
    let actor = Actor(format!("OpenID Connect ({issuer})"));
    let of_identity = "JOIN identity i ON i.owner = u.id WHERE i.issuer = $1 AND i.subject = $2";
    let user = match known(connection, of_identity, &[issuer, subject]).await? {
        Some(user) => user,
        None => match link(connection, identity, &actor, now).await? {
            Ok(user) => user,
            Err(admission) => return Ok(admission),
        },
    };
    if user.by_provider && identity.decides_roles {
        let Some(role) = identity.role else {
            sessions::end_all(connection, user.id).await?;
            return Ok(Admission::NoRole);
        };
        if role != user.role {
            users::set_role(connection, &user.email, role).await?;
            let told = |role: Role| Some(serde_json::json!({ "role": role }).to_string());
            let (before, after) = (told(user.role), told(role));
            let entry = Entry { action: "set_role", subject: &user.email, before, after };
            audit(connection, &actor, now, &entry).await?;
        }
    }
    Ok(Admission::User(user.email))
}

/// Links the identity with the user of its email address, whom it adds if there is none.
async fn link(
    connection: &mut Connection,
    identity: &ProviderIdentity,
    actor: &Actor,
    now: Timestamp,
) -> Result<std::result::Result<Known, Admission>> {
    let Some(email) = &identity.verified_email else { return Ok(Err(Admission::NoEmail)) };
    let user = match known(connection, "WHERE u.email = $1", &[email]).await? {
        Some(user) => {
            let other = sqlx::query("SELECT 1 FROM identity WHERE owner = $1 AND issuer = $2")
                .bind(user.id)
                .bind(&identity.issuer)
                .fetch_optional(&mut *connection)
                .await?;
            if other.is_some() {
                return Ok(Err(Admission::OtherPerson));
            }
            user
        }
        None if !identity.decides_roles => return Ok(Err(Admission::NoUser)),
        None => {
            let Some(role) = identity.role else { return Ok(Err(Admission::NoRole)) };
            let none = PasswordHash(SecretString::from(""));
            let (action, email, _, after) =
                users::add_user(connection, email, role, &none, now).await?;
            invites::remove(connection, &email).await?;
            sqlx::query("UPDATE users SET by_provider = 1 WHERE email = $1")
                .bind(&email)
                .execute(&mut *connection)
                .await?;
            let after = after.map(|after| after.to_string());
            let entry = Entry { action, subject: &email, before: None, after };
            audit(connection, actor, now, &entry).await?;
            let added = known(connection, "WHERE u.email = $1", &[&email]).await?;
            added.ok_or_else(|| Error::Refused(format!("there is no user {email}")))?
        }
    };
    sqlx::query("INSERT INTO identity (issuer, subject, owner, made_at) VALUES ($1, $2, $3, $4)")
        .bind(&identity.issuer)
        .bind(&identity.subject)
        .bind(user.id)
        .bind(ms(now))
        .execute(&mut *connection)
        .await?;
    let after = serde_json::json!({ "issuer": identity.issuer, "subject": identity.subject });
    let after = Some(after.to_string());
    let entry = Entry { action: "link_identity", subject: &user.email, before: None, after };
    audit(connection, actor, now, &entry).await?;
    Ok(Ok(user))
}

async fn known(
    connection: &mut Connection,
    which: &'static str,
    values: &[&String],
) -> Result<Option<Known>> {
    let sql = format!("SELECT u.id, u.email, u.role, u.by_provider FROM users u {which}");
    let query = sqlx::query(sqlx::AssertSqlSafe(sql));
    let query = values.iter().fold(query, |query, value| query.bind(value.as_str()));
    let Some(row) = query.fetch_optional(connection).await? else { return Ok(None) };
    let email: String = row.try_get(1)?;
    let role = Place { table: "users", row: &email }.word(row.try_get(2)?)?;
    let by_provider = row.try_get::<i64, _>(3)? == 1;
    Ok(Some(Known { id: row.try_get(0)?, email, role, by_provider }))
}

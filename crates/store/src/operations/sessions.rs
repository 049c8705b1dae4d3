//! Who is signed in.

use jiff::{SignedDuration, Timestamp};
use sqlx::Row;

use super::values::{Place, ms};
use super::{Connection, outbox};
use crate::error::Result;
use crate::mail::NewMail;
use crate::session::{
    CODE_WITHIN, EndSessions, Guest, IDLE, KNOWN_FOR, LONGEST, MOST_BROWSERS, MOST_LINKS,
    MOST_SESSIONS, NewLink, NewSession, Person, Session, SessionItem,
};
use crate::token::TokenHash;

/// How old the time of the last use may be before it is updated.
const STALE: SignedDuration = SignedDuration::from_mins(5);
/// The longest name of a browser that is kept, in characters.
const LONGEST_AGENT: usize = 200;

pub(super) async fn begin(
    connection: &mut Connection,
    email: &str,
    new: NewSession,
    now: Timestamp,
) -> Result<bool> {
    let owner = sqlx::query("SELECT id FROM users WHERE email = $1")
        .bind(email.trim().to_lowercase())
        .fetch_optional(&mut *connection)
        .await?;
    let Some(owner) = owner else { return Ok(false) };
    if let Some(waited) = new.replaces {
        let ended = sqlx::query("DELETE FROM session WHERE hash = $1 AND needs_code = 1")
            .bind(&waited.0[..])
            .execute(&mut *connection)
            .await?;
        if ended.rows_affected() == 0 {
            return Ok(false);
        }
    }
    insert(connection, &Whose::Owner(owner.try_get(0)?), new, now).await?;
    Ok(true)
}

pub(super) async fn keep_link(
    connection: &mut Connection,
    link: NewLink,
    mail: &NewMail,
    now: Timestamp,
) -> Result<()> {
    let email = link.email.trim().to_lowercase();
    sqlx::query(
        "INSERT INTO sign_in_link (hash, email, made_at, expires_at) VALUES ($1, $2, $3, $4)",
    )
    .bind(&link.hash.0[..])
    .bind(&email)
    .bind(ms(now))
    .bind(ms(link.expires_at))
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "DELETE FROM sign_in_link WHERE expires_at <= $1 OR (email = $2 AND hash NOT IN \
         (SELECT hash FROM sign_in_link WHERE email = $2 ORDER BY made_at DESC, hash LIMIT $3))",
    )
    .bind(ms(now))
    .bind(&email)
    .bind(MOST_LINKS)
    .execute(&mut *connection)
    .await?;
    outbox::queue(connection, mail, now).await?;
    Ok(())
}

pub(super) async fn link_of(
    connection: &mut Connection,
    hash: TokenHash,
    now: Timestamp,
) -> Result<Option<String>> {
    let row = sqlx::query("SELECT email FROM sign_in_link WHERE hash = $1 AND expires_at > $2")
        .bind(&hash.0[..])
        .bind(ms(now))
        .fetch_optional(&mut *connection)
        .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

pub(super) async fn begin_by_link(
    connection: &mut Connection,
    link: TokenHash,
    new: NewSession,
    now: Timestamp,
) -> Result<bool> {
    let row =
        sqlx::query("DELETE FROM sign_in_link WHERE hash = $1 AND expires_at > $2 RETURNING email")
            .bind(&link.0[..])
            .bind(ms(now))
            .fetch_optional(&mut *connection)
            .await?;
    let Some(row) = row else { return Ok(false) };
    insert(connection, &Whose::Guest(row.try_get(0)?), new, now).await?;
    Ok(true)
}

pub(super) async fn find(
    connection: &mut Connection,
    hash: TokenHash,
    now: Timestamp,
) -> Result<Option<(Session, bool)>> {
    let row = sqlx::query(
        "SELECT s.id, COALESCE(u.email, s.email), u.role, s.seen_at, s.confirmed_at \
         FROM session s LEFT JOIN users u ON u.id = s.owner \
         WHERE s.hash = $1 AND s.expires_at > $2 AND s.seen_at > $3 AND s.needs_code = 0",
    )
    .bind(&hash.0[..])
    .bind(ms(now))
    .bind(idle_since(now))
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let id: i64 = row.try_get(0)?;
    let place = Place { table: "session", row: &id };
    let person = match row.try_get::<Option<&str>, _>(2)? {
        Some(role) => Person::User(place.word(role)?),
        None => Person::AccountUser,
    };
    let confirmed_at = row.try_get::<Option<i64>, _>(4)?.map(|ms| place.time(ms)).transpose()?;
    let session = Session { id, email: row.try_get(1)?, person, confirmed_at };
    let seen = place.time(row.try_get(3)?)?;
    Ok(Some((session, now.duration_since(seen) > STALE)))
}

pub(super) async fn mark_seen(connection: &mut Connection, id: i64, now: Timestamp) -> Result<()> {
    sqlx::query("UPDATE session SET seen_at = $2 WHERE id = $1")
        .bind(id)
        .bind(ms(now))
        .execute(&mut *connection)
        .await?;
    Ok(())
}

pub(super) async fn confirm(connection: &mut Connection, id: i64, now: Timestamp) -> Result<()> {
    sqlx::query("UPDATE session SET confirmed_at = $2 WHERE id = $1")
        .bind(id)
        .bind(ms(now))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn without_code(
    connection: &mut Connection,
    hash: TokenHash,
    now: Timestamp,
) -> Result<Option<String>> {
    let row = sqlx::query(
        "SELECT u.email FROM session s JOIN users u ON u.id = s.owner \
         WHERE s.hash = $1 AND s.needs_code = 1 AND s.made_at > $2",
    )
    .bind(&hash.0[..])
    .bind(ms(now.checked_sub(CODE_WITHIN).unwrap_or(Timestamp::MIN)))
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

pub(super) async fn knows_browser(
    connection: &mut Connection,
    email: &str,
    browser: TokenHash,
    now: Timestamp,
) -> Result<bool> {
    let row = sqlx::query(
        "SELECT 1 FROM known_browser b JOIN users u ON u.id = b.owner \
         WHERE u.email = $1 AND b.hash = $2 AND b.seen_at > $3",
    )
    .bind(email.trim().to_lowercase())
    .bind(&browser.0[..])
    .bind(ms(now.checked_sub(KNOWN_FOR).unwrap_or(Timestamp::MIN)))
    .fetch_optional(connection)
    .await?;
    Ok(row.is_some())
}

/// From now on the user is known to use this browser.
async fn know_browser(
    connection: &mut Connection,
    owner: i64,
    browser: TokenHash,
    now: Timestamp,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO known_browser (owner, hash, seen_at) VALUES ($1, $2, $3) \
         ON CONFLICT (owner, hash) DO UPDATE SET seen_at = excluded.seen_at",
    )
    .bind(owner)
    .bind(&browser.0[..])
    .bind(ms(now))
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "DELETE FROM known_browser WHERE owner = $1 AND hash NOT IN (SELECT hash FROM known_browser \
         WHERE owner = $1 ORDER BY seen_at DESC, hash LIMIT $2)",
    )
    .bind(owner)
    .bind(MOST_BROWSERS)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn of(
    connection: &mut Connection,
    of: &Session,
    now: Timestamp,
) -> Result<Vec<SessionItem>> {
    let sql = format!(
        "SELECT id, made_at, seen_at, agent FROM session \
         WHERE {SAME_PERSON} AND expires_at > $2 AND seen_at > $3 AND needs_code = 0 \
         ORDER BY seen_at DESC, id DESC",
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(of.id)
        .bind(ms(now))
        .bind(idle_since(now))
        .fetch_all(&mut *connection)
        .await?;
    rows.iter()
        .map(|row| {
            let id: i64 = row.try_get(0)?;
            let place = Place { table: "session", row: &id };
            Ok(SessionItem {
                id,
                made_at: place.time(row.try_get(1)?)?,
                seen_at: place.time(row.try_get(2)?)?,
                agent: row.try_get(3)?,
            })
        })
        .collect()
}

pub(super) async fn end(
    connection: &mut Connection,
    of: &Session,
    which: EndSessions,
) -> Result<()> {
    let (sql, id) = match which {
        EndSessions::One(id) => ("id = $2", id),
        EndSessions::Others(id) => ("id <> $2", id),
    };
    let sql = format!("DELETE FROM session WHERE {SAME_PERSON} AND {sql}");
    sqlx::query(sqlx::AssertSqlSafe(sql)).bind(of.id).bind(id).execute(&mut *connection).await?;
    Ok(())
}

pub(super) async fn guests(connection: &mut Connection, now: Timestamp) -> Result<Vec<Guest>> {
    let rows = sqlx::query(
        "SELECT email, count(*), max(seen_at) FROM session \
         WHERE email IS NOT NULL AND expires_at > $1 AND seen_at > $2 \
         GROUP BY email ORDER BY email",
    )
    .bind(ms(now))
    .bind(idle_since(now))
    .fetch_all(&mut *connection)
    .await?;
    rows.iter()
        .map(|row| {
            let email: String = row.try_get(0)?;
            let place = Place { table: "session", row: &email };
            let seen_at = place.time(row.try_get(2)?)?;
            let sessions: i64 = row.try_get(1)?;
            Ok(Guest { seen_at, sessions: sessions.cast_unsigned(), email: email.clone() })
        })
        .collect()
}

/// The sessions of the user whose session is `$1`.
const SAME_PERSON: &str = "(owner = (SELECT owner FROM session WHERE id = $1) \
    OR email = (SELECT email FROM session WHERE id = $1))";

/// The user of a new session.
enum Whose {
    /// The user's of this id.
    Owner(i64),
    /// A LeadSquared user's with this email address.
    Guest(String),
}

async fn insert(
    connection: &mut Connection,
    whose: &Whose,
    new: NewSession,
    now: Timestamp,
) -> Result<()> {
    let (owner, email) = match whose {
        Whose::Owner(owner) => (Some(*owner), None),
        Whose::Guest(email) => (None, Some(email.as_str())),
    };
    sqlx::query(
        "INSERT INTO session (hash, owner, email, made_at, seen_at, expires_at, agent, confirmed_at, \
         needs_code) VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8)",
    )
    .bind(&new.hash.0[..])
    .bind(owner)
    .bind(email)
    .bind(ms(now))
    .bind(ms(now.checked_add(LONGEST).unwrap_or(Timestamp::MAX)))
    .bind(new.agent.chars().filter(|c| !c.is_control()).take(LONGEST_AGENT).collect::<String>())
    .bind(owner.filter(|_| new.is_confirmed).map(|_| ms(now)))
    .bind(i64::from(new.needs_code))
    .execute(&mut *connection)
    .await?;
    if let (Some(owner), Some(browser), false) = (owner, new.browser, new.needs_code) {
        know_browser(connection, owner, browser, now).await?;
    }
    sqlx::query(
        "DELETE FROM session WHERE (owner = $1 OR email = $2) AND needs_code = $6 \
         AND (expires_at <= $3 OR seen_at <= $4 OR id NOT IN (SELECT id FROM session \
         WHERE (owner = $1 OR email = $2) AND needs_code = $6 \
         ORDER BY seen_at DESC, id DESC LIMIT $5))",
    )
    .bind(owner)
    .bind(email)
    .bind(ms(now))
    .bind(idle_since(now))
    .bind(MOST_SESSIONS)
    // Who only knows the password ends no session.
    .bind(i64::from(new.needs_code))
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends a user's sessions, because the password changed. No browser is known any more.
pub(super) async fn end_all(connection: &mut Connection, owner: i64) -> Result<()> {
    sqlx::query("DELETE FROM known_browser WHERE owner = $1")
        .bind(owner)
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM session WHERE owner = $1").bind(owner).execute(connection).await?;
    Ok(())
}

/// Ends one session, or the login that waits for its code.
pub(super) async fn end_one(connection: &mut Connection, id: i64) -> Result<()> {
    sqlx::query("DELETE FROM session WHERE id = $1").bind(id).execute(connection).await?;
    Ok(())
}

/// Ends the sessions and links of a LeadSquared user; returns how many sessions.
pub(super) async fn end_guest(connection: &mut Connection, email: &str) -> Result<u64> {
    sqlx::query("DELETE FROM sign_in_link WHERE email = $1")
        .bind(email)
        .execute(&mut *connection)
        .await?;
    let ended =
        sqlx::query("DELETE FROM session WHERE email = $1").bind(email).execute(connection).await?;
    Ok(ended.rows_affected())
}

fn idle_since(now: Timestamp) -> i64 {
    ms(now.checked_sub(IDLE).unwrap_or(Timestamp::MIN))
}

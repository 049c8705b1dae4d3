//! Who is signed in.

use jiff::{SignedDuration, Timestamp};
use sqlx::Row;

use super::values::{Place, ms};
use super::{Backend, Connection};
use crate::session::{IDLE, LONGEST, MOST_SESSIONS};
use crate::{EndSessions, NewSession, Result, Session, SessionItem, TokenHash};

/// How old the time of the last use may be before it is written again.
const STALE: SignedDuration = SignedDuration::from_mins(5);
/// The longest name of a browser that is kept, in characters.
const LONGEST_AGENT: usize = 200;

impl Backend {
    pub(super) async fn begin_session(&self, new: NewSession, now: Timestamp) -> Result<bool> {
        let mut transaction = self.begin().await?;
        let owner = sqlx::query("SELECT id FROM users WHERE email = $1")
            .bind(new.email.trim().to_lowercase())
            .fetch_optional(&mut *transaction)
            .await?;
        let Some(owner) = owner else { return Ok(false) };
        let owner: i64 = owner.try_get(0)?;
        sqlx::query(
            "INSERT INTO session (hash, owner, made_at, seen_at, expires_at, agent) \
             VALUES ($1, $2, $3, $3, $4, $5)",
        )
        .bind(&new.hash.0[..])
        .bind(owner)
        .bind(ms(now))
        .bind(ms(now.checked_add(LONGEST).unwrap_or(Timestamp::MAX)))
        .bind(new.agent.chars().filter(|c| !c.is_control()).take(LONGEST_AGENT).collect::<String>())
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "DELETE FROM session WHERE owner = $1 AND (expires_at <= $2 OR seen_at <= $3 \
             OR id NOT IN (SELECT id FROM session WHERE owner = $1 \
             ORDER BY seen_at DESC, id DESC LIMIT $4))",
        )
        .bind(owner)
        .bind(ms(now))
        .bind(idle_since(now))
        .bind(MOST_SESSIONS)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(true)
    }

    pub(super) async fn find_session(
        &self,
        hash: TokenHash,
        now: Timestamp,
    ) -> Result<Option<(Session, bool)>> {
        let mut transaction = self.begin_read().await?;
        let row = sqlx::query(
            "SELECT s.id, u.email, u.role, s.seen_at FROM session s JOIN users u ON u.id = s.owner \
             WHERE s.hash = $1 AND s.expires_at > $2 AND s.seen_at > $3",
        )
        .bind(&hash.0[..])
        .bind(ms(now))
        .bind(idle_since(now))
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let id: i64 = row.try_get(0)?;
        let place = Place { table: "session", row: &id };
        let session = Session { id, email: row.try_get(1)?, role: place.word(row.try_get(2)?)? };
        let seen = place.time(row.try_get(3)?)?;
        Ok(Some((session, now.duration_since(seen) > STALE)))
    }

    pub(super) async fn mark_seen(&self, id: i64, now: Timestamp) -> Result<()> {
        let mut transaction = self.begin().await?;
        sqlx::query("UPDATE session SET seen_at = $2 WHERE id = $1")
            .bind(id)
            .bind(ms(now))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    pub(super) async fn read_sessions(
        &self,
        email: &str,
        now: Timestamp,
    ) -> Result<Vec<SessionItem>> {
        let mut transaction = self.begin_read().await?;
        let rows = sqlx::query(
            "SELECT s.id, s.made_at, s.seen_at, s.agent FROM session s \
             JOIN users u ON u.id = s.owner \
             WHERE u.email = $1 AND s.expires_at > $2 AND s.seen_at > $3 \
             ORDER BY s.seen_at DESC, s.id DESC",
        )
        .bind(email.trim().to_lowercase())
        .bind(ms(now))
        .bind(idle_since(now))
        .fetch_all(&mut *transaction)
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

    pub(super) async fn remove_sessions(&self, email: &str, which: EndSessions) -> Result<()> {
        let mut transaction = self.begin().await?;
        let (sql, id) = match which {
            EndSessions::One(id) => ("id = $2", id),
            EndSessions::Others(id) => ("id <> $2", id),
        };
        let sql = format!(
            "DELETE FROM session WHERE owner IN (SELECT id FROM users WHERE email = $1) AND {sql}"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(email.trim().to_lowercase())
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// A user's sessions end, because the password is another.
pub(super) async fn end_all(connection: &mut Connection, owner: i64) -> Result<()> {
    sqlx::query("DELETE FROM session WHERE owner = $1").bind(owner).execute(connection).await?;
    Ok(())
}

fn idle_since(now: Timestamp) -> i64 {
    ms(now.checked_sub(IDLE).unwrap_or(Timestamp::MIN))
}

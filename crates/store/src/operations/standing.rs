//! Reviews as the dispatcher creates, reads and resolves them.

use plan::id::{AccountId, LeadId};
use plan::link::Pair;
use plan::review::{Reason, StandingReview, State};
use sqlx::Row;

use super::values::{Place, json, ms};
use super::{Connection, DbRow, QueryBuilder, ROWS_A_STATEMENT, push_list};
use crate::error::Result;
use crate::reviews::NewReview;

/// The reviews of these leads of a pair that are not resolved.
pub(super) async fn find(
    connection: &mut Connection,
    pair: Pair,
    ids: &[String],
) -> Result<Vec<StandingReview>> {
    let mut standing = Vec::new();
    for some in ids.chunks(ROWS_A_STATEMENT) {
        for column in ["source_id", "destination_id"] {
            let mut query = QueryBuilder::new(format!(
                "SELECT id, source, source_id, destination_id, reason, state, choice \
                 FROM review WHERE state <> 'solved' AND source IN ({0}, {1}) \
                 AND destination IN ({0}, {1}) AND {column} IN ",
                pair.first.0, pair.second.0
            ));
            push_list(&mut query, some.iter().map(String::as_str));
            query.push(" ORDER BY id");
            for row in query.build().persistent(false).fetch_all(&mut *connection).await? {
                standing.push(one_standing(&row)?);
            }
        }
    }
    Ok(standing)
}

/// Stores questions. Each replaces an earlier one of the same lead and kind, and is open.
pub(super) async fn keep(connection: &mut Connection, reviews: &[NewReview]) -> Result<()> {
    for new in reviews {
        let reason = new.review.reason;
        let destination_id = match (reason, new.review.candidates.as_slice()) {
            (Reason::Conflict, [only]) => Some(only.lead_id.as_str()),
            _ => None,
        };
        let evidence = json(&new.review)?;
        let known = sqlx::query(
            "SELECT id, state FROM review WHERE connector = $1 AND source_id = $2 \
             AND (reason = 'conflict') = $3",
        )
        .bind(new.connector.0)
        .bind(&new.source_id)
        .bind(reason == Reason::Conflict)
        .fetch_optional(&mut *connection)
        .await?;
        let known = known.map(|row| Ok::<_, sqlx::Error>((row.try_get(0)?, row.try_get(1)?)));
        let known: Option<(i64, String)> = known.transpose()?;
        let query = match &known {
            // A decision made while the record was in progress stays: the record is retried under
            // it.
            Some((_, state)) if state == State::Decided.as_str() && !new.knows_decision => continue,
            Some((id, _)) => sqlx::query(
                "UPDATE review SET known_as = $2, reason = $3, evidence = $4, request = $5, \
                 destination_id = $6, \
                 opened_at = CASE WHEN state = 'open' THEN opened_at ELSE $7 END, state = 'open', \
                 choice = NULL, decided_at = NULL, decided_by = NULL WHERE id = $1",
            )
            .bind(id),
            None => sqlx::query(
                "INSERT INTO review (connector, known_as, reason, evidence, request, \
                 destination_id, opened_at, source, destination, source_id, state) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'open')",
            )
            .bind(new.connector.0),
        };
        let query = query
            .bind(new.known_as.as_deref())
            .bind(reason.as_str())
            .bind(evidence)
            .bind(new.request.number())
            .bind(destination_id)
            .bind(ms(new.at));
        let query = match known {
            Some(_) => query,
            None => query.bind(new.source.0).bind(new.destination.0).bind(&new.source_id),
        };
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Marks these as resolved: nothing is left to decide in them.
pub(super) async fn solve(connection: &mut Connection, ids: &[i64]) -> Result<()> {
    for some in ids.chunks(ROWS_A_STATEMENT) {
        let mut query = QueryBuilder::new("UPDATE review SET state = 'solved' WHERE id IN ");
        push_list(&mut query, some.iter().copied());
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

fn one_standing(row: &DbRow) -> Result<StandingReview> {
    let id = row.try_get(0)?;
    let place = Place { table: "review", row: &id };
    Ok(StandingReview {
        id,
        source: AccountId(row.try_get(1)?),
        source_id: LeadId::new(row.try_get(2)?),
        destination_id: row.try_get::<Option<&str>, _>(3)?.map(LeadId::new),
        reason: place.word(row.try_get(4)?)?,
        state: place.word(row.try_get(5)?)?,
        choice: row.try_get::<Option<&str>, _>(6)?.map(|json| place.parse(json)).transpose()?,
    })
}

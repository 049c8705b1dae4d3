//! Failed records by cause.

use plan::id::RequestId;
use sqlx::Row;

use super::values::Place;
use super::{Connection, filter, search};
use crate::error::Result;
use crate::filter::Filter;
use crate::log::FailureGroup;

/// The maximum number of causes listed.
const MOST_GROUPS: usize = 100;

pub(super) async fn failures(
    connection: &mut Connection,
    wanted: &Filter,
) -> Result<Vec<FailureGroup>> {
    let terms = search::terms(connection, wanted).await?;
    let mut query = filter::matching(
        "SELECT f.cause, count(*), min(q.id), max(q.id) FROM request q \
         JOIN record f ON f.request = q.id AND f.sync_status = 'error' \
         AND f.cause IS NOT NULL",
        wanted,
        terms.as_ref(),
    );
    let running = filter::running(connection).await?;
    filter::push_status(&mut query, wanted, &running);
    query.push(" GROUP BY f.cause ORDER BY 2 DESC, 1 LIMIT ");
    query.push_bind(i64::try_from(MOST_GROUPS).unwrap_or(i64::MAX));
    let rows = query.build().persistent(false).fetch_all(&mut *connection).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let cause: String = row.try_get(0)?;
        let count: i64 = row.try_get(1)?;
        let (first, last): (i64, i64) = (row.try_get(2)?, row.try_get(3)?);
        found.push((cause, count, first, last));
    }
    let mut groups = Vec::with_capacity(found.len());
    for (cause, count, first, last) in found {
        let row = sqlx::query(
            "SELECT problem FROM record WHERE request = $1 AND cause = $2 \
             ORDER BY position LIMIT 1",
        )
        .bind(last)
        .bind(&cause)
        .fetch_one(&mut *connection)
        .await?;
        let place = Place { table: "record", row: &last };
        let Some(error) = place.problem(row.try_get(0)?)? else { continue };
        let (first, last) = (RequestId::from_number(first), RequestId::from_number(last));
        groups.push(FailureGroup {
            cause,
            records: count.cast_unsigned(),
            first_at: first.received_at(),
            last_at: last.received_at(),
            last_request: last,
            error,
        });
    }
    Ok(groups)
}

//! Requests and records as rows of a list.

use std::collections::{HashMap, HashSet};

use plan::id::RequestId;
use plan::outcome::JobStatus;
use sqlx::Row;

use super::states::HELD;
use super::values::Place;
use super::{Connection, DbRow, QueryBuilder, push_list};
use crate::error::Result;
use crate::list::{RecordLine, RequestLine};

/// These requests, newest first, without their records.
pub(super) async fn requests(
    connection: &mut Connection,
    ids: &[i64],
    running: &HashSet<i64>,
) -> Result<Vec<RequestLine>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = QueryBuilder::new(format!(
        "SELECT q.id, c.name, d.origin, d.received_at, q.finished_at, q.job_status, \
         q.sync_status, q.behaviour, q.echo, {HELD} FROM request q \
         JOIN delivery d ON d.id = q.id JOIN connector c ON c.id = q.connector WHERE q.id IN "
    ));
    push_list(&mut query, ids.iter().copied());
    query.push(" ORDER BY q.id DESC");
    let rows = query.build().persistent(false).fetch_all(connection).await?;
    rows.iter().map(|row| request(row, running)).collect()
}

fn request(row: &DbRow, running: &HashSet<i64>) -> Result<RequestLine> {
    let number: i64 = row.try_get(0)?;
    let id = RequestId::from_number(number);
    let place = Place { table: "request", row: &id };
    let finished_at: Option<i64> = row.try_get(4)?;
    let job_status = if finished_at.is_none() && running.contains(&number) {
        JobStatus::Running
    } else {
        place.word(row.try_get(5)?)?
    };
    let sync_status: Option<&str> = row.try_get(6)?;
    Ok(RequestLine {
        id,
        connector: row.try_get(1)?,
        origin: place.origin(row.try_get(2)?)?.as_str().to_owned(),
        received_at: place.time(row.try_get(3)?)?,
        finished_at: finished_at.map(|at| place.time(at)).transpose()?,
        job_status,
        sync_status: sync_status.map(|word| place.word(word)).transpose()?,
        behaviour: row.try_get(7)?,
        is_echo: row.try_get::<i64, _>(8)? != 0,
        is_held: row.try_get(9)?,
        records: Vec::new(),
    })
}

/// The records of these requests, by request.
pub(super) async fn records(
    connection: &mut Connection,
    requests: &[i64],
) -> Result<HashMap<i64, Vec<RecordLine>>> {
    let mut records: HashMap<i64, Vec<RecordLine>> = HashMap::new();
    if requests.is_empty() {
        return Ok(records);
    }
    let mut query = QueryBuilder::new(
        "SELECT request, position, entity, event, sync_status, known_as, source_id, \
         destination_id, problem, version, due, name, explanation FROM record \
         WHERE request IN ",
    );
    push_list(&mut query, requests.iter().copied());
    query.push(" ORDER BY request, position");
    for row in query.build().persistent(false).fetch_all(connection).await? {
        let request: i64 = row.try_get(0)?;
        let place = Place { table: "record", row: &request };
        let due: Option<i64> = row.try_get(10)?;
        records.entry(request).or_default().push(RecordLine {
            position: place.count(row.try_get(1)?)?,
            entity: place.word(row.try_get(2)?)?,
            event: place.word(row.try_get(3)?)?,
            sync_status: place.word(row.try_get(4)?)?,
            known_as: row.try_get(5)?,
            source_id: row.try_get(6)?,
            destination_id: row.try_get(7)?,
            error: place.problem(row.try_get(8)?)?,
            version: row.try_get(9)?,
            next_attempt_at: due.map(|due| place.time(due)).transpose()?,
            name: row.try_get(11)?,
            explanation: place.raw(row.try_get(12)?)?,
        });
    }
    Ok(records)
}

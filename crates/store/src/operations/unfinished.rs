//! Requests that are not finished.

use std::collections::{HashMap, HashSet};

use plan::id::{ConnectorId, RequestId};
use sqlx::Row;

use super::values::Place;
use super::{Connection, QueryBuilder, push_list};
use crate::dispatching::{RecordState, Unfinished};
use crate::error::Result;
use crate::intake::Origin;
use crate::progress::Stage;

/// These requests, as received, with their progress.
pub(super) async fn read(connection: &mut Connection, found: &[i64]) -> Result<Vec<Unfinished>> {
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let mut records = states(&mut *connection, found).await?;
    let mut query = QueryBuilder::new(
        "SELECT id, connector, content_type, body, origin FROM delivery WHERE id IN ",
    );
    push_list(&mut query, found.iter().copied());
    query.push(" ORDER BY id");
    let rows = query.build().persistent(false).fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            let id = row.try_get(0)?;
            let place = Place { table: "delivery", row: &id };
            Ok(Unfinished {
                id: RequestId::from_number(id),
                connector: ConnectorId(row.try_get(1)?),
                content_type: row.try_get(2)?,
                body: row.try_get(3)?,
                origin: place.origin(row.try_get(4)?)?,
                records: records.remove(&id).unwrap_or_default(),
            })
        })
        .collect()
}

/// Omits all but the first few of the requests read by backfills.
pub(super) async fn leave_late(
    connection: &mut Connection,
    found: &mut Vec<i64>,
    most: usize,
) -> Result<()> {
    if found.len() <= most {
        return Ok(());
    }
    let mut query = QueryBuilder::new("SELECT id FROM delivery WHERE origin = ");
    query.push_bind(Origin::Backfill.as_str()).push(" AND id IN ");
    push_list(&mut query, found.iter().copied());
    query.push(" ORDER BY id");
    let late = query.build().persistent(false).fetch_all(connection).await?;
    let left = late.iter().skip(most).map(|row| Ok(row.try_get(0)?));
    let left: HashSet<i64> = left.collect::<Result<_>>()?;
    found.retain(|id| !left.contains(id));
    Ok(())
}

/// The state of those records of these requests that were tried before.
async fn states(
    connection: &mut Connection,
    requests: &[i64],
) -> Result<HashMap<i64, Vec<RecordState>>> {
    let mut query = QueryBuilder::new(
        "SELECT request, position, due, sync_status, attempts, tries, doubtful, \
         retry, version FROM record WHERE request IN ",
    );
    push_list(&mut query, requests.iter().copied());
    query.push(" ORDER BY request, position");
    let mut states: HashMap<i64, Vec<RecordState>> = HashMap::new();
    for row in query.build().persistent(false).fetch_all(connection).await? {
        let request = row.try_get(0)?;
        let place = Place { table: "record", row: &request };
        let due: Option<i64> = row.try_get(2)?;
        states.entry(request).or_default().push(RecordState {
            position: place.count(row.try_get(1)?)?,
            stage: match due {
                Some(due) => Stage::Waiting(place.time(due)?),
                None => Stage::Final,
            },
            sync_status: place.word(row.try_get(3)?)?,
            attempts: place.count(row.try_get(4)?)?,
            tries: place.count(row.try_get(5)?)?,
            doubtful: row.try_get(6)?,
            retry: row.try_get::<Option<&str>, _>(7)?.map(|word| place.word(word)).transpose()?,
            version: row.try_get(8)?,
        });
    }
    Ok(states)
}

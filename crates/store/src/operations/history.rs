//! What happened to one lead.

use plan::id::{ConnectorId, RequestId};
use plan::identity;
use sqlx::Row;

use super::values::Place;
use super::{Connection, DbRow};
use crate::error::Result;
use crate::history::{HistoryItem, Neighbours};

pub(super) async fn neighbours(
    connection: &mut Connection,
    request: RequestId,
    q: &str,
) -> Result<Neighbours> {
    let row = sqlx::query(
        "SELECT (SELECT max(request) FROM mention WHERE value = $1 AND request < $2), \
         (SELECT min(request) FROM mention WHERE value = $1 AND request > $2)",
    )
    .bind(identity::mention(q))
    .bind(request.number())
    .fetch_one(connection)
    .await?;
    let id = |number: Option<i64>| number.map(RequestId::from_number);
    Ok(Neighbours { older: id(row.try_get(0)?), newer: id(row.try_get(1)?) })
}

pub(super) async fn history(
    connection: &mut Connection,
    lead: &str,
) -> Result<(Vec<HistoryItem>, bool)> {
    let rows = sqlx::query(
        "SELECT r.request, r.position, r.connector, r.entity, r.event, r.source_id, \
         r.destination_id, r.explanation, r.version, (SELECT max(a.at) FROM attempt a \
         WHERE a.request = r.request AND a.position = r.position) FROM mention m \
         JOIN record r ON r.request = m.request AND r.position = m.position \
         WHERE m.value = $1 ORDER BY m.request DESC, m.position DESC LIMIT $2",
    )
    .bind(identity::mention(lead))
    .bind(i64::try_from(HistoryItem::MOST + 1).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await?;
    let more = rows.len() > HistoryItem::MOST;
    let items = rows.iter().take(HistoryItem::MOST).map(item).collect::<Result<_>>()?;
    Ok((items, more))
}

fn item(row: &DbRow) -> Result<HistoryItem> {
    let request = RequestId::from_number(row.try_get(0)?);
    let place = Place { table: "record", row: &request };
    let at: Option<i64> = row.try_get(9)?;
    Ok(HistoryItem {
        request,
        position: place.count(row.try_get(1)?)?,
        connector: ConnectorId(row.try_get(2)?),
        entity: place.word(row.try_get(3)?)?,
        event: place.word(row.try_get(4)?)?,
        source_id: row.try_get(5)?,
        destination_id: row.try_get(6)?,
        explanation: place.raw(row.try_get(7)?)?,
        version: row.try_get(8)?,
        at: at.map(|at| place.time(at)).transpose()?.unwrap_or(request.received_at()),
    })
}

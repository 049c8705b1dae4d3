//! The newest record of each lead that is linked between a connector's accounts.

use plan::id::{AccountId, ConnectorId, RequestId};
use plan::link::Pair;
use sqlx::Row;

use super::values::Place;
use super::{Connection, QueryBuilder, links, push_list};
use crate::error::Result;
use crate::progress::RecordKey;
use crate::retry::LinkedRecords;

/// Those of linked leads after `after`, at most `limit` leads.
pub(super) async fn records(
    connection: &mut Connection,
    connector: ConnectorId,
    after: Option<&str>,
    limit: usize,
) -> Result<LinkedRecords> {
    let row = sqlx::query("SELECT source, destination FROM connector WHERE id = $1")
        .bind(connector.0)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(LinkedRecords::default()) };
    let source = AccountId(row.try_get(0)?);
    let pair = Pair::of(source, AccountId(row.try_get(1)?));
    let side = pair.side(source);
    let after = after.unwrap_or_default();
    let leads = links::lead_ids(connection, pair, side, after, limit).await?;
    let leads: Vec<String> = leads.into_iter().map(|(own, _)| own).collect();
    let mut records = Vec::with_capacity(leads.len());
    if !leads.is_empty() {
        let mut query = QueryBuilder::new(
            "SELECT r.request, max(r.position) FROM record r JOIN (\
             SELECT m.value AS lead, max(m.request) AS request FROM mention m \
             JOIN record s ON s.request = m.request AND s.position = m.position \
             WHERE s.entity = 'lead' AND s.source_id = m.value AND s.connector = ",
        );
        query.push_bind(connector.0).push(" AND m.value IN ");
        push_list(&mut query, leads.iter().map(String::as_str));
        query.push(
            " GROUP BY m.value) n ON n.request = r.request AND n.lead = r.source_id \
             WHERE r.entity = 'lead' AND r.due IS NULL GROUP BY r.request, r.source_id \
             ORDER BY r.request, max(r.position)",
        );
        for row in query.build().persistent(false).fetch_all(&mut *connection).await? {
            let request = RequestId::from_number(row.try_get(0)?);
            let place = Place { table: "record", row: &request };
            records.push(RecordKey { request, position: place.count(row.try_get(1)?)? });
        }
    }
    let next = leads.last().filter(|_| leads.len() == limit).cloned();
    Ok(LinkedRecords { records, leads: leads.len() as u64, next })
}

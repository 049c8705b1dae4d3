//! Storing deliveries.

use async_trait::async_trait;

use super::values::ms;
use super::{Backend, Connection, QueryBuilder, ROWS_A_STATEMENT, arrivals};
use crate::error::Result;
use crate::intake::{Intake, NewDelivery};

#[async_trait]
impl Intake for Backend {
    async fn store_deliveries(&self, deliveries: Vec<NewDelivery>) -> Result<()> {
        if deliveries.is_empty() {
            return Ok(());
        }
        self.write(move |connection| {
            Box::pin(async move {
                store(connection, &deliveries, None).await?;
                arrivals::note(connection, &deliveries).await
            })
        })
        .await
    }
}

/// Stores deliveries, which may be from a backfill.
pub(super) async fn store(
    connection: &mut Connection,
    deliveries: &[NewDelivery],
    backfill: Option<i64>,
) -> Result<()> {
    for some in deliveries.chunks(ROWS_A_STATEMENT) {
        let mut query =
            QueryBuilder::new("INSERT INTO request (id, connector, job_status, due, backfill) ");
        query.push_values(some, |mut row, delivery| {
            row.push_bind(delivery.id.number()).push_bind(delivery.connector.0);
            row.push("'queued'").push("0").push_bind(backfill);
        });
        query.build().persistent(some.len() == 1).execute(&mut *connection).await?;
        let mut query = QueryBuilder::new(
            "INSERT INTO delivery (id, connector, received_at, origin, content_type, body) ",
        );
        query.push_values(some, |mut row, delivery| {
            row.push_bind(delivery.id.number())
                .push_bind(delivery.connector.0)
                .push_bind(ms(delivery.received_at))
                .push_bind(delivery.origin.stored())
                .push_bind(delivery.content_type.as_deref())
                .push_bind(&delivery.body[..]);
        });
        query.build().persistent(some.len() == 1).execute(&mut *connection).await?;
    }
    Ok(())
}

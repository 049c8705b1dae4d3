//! Mass changes that wait for a person's confirmation.

use async_trait::async_trait;
use jiff::Timestamp;
use plan::id::ConnectorId;
use sqlx::Row;

use super::audit::{Entry, audit};
use super::values::{Place, json, ms};
use super::{Backend, Connection, DbRow, QueryBuilder, push_list};
use crate::audit::Actor;
use crate::error::{Error, Result};
use crate::mass_change::{HeldNews, MassChange, MassChanges};

#[async_trait]
impl MassChanges for Backend {
    async fn mass_changes(
        &self,
        connectors: &[ConnectorId],
    ) -> Result<Vec<(ConnectorId, MassChange)>> {
        read(&mut *self.begin_read().await?, connectors).await
    }

    async fn confirm_mass_change(
        &self,
        (connector, name): (ConnectorId, &str),
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()> {
        let (name, actor) = (name.to_owned(), actor.clone());
        self.write(move |connection| {
            let (name, actor) = (name.clone(), actor.clone());
            Box::pin(async move {
                let kept = read(connection, &[connector]).await?;
                let held = kept.first().filter(|(_, kept)| kept.held_at.is_some());
                let Some((_, held)) = held else {
                    return Err(Error::Refused(format!("the connector {name} has no changes to confirm")));
                };
                sqlx::query(
                    "UPDATE mass_change SET held_at = NULL, confirmed_until = $2 WHERE connector = $1",
                )
                .bind(connector.0)
                .bind(ms(now + MassChange::CONFIRMED))
                .execute(&mut *connection)
                .await?;
                let (subject, after) = (name.as_str(), Some(json(&held.changes)?));
                let entry = Entry { action: "confirm_mass_change", subject, before: None, after };
                audit(connection, &actor, now, &entry).await
            })
        })
        .await
    }
}

async fn read(
    connection: &mut Connection,
    connectors: &[ConnectorId],
) -> Result<Vec<(ConnectorId, MassChange)>> {
    let mut query = QueryBuilder::new(
        "SELECT connector, held_at, changes, confirmed_until FROM mass_change WHERE connector IN ",
    );
    // SQL has no empty lists; no connector has this number.
    push_list(&mut query, connectors.iter().map(|connector| connector.0).chain([-1]));
    let rows = query.build().persistent(false).fetch_all(connection).await?;
    let held = |row: &DbRow| {
        let connector: i64 = row.try_get(0)?;
        let place = Place { table: "mass_change", row: &connector };
        let time = |at: Option<i64>| at.map(|at| place.time(at)).transpose();
        let held = MassChange {
            held_at: time(row.try_get(1)?)?,
            changes: row.try_get::<i64, _>(2)?.cast_unsigned(),
            confirmed_until: time(row.try_get(3)?)?,
        };
        Ok((ConnectorId(connector), held))
    };
    rows.iter().map(held).collect()
}

/// Stores that a connector is held.
pub(super) async fn keep(connection: &mut Connection, news: &HeldNews) -> Result<()> {
    sqlx::query(
        "INSERT INTO mass_change (connector, held_at, changes, notified) VALUES ($1, $2, $3, 0) \
         ON CONFLICT (connector) DO UPDATE SET held_at = $2, changes = $3, notified = 0",
    )
    .bind(news.connector.0)
    .bind(ms(news.at))
    .bind(news.changes.cast_signed())
    .execute(connection)
    .await?;
    Ok(())
}

//! Which leads are one person.

use plan::id::AccountId;
use plan::link::{Link, Pair, Side};
use sqlx::Row;

use super::values::{self, Place};
use super::{Backend, Connection, DbRow, QueryBuilder, ROWS_A_STATEMENT, push_list};
use crate::Result;

const COLUMNS: &str =
    "first_account, second_account, first_lead, second_lead, first_end, second_end";

impl Backend {
    pub(super) async fn find_links(
        &self,
        pair: Pair,
        side: Side,
        lead_ids: &[String],
    ) -> Result<Vec<Link>> {
        let mut links = Vec::with_capacity(lead_ids.len());
        let mut transaction = self.begin_read().await?;
        for some in lead_ids.chunks(ROWS_A_STATEMENT) {
            let mut query = QueryBuilder::new(format!("SELECT {COLUMNS} FROM link WHERE "));
            push_pair(&mut query, pair);
            query.push(match side {
                Side::First => " AND first_lead IN ",
                Side::Second => " AND second_lead IN ",
            });
            push_list(&mut query, some.iter().map(String::as_str));
            for row in query.build().persistent(false).fetch_all(&mut *transaction).await? {
                links.push(link(&row)?);
            }
        }
        Ok(links)
    }

    pub(super) async fn count_pair(&self, pair: Pair) -> Result<u64> {
        let mut transaction = self.begin_read().await?;
        let mut query = QueryBuilder::new("SELECT count(*) FROM link WHERE ");
        push_pair(&mut query, pair);
        let row = query.build().fetch_one(&mut *transaction).await?;
        Ok(row.try_get::<i64, _>(0)?.cast_unsigned())
    }
}

/// Keeps links as they are now. A lead is linked once: an older link of either lead goes.
pub(super) async fn keep(connection: &mut Connection, links: &[Link]) -> Result<()> {
    for some in links.chunks(ROWS_A_STATEMENT) {
        let mut query = QueryBuilder::new(
            "DELETE FROM link WHERE (first_account, second_account, second_lead) IN (",
        );
        query.push_values(some, |mut row, link| {
            row.push_bind(link.pair.first.0)
                .push_bind(link.pair.second.0)
                .push_bind(&link.second.lead_id);
        });
        query.push(")");
        query.build().persistent(false).execute(&mut *connection).await?;
        let mut rows = Vec::with_capacity(some.len());
        for link in some {
            rows.push((link, values::json(&link.first)?, values::json(&link.second)?));
        }
        let mut query = QueryBuilder::new(format!("INSERT INTO link ({COLUMNS}) "));
        query.push_values(&rows, |mut row, (link, first, second)| {
            row.push_bind(link.pair.first.0)
                .push_bind(link.pair.second.0)
                .push_bind(&link.first.lead_id)
                .push_bind(&link.second.lead_id)
                .push_bind(first)
                .push_bind(second);
        });
        query.push(
            " ON CONFLICT (first_account, second_account, first_lead) DO UPDATE SET \
             second_lead = excluded.second_lead, first_end = excluded.first_end, \
             second_end = excluded.second_end",
        );
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Forgets every link of a pair.
pub(super) async fn forget(connection: &mut Connection, pair: Pair) -> Result<()> {
    let mut query = QueryBuilder::new("DELETE FROM link WHERE ");
    push_pair(&mut query, pair);
    query.build().execute(connection).await?;
    Ok(())
}

fn push_pair(query: &mut QueryBuilder, pair: Pair) {
    query.push("first_account = ").push_bind(pair.first.0);
    query.push(" AND second_account = ").push_bind(pair.second.0);
}

fn link(row: &DbRow) -> Result<Link> {
    let (first_lead, second_lead): (String, String) = (row.try_get(2)?, row.try_get(3)?);
    let place = Place { table: "link", row: &first_lead };
    let mut first: plan::link::End = place.parse(row.try_get(4)?)?;
    let mut second: plan::link::End = place.parse(row.try_get(5)?)?;
    first.lead_id.clone_from(&first_lead);
    second.lead_id = second_lead;
    let pair = Pair { first: AccountId(row.try_get(0)?), second: AccountId(row.try_get(1)?) };
    Ok(Link { pair, first, second })
}

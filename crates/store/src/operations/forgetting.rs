//! Erasing a person. What was deleted is overwritten: see `clean` of both databases.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::Timestamp;
use plan::mask::{ERASED, Traces};
use plan::problem::Problem;
use sqlx::Row;

use super::retention::{delete, delete_requests};
use super::values::{Place, json};
use super::{Backend, Connection, QueryBuilder, audit, lease, links, person, push_list};
use crate::audit::Actor;
use crate::error::Result;
use crate::privacy::{Forgotten, Kept, Privacy, Who};
use crate::progress::CallRef;

/// How many requests, or texts, are changed in one transaction.
const STEP: usize = 50;

#[async_trait]
impl Privacy for Backend {
    async fn person(&self, who: &Who) -> Result<Kept> {
        person::find(&mut *self.begin_read().await?, &self.cipher, who).await
    }

    async fn forget(&self, who: &Who, actor: &Actor, now: Timestamp) -> Result<Forgotten> {
        let mut reading = self.begin_read().await?;
        let kept = person::find(&mut reading, &self.cipher, who).await?;
        let traces = person::traces(&mut reading, who, &kept).await?;
        drop(reading);
        let mut forgotten = Forgotten { leads: kept.leads.len() as u64, ..Forgotten::default() };
        self.erase_reviews(&kept, &mut forgotten).await?;
        self.erase_requests(&kept, &traces, &mut forgotten).await?;
        self.erase_unread(&traces, &mut forgotten).await?;
        self.erase_texts(&traces, &mut forgotten).await?;
        self.cover_links(&kept, &mut forgotten).await?;
        let after = Some(json(&forgotten)?);
        self.note("forget_person", who, after, actor, now).await?;
        forgotten.is_clean = self.clean().await?;
        Ok(forgotten)
    }

    async fn note_export(&self, who: &Who, actor: &Actor, now: Timestamp) -> Result<()> {
        self.note("export_person", who, None, actor, now).await
    }
}

impl Backend {
    /// Adds an entry about a person to the audit log. The hash lets whoever knows the address, number
    /// or ID, and has the key file, recognise the entry, and nobody else.
    async fn note(
        &self,
        action: &'static str,
        who: &Who,
        after: Option<String>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()> {
        let hash = self.cipher.hash("person", &who.text().to_lowercase());
        let (subject, actor) = (format!("person {hash:016x}"), actor.clone());
        self.write(move |connection| {
            Box::pin(async move {
                let entry = audit::Entry { action, subject: &subject, before: None, after };
                audit::audit(connection, &actor, now, &entry).await
            })
        })
        .await
    }

    async fn erase_reviews(&self, kept: &Kept, forgotten: &mut Forgotten) -> Result<()> {
        let reviews = kept.reviews.clone();
        forgotten.reviews_deleted = self
            .write(move |connection| {
                Box::pin(async move { delete(connection, ("review", "id"), &reviews).await })
            })
            .await?;
        Ok(())
    }

    /// Deletes the requests that are only about this person, and masks the person in others.
    async fn erase_requests(
        &self,
        kept: &Kept,
        traces: &Traces,
        forgotten: &mut Forgotten,
    ) -> Result<()> {
        let mut requests: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
        for key in &kept.records {
            requests.entry(key.request.number()).or_default().insert(i64::from(key.position));
        }
        let requests: Vec<(i64, BTreeSet<i64>)> = requests.into_iter().collect();
        for some in requests.chunks(STEP) {
            let (some, traces) = (some.to_vec(), traces.clone());
            let done = self
                .write(move |connection| {
                    Box::pin(async move { erase_some(connection, &some, &traces).await })
                })
                .await?;
            forgotten.requests_deleted += done.requests_deleted;
            forgotten.requests_masked += done.requests_masked;
            forgotten.requests_left += done.requests_left;
            forgotten.calls_deleted += done.calls_deleted;
        }
        Ok(())
    }

    /// Deletes requests that could not be read, so that no record says who is in them. Those that
    /// wait to be read are left.
    async fn erase_unread(&self, traces: &Traces, forgotten: &mut Forgotten) -> Result<()> {
        let mut after = i64::MIN;
        loop {
            let mut reading = self.begin_read().await?;
            let rows = sqlx::query(
                "SELECT id, body FROM delivery WHERE id > $1 AND NOT EXISTS (SELECT 1 FROM mention m \
                 WHERE m.request = delivery.id) ORDER BY id LIMIT $2",
            )
            .bind(after)
            .bind(i64::try_from(STEP).unwrap_or(i64::MAX))
            .fetch_all(&mut *reading)
            .await?;
            drop(reading);
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.try_get(0)?;
            let mut theirs = Vec::new();
            for row in &rows {
                if traces.are_in(&String::from_utf8_lossy(row.try_get(1)?)) {
                    theirs.push((row.try_get(0)?, BTreeSet::new()));
                }
            }
            let no_traces = Traces::default();
            let done = self
                .write(move |connection| {
                    Box::pin(async move { erase_some(connection, &theirs, &no_traces).await })
                })
                .await?;
            forgotten.requests_deleted += done.requests_deleted;
            forgotten.requests_left += done.requests_left;
        }
    }

    /// Masks the person in everything else that is stored.
    async fn erase_texts(&self, traces: &Traces, forgotten: &mut Forgotten) -> Result<()> {
        for text in TEXTS {
            let masked = self.erase_in(text, traces).await?;
            if text.table == "call" {
                forgotten.calls_masked += masked;
            } else {
                forgotten.texts_masked += masked;
            }
        }
        Ok(())
    }

    /// Reads a table once, in order, and writes what has to be masked in it.
    async fn erase_in(&self, text: &'static Texts, traces: &Traces) -> Result<u64> {
        let (mut masked, mut after) = (0, Vec::new());
        loop {
            let rows = text.find(&mut *self.begin_read().await?, traces, &after).await?;
            let Some(last) = rows.last() else { return Ok(masked) };
            let last = last.key.clone();
            let traces = traces.clone();
            let changed = self
                .write(move |connection| {
                    Box::pin(async move { text.mask(connection, &rows, &traces).await })
                })
                .await?;
            masked += changed;
            if text.key != PARTS {
                after = last;
            } else if changed == 0 {
                return Ok(masked);
            }
        }
    }

    async fn cover_links(&self, kept: &Kept, forgotten: &mut Forgotten) -> Result<()> {
        if kept.links.is_empty() {
            return Ok(());
        }
        let (stale, cipher) = (kept.links.clone(), self.cipher.clone());
        forgotten.links_covered = self
            .write(move |connection| {
                Box::pin(async move {
                    let accounts: BTreeSet<_> =
                        stale.iter().flat_map(|link| [link.pair.first, link.pair.second]).collect();
                    let accounts: Vec<_> = accounts.into_iter().collect();
                    // As in `links::release_field`: the link read below is the latest.
                    lease::revoke(connection, &accounts).await?;
                    let mut covered = Vec::with_capacity(stale.len());
                    for link in stale {
                        let ids = [link.first.id.clone()];
                        let side = plan::link::Side::First;
                        let found = links::find(connection, &cipher, link.pair, side, &ids).await?;
                        for mut link in found {
                            let veils = links::veils(&cipher, &link);
                            link.cover(veils);
                            covered.push(link);
                        }
                    }
                    links::keep(connection, &covered).await?;
                    Ok(covered.len() as u64)
                })
            })
            .await?;
        Ok(())
    }
}

async fn erase_some(
    connection: &mut Connection,
    requests: &[(i64, BTreeSet<i64>)],
    traces: &Traces,
) -> Result<Forgotten> {
    let mut done = Forgotten::default();
    let mut theirs = Vec::new();
    for (request, positions) in requests {
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM record r WHERE r.request = request.id), \
             finished_at IS NULL OR EXISTS (SELECT 1 FROM record r WHERE r.request = request.id \
             AND r.due IS NOT NULL) FROM request WHERE id = $1",
        )
        .bind(request)
        .fetch_optional(&mut *connection)
        .await?;
        let Some(row) = row else { continue };
        if row.try_get::<bool, _>(1)? {
            done.requests_left += 1;
            continue;
        }
        done.calls_deleted += delete_calls(connection, *request, positions).await?;
        let is_unread = positions.is_empty();
        let others = row.try_get::<i64, _>(0)? - i64::try_from(positions.len()).unwrap_or(0);
        if is_unread || others <= 0 {
            theirs.push(*request);
            continue;
        }
        mask_body(connection, *request, traces).await?;
        for position in positions {
            mask_record(connection, *request, *position).await?;
        }
        done.requests_masked += 1;
    }
    delete_requests(connection, &theirs).await?;
    done.requests_deleted = theirs.len() as u64;
    Ok(done)
}

/// Deletes the calls that were made for these records alone. Bulk calls are masked later.
async fn delete_calls(
    connection: &mut Connection,
    request: i64,
    positions: &BTreeSet<i64>,
) -> Result<u64> {
    let rows = sqlx::query("SELECT position, calls FROM attempt WHERE request = $1")
        .bind(request)
        .fetch_all(&mut *connection)
        .await?;
    let place = Place { table: "attempt", row: &request };
    let mut calls = BTreeSet::new();
    for row in &rows {
        if positions.contains(&row.try_get(0)?) {
            let own: Vec<CallRef> = place.parse(row.try_get(1)?)?;
            calls.extend(own.into_iter().filter(|call| call.row.is_none()).map(|call| call.id));
        }
    }
    let calls: Vec<i64> = calls.into_iter().collect();
    delete(connection, ("call", "id"), &calls).await
}

/// Masks the person in a body that has other people's records too. Its positions stay.
async fn mask_body(connection: &mut Connection, request: i64, traces: &Traces) -> Result<()> {
    let row = sqlx::query("SELECT body FROM delivery WHERE id = $1")
        .bind(request)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(()) };
    let body: &[u8] = row.try_get(0)?;
    let masked = match std::str::from_utf8(body) {
        Ok(text) => traces.masked(text),
        // It can't be searched.
        Err(_) => Some(ERASED.to_owned()),
    };
    if let Some(masked) = masked {
        sqlx::query("UPDATE delivery SET body = $2 WHERE id = $1")
            .bind(request)
            .bind(masked.into_bytes())
            .execute(connection)
            .await?;
    }
    Ok(())
}

async fn mask_record(connection: &mut Connection, request: i64, position: i64) -> Result<()> {
    for sql in [
        "DELETE FROM mention WHERE request = $1 AND position = $2",
        "UPDATE record SET source_id = NULL, destination_id = NULL, known_as = NULL, name = NULL, \
         explanation = NULL WHERE request = $1 AND position = $2",
    ] {
        sqlx::query(sql).bind(request).bind(position).execute(&mut *connection).await?;
    }
    for table in ["record", "attempt"] {
        let sql = format!(
            "SELECT DISTINCT problem FROM {table} WHERE request = $1 AND position = $2 \
             AND problem IS NOT NULL"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(request)
            .bind(position)
            .fetch_all(&mut *connection)
            .await?;
        for row in rows {
            let problem: &str = row.try_get(0)?;
            let place = Place { table: "record", row: &request };
            let masked = json(&masked_problem(&place.parse(problem)?))?;
            let sql = format!(
                "UPDATE {table} SET problem = $4 WHERE request = $1 AND position = $2 \
                 AND problem = $3"
            );
            sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(request)
                .bind(position)
                .bind(problem)
                .bind(masked)
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}

/// A problem without the values that it quotes.
fn masked_problem(problem: &Problem) -> Problem {
    let masked = Problem::new(problem.code, ERASED, ERASED);
    match &problem.field {
        Some(field) => masked.about(field),
        None => masked,
    }
}

/// Columns that may hold texts about anybody.
struct Texts {
    table: &'static str,
    /// The columns of numbers that identify a row,
    key: &'static [&'static str],
    /// those that are searched,
    columns: &'static [&'static str],
    /// and what is done to a row with the person in it.
    how: How,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// The person is masked in each column.
    Mask,
    /// Each column is a problem, whose texts are replaced.
    Problem,
    /// The columns become empty.
    Empty,
    /// The row is deleted.
    Delete,
}

/// A row with the person in it.
struct Found {
    key: Vec<i64>,
    texts: Vec<Option<String>>,
}

const TEXTS: &[Texts] = &[
    Texts {
        table: "call",
        key: &["id"],
        columns: &["url", "request", "response", "error"],
        how: How::Mask,
    },
    Texts {
        table: "record",
        key: &["request", "position"],
        columns: &["problem"],
        how: How::Problem,
    },
    Texts {
        table: "record",
        key: &["request", "position"],
        columns: &["explanation"],
        how: How::Empty,
    },
    Texts {
        table: "attempt",
        key: &["request", "position", "number"],
        columns: &["problem"],
        how: How::Problem,
    },
    Texts { table: "review", key: &["id"], columns: &["evidence", "choice"], how: How::Delete },
    Texts { table: "mail", key: &["id"], columns: &["subject", "body", "error"], how: How::Mask },
    Texts {
        table: "audit",
        key: &["id"],
        columns: &["subject", "before", "after"],
        how: How::Mask,
    },
    Texts { table: "retry_batch", key: &["id"], columns: &["filter"], how: How::Empty },
    Texts { table: "saved_view", key: &["id"], columns: &["query", "name"], how: How::Delete },
    Texts {
        table: "parity_lead",
        key: &["connector", "number"],
        columns: &["what"],
        how: How::Delete,
    },
    Texts { table: "incident_cause", key: PARTS, columns: &["problem"], how: How::Problem },
    Texts { table: "dismissal", key: PARTS, columns: &["note"], how: How::Mask },
];

/// The key of tables of which a connector has several rows.
const PARTS: &[&str] = &["connector"];

impl Texts {
    /// The next rows with the person in them.
    async fn find(
        &self,
        connection: &mut Connection,
        traces: &Traces,
        after: &[i64],
    ) -> Result<Vec<Found>> {
        let Self { table, key, columns, .. } = self;
        let keys = key.join(", ");
        let mut query = QueryBuilder::new(format!(
            "SELECT {keys}, {} FROM {table} WHERE (",
            columns.join(", ")
        ));
        for (n, column) in columns.iter().enumerate() {
            for (m, trace) in traces.texts().iter().enumerate() {
                query.push(if n + m == 0 { "" } else { " OR " });
                query.push(format!("lower({column}) LIKE "));
                query.push_bind(pattern(trace)).push(" ESCAPE '\\'");
            }
        }
        query.push(")");
        if !after.is_empty() {
            query.push(format!(" AND ({keys}) > "));
            push_list(&mut query, after.iter().copied());
        }
        query.push(format!(" ORDER BY {keys} LIMIT "));
        query.push_bind(i64::try_from(STEP).unwrap_or(i64::MAX));
        let rows = query.build().persistent(false).fetch_all(connection).await?;
        let found = |row: &super::DbRow| {
            let keys = (0..key.len()).map(|at| row.try_get(at)).collect::<Result<_, _>>()?;
            let texts = (0..columns.len()).map(|at| row.try_get(key.len() + at));
            Ok(Found { key: keys, texts: texts.collect::<Result<_, _>>()? })
        };
        rows.iter().map(found).collect()
    }

    /// Masks the person in these rows; returns how many were changed.
    async fn mask(
        &self,
        connection: &mut Connection,
        rows: &[Found],
        traces: &Traces,
    ) -> Result<u64> {
        let mut changed = 0;
        for row in rows {
            let mut query = QueryBuilder::new("");
            if self.how == How::Delete {
                query.push(format!("DELETE FROM {}", self.table));
            } else {
                query.push(format!("UPDATE {} SET ", self.table));
                for (n, (column, text)) in self.columns.iter().zip(&row.texts).enumerate() {
                    query.push(if n == 0 { "" } else { ", " });
                    query.push(format!("{column} = "));
                    query.push_bind(self.masked(text.as_deref(), traces)?);
                }
            }
            for (n, (column, value)) in self.key.iter().zip(&row.key).enumerate() {
                query.push(if n == 0 { " WHERE " } else { " AND " });
                query.push(format!("{column} = ")).push_bind(*value);
            }
            // Where the key is not all of the table's, other rows keep their texts.
            for (column, text) in self.columns.iter().zip(&row.texts) {
                if let Some(text) = text {
                    query.push(format!(" AND {column} = ")).push_bind(text.clone());
                }
            }
            changed +=
                query.build().persistent(false).execute(&mut *connection).await?.rows_affected();
        }
        Ok(changed)
    }

    fn masked(&self, text: Option<&str>, traces: &Traces) -> Result<Option<String>> {
        let Some(text) = text else { return Ok(None) };
        Ok(match self.how {
            How::Mask => Some(traces.masked(text).unwrap_or_else(|| text.to_owned())),
            How::Problem => {
                let problem = Place { table: self.table, row: &"of a person" }.parse(text)?;
                Some(json(&masked_problem(&problem))?)
            }
            How::Empty | How::Delete => None,
        })
    }
}

/// A pattern that finds a text anywhere.
fn pattern(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

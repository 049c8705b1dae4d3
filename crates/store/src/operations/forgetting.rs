//! Erasing a person. What was deleted is overwritten: see `clean` of both databases.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::Timestamp;
use plan::mask::{ERASED, Traces};
use sqlx::Row;

use super::retention::{delete, delete_requests};
use super::texts::{TEXTS, Texts, masked_problem};
use super::values::{Place, json};
use super::{Backend, Connection, audit, lease, links, person};
use crate::audit::Actor;
use crate::error::Result;
use crate::privacy::{Forgotten, Kept, Privacy, Who};
use crate::progress::CallRef;

/// How many requests are changed in one transaction.
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
            if text.is_keyed() {
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

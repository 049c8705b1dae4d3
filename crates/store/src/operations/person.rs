//! What is kept of a person.

use std::collections::{BTreeMap, BTreeSet};

use plan::id::{AccountId, RequestId};
use plan::link::{Link, Pair, Side};
use plan::mask::Traces;
use plan::outcome::Entity;
use plan::payload::{self, Found};
use plan::phone;
use sqlx::Row;

use super::values::Place;
use super::{Connection, QueryBuilder, ROWS_A_STATEMENT, links, push_list};
use crate::error::{Error, Result};
use crate::privacy::{Kept, LeadOf, Who};
use crate::progress::RecordKey;
use crate::secret::Cipher;

/// How often links and records are followed to each other: from a lead to its twin, and to what was
/// said about that.
const ROUNDS: usize = 4;
/// Fewer digits are not a phone number.
const FEWEST_DIGITS: usize = 8;

pub(super) async fn find(connection: &mut Connection, cipher: &Cipher, who: &Who) -> Result<Kept> {
    let mut records: BTreeSet<(i64, i64)> = mentioning(connection, who.forms()).await?;
    // The text may be an ID that no record mentions any more.
    let mut ids: BTreeSet<String> = who.forms().iter().cloned().collect();
    let (mut leads, mut groups) = (BTreeSet::new(), Groups::default());
    let mut found: BTreeMap<(Pair, String), Link> = BTreeMap::new();
    for _ in 0..ROUNDS {
        let before = (records.len(), leads.len(), found.len());
        for (entity, of_record) in ends_of(connection, &records).await? {
            // An activity is nobody, but its link has values of the person.
            ids.extend(of_record.iter().map(|end| end.id.clone()));
            if entity == Entity::Lead {
                groups.join(&of_record);
                leads.extend(of_record);
            }
        }
        ids.extend(leads.iter().map(|lead: &LeadOf| lead.id.clone()));
        for link in links_of(connection, cipher, &ids).await? {
            let ends = [(link.pair.first, &link.first.id), (link.pair.second, &link.second.id)];
            let ends = ends.map(|(account, id)| LeadOf { account, id: id.clone() });
            if link.entity == Entity::Lead {
                groups.join(&ends);
                leads.extend(ends);
            }
            found.insert((link.pair, link.first.id.clone()), link);
        }
        let ids: Vec<String> = leads.iter().map(|lead| lead.id.clone()).collect();
        records.extend(mentioning(connection, &ids).await?);
        if before == (records.len(), leads.len(), found.len()) {
            break;
        }
    }
    if groups.number() > 1 && !who.means_all() {
        let some: Vec<&str> = leads.iter().take(10).map(|lead| lead.id.as_str()).collect();
        return Err(Error::Refused(format!(
            "several people have this email address or phone number: pass the ID of one of their \
             leads ({}), or --all for all of them",
            some.join(", ")
        )));
    }
    let lead_ids: Vec<String> = leads.iter().map(|lead| lead.id.clone()).collect();
    let reviews = reviews_of(connection, &lead_ids).await?;
    let mut keys = Vec::with_capacity(records.len());
    for (request, position) in records {
        let request = RequestId::from_number(request);
        let position = Place { table: "mention", row: &request }.count(position)?;
        keys.push(RecordKey { request, position });
    }
    let links = found.into_values().collect();
    Ok(Kept { leads: leads.into_iter().collect(), records: keys, links, reviews })
}

/// People, as leads that are known to be the same.
#[derive(Default)]
struct Groups(Vec<BTreeSet<LeadOf>>);

impl Groups {
    fn join(&mut self, leads: &[LeadOf]) {
        let (same, others): (Vec<_>, Vec<_>) = std::mem::take(&mut self.0)
            .into_iter()
            .partition(|group| leads.iter().any(|lead| group.contains(lead)));
        self.0 = others;
        let joined: BTreeSet<LeadOf> =
            same.into_iter().flatten().chain(leads.iter().cloned()).collect();
        if !joined.is_empty() {
            self.0.push(joined);
        }
    }

    fn number(&self) -> usize {
        self.0.len()
    }
}

/// The records that mention one of these values.
async fn mentioning(
    connection: &mut Connection,
    values: &[String],
) -> Result<BTreeSet<(i64, i64)>> {
    let mut records = BTreeSet::new();
    for some in values.chunks(ROWS_A_STATEMENT) {
        let mut query =
            QueryBuilder::new("SELECT DISTINCT request, position FROM mention WHERE value IN ");
        push_list(&mut query, some.iter().map(String::as_str));
        for row in query.build().persistent(false).fetch_all(&mut *connection).await? {
            records.insert((row.try_get(0)?, row.try_get(1)?));
        }
    }
    Ok(records)
}

/// The leads, or activities, of these records, each record's together.
async fn ends_of(
    connection: &mut Connection,
    records: &BTreeSet<(i64, i64)>,
) -> Result<Vec<(Entity, Vec<LeadOf>)>> {
    let requests: BTreeSet<i64> = records.iter().map(|(request, _)| *request).collect();
    let requests: Vec<i64> = requests.into_iter().collect();
    let mut all = Vec::new();
    for some in requests.chunks(ROWS_A_STATEMENT) {
        let mut query = QueryBuilder::new(
            "SELECT r.request, r.position, c.source, c.destination, r.source_id, r.destination_id, \
             r.entity FROM record r JOIN connector c ON c.id = r.connector WHERE r.request IN ",
        );
        push_list(&mut query, some.iter().copied());
        for row in query.build().persistent(false).fetch_all(&mut *connection).await? {
            if !records.contains(&(row.try_get(0)?, row.try_get(1)?)) {
                continue;
            }
            let mut of_record = Vec::new();
            for (account, id) in [(2, 4), (3, 5)] {
                if let Some(id) = row.try_get::<Option<String>, _>(id)? {
                    of_record.push(LeadOf { account: AccountId(row.try_get(account)?), id });
                }
            }
            if !of_record.is_empty() {
                let place = Place { table: "record", row: &of_record[0].id };
                all.push((place.word(row.try_get(6)?)?, of_record));
            }
        }
    }
    Ok(all)
}

/// The links with one of these ids at an end.
async fn links_of(
    connection: &mut Connection,
    cipher: &Cipher,
    ids: &BTreeSet<String>,
) -> Result<Vec<Link>> {
    let ids: Vec<String> = ids.iter().cloned().collect();
    let rows = sqlx::query("SELECT DISTINCT source, destination FROM connector")
        .fetch_all(&mut *connection)
        .await?;
    let mut pairs = BTreeSet::new();
    for row in &rows {
        pairs.insert(Pair::of(AccountId(row.try_get(0)?), AccountId(row.try_get(1)?)));
    }
    let mut found = Vec::new();
    for pair in pairs {
        for side in [Side::First, Side::Second] {
            found.extend(links::find(connection, cipher, pair, side, &ids).await?);
        }
    }
    Ok(found)
}

async fn reviews_of(connection: &mut Connection, leads: &[String]) -> Result<Vec<i64>> {
    let mut reviews = BTreeSet::new();
    for some in leads.chunks(ROWS_A_STATEMENT) {
        for column in ["source_id", "destination_id"] {
            let mut query = QueryBuilder::new(format!("SELECT id FROM review WHERE {column} IN "));
            push_list(&mut query, some.iter().map(String::as_str));
            for row in query.build().persistent(false).fetch_all(&mut *connection).await? {
                reviews.insert(row.try_get(0)?);
            }
        }
    }
    Ok(reviews.into_iter().collect())
}

/// What the person is recognised by in texts: what was asked for, the ids, and the email addresses,
/// phone numbers and full names of the records.
pub(super) async fn traces(connection: &mut Connection, who: &Who, kept: &Kept) -> Result<Traces> {
    let mut texts: BTreeSet<String> = kept.leads.iter().map(|lead| lead.id.clone()).collect();
    texts.insert(who.text().to_owned());
    let requests: BTreeSet<i64> = kept.records.iter().map(|key| key.request.number()).collect();
    let is_theirs = |request: i64, position: usize| {
        let request = RequestId::from_number(request);
        kept.records.iter().any(|key| {
            key.request == request && usize::try_from(key.position).is_ok_and(|at| at == position)
        })
    };
    // A body at a time: each may have megabytes.
    for request in requests {
        let row = sqlx::query("SELECT body, content_type FROM delivery WHERE id = $1")
            .bind(request)
            .fetch_optional(&mut *connection)
            .await?;
        if let Some(row) = row {
            let body: &[u8] = row.try_get(0)?;
            let entries = payload::read(body, row.try_get(1)?).unwrap_or_default();
            let theirs = entries.iter().enumerate().filter(|(at, _)| is_theirs(request, *at));
            for item in theirs.filter_map(|(_, entry)| entry.as_ref().ok()) {
                for field in ["EmailAddress", "Phone", "Mobile"] {
                    if let Found::Text(text) = item.find(field) {
                        texts.insert(text.clone().into());
                    }
                }
            }
        }
        let rows = sqlx::query("SELECT position, known_as, name FROM record WHERE request = $1")
            .bind(request)
            .fetch_all(&mut *connection)
            .await?;
        for row in rows {
            let position: i64 = row.try_get(0)?;
            if !usize::try_from(position).is_ok_and(|position| is_theirs(request, position)) {
                continue;
            }
            texts.extend(row.try_get::<Option<String>, _>(1)?);
            // A single word names many people.
            let name = row.try_get::<Option<String>, _>(2)?;
            texts.extend(name.filter(|name| name.trim().contains(' ')));
        }
    }
    let numbers: Vec<String> = texts
        .iter()
        .filter(|text| !text.contains('@') && phone::digits(text).len() >= FEWEST_DIGITS)
        .flat_map(|text| phone::search_forms(text))
        .filter(|form| form.len() >= FEWEST_DIGITS)
        .collect();
    texts.extend(numbers);
    Ok(Traces::of(texts))
}

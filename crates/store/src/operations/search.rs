//! Searches: each way uses an index, or is limited, however many records there are.

use plan::identity::mention;
use plan::phone;
use plan::search::{SHORTEST_PART, Sought, words};
use sqlx::Row;

use super::{Connection, QueryBuilder, push_list};
use crate::error::Result;
use crate::filter::Filter;

/// The most completions of a part.
const MOST_COMPLETIONS: usize = 50;
/// How many of the newest records are searched for a part that is not a prefix.
const NEWEST: i64 = 20_000;

/// The values of `mention` to search for: one of each term.
pub(super) type Terms = Vec<Vec<String>>;

/// The terms of a filter's search, if it has one. If no record has every term literally, a term is
/// completed: to values that begin with it, for a number also to those that end with it, or else to
/// those that contain it among the newest records.
pub(super) async fn terms(connection: &mut Connection, filter: &Filter) -> Result<Option<Terms>> {
    let Some(q) = &filter.q else { return Ok(None) };
    let mut terms = Sought::of(q).terms;
    if is_kept(connection, &terms).await? {
        return Ok(Some(terms));
    }
    for forms in &mut terms {
        let parts: Vec<String> =
            forms.iter().filter(|form| form.chars().count() >= SHORTEST_PART).cloned().collect();
        let mut found = Vec::new();
        for part in &parts {
            beginning_with(connection, part, &mut found).await?;
            if part.bytes().all(|byte| byte.is_ascii_digit()) {
                beginning_with(connection, &phone::backwards(part), &mut found).await?;
            }
        }
        if let (true, Some(part)) = (found.is_empty(), parts.first()) {
            found = among_newest(connection, part).await?;
        }
        forms.extend(found);
    }
    Ok(Some(terms))
}

/// Adds that a record, given by its request and position, matches the search.
pub(super) fn push_terms(query: &mut QueryBuilder, record: &str, terms: &[Vec<String>]) {
    for forms in terms {
        query.push(format!(
            " AND EXISTS (SELECT 1 FROM mention w WHERE w.request = {record}.request \
             AND w.position = {record}.position AND w.value IN "
        ));
        push_list(query, forms.iter().cloned());
        query.push(")");
    }
}

/// Whether there is a record with a form of each term.
async fn is_kept(connection: &mut Connection, terms: &[Vec<String>]) -> Result<bool> {
    let Some((first, others)) = terms.split_first() else { return Ok(false) };
    let mut query = QueryBuilder::new("SELECT 1 FROM mention m WHERE m.value IN ");
    push_list(&mut query, first.iter().cloned());
    push_terms(&mut query, "m", others);
    query.push(" LIMIT 1");
    Ok(query.build().persistent(false).fetch_optional(connection).await?.is_some())
}

/// The values with this prefix, each by one index lookup.
async fn beginning_with(
    connection: &mut Connection,
    part: &str,
    found: &mut Vec<String>,
) -> Result<()> {
    let end = format!("{part}{}", char::MAX);
    let mut last = part.to_owned();
    while found.len() < MOST_COMPLETIONS {
        let row = sqlx::query(
            "SELECT value FROM mention WHERE value > $1 AND value < $2 ORDER BY value LIMIT 1",
        )
        .bind(&last)
        .bind(&end)
        .fetch_optional(&mut *connection)
        .await?;
        let Some(row) = row else { break };
        last = row.try_get(0)?;
        found.push(last.clone());
    }
    Ok(())
}

/// What the newest records are recognised by, and the words of their names, if they contain this.
async fn among_newest(connection: &mut Connection, part: &str) -> Result<Vec<String>> {
    let mut pattern = String::from("%");
    for c in part.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    let rows = sqlx::query(
        "SELECT DISTINCT known_as, name FROM (SELECT known_as, name FROM record \
         ORDER BY request DESC, position DESC LIMIT $1) AS newest \
         WHERE lower(known_as) LIKE $2 ESCAPE '\\' OR lower(name) LIKE $2 ESCAPE '\\' LIMIT $3",
    )
    .bind(NEWEST)
    .bind(pattern)
    .bind(i64::try_from(MOST_COMPLETIONS).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await?;
    let mut found = Vec::new();
    for row in &rows {
        let (known_as, name): (Option<&str>, Option<&str>) = (row.try_get(0)?, row.try_get(1)?);
        let words = words(name.unwrap_or_default()).into_iter();
        found.extend(words.filter(|word| word.contains(part)));
        if let Some(known_as) = known_as.filter(|text| text.to_lowercase().contains(part)) {
            found.push(mention(known_as));
            found.extend(phone::search_forms(known_as));
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

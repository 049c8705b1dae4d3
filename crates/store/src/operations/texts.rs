//! Texts that may be about anybody, and masking a person in them.

use plan::mask::{ERASED, Traces};
use plan::problem::Problem;
use sqlx::Row;

use super::values::{Place, json};
use super::{Connection, DbRow, QueryBuilder, push_list};
use crate::error::Result;

/// How many rows are changed in one transaction.
const STEP: usize = 50;

/// Columns that may hold texts about anybody.
pub(super) struct Texts {
    pub(super) table: &'static str,
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
pub(super) struct Found {
    pub(super) key: Vec<i64>,
    texts: Vec<Option<String>>,
}

/// Every such column.
pub(super) const TEXTS: &[Texts] = &[
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
    /// Whether its key identifies a row.
    pub(super) fn is_keyed(&self) -> bool {
        self.key != PARTS
    }

    /// The next rows with the person in them.
    pub(super) async fn find(
        &self,
        connection: &mut Connection,
        traces: &Traces,
        after: &[i64],
    ) -> Result<Vec<Found>> {
        // All that is known of the person may be too short to be recognised in a text.
        if traces.texts().is_empty() {
            return Ok(Vec::new());
        }
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
        let found = |row: &DbRow| {
            let keys = (0..key.len()).map(|at| row.try_get(at)).collect::<Result<_, _>>()?;
            let texts = (0..columns.len()).map(|at| row.try_get(key.len() + at));
            Ok(Found { key: keys, texts: texts.collect::<Result<_, _>>()? })
        };
        rows.iter().map(found).collect()
    }

    /// Masks the person in these rows; returns how many were changed.
    pub(super) async fn mask(
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

/// A problem without the values that it quotes.
pub(super) fn masked_problem(problem: &Problem) -> Problem {
    let masked = Problem::new(problem.code, ERASED, ERASED);
    match &problem.field {
        Some(field) => masked.about(field),
        None => masked,
    }
}

//! Copying tables from one database to the other. Both have the same tables, with the same columns;
//! only the types differ.

use futures_util::TryStreamExt;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Connection, Postgres, QueryBuilder, Row};

use crate::error::{Error, Result};

/// Values of one statement, and bytes in them: PostgreSQL takes 65,535 values.
const MOST_VALUES: usize = 30_000;
const MOST_BYTES: usize = 4 << 20;

/// A table.
#[derive(Debug)]
struct Table {
    name: String,
    columns: Vec<Column>,
    /// Whether the database assigns its ids.
    counts: bool,
}

#[derive(Debug)]
struct Column {
    name: String,
    kind: Kind,
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Number,
    /// A number that is a boolean in PostgreSQL.
    Truth,
    Text,
    Bytes,
}

/// A value of a row.
#[derive(Debug)]
enum Value {
    Number(Option<i64>),
    Truth(Option<bool>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

impl Value {
    fn bytes(&self) -> usize {
        match self {
            Self::Number(_) | Self::Truth(_) => 8,
            Self::Text(text) => text.as_ref().map_or(0, String::len),
            Self::Bytes(bytes) => bytes.as_ref().map_or(0, Vec::len),
        }
    }
}

/// Copies all tables to an SQLite database, which already has them; their contents are replaced.
pub(crate) async fn copy_from_postgres(
    from: &mut PgConnection,
    to: &mut SqliteConnection,
) -> Result<()> {
    let tables = tables(from, to).await?;
    let mut to = to.begin().await?;
    for table in &tables {
        sqlx::raw_sql(AssertSqlSafe(format!("DELETE FROM {}", table.name)))
            .execute(&mut *to)
            .await?;
        let places = vec!["?"; table.columns.len()].join(", ");
        let insert = format!("INSERT INTO {} ({}) VALUES ({places})", table.name, table.list());
        let select = format!("SELECT {} FROM {}", table.list(), table.name);
        let mut rows = sqlx::query(AssertSqlSafe(select)).fetch(&mut *from);
        while let Some(row) = rows.try_next().await? {
            let mut query = sqlx::query(AssertSqlSafe(insert.clone()));
            for value in from_postgres(table, &row)? {
                query = match value {
                    Value::Number(value) => query.bind(value),
                    Value::Truth(value) => query.bind(value),
                    Value::Text(value) => query.bind(value),
                    Value::Bytes(value) => query.bind(value),
                };
            }
            query.execute(&mut *to).await?;
        }
        drop(rows);
        if table.counts {
            let last = format!(
                "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('{}', 'id')), 0)",
                table.name
            );
            let last: i64 =
                sqlx::query(AssertSqlSafe(last)).fetch_one(&mut *from).await?.try_get(0)?;
            sqlx::query("DELETE FROM sqlite_sequence WHERE name = ?")
                .bind(&table.name)
                .execute(&mut *to)
                .await?;
            sqlx::query("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)")
                .bind(&table.name)
                .bind(last)
                .execute(&mut *to)
                .await?;
        }
    }
    to.commit().await?;
    Ok(())
}

/// Replaces what is in the tables of a PostgreSQL database by what is in an SQLite database.
pub(crate) async fn copy_to_postgres(
    from: &mut SqliteConnection,
    to: &mut PgConnection,
) -> Result<()> {
    let tables = tables(to, from).await?;
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    sqlx::raw_sql(AssertSqlSafe(format!("TRUNCATE {}", names.join(", "))))
        .execute(&mut *to)
        .await?;
    for table in &tables {
        let select = format!("SELECT {} FROM {}", table.list(), table.name);
        let mut rows = sqlx::query(AssertSqlSafe(select)).fetch(&mut *from);
        let (mut waiting, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.try_next().await? {
            let row = from_sqlite(table, &row)?;
            bytes += row.iter().map(Value::bytes).sum::<usize>();
            waiting.push(row);
            if bytes > MOST_BYTES || waiting.len() * table.columns.len() > MOST_VALUES {
                insert(to, table, std::mem::take(&mut waiting)).await?;
                bytes = 0;
            }
        }
        drop(rows);
        insert(to, table, waiting).await?;
        if table.counts {
            let last = sqlx::query("SELECT seq FROM sqlite_sequence WHERE name = ?")
                .bind(&table.name)
                .fetch_optional(&mut *from)
                .await?;
            let last: i64 = last.map(|row| row.try_get(0)).transpose()?.unwrap_or(0);
            let set = format!(
                "SELECT setval(pg_get_serial_sequence('{}', 'id'), greatest({last}, 1), {})",
                table.name,
                last > 0
            );
            sqlx::raw_sql(AssertSqlSafe(set)).execute(&mut *to).await?;
        }
    }
    Ok(())
}

async fn insert(to: &mut PgConnection, table: &Table, rows: Vec<Vec<Value>>) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let head = format!("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE ", table.name, table.list());
    let mut query = QueryBuilder::<Postgres>::new(head);
    query.push_values(rows, |mut places, row| {
        for value in row {
            match value {
                Value::Number(value) => places.push_bind(value),
                Value::Truth(value) => places.push_bind(value),
                Value::Text(value) => places.push_bind(value),
                Value::Bytes(value) => places.push_bind(value),
            };
        }
    });
    query.build().persistent(false).execute(to).await?;
    Ok(())
}

impl Table {
    fn list(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        names.join(", ")
    }
}

/// The tables that both have, those that others refer to first.
async fn tables(postgres: &mut PgConnection, sqlite: &mut SqliteConnection) -> Result<Vec<Table>> {
    let booleans: Vec<(String, String)> = sqlx::query_as(
        "SELECT table_name::text, column_name::text FROM information_schema.columns \
         WHERE table_schema = current_schema() AND data_type = 'boolean'",
    )
    .fetch_all(postgres)
    .await?;
    // In order of creation.
    let named: Vec<(String, bool)> = sqlx::query_as(
        "SELECT name, sql LIKE '%AUTOINCREMENT%' FROM sqlite_schema WHERE type = 'table' \
         AND name NOT LIKE 'sqlite_%' AND name <> '_sqlx_migrations' ORDER BY rowid",
    )
    .fetch_all(&mut *sqlite)
    .await?;
    let mut tables = Vec::with_capacity(named.len());
    for (table, counts) in named {
        let found: Vec<(String, String)> =
            sqlx::query_as("SELECT name, type FROM pragma_table_info(?)")
                .bind(&table)
                .fetch_all(&mut *sqlite)
                .await?;
        let columns = found.into_iter().map(|(name, kind)| {
            let is_truth = booleans.iter().any(|(of, column)| *of == table && *column == name);
            let kind = match kind.as_str() {
                "INTEGER" if is_truth => Kind::Truth,
                "INTEGER" => Kind::Number,
                "TEXT" => Kind::Text,
                "BLOB" => Kind::Bytes,
                other => {
                    return Err(Error::Defect(format!(
                        "{table}.{name} has the unknown type {other}"
                    )));
                }
            };
            Ok(Column { name, kind })
        });
        let columns = columns.collect::<Result<_>>()?;
        tables.push(Table { name: table, columns, counts });
    }
    Ok(tables)
}

/// Makes the values of a row of either database.
macro_rules! values {
    ($table:expr, $row:expr) => {
        $table
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| {
                Ok(match column.kind {
                    Kind::Number => Value::Number($row.try_get(at)?),
                    Kind::Truth => Value::Truth($row.try_get(at)?),
                    Kind::Text => Value::Text($row.try_get(at)?),
                    Kind::Bytes => Value::Bytes($row.try_get(at)?),
                })
            })
            .collect()
    };
}

fn from_postgres(table: &Table, row: &PgRow) -> Result<Vec<Value>> {
    values!(table, row)
}

fn from_sqlite(table: &Table, row: &SqliteRow) -> Result<Vec<Value>> {
    values!(table, row)
}

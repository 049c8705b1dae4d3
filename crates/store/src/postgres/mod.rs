//! PostgreSQL: for several nodes.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgSslMode};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, Postgres, Row as _, Transaction};

use crate::backup;

use crate::error::{Error, Result};
use crate::open::Open;
use crate::secret::Cipher;
use operations::marks;

#[expect(clippy::duplicate_mod, reason = "the statements that both databases accept live once")]
#[path = "../operations/mod.rs"]
mod operations;

/// What the operations need to know about this database.
type Db = Postgres;
type Connection = PgConnection;

/// The database's clock, in milliseconds.
const NOW: &str = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)";
/// Appended to a read of lease rows: nobody may take the lease before this transaction ends.
const KEEP_ROWS: &str = " FOR SHARE";
/// Appended to a read of lease rows that are about to be taken.
const CLAIM_ROWS: &str = " FOR UPDATE";

/// The name of a service's connections to the server, so that others see that it runs.
pub(crate) const SERVES: &str = "leadsync serve";
/// The key file, in the working directory.
const KEY_FILE: &str = "leadsync.key";
/// The maximum number of connections of one node.
const CONNECTIONS: u32 = 10;
/// How long an operation waits for a connection, which may have to be opened first.
const ACQUIRE: Duration = Duration::from_secs(5);

/// Options that verify the server's certificate. sqlx's default, `sslmode=prefer`, takes any, or goes on
/// without encryption: it is left only for a server on this machine. `disable`, `require` and
/// `verify-ca` are a person's choice.
fn verified(options: PgConnectOptions) -> PgConnectOptions {
    let is_default = matches!(options.get_ssl_mode(), PgSslMode::Prefer | PgSslMode::Allow);
    if is_default && !is_local(&options) {
        options.ssl_mode(PgSslMode::VerifyFull)
    } else {
        options
    }
}

/// Whether the server is on this machine: behind a socket, or on a loopback address.
fn is_local(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    options.get_socket().is_some()
        || host.starts_with('/')
        || host == "localhost"
        || address.is_ok_and(|address| address.is_loopback())
}

/// What to do if it is the certificate for which the connection fails.
fn tls_advice(options: &PgConnectOptions) -> &'static str {
    match options.get_ssl_mode() {
        PgSslMode::VerifyFull | PgSslMode::VerifyCa => {
            ". Its certificate is verified: for a certificate authority of your own, add \
             ?sslrootcert=FILE to the URL; for a server without TLS in a network that you trust, \
             ?sslmode=disable"
        }
        _ => "",
    }
}
/// The tables that grow with each request, and an indexed order of their rows.
const LARGE_TABLES: [(&str, &str); 6] = [
    ("delivery", "id"),
    ("request", "id"),
    ("record", "request"),
    ("attempt", "request"),
    ("call", "id"),
    ("mention", "request"),
];
/// How many rows of a table are measured.
const SAMPLE: u32 = 200;

/// The store on a PostgreSQL database.
#[derive(Clone, Debug)]
pub(crate) struct Backend {
    pool: PgPool,
    cipher: Cipher,
}

impl Backend {
    /// Connects to the database, which must exist.
    pub(crate) async fn open(url: &str, how: Open) -> Result<Self> {
        let Open { key_file, serve, .. } = how;
        // sqlx's own message would show the URL, and with it the password.
        let options = PgConnectOptions::from_str(url).map_err(|_| {
            Error::CannotOpen(
                "the database URL can't be read: use the form \
                 postgres://user:password@host/database"
                    .to_owned(),
            )
        })?;
        let options = verified(options);
        let options = options.application_name(if serve { SERVES } else { "leadsync" });
        let host = options.get_host().to_owned();
        let advice = tls_advice(&options);
        let cannot = |error: &dyn std::fmt::Display| {
            Error::CannotOpen(format!("the database on {host} can't be opened: {error}{advice}"))
        };
        // The pool would only report a timeout; a single connection gives the reason.
        let first = tokio::time::timeout(ACQUIRE, PgConnection::connect_with(&options)).await;
        let first = first.map_err(|_| cannot(&"no response"))?;
        first.map_err(|error| cannot(&error))?.close().await.map_err(|error| cannot(&error))?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE)
            .connect_with(options)
            .await
            .map_err(|error| cannot(&error))?;
        migrations().run(&pool).await.map_err(|error| crate::open::not_migrated(&error))?;
        let key_use = {
            let mut connection = pool.acquire().await.map_err(|error| cannot(&error))?;
            marks::is_no_backup(&mut connection).await?;
            marks::key_use(&mut connection).await?
        };
        let key_file = key_file.unwrap_or_else(|| PathBuf::from(KEY_FILE));
        let cipher = Cipher::from_file(&key_file, &key_use)?;
        let backend = Self { pool, cipher };
        backend.check_key().await?;
        Ok(backend)
    }

    /// Writes a copy to this file, which is empty, read in one transaction. The files in use: none.
    #[expect(clippy::unused_self, reason = "the other database has some")]
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    pub(crate) async fn copy_to(&self, path: &Path) -> Result<()> {
        backup::migrate(path).await?;
        let mut copy = backup::open(path).await?;
        let mut transaction = self.begin_read().await?;
        backup::copy_from_postgres(&mut transaction, &mut copy).await?;
        copy.close().await?;
        Ok(())
    }

    /// Replaces everything by the contents of this database.
    pub(crate) async fn replace_by(&self, copy: &mut SqliteConnection) -> Result<()> {
        let mut transaction = self.begin().await?;
        backup::copy_to_postgres(copy, &mut transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Whether a service uses the database.
    pub(crate) async fn is_in_use(&self) -> Result<bool> {
        let (services, ..) = self.standing().await?;
        Ok(services > 0)
    }

    /// The key file unless another is given.
    #[expect(clippy::unused_self, reason = "the other database's is beside its file")]
    pub(crate) fn default_key_file(&self) -> PathBuf {
        PathBuf::from(KEY_FILE)
    }

    /// How many connections and leases services have, and how many accounts, users and requests
    /// there are.
    pub(crate) async fn standing(&self) -> Result<(i64, i64, i64)> {
        let mut transaction = self.begin_read().await?;
        let row = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
             AND application_name = '{SERVES}') \
             + (SELECT count(*) FROM lease WHERE expires > {NOW}), \
             (SELECT count(*) FROM account) + (SELECT count(*) FROM users), \
             (SELECT count(*) FROM request)"
        )))
        .fetch_one(&mut *transaction)
        .await?;
        Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))
    }

    /// Closes the connections.
    pub(crate) async fn close_all(&self) -> Result<()> {
        self.pool.close().await;
        Ok(())
    }

    /// About how many bytes the data takes, without what was deleted: the size of some of the newest
    /// rows of each large table, times their number.
    async fn kept_bytes(&self) -> Result<u64> {
        let mut transaction = self.begin_read().await?;
        let mut bytes = 0.0;
        for (table, order) in LARGE_TABLES {
            let row = sqlx::query(sqlx::AssertSqlSafe(format!(
                "SELECT coalesce((SELECT avg(pg_column_size(t.*)) FROM (SELECT * FROM {table} \
                 ORDER BY {order} DESC LIMIT {SAMPLE}) t), 0)::float8 * coalesce((SELECT \
                 n_live_tup FROM pg_stat_user_tables WHERE relid = '{table}'::regclass), 0)::float8"
            )))
            .fetch_one(&mut *transaction)
            .await?;
            bytes += row.try_get::<f64, _>(0)?;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is an estimate, and not negative"
        )]
        Ok(bytes as u64)
    }

    /// The server's autovacuum does this.
    #[expect(clippy::unused_async, reason = "the other database does it")]
    async fn release_space(&self) -> Result<()> {
        Ok(())
    }

    /// Has the server remove deleted rows from the tables now. Returns whether it could.
    async fn clean(&self) -> Result<bool> {
        let done = sqlx::query("VACUUM").execute(&self.pool).await;
        Ok(done.is_ok())
    }

    /// Begins a transaction that writes.
    async fn begin(&self) -> Result<Transaction<'static, Postgres>> {
        let pool = self.pool.clone();
        // If this future were dropped halfway, sqlx 0.9 would return the connection in the middle
        // of a transaction, and the next write on it would be lost (transact-rs/sqlx#4385). In a
        // task of its own it always runs to completion.
        #[expect(clippy::disallowed_methods, reason = "this is the one place that may")]
        let begun = tokio::spawn(async move { pool.begin().await }).await;
        Ok(begun.map_err(|panic| Error::panicked(&panic))??)
    }

    /// Begins a transaction that only reads, from one snapshot.
    async fn begin_read(&self) -> Result<Transaction<'static, Postgres>> {
        let mut transaction = self.begin().await?;
        sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .execute(&mut *transaction)
            .await?;
        Ok(transaction)
    }
}

pub(crate) fn migrations() -> Migrator {
    crate::open::migrations([
        (1, "begin", include_str!("../../migrations/postgres/0001_begin.sql")),
        (2, "connector", include_str!("../../migrations/postgres/0002_connector.sql")),
        (3, "mail", include_str!("../../migrations/postgres/0003_mail.sql")),
        (4, "users", include_str!("../../migrations/postgres/0004_users.sql")),
        (5, "sessions", include_str!("../../migrations/postgres/0005_sessions.sql")),
        (7, "tally", include_str!("../../migrations/postgres/0007_tally.sql")),
        (8, "log", include_str!("../../migrations/postgres/0008_log.sql")),
        (9, "verified", include_str!("../../migrations/postgres/0009_verified.sql")),
        (10, "version actor", include_str!("../../migrations/postgres/0010_version_actor.sql")),
        (11, "access", include_str!("../../migrations/postgres/0011_access.sql")),
        (12, "review", include_str!("../../migrations/postgres/0012_review.sql")),
        (13, "code", include_str!("../../migrations/postgres/0013_code.sql")),
        (14, "lower case", include_str!("../../migrations/postgres/0014_lower_case.sql")),
        (16, "unbroken", include_str!("../../migrations/postgres/0016_unbroken.sql")),
        (17, "mark", include_str!("../../migrations/postgres/0017_mark.sql")),
        (19, "search", include_str!("../../migrations/postgres/0019_search.sql")),
        (20, "refresh", include_str!("../../migrations/postgres/0020_refresh.sql")),
        (21, "trait", include_str!("../../migrations/postgres/0021_trait.sql")),
        (22, "wiring", include_str!("../../migrations/postgres/0022_wiring.sql")),
        (23, "probe", include_str!("../../migrations/postgres/0023_probe.sql")),
        (24, "directory", include_str!("../../migrations/postgres/0024_directory.sql")),
        (25, "backfill", include_str!("../../migrations/postgres/0025_backfill.sql")),
        (26, "spent by hour", include_str!("../../migrations/postgres/0026_spent_hour.sql")),
        (27, "catch_up", include_str!("../../migrations/postgres/0027_catch_up.sql")),
        (28, "catch_up_waits", include_str!("../../migrations/postgres/0028_catch_up_waits.sql")),
        (29, "backfill_plan", include_str!("../../migrations/postgres/0029_backfill_plan.sql")),
        (30, "mass_change", include_str!("../../migrations/postgres/0030_mass_change.sql")),
        (31, "state", include_str!("../../migrations/postgres/0031_state.sql")),
        (32, "saved_view", include_str!("../../migrations/postgres/0032_saved_view.sql")),
        (33, "dismissal", include_str!("../../migrations/postgres/0033_dismissal.sql")),
        (34, "contact", include_str!("../../migrations/postgres/0034_contact.sql")),
        (35, "alert", include_str!("../../migrations/postgres/0035_alert.sql")),
        (36, "silence digest", include_str!("../../migrations/postgres/0036_silence_digest.sql")),
        (37, "echo", include_str!("../../migrations/postgres/0037_echo.sql")),
        (38, "webhook_url", include_str!("../../migrations/postgres/0038_webhook_url.sql")),
        (40, "sign in", include_str!("../../migrations/postgres/0040_sign_in.sql")),
        (41, "identity", include_str!("../../migrations/postgres/0041_identity.sql")),
        (39, "retention", include_str!("../../migrations/postgres/0039_retention.sql")),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_verified_but_on_this_machine() {
        for (url, mode) in [
            ("postgres://u@db.example.com/leads", PgSslMode::VerifyFull),
            ("postgres://u@db.example.com/leads?sslmode=prefer", PgSslMode::VerifyFull),
            ("postgres://u@10.0.0.5/leads", PgSslMode::VerifyFull),
            ("postgres://u@localhost.example.com/leads", PgSslMode::VerifyFull),
            ("postgres://u@db.example.com/leads?sslmode=disable", PgSslMode::Disable),
            ("postgres://u@db.example.com/leads?sslmode=require", PgSslMode::Require),
            ("postgres://u@127.0.0.1/leads", PgSslMode::Prefer),
            ("postgres://u@[::1]/leads", PgSslMode::Prefer),
            ("postgres://u@localhost/leads", PgSslMode::Prefer),
            ("postgres:///leads?host=/var/run/postgresql", PgSslMode::Prefer),
        ] {
            let options = verified(PgConnectOptions::from_str(url).expect("a URL"));
            let same = std::mem::discriminant(&options.get_ssl_mode());
            assert_eq!(same, std::mem::discriminant(&mode), "{url}");
        }
    }
}

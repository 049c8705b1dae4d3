//! How long each page of the console takes over a full store, on both databases.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, ensure};
use jiff::Timestamp;
use postgres_fixture::{Options, Postgres};
use sqlx::{Connection as _, PgConnection};
use store::Open;

use crate::fill::{Filled, SHARED_PHONE, fill};
use crate::http::Connection;
use crate::report::{median, percentile};
use crate::service::{self, Service};

/// The limit for a page's median time, in milliseconds.
const ALLOWED: f64 = 100.0;
/// How many times a page is requested, after [`WARM`] times that don't count.
const TURNS: usize = 30;
const WARM: usize = 3;

/// Every page with an address of its own, with realistic queries. In braces: values from the filled
/// store.
const PAGES: &[&str] = &[
    "/",
    "/?period=1h",
    "/?period=7d",
    "/?period=30d",
    "/?period=last-month",
    "/?period=30d&connector=there",
    "/connectors",
    "/connectors/new",
    "/connectors/there",
    "/connectors/paused",
    "/connectors/there/basic",
    "/connectors/there/entities",
    "/connectors/there/mapping",
    "/connectors/there/mapping?row=FirstName",
    "/connectors/there/mapping/owners",
    "/connectors/there/mapping/activities",
    "/connectors/there/versions",
    "/connectors/there/webhook",
    "/connectors/there/check",
    "/connectors/there/preview",
    "/connectors/there/export",
    "/connectors/there/access",
    "/people",
    "/alerts",
    "/alerts/{alert}",
    "/audit",
    "/audit?action=retry&actor=bench@example.com",
    "/personal-data",
    "/accounts",
    "/accounts/new",
    "/accounts/source",
    "/requests",
    "/requests?connector=back",
    "/requests?connector=paused",
    "/requests?period=today",
    "/requests?period=last-month",
    "/requests?period=this-month&event=failed",
    "/requests?event=failed&cause={cause}",
    "/requests?event=updated&connector=there",
    "/requests?event=skipped&entity=activity",
    "/requests?entity=activity",
    "/requests?job_status=queued",
    "/requests?job_status=running",
    "/requests?job_status=failure&sync_status=error",
    "/requests?q={email}",
    "/requests?q={phone}",
    "/requests?q=nobody@example.com",
    "/requests?q=Somebody%20%3C{email}%3E",
    "/requests?q=asha.rao.12",
    "/requests?q=xample.c",
    "/requests/{request}",
    "/requests/{failed}",
    "/requests/rows",
    "/failures",
    "/failures/there/{cause_in_path}",
    "/requests?echoes=shown",
    "/requests?state=synced",
    "/requests?state=no_change",
    "/requests?state=failed",
    "/requests?state=held",
    "/requests?state=queued&connector=there",
    "/requests/{request}?tab=attempts",
    "/leads",
    "/leads?q=rao",
    "/leads?q={phone}",
    "/leads?q=nobody@example.com",
    "/retries",
    "/retries/new?event=failed",
    "/leads/source/{lead}",
    "/reviews",
    "/reviews?lead={lead}",
    "/reviews?state=decided",
];

/// Prints the table, and returns the pages over the limit.
pub async fn measure(records: usize) -> anyhow::Result<()> {
    let binary = service::build()?;
    let postgres = Postgres::start(Options { fsync: false });
    let databases = [("SQLite", None), ("PostgreSQL", Some(postgres.database()))];
    let mut columns = Vec::new();
    for (name, url) in databases {
        columns.push((name, measure_on(&binary, name, url, records).await?));
    }
    print!("| page, with {records} records |");
    for (name, _) in &columns {
        print!(" {name}, median | 95 of 100 within |");
    }
    println!("\n|---|{}", "---:|---:|".repeat(columns.len()));
    let mut slow = Vec::new();
    for (row, page) in PAGES.iter().enumerate() {
        print!("| `{page}` |");
        for (name, times) in &columns {
            let (half, most) = times[row];
            print!(" {half:.1} ms | {most:.1} ms |");
            if half > ALLOWED {
                slow.push(format!("{page} on {name}: {half:.0} ms"));
            }
        }
        println!();
    }
    ensure!(slow.is_empty(), "over {ALLOWED} ms at the median:\n{}", slow.join("\n"));
    println!("\nEvery page answers within {ALLOWED} ms at the median.");
    Ok(())
}

/// The connectors: two ways between the accounts, and one that is disabled.
const CONNECTORS: &str = r#"
[[connector]]
name = "there"
source = "source"
destination = "destination"
enabled = true

[[connector]]
name = "back"
source = "destination"
destination = "source"
enabled = true

[[connector]]
name = "paused"
source = "source"
destination = "destination"
enabled = false
"#;

/// The median and the 95th percentile of each page, in milliseconds.
async fn measure_on(
    binary: &Path,
    name: &str,
    database: Option<String>,
    records: usize,
) -> anyhow::Result<Vec<(f64, f64)>> {
    let service = Service::with(binary, database, CONNECTORS).await?;
    let began = Instant::now();
    let (filled, code) = fill_service(&service, records).await?;
    settle(&service.database).await?;
    eprintln!("{name} is filled after {:.0} s", began.elapsed().as_secs_f64());
    let (_serving, _) = service.start().await?;
    let mut connection = Connection::open(&service.address).await?;
    let cookie = sign_in(&mut connection, &code).await?;
    let mut times = Vec::with_capacity(PAGES.len());
    for page in PAGES {
        let path = path(page, &filled);
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n");
        let mut taken = Vec::with_capacity(TURNS);
        for turn in 0..WARM + TURNS {
            let began = Instant::now();
            let status = connection.send(request.as_bytes()).await?;
            ensure!(status == 200, "{path} answers {status}: {}", connection.answer());
            if turn >= WARM {
                taken.push(began.elapsed().as_secs_f64() * 1000.0);
            }
        }
        let (half, most) = (median(&mut taken), percentile(&mut taken, 0.95));
        eprintln!("measured: {name}: {page}: {half:.1} ms, {most:.1} ms");
        times.push((half, most));
    }
    Ok(times)
}

/// Fills the store; also returns the code of the first start.
async fn fill_service(service: &Service, records: usize) -> anyhow::Result<(Filled, String)> {
    let how = Open { key_file: Some(service.key_file()), ..Open::default() };
    let store = store::open(&service.database, how).await?;
    #[expect(clippy::disallowed_methods, reason = "the service that is measured has this clock")]
    let now = Timestamp::now();
    let code = store.first_start_code().await?.context("somebody can sign in already")?;
    Ok((fill(&*store, records, now).await?, code))
}

/// Leaves a full store in this folder, for `leadsync serve` to be run there.
pub async fn fill_folder(folder: &Path, records: usize) -> anyhow::Result<()> {
    let binary = service::build()?;
    let file = folder.join("leadsync.db");
    ensure!(!file.exists(), "{} is there already", file.display());
    let database = format!("sqlite://{}", file.display());
    let service = Service::with(&binary, Some(database), CONNECTORS).await?;
    fill_service(&service, records).await?;
    std::fs::copy(service.key_file(), folder.join("leadsync.db.key"))?;
    println!("Run `{} serve` in {}.", binary.display(), folder.display());
    Ok(())
}

/// Does at once what PostgreSQL does automatically while a store fills over weeks.
async fn settle(database: &str) -> anyhow::Result<()> {
    if database.starts_with("postgres://") {
        let mut connection = PgConnection::connect(database).await?;
        sqlx::query("VACUUM (ANALYZE)").execute(&mut connection).await?;
        connection.close().await?;
    }
    Ok(())
}

/// A page's address with the braces replaced.
fn path(page: &str, filled: &Filled) -> String {
    page.replace("{request}", &filled.request.to_string())
        .replace("{failed}", &filled.failed.to_string())
        .replace("{lead}", &filled.lead)
        .replace("{email}", &filled.email)
        .replace("{phone}", SHARED_PHONE)
        .replace("{cause}", &filled.cause)
        .replace("{alert}", &filled.alert.to_string())
        .replace("{cause_in_path}", &filled.cause.replace('/', "%2F"))
}

/// Creates the first administrator; returns the session's cookie.
async fn sign_in(connection: &mut Connection, code: &str) -> anyhow::Result<String> {
    let form = format!("code={code}&email=bench%40example.com&password=a+long+enough+password");
    let request = format!(
        "POST /start HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let status = connection.send(request.as_bytes()).await?;
    ensure!(status == 303, "nobody can sign in: {status}: {}", connection.answer());
    let cookie = connection.header("set-cookie").context("there is no cookie")?;
    Ok(cookie.split(';').next().unwrap_or_default().to_owned())
}

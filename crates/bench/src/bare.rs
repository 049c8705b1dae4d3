//! The yardstick: a bare loop of axum and a group-committing SQLite, with nothing else.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use bytes::Bytes;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{QueryBuilder, Sqlite};
use tokio::sync::{mpsc, oneshot};

/// The most rows per commit.
const MOST: usize = 512;

type Row = (Bytes, oneshot::Sender<()>);

/// Serves until it is killed.
pub async fn serve(address: &str, database: &str) -> anyhow::Result<()> {
    let address: SocketAddr = address.parse()?;
    let options = SqliteConnectOptions::new()
        .filename(database)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    sqlx::query("CREATE TABLE delivery (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT")
        .execute(&pool)
        .await?;
    let (sender, mut receiver) = mpsc::channel::<Row>(8_192);
    tokio::spawn(async move {
        let mut rows = Vec::with_capacity(MOST);
        while receiver.recv_many(&mut rows, MOST).await > 0 {
            let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await.expect("a transaction");
            let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO delivery (body) ");
            query.push_values(&rows, |mut row, (body, _)| {
                row.push_bind(&body[..]);
            });
            let persistent = rows.len() == 1;
            query.build().persistent(persistent).execute(&mut *transaction).await.expect("stored");
            transaction.commit().await.expect("a commit");
            for (_, done) in rows.drain(..) {
                let _ = done.send(());
            }
        }
    });
    let receive = async |State(sender): State<mpsc::Sender<Row>>, body: Bytes| {
        let (done, stored) = oneshot::channel();
        sender.send((body, done)).await.expect("the committer runs");
        stored.await.expect("the committer answers");
        "{\"Status\":\"Success\",\"StatusReason\":\"\"}"
    };
    let router = Router::new().route("/hooks/{token}", post(receive)).with_state(sender);
    axum::serve(tokio::net::TcpListener::bind(address).await?, router).await?;
    Ok(())
}

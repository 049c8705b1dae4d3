//! What listens: the webhook receiver and the health pages.
//!
//! The receiver knows nothing of leads. It checks the token of the URL, hands the body to the one
//! task that commits (`committer`), and answers 200 when the commit that holds it is on disk.
//! It meets the dispatcher in the store alone; within one process a [`Notify`] saves a wait.

mod committer;
mod connections;
mod health;
mod hooks;
mod ids;
mod syntax;
mod tokens;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use jiff::Timestamp;
use store::Store;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use connections::Limits;

use committer::Committer;
use ids::Ids;
use tokens::Tokens;

/// The time of now, as the program sees it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
/// The metrics of the process in Prometheus' text format.
pub type Metrics = Arc<dyn Fn() -> String + Send + Sync>;

/// What the pages are made from.
#[derive(Clone)]
pub struct Parts {
    /// Where deliveries are kept.
    pub store: Arc<dyn Store>,
    /// Notified when something new was stored.
    pub wake: Arc<Notify>,
    /// The clock.
    pub clock: Clock,
    /// What `/metrics` shows.
    pub metrics: Metrics,
    /// What a peer may do.
    pub limits: Limits,
}

/// What every handler has.
#[derive(Clone)]
struct Shared {
    store: Arc<dyn Store>,
    clock: Clock,
    metrics: Metrics,
    limits: Limits,
    tokens: Arc<Tokens>,
    ids: Arc<Ids>,
    committer: Committer,
}

/// Serves until `stop` is cancelled; then finishes the requests under way, and what they gave to
/// the committer, within [`Limits::farewell`].
///
/// # Errors
/// The store can't be reached at the start.
pub async fn serve(
    listener: TcpListener,
    parts: Parts,
    stop: CancellationToken,
) -> store::Result<()> {
    let Parts { store, wake, clock, metrics, limits } = parts;
    let node = store.take_node_number().await?;
    let tokens = Arc::new(Tokens::read(store.clone()).await?);
    let (committer, committing) = Committer::start(store.clone(), wake, limits);
    let refreshing = tokio::spawn(tokens.clone().refresh_until(stop.clone()));
    let shared =
        Shared { store, clock, metrics, limits, tokens, ids: Arc::new(Ids::new(node)), committer };
    let router = Router::new()
        .route("/hooks/{token}", post(hooks::receive).get(hooks::verify))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/", get(health::home))
        .with_state(shared);
    connections::serve(listener, router, limits, stop).await;
    // All that could send to it are gone, so it commits what it has and ends.
    for task in [committing, refreshing] {
        if let Err(error) = task.await {
            tracing::error!(%error, "a task of the receiver ended by a panic");
        }
    }
    Ok(())
}

//! What listens: the webhook receiver, the API and the health pages.
//!
//! The receiver knows nothing about leads. It checks the token of the URL, hands the body to the
//! one task that commits (`committer`), and returns 200 when the commit with the body is on disk.
//! It shares only the store with the dispatcher; within one process a [`Notify`] saves a wait.

mod access_log;
mod accesses;
mod api;
mod committer;
mod connections;
mod console;
mod csv;
mod headers;
mod health;
mod hooks;
mod host;
mod route;
mod source;
mod syntax;
mod tokens;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use admin::probing::Probes;
use admin::{Admin, AskAccounts, Clock, Ids};
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use store::{Intake, Settings, Store, Token, TokenHash};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use connections::{LONGEST_BODY, Limits};
pub use source::Proxies;

use committer::Committer;
use host::OwnHost;
use tokens::Tokens;

/// The metrics of the process in Prometheus' text format.
pub type Metrics = Arc<dyn Fn() -> String + Send + Sync>;

/// What the pages need.
#[derive(Clone)]
pub struct Parts {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Where deliveries are stored: the same store, in all but tests of the receiver.
    pub intake: Arc<dyn Intake>,
    /// Notified when something new was stored.
    pub wake: Arc<Notify>,
    /// The clock.
    pub clock: Clock,
    /// The metrics that `/metrics` returns.
    pub metrics: Metrics,
    /// The limits for a peer.
    pub limits: Limits,
    /// The beginning of webhook URLs, without a slash at the end.
    pub public_url: String,
    /// What webhook URLs begin with.
    pub hooks_url: String,
    /// Reads the metadata and the users of accounts.
    pub accounts: Arc<dyn AskAccounts>,
    /// Whether email is configured; otherwise emails are logged, and the console says so.
    pub mails_are_sent: bool,
    /// The token that `/metrics` requires, if it does.
    pub metrics_token: Option<Token>,
    /// The proxies whose `X-Forwarded-For` is believed.
    pub proxies: Proxies,
    /// The OpenID Connect provider that people can sign in with.
    pub provider: Option<oidc::Settings>,
}

/// What every handler can use.
#[derive(Clone)]
struct Shared {
    admin: Admin,
    ids: Arc<Ids>,
    metrics: Metrics,
    limits: Limits,
    tokens: Arc<Tokens>,
    committer: Committer,
    attempts: Arc<console::Attempts>,
    mails_are_sent: bool,
    metrics_token: Option<TokenHash>,
    /// Who saw personal data and who signed in recently.
    accesses: Arc<accesses::Accesses>,
    proxies: Arc<Proxies>,
    provider: Option<Arc<oidc::Provider>>,
}

impl Shared {
    /// Whether people reach us over TLS.
    fn has_tls(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

/// A handler is a face of the use cases.
impl Deref for Shared {
    type Target = Admin;

    fn deref(&self) -> &Admin {
        &self.admin
    }
}

/// A route outside of the console and the API: anybody may use it.
struct OpenRoute {
    methods: &'static str,
    path: &'static str,
    handler: MethodRouter<Shared>,
}

const fn open(
    methods: &'static str,
    path: &'static str,
    handler: MethodRouter<Shared>,
) -> OpenRoute {
    OpenRoute { methods, path, handler }
}

/// All that is reachable where only webhooks are accepted.
fn routes_for_webhooks() -> Vec<OpenRoute> {
    vec![
        // For anybody who knows the token.
        open("GET, POST", "/hooks/{token}", post(hooks::receive).get(hooks::verify)),
        open("GET, POST", "/hooks/{token}/wired", post(hooks::receive_wired).get(hooks::verify)),
        open("GET", "/healthz", get(health::alive)),
        open("GET", "/readyz", get(health::ready)),
    ]
}

fn open_routes() -> Vec<OpenRoute> {
    let mut routes = routes_for_webhooks();
    routes.push(open("GET", "/metrics", get(health::metrics)));
    routes
}

/// Every route and who may use it, as in the table of `docs/access.md`: generated from the tables
/// that the routers are built from.
pub fn access_table() -> String {
    let mut rows: Vec<route::GuardedRoute> = Vec::new();
    rows.extend(
        open_routes().iter().map(|route| route::GuardedRoute::open(route.methods, route.path)),
    );
    rows.extend(console::access_rows());
    rows.extend(api::access_rows());
    let head = "| method | path | nobody | LeadSquared user | viewer | operator | administrator |\n\
                |---|---|---|---|---|---|---|\n";
    rows.iter().fold(head.to_owned(), |table, row| table + &row.to_string())
}

/// Refuses an address with a NUL, which no text of ours may hold: PostgreSQL can't store it.
async fn refuse_nul(request: Request, next: Next) -> Response {
    let address = request.uri().path_and_query().map_or("", |address| address.as_str());
    if !address.contains("%00") || address.starts_with("/hooks/") {
        return next.run(request).await;
    }
    if request.uri().path().starts_with("/api/") {
        return api::Refusal::wrong("path", "holds a NUL character (%00)").into_response();
    }
    console::invalid("The address of this page holds a NUL character (%00).")
}

/// The wait before a store that does not respond is retried.
const AGAIN: Duration = Duration::from_millis(500);

/// Tries a store that may be down for a moment until it responds: a database that restarts while we
/// start must not end the process.
async fn patiently<T, F: Future<Output = store::Result<T>>>(
    stop: &CancellationToken,
    ask: impl Fn() -> F,
) -> store::Result<T> {
    loop {
        match ask().await {
            Err(error @ store::Error::Unavailable(_)) => {
                if stop.is_cancelled() {
                    return Err(error);
                }
                tracing::warn!(%error, "the receiver waits for the database");
                tokio::select! {
                    () = tokio::time::sleep(AGAIN) => {}
                    () = stop.cancelled() => return Err(error),
                }
            }
            answer => return answer,
        }
    }
}

/// The routes with what every response has, and an access log.
fn logged(router: Router<Shared>, shared: &Shared) -> Router {
    let has_tls = shared.has_tls();
    router
        .layer(from_fn(access_log::log))
        .layer(map_response(move |mut response: Response| async move {
            headers::protect(&mut response, has_tls);
            response
        }))
        .with_state(shared.clone())
}

/// Serves until `stop` is cancelled; `hooks` is for webhooks and nothing else. Then it finishes the
/// requests in progress, and what they gave to the committer, within [`Limits::farewell`].
///
/// # Errors
/// The store can't be read at the start, or can't be reached before `stop` is cancelled.
pub async fn serve(
    (listener, hooks): (TcpListener, Option<TcpListener>),
    parts: Parts,
    stop: CancellationToken,
) -> store::Result<()> {
    let Parts {
        store,
        intake,
        wake,
        clock,
        metrics,
        limits,
        public_url,
        hooks_url,
        accounts,
        mails_are_sent,
        metrics_token,
        proxies,
        provider,
    } = parts;
    let redirect_url = format!("{public_url}{}", console::CALLBACK);
    let provider = provider.map(|settings| oidc::Provider::new(settings, &redirect_url));
    let provider =
        provider.transpose().map_err(|error| store::Error::Refused(error.to_string()))?;
    let provider = provider.map(Arc::new);
    let node = patiently(&stop, || store.take_node_number()).await?;
    let settings: Arc<dyn Settings> = store.clone();
    let tokens = Arc::new(patiently(&stop, || Tokens::read(settings.clone())).await?);
    let (committer, committing) = Committer::start(intake, wake.clone(), limits);
    let refreshing = tokio::spawn(tokens.clone().refresh_until(stop.clone()));
    if let Some(code) = patiently(&stop, || store.first_start_code()).await? {
        tracing::warn!("first start: open {public_url}/start and enter the code {code}");
    }
    let probes = Probes::new(stop.clone());
    let ids = Arc::new(Ids::new(node));
    let admin = Admin {
        store,
        clock,
        accounts,
        wake,
        ids: Some(ids.clone()),
        public_url: public_url.into(),
        hooks_url: hooks_url.into(),
        asked: Arc::default(),
        probes: probes.clone(),
    };
    let shared = Shared {
        admin,
        ids,
        metrics,
        limits,
        tokens,
        committer,
        attempts: Arc::default(),
        mails_are_sent,
        metrics_token: metrics_token.map(|token| token.hash()),
        accesses: Arc::default(),
        proxies: Arc::new(proxies),
        provider,
    };
    let with_open = |routes: Vec<OpenRoute>| {
        let router = Router::new();
        routes.into_iter().fold(router, |router, route| router.route(route.path, route.handler))
    };
    let router = with_open(open_routes())
        .merge(console::router(&shared))
        .nest("/api", api::router(&shared))
        .fallback(console::no_such_page)
        .layer(from_fn(refuse_nul))
        .layer(from_fn_with_state(OwnHost::of(shared.public_url.clone()), host::refuse_others));
    let of_webhooks = with_open(routes_for_webhooks()).fallback(hooks::nothing_else);
    let serving = connections::serve(listener, logged(router, &shared), limits, stop.clone());
    let accepting = async {
        if let Some(listener) = hooks {
            let router = logged(of_webhooks, &shared);
            connections::serve(listener, router, limits, stop).await;
        }
    };
    tokio::join!(serving, accepting);
    drop(shared);
    probes.ended().await;
    // All senders are gone, so it commits what it has and ends.
    for task in [committing, refreshing] {
        if let Err(error) = task.await {
            tracing::error!(%error, "a task of the receiver ended by a panic");
        }
    }
    Ok(())
}

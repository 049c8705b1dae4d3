//! A running node: the receiver, the dispatcher and the notifier, from start to stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use admin::AskAccounts;
use anyhow::Context;
use async_trait::async_trait;
use dispatch::notify::{self, Notifier, Post};
use dispatch::retention::{self, Pruner};
use dispatch::{Dispatcher, Options};
use jiff::Timestamp;
use plan::access::AccountUser;
use plan::connector::Definition;
use plan::metadata::{Catalogue, MetadataUnread};
use plan::probe::Report;
use plan::problem::Problem;
use plan::snapshot::Snapshot;
use plan::wiring::{Event, Existing, Wired};
use secrecy::SecretString;
use store::{Actor, Store, Token};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use web::Proxies;

use crate::telemetry;

/// How often to check whether a mail has to be sent.
const MAIL_POLL: Duration = Duration::from_secs(2);

/// The pause before each call of a probe: other programs use the account's API too.
const PROBE_PACE: Duration = Duration::from_millis(500);

/// A running node.
#[derive(Debug)]
pub struct Node {
    dispatcher: Dispatcher,
    notifier: Notifier,
    pruner: Pruner,
    stop: CancellationToken,
    serving: JoinHandle<store::Result<()>>,
}

/// How a node runs.
#[derive(Debug)]
pub struct NodeOptions {
    /// Who sends mails.
    pub post: Post,
    /// What links in mails begin with.
    pub public_url: String,
    /// What webhook URLs begin with.
    pub hooks_url: String,
    /// The OpenID Connect provider that people can sign in with.
    pub provider: Option<oidc::Settings>,
    /// How many bytes a webhook's body may have.
    pub max_body: usize,
    /// What is kept, and how long.
    pub retention: retention::Options,
    /// The token that `/metrics` requires, if it does.
    pub metrics_token: Option<Token>,
    /// The proxies that are believed when they say who sent a request.
    pub proxies: Proxies,
}

/// Reads accounts' metadata.
#[derive(Debug)]
pub struct Accounts;

#[async_trait]
impl AskAccounts for Accounts {
    async fn read_catalogue(&self, account: &store::Account) -> Result<Catalogue, MetadataUnread> {
        dispatch::read_catalogue(account).await
    }

    async fn read_catalogues(
        &self,
        connector: &Definition,
        source: &store::Account,
        destination: &store::Account,
    ) -> Result<(Catalogue, Catalogue), MetadataUnread> {
        dispatch::read_catalogues(connector, source, destination).await
    }

    async fn probe(
        &self,
        account: &store::Account,
        store: &dyn Store,
        by: (bool, &Actor),
        stop: &CancellationToken,
    ) -> store::Result<Report> {
        let clock: dispatch::Clock = Arc::new(now);
        dispatch::probe::run(account, store, (&clock, PROBE_PACE), by, stop).await
    }

    async fn webhooks(&self, account: &store::Account) -> Result<Vec<Existing>, Problem> {
        dispatch::wiring::webhooks(account).await
    }

    async fn wire(
        &self,
        account: &store::Account,
        (connector, wanted): (&str, &[Event]),
        (url, secret): (&str, &SecretString),
    ) -> Result<Vec<Wired>, Problem> {
        let target = dispatch::wiring::Target { connector, url, secret };
        dispatch::wiring::wire(account, target, wanted).await
    }

    async fn unwire(
        &self,
        account: &store::Account,
        connector: &str,
    ) -> Result<Vec<Wired>, Problem> {
        dispatch::wiring::unwire(account, connector).await
    }

    async fn read_lead(
        &self,
        account: &store::Account,
        id: &str,
    ) -> Result<Option<Snapshot>, Problem> {
        dispatch::read_lead(account, id).await
    }

    async fn read_account_user(
        &self,
        account: &store::Account,
        email: &str,
    ) -> Result<Option<AccountUser>, MetadataUnread> {
        dispatch::read_account_user(account, email).await
    }
}

/// The current time.
#[expect(clippy::disallowed_methods, reason = "the program owns the clock and passes it on")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Listens before anything slow is done, so that a wrong address is reported at once.
/// `flag` is the setting of the address.
pub async fn listen(address: SocketAddr, flag: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("can't listen on {address}: stop what uses it, or choose another with {flag}")
    })
}

impl Node {
    /// Starts the node. `hooks` accepts webhooks and nothing else.
    pub fn start(
        (listener, hooks): (TcpListener, Option<TcpListener>),
        store: Arc<dyn Store>,
        options: NodeOptions,
    ) -> anyhow::Result<Self> {
        let NodeOptions {
            post,
            public_url,
            hooks_url,
            provider,
            max_body,
            retention,
            metrics_token,
            proxies,
        } = options;
        let metrics = telemetry::start_metrics()?;
        let wake = Arc::new(Notify::new());
        let clock: admin::Clock = Arc::new(now);
        let options = Options { chance, ..Options::default() };
        let dispatcher = Dispatcher::start(store.clone(), wake.clone(), clock.clone(), options);
        let mails_are_sent = matches!(post, Post::Smtp(_));
        let mails = notify::Options { poll: MAIL_POLL, public_url: public_url.clone(), post };
        let notifier = Notifier::start(store.clone(), clock.clone(), mails);
        let pruner = Pruner::start(store.clone(), clock.clone(), retention);
        let stop = CancellationToken::new();
        let parts = web::Parts {
            intake: store.clone(),
            store,
            wake,
            clock,
            metrics,
            limits: web::Limits { longest_body: max_body, ..web::Limits::default() },
            public_url,
            hooks_url,
            provider,
            accounts: Arc::new(Accounts),
            mails_are_sent,
            metrics_token,
            proxies,
        };
        let serving = tokio::spawn(web::serve((listener, hooks), parts, stop.clone()));
        Ok(Self { dispatcher, notifier, pruner, stop, serving })
    }

    /// Stops it: what was acknowledged is stored, calls in flight are finished and recorded.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        let served = self.serving.await.context("the receiver ended by a panic")?;
        self.dispatcher.stop().await;
        self.notifier.stop().await;
        self.pruner.stop().await;
        served.context("the receiver could not start")
    }

    /// Waits until the process is asked to stop, or until the receiver fails.
    pub async fn wait(&mut self) -> anyhow::Result<()> {
        tokio::select! {
            asked = asked_to_end() => asked,
            // It is awaited again in `stop`, which must not happen to a finished task.
            () = finished(&self.serving) => Ok(()),
        }
    }
}

/// Waits for Ctrl-C or a SIGTERM. From then on a second one ends the process at once.
pub async fn asked_to_end() -> anyhow::Result<()> {
    signal().await?;
    tokio::spawn(async {
        if signal().await.is_ok() {
            eprintln!(
                "leadsync: ended at once; what was under way is found again at the next start"
            );
            std::process::exit(1);
        }
    });
    Ok(())
}

pub async fn signal() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

async fn finished(task: &JoinHandle<store::Result<()>>) {
    let mut look = tokio::time::interval(Duration::from_millis(200));
    while !task.is_finished() {
        look.tick().await;
    }
}

/// A random number between 0 and 1.
fn chance() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}

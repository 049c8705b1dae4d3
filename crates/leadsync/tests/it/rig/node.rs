//! leadsync inside the test's process, with a clock that can be moved.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use dispatch::{Dispatcher, Options, Steady};
use jiff::{SignedDuration, Timestamp};
use plan::access::AccountUser;
use plan::connector::Definition;
use plan::metadata::{Catalogue, MetadataUnread};
use plan::outcome::JobStatus;
use store::{Actor, Change, Open, Store, Token};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Database, in_flight};

/// A running node.
pub struct Node {
    pub store: Arc<dyn Store>,
    address: SocketAddr,
    wake: Arc<Notify>,
    /// How far its clock is ahead, in milliseconds.
    ahead: Arc<AtomicI64>,
    names: AtomicI64,
    dispatcher: Dispatcher,
    stop: CancellationToken,
    serving: JoinHandle<store::Result<()>>,
    _folder: tempfile::TempDir,
}

impl Node {
    /// Starts a node on a new database.
    pub async fn start(database: Database) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = database.new_url(folder.path());
        let key_file = Some(folder.path().join("key"));
        let open = Open { key_file, serve: true, ..Open::default() };
        let store = store::open(&url, open).await.expect("a new database");
        let (wake, ahead): (Arc<Notify>, Arc<AtomicI64>) = (Arc::default(), Arc::default());
        let moving = ahead.clone();
        let clock: admin::Clock = Arc::new(move || now(&moving));
        // Hours that a test lets pass pass for pauses too.
        let steady = Steady(clock.clone());
        let options = Options { poll: Duration::from_millis(20), steady, ..Options::default() };
        let dispatcher = Dispatcher::start(store.clone(), wake.clone(), clock.clone(), options);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let stop = CancellationToken::new();
        let parts = web::Parts {
            store: store.clone(),
            intake: store.clone(),
            wake: wake.clone(),
            clock,
            metrics: Arc::new(String::new),
            limits: web::Limits::default(),
            public_url: format!("http://{address}"),
            hooks_url: format!("http://{address}"),
            provider: None,
            accounts: Arc::new(Nobody),
            mails_are_sent: false,
            metrics_token: None,
            proxies: web::Proxies::default(),
        };
        let serving = tokio::spawn(web::serve((listener, None), parts, stop.clone()));
        let names = AtomicI64::new(0);
        Self { store, address, wake, ahead, names, dispatcher, stop, serving, _folder: folder }
    }

    /// Stops the node. Nothing may be left in flight.
    pub async fn stop(self) {
        self.is_at_rest().await;
        self.stop.cancel();
        self.serving.await.expect("no panic").expect("it served");
        self.dispatcher.stop().await;
    }

    /// Fails unless every request has been processed.
    pub async fn is_at_rest(&self) {
        let left = in_flight(&*self.store, &[JobStatus::Queued, JobStatus::Running]).await;
        assert!(left.is_empty(), "left in flight: {left:#?}");
    }

    /// A number that this node has not given out before, for names.
    pub fn number(&self) -> i64 {
        self.names.fetch_add(1, Ordering::SeqCst)
    }

    /// Moves its clock.
    pub fn advance(&self, by: SignedDuration) {
        let by = i64::try_from(by.as_millis()).expect("some hours");
        self.ahead.fetch_add(by, Ordering::SeqCst);
        self.wake.notify_one();
    }

    /// Its time.
    pub fn now(&self) -> Timestamp {
        now(&self.ahead)
    }

    /// Its clock, for accounts that are to live by the same time.
    pub fn clock(&self) -> admin::Clock {
        let ahead = self.ahead.clone();
        Arc::new(move || now(&ahead))
    }

    pub async fn change(&self, changes: Vec<Change>) {
        let actor = Actor("test".to_owned());
        let done = self.store.change_configuration(changes, &actor, self.now()).await;
        done.expect("the change is accepted");
    }

    /// Adds this connector, or gives it other settings, and enables it.
    pub async fn put_connector(&self, definition: Definition) {
        assert_eq!(definition.check(), [], "{definition:?}");
        let name = definition.name.clone();
        let mut bytes = [0; 24];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        let token = Token::from_random(bytes);
        let put = Change::PutConnector { definition, token, made_from: None };
        self.change(vec![put, Change::SetEnabled { name, enabled: true }]).await;
    }

    /// A connector's webhook URL.
    pub async fn hook(&self, connector: &str) -> String {
        let configuration = self.store.configuration().await.expect("the configuration");
        let connector = configuration.connector(connector).expect("the connector");
        format!("http://{}/hooks/{}", self.address, connector.token.expose())
    }
}

#[expect(clippy::disallowed_methods, reason = "the test owns the clock")]
fn now(ahead: &AtomicI64) -> Timestamp {
    let ahead = SignedDuration::from_millis(ahead.load(Ordering::SeqCst));
    Timestamp::now().checked_add(ahead).expect("a time of our days")
}

/// Stands in for what asks accounts when people set up, check or preview something, which no test
/// of a node does.
pub struct Nobody;

#[async_trait::async_trait]
impl admin::AskAccounts for Nobody {
    async fn read_catalogue(&self, _: &store::Account) -> Result<Catalogue, MetadataUnread> {
        unreachable!("no test sets up an account in a node's console")
    }

    async fn read_lead(
        &self,
        _: &store::Account,
        _: &str,
    ) -> Result<Option<plan::snapshot::Snapshot>, plan::problem::Problem> {
        unreachable!("no test shows a lead live on a node")
    }

    async fn probe(
        &self,
        _: &store::Account,
        _: &dyn store::Store,
        _: (bool, &store::Actor),
        _: &tokio_util::sync::CancellationToken,
    ) -> store::Result<plan::probe::Report> {
        unreachable!("no test probes an account on a node")
    }

    async fn webhooks(
        &self,
        _: &store::Account,
    ) -> Result<Vec<plan::wiring::Existing>, plan::problem::Problem> {
        unreachable!("no test wires a connector on a node")
    }

    async fn wire(
        &self,
        _: &store::Account,
        _: (&str, &[plan::wiring::Event]),
        _: (&str, &secrecy::SecretString),
    ) -> Result<Vec<plan::wiring::Wired>, plan::problem::Problem> {
        unreachable!("no test wires a connector on a node")
    }

    async fn unwire(
        &self,
        _: &store::Account,
        _: &str,
    ) -> Result<Vec<plan::wiring::Wired>, plan::problem::Problem> {
        unreachable!("no test wires a connector on a node")
    }

    async fn read_catalogues(
        &self,
        _: &Definition,
        _: &store::Account,
        _: &store::Account,
    ) -> Result<(Catalogue, Catalogue), MetadataUnread> {
        unreachable!("no test previews or checks anything on a node")
    }

    async fn read_account_user(
        &self,
        _: &store::Account,
        _: &str,
    ) -> Result<Option<AccountUser>, MetadataUnread> {
        unreachable!("nobody signs in on a node")
    }
}

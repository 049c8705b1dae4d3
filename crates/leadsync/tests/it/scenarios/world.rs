//! Two accounts with live automations, and a node between them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use dispatch::{Dispatcher, Options};
use jiff::{SignedDuration, Timestamp};
use plan::access::AccountUser;
use plan::connector::Definition;
use plan::metadata::{Catalogue, NotTold};
use plan::outcome::Event;
use plan::quota::Quota;
use sandbox::{Automation, Field, Kind, Plan, Sandbox, Settings, Switches, Trigger};
use secrecy::SecretString;
use store::{
    AccountPlan, Actor, Change, Filter, Keys, Open, Page, RecordItem, RequestItem, Store, Token,
};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How long something may take that is surely coming.
const SOON: Duration = Duration::from_secs(20);

/// The databases that leadsync runs on.
#[derive(Clone, Copy, Debug)]
pub enum Database {
    Sqlite,
    Postgres,
}

/// Who asks accounts for previews and checks, which no scenario needs.
struct Nobody;

#[async_trait::async_trait]
impl web::AskAccounts for Nobody {
    async fn read_catalogue(&self, _: &store::Account) -> Result<Catalogue, NotTold> {
        unreachable!("no scenario sets an account up in the console")
    }

    async fn read_catalogues(
        &self,
        _: &Definition,
        _: &store::Account,
        _: &store::Account,
    ) -> Result<(Catalogue, Catalogue), NotTold> {
        unreachable!("no scenario previews or checks")
    }

    async fn read_account_user(
        &self,
        _: &store::Account,
        _: &str,
    ) -> Result<Option<AccountUser>, NotTold> {
        unreachable!("in no scenario somebody signs in")
    }
}

/// A running node, on which many worlds live.
pub struct Node {
    pub store: Arc<dyn Store>,
    address: SocketAddr,
    wake: Arc<Notify>,
    /// How far its clock is ahead, in milliseconds.
    ahead: Arc<AtomicI64>,
    worlds: AtomicI64,
    dispatcher: Dispatcher,
    stop: CancellationToken,
    serving: tokio::task::JoinHandle<store::Result<()>>,
    _folder: tempfile::TempDir,
}

impl Node {
    pub async fn start(database: Database) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = match database {
            Database::Sqlite => format!("sqlite://{}", folder.path().join("test.db").display()),
            Database::Postgres => postgres_fixture::Postgres::shared().database(),
        };
        let key_file = Some(folder.path().join("key"));
        let open = Open { key_file, serve: true, ..Open::default() };
        let store = store::open(&url, open).await.expect("a new database");
        let (wake, ahead): (Arc<Notify>, Arc<AtomicI64>) = (Arc::default(), Arc::default());
        let moving = ahead.clone();
        let clock: web::Clock = Arc::new(move || now(&moving));
        let options = Options { poll: Duration::from_millis(20), ..Options::default() };
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
            accounts: Arc::new(Nobody),
            mails_are_sent: false,
        };
        let serving = tokio::spawn(web::serve(listener, parts, stop.clone()));
        let worlds = AtomicI64::new(0);
        Self { store, address, wake, ahead, worlds, dispatcher, stop, serving, _folder: folder }
    }

    pub async fn stop(self) {
        self.stop.cancel();
        self.serving.await.expect("no panic").expect("it served");
        self.dispatcher.stop().await;
    }

    async fn change(&self, changes: Vec<Change>) {
        let actor = Actor("test".to_owned());
        let done = self.store.change_configuration(changes, &actor, now(&self.ahead)).await;
        done.expect("the change is accepted");
    }
}

/// Two accounts with these switches, and connectors between them.
pub struct World {
    pub node: Arc<Node>,
    pub here: Sandbox,
    pub there: Sandbox,
    pub switches: Switches,
    /// The connector from here to there.
    pub name: String,
    number: i64,
}

/// Where a scenario takes place.
#[derive(Clone)]
pub struct Place {
    pub node: Arc<Node>,
    pub switches: Switches,
}

impl Place {
    /// A world with a connector from here to there that has these settings: JSON members.
    pub async fn world(&self, settings: &str) -> World {
        self.world_with_plan(settings, Plan::Unlimited).await
    }

    /// The same with a quota in the destination.
    pub async fn world_with_plan(&self, settings: &str, plan: Plan) -> World {
        let Self { node, switches } = self.clone();
        let number = node.worlds.fetch_add(1, Ordering::SeqCst);
        let account = async |side: &str, plan: Plan| {
            let name = format!("{side}-{number}");
            let retry_delay = Duration::from_millis(50);
            let settings = Settings { plan, switches, retry_delay, ..Settings::new(&name) };
            Sandbox::start(settings).await.expect("an account on a free port")
        };
        let (here, there) = (account("here", Plan::Unlimited).await, account("there", plan).await);
        // Before the accounts are asked for their fields: one and the same by its name for people.
        there.put_field(Field::new("mx_Town", Kind::Text).display("Native Town"));
        here.put_field(Field::new("mx_Village", Kind::Text).display("native town"));
        let name = format!("to-there-{number}");
        let world = World { node, here, there, switches, name, number };
        for (account, plan) in [(&world.here, Plan::Unlimited), (&world.there, plan)] {
            let plan = match plan {
                Plan::Unlimited => AccountPlan::Quota(Quota {
                    calls: 100_000,
                    bulk_calls: 100_000,
                    per_seconds: 1,
                    daily: 4_000_000_000,
                }),
                _ => AccountPlan::Pro,
            };
            let keys = Keys {
                access: SecretString::from(account.access_key()),
                secret: SecretString::from(account.secret_key()),
            };
            let (name, host) = (account.name().to_owned(), account.url());
            world.node.change(vec![Change::PutAccount { name, host, keys, plan }]).await;
        }
        world.connect(&world.name, (&world.here, &world.there), settings).await;
        world
    }
}

impl World {
    fn back_name(&self) -> String {
        format!("to-here-{}", self.number)
    }

    /// Also the opposite connector.
    pub async fn connect_back(&self, settings: &str) {
        self.connect(&self.back_name(), (&self.there, &self.here), settings).await;
    }

    /// Adds a connector, and automations of its source that post to it.
    async fn connect(&self, name: &str, (from, to): (&Sandbox, &Sandbox), settings: &str) {
        self.put(name, (from, to), settings).await;
        let configuration = self.node.store.configuration().await.expect("the configuration");
        let token = configuration.connector(name).expect("it was put").token.expose().to_owned();
        for trigger in [
            Trigger::NewLead,
            Trigger::LeadUpdate(Vec::new()),
            Trigger::NewActivity(Vec::new()),
            Trigger::ActivityUpdate(Vec::new()),
        ] {
            let url = format!("http://{}/hooks/{token}", self.node.address);
            let name = trigger.to_string();
            from.add_automation(Automation { name, trigger, url, retries: 5 });
        }
    }

    async fn put(&self, name: &str, (from, to): (&Sandbox, &Sandbox), settings: &str) {
        let more = if settings.is_empty() { String::new() } else { format!(",{settings}") };
        let (from, to) = (from.name(), to.name());
        let json = format!(r#"{{"name":"{name}","source":"{from}","destination":"{to}"{more}}}"#);
        let definition: Definition = serde_json::from_str(&json).expect(&json);
        assert_eq!(definition.check(), [], "{json}");
        let mut bytes = [0; 24];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        let token = Token::from_random(bytes);
        let enable = Change::SetEnabled { name: name.to_owned(), enabled: true };
        self.node
            .change(vec![Change::PutConnector { definition, token, made_from: None }, enable])
            .await;
    }

    /// Gives the connector from here to there other settings.
    pub async fn configure(&self, settings: &str) {
        self.put(&self.name, (&self.here, &self.there), settings).await;
    }

    /// Enables or disables the connector from here to there.
    pub async fn enable(&self, enabled: bool) {
        self.node.change(vec![Change::SetEnabled { name: self.name.clone(), enabled }]).await;
    }

    /// Moves the node's clock.
    pub fn advance(&self, by: SignedDuration) {
        let by = i64::try_from(by.as_millis()).expect("some hours");
        self.node.ahead.fetch_add(by, Ordering::SeqCst);
        self.node.wake.notify_one();
    }

    /// A person adds a lead here.
    pub fn lead(&self, fields: &[(&str, &str)]) -> String {
        self.here.create_lead(fields).expect("a new lead")
    }

    /// A person edits a lead here.
    pub fn edit(&self, id: &str, fields: &[(&str, &str)]) {
        self.here.edit_lead(id, fields).expect("an edit");
    }

    /// The requests of the connector from here to there, oldest first.
    pub async fn log(&self) -> Vec<RequestItem> {
        self.find(Filter { connector: Some(self.name.clone()), ..Filter::default() }).await
    }

    async fn find(&self, filter: Filter) -> Vec<RequestItem> {
        let page = Page { limit: Page::MOST, after: None };
        let mut items = self.node.store.requests(&filter, &page).await.expect("the log").0;
        items.reverse();
        items
    }

    /// The records of the connector from here to there, oldest first.
    pub async fn records(&self) -> Vec<RecordItem> {
        self.log().await.into_iter().flat_map(|item| item.records).collect()
    }

    /// What became of them.
    pub async fn events(&self) -> Vec<Event> {
        self.records().await.iter().map(|record| record.event).collect()
    }

    /// Whether answers to captures say if the lead is new. Where they don't, it is taken to be.
    pub fn tells_what_was_created(&self) -> bool {
        self.switches.capture_answer != sandbox::switches::CaptureAnswer::IdOnly
    }

    /// Waits until nothing is posted or worked any more. What waits for a retry is waited for,
    /// with the clock moved.
    pub async fn settled(&self) {
        self.until_quiet(true).await;
    }

    /// Waits until nothing is posted, and nothing is worked but what waits for a retry.
    pub async fn worked(&self) {
        self.until_quiet(false).await;
    }

    async fn until_quiet(&self, with_retries: bool) {
        let deadline = Instant::now() + SOON;
        loop {
            self.here.idle().await;
            self.there.idle().await;
            let mut open = Vec::new();
            for connector in [self.name.clone(), self.back_name()] {
                let connector = Some(connector);
                open.extend(self.find(Filter { connector, ..Filter::default() }).await);
            }
            open.retain(|item| item.finished_at.is_none());
            let waits = |item: &RequestItem| {
                let mut records = item.records.iter();
                records.any(|record| record.next_attempt_at.is_some())
            };
            let waiting = open.iter().any(waits);
            let posted = self.here.deliveries_pending() + self.there.deliveries_pending();
            if posted == 0 && (open.is_empty() || (waiting && !with_retries)) {
                return;
            }
            if waiting {
                self.advance(SignedDuration::from_mins(1));
            }
            assert!(Instant::now() < deadline, "{posted} posted, still open: {open:#?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// A field of the lead there that has this mail address.
    pub fn there(&self, email: &str, field: &str) -> Option<String> {
        let found = self.there.find_leads("EmailAddress", email);
        assert_eq!(found.len(), 1, "leads with {email}");
        self.there.lead(&found[0]).expect("a lead").remove(field).flatten()
    }

    /// Ends the accounts, and takes them and their connectors out of the node.
    pub async fn end(self) {
        let configuration = self.node.store.configuration().await.expect("the configuration");
        let own = [self.name.clone(), self.back_name()];
        let connectors = own.into_iter().filter(|name| configuration.connector(name).is_some());
        let connectors = connectors.map(|name| Change::RemoveConnector { name });
        let accounts = [&self.here, &self.there]
            .map(|account| Change::RemoveAccount { name: account.name().to_owned() });
        self.node.change(connectors.chain(accounts).collect()).await;
        self.here.stop().await;
        self.there.stop().await;
    }
}

#[expect(clippy::disallowed_methods, reason = "the test owns the clock")]
fn now(ahead: &AtomicI64) -> Timestamp {
    let ahead = SignedDuration::from_millis(ahead.load(Ordering::SeqCst));
    Timestamp::now().checked_add(ahead).expect("a time of our days")
}

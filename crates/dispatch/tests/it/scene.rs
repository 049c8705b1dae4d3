//! Two accounts, a connector each way, a store and a dispatcher at work.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use dispatch::{Clock, Dispatcher, Options, Steady};
use jiff::{SignedDuration, Timestamp};
use plan::connector::Definition;
use plan::id::RequestId;
use plan::outcome::{Event, JobStatus};
use sandbox::{Automation, Plan, Sandbox, Settings, Trigger};
use secrecy::SecretString;
use serde_json::Value;
use store::{
    AccountPlan, Actor, Change, Filter, Keys, NewDelivery, Open, Origin, Page, RequestItem,
    Selection, Store, Token,
};
use tokio::sync::Notify;

/// How long something may take that is surely coming.
pub const SOON: Duration = Duration::from_secs(30);

pub struct Scene {
    pub here: Sandbox,
    pub there: Sandbox,
    pub store: Arc<dyn Store>,
    /// The address of its database.
    pub url: String,
    wake: Arc<Notify>,
    /// How far the dispatcher's clock is ahead, in milliseconds.
    ahead: Arc<AtomicI64>,
    /// By how much the wall clock was set.
    stepped: Arc<AtomicI64>,
    dispatcher: Option<Dispatcher>,
    sequence: AtomicI64,
    _folder: tempfile::TempDir,
}

/// A connector's settings as JSON, with more of its parts.
pub fn connector(parts: &str) -> Definition {
    let more = if parts.is_empty() { String::new() } else { format!(",{parts}") };
    let json = format!(r#"{{"name":"there","source":"here","destination":"there"{more}}}"#);
    serde_json::from_str(&json).expect(&json)
}

impl Scene {
    /// Both accounts unlimited, and the connector `there` from `here` to `there`.
    pub async fn new(parts: &str) -> Self {
        Self::with(parts, AccountPlan::Quota(unlimited()), Plan::Unlimited).await
    }

    /// The destination with this quota, as it is configured and as it is.
    pub async fn with(parts: &str, configured: AccountPlan, plan: Plan) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        let store = store::open(&url, Open::default()).await.expect("a new database");
        let account = async |name, plan| {
            let settings = Settings { plan, ..Settings::new(name) };
            Sandbox::start(settings).await.expect("an account on a free port")
        };
        let here = account("here", Plan::Unlimited).await;
        let there = account("there", plan).await;
        let scene = Self {
            here,
            there,
            store,
            url,
            wake: Arc::default(),
            ahead: Arc::default(),
            stepped: Arc::default(),
            dispatcher: None,
            sequence: AtomicI64::new(0),
            _folder: folder,
        };
        scene.put_account(&scene.here, AccountPlan::Quota(unlimited())).await;
        scene.put_account(&scene.there, configured).await;
        scene.put_connector(connector(parts)).await;
        scene
    }

    /// The same with the dispatcher at work.
    pub async fn at_work(parts: &str) -> Self {
        let mut scene = Self::new(parts).await;
        scene.work();
        scene
    }

    /// The clock that [`Scene::advance`] moves.
    pub fn clock(&self) -> Clock {
        let (ahead, stepped) = (self.ahead.clone(), self.stepped.clone());
        Arc::new(move || now(&ahead) + SignedDuration::from_millis(stepped.load(Ordering::SeqCst)))
    }

    /// The wall clock is set ahead by this, or back, and no time passes.
    pub fn step(&self, by: SignedDuration) {
        let by = i64::try_from(by.as_millis()).expect("some years");
        self.stepped.fetch_add(by, Ordering::SeqCst);
        self.wake.notify_one();
    }

    pub fn work(&mut self) {
        self.work_polling(Duration::from_millis(20));
    }

    /// The dispatcher at work, which asks the store so often for what nobody announced.
    pub fn work_polling(&mut self, poll: Duration) {
        let clock = self.clock();
        let options = Options {
            poll,
            steady: Steady({
                let ahead = self.ahead.clone();
                Arc::new(move || now(&ahead))
            }),
            limits: leadsquared::Limits {
                deadline: Duration::from_secs(2),
                ..leadsquared::Limits::default()
            },
            ..Options::default()
        };
        let (store, wake) = (self.store.clone(), self.wake.clone());
        self.dispatcher = Some(Dispatcher::start(store, wake, clock, options));
    }

    /// Stops the dispatcher; nothing may be left under way.
    pub fn now(&self) -> Timestamp {
        now(&self.ahead)
    }

    pub async fn stop(&mut self) {
        if let Some(dispatcher) = self.dispatcher.take() {
            dispatcher.stop().await;
        }
        let running = Filter { job_status: Some(JobStatus::Running), ..Filter::default() };
        assert_eq!(self.find(running).await.len(), 0, "calls are left without an outcome");
    }

    pub fn advance(&self, by: SignedDuration) {
        let by = i64::try_from(by.as_millis()).expect("some hours");
        self.ahead.fetch_add(by, Ordering::SeqCst);
        self.wake.notify_one();
    }

    /// Until the accounts' clocks, which count in whole seconds, show another second.
    pub async fn next_second(&self) {
        let before = (self.clock())().as_second();
        while (self.clock())().as_second() == before {
            tokio::task::yield_now().await;
        }
    }

    pub async fn change(&self, change: Change) {
        let actor = Actor("test".to_owned());
        let changed = self.store.change_configuration(vec![change], &actor, now(&self.ahead)).await;
        changed.expect("the change is accepted");
    }

    pub async fn put_account(&self, account: &Sandbox, plan: AccountPlan) {
        self.put_account_as(account.name(), &account.url(), account.secret_key(), plan).await;
    }

    pub async fn put_account_as(&self, name: &str, host: &str, secret: &str, plan: AccountPlan) {
        let account = if name == "here" { &self.here } else { &self.there };
        self.put_account_of(account, name, host, secret, plan).await;
    }

    async fn put_account_of(
        &self,
        account: &Sandbox,
        name: &str,
        host: &str,
        secret: &str,
        plan: AccountPlan,
    ) {
        let keys = Keys {
            access: SecretString::from(account.access_key()),
            secret: SecretString::from(secret),
        };
        let (name, host) = (name.to_owned(), host.to_owned());
        self.change(Change::PutAccount { name, host, keys, plan }).await;
    }

    /// One more account, and a connector of its name to it.
    pub async fn add_account(&self, name: &str) -> Sandbox {
        let settings = Settings { plan: Plan::Unlimited, ..Settings::new(name) };
        let account = Sandbox::start(settings).await.expect("an account on a free port");
        let plan = AccountPlan::Quota(unlimited());
        let (host, secret) = (account.url(), account.secret_key().to_owned());
        self.put_account_of(&account, name, &host, &secret, plan).await;
        let mut definition = connector("");
        (definition.name, definition.destination) = (name.to_owned(), name.to_owned());
        self.put_connector(definition).await;
        account
    }

    /// Adds or changes a connector, and enables it.
    pub async fn put_connector(&self, definition: Definition) {
        let name = definition.name.clone();
        let mut bytes = [0; 24];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        self.change(Change::PutConnector {
            definition,
            token: Token::from_random(bytes),
            made_from: None,
        })
        .await;
        self.change(Change::SetEnabled { name, enabled: true }).await;
    }

    /// A webhook comes to a connector.
    pub async fn post_to(&self, connector: &str, body: impl Into<bytes::Bytes>) -> RequestId {
        self.post_as(Origin::Webhook, connector, body).await
    }

    /// One of this kind comes.
    pub async fn post_as(
        &self,
        origin: Origin,
        connector: &str,
        body: impl Into<bytes::Bytes>,
    ) -> RequestId {
        let configuration = self.store.configuration().await.expect("the configuration");
        let connector = configuration.connector(connector).expect("the connector").id;
        let at = now(&self.ahead);
        let id = RequestId::new(at, 1_000, self.sequence.fetch_add(1, Ordering::SeqCst));
        let delivery = NewDelivery {
            id,
            connector,
            received_at: at,
            origin,
            content_type: Some("application/json".to_owned()),
            body: body.into(),
        };
        self.store.store_deliveries(vec![delivery]).await.expect("it is stored");
        self.wake.notify_one();
        id
    }

    pub async fn post(&self, lead: &Value) -> RequestId {
        self.post_to("there", serde_json::json!({ "Current": lead }).to_string()).await
    }

    pub async fn find(&self, filter: Filter) -> Vec<RequestItem> {
        let page = Page { limit: Page::MOST, after: None };
        self.store.requests(&filter, &page).await.expect("the log").0
    }

    pub async fn item(&self, id: RequestId) -> RequestItem {
        let filter = Filter { ids: vec![id], ..Filter::default() };
        self.find(filter).await.pop().expect("the request is in the log")
    }

    /// Waits until a request is as it should be; a failed test shows how it is.
    pub async fn until(&self, id: RequestId, wanted: impl Fn(&RequestItem) -> bool) -> RequestItem {
        let deadline = Instant::now() + SOON;
        loop {
            let item = self.item(id).await;
            if wanted(&item) {
                return item;
            }
            assert!(Instant::now() < deadline, "it stays {item:#?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until a request has ended.
    pub async fn ended(&self, id: RequestId) -> RequestItem {
        self.until(id, |item| item.finished_at.is_some()).await
    }

    /// Waits until a request's only record ended with this event.
    pub async fn ends_as(&self, id: RequestId, event: Event) -> RequestItem {
        let item = self.ended(id).await;
        assert_eq!(item.records.len(), 1, "{item:#?}");
        assert_eq!(item.records[0].event, event, "{item:#?}");
        item
    }

    /// Waits until a request shows a problem of this code and is tried again later.
    pub async fn waits_with(&self, id: RequestId, code: &str) -> RequestItem {
        let item = self
            .until(id, |item| {
                item.records.first().is_some_and(|record| record.next_attempt_at.is_some())
            })
            .await;
        assert_eq!(problem(&item).code.as_str(), code, "{item:#?}");
        item
    }

    pub async fn retry(&self, id: RequestId) -> u64 {
        let actor = Actor("test".to_owned());
        let selection = Selection::Requests(vec![id]);
        let count = self.store.retry(&selection.into(), &actor, now(&self.ahead)).await;
        self.wake.notify_one();
        count.expect("a retry").requests
    }
}

pub fn problem(item: &RequestItem) -> &plan::problem::Problem {
    item.records[0].error.as_ref().unwrap_or_else(|| panic!("no problem: {item:#?}"))
}

/// The names of the calls that a request's records made, without their services.
pub fn calls(item: &RequestItem) -> Vec<String> {
    let attempts = item.records.iter().flat_map(|record| &record.attempts);
    attempts
        .flat_map(|attempt| &attempt.calls)
        .map(|call| {
            let operation = call.url.split(".svc/").nth(1).expect("an operation");
            operation.split('?').next().expect("its name").to_owned()
        })
        .collect()
}

/// What an account's automations post: captured, not delivered.
pub fn capture(account: &Sandbox) {
    let triggers = [
        Trigger::NewLead,
        Trigger::LeadUpdate(Vec::new()),
        Trigger::NewActivity(Vec::new()),
        Trigger::ActivityUpdate(Vec::new()),
    ];
    for trigger in triggers {
        account.add_automation(Automation {
            name: trigger.to_string(),
            trigger,
            // Nothing listens there.
            url: "http://127.0.0.1:1/".to_owned(),
            retries: 0,
        });
    }
}

/// The payloads that were posted so far.
pub async fn captured(account: &Sandbox) -> Vec<String> {
    account.idle().await;
    account.deliveries().into_iter().map(|delivery| delivery.payload).collect()
}

pub fn unlimited() -> plan::quota::Quota {
    plan::quota::Quota {
        calls: 100_000,
        bulk_calls: 100_000,
        per_seconds: 1,
        daily: 4_000_000_000,
        leave: 0,
    }
}

#[expect(clippy::disallowed_methods, reason = "the test owns the clock")]
fn now(ahead: &AtomicI64) -> Timestamp {
    let ahead = SignedDuration::from_millis(ahead.load(Ordering::SeqCst));
    Timestamp::now().checked_add(ahead).expect("a time of our days")
}

//! An empty store, and things to put into it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use plan::connector::Definition;
use plan::id::{AccountId, ConnectorId, RequestId};
use plan::outcome::{Entity, Event, JobStatus, SyncStatus};
use plan::problem::Problem;
use postgres_fixture::Postgres;
use secrecy::SecretString;
use store::{
    AccountPlan, Actor, AttemptOutcome, Call, CallRef, Change, Configuration, Filter, Keys, Lease,
    NewDelivery, Open, Origin, Page, RecordKey, RequestItem, RequestState, Stage, Store, Token,
};

/// An empty store.
pub struct Empty {
    pub store: Arc<dyn Store>,
    pub url: String,
    pub folder: tempfile::TempDir,
}

impl Empty {
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        Self::open(url, folder).await
    }

    pub async fn postgres() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self::open(Postgres::shared().database(), folder).await
    }

    async fn open(url: String, folder: tempfile::TempDir) -> Self {
        let store = open(&url, folder.path().join("key")).await.expect("an empty database");
        Self { store, url, folder }
    }

    pub async fn again(&self) -> store::Result<Arc<dyn Store>> {
        open(&self.url, self.folder.path().join("key")).await
    }

    pub async fn change(&self, change: Change) -> store::Result<i64> {
        self.store.change_configuration(vec![change], &actor(), at(0)).await
    }

    /// With accounts `a`, `b` and the enabled connector `a-b`.
    pub async fn with_connector(&self) -> Configuration {
        for name in ["a", "b"] {
            self.change(account(name, "secret")).await.expect("an account");
        }
        self.change(connector("a-b", "a", "b")).await.expect("a connector");
        let name = "a-b".to_owned();
        self.change(Change::SetEnabled { name, enabled: true }).await.expect("it exists");
        self.store.configuration().await.expect("the configuration")
    }

    pub async fn lease(&self, configuration: &Configuration) -> Lease {
        let accounts: Vec<AccountId> = configuration.accounts.iter().map(|a| a.id).collect();
        let lease = self.store.take_lease(&accounts, "test", Duration::from_mins(1)).await;
        lease.expect("the store").expect("nobody else has it")
    }

    pub async fn deliver(&self, connector: ConnectorId, numbers: std::ops::Range<i64>) {
        let deliveries = numbers.map(|n| delivery(connector, n)).collect();
        self.store.store_deliveries(deliveries).await.expect("they are stored");
    }

    pub async fn find(&self, filter: Filter) -> Vec<RequestItem> {
        let page = Page { limit: Page::MOST, after: None };
        self.store.requests(&filter, &page).await.expect("the log").0
    }

    pub async fn ids(&self, filter: Filter) -> Vec<RequestId> {
        self.find(filter).await.iter().map(|item| item.id).collect()
    }
}

pub async fn open(url: &str, key_file: PathBuf) -> store::Result<Arc<dyn Store>> {
    store::open(url, Open { key_file: Some(key_file), serve: false, ..Open::default() }).await
}

/// A connection of its own to a store's database, behind the store's back.
pub enum Beside {
    Sqlite(sqlx::SqliteConnection),
    Postgres(sqlx::PgConnection),
}

impl Beside {
    pub async fn open(url: &str) -> Self {
        use sqlx::{Connection, PgConnection, SqliteConnection};
        if url.starts_with("sqlite:") {
            Self::Sqlite(SqliteConnection::connect(url).await.expect("the file"))
        } else {
            Self::Postgres(PgConnection::connect(url).await.expect("the server"))
        }
    }

    pub async fn execute(&mut self, sql: &str) {
        let statements = sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()));
        match self {
            Self::Sqlite(connection) => statements.execute(connection).await.map(|_| ()),
            Self::Postgres(connection) => statements.execute(connection).await.map(|_| ()),
        }
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// The one number that a statement finds.
    pub async fn number(&mut self, sql: &str) -> i64 {
        let query = sqlx::AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(connection) => sqlx::query_scalar(query).fetch_one(connection).await,
            Self::Postgres(connection) => sqlx::query_scalar(query).fetch_one(connection).await,
        }
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}

/// Runs statements behind the store's back.
pub async fn execute(url: &str, sql: &str) {
    Beside::open(url).await.execute(sql).await;
}

pub fn actor() -> Actor {
    Actor("test".to_owned())
}

/// So many seconds after the beginning.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).expect("a time of our days")
}

/// The request that comes in the `number`th second.
pub fn id(number: i64) -> RequestId {
    RequestId::new(at(number), 1, 0)
}

pub fn account(name: &str, secret: &str) -> Change {
    Change::PutAccount {
        name: name.to_owned(),
        host: "https://api-in21.leadsquared.com".to_owned(),
        keys: Keys {
            access: SecretString::from(format!("access-of-the-account-{name}")),
            secret: SecretString::from(secret),
        },
        plan: AccountPlan::Pro,
    }
}

pub fn definition(name: &str, source: &str, destination: &str) -> Definition {
    let json = format!(r#"{{"name":"{name}","source":"{source}","destination":"{destination}"}}"#);
    serde_json::from_str(&json).expect(&json)
}

pub fn connector(name: &str, source: &str, destination: &str) -> Change {
    let mut bytes = [7; 24];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    Change::PutConnector {
        definition: definition(name, source, destination),
        token: Token::from_random(bytes),
        made_from: None,
    }
}

pub fn delivery(connector: ConnectorId, number: i64) -> NewDelivery {
    NewDelivery {
        id: id(number),
        connector,
        received_at: at(number),
        origin: Origin::Webhook,
        content_type: Some("application/json".to_owned()),
        body: format!(r#"{{"ProspectID":"lead-{number}"}}"#).into(),
    }
}

/// A request that was begun and goes on then.
pub fn waiting(number: i64, due: i64) -> RequestState {
    RequestState {
        job_status: JobStatus::Queued,
        sync_status: Some(SyncStatus::Error),
        finished_at: None,
        due: Some(at(due)),
        ..ended(number, Event::Failed)
    }
}

/// The end of a first attempt at the request's only record.
pub fn attempt(connector: ConnectorId, number: i64, event: Event) -> AttemptOutcome {
    let failed = event == Event::Failed;
    AttemptOutcome {
        key: RecordKey { request: id(number), position: 0 },
        connector,
        entity: Entity::Lead,
        attempt: 1,
        tries: 1,
        at: at(number),
        event,
        sync_status: if failed { SyncStatus::Error } else { SyncStatus::Success },
        stage: Stage::Final,
        doubtful: false,
        known_as: Some(format!("Person{number}@example.com")),
        name: None,
        is_echo: false,
        source_id: Some(format!("lead-{number}")),
        destination_id: Some(format!("twin-{number}")),
        problem: failed
            .then(|| Problem::new(plan::problem::Code::Refused, "It said no.", "Ask again.")),
        explanation: Some(r#"{"why":"because"}"#.to_owned()),
        retry: None,
        version: 1,
        calls: vec![CallRef { id: number, row: Some(3) }],
        mentions: vec![format!("lead-{number}"), format!("person{number}@example.com")],
    }
}

pub fn call(configuration: &Configuration, number: i64) -> Call {
    Call {
        id: number,
        account: configuration.accounts[1].id,
        connector: Some(configuration.connectors[0].id),
        at: at(number),
        milliseconds: 12,
        method: "POST",
        url: "https://api/v2/LeadManagement.svc/Lead.Capture".to_owned(),
        status: Some(200),
        request: "[]".into(),
        response: "{}".into(),
        error: None,
    }
}

/// A request that ended.
pub fn ended(number: i64, event: Event) -> RequestState {
    let failed = event == Event::Failed;
    RequestState {
        id: id(number),
        job_status: if failed { JobStatus::Failure } else { JobStatus::Success },
        sync_status: Some(if failed { SyncStatus::Error } else { SyncStatus::Success }),
        behaviour: "create_and_update",
        finished_at: Some(at(number + 1)),
        due: None,
    }
}

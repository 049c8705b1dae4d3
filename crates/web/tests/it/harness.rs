//! A receiver on port 0 over an SQLite file, whose intake can be made to fail or wait.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use plan::access::AccountUser;
use plan::backfill::BackfillPlan;
use plan::connector::Definition;
use plan::metadata::{Catalogue, Field, FieldList, Kind, MetadataUnread};
use plan::probe::{Finding, QUESTIONS, Report};
use plan::problem::Problem;
use plan::snapshot::Snapshot;
use plan::traits::Trait;
use plan::wiring::{Event, Existing, State, Wired};
use secrecy::SecretString;
use sqlx::Connection;
use store::{
    AccountPlan, Actor, Change, Intake, Keys, NewDelivery, PlanNews, Planned, Progress, Store,
    Token, TraitNews,
};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::wire::{PATIENCE, Wire};

/// Passwords that are accepted.
pub const PASSWORD: &str = "a long enough password";
pub const OTHER_PASSWORD: &str = "five loud red lamps";

pub struct House {
    pub address: SocketAddr,
    pub hook: String,
    pub store: Arc<dyn Store>,
    pub intake: Arc<Faulty>,
    pub wake: Arc<Notify>,
    pub stop: CancellationToken,
    pub serving: JoinHandle<store::Result<()>>,
    /// What accounts say.
    pub accounts: Arc<Told>,
    /// So many seconds are added to the clock.
    pub later: Arc<AtomicI64>,
    url: String,
    _folder: tempfile::TempDir,
}

pub async fn start(limits: web::Limits) -> House {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("t.db").display());
    let store = store::open(&url, store::Open { serve: true, ..Default::default() }).await.unwrap();
    let account = |name: &str| Change::PutAccount {
        name: name.to_owned(),
        host: format!("http://127.0.0.1:1/{name}"),
        keys: Keys {
            access: SecretString::from("the-access-key"),
            secret: SecretString::from("the-secret-key"),
        },
        plan: AccountPlan::Pro,
    };
    let token = Token::from_random([7; 24]);
    let hook = format!("/hooks/{}", token.expose());
    let changes = vec![account("a"), account("b"), connector("ab", token)];
    store.change_configuration(changes, &Actor::command_line(), now()).await.unwrap();
    let intake = Arc::new(Faulty {
        inner: store.clone(),
        broken: AtomicBool::new(false),
        gate: Semaphore::new(Semaphore::MAX_PERMITS),
        asked: AtomicUsize::new(0),
        commits: AtomicUsize::new(0),
        changed: Notify::new(),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (wake, stop) = (Arc::new(Notify::new()), CancellationToken::new());
    let (accounts, later) = (Arc::new(Told::default()), Arc::new(AtomicI64::new(0)));
    let seconds = Arc::clone(&later);
    let clock = move || now() + SignedDuration::from_secs(seconds.load(Ordering::SeqCst));
    let parts = web::Parts {
        store: store.clone(),
        intake: intake.clone(),
        wake: Arc::clone(&wake),
        clock: Arc::new(clock),
        metrics: Arc::new(|| "leadsync_test 1\n".to_owned()),
        limits,
        public_url: "https://leadsync.example".to_owned(),
        hooks_url: "https://leadsync.example".to_owned(),
        accounts: Arc::clone(&accounts) as Arc<dyn admin::AskAccounts>,
        mails_are_sent: false,
        metrics_token: None,
        provider: None,
        proxies: "127.0.0.1".parse().unwrap(),
    };
    let serving = tokio::spawn(web::serve((listener, None), parts, stop.clone()));
    House {
        address,
        hook,
        store,
        intake,
        wake,
        stop,
        serving,
        accounts,
        later,
        url,
        _folder: folder,
    }
}

impl House {
    /// The count that was asked for ends with this plan, as a dispatcher would find it.
    pub async fn counts(&self, connector: &str, plan: BackfillPlan) {
        let configuration = self.store.configuration().await.unwrap();
        let connector = configuration.connector(connector).unwrap();
        let accounts = [connector.source, connector.destination];
        let lease = self.store.take_lease(&accounts, "test", Duration::from_mins(1)).await;
        let lease = lease.unwrap().expect("nobody else works them");
        let planning = self.store.planning(connector.id).await.unwrap();
        let (asked_at, of) = planning.asked_at.zip(planning.of).expect("a count was asked for");
        let plan = Box::new(BackfillPlan { version: connector.version, ..plan });
        let what = Planned::Ended { at: now(), of, plan };
        let plans = vec![PlanNews { connector: connector.id, asked_at, what }];
        let progress = Progress { plans, ..Progress::default() };
        self.store.record_progress(&lease, progress).await.unwrap();
        self.store.release_lease(&lease).await.unwrap();
    }
}

/// What an account says of a user; an error: it does not answer.
type Said = Result<Option<AccountUser>, ()>;

/// Accounts that say nothing of themselves but a name and an email address, and of their users what
/// they were told to.
#[derive(Default)]
pub struct Told {
    users: Mutex<HashMap<(String, String), Said>>,
    asked: AtomicUsize,
    hooks: Mutex<Vec<Existing>>,
    leads: Mutex<HashMap<(String, String), Option<Snapshot>>>,
}

impl Told {
    /// From now on the account has this lead, or none of this id.
    pub fn have(&self, account: &str, id: &str, lead: Option<Snapshot>) {
        self.leads.lock().unwrap().insert((account.to_owned(), id.to_owned()), lead);
    }

    /// From now on the account says this of the user.
    pub fn say(&self, account: &str, email: &str, said: Said) {
        self.users.lock().unwrap().insert((account.to_owned(), email.to_owned()), said);
    }

    /// How often accounts were asked about users.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait::async_trait]
impl admin::AskAccounts for Told {
    async fn read_catalogue(&self, account: &store::Account) -> Result<Catalogue, MetadataUnread> {
        if account.host.contains("nowhere") {
            let problem = Problem::new(
                plan::problem::Code::Unreachable,
                "The host did not answer.",
                "Look at it.",
            );
            return Err(MetadataUnread::new(account.id, problem));
        }
        if account.host.contains("us11") {
            let problem = plan::verdict::on_another_host(&account.name, "us11", "in21");
            let right_host = Some("https://api-in21.leadsquared.com".to_owned());
            return Err(MetadataUnread { account: account.id, problem, right_host });
        }
        Ok(catalogue())
    }

    async fn probe(
        &self,
        account: &store::Account,
        store: &dyn store::Store,
        (writes, _): (bool, &Actor),
        stop: &CancellationToken,
    ) -> store::Result<Report> {
        if account.host.contains("nowhere") {
            let code = plan::problem::Code::Unreachable;
            let ended_by = Some(Problem::new(code, "The host did not answer.", "Look at it."));
            return Ok(Report { ended_by, ..Report::default() });
        }
        if writes {
            stop.cancelled().await;
            return Ok(Report {
                stopped: true,
                left: vec!["a-lead".to_owned()],
                ..Report::default()
            });
        }
        let (known, unclear) = (&QUESTIONS[0], &QUESTIONS[1]);
        let finding = Finding::of(known, "200");
        let seen = Trait::Answered {
            question: known.name.to_owned(),
            answer: "200".to_owned(),
            by_hand: false,
        };
        let news = TraitNews { account: account.id, at: now(), seen, holds: true };
        store.note_traits(vec![news]).await?;
        let findings = vec![finding, Finding::untold(unclear, "nothing is refused")];
        Ok(Report { calls: 7, findings, ..Report::default() })
    }

    async fn webhooks(&self, _: &store::Account) -> Result<Vec<Existing>, Problem> {
        Ok(self.hooks.lock().unwrap().clone())
    }

    async fn wire(
        &self,
        account: &store::Account,
        (connector, wanted): (&str, &[Event]),
        (url, _): (&str, &SecretString),
    ) -> Result<Vec<Wired>, Problem> {
        if account.host.contains("nowhere") {
            let code = plan::problem::Code::Unreachable;
            return Err(Problem::new(code, "The host did not answer.", "Look at it."));
        }
        assert!(url.ends_with("/wired"), "{url}");
        let hook = |event: &Event| Existing {
            id: event.words(),
            description: event.description(connector),
            status: Some(0),
        };
        *self.hooks.lock().unwrap() = wanted.iter().map(hook).collect();
        let made = |event: &Event| Wired { event: event.words(), state: State::Made };
        Ok(wanted.iter().map(made).collect())
    }

    async fn unwire(&self, _: &store::Account, _: &str) -> Result<Vec<Wired>, Problem> {
        let gone = std::mem::take(&mut *self.hooks.lock().unwrap());
        let removed = |hook: Existing| Wired { event: hook.id, state: State::Removed };
        Ok(gone.into_iter().map(removed).collect())
    }

    async fn read_catalogues(
        &self,
        connector: &Definition,
        source: &store::Account,
        _: &store::Account,
    ) -> Result<(Catalogue, Catalogue), MetadataUnread> {
        if connector.name == "silent" {
            let problem = Problem::new(
                plan::problem::Code::Unreachable,
                "It did not tell its fields.",
                "Try again.",
            );
            return Err(MetadataUnread::new(source.id, problem));
        }
        Ok((catalogue(), catalogue()))
    }

    async fn read_lead(
        &self,
        account: &store::Account,
        id: &str,
    ) -> Result<Option<Snapshot>, Problem> {
        let key = (account.name.clone(), id.to_owned());
        let said = self.leads.lock().unwrap().get(&key).cloned();
        said.ok_or_else(|| {
            let code = plan::problem::Code::Unreachable;
            Problem::new(code, "The host did not answer.", "Look at it.")
        })
    }

    async fn read_account_user(
        &self,
        account: &store::Account,
        email: &str,
    ) -> Result<Option<AccountUser>, MetadataUnread> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let key = (account.name.clone(), email.to_owned());
        let said = self.users.lock().unwrap().get(&key).cloned();
        said.unwrap_or(Ok(None)).map_err(|()| {
            let problem = Problem::new(
                plan::problem::Code::Unreachable,
                "The host did not answer.",
                "Look at it.",
            );
            MetadataUnread::new(account.id, problem)
        })
    }
}

fn catalogue() -> Catalogue {
    let field = |name: &str, kind| Field {
        schema_name: name.to_owned(),
        display_name: name.to_owned(),
        kind,
        max_length: None,
        parts: Vec::new(),
        options: Vec::new(),
        unique: false,
        mandatory: false,
        read_only: false,
    };
    let fields = vec![field("FirstName", Kind::Text), field("EmailAddress", Kind::Email)];
    Catalogue::from(FieldList::from(fields))
}

pub fn connector(name: &str, token: Token) -> Change {
    between(name, ("a", "b"), token)
}

pub fn between(name: &str, (source, destination): (&str, &str), token: Token) -> Change {
    let definition =
        serde_json::json!({ "name": name, "source": source, "destination": destination });
    Change::PutConnector {
        definition: serde_json::from_value(definition).unwrap(),
        token,
        made_from: None,
    }
}

pub fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

impl House {
    /// Ends each queued mail as a notifier would that has no mail server.
    pub fn send_mails(&self) -> tokio::task::JoinHandle<()> {
        let store = self.store.clone();
        tokio::spawn(async move {
            loop {
                let until = now() + SignedDuration::from_mins(1);
                if let Some(claimed) = store.claim_mail(now(), until).await.unwrap() {
                    let end = match &claimed.mail.alert {
                        Some(alert)
                            if alert.connector.is_none()
                                && claimed.mail.recipient.contains('…') =>
                        {
                            store::MailEnd::GivenUp {
                                error: "the webhook responded with 404".to_owned(),
                            }
                        }
                        _ => store::MailEnd::Logged,
                    };
                    store.end_mail(&claimed, end, now()).await.unwrap();
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        })
    }

    pub async fn wire(&self) -> Wire {
        Wire::open(self.address).await
    }

    /// The bodies that are kept, newest first.
    pub async fn kept(&self) -> Vec<String> {
        let mut page = store::Page { limit: store::Page::MOST, after: None };
        let mut bodies = Vec::new();
        loop {
            let listed = self.store.requests(&store::Filter::default(), &page).await;
            let (items, next) = listed.unwrap();
            for item in items {
                let delivery = self.store.delivery(item.id).await.unwrap().unwrap();
                bodies.push(String::from_utf8_lossy(&delivery.body).into_owned());
            }
            if next.is_none() {
                return bodies;
            }
            page.after = next;
        }
    }

    /// Makes every statement about this table fail, until it is mended.
    pub async fn break_table(&self, table: &str) {
        self.rename(table, &format!("broken_{table}")).await;
    }

    pub async fn mend_table(&self, table: &str) {
        self.rename(&format!("broken_{table}"), table).await;
    }

    async fn rename(&self, table: &str, name: &str) {
        let mut beside = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
        let sql = format!("ALTER TABLE {table} RENAME TO {name}");
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut beside).await.unwrap();
        beside.close().await.unwrap();
    }

    /// Ends the receiver as the program does.
    pub async fn end(self) {
        self.stop.cancel();
        let ended = tokio::time::timeout(PATIENCE, self.serving).await;
        ended.expect("it ends in time").expect("no panic").expect("no error");
    }
}

/// An intake that can fail and can be held up.
#[derive(Debug)]
pub struct Faulty {
    inner: Arc<dyn Intake>,
    pub broken: AtomicBool,
    /// A commit takes one permit for good.
    pub gate: Semaphore,
    /// Commits begun, and those done.
    pub asked: AtomicUsize,
    pub commits: AtomicUsize,
    changed: Notify,
}

impl Faulty {
    /// No commit goes on until permits are added.
    pub fn hold(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub async fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                if done(self) {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never: {what}"));
    }
}

#[async_trait::async_trait]
impl Intake for Faulty {
    async fn store_deliveries(&self, deliveries: Vec<NewDelivery>) -> store::Result<()> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.changed.notify_one();
        self.gate.acquire().await.unwrap().forget();
        if self.broken.load(Ordering::SeqCst) {
            return Err(store::Error::Refused("broken for the test".to_owned()));
        }
        self.inner.store_deliveries(deliveries).await?;
        self.commits.fetch_add(1, Ordering::SeqCst);
        self.changed.notify_one();
        Ok(())
    }
}

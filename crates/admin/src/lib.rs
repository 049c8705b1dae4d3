//! What people do with leadsync: set up accounts and connectors, look at the log, retry, review, backfill
//! and compare. The console, the API and the commands are three faces of it. It knows nothing of HTTP.

pub mod access;
pub mod accounts;
pub mod alerts;
mod asking;
pub mod attention;
pub mod backfill;
pub mod catch_up;
pub mod check;
pub mod connectors;
pub mod digest;
pub mod draft;
pub mod export;
pub mod failures;
pub mod health;
mod ids;
pub mod lead;
pub mod leads;
pub mod letter;
pub mod live;
pub mod log;
pub mod mapping;
pub mod overview;
pub mod pairing;
pub mod pairs;
pub mod passing;
pub mod password;
pub mod people;
pub mod person;
pub mod preview;
pub mod probing;
pub mod quota;
pub mod recent;
pub mod refresh;
mod refused;
pub mod removal;
pub mod repair;
pub mod retry;
pub mod reviews;
pub mod second_factor;
pub mod settings;
pub mod unmapped;
pub mod wiring;
pub mod words;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use store::{Actor, Change, Store, Token, UserChange};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use asking::AskAccounts;
pub use ids::Ids;
pub use refused::{Refused, Result};

/// The current time, as the program sees it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What the use cases work with.
#[derive(Clone)]
pub struct Admin {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The clock.
    pub clock: Clock,
    /// Reads the metadata and the users of accounts.
    pub accounts: Arc<dyn AskAccounts>,
    /// Notified when the dispatcher has something to do.
    pub wake: Arc<Notify>,
    /// Makes Request IDs for a node; a command takes a node's number only when it needs one.
    pub ids: Option<Arc<Ids>>,
    /// The beginning of links, without a slash at the end.
    pub public_url: Arc<str>,
    /// The beginning of webhook URLs, without a slash at the end.
    pub hooks_url: Arc<str>,
    /// Which users of accounts were read recently.
    pub asked: Arc<access::ReadUsers>,
    /// The probes that run.
    pub probes: probing::Probes,
}

impl Admin {
    /// The use cases on a store, for whoever serves nobody: no dispatcher of this process is notified,
    /// and no probe runs in the background.
    pub fn on(
        store: Arc<dyn Store>,
        clock: Clock,
        accounts: Arc<dyn AskAccounts>,
        (public_url, hooks_url): (&str, &str),
    ) -> Self {
        Self {
            store,
            clock,
            accounts,
            wake: Arc::default(),
            ids: None,
            public_url: public_url.into(),
            hooks_url: hooks_url.into(),
            asked: Arc::default(),
            probes: probing::Probes::new(CancellationToken::new()),
        }
    }

    /// What makes Request IDs here.
    pub(crate) async fn ids(&self) -> store::Result<Arc<Ids>> {
        match &self.ids {
            Some(ids) => Ok(ids.clone()),
            None => Ok(Arc::new(Ids::new(self.store.take_node_number().await?))),
        }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Changes accounts and connectors, and notifies the dispatcher.
    ///
    /// # Errors
    /// The store refuses the changes, or failed.
    pub async fn change(&self, changes: Vec<Change>, actor: &Actor) -> store::Result<()> {
        self.store.change_configuration(changes, actor, self.now()).await?;
        self.wake.notify_one();
        Ok(())
    }

    /// Changes users and tokens.
    ///
    /// # Errors
    /// The store refuses the change, or failed.
    pub async fn change_users(&self, change: UserChange, actor: &Actor) -> store::Result<()> {
        self.store.change_users(change, actor, self.now()).await
    }
}

/// The URL of the native webhooks that a connector made for itself: they send its secret along.
pub fn wired_url(base: &str, token: &Token) -> String {
    format!("{}/wired", webhook_url(base, token))
}

/// The webhook URL with this token.
pub fn webhook_url(base: &str, token: &Token) -> String {
    format!("{base}/hooks/{}", token.expose())
}

/// When an API token expires that lasts for this many days.
///
/// # Errors
/// Why the number is invalid.
pub fn expiry(now: Timestamp, days: u32) -> Result<Timestamp, String> {
    const MOST_DAYS: u32 = 3_650;
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(format!("must be 1 to {MOST_DAYS} days; leave it out for no expiry"));
    }
    now.checked_add(SignedDuration::from_hours(i64::from(days) * 24))
        .map_err(|error| error.to_string())
}

//! Native webhooks of a source account that a connector makes for itself, in place of automations that a
//! person sets up.

use plan::metadata::Catalogue;
use plan::problem::Problem;
use plan::wiring::{self, Event, Wired};
use secrecy::SecretString;
use store::{Account, Actor, Change, Configuration, Connector, Store, Token};

use crate::{AskAccounts, wired_url};

/// Why nothing was done, or not all.
#[derive(Debug)]
pub enum NotWired {
    /// The store failed.
    Store(store::Error),
    /// An account refused, or could not be reached.
    Account(Problem),
}

impl From<store::Error> for NotWired {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<Problem> for NotWired {
    fn from(problem: Problem) -> Self {
        Self::Account(problem)
    }
}

/// A connector, and what it takes to wire it.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// The store.
    pub store: &'a dyn Store,
    /// What calls accounts.
    pub accounts: &'a dyn AskAccounts,
    /// The settings that the connector is of.
    pub configuration: &'a Configuration,
    /// The connector.
    pub connector: &'a Connector,
}

/// What to do about a connector's webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Say how those that the connector needs stand.
    Check,
    /// Make them, with a new secret that only LeadSquared gets: the store keeps its hash.
    Wire,
    /// Remove every one that was made for the connector.
    Unwire,
}

impl Job<'_> {
    /// Does it, on behalf of this person.
    ///
    /// # Errors
    /// The store failed, or an account. A retry continues where it stopped.
    pub async fn run(
        &self,
        act: Act,
        hooks_url: &str,
        actor: &Actor,
        now: jiff::Timestamp,
    ) -> Result<Vec<Wired>, NotWired> {
        match act {
            Act::Check => self.states().await,
            Act::Wire => self.wire(hooks_url, actor, now).await,
            Act::Unwire => self.unwire(actor, now).await,
        }
    }

    async fn states(&self) -> Result<Vec<Wired>, NotWired> {
        let (source, wanted) = self.wanted().await?;
        let existing = self.accounts.webhooks(source).await?;
        Ok(wiring::states(self.name(), &wanted, &existing))
    }

    async fn wire(
        &self,
        hooks_url: &str,
        actor: &Actor,
        now: jiff::Timestamp,
    ) -> Result<Vec<Wired>, NotWired> {
        let (source, wanted) = self.wanted().await?;
        let secret = Token::for_webhook()?;
        // Before the first webhook sends it.
        self.note(Some(&secret), actor, now).await?;
        let url = wired_url(hooks_url, &self.connector.token);
        let secret = SecretString::from(secret.expose());
        Ok(self.accounts.wire(source, (self.name(), &wanted), (&url, &secret)).await?)
    }

    async fn unwire(&self, actor: &Actor, now: jiff::Timestamp) -> Result<Vec<Wired>, NotWired> {
        let removed = self.accounts.unwire(self.source()?, self.name()).await?;
        self.note(None, actor, now).await?;
        Ok(removed)
    }

    fn name(&self) -> &str {
        &self.connector.definition.name
    }

    fn source(&self) -> store::Result<&Account> {
        self.configuration.account_of(self.connector.source)
    }

    async fn wanted(&self) -> Result<(&Account, Vec<Event>), NotWired> {
        let definition = &self.connector.definition;
        let source = self.source()?;
        let (here, there) = if definition.activity.enabled && definition.activity.types.is_empty() {
            let destination = self.configuration.account_of(self.connector.destination)?;
            let read = self.accounts.read_catalogues(definition, source, destination).await;
            read.map_err(|unread| unread.problem)?
        } else {
            (Catalogue::default(), Catalogue::default())
        };
        Ok((source, wiring::wanted(definition, &here, &there)))
    }

    async fn note(
        &self,
        secret: Option<&Token>,
        actor: &Actor,
        now: jiff::Timestamp,
    ) -> store::Result<()> {
        let secret = secret.map(Token::hash);
        let change = Change::SetWiring { name: self.name().to_owned(), secret };
        self.store.change_configuration(vec![change], actor, now).await.map(drop)
    }
}

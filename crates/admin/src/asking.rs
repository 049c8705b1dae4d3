//! Reading accounts for the API, the console and the command line.

use async_trait::async_trait;
use plan::access::AccountUser;
use plan::connector::Definition;
use plan::metadata::{Catalogue, MetadataUnread};
use plan::probe::Report;
use plan::problem::Problem;
use plan::snapshot::Snapshot;
use plan::wiring::{Event, Existing, Wired};
use secrecy::SecretString;
use store::{Actor, Store};
use tokio_util::sync::CancellationToken;

/// Reads accounts. The web side never calls them itself.
#[async_trait]
pub trait AskAccounts: Send + Sync {
    /// The current metadata of one account: fields, users and activity types. This also shows
    /// whether its host and keys are right.
    async fn read_catalogue(&self, account: &store::Account) -> Result<Catalogue, MetadataUnread>;

    /// The current metadata of the two accounts of a connector.
    async fn read_catalogues(
        &self,
        connector: &Definition,
        source: &store::Account,
        destination: &store::Account,
    ) -> Result<(Catalogue, Catalogue), MetadataUnread>;

    /// Finds out what the account is like, on behalf of this person and, if the first of `by` says
    /// so, with a test lead; keeps what it answers.
    /// Once `stop` is cancelled, the test lead is removed and the probe ends.
    ///
    /// # Errors
    /// The store can't be used. What goes wrong in the account is in the report.
    async fn probe(
        &self,
        account: &store::Account,
        store: &dyn Store,
        by: (bool, &Actor),
        stop: &CancellationToken,
    ) -> store::Result<Report>;

    /// The native webhooks of leadsync that the account has.
    async fn webhooks(&self, account: &store::Account) -> Result<Vec<Existing>, Problem>;

    /// Makes the native webhooks of these events for the connector, which post to the URL with the
    /// secret, renews those that are there, and removes the others of this connector.
    async fn wire(
        &self,
        account: &store::Account,
        (connector, wanted): (&str, &[Event]),
        (url, secret): (&str, &SecretString),
    ) -> Result<Vec<Wired>, Problem>;

    /// Removes the native webhooks that the connector made.
    async fn unwire(
        &self,
        account: &store::Account,
        connector: &str,
    ) -> Result<Vec<Wired>, Problem>;

    /// A lead of the account, read now; `None` if the account has none with this id.
    ///
    /// # Errors
    /// Why it can't be read.
    async fn read_lead(
        &self,
        account: &store::Account,
        id: &str,
    ) -> Result<Option<Snapshot>, Problem>;

    /// The account's user with this email address, if there is one, read now.
    async fn read_account_user(
        &self,
        account: &store::Account,
        email: &str,
    ) -> Result<Option<AccountUser>, MetadataUnread>;
}

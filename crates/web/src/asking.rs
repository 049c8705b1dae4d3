//! Reading accounts for the API, the console and the command line.

use async_trait::async_trait;
use plan::access::AccountUser;
use plan::connector::Definition;
use plan::metadata::{Catalogue, MetadataUnread};

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

    /// The account's user with this email address, if there is one, read now.
    async fn read_account_user(
        &self,
        account: &store::Account,
        email: &str,
    ) -> Result<Option<AccountUser>, MetadataUnread>;
}

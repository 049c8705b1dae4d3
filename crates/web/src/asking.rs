//! What accounts are asked for the API, the console and the command line.

use async_trait::async_trait;
use plan::access::AccountUser;
use plan::connector::Definition;
use plan::metadata::{Catalogue, NotTold};

/// Asks accounts. The web side never calls them itself.
#[async_trait]
pub trait AskAccounts: Send + Sync {
    /// What one account says of itself now: fields, users and activity types. It tells too whether
    /// its host and keys are right.
    async fn read_catalogue(&self, account: &store::Account) -> Result<Catalogue, NotTold>;

    /// What the two accounts of a connector say of themselves now.
    async fn read_catalogues(
        &self,
        connector: &Definition,
        source: &store::Account,
        destination: &store::Account,
    ) -> Result<(Catalogue, Catalogue), NotTold>;

    /// What an account says now of its user with this email address, if it has one.
    async fn read_account_user(
        &self,
        account: &store::Account,
        email: &str,
    ) -> Result<Option<AccountUser>, NotTold>;
}

//! Accounts.

use leadsquared::Host;
use plan::connector::name_fault;
use plan::id::AccountId;
use plan::quota::Quota;
use secrecy::{ExposeSecret, SecretString};
use store::{Account, AccountPlan, Change, Configuration, Keys};

use crate::Admin;
use crate::refused::{Refused, Result};

/// An account as somebody wants it.
#[derive(Debug)]
pub struct AccountWish {
    /// Its API host.
    pub host: String,
    /// Its access key, and
    pub access_key: Option<SecretString>,
    /// its secret key: both, or neither to keep those that are stored.
    pub secret_key: Option<SecretString>,
    /// Its plan, or
    pub plan: Option<String>,
    /// its quota.
    pub quota: Option<Quota>,
}

/// The account of this name.
///
/// # Errors
/// No account has this name.
pub fn known<'a>(configuration: &'a Configuration, name: &str) -> Result<&'a Account> {
    let known = configuration.account(name);
    known.ok_or_else(|| Refused::not_found("account", name, "accounts"))
}

/// An account as it should be.
pub struct Planned {
    /// As it will be; a new one has no number in the store yet.
    pub account: Account,
    /// Whether no account has this name yet.
    pub is_new: bool,
    /// What has to change, if anything.
    pub change: Option<Change>,
}

/// What has to change so that the account of this name is like this.
///
/// # Errors
/// A part of it is invalid.
pub async fn plan(admin: &Admin, name: &str, wish: AccountWish) -> Result<Planned> {
    if let Some(what) = name_fault(name) {
        return Err(Refused::wrong("name", what));
    }
    let host = Host::parse(&wish.host).map_err(|error| {
        Refused::wrong(
            "host",
            match error {
                leadsquared::Error::Invalid { problem } => problem,
                other => other.to_string(),
            },
        )
    })?;
    let plan = AccountPlan::read(wish.plan.as_deref(), wish.quota)
        .map_err(|what| Refused::wrong("plan", format!("the account {what}")))?;
    let keys = keys(wish.access_key, wish.secret_key)?;
    let configuration = admin.store.configuration().await?;
    let known = configuration.account(name);
    let Some(kept) = keys.clone().or_else(|| known.map(|known| known.keys.clone())) else {
        let what = "is required, like secret_key, for a new account";
        return Err(Refused::wrong("access_key", what));
    };
    let host = host.to_string();
    if keys.is_none() && known.is_some_and(|known| known.host != host) {
        let what = "is required, like secret_key, for another host: stored keys are only sent to \
                    the host they were entered for";
        return Err(Refused::wrong("access_key", what));
    }
    let change = configuration.to_put_account(name, &host, keys, plan)?;
    let id = known.map_or(AccountId(0), |known| known.id);
    let account = Account { id, name: name.to_owned(), host, keys: kept, plan };
    Ok(Planned { account, is_new: known.is_none(), change })
}

fn keys(access: Option<SecretString>, secret: Option<SecretString>) -> Result<Option<Keys>> {
    let trimmed = |key: SecretString| SecretString::from(key.expose_secret().trim());
    match (access, secret) {
        (Some(access), Some(secret)) => {
            Ok(Some(Keys { access: trimmed(access), secret: trimmed(secret) }))
        }
        (None, None) => Ok(None),
        (Some(_), None) => Err(Refused::wrong("secret_key", "is required with access_key")),
        (None, Some(_)) => Err(Refused::wrong("access_key", "is required with secret_key")),
    }
}

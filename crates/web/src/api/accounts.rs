//! `/accounts`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use leadsquared::Host;
use plan::connector::name_fault;
use plan::id::AccountId;
use plan::quota::Quota;
use plan::traits::Trait;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use store::{Account, AccountPlan, Change, Keys};

use super::asker::Asker;
use super::input::{Input, Named, Params, Secret};
use super::refusal::Refusal;
use super::{List, Result, known_account};
use crate::Shared;

/// An account as it is returned, without keys.
#[derive(Debug, Serialize)]
pub(crate) struct AccountItem {
    name: String,
    host: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota: Option<Quota>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    traits: Vec<TraitItem>,
}

/// What an answer of the account showed.
#[derive(Debug, Serialize)]
struct TraitItem {
    #[serde(flatten)]
    seen: Trait,
    seen_at: Timestamp,
}

impl AccountItem {
    /// As it is shown, with what its answers showed.
    fn of(account: &Account, traits: Vec<(Timestamp, Trait)>) -> Self {
        let (plan, quota) = account.plan.written();
        let traits =
            traits.into_iter().map(|(seen_at, seen)| TraitItem { seen, seen_at }).collect();
        Self { name: account.name.clone(), host: account.host.clone(), plan, quota, traits }
    }
}

/// An account as it is sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    pub(crate) name: Option<String>,
    pub(crate) host: String,
    pub(crate) access_key: Option<Secret>,
    pub(crate) secret_key: Option<Secret>,
    pub(crate) plan: Option<String>,
    pub(crate) quota: Option<Quota>,
}

pub(crate) async fn list(
    State(shared): State<Shared>,
    params: Params,
) -> Result<Json<List<AccountItem>>> {
    params.end()?;
    let configuration = shared.store.configuration().await?;
    let mut items = Vec::with_capacity(configuration.accounts.len());
    for account in &configuration.accounts {
        items.push(AccountItem::of(account, shared.store.traits(account.id).await?));
    }
    Ok(Json(List { items }))
}

pub(crate) async fn put(
    State(shared): State<Shared>,
    asker: Asker,
    Named(name): Named,
    Input(wanted): Input<Wanted>,
) -> Result<(StatusCode, Json<AccountItem>)> {
    let Planned { account, is_new, change } = plan(&shared, &name, wanted).await?;
    if let Some(change) = change {
        shared.change(vec![change], &asker.actor).await?;
    }
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let traits = shared.store.traits(account.id).await?;
    Ok((status, Json(AccountItem::of(&account, traits))))
}

/// An account as it should be.
pub(crate) struct Planned {
    /// As it will be; a new one has no number in the store yet.
    pub(crate) account: Account,
    /// Whether no account has this name yet.
    pub(crate) is_new: bool,
    /// What has to change, if anything.
    pub(crate) change: Option<Change>,
}

/// What has to change so that the account of this name is like this.
pub(crate) async fn plan(shared: &Shared, name: &str, wanted: Wanted) -> Result<Planned> {
    if let Some(what) = name_fault(name) {
        return Err(Refusal::wrong("name", what));
    }
    if wanted.name.is_some_and(|other| other != name) {
        return Err(Refusal::wrong("name", "differs from the name in the path; leave it out"));
    }
    let host = Host::parse(&wanted.host).map_err(|error| {
        Refusal::wrong(
            "host",
            match error {
                leadsquared::Error::Invalid { problem } => problem,
                other => other.to_string(),
            },
        )
    })?;
    let plan = AccountPlan::read(wanted.plan.as_deref(), wanted.quota)
        .map_err(|what| Refusal::wrong("plan", format!("the account {what}")))?;
    let keys = keys(wanted.access_key, wanted.secret_key)?;
    let configuration = shared.store.configuration().await?;
    let known = configuration.account(name);
    let Some(kept) = keys.clone().or_else(|| known.map(|known| known.keys.clone())) else {
        let what = "is required, like secret_key, for a new account";
        return Err(Refusal::wrong("access_key", what));
    };
    let host = host.to_string();
    let change = configuration.to_put_account(name, &host, keys, plan)?;
    let id = known.map_or(AccountId(0), |known| known.id);
    let account = Account { id, name: name.to_owned(), host, keys: kept, plan };
    Ok(Planned { account, is_new: known.is_none(), change })
}

fn keys(access: Option<Secret>, secret: Option<Secret>) -> Result<Option<Keys>> {
    let trimmed = |Secret(key): Secret| SecretString::from(key.expose_secret().trim());
    match (access, secret) {
        (Some(access), Some(secret)) => {
            Ok(Some(Keys { access: trimmed(access), secret: trimmed(secret) }))
        }
        (None, None) => Ok(None),
        (Some(_), None) => Err(Refusal::wrong("secret_key", "is required with access_key")),
        (None, Some(_)) => Err(Refusal::wrong("access_key", "is required with secret_key")),
    }
}

pub(crate) async fn remove(
    State(shared): State<Shared>,
    asker: Asker,
    Named(name): Named,
) -> Result<StatusCode> {
    known_account(&shared.store.configuration().await?, &name)?;
    shared.change(vec![Change::RemoveAccount { name }], &asker.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

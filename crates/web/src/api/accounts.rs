//! `/accounts`.

use admin::accounts::{self, AccountWish, Planned};
use admin::health::{AccountCondition, Signs};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use plan::quota::Quota;
use plan::traits::Trait;
use serde::{Deserialize, Serialize};
use store::{Account, Change};

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
    #[serde(skip_serializing_if = "Option::is_none")]
    health: Option<AccountCondition>,
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
        Self {
            name: account.name.clone(),
            host: account.host.clone(),
            plan,
            quota,
            traits,
            health: None,
        }
    }
}

/// An account as it is sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    name: Option<String>,
    host: String,
    access_key: Option<Secret>,
    secret_key: Option<Secret>,
    plan: Option<String>,
    quota: Option<Quota>,
}

pub(crate) async fn list(
    State(shared): State<Shared>,
    params: Params,
) -> Result<Json<List<AccountItem>>> {
    params.end()?;
    let configuration = shared.store.configuration().await?;
    let signs = Signs::read(&*shared.store, &configuration, (shared.clock)()).await?;
    let mut items = Vec::with_capacity(configuration.accounts.len());
    for account in &configuration.accounts {
        let item = AccountItem::of(account, shared.store.traits(account.id).await?);
        items.push(AccountItem { health: Some(signs.of_account(account)), ..item });
    }
    Ok(Json(List { items }))
}

pub(crate) async fn put(
    State(shared): State<Shared>,
    asker: Asker,
    Named(name): Named,
    Input(wanted): Input<Wanted>,
) -> Result<(StatusCode, Json<AccountItem>)> {
    if wanted.name.is_some_and(|other| other != name) {
        return Err(Refusal::wrong("name", "differs from the name in the path; leave it out"));
    }
    let secret = |key: Option<Secret>| key.map(|Secret(key)| key);
    let wish = AccountWish {
        host: wanted.host,
        access_key: secret(wanted.access_key),
        secret_key: secret(wanted.secret_key),
        plan: wanted.plan,
        quota: wanted.quota,
    };
    let Planned { account, is_new, change } = accounts::plan(&shared, &name, wish).await?;
    if let Some(change) = change {
        shared.change(vec![change], &asker.actor).await?;
    }
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let traits = shared.store.traits(account.id).await?;
    Ok((status, Json(AccountItem::of(&account, traits))))
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

//! `/quota`: the remaining quota of each account, and when it runs out.

use axum::Json;
use axum::extract::State;
use store::Account;

use super::{List, Result};
use crate::Shared;
use admin::quota::{AccountQuota, read};

pub(crate) async fn list(State(shared): State<Shared>) -> Result<Json<List<AccountQuota>>> {
    let configuration = shared.store.configuration().await?;
    let accounts: Vec<&Account> = configuration.accounts.iter().collect();
    let now = (shared.clock)();
    Ok(Json(List { items: read(&*shared.store, &configuration, &accounts, now).await? }))
}

//! Retries.

use plan::id::RequestId;
use store::{Actor, Connector, Filter, Page, Retried, Retry};

use crate::Admin;
use crate::access::Reach;

/// Queues records again and notifies the dispatcher.
///
/// # Errors
/// The store failed.
pub async fn queue(admin: &Admin, actor: &Actor, retry: Retry) -> store::Result<Retried> {
    let retried = admin.store.retry(&retry, actor, admin.now()).await?;
    admin.wake.notify_one();
    Ok(retried)
}

/// Queues the newest records of the connector's linked leads and notifies the dispatcher.
///
/// # Errors
/// The store failed.
pub async fn refresh_leads(
    admin: &Admin,
    actor: &Actor,
    connector: &Connector,
    per_minute: u32,
) -> store::Result<Retried> {
    let which = (connector.id, connector.definition.name.as_str());
    let now = admin.now();
    let retried = admin.store.refresh_leads(which, Some(per_minute), actor, now).await?;
    admin.wake.notify_one();
    Ok(retried)
}

/// Those of these requests that the asker may see.
///
/// # Errors
/// The store failed.
pub async fn in_reach(
    admin: &Admin,
    reach: &Reach,
    ids: Vec<RequestId>,
) -> store::Result<Vec<RequestId>> {
    let within = reach.limit();
    if within.is_none() {
        return Ok(ids);
    }
    let page = Page { limit: ids.len(), after: None };
    let filter = Filter { ids, within, ..Filter::default() };
    let (lines, _) = admin.store.request_lines(&filter, &page).await?;
    Ok(lines.into_iter().map(|line| line.id).collect())
}

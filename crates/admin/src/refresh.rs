//! Updating linked leads with a connector's current settings.
//!
//! A changed mapping reaches a lead that was synced before only with the lead's next change. To apply
//! it sooner, the newest record of each linked lead is retried.

use plan::payload::Item;
use plan::preview::RecordPreview;
use plan::work::PlanKind;
use serde::Serialize;
use store::{RecordKey, Store};

use crate::AskAccounts;
use crate::preview::{NotPreviewed, Previewed, known_or_read, preview_retries};

/// How many leads are examined: enough to estimate what share of all would change.
pub const MOST_EXAMINED: usize = 1_000;
/// Linked leads that are read at a time.
const A_PAGE: usize = 1_000;

/// What updating linked leads would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RefreshPlan {
    /// Leads that are linked between the connector's accounts.
    pub linked: u64,
    /// Those of them that would be tried: that came by this connector, and whose newest record does
    /// not wait for its next try anyway.
    pub leads: u64,
    /// How many of those were examined, [`MOST_EXAMINED`] at most.
    pub examined: u64,
    /// Of those examined: leads for which different values would be sent now.
    pub changed: u64,
    /// Of those examined: nothing would be done.
    pub unchanged: u64,
    /// Of those examined: they would fail, be skipped or wait for a person.
    pub refused: u64,
}

impl RefreshPlan {
    /// About how many leads would change, by the share of those that were examined.
    pub fn expected(&self) -> u64 {
        (self.leads * self.changed).checked_div(self.examined).unwrap_or_default()
    }

    /// Whether every lead was examined.
    pub fn is_exact(&self) -> bool {
        self.examined == self.leads
    }

    fn count(&mut self, record: &RecordPreview) {
        self.examined += 1;
        match record.plan.kind {
            PlanKind::Unchanged => self.unchanged += 1,
            PlanKind::Refuse | PlanKind::Skip | PlanKind::Review | PlanKind::Freeze => {
                self.refused += 1;
            }
            _ => self.changed += 1,
        }
    }
}

/// Counts the leads of a connector that are linked, and what trying them again would do. Nothing is
/// written, and no account is called unless metadata that the settings need was never read.
///
/// # Errors
/// The store failed, or an account did not return what is needed.
pub async fn plan(
    store: &dyn Store,
    asking: &dyn AskAccounts,
    previewed: Previewed<'_>,
) -> Result<RefreshPlan, NotPreviewed> {
    let Previewed { configuration, connector, .. } = previewed;
    let (mut plan, mut examined) = (RefreshPlan::default(), Vec::new());
    let mut after: Option<String> = None;
    loop {
        let some = store.linked_records(connector.id, after.as_deref(), A_PAGE).await?;
        (plan.linked, plan.leads) =
            (plan.linked + some.leads, plan.leads + some.records.len() as u64);
        let room = MOST_EXAMINED - examined.len();
        examined.extend(some.records.into_iter().take(room));
        after = some.next;
        if after.is_none() {
            break;
        }
    }
    if examined.is_empty() {
        return Ok(plan);
    }
    let accounts = (
        configuration.account_of(connector.source)?,
        configuration.account_of(connector.destination)?,
    );
    let metadata = known_or_read(store, asking, connector, accounts).await?;
    let mut items = Vec::with_capacity(examined.len());
    for key in examined {
        if let Some(item) = item(store, key).await? {
            items.push(item);
        } else {
            // The dispatcher refuses what can't be read.
            plan.examined += 1;
            plan.refused += 1;
        }
    }
    let metadata = (&metadata.0, &metadata.1);
    for record in preview_retries(store, previewed, metadata, items).await? {
        plan.count(&record);
    }
    Ok(plan)
}

/// A record as it was received.
async fn item(store: &dyn Store, key: RecordKey) -> store::Result<Option<Item>> {
    let Some(delivery) = store.delivery(key.request).await? else { return Ok(None) };
    let entries = delivery.origin.read(&delivery.body, delivery.content_type.as_deref());
    let mut entries = entries.unwrap_or_default().into_iter();
    let place = usize::try_from(key.position).unwrap_or(usize::MAX);
    Ok(entries.nth(place).and_then(Result::ok))
}

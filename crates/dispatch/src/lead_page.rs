//! Reading an account's leads page by page: into the directory, for backfills and for their plans.

use leadsquared::{Client, Lead, LeadQuery, Limits, Operator, Paging, Reply, Sorting, to_wire};
use plan::backfill::LeadPage;
use plan::problem::Problem;
use plan::snapshot::Snapshot;
use plan::verdict;

use crate::access::client;
use crate::failure;

/// Reads a page of leads.
pub(crate) async fn read(client: &Client, page: &LeadPage) -> Reply<Vec<Lead>> {
    let columns: Vec<&str> = page.columns.iter().map(String::as_str).collect();
    let query = LeadQuery {
        field: page.by,
        operator: Operator::AtLeast,
        value: &to_wire(page.from),
        columns: &columns,
        sorting: Sorting::ascending("ProspectAutoId"),
        paging: Paging { page_index: page.page, page_size: page.size },
    };
    client.leads(&query).await
}

/// A lead as the plan knows leads.
pub(crate) fn snapshot(lead: &Lead) -> Snapshot {
    lead.fields.iter().map(|(name, value)| (name, value.unwrap_or_default())).collect()
}

/// A page of leads of an account, for somebody who plans a backfill.
///
/// # Errors
/// Why the account did not return it.
pub async fn read_leads(
    account: &store::Account,
    page: &LeadPage,
) -> Result<Vec<Snapshot>, Problem> {
    let client = client(account, Limits::default())?;
    let leads = read(&client, page).await.result;
    let leads = leads.map_err(|error| verdict::not_read(&failure::of(&error), &account.name))?;
    Ok(leads.iter().map(snapshot).collect())
}

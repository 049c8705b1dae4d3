//! Reading an account's leads page by page: into the directory, and for backfills.

use jiff::Timestamp;
use leadsquared::{Client, Lead, LeadQuery, Operator, Paging, Reply, Sorting, to_wire};

/// A page of an account's leads.
///
/// Leads are in the order of a unique column, so that none changes its place between pages (live). A
/// lead that is deleted while pages are read moves those behind it, and one of them may be missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LeadPage {
    /// Those whose time in this field is not before `from`.
    pub(super) by: &'static str,
    pub(super) from: Timestamp,
    /// Which page, from 1.
    pub(super) page: u32,
    /// Leads a page.
    pub(super) size: u32,
    /// The fields that are read; none: all.
    pub(super) columns: Vec<String>,
}

impl LeadPage {
    /// All leads of an account.
    pub(super) const CREATED: &str = "CreatedOn";
    /// Those that were modified since.
    pub(super) const MODIFIED: &str = "ModifiedOn";

    /// No lead was created before.
    pub(super) fn beginning() -> Timestamp {
        "1900-01-01T00:00:00Z".parse().expect("a time")
    }

    pub(super) async fn read(&self, client: &Client) -> Reply<Vec<Lead>> {
        let columns: Vec<&str> = self.columns.iter().map(String::as_str).collect();
        let query = LeadQuery {
            field: self.by,
            operator: Operator::AtLeast,
            value: &to_wire(self.from),
            columns: &columns,
            sorting: Sorting::ascending("ProspectAutoId"),
            paging: Paging { page_index: self.page, page_size: self.size },
        };
        client.leads(&query).await
    }

    /// Whether a page of so many leads is the last one.
    pub(super) fn is_last(&self, leads: usize) -> bool {
        leads < self.size as usize
    }
}

//! Reading an account's leads and activities page by page: for the directory, for backfills and
//! their counts, for sweeps, and for comparisons.

use jiff::Timestamp;
use leadsquared::{
    Activity, ByEventQuery, Client, Lead, LeadQuery, Operator, Paging, Reply, Sorting, Window,
    to_wire,
};
use plan::activity::shown;
use plan::backfill::LeadPage;
use plan::id::ConnectorId;
use plan::operation::Operation;
use plan::snapshot::Snapshot;

/// What a page is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// The account's directory.
    Directory,
    /// This backfill.
    Backfill(i64),
    /// The sweep of this connector.
    Sweep(ConnectorId),
    /// The comparison of this connector's accounts, and when it was requested.
    Parity(ConnectorId, Timestamp),
    /// The count of what a backfill of this connector would do, and when it was requested.
    Count(ConnectorId, Timestamp),
}

/// What to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A page of leads.
    Leads(LeadPage),
    /// The leads with these ids. A single one is read by a call that says whether it exists.
    These(Vec<String>),
    /// A page of the activities of one type that were modified between two times.
    Activities { event: u32, between: (Timestamp, Timestamp), page: u32 },
}

impl Wanted {
    /// The operation that reads it.
    pub(crate) fn operation(&self) -> Operation {
        match self {
            Self::Leads(_) => Operation::Leads,
            Self::These(ids) if ids.len() == 1 => Operation::LeadById,
            Self::These(_) => Operation::LeadsByIds,
            Self::Activities { .. } => Operation::ActivitiesByEvent,
        }
    }

    /// Whether it is this page of activities of a type or, without one, of leads.
    pub(crate) fn is_page(&self, event: Option<u32>, page: u32) -> bool {
        match self {
            Self::Leads(leads) => event.is_none() && leads.page == page,
            Self::Activities { event: own, page: number, .. } => {
                event == Some(*own) && *number == page
            }
            Self::These(_) => false,
        }
    }

    /// It contains nothing modified before this time.
    pub(crate) fn from(&self) -> Option<Timestamp> {
        match self {
            Self::Leads(page) => Some(page.from),
            Self::Activities { between, .. } => Some(between.0),
            Self::These(_) => None,
        }
    }

    /// Reads it.
    pub(crate) async fn read(&self, client: &Client) -> Reply<Vec<Snapshot>> {
        let snapshots = |leads: Vec<Lead>| leads.iter().map(snapshot).collect();
        match self {
            Self::Leads(page) => read(client, page).await.map(snapshots),
            Self::These(ids) if ids.len() == 1 => {
                let reply = client.lead_by_id(&ids[0]).await;
                reply.map(|lead| lead.iter().map(snapshot).collect())
            }
            Self::These(ids) => {
                let all: Vec<&str> = ids.iter().map(String::as_str).collect();
                let page_size = u32::try_from(all.len()).unwrap_or(u32::MAX);
                let paging = Paging { page_index: 1, page_size };
                client.leads_by_ids(&all, &[], paging).await.map(|page| snapshots(page.rows))
            }
            Self::Activities { event, between: (from, to), page } => {
                let query = ByEventQuery {
                    event: *event,
                    window: Window { from: *from, to: *to },
                    sorting: Sorting::ascending("ProspectActivityId"),
                    paging: Paging { page_index: *page, page_size: LeadPage::MOST },
                };
                let reply = client.activities_by_event(&query).await;
                reply.map(|page| page.rows.iter().filter_map(|row| posted(row, *event)).collect())
            }
        }
    }
}

/// Reads a page of leads.
async fn read(client: &Client, page: &LeadPage) -> Reply<Vec<Lead>> {
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

/// A lead as a plan type.
pub(crate) fn snapshot(lead: &Lead) -> Snapshot {
    lead.fields.iter().map(|(name, value)| (name, value.unwrap_or_default())).collect()
}

/// An activity as a plan type.
pub(crate) fn activity(activity: &Activity) -> Option<Snapshot> {
    let values = [&activity.data, &activity.fields].into_iter().flat_map(leadsquared::Fields::iter);
    let values: Vec<(String, String)> = values
        .map(|(name, value)| (name.to_owned(), value.unwrap_or_default().to_owned()))
        .collect();
    let note = ["ActivityEvent_Note", "Note"]
        .iter()
        .find_map(|name| values.iter().find(|(other, _)| other == name))
        .map(|(_, value)| value.clone());
    let times = (activity.created_on.as_deref(), activity.modified_on.as_deref());
    Some(shown(activity.id.as_deref()?, note.as_deref(), times, values))
}

/// The same, in the form that a webhook would post.
fn posted(row: &Activity, event: u32) -> Option<Snapshot> {
    let mut state = activity(row)?;
    state.put("RelatedProspectId", row.lead_id.as_deref()?);
    state.put("ActivityEvent", event.to_string());
    Some(state)
}

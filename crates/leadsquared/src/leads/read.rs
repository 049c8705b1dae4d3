//! Reading leads.

use serde::Serialize;

use crate::{Client, Lead, Page, Paging, Reply, Sorting, Window, call::Call, paging::Columns};

/// The most leads in a page of [`Client::leads`] (client code).
pub const LEADS_PAGE_MAX: u32 = 1000;
/// The most leads in a page of [`Client::recently_modified_leads`] (documented,
/// `AD/get-leads-by-date-range`); more is refused (live).
pub const RECENTLY_MODIFIED_PAGE_MAX: u32 = 5000;

/// How `Leads.Get` compares (documented, `AD/search-by-lead-criteria`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Operator {
    /// `=`
    #[serde(rename = "=")]
    Equal,
    /// `LIKE`
    #[serde(rename = "LIKE")]
    Like,
    /// `>`
    #[serde(rename = ">")]
    Greater,
    /// `<`
    #[serde(rename = "<")]
    Less,
    /// `<=`
    #[serde(rename = "<=")]
    AtMost,
    /// `>=`
    #[serde(rename = ">=")]
    AtLeast,
    /// `<>`
    #[serde(rename = "<>")]
    Unequal,
}

/// The filter of [`Client::leads`]: a single condition, which is all that the API supports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadQuery<'a> {
    /// The field's schema name.
    pub field: &'a str,
    /// How it compares.
    pub operator: Operator,
    /// The value: instants in UTC by [`crate::to_wire`], booleans `"1"` (`"true"` is refused, live).
    pub value: &'a str,
    /// The fields to return; all when empty.
    pub columns: &'a [&'a str],
    /// The order.
    pub sorting: Sorting<'a>,
    /// The page, of up to [`LEADS_PAGE_MAX`].
    pub paging: Paging,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a, P> {
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<P>,
    #[serde(skip_serializing_if = "Option::is_none")]
    search_parameters: Option<P>,
    #[serde(skip_serializing_if = "Option::is_none")]
    columns: Option<Columns<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sorting: Option<&'a Sorting<'a>>,
    paging: Paging,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Condition<'a> {
    lookup_name: &'a str,
    lookup_value: &'a str,
    sql_operator: Operator,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Modified {
    from_date: String,
    to_date: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Ids<'a> {
    lead_ids: &'a [&'a str],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Members<'a> {
    list_id: &'a str,
    retrieve_behaviour: &'static str,
}

impl Client {
    /// `Leads.GetById`: the lead with this ProspectID; `None` if there is none, which is also the
    /// only sign of a deleted lead (live).
    pub async fn lead_by_id(&self, lead_id: &str) -> Reply<Option<Lead>> {
        let call = Call::get("LeadManagement.svc/Leads.GetById").query("id", lead_id);
        let reply: Reply<Vec<Lead>> = self.send(call).await;
        reply.map(|leads| leads.into_iter().next())
    }

    /// `Leads.GetByEmailaddress`: the leads with this email address, none or one (documented,
    /// `AD/get-a-lead-by-email-id`).
    pub async fn leads_by_email(&self, email: &str) -> Reply<Vec<Lead>> {
        let call =
            Call::get("LeadManagement.svc/Leads.GetByEmailaddress").query("emailaddress", email);
        self.send(call).await
    }

    /// `RetrieveLeadByPhoneNumber`: searches Phone and Mobile and returns, of several leads, the
    /// one with the latest activity (documented, `AD/get-lead-by-phone`). Documented without spaces
    /// and hyphens; clients get matches for `+91-9045454045` too (client code).
    pub async fn leads_by_phone(&self, phone: &str) -> Reply<Vec<Lead>> {
        let call = Call::get("LeadManagement.svc/RetrieveLeadByPhoneNumber").query("phone", phone);
        self.send(call).await
    }

    /// `Leads.GetByQuickSearch`: leads with this text in FirstName, LastName, EmailAddress, Phone,
    /// Mobile, Company, City or Country (documented, `AE/openapi`).
    pub async fn quick_search_leads(&self, text: &str) -> Reply<Vec<Lead>> {
        let call = Call::get("LeadManagement.svc/Leads.GetByQuickSearch").query("key", text);
        self.send(call).await
    }

    /// `Leads.Get`: leads by one condition (documented, `AD/search-by-lead-criteria`). It is also
    /// the way to find a lead by another unique field, because no operation does that (inferred).
    pub async fn leads(&self, query: &LeadQuery<'_>) -> Reply<Vec<Lead>> {
        let condition = Condition {
            lookup_name: query.field,
            lookup_value: query.value,
            sql_operator: query.operator,
        };
        let body = Request {
            parameter: Some(condition),
            search_parameters: None,
            columns: Columns::of(query.columns),
            sorting: Some(&query.sorting),
            paging: query.paging,
        };
        self.send(Call::search("LeadManagement.svc/Leads.Get", &body)).await
    }

    /// `Leads.RecentlyModified`: leads whose `LeadLastModifiedOn` is in a window, in pages of up to
    /// [`RECENTLY_MODIFIED_PAGE_MAX`] (documented, `AD/get-leads-by-date-range`).
    ///
    /// That time also changes with new activities (live). Without `columns` every attribute is
    /// returned, some 200 a lead (live). Sort by `ProspectAutoId`.
    pub async fn recently_modified_leads(
        &self,
        window: Window,
        columns: &[&str],
        sorting: &Sorting<'_>,
        paging: Paging,
    ) -> Reply<Page<Lead>> {
        let (from_date, to_date) = window.wire();
        let body = Request {
            parameter: Some(Modified { from_date, to_date }),
            search_parameters: None,
            columns: Columns::of(columns),
            sorting: Some(sorting),
            paging,
        };
        self.send(Call::search("LeadManagement.svc/Leads.RecentlyModified", &body)).await
    }

    /// `Leads/Retrieve/ByIds`: the leads with these ProspectIDs (client code; its largest page is
    /// not known). Ids that have no lead are left out.
    pub async fn leads_by_ids(
        &self,
        lead_ids: &[&str],
        columns: &[&str],
        paging: Paging,
    ) -> Reply<Page<Lead>> {
        let body = Request {
            parameter: None,
            search_parameters: Some(Ids { lead_ids }),
            columns: Columns::of(columns),
            sorting: None,
            paging,
        };
        self.send(Call::search("LeadManagement.svc/Leads/Retrieve/ByIds", &body)).await
    }

    /// `Leads/Retrieve/BySearchParameter`: the members of a list (documented,
    /// `AD/get-leads-in-a-list-2`).
    pub async fn leads_in_list(
        &self,
        list_id: &str,
        columns: &[&str],
        sorting: &Sorting<'_>,
        paging: Paging,
    ) -> Reply<Page<Lead>> {
        let body = Request {
            parameter: None,
            search_parameters: Some(Members { list_id, retrieve_behaviour: "0" }),
            columns: Columns::of(columns),
            sorting: Some(sorting),
            paging,
        };
        self.send(Call::search("LeadManagement.svc/Leads/Retrieve/BySearchParameter", &body)).await
    }
}

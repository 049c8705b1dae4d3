//! Writing many leads in one call. Bulk calls have a rate limit of their own (documented,
//! `AD/rate-limits`) and fire no automations (live, for `UpdateV2`).

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::{
    Attribute, Client, LeadWrite, Reply, Rows, Written, call::Call, paging::Numbered, scalar,
};

/// The most leads of [`Client::create_leads`] (documented, `AD/create-leads-in-bulk`).
pub const BULK_CREATE_MAX: usize = 50;
/// The most leads of [`Client::create_or_update_leads`] (documented, `AD/bulk-create-or-update`).
pub const BULK_CREATE_OR_UPDATE_MAX: usize = 25;
/// The most leads of [`Client::set_field_of_leads`] (documented, `AD/bulk-update`).
pub const BULK_UPDATE_MAX: usize = 50;
/// The most leads of [`Client::update_leads`] (documented, `AD/update-lead-in-bulk-v2`).
pub const BULK_UPDATE_V2_MAX: usize = 25;

/// The result of one lead of a bulk create (client code):
/// `{"RowNumber":1,"LeadId":"…","LeadCreated":true,"LeadUpdated":false,"AffectedRows":1}`, with
/// `ErrorMessage` and `ExceptionType` if it failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct LeadRow {
    /// The row of the request, from 1. [`Rows::each`] finds a row by it.
    #[serde(deserialize_with = "scalar::count")]
    pub row_number: Option<u64>,
    /// The lead's ProspectID.
    #[serde(deserialize_with = "scalar::text")]
    pub lead_id: Option<String>,
    /// Whether the lead is new.
    #[serde(deserialize_with = "scalar::flag")]
    pub lead_created: Option<bool>,
    /// Whether a lead was updated.
    #[serde(deserialize_with = "scalar::flag")]
    pub lead_updated: Option<bool>,
    /// Rows touched.
    #[serde(deserialize_with = "scalar::count")]
    pub affected_rows: Option<u64>,
    /// Why it failed.
    #[serde(alias = "ExceptionMessage", deserialize_with = "scalar::text")]
    pub error_message: Option<String>,
    /// The exception's type, as in [`crate::Error::Refused`].
    #[serde(deserialize_with = "scalar::text")]
    pub exception_type: Option<String>,
}

impl LeadRow {
    /// Whether this row failed.
    pub fn is_failure(&self) -> bool {
        let said = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
        said(&self.error_message) || said(&self.exception_type)
    }
}

impl Numbered for LeadRow {
    fn number(&self) -> Option<usize> {
        self.row_number.and_then(|number| usize::try_from(number).ok())
    }
}

/// Where `UpdateV2` lists leads that do not exist (documented, `AD/update-lead-in-bulk-v2`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// In [`BulkUpdated::unprocessed_leads`], apart from failures:
    /// `PushNonExistentLeadsToUnProcessedList` is true.
    Unprocessed,
    /// In [`BulkUpdated::failed_leads`], among failures.
    Failed,
}

/// The response of `UpdateV2` (documented, `AD/update-lead-in-bulk-v2`).
///
/// There are no rows for leads that were updated: a lead that is in neither list was. `Message` is
/// `Error` as soon as one lead was not updated; that is not a failure of the call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BulkUpdated {
    /// `TotalCount`.
    pub total: Option<u64>,
    /// `SuccessCount`.
    pub succeeded: Option<u64>,
    /// `FailureCount`.
    pub failed: Option<u64>,
    /// `UnProcessedCount`.
    pub unprocessed: Option<u64>,
    /// `FailedLeads`.
    pub failed_leads: Vec<UnmatchedLead>,
    /// `UnProcessedLeads`.
    pub unprocessed_leads: Vec<UnmatchedLead>,
}

/// A lead that `UpdateV2` did not update.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct UnmatchedLead {
    /// The field by which it was searched for.
    #[serde(deserialize_with = "scalar::plain")]
    pub identifier: String,
    /// The value that was searched for.
    #[serde(deserialize_with = "scalar::plain")]
    pub identifier_value: String,
    /// Why not, such as "Lead does not exist in the system or You do not have permission to update
    /// the lead".
    #[serde(deserialize_with = "scalar::plain")]
    pub reason: String,
}

impl<'de> Deserialize<'de> for BulkUpdated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(rename = "Status")]
            counts: Counts,
            #[serde(default, rename = "Details")]
            details: Option<Details>,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Counts {
            #[serde(rename = "TotalCount", deserialize_with = "scalar::count")]
            total: Option<u64>,
            #[serde(rename = "SuccessCount", deserialize_with = "scalar::count")]
            success: Option<u64>,
            #[serde(rename = "FailureCount", deserialize_with = "scalar::count")]
            failure: Option<u64>,
            #[serde(rename = "UnProcessedCount", deserialize_with = "scalar::count")]
            unprocessed: Option<u64>,
        }
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "PascalCase")]
        struct Details {
            #[serde(deserialize_with = "scalar::list")]
            failed_leads: Vec<UnmatchedLead>,
            #[serde(deserialize_with = "scalar::list")]
            un_processed_leads: Vec<UnmatchedLead>,
        }

        let Answer { counts, details } = Answer::deserialize(deserializer)?;
        if counts.total.is_none() && counts.success.is_none() {
            return Err(D::Error::custom("Status has no counts"));
        }
        let details = details.unwrap_or_default();
        Ok(Self {
            total: counts.total,
            succeeded: counts.success,
            failed: counts.failure,
            unprocessed: counts.unprocessed,
            failed_leads: details.failed_leads,
            unprocessed_leads: details.un_processed_leads,
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateV2<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    search_by_key: Option<&'a str>,
    options: Options,
    lead_properties_list: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Options {
    #[serde(rename = "PushNonExistentLeadsToUnProcessedList")]
    unprocessed: bool,
}

/// An object with `Fields`: a bare array is refused with 400, "Cannot deserialize the current JSON
/// array into type 'LeadFieldKeyValuePair'" (live).
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Row<'a> {
    fields: &'a [Attribute<'a>],
}

impl Client {
    /// `Lead/Bulk/Create`: creates up to [`BULK_CREATE_MAX`] leads (documented,
    /// `AD/create-leads-in-bulk`). The rows of its response are assumed to be those of
    /// [`Client::create_or_update_leads`] (inferred).
    pub async fn create_leads(&self, leads: &[LeadWrite<'_>]) -> Reply<Rows<LeadRow>> {
        let call = Call::write("LeadManagement.svc/Lead/Bulk/Create", &leads);
        self.send(call.of_rows(leads.len(), BULK_CREATE_MAX)).await
    }

    /// `Lead/Bulk/CreateOrUpdate`: up to [`BULK_CREATE_OR_UPDATE_MAX`] leads, each with its own
    /// `SearchBy` (documented, `AD/bulk-create-or-update`).
    pub async fn create_or_update_leads(&self, leads: &[LeadWrite<'_>]) -> Reply<Rows<LeadRow>> {
        let call = Call::write("LeadManagement.svc/Lead/Bulk/CreateOrUpdate", &leads);
        self.send(call.of_rows(leads.len(), BULK_CREATE_OR_UPDATE_MAX)).await
    }

    /// `Lead/Bulk/Update`: sets one field of up to [`BULK_UPDATE_MAX`] leads (documented,
    /// `AD/bulk-update`). Returns `AffectedRows`.
    pub async fn set_field_of_leads(
        &self,
        lead_ids: &[&str],
        field: &Attribute<'_>,
    ) -> Reply<Written> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Body<'a> {
            lead_ids: &'a [&'a str],
            lead_fields: &'a Attribute<'a>,
        }

        let body = Body { lead_ids, lead_fields: field };
        let call = Call::write("LeadManagement.svc/Lead/Bulk/Update", &body);
        self.send(call.of_rows(lead_ids.len(), BULK_UPDATE_MAX)).await
    }

    /// `Lead/Bulk/UpdateV2`: updates up to [`BULK_UPDATE_V2_MAX`] leads, each with its own values
    /// (documented, `AD/update-lead-in-bulk-v2`; live). Leads that do not exist are not created.
    ///
    /// `search_by_key` is the unique field by which every lead is found, with its value among the
    /// lead's attributes; without it, `ProspectID` is. [`LeadWrite::search_by`] is not sent. No
    /// automation runs (live: none on 17,011 leads).
    pub async fn update_leads(
        &self,
        leads: &[LeadWrite<'_>],
        search_by_key: Option<&str>,
        missing: Missing,
    ) -> Reply<BulkUpdated> {
        let rows = leads.iter().map(|lead| Row { fields: &lead.attributes }).collect();
        let body = UpdateV2 {
            search_by_key,
            options: Options { unprocessed: missing == Missing::Unprocessed },
            lead_properties_list: rows,
        };
        let call = Call::write("LeadManagement.svc/Lead/Bulk/UpdateV2", &body);
        self.send(call.of_rows(leads.len(), BULK_UPDATE_V2_MAX)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn update_v2_answers_are_read() {
        let updated: BulkUpdated = serde_json::from_str(
            r#"{"Status":{"TotalCount":1,"SuccessCount":0,"FailureCount":0,"UnProcessedCount":"1","Message":"Error"},"Details":{"UnProcessedLeads":[{"Identifier":"EmailAddress","IdentifierValue":"a@example.com","Reason":"Lead does not exist in the system"}]}}"#,
        )
        .expect("an answer");
        assert_eq!(updated.unprocessed, Some(1));
        assert_eq!(updated.unprocessed_leads[0].identifier_value, "a@example.com");
        assert!(updated.failed_leads.is_empty());
        for json in [r#"{"Status":{}}"#, r#"{"Status":"Success"}"#, "{}"] {
            assert!(serde_json::from_str::<BulkUpdated>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_row_fails_by_what_it_says() {
        let row: LeadRow = serde_json::from_str(
            r#"{"RowNumber":2,"ErrorMessage":"no","ExceptionType":"MXDuplicateEntryException"}"#,
        )
        .expect("a row");
        assert!(row.is_failure());
        let row: LeadRow = serde_json::from_str(
            r#"{"RowNumber":1,"LeadId":"a","LeadCreated":"true","ErrorMessage":""}"#,
        )
        .expect("a row");
        assert!(!row.is_failure());
        assert_eq!(row.lead_created, Some(true));
    }
}

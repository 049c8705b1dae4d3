//! Writing many activities in one call. Bulk calls have a rate limit of their own (documented,
//! `AD/rate-limits`).

use serde::Deserialize;

use crate::{
    ActivityWrite, Client, Reply, Rows, activities::write::Keyed, call::Call, paging::Numbered,
    scalar,
};

/// The most activities of a bulk call (documented, `AD/post-bulk-activities-on-leads`,
/// `AD/bulk-update-activities`).
pub const BULK_ACTIVITIES_MAX: usize = 25;

/// The result of one activity of a bulk call: `{"Response":[{"ProspectActivityId":"…",…}]}`
/// (documented so far), with `RowNumber`, `ActivityCreated` and `ExceptionMessage` (client code).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ActivityRow {
    /// The row of the request, from 1. [`Rows::each`] finds a row by it.
    #[serde(deserialize_with = "scalar::count")]
    pub row_number: Option<u64>,
    /// The activity's id.
    #[serde(deserialize_with = "scalar::text")]
    pub prospect_activity_id: Option<String>,
    /// Whether it was added.
    #[serde(deserialize_with = "scalar::flag")]
    pub activity_created: Option<bool>,
    /// Whether it was changed (guess).
    #[serde(deserialize_with = "scalar::flag")]
    pub activity_updated: Option<bool>,
    /// Why it failed.
    #[serde(alias = "ErrorMessage", deserialize_with = "scalar::text")]
    pub exception_message: Option<String>,
    /// The exception's type (guess, by the rows of leads).
    #[serde(deserialize_with = "scalar::text")]
    pub exception_type: Option<String>,
}

impl ActivityRow {
    /// Whether this row failed.
    pub fn is_failure(&self) -> bool {
        let said = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
        said(&self.exception_message) || said(&self.exception_type)
    }
}

impl Numbered for ActivityRow {
    fn number(&self) -> Option<usize> {
        self.row_number.and_then(|number| usize::try_from(number).ok())
    }
}

impl Client {
    /// `Bulk/CustomActivity/Add/ByLeadId`: adds up to [`BULK_ACTIVITIES_MAX`] activities, each to
    /// the lead with the given ProspectID (documented, `AD/post-bulk-activities-on-leads`).
    pub async fn create_activities(
        &self,
        activities: &[(&str, ActivityWrite<'_>)],
    ) -> Reply<Rows<ActivityRow>> {
        let rows = keyed("RelatedProspectId", activities);
        let call = Call::write("ProspectActivity.svc/Bulk/CustomActivity/Add/ByLeadId", &rows);
        self.send(call.of_rows(rows.len(), BULK_ACTIVITIES_MAX)).await
    }

    /// `Bulk/CustomActivity/Add/ByLeadField`: as [`Client::create_activities`], each to the lead
    /// with the given value in the unique field `search_by` (documented,
    /// `AD/post-activities-to-leads-in-bulk-using-unique-lead-fields`).
    pub async fn create_activities_by_field(
        &self,
        search_by: &str,
        activities: &[(&str, ActivityWrite<'_>)],
    ) -> Reply<Rows<ActivityRow>> {
        let rows = keyed("SearchByValue", activities);
        let call = Call::write("ProspectActivity.svc/Bulk/CustomActivity/Add/ByLeadField", &rows)
            .query("searchBy", search_by);
        self.send(call.of_rows(rows.len(), BULK_ACTIVITIES_MAX)).await
    }

    /// `Bulk/CustomActivity/Update`: changes up to [`BULK_ACTIVITIES_MAX`] activities, each with
    /// its id, and fires automations on activity updates (documented, `AD/bulk-update-activities`).
    ///
    /// The sample rows have no `ActivityEvent`; that it is accepted is inferred from the single
    /// update. The shape of the response is a guess: that of [`Client::create_activities`].
    pub async fn update_activities(
        &self,
        activities: &[(&str, ActivityWrite<'_>)],
    ) -> Reply<Rows<ActivityRow>> {
        let rows = keyed("ProspectActivityId", activities);
        let call = Call::write("ProspectActivity.svc/Bulk/CustomActivity/Update", &rows);
        self.send(call.of_rows(rows.len(), BULK_ACTIVITIES_MAX)).await
    }
}

fn keyed<'a>(key: &'static str, activities: &'a [(&str, ActivityWrite<'_>)]) -> Vec<Keyed<'a>> {
    activities.iter().map(|(value, activity)| Keyed { key: Some((key, value)), activity }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_rows_are_read() {
        let rows: Rows<ActivityRow> = serde_json::from_str(
            r#"{"Response":[{"RowNumber":1,"ActivityCreated":true,"ProspectActivityId":"a"},{"RowNumber":2,"ActivityCreated":false,"ExceptionMessage":"no"}]}"#,
        )
        .expect("rows");
        let failures: Vec<_> =
            rows.each(2).iter().map(|row| row.map(ActivityRow::is_failure)).collect();
        assert_eq!(failures, [Some(false), Some(true)]);
    }
}

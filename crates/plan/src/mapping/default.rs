//! The default mapping: each field that both accounts have, by schema name.

use crate::connector::FieldRow;
use crate::metadata::{FieldList, Kind};

/// Fields that LeadSquared sets itself, by schema name. That they can't be written is inferred:
/// no page lists them.
pub const SYSTEM_FIELDS: &[&str] = &[
    "AvgTimePerVisit",
    "CanUpdate",
    "ConversionReferrerURL",
    "CreatedBy",
    "CreatedByName",
    "CreatedOn",
    "DeletionStatusCode",
    "EngagementScore",
    "FirstLandingPageSubmissionDate",
    "FirstLandingPageSubmissionId",
    "Grade",
    "IsLead",
    "LastModifiedOn",
    "LastVisitDate",
    "LeadAge",
    "LeadConversionDate",
    "LeadLastModifiedOn",
    "ModifiedBy",
    "ModifiedByName",
    "ModifiedOn",
    "NotableEvent",
    "NotableEventdate",
    "Origin",
    "OwnerIdEmailAddress",
    "OwnerIdName",
    "PageViewsPerVisit",
    "ProspectActivityDate_Max",
    "ProspectActivityDate_Min",
    "ProspectActivityId_Max",
    "ProspectActivityId_Min",
    "ProspectActivityName_Max",
    "ProspectActivityName_Min",
    "ProspectAutoId",
    "ProspectID",
    "ProspectId",
    "QualityScore01",
    "RelatedCompanyId",
    "RelatedLandingPageId",
    "RelatedProspectId",
    "Score",
    "SourceIPAddress",
    "SourceReferrer",
    "SourceReferrerURL",
    "StatusCode",
    "StatusReason",
    "Total",
    "TotalVisits",
    "Web_RefKeyword",
    "Web_Referrer",
];

/// Where a lead came from: the connector's *Lead Source* says it for the destination.
const SOURCE_FIELDS: &[&str] = &["LeadType"];

/// A row for each field that both accounts have and that can be carried over.
///
/// Left out are system fields, and fields that hold an id which means nothing in the other
/// account: users (an owner has another id there) and the lead type.
pub fn default_rows(source: &FieldList, destination: &FieldList) -> Vec<FieldRow> {
    destination
        .iter()
        .filter(|field| !field.read_only && field.kind != Kind::User)
        .filter(|field| !SYSTEM_FIELDS.contains(&field.schema_name.as_str()))
        .filter(|field| !SOURCE_FIELDS.contains(&field.schema_name.as_str()))
        .filter(|field| source.get(&field.schema_name).is_some_and(|from| from.kind != Kind::User))
        .map(|field| FieldRow {
            from: Some(field.schema_name.clone()),
            to: field.schema_name.clone(),
            enabled: true,
            ..FieldRow::default()
        })
        .collect()
}

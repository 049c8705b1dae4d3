//! The automatic mapping: each field that both accounts have, by schema name or by display name.

use std::collections::{HashMap, HashSet};

use super::in_force::{Proposal, Reason};
use crate::connector::{Basic, FieldRow};
use crate::metadata::{Field, FieldList, Kind};

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

/// Fields that can't be transferred: the lead type is an id of its own account.
const OF_THE_ACCOUNT: &[&str] = &["LeadType"];
/// Where a lead came from.
const SOURCE: &str = "Source";

/// The automatic mapping of leads: a row for each field that both accounts have and that can be
/// transferred, by schema name first, then by display name and kind if that is unambiguous.
///
/// It leaves out fields that LeadSquared sets itself, the lead type, which is an id of its own
/// account, and the source if the connector sets its own lead source.
pub fn lead_proposals(source: &FieldList, destination: &FieldList, basic: &Basic) -> Vec<Proposal> {
    let carried = |field: &&Field| {
        let name = field.schema_name.as_str();
        let own_source = name == SOURCE && basic.lead_source.is_some();
        let excluded = SYSTEM_FIELDS.contains(&name) || OF_THE_ACCOUNT.contains(&name);
        !field.read_only && !excluded && !own_source
    };
    let kinds = |from: &Field, to: &Field| (from.kind == Kind::User) == (to.kind == Kind::User);
    let same_name = |to: &Field| {
        let from = source.get(&to.schema_name)?;
        kinds(from, to).then(|| from.schema_name.clone())
    };
    propose(source, destination, carried, same_name)
}

/// The automatic mapping of one type of activity: note, time, status and owner, and each of its own
/// fields by display name and kind. The schema name of such a field says nothing: `mx_Custom_1`
/// differs in each type.
pub fn activity_proposals(source: &FieldList, destination: &FieldList) -> Vec<Proposal> {
    let standard = |to: &Field| {
        let is_standard = !to.schema_name.starts_with("mx_");
        (is_standard && source.get(&to.schema_name).is_some()).then(|| to.schema_name.clone())
    };
    propose(source, destination, |field| !field.read_only, standard)
}

fn propose(
    source: &FieldList,
    destination: &FieldList,
    carried: impl Fn(&&Field) -> bool,
    same_name: impl Fn(&Field) -> Option<String>,
) -> Vec<Proposal> {
    let (here, there) = (by_display_name(source), by_display_name(destination));
    // The only field that has the display name.
    let one = |names: &HashMap<String, Vec<&'_ Field>>, field: &Field| match names
        .get(&display_name(field))
        .map(Vec::as_slice)
    {
        Some([one]) => Some((*one).clone()),
        _ => None,
    };
    let named: Vec<Option<String>> = destination.iter().filter(&carried).map(&same_name).collect();
    let taken: HashSet<&String> = named.iter().flatten().collect();
    let mut proposals = Vec::new();
    for (to, same) in destination.iter().filter(&carried).zip(&named) {
        let (from, why) = if let Some(from) = same {
            (from.clone(), Reason::SchemaName)
        } else {
            // Only if neither account has a second field of that name, and nothing else is filled
            // from the field.
            let Some(from) = one(&here, to).filter(|from| from.kind == to.kind) else { continue };
            let is_taken = taken.contains(&from.schema_name);
            if is_taken || !carried(&&from) || one(&there, to).is_none() {
                continue;
            }
            (from.schema_name, Reason::DisplayName)
        };
        let to = to.schema_name.clone();
        proposals.push(Proposal {
            row: FieldRow { from: Some(from), to, enabled: true, ..FieldRow::default() },
            why,
            place: None,
        });
    }
    proposals
}

fn display_name(field: &Field) -> String {
    field.display_name.trim().to_lowercase()
}

/// The fields of an account by their display names, which several can share.
fn by_display_name(list: &FieldList) -> HashMap<String, Vec<&Field>> {
    let mut names: HashMap<String, Vec<&Field>> = HashMap::new();
    for field in list.iter().filter(|field| !field.display_name.trim().is_empty()) {
        names.entry(display_name(field)).or_default().push(field);
    }
    names
}

//! The default mapping: each field that both accounts have, by schema name or by display name.

use serde::Serialize;

use super::plain_name;
use crate::activity::STANDARD;
use crate::connector::{Basic, Definition, FieldRow};
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

/// A row of the default mapping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proposal {
    /// The row.
    #[serde(flatten)]
    pub row: FieldRow,
    /// Why it is there.
    pub why: Reason,
}

impl Proposal {
    fn settings(row: &FieldRow) -> Self {
        Self { row: row.clone(), why: Reason::Settings }
    }
}

/// Why a row exists: why two fields were taken to be the same, or because the settings say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// They have the same schema name.
    SchemaName,
    /// They have the same display name and hold the same kind of value.
    DisplayName,
    /// It is in the settings.
    Settings,
    /// Every activity has it, and no row of the settings says otherwise.
    Standard,
}

impl Reason {
    /// As a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::SchemaName => "matched by schema name",
            Self::DisplayName => "matched by display name and type",
            Self::Settings => "set in the connector",
            Self::Standard => "standard field of every activity",
        }
    }
}

/// The rows of leads that a connector uses: its own, or the default mapping.
pub fn lead_rows(
    definition: &Definition,
    source: &FieldList,
    destination: &FieldList,
) -> Vec<Proposal> {
    match definition.lead.fields.as_slice() {
        [] => lead_proposals(source, destination, &definition.basic),
        own => own.iter().map(Proposal::settings).collect(),
    }
}

/// The rows of one activity type, likewise. Its note, time, status and owner are added to custom rows
/// too, unless one of those reads or writes them.
pub fn activity_rows(
    own: &[FieldRow],
    source: &FieldList,
    destination: &FieldList,
) -> Vec<Proposal> {
    if own.is_empty() {
        return activity_proposals(source, destination);
    }
    let names = |name: &str| {
        own.iter().any(|row| row.to == name || row.from.as_deref().map(plain_name) == Some(name))
    };
    let mut rows: Vec<Proposal> = own.iter().map(Proposal::settings).collect();
    for name in STANDARD.into_iter().filter(|name| !names(name)) {
        if destination.get(name).is_some_and(|field| !field.read_only) {
            let from = Some(name.to_owned());
            let row = FieldRow { from, to: name.to_owned(), enabled: true, ..FieldRow::default() };
            rows.push(Proposal { row, why: Reason::Standard });
        }
    }
    rows
}

/// The default mapping of leads: a row for each field that both accounts have and that can be
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

/// The default mapping of one type of activity: note, time, status and owner, and each of its own
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
    let alike = |one: &Field, other: &Field| {
        let name = one.display_name.trim();
        !name.is_empty() && name.to_lowercase() == other.display_name.trim().to_lowercase()
    };
    let one = |list: &FieldList, field: &Field| {
        let mut found = list.iter().filter(|other| alike(field, other));
        found.next().filter(|_| found.next().is_none()).cloned()
    };
    let named: Vec<Option<String>> = destination.iter().filter(&carried).map(&same_name).collect();
    let mut proposals = Vec::new();
    for (to, same) in destination.iter().filter(&carried).zip(&named) {
        let (from, why) = if let Some(from) = same {
            (from.clone(), Reason::SchemaName)
        } else {
            // Only if neither account has a second field of that name, and nothing else is filled
            // from the field.
            let Some(from) = one(source, to).filter(|from| from.kind == to.kind) else { continue };
            let taken = named.iter().flatten().any(|other| *other == from.schema_name);
            if taken || !carried(&&from) || one(destination, to).is_none() {
                continue;
            }
            (from.schema_name, Reason::DisplayName)
        };
        let to = to.schema_name.clone();
        proposals.push(Proposal {
            row: FieldRow { from: Some(from), to, enabled: true, ..FieldRow::default() },
            why,
        });
    }
    proposals
}

//! Leads: search keys and mapping.

use super::{Findings, rows, some, told};
use crate::connector::{Behaviour, Condition, Definition, FieldRow, Test};
use crate::mapping::{self, Proposal, lead_rows};
use crate::metadata::{Catalogue, FieldList, Kind};
use crate::problem::{Code, Problem};
use crate::value::{self, Reading};

/// What marks the place of an automatic row, which no file has.
const AUTOMATIC: &str = "(automatic)";

/// The field that an automatic row fills, from what follows the mapping in its place:
/// ` (automatic) City.from` is about `City`.
pub fn automatic_field(place: &str) -> Option<&str> {
    let field = place.trim_start().strip_prefix(AUTOMATIC)?.trim_start();
    let part = [".from", ".to", ".default"].iter().find_map(|part| field.strip_suffix(part));
    Some(part.unwrap_or(field))
}

/// The rows of leads and the place of each in the file; automatic ones have none there.
pub(super) fn rows(
    definition: &Definition,
    source: &FieldList,
    destination: &FieldList,
) -> Vec<(String, FieldRow)> {
    let rows = lead_rows(definition, source, destination).into_iter();
    rows.map(|row| placed("lead.field", row)).collect()
}

/// A row with its place: its number in the file, where rows count from 1 and here from 0, or the
/// field that an automatic row fills.
pub(super) fn placed(at: &str, Proposal { row, place, .. }: Proposal) -> (String, FieldRow) {
    let at = match place {
        Some(number) => format!("{at}[{}]", number + 1),
        None => format!("{at} {AUTOMATIC} {}", row.to),
    };
    (at, row)
}

pub(super) fn check(
    definition: &Definition,
    (source, destination): (&Catalogue, &Catalogue),
    findings: &mut Findings,
) {
    let fields = (&source.fields, &destination.fields);
    let rows = rows(definition, fields.0, fields.1);
    keys(definition, &rows, fields.1, findings);
    filter(definition, fields.0, findings);
    if definition.lead.behaviour == Behaviour::DoNothing {
        return;
    }
    if rows.is_empty() && told(fields.0) && told(fields.1) {
        findings.error("lead.field", no_fields_in_common());
    }
    lead_source(definition, fields.1, findings);
    removed(definition, fields.1, findings);
    rows::check(&rows, fields, definition, findings);
    unmapped(definition, &rows, fields, findings);
}

/// Fields that the filter uses and the source does not have, and values that its dropdowns don't list.
fn filter(definition: &Definition, source: &FieldList, findings: &mut Findings) {
    for (at, Condition { field: name, test }) in definition.filter.conditions() {
        if !mapping::may_filter_by(name, source) {
            let problem = Problem::new(
                Code::UnknownField,
                format!(
                    "The filter uses the field {name}, which the source account does not have, so \
                     every lead fails."
                ),
                "Fix the schema name under Filter.",
            );
            findings.error(&format!("{at}.field"), problem.about(name));
            continue;
        }
        let Some(field) = mapping::readable(name, source) else { continue };
        let is_whole = !matches!(test, Test::Contains(_) | Test::NotContains(_))
            || field.kind == Kind::MultiSelect;
        let is_choice = matches!(field.kind, Kind::Select | Kind::MultiSelect);
        let is_unlisted = |value: &&String| value::listed(value, &field).is_none();
        let unlisted: Vec<String> = test.values().iter().filter(is_unlisted).cloned().collect();
        if is_whole && is_choice && !unlisted.is_empty() {
            let problem = Problem::new(
                Code::MissingOption,
                format!(
                    "The dropdown field {name} of the source account has no option {}.",
                    some(&unlisted)
                ),
                "Check how the option is spelled in the source account.",
            );
            findings.warning(&at, problem.about(name));
        }
    }
}

fn keys(
    definition: &Definition,
    rows: &[(String, FieldRow)],
    destination: &FieldList,
    findings: &mut Findings,
) {
    let basic = &definition.basic;
    let secondary = basic.secondary_search_by.as_ref();
    let keys =
        [("basic.search_by", Some(&basic.search_by)), ("basic.secondary_search_by", secondary)];
    for (at, key) in keys {
        let Some(key) = key.filter(|key| !key.trim().is_empty()) else { continue };
        match destination.get(key) {
            None => {
                let problem = Problem::new(
                    Code::UnknownSearchKey,
                    format!("The search field {key} does not exist in the destination account."),
                    "Choose a unique lead field of the destination account under Basic settings, \
                     such as EmailAddress.",
                );
                findings.error(at, problem.about(key));
                continue;
            }
            Some(field) if !field.unique => {
                let problem = Problem::new(
                    Code::SearchKeyNotUnique,
                    format!(
                        "The search field {key} is not unique in the destination account: two \
                         leads may have the same value, and leadsync can't choose between them."
                    ),
                    "Choose a unique field under Basic settings, or make this one unique in the \
                     destination account.",
                );
                if at == "basic.search_by" {
                    findings.error(at, problem.about(key));
                } else {
                    findings.warning(at, problem.about(key));
                }
            }
            Some(_) => {}
        }
        // The definition's own check reports it where a row is off, or the file has all rows.
        let has_row = rows.iter().any(|(_, row)| row.to == *key);
        if definition.lead.own().is_automatic() && !has_row {
            let problem = Problem::new(
                Code::SearchKeyUnmapped,
                format!(
                    "The automatic mapping does not fill the search field {key}: the source \
                     account has no such field."
                ),
                "Add a row for the search field under Mapping.",
            );
            findings.error(at, problem.about(key));
        }
    }
}

fn lead_source(definition: &Definition, destination: &FieldList, findings: &mut Findings) {
    if let Some(lead_source) = &definition.basic.lead_source
        && let Some(field) = destination.get("Source")
        && let Err(problem) =
            value::convert(lead_source, Kind::Text, field, &Reading::of(&definition.basic))
    {
        findings.warning("basic.lead_source", problem);
    }
}

/// Whether the destination's leads can be marked when their counterparts are gone.
fn removed(definition: &Definition, destination: &FieldList, findings: &mut Findings) {
    let Some(removed) = &definition.removed else { return };
    let Some(field) = destination.get(&removed.field) else {
        let problem = Problem::new(
            Code::UnknownField,
            format!("The destination account has no field {}.", removed.field),
            "Choose an existing field under Entity options, or create this one in the destination \
             account.",
        );
        findings.error("removed.field", problem.about(&removed.field));
        return;
    };
    for (at, value) in [("removed.deleted", &removed.deleted), ("removed.merged", &removed.merged)]
    {
        if let Err(problem) =
            value::convert(value, Kind::Text, field, &Reading::of(&definition.basic))
        {
            findings.error(at, problem);
        }
    }
}

/// Fields of the destination without which leads are refused, or become duplicates.
fn unmapped(
    definition: &Definition,
    rows: &[(String, FieldRow)],
    (source, destination): (&FieldList, &FieldList),
    findings: &mut Findings,
) {
    let creates =
        matches!(definition.lead.behaviour, Behaviour::CreateAndUpdate | Behaviour::CreateOnly);
    let is_filled = |name: &str| rows.iter().any(|(_, row)| row.enabled && row.to == name);
    let writable = |name: &str| !mapping::SYSTEM_FIELDS.contains(&name);
    let missing = destination
        .iter()
        .filter(|field| !field.read_only && writable(&field.schema_name))
        .filter(|field| !is_filled(&field.schema_name));
    let (mut unique, mut mandatory) = (Vec::new(), Vec::new());
    for field in missing {
        let name = field.schema_name.clone();
        if field.mandatory && creates {
            mandatory.push(name);
        } else if field.unique && source.get(&name).is_some() {
            unique.push(name);
        }
    }
    if !unique.is_empty() {
        findings.warning(
            "lead.field",
            Problem::new(
                Code::UniqueFieldUnmapped,
                format!(
                    "Unique fields of the destination that the source also has are not mapped: {}. \
                     Existing leads with the same value can't be told apart from new ones.",
                    some(&unique)
                ),
                "Map these fields, or use them as search fields.",
            ),
        );
    }
    if !mandatory.is_empty() {
        findings.warning(
            "lead.field",
            Problem::new(
                Code::MandatoryFieldUnmapped,
                format!(
                    "Mandatory fields of the destination are not mapped: {}.",
                    some(&mandatory)
                ),
                "Map these fields, with a default value if the source may have none.",
            ),
        );
    }
}

fn no_fields_in_common() -> Problem {
    Problem::new(
        Code::NoMapping,
        "The accounts have no fields in common, so the automatic mapping is empty.",
        "Add rows under Mapping.",
    )
}

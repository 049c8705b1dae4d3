//! Types of activity and their fields.

use super::{Findings, leads, rows};
use crate::activity::{ActivityMapping, forms};
use crate::connector::{Behaviour, Definition, FieldRow};
use crate::metadata::Catalogue;
use crate::problem::{Code, Problem};

pub(super) fn check(
    definition: &Definition,
    (source, destination): (&Catalogue, &Catalogue),
    findings: &mut Findings,
) {
    let mapping = ActivityMapping::new(definition, source, destination);
    let both_told = source.activity_types.is_some() && destination.activity_types.is_some();
    if mapping.types().next().is_none() && both_told {
        findings.warning(
            "activity.type",
            Problem::new(
                Code::NoActivityTypes,
                "No activities are synced: no type of the account's own has the same name in both.",
                "Add an [[connector.activity.type]] for each, or set activity.enabled = false.",
            ),
        );
    }
    for (number, rule) in definition.activity.types.iter().enumerate() {
        let at = format!("activity.type[{}]", number + 1);
        if source.activity_types.is_some() && source.activity_type(rule.from).is_none() {
            findings.error(
                &format!("{at}.from"),
                Problem::new(
                    Code::UnknownActivityType,
                    format!("The source account has no activity type {}.", rule.from),
                    "Correct the event code, or leave the type out.",
                ),
            );
        }
        let found = mapping.types().find(|(from, _)| *from == rule.from);
        match found.map(|(_, mapping)| mapping) {
            Some(Err(problem)) => findings.error(&format!("{at}.to"), problem.clone()),
            Some(Ok(_)) => {
                let (from, to) = forms(rule, source, destination);
                let at = format!("{at}.field");
                let place =
                    |(number, row): (usize, &FieldRow)| (leads::numbered(&at, number), row.clone());
                let rows: Vec<_> = rule.fields.iter().enumerate().map(place).collect();
                rows::check(&rows, (&from, &to), definition, findings);
            }
            None => {}
        }
    }
    let creates_leads =
        matches!(definition.lead.behaviour, Behaviour::CreateAndUpdate | Behaviour::CreateOnly);
    if !creates_leads && definition.activity.behaviour != Behaviour::UpdateOnly {
        findings.warning(
            "lead.behaviour",
            Problem::new(
                Code::LeadsAreNotCreated,
                format!(
                    "Activities of leads that the destination does not have are not synced: \
                     lead.behaviour is {}.",
                    definition.lead.behaviour.as_str()
                ),
                "That is right if all leads are there already.",
            ),
        );
    }
}

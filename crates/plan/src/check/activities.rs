//! Types of activity and their fields.

use super::{Findings, leads, rows};
use crate::activity::{ActivityMapping, forms};
use crate::connector::{Behaviour, Definition};
use crate::mapping::activity_rows;
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
                "No activities are synced: the accounts have no custom activity type with the same \
                 name.",
                "Map activity types, or turn activities off, under Entity options.",
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
                    "Fix the event code under Entity options, or remove this activity type.",
                ),
            );
        }
        let found = mapping.types().find(|(from, _)| *from == rule.from);
        match found.map(|(_, mapping)| mapping) {
            Some(Err(problem)) => findings.error(&format!("{at}.to"), problem.clone()),
            Some(Ok(_)) => {
                let (from, to) = forms(rule, source, destination);
                let at = format!("{at}.field");
                let rows = activity_rows(rule.own(), &from, &to).into_iter();
                let set = rows.filter(|row| row.place.is_some());
                let rows: Vec<_> = set.map(|row| leads::placed(&at, row)).collect();
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
                "Activities whose lead is missing in the destination are not synced, because the \
                 connector does not create leads.",
                "No action is needed if all leads already exist in the destination.",
            ),
        );
    }
}

//! Users whom the settings name.

use super::{Findings, some};
use crate::connector::Definition;
use crate::metadata::Catalogue;
use crate::problem::{Code, Problem};

pub(super) fn check(
    definition: &Definition,
    (source, destination): (&Catalogue, &Catalogue),
    findings: &mut Findings,
) {
    if destination.users.is_none() {
        return;
    }
    let active = |email: &str| destination.user_by_email(email).is_some_and(|user| user.active);
    let named = |email: &str| {
        Problem::new(
            Code::UnknownUser,
            format!("The destination account has no active user {email}."),
            "Use an email address that the destination account shows under Users and Permissions.",
        )
    };
    let owner = &definition.owner;
    for (at, email) in [
        ("basic.notify", definition.basic.notify.as_ref()),
        ("owner.fallback", owner.fallback.as_ref()),
    ] {
        if let Some(email) = email.filter(|email| !active(email)) {
            findings.error(at, named(email));
        }
    }
    for (from, to) in &owner.users {
        let at = format!("owner.users.\"{from}\"");
        if !active(to) {
            findings.error(&at, named(to));
        }
        if source.users.is_some() && source.user_by_email(from).is_none() {
            findings.warning(
                &at,
                Problem::new(
                    Code::UnknownUser,
                    format!("The source account has no user {from}."),
                    "Fix the email address, or remove this user under Mapping, Owners.",
                ),
            );
        }
    }
    if owner.fallback.is_none() {
        alone(definition, (source, destination), findings);
    }
}

/// Users of the source without a counterpart in the destination.
fn alone(
    definition: &Definition,
    (source, destination): (&Catalogue, &Catalogue),
    findings: &mut Findings,
) {
    let is_matched = |email: &str| {
        let table = definition.owner.users.iter();
        let stands = table.filter(|(from, _)| from.eq_ignore_ascii_case(email)).map(|(_, to)| to);
        stands
            .map(String::as_str)
            .chain([email])
            .any(|email| destination.user_by_email(email).is_some_and(|user| user.active))
    };
    let rows = super::leads::rows(definition, &source.fields, &destination.fields);
    let maps_owners = rows.iter().any(|(_, row)| row.enabled && row.to == "OwnerId");
    let alone: Vec<String> = source
        .users
        .iter()
        .flatten()
        .filter(|user| user.active && !is_matched(&user.email))
        .map(|user| user.email.clone())
        .collect();
    if maps_owners && !alone.is_empty() {
        findings.warning(
            "owner",
            Problem::new(
                Code::OwnerWithoutCounterpart,
                format!(
                    "Users of the source without a matching user in the destination: {}. The owner \
                     of their leads is not synced.",
                    some(&alone)
                ),
                "Map these users or set a fallback owner under Mapping, Owners.",
            ),
        );
    }
}

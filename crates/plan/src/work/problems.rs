//! Why a lead is left alone or refused, in words.

use crate::id::LeadId;
use crate::identity::{self, Key};
use crate::outcome::Party;
use crate::problem::{Code, Problem, shortened};

use super::call::Call;
use super::case::Case;
use super::pages::{MOST_PAGES, ROWS};

pub(super) const CHANGE_BEHAVIOUR: &str =
    "Change the connector's lead behaviour if that is not intended.";

pub(super) fn not_found() -> Problem {
    Problem::new(
        Code::NotFound,
        "The destination does not have this lead, and the connector only updates existing ones.",
        CHANGE_BEHAVIOUR,
    )
}

pub(super) fn test_lead() -> Problem {
    Problem::new(
        Code::TestLead,
        "This is the test lead of `leadsync probe`, or an activity on it, so it is not synced.",
        "No action is needed: the probe deletes its test lead.",
    )
}

pub(super) fn removed() -> Problem {
    Problem::new(
        Code::Removed,
        "The lead was deleted in the source, or merged into another one, since this came.",
        "No action is needed.",
    )
}

pub(super) fn exists() -> Problem {
    Problem::new(
        Code::Exists,
        "The lead exists in the destination, and the connector only creates new ones.",
        CHANGE_BEHAVIOUR,
    )
}

pub(super) fn no_id() -> Problem {
    Problem::new(
        Code::UnreadableAnswer,
        "The destination found the lead but did not say its ProspectID.",
        "It is tried again by itself. If it goes on, look at the answer in the log.",
    )
}

pub(super) fn too_many_activities(party: Party) -> Problem {
    let most = MOST_PAGES * ROWS;
    Problem::new(
        Code::ActivityUnclear,
        format!(
            "The lead has more activities of this type in the {party} than leadsync looks through \
             ({most}), and this one was not among them. It was not written, because it may be \
             there already."
        ),
        "Look for it on the lead in the destination; if it is not there, add it by hand.",
    )
}

pub(super) fn activity_unclear(count: usize) -> Problem {
    let what = match count {
        1 => "The activity of this type on the lead in the destination that happened in the same \
              second holds other values, and nothing tells whether it is this one, or which of the \
              two is right."
            .to_owned(),
        _ => format!(
            "{count} activities of this type on the lead in the destination happened in the same \
             second and hold other values, and nothing tells which of them is this one."
        ),
    };
    Problem::new(
        Code::ActivityUnclear,
        format!("{what} It was not written, because that would double it or change another one."),
        "Compare them on the lead in the destination, and correct them by hand; then retry.",
    )
}

pub(super) fn no_activity_id() -> Problem {
    Problem::new(
        Code::NoActivityId,
        "It is an activity, and the payload does not tell its id, so a webhook that is sent twice \
         would add it twice.",
        "Have the payload tell ProspectActivityId, or set without_id = \"sync\" for the connector's \
         activities: they are then identified by lead, type, time and fields.",
    )
}

/// An activity whose payload neither names its lead nor shows a key of it.
pub(super) fn no_lead() -> Problem {
    Problem::new(
        Code::NoKey,
        "The activity does not say which lead it is on.",
        "Have the payload tell RelatedProspectId, or ProspectID of the lead; then have it sent again.",
    )
}

pub(super) fn no_key(case: &Case<'_>) -> Problem {
    let basic = &case.connector.basic;
    let mut names = basic.search_by.clone();
    if let Some(secondary) = &basic.secondary_search_by {
        names = format!("{names} nor {secondary}");
    }
    let no_keys = identity::no_keys(basic, case.mapped, case.mapping.reading());
    let mut why: Vec<String> = no_keys
        .iter()
        .map(|(key, why)| format!("{} '{}' {why}", key.field, shortened(&key.value)))
        .collect();
    // A placeholder, or what else was left out with a word.
    for name in std::iter::once(&basic.search_by).chain(&basic.secondary_search_by) {
        let field = case.mapped.get(name).filter(|field| field.sent.value().is_none());
        why.extend(field.and_then(|field| Some(format!("{name} {}", field.remark.as_ref()?))));
    }
    let what = if why.is_empty() {
        format!("The record has no value for {names}")
    } else {
        format!("The record has no value that identifies one person: {}", why.join(", and "))
    };
    Problem::new(
        Code::NoKey,
        format!(
            "{what}, so the lead can't be found again: it was not created, because every change \
             of it would create it once more."
        ),
        "Fill the field in the source account, map another field to it, or choose another search key.",
    )
    .about(&basic.search_by)
}

pub(super) fn on_its_way(field: Option<&str>, other: &LeadId) -> Problem {
    let field = field.unwrap_or("search key");
    Problem::new(
        Code::Duplicate,
        format!(
            "The destination's lead with this {field} is linked to the lead {other} of the source, \
             which has another {field} by now."
        ),
        format!(
            "It is tried again once that change was synced. If it goes on, sync the lead {other} \
             again, or correct its {field} in the destination; then retry."
        ),
    )
}

pub(super) fn keys_disagree(keys: &[Key]) -> Problem {
    let named: Vec<String> =
        keys.iter().map(|key| format!("{} {}", key.field, key.value)).collect();
    Problem::new(
        Code::Duplicate,
        format!(
            "The destination refuses the lead as a duplicate of another one; tried with {}.",
            named.join(" and ")
        ),
        "One of the lead's unique values belongs to another lead of the destination. Merge the two \
         there or correct the value, then retry.",
    )
}

/// An update was accepted twice, and each answer named something else.
pub(super) fn another_id(call: &Call, other: &str) -> Problem {
    let (what, id) = match call {
        Call::UpdateActivity(update) => ("activity", update.activity_id.as_str()),
        Call::UpdateLead(update) => ("lead", update.lead_id.as_str()),
        _ => ("record", "it names"),
    };
    Problem::new(
        Code::UnreadableAnswer,
        format!(
            "The account accepted an update of the {what} {id} twice, and its answers name the \
             {what} {other}."
        ),
        "Look at both in LeadSquared: they may have been merged. It is tried again by itself, and \
         looked at first.",
    )
}

//! Why a lead is left alone or refused, in words.

use crate::id::LeadId;
use crate::identity::{self, Key};
use crate::outcome::Party;
use crate::problem::{Code, Problem, shortened};

use super::call::Call;
use super::case::Case;
use super::pages::{MOST_PAGES, ROWS};

pub(super) const CHANGE_BEHAVIOUR: &str =
    "If this is not intended, change the sync behaviour of leads under Entity options.";

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
        "This is the test lead of a probe, or an activity on it, so it is not synced.",
        "No action is needed: the probe deletes its test lead.",
    )
}

pub(super) fn removed() -> Problem {
    Problem::new(
        Code::Removed,
        "The lead was deleted in the source, or merged into another lead, after this change.",
        "No action is needed.",
    )
}

pub(super) fn exists() -> Problem {
    Problem::new(
        Code::Exists,
        "The lead already exists in the destination, and the connector only creates new ones.",
        CHANGE_BEHAVIOUR,
    )
}

pub(super) fn no_id() -> Problem {
    Problem::new(
        Code::UnreadableAnswer,
        "The destination found the lead but did not return its ProspectID.",
        "leadsync retries automatically. If this persists, check the response in the log.",
    )
}

pub(super) fn too_many_activities(party: Party) -> Problem {
    let most = MOST_PAGES * ROWS;
    Problem::new(
        Code::ActivityUnclear,
        format!(
            "The lead has more activities of this type in the {party} than leadsync checks \
             ({most}), and this one was not among them. The activity was not written, because it \
             may already exist."
        ),
        "Look for the activity on the lead in the destination. If it is missing, add it by hand.",
    )
}

pub(super) fn activity_unclear(count: usize) -> Problem {
    let what = match count {
        1 => "The lead in the destination has an activity of this type at the same second with \
              other values, and leadsync can't tell whether it is this one, or which of the two is \
              right."
            .to_owned(),
        _ => format!(
            "The lead in the destination has {count} activities of this type at the same second \
             with other values, and leadsync can't tell which of them is this one."
        ),
    };
    Problem::new(
        Code::ActivityUnclear,
        format!("{what} The activity was not written, to avoid a duplicate or a wrong change."),
        "Compare the activities on the lead in the destination and fix them by hand, then retry.",
    )
}

pub(super) fn no_activity_id() -> Problem {
    Problem::new(
        Code::NoActivityId,
        "The payload has no ID for the activity, so a webhook that is sent twice would add it \
         twice.",
        "Include ProspectActivityId in the payload, or let activities without an ID be synced \
         under Entity options: they are then identified by lead, type, time \
         and fields.",
    )
}

/// An activity whose payload neither names its lead nor shows a key of it.
pub(super) fn no_lead() -> Problem {
    Problem::new(
        Code::NoKey,
        "The activity does not name its lead.",
        "Include RelatedProspectId, or the lead's ProspectID, in the payload, then resend it.",
    )
}

pub(super) fn no_key(case: &Case<'_>) -> Problem {
    let basic = &case.connector.basic;
    let mut names = basic.search_by.clone();
    if let Some(secondary) = &basic.secondary_search_by {
        names = format!("{names} or {secondary}");
    }
    let no_keys = identity::no_keys(basic, case.mapped, case.mapping.reading());
    let mut why: Vec<String> = no_keys
        .iter()
        .map(|(key, why)| format!("{} '{}' {why}", key.field, shortened(&key.value)))
        .collect();
    // A placeholder, or another value left out with a remark.
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
            "{what}. leadsync matches leads by their search keys, so the lead was not created: \
             every later change would create it again."
        ),
        "Fill the field in the source account, map another field to it, or choose another search \
         key under Basic settings.",
    )
    .about(&basic.search_by)
}

pub(super) fn on_its_way(field: Option<&str>, other: &LeadId) -> Problem {
    let field = field.unwrap_or("search key");
    Problem::new(
        Code::Duplicate,
        format!(
            "The destination lead with this {field} is linked to the source lead {other}, which \
             now has another {field}."
        ),
        format!(
            "leadsync retries as soon as that change is synced. If this persists, sync the lead {other} \
             again, or fix its {field} in the destination; then retry."
        ),
    )
}

pub(super) fn keys_disagree(keys: &[Key]) -> Problem {
    let named: Vec<String> =
        keys.iter().map(|key| format!("{} {}", key.field, key.value)).collect();
    Problem::new(
        Code::Duplicate,
        format!(
            "The destination rejected the lead as a duplicate of another one; tried with {}.",
            named.join(" and ")
        ),
        "One of the lead's unique values belongs to another lead in the destination. Merge the two \
         leads there or fix the value, then retry. If the lead is still refused, the retry sends it \
         to review.",
    )
}

/// An update was accepted twice, and each response named something else.
pub(super) fn another_id(call: &Call, other: &str) -> Problem {
    let (what, id) = match call {
        Call::UpdateActivity(update) => ("activity", update.activity_id.as_str()),
        Call::UpdateLead(update) => ("lead", update.lead_id.as_str()),
        _ => ("record", "named in the call"),
    };
    Problem::new(
        Code::UnreadableAnswer,
        format!(
            "The account accepted an update of the {what} {id} twice, but its responses name the \
             {what} {other}."
        ),
        "Check both in LeadSquared: they may have been merged. leadsync checks the record first \
         and retries automatically.",
    )
}

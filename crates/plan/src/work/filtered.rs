//! Leads excluded by the connector's filter.
//!
//! The filter says which leads of the source are synced. If a payload does not contain what a condition
//! needs, the lead is read. A linked lead that no longer passes is marked in its link: its activities
//! are excluded too, and native webhooks show nothing of an activity's lead.

use crate::link::Link;
use crate::mapping::Verdict;
use crate::problem::{Code, Problem};

use super::case::Case;
use super::decision::Decision;
use super::problems;

/// What to do about a lead that does not pass, or may not; `None` if it passes.
pub(super) fn filtered(case: &Case<'_>) -> Option<Decision> {
    // What was started is finished.
    let has_begun = !case.known.twin.wrote.is_empty() || !case.known.twin.wrote_back.is_empty();
    if has_begun || is_open(case) {
        return None;
    }
    let source = case.known.source;
    let decision = match case.mapping.judge(case.item, source.fresh && !source.gone) {
        Verdict::Passes => return None,
        Verdict::Fails(what) => Decision::LeaveOut(left_out(&what)),
        Verdict::Unknown(field) => Decision::Refuse(vec![unknown(&field)]),
        Verdict::Lacks(_) if source.gone => Decision::Skip(problems::removed()),
        Verdict::Lacks(field) => match case.item.lead_id() {
            Some(lead_id) => Decision::read_source(lead_id),
            None => Decision::Refuse(vec![not_shown(&field)]),
        },
    };
    Some(decision)
}

/// The same for an activity by its lead, before anything is done about it. The payload may show
/// nothing of a linked lead; then the filter's last result for it counts.
pub(super) fn activity_of(lead: &Case<'_>) -> Option<Decision> {
    let linked = lead.link.filter(|_| !lead.known.twin.gone);
    let Some(link) = linked.filter(|_| !is_open(lead)) else {
        return match filtered(lead)? {
            Decision::LeaveOut(problem) => Some(Decision::Skip(problem)),
            decision => Some(decision),
        };
    };
    let is_whole = lead.known.source.fresh && !lead.known.source.gone;
    match lead.mapping.judge(lead.item, is_whole) {
        Verdict::Fails(what) => Some(Decision::Skip(left_out(&what))),
        Verdict::Lacks(_) if lead.ends(link).0.is_left_out => {
            Some(Decision::Skip(left_out("it did not pass at its last change")))
        }
        _ => None,
    }
}

/// Whether the lead is not filtered.
fn is_open(case: &Case<'_>) -> bool {
    let filter = case.mapping.filter();
    let is_linked = case.link.is_some() && !case.known.twin.gone;
    filter.is_open() || is_linked && filter.lets_linked_pass()
}

/// Notes in the link that the lead does not pass, unless the payload is old.
pub(super) fn leave(case: &Case<'_>) -> Option<Link> {
    let mut link = case.link?.clone();
    let version = case.item.modified_on();
    let here = link.end_mut(link.pair.side(case.source));
    if version.zip(here.seen).is_some_and(|(this, seen)| this < seen) {
        return None;
    }
    here.is_left_out = true;
    // Its state from before it stopped passing is no longer synced.
    here.seen = here.seen.max(version);
    Some(link)
}

fn left_out(what: &str) -> Problem {
    Problem::new(
        Code::FilteredOut,
        format!("The lead does not pass the connector's filter: {what}."),
        "No action is needed if such leads should not be synced. Otherwise change the connector's \
         filter or the lead, then retry.",
    )
}

fn unknown(field: &str) -> Problem {
    Problem::new(
        Code::UnknownField,
        format!(
            "The connector's filter uses the field {field}, which the source account does not have."
        ),
        "Fix the field under Filter, then retry.",
    )
    .about(field)
}

fn not_shown(field: &str) -> Problem {
    Problem::new(
        Code::NotShown,
        format!(
            "The connector's filter uses the field {field}, which the payload does not include, \
             and without a ProspectID the lead can't be read."
        ),
        "Include the field or ProspectID in the payload, then resend it.",
    )
    .about(field)
}

//! Fields that go back and forth between the accounts are frozen.

use super::case::Case;
use super::cell::Cell;
use super::decision::Tripped;
use super::merge::Merging;
use crate::link::{End, Link};
use crate::problem::{Code, Problem};
use jiff::Timestamp;

impl Merging<'_> {
    /// Whether a field goes back and forth: then it is frozen.
    pub(super) fn may_write(
        &mut self,
        end: Option<&End>,
        cell: &Cell,
        twin: Option<&Cell>,
        in_source: bool,
    ) -> bool {
        let now = self.case.now;
        let frozen =
            |end: &End, field: &str| end.frozen.get(field).is_some_and(|until| *until > now);
        let twin_frozen = twin.is_some_and(|twin| {
            self.ends
                .is_some_and(|(here, there)| frozen(if in_source { there } else { here }, &twin.to))
        });
        let Some(end) = end else { return true };
        if twin_frozen || frozen(end, &cell.to) {
            return false;
        }
        match end.cycle(&cell.to, &cell.value, now) {
            Some(cycle) => {
                let field = cell.to.clone();
                self.merge.tripped.push(Tripped { field, in_source, cycle });
                false
            }
            None => true,
        }
    }
}

/// The problem with fields that go back and forth.
pub(super) fn war(tripped: &[Tripped]) -> Problem {
    let fields: Vec<String> = tripped
        .iter()
        .map(|Tripped { field, in_source, cycle }| {
            let side = if *in_source { "source" } else { "destination" };
            format!("{field} in the {side} was set to {}", cycle.join(", "))
        })
        .collect();
    let problem = Problem::new(
        Code::Alternates,
        format!(
            "Sync loop detected: a field keeps changing back and forth between the accounts, and \
             is frozen for 24 hours. {}.",
            fields.join("; ")
        ),
        "Automations in both accounts set the field to different values. Change one of them, or \
         turn the field off in the mapping of one direction. The lead's other fields keep syncing.",
    );
    match tripped.first() {
        Some(first) => problem.about(&first.field),
        None => problem,
    }
}

/// Freezes fields until the next day.
pub(super) fn freeze(link: &Link, case: &Case<'_>, tripped: &[Tripped], until: Timestamp) -> Link {
    let mut link = link.clone();
    let (here, there) = (link.pair.side(case.source), link.pair.side(case.destination));
    for Tripped { field, in_source, .. } in tripped {
        let side = if *in_source { here } else { there };
        link.end_mut(side).frozen.insert(field.clone(), until);
    }
    link
}

//! Reviews of a lead.

use crate::mapping::MappedField;
use crate::outcome::Entity;
use crate::payload::Item;
use crate::problem::Problem;
use crate::review::{Candidate, LinkedLead, Reason, Review};
use crate::snapshot::Snapshot;

use super::case::Case;

/// The maximum number of candidates shown.
const MOST_CANDIDATES: usize = 10;

/// Shown besides the mapped fields, so that a person can recognise the lead.
const ALWAYS_SHOWN: [&str; 6] =
    ["FirstName", "LastName", "EmailAddress", "Phone", "CreatedOn", "ModifiedOn"];

/// Asks which of these leads in the destination is the record's. Each is given with the key that
/// found it.
pub(super) fn review<'a>(
    case: &Case<'_>,
    reason: Reason,
    leads: impl IntoIterator<Item = (&'a Snapshot, Option<&'a str>)>,
) -> Review {
    let search = &case.known.search;
    let candidate = |(lead, found_by): (&Snapshot, Option<&str>)| {
        let lead_id = lead.lead_id()?;
        let is_shown =
            |field: &str| case.mapped.get(field).is_some() || ALWAYS_SHOWN.contains(&field);
        let shown = lead.0.iter().filter(|(field, _)| is_shown(field));
        let fields = shown.map(|(field, value)| (field.clone(), value.clone())).collect();
        let linked_to = search.ties.get(&lead_id).map(|other| {
            let read = search.others.get(other).and_then(Option::as_ref);
            LinkedLead {
                lead_id: other.clone(),
                sends: read.map_or_else(Snapshot::default, |read| sends(case, read)),
            }
        });
        Some(Candidate { lead_id, found_by: found_by.map(str::to_owned), fields, linked_to })
    };
    let candidates = leads.into_iter().filter_map(candidate).take(MOST_CANDIDATES).collect();
    Review { reason, sends: sends(case, &case.item.state()), candidates, disputes: Vec::new() }
}

/// What a lead of the source would write, by destination field.
fn sends(case: &Case<'_>, lead: &Snapshot) -> Snapshot {
    let mapped = case.mapping.apply(&Item::from_state(Entity::Lead, lead));
    let sent = |field: &MappedField| Some((field.to.clone(), field.sent.written()?.to_owned()));
    mapped.fields.iter().filter_map(sent).collect()
}

/// Why a record fails while its lead waits for a decision.
pub(super) fn waits(reason: Reason) -> Problem {
    Problem::new(
        reason.code(),
        "leadsync can't tell which lead in the destination this is. Its changes are held until the \
         review is resolved.",
        "Resolve the review in the console under Reviews. If you have fixed the accounts instead, \
         retry.",
    )
}

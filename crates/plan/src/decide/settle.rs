//! What is known of two leads, or two activities, once a decision was carried out.

use jiff::Timestamp;

use super::{Case, Change};
use crate::link::Link;

/// The link after the one in the destination was found to hold, or made to hold, what the record
/// sends; `None` when the record does not say its id in the source.
///
/// `written` are the fields that were written, and `at` when; none when nothing had to be.
pub fn settle(
    case: &Case<'_>,
    destination_id: &str,
    written: &[Change],
    at: Option<Timestamp>,
) -> Option<Link> {
    let source_id = case.item.id()?;
    let kept =
        case.link.filter(|link| link.end(link.pair.side(case.destination)).id == destination_id);
    let mut link = kept.cloned().unwrap_or_else(|| {
        let ends = ((case.source, source_id), (case.destination, destination_id));
        Link::new(case.item.entity(), ends.0, ends.1)
    });
    let (here, there) = (link.pair.side(case.source), link.pair.side(case.destination));

    let end = link.end_mut(here);
    end.base.absorb(&case.mapping.read_part(case.item));
    // Only a state of which every mapped field is now in the destination may move `seen`
    // (`two-way.md`, trap i): that is what being here means.
    end.seen = end.seen.max(case.item.modified_on());

    let end = link.end_mut(there);
    for field in &case.mapped.fields {
        if let Some(lead) = &case.known.lead
            && let Some(value) = lead.get(&field.to)
        {
            end.base.put(field.to.as_str(), value);
        }
    }
    for change in written {
        end.base.put(change.to.as_str(), change.value.as_str());
    }
    end.wrote = end.wrote.max(at);
    Some(link)
}

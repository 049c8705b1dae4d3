//! A lead that was deleted in the source, or merged into another one there.
//!
//! The webhook is only a hint here too: the lead is read, and if it exists it is synced like any
//! other.

use crate::change::Change;
use crate::id::LeadId;
use crate::metadata::Kind;
use crate::payload::Removal;
use crate::problem::{Code, Problem};

use super::case::Case;
use super::decision::Decision;
use super::explanation::Why;

/// What to do about a lead that is said to be gone.
pub(super) fn decide(case: &Case<'_>, removal: Removal) -> Decision {
    let Some(removed) = &case.connector.removed else {
        return Decision::Skip(Problem::new(
            Code::RemovalIgnored,
            "The lead was deleted or merged in the source, and the connector does not mark such \
             leads.",
            "To mark such leads in the destination, choose a field for them under Entity options.",
        ));
    };
    let Some(link) = case.link.filter(|_| !case.known.twin.gone) else {
        return Decision::Skip(Problem::new(
            Code::NotLinked,
            "The lead was deleted or merged in the source, and no lead in the destination is \
             linked to it.",
            "No action is needed.",
        ));
    };
    if !case.known.source.fresh
        && let Some(lead_id) = case.item.lead_id()
    {
        return Decision::read_source(lead_id);
    }
    let (_, there) = case.ends(link);
    let value = match removal {
        Removal::Deleted => &removed.deleted,
        Removal::Merged => &removed.merged,
    };
    if there.base.get(&removed.field) == Some(value) {
        return Decision::Unchanged(Why::SameAsSynced, Some(there.id.clone()));
    }
    let mut fields = case.mapping.targets();
    let field = fields.find(|field| field.schema_name == removed.field);
    let kind = field.map_or(Kind::Text, |field| field.kind);
    let mark = Change::new(&removed.field, kind, value);
    Decision::update(case, LeadId::new(&there.id), vec![mark])
}

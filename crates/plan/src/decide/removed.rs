//! A lead that was deleted in the source, or merged into another one there.
//!
//! The webhook is a hint here too: the lead is read, and one that is there is synced as any other.

use super::{Case, Change, Decision, Why, skip};
use crate::metadata::Kind;
use crate::payload::Removal;

/// What to do about a lead that is said to be gone.
pub(super) fn decide(case: &Case<'_>, removal: Removal) -> Decision {
    let Some(removed) = &case.connector.removed else {
        return skip(
            "removal_ignored",
            "The lead was deleted or merged in the source, and the connector leaves its \
             counterpart as it is.",
        );
    };
    let Some(link) = case.link.filter(|_| !case.known.twin_gone) else {
        return skip(
            "not_linked",
            "The lead was deleted or merged in the source, and none of the destination is linked \
             to it.",
        );
    };
    if !case.known.fresh
        && let Some(lead_id) = case.item.lead_id()
    {
        return Decision::ReadSource { lead_id: lead_id.to_owned() };
    }
    let there = link.end(link.pair.side(case.destination));
    let value = match removal {
        Removal::Deleted => &removed.deleted,
        Removal::Merged => &removed.merged,
    };
    let lead_id = there.id.clone();
    if there.base.get(&removed.field) == Some(value) {
        return Decision::Unchanged { why: Why::SameAsSynced, destination_id: Some(lead_id) };
    }
    let mut fields = case.mapping.targets();
    let field = fields.find(|field| field.schema_name == removed.field);
    let kind = field.map_or(Kind::Text, |field| field.kind);
    Decision::Update { lead_id, fields: vec![Change::new(&removed.field, kind, value)] }
}

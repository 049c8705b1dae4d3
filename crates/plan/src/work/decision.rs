//! What to do about a record, by what is known now.

use crate::change::Change;
use crate::id::LeadId;
use crate::identity::Key;
use crate::outcome::Party;
use crate::problem::Problem;
use crate::review::Review;

use super::call::{Call, LeadUpdate, ReadLead, Which};
use super::case::Case;
use super::explanation::Why;

/// What to do, by what is known now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Nothing can be done: these problems must be solved first.
    Refuse(Vec<Problem>),
    /// The settings, or a person, say to leave it alone.
    Skip(Problem),
    /// The same because the lead does not pass the connector's filter; its link notes that.
    LeaveOut(Problem),
    /// The destination already has everything: this lead or activity, if known.
    Unchanged(Why, Option<String>),
    /// Make a call, to read or to write.
    Call(Call),
    /// Take this lead of the destination as the one that an earlier attempt created: its response
    /// was lost. Then decide again.
    Adopt(LeadId),
    /// Ask a person.
    Ask(Box<Review>),
    /// Leave fields alone that go back and forth, and tell a person.
    Freeze(Vec<Tripped>),
}

/// A field that goes back and forth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tripped {
    /// The field by schema name.
    pub(super) field: String,
    /// Whether it is the source's.
    pub(super) in_source: bool,
    /// What we wrote to it, first to last.
    pub(super) cycle: Vec<String>,
}

impl Decision {
    /// Update the lead of the destination.
    pub(super) fn update(case: &Case<'_>, lead_id: LeadId, fields: Vec<Change>) -> Self {
        let party = Party::Destination;
        let fires = case.fires(party);
        Self::Call(Call::UpdateLead(LeadUpdate { party, lead_id, fields, fires }))
    }

    /// Read the record's own lead from the source.
    pub(super) fn read_source(lead_id: LeadId) -> Self {
        Self::Call(Call::ReadLead(ReadLead { which: Which::Own, lead_id }))
    }

    /// Read a lead of the destination.
    pub(super) fn read_twin(lead_id: LeadId) -> Self {
        Self::Call(Call::ReadLead(ReadLead { which: Which::Twin, lead_id }))
    }

    /// Read the lead of the destination that the directory names.
    pub(super) fn read_listed(lead_id: LeadId) -> Self {
        Self::Call(Call::ReadLead(ReadLead { which: Which::Listed, lead_id }))
    }

    /// Find leads of the destination.
    pub(super) fn find(key: &Key) -> Self {
        Self::Call(Call::FindLead(key.clone()))
    }
}

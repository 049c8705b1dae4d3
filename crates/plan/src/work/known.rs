//! What was found out about a lead or an activity since its attempt began.

use std::collections::BTreeMap;

use crate::change::Change;
use crate::id::LeadId;
use crate::review::Ruled;
use crate::snapshot::Snapshot;

/// What was found out about a lead or an activity since the attempt began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// A write for it may have taken effect unseen: look before writing again.
    pub(crate) doubtful: bool,
    /// A person asked for this attempt.
    pub(crate) asked: bool,
    pub(crate) source: InSource,
    pub(crate) search: Search,
    pub(crate) twin: Twin,
    /// What a review says about which lead of the destination it is,
    pub(crate) ruled: Option<Ruled>,
    /// and about whose values hold.
    pub(crate) conflict: Option<Ruled>,
}

/// What is known of it in the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct InSource {
    /// It was read just now, so what is known can't be old.
    pub(crate) fresh: bool,
    /// It was to be read just now, and is not there.
    pub(crate) gone: bool,
    /// The lead was linked once, and was not there then: a webhook from before may come late.
    pub(crate) was_gone: bool,
}

/// The search for a lead of the destination by keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Search {
    /// How many of the record's keys can't be used: the destination has no lead by them, or says
    /// that they belong to different leads.
    pub(crate) keys_tried: usize,
    /// The destination refused to create the lead, because it has one of its unique values.
    pub(crate) exists: bool,
    /// Look before anything is written: the destination refused the lead by every key, each time
    /// as a duplicate, or what was written belongs to another lead.
    pub(crate) look_first: bool,
    /// A key that the lead would get belongs to another lead, and a person or a rule knows that:
    /// keys are not written.
    pub(crate) key_taken: bool,
    /// Several leads that a key found.
    pub(crate) several: Vec<Snapshot>,
    /// The leads that the second key finds, once they were looked for beside the lead that the
    /// first one found.
    pub(crate) rivals: Option<Vec<Snapshot>>,
    /// Of the leads that were found, those that are linked to other leads of the source.
    pub(crate) ties: BTreeMap<LeadId, LeadId>,
    /// Those other leads as they were read; `None`: gone.
    pub(crate) others: BTreeMap<LeadId, Option<Snapshot>>,
}

/// Its twin in the destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Twin {
    /// The linked one is no longer there.
    pub(crate) gone: bool,
    /// The lead as it was read.
    pub(crate) lead: Option<Snapshot>,
    /// What was written to that lead since it was read.
    pub(crate) wrote: Vec<Change>,
    /// What was written to the lead in the source since it was read.
    pub(crate) wrote_back: Vec<Change>,
    /// Its id: what a capture that was not to update found; of an activity's lead, once it is
    /// known.
    pub(crate) lead_id: Option<LeadId>,
    /// The activities of that lead that may be the one which a doubtful write made.
    pub(crate) activities: Option<Vec<Snapshot>>,
}

impl Known {
    /// The ids of the leads of the destination that were found.
    pub(super) fn found(&self) -> impl Iterator<Item = LeadId> {
        self.twin.lead.iter().chain(&self.search.several).filter_map(Snapshot::lead_id)
    }

    /// The twin is no longer there: the search starts again.
    pub(super) fn lose_twin(&mut self) {
        (self.twin.gone, self.twin.lead, self.twin.lead_id) = (true, None, None);
        self.twin.wrote.clear();
        self.search.keys_tried = 0;
    }
}

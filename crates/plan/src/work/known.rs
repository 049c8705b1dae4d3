//! What was found out about a lead or an activity since its attempt began.

use std::collections::{BTreeMap, BTreeSet};

use crate::change::Change;
use crate::directory::Hints;
use crate::id::LeadId;
use crate::payload::Item;
use crate::review::Ruled;
use crate::snapshot::Snapshot;

use super::holders::Holders;
use super::pages::{Activities, Pages};

/// What was found out about a lead or an activity since the attempt began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// A write for it may have taken effect without our knowing: check before writing again.
    pub(crate) doubtful: bool,
    /// It may be from before the store was restored from a backup, so that newer states of it may have
    /// been synced already.
    pub(crate) is_from_before: bool,
    /// A person asked for this attempt.
    pub(crate) asked: bool,
    pub(crate) source: InSource,
    pub(crate) search: Search,
    pub(crate) twin: Twin,
    /// The activities of its lead that are being read, from either account.
    pub(crate) pages: Pages,
    /// The activities of its lead in the source, once they were read.
    pub(crate) siblings: Option<Activities>,
    /// A review of its match in the destination.
    pub(crate) ruled: Option<Ruled>,
    /// A review of which values win.
    pub(crate) conflict: Option<Ruled>,
}

/// What is known about a lead's state before the event in the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// Nothing: the payload does not say what changed.
    Untold,
    /// The same state: nothing changed it.
    Same,
    /// The first is the state before, the second the state when posted.
    Was { before: Snapshot, posted: Snapshot },
}

impl Before {
    /// What the payload says.
    pub(super) fn of(item: &Item) -> Self {
        let was = |before| Self::Was { before, posted: item.state() };
        item.before().map_or(Self::Untold, was)
    }
}

/// What is known about it in the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct InSource {
    /// It was just read, so what is known can't be old.
    pub(crate) fresh: bool,
    /// It was just searched for and does not exist.
    pub(crate) gone: bool,
    /// The lead was linked and then found to be gone: a webhook sent before that may arrive late.
    pub(crate) was_gone: bool,
}

/// The search for a lead of the destination by keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Search {
    /// How many of the record's keys were tried without success: the destination has no lead with
    /// them, or they belong to different leads.
    pub(crate) keys_tried: usize,
    /// The destination refused to create the lead, because it has one of its unique values.
    pub(crate) exists: bool,
    /// Search before writing: the destination refused the lead as a duplicate with every key, or
    /// what was written belongs to another lead.
    pub(crate) look_first: bool,
    /// A key that the lead would get belongs to another lead, as a person or a rule accepted: keys
    /// are not written.
    pub(crate) key_taken: bool,
    /// Unique fields with values by which leads are not matched, and that another lead has: they are
    /// not written.
    pub(crate) left_to_others: BTreeSet<String>,
    /// The search for the leads that have its unique values, once the destination refused it for them.
    pub(crate) holders: Option<Holders>,
    /// Several leads that a key found.
    pub(crate) several: Vec<Snapshot>,
    /// The leads that the second key finds, once that was tried too, other than the lead that the
    /// first key found.
    pub(crate) rivals: Option<Vec<Snapshot>>,
    /// What the directory says about its keys, unless that turned out to be wrong.
    pub(crate) hints: Option<Hints>,
    /// Leads just found that are linked to other leads of the source.
    pub(crate) ties: BTreeMap<LeadId, LeadId>,
    /// Those other leads as they were read; `None`: gone.
    pub(crate) others: BTreeMap<LeadId, Option<Snapshot>>,
}

impl Search {
    /// Searches for the lead by all of its keys, from the first one, before anything is written.
    pub(crate) fn start_by_looking(&mut self) {
        (self.look_first, self.keys_tried) = (true, 0);
    }
}

/// Its counterpart in the destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Twin {
    /// The linked one is no longer there.
    pub(crate) gone: bool,
    /// It should match the source, whatever the two agreed on before: a person says so.
    pub(crate) overridden: bool,
    /// The lead as it was read.
    pub(crate) lead: Option<Snapshot>,
    /// What was written to that lead since it was read.
    pub(crate) wrote: Vec<Change>,
    /// What was written to the lead in the source since it was read.
    pub(crate) wrote_back: Vec<Change>,
    /// What the call that created it left out, because the account might have searched for a lead
    /// by it ([`unlinked::withheld`](super::unlinked)); it is written to this lead once it exists.
    pub(crate) withheld: Option<(LeadId, Vec<Change>)>,
    /// Its id: found by a capture that should not update or, for an activity's lead, once known.
    pub(crate) lead_id: Option<LeadId>,
    /// The activities of that lead that are not linked, once they were read.
    pub(crate) activities: Option<Activities>,
}

impl Known {
    /// The ids of the leads of the destination that were found.
    pub(super) fn found(&self) -> impl Iterator<Item = LeadId> {
        let holders = self.search.holders.iter().flat_map(Holders::leads);
        let leads = self.twin.lead.iter().chain(&self.search.several).chain(holders);
        leads.filter_map(Snapshot::lead_id)
    }

    /// The counterpart is gone: the search starts again.
    pub(super) fn lose_twin(&mut self) {
        (self.twin.gone, self.twin.lead, self.twin.lead_id) = (true, None, None);
        self.twin.wrote.clear();
        self.twin.activities = None;
        self.search.keys_tried = 0;
    }
}

//! Calls to an account for one record, and their results.

use crate::change::Change;
use crate::id::{ActivityId, LeadId};
use crate::identity::Key;
use crate::metadata::Kind;
use crate::operation::Operation;
use crate::outcome::Party;
use crate::snapshot::Snapshot;
use crate::verdict::Failure;

/// A call to an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Reads a lead by its id.
    ReadLead(ReadLead),
    /// Finds leads of the destination by a key.
    FindLead(Key),
    /// Creates a lead, or updates the one that has the key.
    Capture(Capture),
    /// Creates a lead, whatever exists: a person decided so.
    CreateLead(NewLead),
    /// Updates a lead.
    UpdateLead(LeadUpdate),
    /// Reads the activities of one type on one lead.
    ReadActivities(ReadActivities),
    /// Adds an activity to a lead.
    CreateActivity(NewActivity),
    /// Updates an activity.
    UpdateActivity(ActivityUpdate),
}

/// A lead to be read by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadLead {
    /// Which one it is.
    pub which: Which,
    /// Its id.
    pub lead_id: LeadId,
}

/// Which lead is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The record's own, from the source: the payload may be older than our own last write.
    Own,
    /// Another lead of the source: the one linked to the lead that was found.
    Other,
    /// The lead of the destination that is, or may be, the record's counterpart.
    Twin,
    /// The lead of the destination that has the record's key according to the directory.
    Listed,
}

/// A lead to be created, or updated if it has the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// The key.
    pub key: Key,
    /// The fields.
    pub fields: Vec<Change>,
    /// Fields that only a new lead gets.
    pub on_create: Vec<Change>,
    /// Whether a lead that already has the key is updated, or left alone.
    pub update: bool,
    /// Whether the account refuses to create a second lead with any of the record's keys, so that a
    /// call that never updates can be used.
    pub creates_once: bool,
}

/// A lead to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLead {
    /// The fields.
    pub fields: Vec<Change>,
}

/// A lead to be updated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadUpdate {
    /// Which account's lead it is: the source's, if the destination changed it too, or wins.
    pub party: Party,
    /// Its id.
    pub lead_id: LeadId,
    /// The fields.
    pub fields: Vec<Change>,
    /// Whether the account's automations should run.
    pub fires: bool,
}

/// Activities to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadActivities {
    /// Which account: the source to read the record itself again, the destination to see whether an
    /// earlier write added it.
    pub party: Party,
    /// The lead's id there.
    pub lead_id: LeadId,
    /// The event code there.
    pub event: u32,
    /// Which page of them, in the account's numbering: `Offset`, from 0.
    pub page: u32,
}

impl ReadActivities {
    /// How many rows are requested.
    pub const ROWS: u32 = 200;
}

/// A page of the activities of a lead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActivityPage {
    /// Its rows.
    pub rows: Vec<Snapshot>,
    /// The total number, as counted by the account.
    pub total: u64,
}

/// An activity to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewActivity {
    /// The lead's id in the destination.
    pub lead_id: LeadId,
    /// The event code.
    pub event: u32,
    /// The fields.
    pub fields: Vec<Change>,
}

/// An activity to be updated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityUpdate {
    /// Its id in the destination.
    pub activity_id: ActivityId,
    /// The event code.
    pub event: u32,
    /// The fields.
    pub fields: Vec<Change>,
}

impl Capture {
    /// Every field that a new lead gets.
    pub fn all_fields(&self) -> impl Iterator<Item = &Change> {
        self.fields.iter().chain(&self.on_create)
    }
}

impl Call {
    /// Which account is called.
    pub fn party(&self) -> Party {
        match self {
            Self::ReadLead(ReadLead { which: Which::Own | Which::Other, .. }) => Party::Source,
            Self::UpdateLead(LeadUpdate { party, .. })
            | Self::ReadActivities(ReadActivities { party, .. }) => *party,
            _ => Party::Destination,
        }
    }

    /// The operation for a single call.
    pub fn operation(&self) -> Operation {
        match self {
            Self::ReadLead(_) => Operation::LeadById,
            Self::FindLead(key) => Operation::finding(key),
            Self::Capture(_) => Operation::Capture,
            Self::CreateLead(_) => Operation::BulkCreate,
            Self::UpdateLead(_) => Operation::Update,
            Self::ReadActivities(_) => Operation::ActivitiesOfLead,
            Self::CreateActivity(_) => Operation::CreateActivity,
            Self::UpdateActivity(_) => Operation::UpdateActivity,
        }
    }

    /// Whether it writes, so that it must not be repeated blindly.
    pub fn writes(&self) -> bool {
        self.operation().writes()
    }

    /// The fields that it writes; those that only a new lead gets come last.
    pub fn fields(&self) -> impl Iterator<Item = &Change> {
        let (fields, more) = match self {
            Self::Capture(capture) => (capture.fields.as_slice(), capture.on_create.as_slice()),
            Self::CreateLead(NewLead { fields })
            | Self::UpdateLead(LeadUpdate { fields, .. })
            | Self::CreateActivity(NewActivity { fields, .. })
            | Self::UpdateActivity(ActivityUpdate { fields, .. }) => (fields.as_slice(), &[][..]),
            Self::ReadLead(_) | Self::FindLead(_) | Self::ReadActivities(_) => (&[][..], &[][..]),
        };
        fields.iter().chain(more)
    }

    /// Whether it writes a custom field set, which bulk calls do not accept (none of their pages
    /// shows one).
    pub(super) fn writes_a_set(&self) -> bool {
        self.fields().any(|change| change.kind == Kind::FieldSet)
    }
}

/// What an account returned for one record, by a call of its own or in its row of a bulk call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The leads that were found.
    Leads(Vec<Snapshot>),
    /// A page of the activities that were found.
    Activities(ActivityPage),
    /// The write took effect.
    Written {
        /// The id of what was written, if the account returns it.
        id: Option<String>,
        /// Whether it was created, if the account says so.
        is_created: Option<bool>,
    },
    /// It did not.
    Failed(Failure),
}

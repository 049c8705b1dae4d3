//! The directory: which leads an account has, as far as it has been read.
//!
//! It is a planning hint, never the truth: leads are created, changed and deleted without the store
//! knowing. The store keeps only hashes of a lead's search keys, which can't be looked up without the
//! key file.

use jiff::Timestamp;
use plan::id::AccountId;

/// A lead of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// Its id, in lower case.
    pub id: String,
    /// Its search keys, normalised, each with its field: `EmailAddress a@x.y`. The store hashes
    /// them.
    pub keys: Vec<String>,
    /// When it was last changed, by the account's clock.
    pub modified: Option<Timestamp>,
}

/// How far an account has been read into the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryReading {
    /// The fields whose keys are kept, sorted.
    pub fields: Vec<String>,
    /// When this reading began.
    pub begun_at: Timestamp,
    /// Leads changed in this second or later, by the account's clock, have yet to be read.
    pub from: Timestamp,
    /// The next page of them to read, from 1; 0 while nothing is being read.
    pub page: u32,
    /// How many leads were read so far.
    pub leads: u64,
    /// When it was complete; `None` while it is running.
    pub complete_at: Option<Timestamp>,
}

/// What was learned about an account's leads.
#[derive(Clone, Debug)]
pub struct DirectoryNews {
    /// The account.
    pub account: AccountId,
    /// Leads as they are now: each replaces its stored entry, including the keys. If a lead appears
    /// several times, the last entry counts.
    pub entries: Vec<DirectoryEntry>,
    /// The ids of leads that the account no longer has, in lower case. They win over an entry for
    /// the same lead.
    pub gone: Vec<String>,
    /// How far the account has been read now, if that changed.
    pub reading: Option<DirectoryReading>,
}

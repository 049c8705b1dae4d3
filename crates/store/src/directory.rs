//! The directory: which leads an account has, as far as it was read.
//!
//! It is a hint to plan by, never the truth: leads come, change and go without the store being told.
//! Of a lead's search keys the store keeps hashes only, which can't be read back without the key file.

use jiff::Timestamp;
use plan::id::AccountId;

/// A lead of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// Its id, in lower case.
    pub id: String,
    /// What it is searched by, normalised, each with its field: `EmailAddress a@x.y`. The store
    /// hashes them.
    pub keys: Vec<String>,
    /// When it was last changed, by the account's clock.
    pub modified: Option<Timestamp>,
}

/// How far an account was read into the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryReading {
    /// The fields whose keys are kept, sorted.
    pub fields: Vec<String>,
    /// When this reading began.
    pub begun_at: Timestamp,
    /// Leads that were changed in this second or later, by the account's clock, are still to be
    /// read.
    pub from: Timestamp,
    /// Which page of them comes next, from 1; 0 while nothing is being read.
    pub page: u32,
    /// How many leads were read so far.
    pub leads: u64,
    /// When it was complete; `None` while it goes on.
    pub complete_at: Option<Timestamp>,
}

/// What became known of the leads of an account.
#[derive(Clone, Debug)]
pub struct DirectoryNews {
    /// The account.
    pub account: AccountId,
    /// Leads as they are now: each replaces what is kept of it, its keys too. Of several entries of
    /// one lead the last one counts.
    pub entries: Vec<DirectoryEntry>,
    /// The ids of leads that the account has no more, in lower case. One that has an entry too is
    /// gone.
    pub gone: Vec<String>,
    /// How far the account is read now, unless that is as before.
    pub reading: Option<DirectoryReading>,
}

//! Who is signed in.

use jiff::{SignedDuration, Timestamp};
use plan::permission::Role;
use serde::Serialize;

use crate::token::TokenHash;

/// How long after its last use a session ends.
pub const IDLE: SignedDuration = SignedDuration::from_hours(24);
/// How long after its start a session ends in any case.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 30);
/// The most sessions of a user; the least recently used ends first.
pub const MOST_SESSIONS: i64 = 20;

/// A session about to be started.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The hash of its cookie.
    pub hash: TokenHash,
    /// The browser's name for itself.
    pub agent: String,
}

/// A session that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The store's number for it.
    pub id: i64,
    /// Its user.
    pub email: String,
    /// What kind of user that is now.
    pub person: Person,
}

/// What kind of user is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Person {
    /// A user of leadsync.
    User(Role),
    /// A user of LeadSquared accounts, signed in by a link. Those accounts and the connectors'
    /// `access` decide what they may do.
    AccountUser,
}

/// A session, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionItem {
    /// The store's number for it.
    pub id: i64,
    /// Since when.
    pub made_at: Timestamp,
    /// When it was last used, to a few minutes.
    pub seen_at: Timestamp,
    /// The browser's name for itself.
    pub agent: String,
}

/// A one-time sign-in link for a user of LeadSquared accounts.
#[derive(Clone, Debug)]
pub struct NewLink {
    /// The hash of its secret.
    pub hash: TokenHash,
    /// Its user.
    pub email: String,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// How many valid links a user may have at a time; the oldest is dropped first.
pub const MOST_LINKS: i64 = 5;

/// A user of LeadSquared accounts who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Guest {
    /// The email address.
    pub email: String,
    /// In how many browsers.
    pub sessions: u64,
    /// When one of them was last used, to a few minutes.
    pub seen_at: Timestamp,
}

/// Which of a user's sessions end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndSessions {
    /// This one.
    One(i64),
    /// All but this one.
    Others(i64),
}

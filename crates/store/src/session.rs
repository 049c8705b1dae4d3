//! Who is signed in.

use jiff::{SignedDuration, Timestamp};
use plan::permission::Role;
use serde::Serialize;

use crate::token::TokenHash;

/// How long after its last use a session ends.
pub const IDLE: SignedDuration = SignedDuration::from_hours(24);
/// How long after its beginning a session ends, whatever happens.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 30);
/// The most sessions of a user; the one that was used longest ago ends first.
pub const MOST_SESSIONS: i64 = 20;

/// A session, about to begin.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The hash of its cookie.
    pub hash: TokenHash,
    /// What the browser calls itself.
    pub agent: String,
}

/// A session that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The store's number for it.
    pub id: i64,
    /// Whose it is.
    pub email: String,
    /// What that person is, as of now.
    pub person: Person,
}

/// What kind of person is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Person {
    /// A user of leadsync.
    User(Role),
    /// A user of LeadSquared accounts, who came by a link. Those accounts and the connectors'
    /// `access` decide what such a person may do.
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
    /// What the browser calls itself.
    pub agent: String,
}

/// A link by which a user of LeadSquared accounts signs in, once.
#[derive(Clone, Debug)]
pub struct NewLink {
    /// The hash of its secret.
    pub hash: TokenHash,
    /// Whose it is.
    pub email: String,
    /// Until when it works.
    pub expires_at: Timestamp,
}

/// A person's links that work at one time; the oldest goes first.
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

/// Which of a person's sessions end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndSessions {
    /// This one.
    One(i64),
    /// All but this one.
    Others(i64),
}

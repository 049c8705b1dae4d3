//! Who is signed in.

use jiff::{SignedDuration, Timestamp};
use plan::permission::Role;
use serde::Serialize;

use crate::TokenHash;

/// A session ends so long after it was last used.
pub const IDLE: SignedDuration = SignedDuration::from_hours(24);
/// And so long after it began, whatever happens.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 30);
/// A user has no more sessions than these; the one that was used longest ago ends first.
pub const MOST_SESSIONS: i64 = 20;

/// A session, about to begin.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The hash of its cookie.
    pub hash: TokenHash,
    /// Whose it is, by email address.
    pub email: String,
    /// What the browser calls itself.
    pub agent: String,
}

/// A session that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The store's number for it.
    pub id: i64,
    /// Whose it is.
    pub email: String,
    /// What that user is, as of now.
    pub role: Role,
}

/// A session as it is shown to whom it belongs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionItem {
    /// The store's number for it.
    pub id: i64,
    /// Since when.
    pub made_at: Timestamp,
    /// When it was used last, to some minutes.
    pub seen_at: Timestamp,
    /// What the browser calls itself.
    pub agent: String,
}

/// Which of a user's sessions end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndSessions {
    /// This one.
    One(i64),
    /// All but this one.
    Others(i64),
}

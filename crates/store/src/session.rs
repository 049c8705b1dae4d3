//! Who is signed in.

use jiff::{SignedDuration, Timestamp};
use plan::permission::Role;
use serde::Serialize;

use crate::token::TokenHash;

/// How long after its last use a session ends. OWASP ASVS 4.0.3, 3.3.2, names half an hour for level
/// 2. Pages that only show things are looked at now and then during a day's work, and what changes
/// accounts or people needs the password again ([`CONFIRMED_FOR`]).
pub const IDLE: SignedDuration = SignedDuration::from_hours(2);
/// How long after its start a session ends in any case (OWASP ASVS 4.0.3, 3.3.2).
pub const LONGEST: SignedDuration = SignedDuration::from_hours(12);
/// How long after its user gave the password a session may change accounts and people.
pub const CONFIRMED_FOR: SignedDuration = SignedDuration::from_mins(10);
/// How long after the password the code of the second factor may be given.
pub const CODE_WITHIN: SignedDuration = SignedDuration::from_mins(10);
/// How long a browser is known after its user last signed in with it.
pub const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(24 * 180);
/// The most browsers that are known of a user; the least recently used is forgotten first.
pub const MOST_BROWSERS: i64 = 20;
/// The most sessions of a user; the least recently used ends first.
pub const MOST_SESSIONS: i64 = 20;

/// A session about to be started.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The hash of its cookie.
    pub hash: TokenHash,
    /// The browser's name for itself.
    pub agent: String,
    /// The hash of the cookie by which the browser is known from now on.
    pub browser: Option<TokenHash>,
    /// Whether the user just proved who they are: gave the password, or signed in anew at the OpenID
    /// Connect provider.
    pub is_confirmed: bool,
    /// Whether the code of the second factor is missing: then it only leads to the page for it.
    pub needs_code: bool,
    /// The session that waited for the code. It ends; if it has ended already, no new one starts.
    pub replaces: Option<TokenHash>,
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
    /// When the user last gave the password in it.
    pub confirmed_at: Option<Timestamp>,
}

impl Session {
    /// Whether the user gave the password a short while ago.
    pub fn is_confirmed(&self, now: Timestamp) -> bool {
        self.confirmed_at.is_some_and(|at| now.duration_since(at) < CONFIRMED_FOR)
    }
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

//! People who may sign in, and API tokens.

use jiff::Timestamp;
use plan::permission::{Role, Scope};
use secrecy::SecretString;
use serde::Serialize;

use crate::token::TokenHash;

/// The most users, and the most API tokens, that are kept.
pub const MOST_USERS: i64 = 1_000;

/// A person who may sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// The email address, in small letters: the name.
    pub email: String,
    /// What this person is.
    pub role: Role,
    /// Since when.
    pub made_at: Timestamp,
}

/// A password as it is kept: argon2id, as a PHC string.
#[derive(Clone, Debug)]
pub struct PasswordHash(pub SecretString);

/// An API token, without the secret itself, which nobody can tell any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApiToken {
    /// Its name.
    pub name: String,
    /// Whose it is; `None`: nobody's, so that it outlives every user.
    pub user: Option<String>,
    /// What that user is.
    pub role: Option<Role>,
    /// What it allows, as far as its user may do it.
    pub scope: Scope,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it stops to work, if it does.
    pub expires_at: Option<Timestamp>,
    /// The day (UTC) on which it was used last.
    pub last_used_at: Option<Timestamp>,
}

impl ApiToken {
    /// What whoever shows it may do.
    pub fn allows(&self) -> Scope {
        self.role.map_or(self.scope, |role| self.scope.min(role.most()))
    }
}

/// An API token that is about to be made.
#[derive(Clone, Debug)]
pub struct NewApiToken {
    /// Its name.
    pub name: String,
    /// The email address of the user whose it is to be.
    pub user: Option<String>,
    /// What it is to allow; `None`: all that its user may do, or everything if it is nobody's.
    pub scope: Option<Scope>,
    /// What it is known by.
    pub hash: TokenHash,
    /// When it stops to work.
    pub expires_at: Option<Timestamp>,
}

/// One change of users or tokens.
#[derive(Clone, Debug)]
pub enum UserChange {
    /// Adds a user of whom there is none yet.
    Add {
        /// The email address.
        email: String,
        /// What the user is.
        role: Role,
        /// The password.
        password: PasswordHash,
    },
    /// Adds the first user, an administrator, if there is none yet.
    AddFirst {
        /// The email address.
        email: String,
        /// The password.
        password: PasswordHash,
    },
    /// Gives a user another password. Every session of this user ends.
    SetPassword {
        /// The email address.
        email: String,
        /// The password.
        password: PasswordHash,
    },
    /// Makes a user an operator or an administrator. Sessions and tokens of this user follow at
    /// once. The last administrator stays one.
    SetRole {
        /// The email address.
        email: String,
        /// What the user is from now on.
        role: Role,
    },
    /// Removes a user with all tokens and sessions of this user. The last administrator stays.
    Remove {
        /// The email address.
        email: String,
    },
    /// Ends every session of a user of LeadSquared accounts, and every link of this person.
    EndGuest {
        /// The email address.
        email: String,
    },
    /// Adds a token under a name that no other has.
    AddToken(NewApiToken),
    /// Removes a token: it stops to work at once.
    RemoveToken {
        /// Its name.
        name: String,
    },
}

//! People who may sign in, and API tokens.

use jiff::Timestamp;
use plan::permission::{Role, Scope};
use secrecy::SecretString;
use serde::Serialize;

use crate::sign_in::NewInvite;
use crate::token::TokenHash;

/// The maximum number of users, and of API tokens.
pub const MOST_USERS: i64 = 1_000;

/// A person who may sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// The email address, in lower case: the name.
    pub email: String,
    /// The role.
    pub role: Role,
    /// Since when.
    pub made_at: Timestamp,
    /// Whether signing in takes a code, too.
    pub second_factor: bool,
    /// Whether the OpenID Connect provider decides the role.
    pub by_provider: bool,
}

/// A password as it is stored: argon2id, as a PHC string.
#[derive(Clone, Debug)]
pub struct PasswordHash(pub SecretString);

/// An API token, without the secret itself, which is not stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApiToken {
    /// Its name.
    pub name: String,
    /// Its user; `None`: it belongs to nobody, and outlives every user.
    pub user: Option<String>,
    /// That user's role.
    pub role: Option<Role>,
    /// What it allows, within what its user may do.
    pub scope: Scope,
    /// When it was created.
    pub made_at: Timestamp,
    /// When it stops working, if it does.
    pub expires_at: Option<Timestamp>,
    /// The day (UTC) on which it was last used.
    pub last_used_at: Option<Timestamp>,
}

impl ApiToken {
    /// What its bearer may do.
    pub fn allows(&self) -> Scope {
        self.role.map_or(self.scope, |role| self.scope.min(role.most()))
    }
}

/// An API token about to be created.
#[derive(Clone, Debug)]
pub struct NewApiToken {
    /// Its name.
    pub name: String,
    /// The email address of its user.
    pub user: Option<String>,
    /// What it allows; `None`: all that its user may do, or everything if it has no user.
    pub scope: Option<Scope>,
    /// Its hash.
    pub hash: TokenHash,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
}

/// One change of users or tokens.
#[derive(Clone, Debug)]
pub enum UserChange {
    /// Adds a new user.
    Add {
        /// The email address.
        email: String,
        /// The role.
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
    /// Changes a user's password. Every session of this user ends.
    SetPassword {
        /// The email address.
        email: String,
        /// The password.
        password: PasswordHash,
    },
    /// Changes the password of the user of this session, which ends.
    SetOwnPassword {
        /// The email address.
        email: String,
        /// The password.
        password: PasswordHash,
        /// The session.
        session: i64,
        /// Whether the user's other sessions end, too.
        end_others: bool,
        /// Whether the user's API tokens are removed.
        remove_tokens: bool,
    },
    /// Turns on the second factor that was prepared for a user.
    TurnOnSecondFactor {
        /// The email address.
        email: String,
        /// The time step of the code that the user gave.
        step: i64,
        /// The hashes of the recovery codes.
        recovery: Vec<TokenHash>,
    },
    /// Turns a user's second factor off.
    TurnOffSecondFactor {
        /// The email address.
        email: String,
    },
    /// Invites somebody, in place of an earlier invite to the same address.
    Invite(NewInvite),
    /// Adds the user who was invited by this link, and uses it up.
    AcceptInvite {
        /// The hash of the link's secret.
        invite: TokenHash,
        /// The password.
        password: PasswordHash,
    },
    /// Removes an invite: its link stops working at once.
    RemoveInvite {
        /// The email address.
        email: String,
    },
    /// Changes a user's role. It applies to this user's sessions and tokens at once. The last
    /// administrator stays one.
    SetRole {
        /// The email address.
        email: String,
        /// The role from now on.
        role: Role,
    },
    /// Removes a user with all tokens and sessions of this user. The last administrator stays.
    Remove {
        /// The email address.
        email: String,
    },
    /// Ends every session and every sign-in link of a user of LeadSquared accounts.
    EndGuest {
        /// The email address.
        email: String,
    },
    /// Adds a token under a name that no other has.
    AddToken(NewApiToken),
    /// Removes a token: it stops working at once.
    RemoveToken {
        /// Its name.
        name: String,
    },
}

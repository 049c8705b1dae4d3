//! How people prove who they are, besides their password.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use plan::permission::Role;
use secrecy::SecretString;
use serde::Serialize;

use crate::error::Result;
use crate::token::TokenHash;

/// How long the link of an invite works.
pub const INVITED_FOR: SignedDuration = SignedDuration::from_hours(3 * 24);

/// Reading and changing what signing in takes, besides users and sessions themselves.
#[async_trait]
pub trait SignIn: Send + Sync + std::fmt::Debug {
    /// The code that the first start asks for: the same on each node and after a restart. `None` once
    /// there is a user.
    async fn first_start_code(&self) -> Result<Option<String>>;

    /// Notes that the user of this session just gave the password.
    async fn confirm_session(&self, session: i64, now: Timestamp) -> Result<()>;

    /// The email address of the user whose session this becomes with the code of the second factor,
    /// while that may still be given.
    async fn session_without_code(&self, hash: TokenHash, now: Timestamp)
    -> Result<Option<String>>;

    /// Whether the user has signed in with this browser before.
    async fn knows_browser(&self, email: &str, browser: TokenHash, now: Timestamp) -> Result<bool>;

    /// The second factor of a user, on or being set up.
    async fn second_factor(&self, email: &str) -> Result<Option<SecondFactor>>;

    /// Stores the key of a second factor that is being set up, in place of an earlier one; returns
    /// false, and does nothing, if one is on.
    async fn prepare_second_factor(&self, email: &str, secret: &SecretString) -> Result<bool>;

    /// Uses up the code of this time step and those before; returns false if it was used up already.
    async fn use_code(&self, email: &str, step: i64) -> Result<bool>;

    /// Uses up a recovery code; returns false if there is none with this hash.
    async fn use_recovery_code(&self, email: &str, code: TokenHash) -> Result<bool>;

    /// The user whom an OpenID Connect provider vouches for: linked with the identity for good, added
    /// if there is none, with the role that the provider decides.
    async fn admit_identity(&self, who: &ProviderIdentity, now: Timestamp) -> Result<Admission>;

    /// The invites that can be accepted, by email address.
    async fn invites(&self, now: Timestamp) -> Result<Vec<Invite>>;

    /// The invite with this hash, if it still works.
    async fn invite_of(&self, hash: TokenHash, now: Timestamp) -> Result<Option<Invite>>;
}

/// Somebody whom an OpenID Connect provider vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderIdentity {
    /// The provider's issuer.
    pub issuer: String,
    /// The provider's name for the person.
    pub subject: String,
    /// The email address, in lower case, if it is known to be the person's.
    pub verified_email: Option<String>,
    /// Whether the provider decides roles; otherwise only users who exist already are admitted.
    pub decides_roles: bool,
    /// The role that it gives.
    pub role: Option<Role>,
}

/// What follows from an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// This user may sign in: the email address.
    User(String),
    /// The provider decides roles and gives none. The user's sessions have ended.
    NoRole,
    /// The provider decides no roles, and there is no user with this email address.
    NoUser,
    /// The identity is new, and the provider gives no verified email address.
    NoEmail,
    /// The user with this email address is linked with another identity of this provider: the address
    /// was given to somebody else.
    OtherPerson,
}

/// A user's second factor.
#[derive(Clone, Debug)]
pub struct SecondFactor {
    /// The key of the authenticator app, in base 32.
    pub secret: SecretString,
    /// Whether signing in takes a code; otherwise it is being set up.
    pub is_on: bool,
    /// How many recovery codes are left.
    pub recovery_codes: u64,
}

/// Somebody who was invited and has not chosen a password yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Invite {
    /// The email address.
    pub email: String,
    /// The role.
    pub role: Role,
    /// Who invited them.
    pub invited_by: String,
    /// When the link stops working.
    pub expires_at: Timestamp,
}

/// An invite about to be stored.
#[derive(Clone, Debug)]
pub struct NewInvite {
    /// The email address.
    pub email: String,
    /// The role.
    pub role: Role,
    /// The hash of the link's secret.
    pub hash: TokenHash,
}

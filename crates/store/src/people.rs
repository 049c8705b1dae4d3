//! Who may sign in, who is signed in, and what people did.

use async_trait::async_trait;
use jiff::Timestamp;
use plan::access::AccountUser;
use plan::id::AccountId;

use crate::audit::{Access, Actor, AuditFilter, AuditItem};
use crate::error::Result;
use crate::mail::NewMail;
use crate::session::{EndSessions, Guest, NewLink, NewSession, Session, SessionItem};
use crate::token::TokenHash;
use crate::user::{ApiToken, PasswordHash, User, UserChange};

/// Reading and changing users, sessions and tokens, and reading the audit log.
#[async_trait]
pub trait People: Send + Sync + std::fmt::Debug {
    /// The audit log, newest first: at most `limit` entries (and [`crate::Page::MOST`]) before
    /// number `after`, and the number to continue after, if there are more.
    async fn audit(
        &self,
        filter: &AuditFilter,
        limit: usize,
        after: Option<i64>,
    ) -> Result<(Vec<AuditItem>, Option<i64>)>;

    /// Notes in the audit log that a person saw personal data, or signed in.
    async fn note_access(&self, actor: &Actor, access: &Access, now: Timestamp) -> Result<()>;

    /// Everybody who may sign in, by email address.
    async fn users(&self) -> Result<Vec<User>>;

    /// A user's password, as it is stored.
    async fn password(&self, email: &str) -> Result<Option<PasswordHash>>;

    /// Applies this change, with an entry in the audit log.
    async fn change_users(&self, change: UserChange, actor: &Actor, now: Timestamp) -> Result<()>;

    /// All API tokens, by name.
    async fn api_tokens(&self) -> Result<Vec<ApiToken>>;

    /// The API token with this hash, unless it has expired by now; it is marked as used today.
    async fn use_api_token(&self, hash: TokenHash, now: Timestamp) -> Result<Option<ApiToken>>;

    /// Starts a user's session; returns false if there is no such user.
    async fn begin_session(&self, email: &str, new: NewSession, now: Timestamp) -> Result<bool>;

    /// The session with this hash, unless it has ended; it is marked as used now.
    async fn use_session(&self, hash: TokenHash, now: Timestamp) -> Result<Option<Session>>;

    /// The sessions of the person whose session this is, the most recently used first.
    async fn sessions(&self, of: &Session, now: Timestamp) -> Result<Vec<SessionItem>>;

    /// Ends sessions of the person whose session this is.
    async fn end_sessions(&self, of: &Session, which: EndSessions) -> Result<()>;

    /// Stores a sign-in link for a user of LeadSquared accounts, and queues the mail that contains
    /// it.
    async fn keep_link(&self, link: NewLink, mail: &NewMail, now: Timestamp) -> Result<()>;

    /// The email address that the link with this hash is for, if it still works.
    async fn link_of(&self, hash: TokenHash, now: Timestamp) -> Result<Option<String>>;

    /// Uses up a link and starts a session of its user; returns false if it no longer works.
    async fn begin_session_by_link(
        &self,
        link: TokenHash,
        new: NewSession,
        now: Timestamp,
    ) -> Result<bool>;

    /// The users of LeadSquared accounts who are signed in, by email address.
    async fn guests(&self, now: Timestamp) -> Result<Vec<Guest>>;

    /// The users with this email address that accounts last reported, and when: `None` in place of
    /// a user that the account does not have.
    async fn account_users(
        &self,
        email: &str,
    ) -> Result<Vec<(AccountId, Timestamp, Option<AccountUser>)>>;

    /// Stores the user with this email address that an account reported.
    async fn store_account_user(
        &self,
        account: AccountId,
        email: &str,
        user: Option<&AccountUser>,
        at: Timestamp,
    ) -> Result<()>;
}

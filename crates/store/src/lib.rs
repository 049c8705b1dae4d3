//! What is kept: one interface of storage operations over SQLite and PostgreSQL.
//!
//! [`Store`] names each operation for what happens. What must be atomic is one operation; a
//! transaction never crosses the interface, and no caller asks which database it is on.
//! [`open`] chooses the backend by the URL.

mod audit;
mod batch;
mod configuration;
mod dispatching;
mod error;
mod history;
mod intake;
mod list;
mod log;
mod mail;
mod open;
mod postgres;
mod review;
mod secret;
mod session;
mod sqlite;
mod tally;
mod user;
mod wanted;

pub use audit::{ACTIONS, Actor, AuditFilter, AuditItem};
pub use batch::{Retried, RetryBatch};
pub use configuration::{Account, AccountPlan, Change, Configuration, Connector, Keys, Version};
pub use dispatching::{
    AttemptOutcome, Call, CallRef, Intent, IntentRecord, KeysNews, Lease, Progress, RecordKey,
    RecordState, RequestState, Spent, Stage, Unfinished, WaitingRecord,
};
pub use error::Error;
pub use history::{HistoryItem, Neighbours};
pub use intake::{NewDelivery, Origin, Token, TokenHash};
pub use list::{Count, Counts, RecordLine, RequestLine};
pub use log::{
    AttemptItem, CallItem, Cursor, Delivery, FailureGroup, Filter, Page, RecordItem, RequestItem,
    Retry, Selection,
};
pub use mail::{ClaimedMail, MailEnd, MailItem, MailState, NewMail};
pub use open::{Open, open};
pub use review::{NewReview, ReviewFilter, ReviewItem, Standing};
pub use session::{EndSessions, Guest, NewLink, NewSession, Person, Session, SessionItem};
pub use tally::{Cause, Health, Span, Step, Tally, Used, Waiting};
pub use user::{ApiToken, MOST_USERS, NewApiToken, PasswordHash, User, UserChange};

use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use plan::access::AccountUser;
use plan::id::{AccountId, ConnectorId, RequestId};
use plan::incident::Incident;
use plan::link::{Link, Pair, Side};
use plan::metadata::{Catalogue, FieldChange};
use plan::review::Choice;

/// What every operation answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that is kept.
///
/// All operations are safe to drop half way: what they began is either done whole or not at all,
/// and no later operation, of whomever, is affected.
#[async_trait]
pub trait Store: Send + Sync + std::fmt::Debug {
    // ---- health -------------------------------------------------------------------------

    /// Whether the database answers and has every migration.
    async fn ready(&self) -> Result<()>;

    /// A number for this node, to make Request IDs with: 0 to [`plan::id::NODES`] - 1, another
    /// one at each call until all were given out.
    async fn take_node_number(&self) -> Result<i64>;

    // ---- configuration ------------------------------------------------------------------

    /// A number that grows with each change of the configuration. Cheap: nodes poll it.
    async fn configuration_version(&self) -> Result<i64>;

    /// Accounts (with their keys) and connectors as they are.
    async fn configuration(&self) -> Result<Configuration>;

    /// Makes these changes, all or none, in order, each in the audit log; answers the new
    /// configuration version. No changes change nothing, the version neither.
    async fn change_configuration(
        &self,
        changes: Vec<Change>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<i64>;

    /// Notes that the webhook URL of a connector was verified, unless that was noted within the
    /// last minute.
    async fn note_verified(&self, connector: ConnectorId, at: Timestamp) -> Result<()>;

    /// The definition that a connector had at this version.
    async fn definition(
        &self,
        connector: ConnectorId,
        version: i64,
    ) -> Result<Option<plan::connector::Definition>>;

    /// The versions of a connector's settings, newest first. At most `limit`.
    async fn versions(&self, connector: ConnectorId, limit: usize) -> Result<Vec<Version>>;

    /// What an account said of itself as last fetched, and when.
    async fn catalogue(&self, account: AccountId) -> Result<Option<(Timestamp, Catalogue)>>;

    /// Keeps what an account said of itself, and notes what changed in its fields that may break a
    /// mapping.
    async fn store_catalogue(
        &self,
        account: AccountId,
        catalogue: &Catalogue,
        at: Timestamp,
    ) -> Result<()>;

    /// What changed in an account's fields after this time, oldest first.
    async fn field_changes(
        &self,
        account: AccountId,
        since: Timestamp,
    ) -> Result<Vec<(Timestamp, FieldChange)>>;

    // ---- intake -------------------------------------------------------------------------

    /// Keeps deliveries as they came, in one commit, each as a queued request. When it answers
    /// `Ok`, they are on disk. A delivery is never changed afterwards.
    async fn store_deliveries(&self, deliveries: Vec<NewDelivery>) -> Result<()>;

    // ---- dispatching: all but `take_lease` fail with [`Error::LeaseLost`] once somebody else
    // ---- holds an account of the lease

    /// Takes the lease of these accounts, all or none, for `ttl` from now by the database's
    /// clock. `None` while somebody else holds one of them. `holder` names the node for people.
    async fn take_lease(
        &self,
        accounts: &[AccountId],
        holder: &str,
        ttl: Duration,
    ) -> Result<Option<Lease>>;

    /// Holds the lease for `ttl` from now.
    async fn renew_lease(&self, lease: &Lease, ttl: Duration) -> Result<()>;

    /// Gives the lease up; giving up a lost one is no error.
    async fn release_lease(&self, lease: &Lease) -> Result<()>;

    /// The unfinished requests of these connectors that are due, oldest first, without the
    /// `open` ones. At most `limit`.
    async fn open_requests(
        &self,
        lease: &Lease,
        connectors: &[ConnectorId],
        open: &std::collections::HashSet<RequestId>,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Unfinished>>;

    /// The requests of a connector that came since it is disabled and were never taken up, oldest
    /// first; none of one that is enabled. At most `limit`.
    async fn arrivals_while_disabled(
        &self,
        lease: &Lease,
        connector: ConnectorId,
        limit: usize,
    ) -> Result<Vec<Unfinished>>;

    /// The records of these connectors that were tried, are not final, and whose next try lies
    /// after `now`: later changes of the same leads wait for them, but not for retries that a
    /// person asked for.
    async fn waiting_records(
        &self,
        lease: &Lease,
        connectors: &[ConnectorId],
        now: Timestamp,
    ) -> Result<Vec<WaitingRecord>>;

    /// Makes every waiting record of these connectors due at once: what they waited for has
    /// come back.
    async fn wake_waiting(
        &self,
        lease: &Lease,
        connectors: &[ConnectorId],
        now: Timestamp,
    ) -> Result<u64>;

    /// Calls that went out, or were about to, and whose outcome is not known: what a crash left.
    async fn unsettled_intents(&self, lease: &Lease) -> Result<Vec<Intent>>;

    /// The links of these leads and activities of one side of a pair, in no particular order;
    /// those without a link are left out.
    async fn links(&self, pair: Pair, side: Side, ids: &[String]) -> Result<Vec<Link>>;

    /// Which of these leads were linked once and are not in their account any more.
    async fn gone(&self, account: AccountId, leads: &[String]) -> Result<Vec<String>>;

    /// The reviews of these leads of a pair that are open, or decided: by the lead's id in the
    /// source, or, of a conflict, in the destination.
    async fn standing_reviews(&self, pair: Pair, ids: &[String]) -> Result<Vec<Standing>>;

    /// Keeps what happened and what is about to happen, in one commit.
    async fn record_progress(&self, lease: &Lease, progress: Progress) -> Result<()>;

    /// The calls made to an account on a day ([`plan::quota::day_of`]).
    async fn spent(&self, account: AccountId, day: i64) -> Result<u32>;

    // ---- the log ------------------------------------------------------------------------

    /// Requests that match, newest first, with their records, attempts and calls.
    async fn requests(
        &self,
        filter: &Filter,
        page: &Page,
    ) -> Result<(Vec<RequestItem>, Option<Cursor>)>;

    /// Requests that match, newest first, without what they did in detail: what a list needs.
    async fn request_lines(
        &self,
        filter: &Filter,
        page: &Page,
    ) -> Result<(Vec<RequestLine>, Option<Cursor>)>;

    /// How many requests match, by what became of them; the filter's own event is left out of
    /// account.
    async fn count_requests(&self, filter: &Filter) -> Result<Counts>;

    /// The requests before and after this one with a record that can be found by this: an email
    /// address, a phone number or an id.
    async fn neighbours(&self, request: RequestId, q: &str) -> Result<Neighbours>;

    /// The records that can be found by this lead's id, newest first, [`HistoryItem::MOST`] at
    /// most; and whether there are more.
    async fn history(&self, lead: &str) -> Result<(Vec<HistoryItem>, bool)>;

    /// The delivery that made a request, as it came.
    async fn delivery(&self, request: RequestId) -> Result<Option<Delivery>>;

    /// How many leads are linked between two accounts.
    async fn count_links(&self, pair: Pair) -> Result<u64>;

    /// Failed records that match, by cause, the most frequent first.
    async fn failures(&self, filter: &Filter) -> Result<Vec<FailureGroup>>;

    /// Queues failed records again with a full set of tries. Records that succeeded are left
    /// alone.
    async fn retry(&self, retry: &Retry, actor: &Actor, now: Timestamp) -> Result<Retried>;

    /// Takes back what [`Store::retry`] queued and nobody has begun: these records are failed as
    /// before. Answers how many requests that touched.
    async fn cancel_retries(
        &self,
        selection: &Selection,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<u64>;

    // ---- how connectors do: cheap at any number of records --------------------------------

    /// How each connector does, by name: what became of the records that arrived since this time
    /// (the hour that it lies in is counted whole), and what waits.
    async fn health(&self, since: Timestamp) -> Result<Vec<Health>>;

    /// What became of the records that arrived in this span, by step and connector, the oldest
    /// first; steps without a record are left out.
    async fn steps(&self, span: &Span) -> Result<Vec<Step>>;

    /// Why records that arrived from the first to the second time (whole hours) stand as failed,
    /// by cause and connector, the most frequent first. At most `limit`.
    async fn causes(
        &self,
        between: (Timestamp, Timestamp),
        connectors: Option<&[ConnectorId]>,
        limit: usize,
    ) -> Result<Vec<Cause>>;

    /// The calls made to these accounts today and in the window of this length up to now.
    async fn used(
        &self,
        windows: &[(AccountId, SignedDuration)],
        now: Timestamp,
    ) -> Result<Vec<Used>>;
    /// The last batches of retries, newest first, [`RetryBatch::MOST`] at most.
    async fn retry_batches(&self) -> Result<Vec<RetryBatch>>;

    /// This batch of retries, and how far it is.
    async fn retry_batch(&self, id: i64) -> Result<Option<RetryBatch>>;

    /// Takes back what is left of this batch and nobody has begun: these records are failed as
    /// before. Answers how many requests that touched.
    async fn cancel_retry_batch(&self, id: i64, actor: &Actor, now: Timestamp) -> Result<u64>;

    // ---- what a person decides ------------------------------------------------------------

    /// Reviews that match, newest first: at most `limit` (and [`Page::MOST`]) before the one of
    /// number `after`, and the number to go on after, if there are more.
    async fn reviews(
        &self,
        filter: &ReviewFilter,
        limit: usize,
        after: Option<i64>,
    ) -> Result<(Vec<ReviewItem>, Option<i64>)>;

    /// The review of this number.
    async fn review(&self, id: i64) -> Result<Option<ReviewItem>>;

    /// How many reviews match.
    async fn count_reviews(&self, filter: &ReviewFilter) -> Result<u64>;

    /// Decides an open review, or undoes what was decided (`None`), and tries the lead's changes
    /// again that waited for it, in the order in which they came; answers how many.
    ///
    /// What was synced under a decision stays as it is when it is undone, but the lead is not tied
    /// to another any more.
    async fn decide_review(
        &self,
        id: i64,
        choice: Option<&Choice>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Retried>;

    /// Lets a field of a lead be written again that is frozen because it went back and forth;
    /// answers whether it was.
    async fn release_field(
        &self,
        (pair, side): (Pair, Side),
        lead: &str,
        field: &str,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<bool>;

    // ---- mail ---------------------------------------------------------------------------

    /// Every incident there is, with its causes: few. Cheap: nodes poll it.
    async fn incidents(&self) -> Result<Vec<Incident>>;

    /// How many records of this connector stand as failed, in this request and later ones.
    async fn count_failed_records(
        &self,
        connector: ConnectorId,
        since: Option<RequestId>,
    ) -> Result<u64>;

    /// Takes all that this incident holds as told, and queues the mail that tells it, if anybody
    /// wants it; answers whether that was done. It is not when another node told meanwhile. What
    /// was counted meanwhile stays untold.
    async fn tell_incident(
        &self,
        incident: &Incident,
        mail: Option<NewMail>,
        now: Timestamp,
    ) -> Result<bool>;

    /// Ends an incident, and queues the mail that tells it; answers whether that was done. It is
    /// not when the incident is not as it was read.
    async fn end_incident(
        &self,
        incident: &Incident,
        mail: Option<NewMail>,
        now: Timestamp,
    ) -> Result<bool>;

    /// Takes the mail that is due first. It is nobody else's until `until`; if it was not ended
    /// by then, whoever took it is gone and it is due again.
    async fn claim_mail(&self, now: Timestamp, until: Timestamp) -> Result<Option<ClaimedMail>>;

    /// What became of a claimed mail. Nothing is changed if it was claimed again meanwhile.
    async fn end_mail(&self, mail: &ClaimedMail, end: MailEnd, now: Timestamp) -> Result<()>;

    /// The last mails, newest first, as many as one page of the log at most.
    async fn mails(&self, limit: usize) -> Result<Vec<MailItem>>;

    // ---- users and what was done --------------------------------------------------------

    /// The audit log, newest first: at most `limit` entries (and [`Page::MOST`]) before the one
    /// of number `after`, and the number to go on after, if there are more.
    async fn audit(
        &self,
        filter: &AuditFilter,
        limit: usize,
        after: Option<i64>,
    ) -> Result<(Vec<AuditItem>, Option<i64>)>;

    /// Everybody who may sign in, by email address.
    async fn users(&self) -> Result<Vec<User>>;

    /// The password of a user, as it is kept.
    async fn password(&self, email: &str) -> Result<Option<PasswordHash>>;

    /// All API tokens, by name.
    async fn api_tokens(&self) -> Result<Vec<ApiToken>>;

    /// The API token with this hash, if there is one that has not expired by now; it is marked as
    /// used today.
    async fn use_api_token(&self, hash: TokenHash, now: Timestamp) -> Result<Option<ApiToken>>;

    /// Begins a session of a user; answers whether there is such a user.
    async fn begin_session(&self, email: &str, new: NewSession, now: Timestamp) -> Result<bool>;

    /// Keeps a link for a user of LeadSquared accounts, and queues the mail that brings it.
    async fn keep_link(&self, link: NewLink, mail: &NewMail, now: Timestamp) -> Result<()>;

    /// Whose link has this hash, if it works still.
    async fn link_of(&self, hash: TokenHash, now: Timestamp) -> Result<Option<String>>;

    /// Uses a link up and begins the session of whose it is; answers whether it worked.
    async fn begin_session_by_link(
        &self,
        link: TokenHash,
        new: NewSession,
        now: Timestamp,
    ) -> Result<bool>;

    /// The users of LeadSquared accounts who are signed in, by email address.
    async fn guests(&self, now: Timestamp) -> Result<Vec<Guest>>;

    /// What accounts last said of a user with this email address, and when: `None` in place of one
    /// that the account does not have.
    async fn account_users(
        &self,
        email: &str,
    ) -> Result<Vec<(AccountId, Timestamp, Option<AccountUser>)>>;

    /// Keeps what an account says of a user with this email address.
    async fn store_account_user(
        &self,
        account: AccountId,
        email: &str,
        user: Option<&AccountUser>,
        at: Timestamp,
    ) -> Result<()>;

    /// The session with this hash, if it goes on; it is marked as used by now.
    async fn use_session(&self, hash: TokenHash, now: Timestamp) -> Result<Option<Session>>;

    /// The sessions that go on of whose this one is, the one used last first.
    async fn sessions(&self, of: &Session, now: Timestamp) -> Result<Vec<SessionItem>>;

    /// Ends sessions of whose this one is.
    async fn end_sessions(&self, of: &Session, which: EndSessions) -> Result<()>;

    /// Makes this change, with an entry in the audit log.
    async fn change_users(&self, change: UserChange, actor: &Actor, now: Timestamp) -> Result<()>;
}

//! Mails on their way.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use plan::id::{AccountId, ConnectorId, RequestId};
use plan::incident::Incident;
use serde::Serialize;

use crate::error::Result;

/// Reading incidents, and sending the mails that report them.
#[async_trait]
pub trait Mail: Send + Sync + fmt::Debug {
    /// Every incident, with its causes: few. Cheap: nodes poll it.
    async fn incidents(&self) -> Result<Vec<Incident>>;

    /// Notes that people are warned of how an account's calls of a day ([`plan::quota::day_of`]) are
    /// spent, and queues the mails that do it. Returns false, and does nothing, when they were warned
    /// before on that day.
    async fn warn_of_quota(
        &self,
        account: AccountId,
        day: i64,
        mails: Vec<NewMail>,
        now: Timestamp,
    ) -> Result<bool>;

    /// How many records of this connector stand as failed, in this request and later ones.
    async fn count_failed_records(
        &self,
        connector: ConnectorId,
        since: Option<RequestId>,
    ) -> Result<u64>;

    /// Marks all that this incident holds as told, and queues the mail that tells it, if anybody
    /// wants it. Returns false, and does nothing, when another node told it meanwhile. What was
    /// counted meanwhile stays untold.
    async fn tell_incident(
        &self,
        incident: &Incident,
        mail: Option<NewMail>,
        now: Timestamp,
    ) -> Result<bool>;

    /// Ends an incident, and queues the mail that tells it. Returns false, and does nothing, when
    /// the incident is no longer as it was read.
    async fn end_incident(
        &self,
        incident: &Incident,
        mail: Option<NewMail>,
        now: Timestamp,
    ) -> Result<bool>;

    /// Claims the mail that is due first. It is nobody else's until `until`; if it was not ended
    /// by then, whoever claimed it is gone and it is due again. One that would wait longer than
    /// [`MailEnd::LONGEST_WAIT`] is due too: the clock was set back.
    async fn claim_mail(&self, now: Timestamp, until: Timestamp) -> Result<Option<ClaimedMail>>;

    /// Stores what became of a claimed mail. Nothing changes if it was claimed again meanwhile.
    async fn end_mail(&self, mail: &ClaimedMail, end: MailEnd, now: Timestamp) -> Result<()>;

    /// The last mails, newest first, at most `limit` and [`crate::Page::MOST`].
    async fn mails(&self, limit: usize) -> Result<Vec<MailItem>>;
}

/// A mail, about to be queued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMail {
    /// Its Message-ID, without brackets: the same at each try, so that mail servers recognise a
    /// repetition.
    pub message_id: String,
    /// The Message-ID of the mail that it follows up on.
    pub thread: Option<String>,
    /// The address that it goes to.
    pub recipient: String,
    /// Its subject.
    pub subject: String,
    /// Its text, plain.
    pub body: String,
    /// Whether its text is a secret: it is shown to nobody, and forgotten once it is sent.
    pub private: bool,
}

/// A mail that this node may send now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedMail {
    /// The store's number for it.
    pub id: i64,
    /// When it was queued.
    pub at: Timestamp,
    /// Tries so far, this one included: no two claims of a mail have the same.
    pub tries: u32,
    /// The mail.
    pub mail: NewMail,
}

/// What became of an attempt to send a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailEnd {
    /// A mail server took it.
    Sent,
    /// There is no mail server; it was logged.
    Logged,
    /// It failed and is tried again.
    Again {
        /// When.
        due: Timestamp,
        /// Why it failed.
        error: String,
    },
    /// It failed too often, or can't be sent at all.
    GivenUp {
        /// Why it failed.
        error: String,
    },
}

impl MailEnd {
    /// No mail that failed waits longer for its next try.
    pub const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(24);
}

/// Where a mail is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MailState {
    /// It waits for its next try.
    Queued,
    /// A mail server took it.
    Sent,
    /// There was no mail server; it was logged.
    Logged,
    /// Nobody will get it.
    GivenUp,
}

impl MailState {
    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Logged => "logged",
            Self::GivenUp => "given_up",
        }
    }
}

impl fmt::Display for MailState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for MailState {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        [Self::Queued, Self::Sent, Self::Logged, Self::GivenUp]
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| format!("'{word}' is not a state of a mail"))
    }
}

/// A mail as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct MailItem {
    /// When it was queued.
    pub at: Timestamp,
    /// The address that it goes to.
    pub recipient: String,
    /// Its subject.
    pub subject: String,
    /// Its text; empty if that is a secret.
    pub body: String,
    /// Where it is.
    pub state: MailState,
    /// Tries so far.
    pub tries: u32,
    /// When it is tried next.
    pub due: Option<Timestamp>,
    /// When it was sent, logged or given up.
    pub ended_at: Option<Timestamp>,
    /// Why its last try failed.
    pub error: Option<String>,
}

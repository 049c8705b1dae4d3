//! Mails being sent.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use plan::alert::Kind;
use plan::id::{AccountId, ConnectorId, RequestId};
use plan::incident::Incident;
use serde::Serialize;

use crate::error::Result;

/// Reading incidents, and sending the mails that report them.
#[async_trait]
pub trait Mail: Send + Sync + fmt::Debug {
    /// Every incident, with its causes: there are few. Cheap: nodes poll it.
    async fn incidents(&self) -> Result<Vec<Incident>>;

    /// Notes that people are warned about an account's use of its calls of a day
    /// ([`plan::quota::day_of`]), and queues the mails. Returns false, and does nothing, if they were
    /// already warned that day.
    async fn warn_of_quota(
        &self,
        account: AccountId,
        day: i64,
        mails: Vec<NewMail>,
        now: Timestamp,
    ) -> Result<bool>;

    /// How many records of this connector are failed, in this request and later ones.
    async fn count_failed_records(
        &self,
        connector: ConnectorId,
        since: Option<RequestId>,
    ) -> Result<u64>;

    /// Marks everything in this incident as reported, and queues the mails that report it. Returns
    /// false, and does nothing, if another node reported it meanwhile. What was counted meanwhile
    /// stays unreported.
    async fn tell_incident(
        &self,
        incident: &Incident,
        mails: Vec<NewMail>,
        now: Timestamp,
    ) -> Result<bool>;

    /// Ends an incident, and queues the mails that say so. Returns false, and does nothing, if the
    /// incident has changed since it was read.
    async fn end_incident(
        &self,
        incident: &Incident,
        mails: Vec<NewMail>,
        now: Timestamp,
    ) -> Result<bool>;

    /// Queues a mail, due now.
    async fn queue_mail(&self, mail: &NewMail, now: Timestamp) -> Result<()>;

    /// Claims the mail that is due first. Nobody else can claim it until `until`; if it has not
    /// ended by then, its claimant is gone and it is due again. One that would wait longer than
    /// [`MailEnd::LONGEST_WAIT`] is due too: the clock was set back.
    async fn claim_mail(&self, now: Timestamp, until: Timestamp) -> Result<Option<ClaimedMail>>;

    /// Stores the outcome of a claimed mail. Nothing changes if it was claimed again meanwhile.
    async fn end_mail(&self, mail: &ClaimedMail, end: MailEnd, now: Timestamp) -> Result<()>;

    /// The last mails, newest first, at most `limit` and [`crate::Page::MOST`].
    async fn mails(&self, limit: usize) -> Result<Vec<MailItem>>;

    /// The mail with this Message-ID.
    async fn mail(&self, message_id: &str) -> Result<Option<MailItem>>;
}

/// A mail, about to be queued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMail {
    /// Its Message-ID, without brackets: the same at each try, so that mail servers recognise a
    /// repetition.
    pub message_id: String,
    /// The Message-ID of the mail that it replies to.
    pub thread: Option<String>,
    /// The recipient's address.
    pub recipient: String,
    /// Its subject.
    pub subject: String,
    /// Its plain text.
    pub body: String,
    /// Whether its text is a secret: it is never shown, and deleted once the mail is sent.
    pub private: bool,
    /// The alert address that it is for, if it is for one. A webhook receives it by a POST instead.
    pub alert: Option<ForAlert>,
}

/// What a mail for an alert address is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForAlert {
    /// The address's number.
    pub id: i64,
    /// What it is about.
    pub kind: Kind,
    /// The connector's name, if it is about one.
    pub connector: Option<String>,
    /// The page of the console with the details.
    pub url: String,
}

/// A mail that this node may now send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedMail {
    /// The store's number for it.
    pub id: i64,
    /// When it was queued.
    pub at: Timestamp,
    /// Tries so far, including this one: no two claims of a mail have the same number.
    pub tries: u32,
    /// The mail.
    pub mail: NewMail,
}

/// The outcome of an attempt to send a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailEnd {
    /// A mail server accepted it.
    Sent,
    /// There is no mail server; it was logged.
    Logged,
    /// It failed and is retried.
    Again {
        /// When.
        due: Timestamp,
        /// Why it failed.
        error: String,
    },
    /// It failed too often, or can't be sent.
    GivenUp {
        /// Why it failed.
        error: String,
    },
}

impl MailEnd {
    /// The longest wait before the next try.
    pub const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(24);
}

/// The status of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MailState {
    /// It waits to be sent, or for its next try.
    Queued,
    /// A mail server accepted it.
    Sent,
    /// There was no mail server; it was logged.
    Logged,
    /// It was given up.
    GivenUp,
}

impl MailState {
    /// The name as stored and shown.
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
    /// The recipient's address; of a webhook, its host and the end of its URL.
    pub recipient: String,
    /// The number of the alert address that it is for, if it is for one.
    pub alert: Option<i64>,
    /// What the alert is about.
    pub kind: Option<Kind>,
    /// Its subject.
    pub subject: String,
    /// Its text; empty if that is a secret.
    pub body: String,
    /// Its state.
    pub state: MailState,
    /// Tries so far.
    pub tries: u32,
    /// When the next try is due.
    pub due: Option<Timestamp>,
    /// When it was sent, logged or given up.
    pub ended_at: Option<Timestamp>,
    /// Why its last try failed.
    pub error: Option<String>,
}

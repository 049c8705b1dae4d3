//! Finding changes that no webhook reported: sweeps, and comparing two accounts.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use plan::id::{ConnectorId, RequestId};
use plan::parity::{Apart, Difference, Parity, Standing};
use plan::problem::Problem;
use serde::Serialize;

use crate::audit::Actor;
use crate::error::Result;
use crate::intake::{NewDelivery, Origin};
use crate::mail::NewMail;

/// Watching sweeps and comparisons, and asking for them.
#[async_trait]
pub trait CatchUps: Send + Sync + std::fmt::Debug {
    /// How far a connector's sweep is; `None`: it never began.
    async fn sweep(&self, connector: ConnectorId) -> Result<Option<Sweep>>;

    /// Asks for a round of the sweep now. If the person `confirms`, it syncs what it finds, however much
    /// that is.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused) where a round is held and the person does not confirm it.
    async fn ask_for_sweep(
        &self,
        which: (ConnectorId, &str),
        confirms: bool,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()>;

    /// How far the accounts of a connector agree.
    async fn parity(&self, connector: ConnectorId) -> Result<Standing>;

    /// Asks for the accounts to be compared now, unless they are being compared.
    async fn ask_for_parity(
        &self,
        which: (ConnectorId, &str),
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()>;

    /// Leads that differed when the accounts were compared last, of one kind or of all, in the order of
    /// their numbers: those after this number, so many at most.
    async fn differences(
        &self,
        connector: ConnectorId,
        apart: Option<Apart>,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Differing>>;

    /// What people have not been notified of by mail yet.
    async fn catch_up_notices(&self) -> Result<Vec<CatchUpNotice>>;

    /// Queues these mails about a connector, unless somebody did before.
    async fn notify_of_catch_up(
        &self,
        notice: &CatchUpNotice,
        mails: Vec<NewMail>,
        now: Timestamp,
    ) -> Result<()>;

    /// Stores the requests that a person had made of leads that differ, and notes them in the list.
    ///
    /// # Errors
    /// [`Error::Changed`](crate::Error::Changed) where the accounts were compared again since.
    async fn sync_differences(
        &self,
        which: (ConnectorId, &str),
        chosen: ChosenDifferences,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()>;
}

/// Leads that differ and that a person has synced.
#[derive(Clone, Debug)]
pub struct ChosenDifferences {
    /// When the comparison ended that listed them: the next one numbers its leads anew.
    pub compared_at: Timestamp,
    /// Their numbers, and the request of each.
    pub leads: Vec<(i64, RequestId)>,
    /// The requests.
    pub deliveries: Vec<NewDelivery>,
}

/// Something that people are to be notified of by mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatchUpNotice {
    /// The connector.
    pub connector: ConnectorId,
    /// What.
    pub news: CatchUpNews,
}

/// What became of a connector's sweep or comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatchUpNews {
    /// The sweep found so many changes that they wait for a person.
    Held(u64),
    /// Fewer leads agree than when the accounts were compared before.
    Fell {
        /// The result before.
        before: Parity,
        /// The result now.
        now: Parity,
    },
    /// So many linked leads are no longer in the source that marking them waits for a person.
    Gone(u64),
    /// Webhooks changed so many leads that the rest waits for a person.
    Arrived(u64),
    /// The sweep can't read what it has to, again and again.
    Failing(Problem),
}

/// How far a connector's sweep is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sweep {
    /// What was modified before this, less an overlap, was read.
    pub begun_at: Option<Timestamp>,
    /// When the last round ended.
    pub ended_at: Option<Timestamp>,
    /// Rounds so far.
    pub rounds: u64,
    /// Changes that they found and no webhook had reported.
    pub found: u64,
    /// Those of the last round.
    pub last_found: u64,
    /// When a person asked for a round that has not ended yet.
    pub asked_at: Option<Timestamp>,
    /// So many changes were found by a round, more than the connector lets pass: nothing is swept until
    /// a person confirms it.
    pub held: Option<u64>,
    /// A person confirmed that the next round may sync whatever it finds.
    pub confirmed: bool,
    /// Why the round under way does not go on, or what the last one could not read; it is tried again.
    pub problem: Option<Problem>,
    /// Types of activities that could not be read: what was modified since then is still to be read.
    pub behind: BTreeMap<u32, Timestamp>,
}

/// What was posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Where it came from.
    pub origin: Origin,
    /// The sender's Content-Type.
    pub content_type: Option<String>,
    /// The body as it came.
    pub body: Vec<u8>,
}

/// What became of a round of a sweep.
#[derive(Clone, Debug)]
pub struct SweepNews {
    /// The connector.
    pub connector: ConnectorId,
    /// What.
    pub what: Swept,
    /// The requests that it made.
    pub deliveries: Vec<NewDelivery>,
}

/// What became of a round.
#[derive(Clone, Debug)]
pub enum Swept {
    /// Sweeping begins: what was modified before this is left alone.
    Begins(Timestamp),
    /// A round that began then ended now, and found so many changes.
    Ended {
        /// When it began.
        begun_at: Timestamp,
        /// When it ended.
        ended_at: Timestamp,
        /// What it found.
        found: u64,
        /// Types of activities that could not be read, and since when.
        behind: BTreeMap<u32, Timestamp>,
        /// Why not.
        problem: Option<Problem>,
    },
    /// A round that began then found so many changes that a person is to confirm them.
    Held {
        /// When it began.
        begun_at: Timestamp,
        /// What it found.
        found: u64,
    },
    /// A page was read.
    Read {
        /// Why the round could not read something before it.
        problem: Option<Problem>,
    },
    /// A page could not be read.
    Failed(Problem),
}

/// What became of a comparison.
#[derive(Clone, Debug)]
pub struct ParityNews {
    /// The connector.
    pub connector: ConnectorId,
    /// When the comparison was asked for.
    pub asked_at: Timestamp,
    /// What.
    pub what: Compared,
}

/// What became of a comparison.
#[derive(Clone, Debug)]
pub enum Compared {
    /// It began without anybody asking for it.
    Began,
    /// It has read so many leads.
    Read(u64),
    /// It ended.
    Ended {
        /// When.
        at: Timestamp,
        /// The result.
        parity: Parity,
        /// The leads that differ.
        differences: Vec<Difference>,
        /// How many linked leads are no longer in the source, and wait for a person to have them marked.
        held: Option<u64>,
        /// The requests that it made.
        deliveries: Vec<NewDelivery>,
    },
    /// It does not go on.
    Failed(Problem),
}

/// A lead that differed when the accounts were compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Differing {
    /// Its number in the list, from 1.
    pub number: i64,
    /// What differs.
    #[serde(flatten)]
    pub difference: Difference,
    /// The request by which a person had it synced since.
    pub request: Option<RequestId>,
}

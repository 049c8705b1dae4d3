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

/// Watching and requesting sweeps and comparisons.
#[async_trait]
pub trait CatchUps: Send + Sync + std::fmt::Debug {
    /// The progress of a connector's sweep; `None` if it never began.
    async fn sweep(&self, connector: ConnectorId) -> Result<Option<Sweep>>;

    /// Requests a round of the sweep now. If the person `confirms`, it syncs everything it finds,
    /// however much.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused) if a round is held and the person does not confirm it.
    async fn ask_for_sweep(
        &self,
        which: (ConnectorId, &str),
        confirms: bool,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()>;

    /// How far the accounts of a connector agree.
    async fn parity(&self, connector: ConnectorId) -> Result<Standing>;

    /// Requests a comparison of the accounts now, unless one is running.
    async fn ask_for_parity(
        &self,
        which: (ConnectorId, &str),
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()>;

    /// Leads that differed in the last comparison, of one kind or of all, ordered by number: those
    /// after this number, up to the given limit.
    async fn differences(
        &self,
        connector: ConnectorId,
        apart: Option<Apart>,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Differing>>;

    /// What people have not been notified of by mail yet.
    async fn catch_up_notices(&self) -> Result<Vec<CatchUpNotice>>;

    /// Queues these mails about a connector, unless they are already queued.
    async fn notify_of_catch_up(
        &self,
        notice: &CatchUpNotice,
        mails: Vec<NewMail>,
        now: Timestamp,
    ) -> Result<()>;

    /// Stores the requests that a person made for leads that differ, and notes them in the list.
    ///
    /// # Errors
    /// [`Error::Changed`](crate::Error::Changed) if the accounts have been compared again since.
    async fn sync_differences(
        &self,
        which: (ConnectorId, &str),
        chosen: ChosenDifferences,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()>;
}

/// Differing leads that a person chose to sync.
#[derive(Clone, Debug)]
pub struct ChosenDifferences {
    /// When the comparison that listed them ended: the next one renumbers its leads.
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

/// The outcome of a connector's sweep or comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatchUpNews {
    /// The sweep found so many changes that a person must confirm them.
    Held(u64),
    /// Fewer leads agree than in the previous comparison.
    Fell {
        /// The previous result.
        before: Parity,
        /// The current result.
        now: Parity,
    },
    /// So many linked leads are no longer in the source that a person must confirm marking them.
    Gone(u64),
    /// Webhooks changed so many leads that a person must confirm the rest.
    Arrived(u64),
    /// The sweep repeatedly fails to read what it needs.
    Failing(Problem),
}

/// The progress of a connector's sweep.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sweep {
    /// Everything modified before this time, less an overlap, has been read.
    pub begun_at: Option<Timestamp>,
    /// When the last round ended.
    pub ended_at: Option<Timestamp>,
    /// Rounds so far.
    pub rounds: u64,
    /// Changes that they found and that no webhook had reported.
    pub found: u64,
    /// Those of the last round.
    pub last_found: u64,
    /// When a person requested a round that has not ended yet.
    pub asked_at: Option<Timestamp>,
    /// How many changes a round found, if more than the connector allows: nothing is swept until a
    /// person confirms.
    pub held: Option<u64>,
    /// A person confirmed that the next round may sync whatever it finds.
    pub confirmed: bool,
    /// Why the current round is stuck, or what the last one could not read; it is retried.
    pub problem: Option<Problem>,
    /// Activity types that could not be read: what was modified since then has yet to be read.
    pub behind: BTreeMap<u32, Timestamp>,
}

/// What was posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Where it came from.
    pub origin: Origin,
    /// The sender's Content-Type.
    pub content_type: Option<String>,
    /// The body as received.
    pub body: Vec<u8>,
}

/// The outcome of a round of a sweep.
#[derive(Clone, Debug)]
pub struct SweepNews {
    /// The connector.
    pub connector: ConnectorId,
    /// What.
    pub what: Swept,
    /// The requests that it made.
    pub deliveries: Vec<NewDelivery>,
}

/// The outcome of a round.
#[derive(Clone, Debug)]
pub enum Swept {
    /// Sweeping starts: what was modified before this is left alone.
    Begins(Timestamp),
    /// A round ended, with the number of changes it found.
    Ended {
        /// When it began.
        begun_at: Timestamp,
        /// When it ended.
        ended_at: Timestamp,
        /// What it found.
        found: u64,
        /// Activity types that could not be read, and since when.
        behind: BTreeMap<u32, Timestamp>,
        /// Why not.
        problem: Option<Problem>,
    },
    /// A round found so many changes that a person must confirm them.
    Held {
        /// When it began.
        begun_at: Timestamp,
        /// What it found.
        found: u64,
    },
    /// A page was read.
    Read {
        /// Why the round could not read something before this page.
        problem: Option<Problem>,
    },
    /// A page could not be read.
    Failed(Problem),
}

/// The outcome of a comparison.
#[derive(Clone, Debug)]
pub struct ParityNews {
    /// The connector.
    pub connector: ConnectorId,
    /// When the comparison was requested.
    pub asked_at: Timestamp,
    /// What.
    pub what: Compared,
}

/// The outcome of a comparison.
#[derive(Clone, Debug)]
pub enum Compared {
    /// It started without anybody requesting it.
    Began,
    /// How many leads it has read.
    Read(u64),
    /// It ended.
    Ended {
        /// When.
        at: Timestamp,
        /// The result.
        parity: Parity,
        /// The leads that differ.
        differences: Vec<Difference>,
        /// How many linked leads are no longer in the source and wait for a person to confirm marking
        /// them.
        held: Option<u64>,
        /// The requests that it made.
        deliveries: Vec<NewDelivery>,
    },
    /// It does not continue.
    Failed(Problem),
}

/// A lead that differed in a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Differing {
    /// Its number in the list, from 1.
    pub number: i64,
    /// What differs.
    #[serde(flatten)]
    pub difference: Difference,
    /// The request by which a person synced it since.
    pub request: Option<RequestId>,
}

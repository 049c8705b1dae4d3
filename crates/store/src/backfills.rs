//! Backfills: reading and syncing leads that existed before the connector.

use async_trait::async_trait;
use jiff::Timestamp;
use plan::backfill::{BackfillPlan, BackfillState, Backfilled, Planning};
use plan::id::ConnectorId;
use plan::problem::Problem;
use serde::Serialize;

use crate::audit::Actor;
use crate::error::Result;
use crate::intake::NewDelivery;

/// Starting, watching and ending backfills.
#[async_trait]
pub trait Backfills: Send + Sync + std::fmt::Debug {
    /// Starts a backfill. Refused while another one of the connector is unfinished.
    async fn begin_backfill(
        &self,
        new: &NewBackfill,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Backfill>;

    /// Pauses, resumes or cancels an unfinished backfill. What has already been read is synced
    /// anyway.
    async fn set_backfill(
        &self,
        id: i64,
        state: BackfillState,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Backfill>;

    /// The last backfills, of one connector or of all, newest first, [`Backfill::MOST`] at most.
    async fn backfills(&self, connector: Option<ConnectorId>) -> Result<Vec<Backfill>>;

    /// The backfill of this number.
    async fn backfill(&self, id: i64) -> Result<Option<Backfill>>;

    /// Requests a count of what a backfill of these leads would do. It replaces a running count of
    /// other leads.
    async fn ask_for_plan(
        &self,
        which: (ConnectorId, &str),
        of: &Backfilled,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()>;

    /// What is known about what a backfill of the connector would do.
    async fn planning(&self, connector: ConnectorId) -> Result<Planning>;
}

/// The outcome of a count of what a backfill would do.
#[derive(Clone, Debug)]
pub struct PlanNews {
    /// The connector.
    pub connector: ConnectorId,
    /// When it was requested.
    pub asked_at: Timestamp,
    /// What.
    pub what: Planned,
}

/// The outcome of a count.
#[derive(Clone, Debug)]
pub enum Planned {
    /// How many leads it has read.
    Read(u64),
    /// It ended.
    Ended {
        /// When.
        at: Timestamp,
        /// What it counted.
        of: Backfilled,
        /// What it found.
        plan: Box<BackfillPlan>,
    },
    /// A page could not be read.
    Failed(Problem),
}

/// A backfill to be started.
#[derive(Clone, Debug)]
pub struct NewBackfill {
    /// The connector.
    pub connector: ConnectorId,
    /// Its name.
    pub name: String,
    /// Which leads.
    pub of: Backfilled,
    /// How many leads there are to read, if known.
    pub expected: Option<u64>,
}

/// A backfill and its progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Backfill {
    /// The store's number for it.
    pub id: i64,
    /// The connector.
    #[serde(skip)]
    pub connector: ConnectorId,
    /// When it began.
    pub begun_at: Timestamp,
    /// Who began it.
    pub actor: String,
    /// Which leads.
    pub of: Backfilled,
    /// Its state.
    pub state: BackfillState,
    /// The next page of the source's leads to read, from 1; none once all were read.
    #[serde(skip)]
    pub page: Option<u32>,
    /// The event code of the activity type being read; none while it reads leads.
    #[serde(skip)]
    pub event: Option<u32>,
    /// How many leads were read.
    pub read: u64,
    /// How many activities were read.
    pub activities: u64,
    /// How many of those don't pass the filters.
    pub left_out: u64,
    /// How many leads there were to read at the start, if they were counted.
    pub expected: Option<u64>,
    /// Why the last page could not be read; the read is retried.
    pub problem: Option<Problem>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Leads that were created.
    pub new: u64,
    /// Leads that were updated.
    pub updated: u64,
    /// Leads that needed no write.
    pub unchanged: u64,
    /// Leads that were skipped.
    pub skipped: u64,
    /// Leads that failed.
    pub failed: u64,
    /// Leads that wait to be processed or for their next try.
    pub waiting: u64,
}

impl Backfill {
    /// The maximum length of a list.
    pub const MOST: usize = 50;

    /// Leads whose outcome is known.
    pub fn settled(&self) -> u64 {
        self.new + self.updated + self.unchanged + self.skipped + self.failed
    }
}

/// The outcome of a page of leads.
#[derive(Clone, Debug)]
pub struct BackfillNews {
    /// The backfill.
    pub id: i64,
    /// The next page to read; none once all were read.
    pub page: Option<u32>,
    /// The event code of its activity type; none if it holds leads.
    pub event: Option<u32>,
    /// Leads or activities of the page that was read.
    pub read: u64,
    /// Whether those are activities.
    pub are_activities: bool,
    /// How many of those don't pass the filters.
    pub left_out: u64,
    /// The requests made of the others.
    pub deliveries: Vec<NewDelivery>,
    /// Why it could not be read; if set, nothing else counts.
    pub problem: Option<Problem>,
}

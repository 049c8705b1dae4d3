//! Backfills: reading leads that were there before, and syncing them.

use async_trait::async_trait;
use jiff::Timestamp;
use plan::backfill::{BackfillPlan, BackfillState, Backfilled, Planning};
use plan::id::ConnectorId;
use plan::problem::Problem;
use serde::Serialize;

use crate::audit::Actor;
use crate::error::Result;
use crate::intake::NewDelivery;

/// Beginning, watching and ending backfills.
#[async_trait]
pub trait Backfills: Send + Sync + std::fmt::Debug {
    /// Begins a backfill. It is refused while another one of the connector is not over.
    async fn begin_backfill(
        &self,
        new: &NewBackfill,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Backfill>;

    /// Pauses, resumes or cancels a backfill that is not over. What was read before is synced all the
    /// same.
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

    /// Asks for a count of what a backfill of these leads would do. It takes the place of one of other
    /// leads that is under way.
    async fn ask_for_plan(
        &self,
        which: (ConnectorId, &str),
        of: &Backfilled,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()>;

    /// What is known of what a backfill of the connector would do.
    async fn planning(&self, connector: ConnectorId) -> Result<Planning>;
}

/// What became of a count of what a backfill would do.
#[derive(Clone, Debug)]
pub struct PlanNews {
    /// The connector.
    pub connector: ConnectorId,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// What.
    pub what: Planned,
}

/// What became of a count.
#[derive(Clone, Debug)]
pub enum Planned {
    /// It has read so many leads.
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

/// A backfill that is to begin.
#[derive(Clone, Debug)]
pub struct NewBackfill {
    /// The connector.
    pub connector: ConnectorId,
    /// Its name.
    pub name: String,
    /// Which leads.
    pub of: Backfilled,
    /// How many leads there are to read, as far as it is known.
    pub expected: Option<u64>,
}

/// A backfill, and how far it is.
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
    /// Where it is.
    pub state: BackfillState,
    /// The page of the source's leads that is read next, from 1; none once all were read.
    #[serde(skip)]
    pub page: Option<u32>,
    /// The type of the activities that are read, by event code; none: leads are.
    #[serde(skip)]
    pub event: Option<u32>,
    /// How many leads were read.
    pub read: u64,
    /// How many activities were read.
    pub activities: u64,
    /// How many of those do not pass the filters.
    pub left_out: u64,
    /// How many leads there were to read when it began, if they were counted.
    pub expected: Option<u64>,
    /// Why the last page could not be read; it is tried again.
    pub problem: Option<Problem>,
    /// When it was over.
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
    /// Leads that wait for their turn or their next try.
    pub waiting: u64,
}

impl Backfill {
    /// The most that a list has.
    pub const MOST: usize = 50;

    /// Leads of which it is known what became of them.
    pub fn settled(&self) -> u64 {
        self.new + self.updated + self.unchanged + self.skipped + self.failed
    }
}

/// What became of a page of leads.
#[derive(Clone, Debug)]
pub struct BackfillNews {
    /// The backfill.
    pub id: i64,
    /// The page to be read next; none once all were read.
    pub page: Option<u32>,
    /// The type of its activities, by event code; none: it has leads.
    pub event: Option<u32>,
    /// Leads or activities of the page that was read.
    pub read: u64,
    /// Whether those are activities.
    pub are_activities: bool,
    /// How many of those do not pass the filters.
    pub left_out: u64,
    /// The requests that the others become.
    pub deliveries: Vec<NewDelivery>,
    /// Why it could not be read; then nothing else counts.
    pub problem: Option<Problem>,
}

//! Which part of the log is read.

use jiff::Timestamp;
use plan::id::RequestId;
use plan::outcome::{Entity, Event, JobStatus, SyncStatus};
use plan::state::State;
use serde::Serialize;

/// Which requests: those that match every part given. The parts about records must all match the
/// same record.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Filter {
    /// The connector's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connector: Option<String>,
    /// One of these connectors, by name; `None`: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<Vec<String>>,
    /// Received at this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Received before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// The request's status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_status: Option<JobStatus>,
    /// The status of its worst record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync_status: Option<SyncStatus>,
    /// In this state, or with a record in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// Whether requests that only report our own writes are among them.
    #[serde(skip_serializing_if = "Echoes::is_any")]
    pub echoes: Echoes,
    /// With a record of this event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<Event>,
    /// With a record of this entity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity: Option<Entity>,
    /// With a record of this lead: an email, a phone number, a name or an id, of either account, as
    /// [`plan::search`] takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// With a record that failed for this cause ([`plan::problem::Problem::cause`]).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// With a record of this batch of retries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<i64>,
    /// Of this backfill.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backfill: Option<i64>,
    /// One of these; empty means any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<RequestId>,
}

/// Which requests, as regards echoes of our own writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Echoes {
    /// All.
    #[default]
    Any,
    /// All but echoes.
    Without,
    /// Only echoes.
    Only,
}

impl Echoes {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_any(&self) -> bool {
        *self == Self::Any
    }
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Page {
    /// At most this many; the store limits it to [`Page::MOST`].
    pub limit: usize,
    /// Only what comes after this position.
    pub after: Option<Cursor>,
}

impl Page {
    /// The maximum size of a page.
    pub const MOST: usize = 200;
}

/// A position in a list: the last request of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Cursor(pub RequestId);

//! What is failed now, by connector and cause, and what a person dismissed of it.

use async_trait::async_trait;
use jiff::Timestamp;
use plan::id::{ConnectorId, RequestId};
use plan::problem::Problem;
use serde::Serialize;

use crate::audit::Actor;
use crate::error::Result;

/// Groups of failed records with one cause.
#[async_trait]
pub trait Failures: Send + Sync + std::fmt::Debug {
    /// The failed records of these connectors by cause, whenever they arrived, the most frequent first;
    /// [`Failing::MOST`] at most. Cheap for any number of records.
    async fn failing(&self, connectors: &[ConnectorId]) -> Result<Vec<Failing>>;

    /// The failed records of a connector with this cause, if there are any.
    async fn failing_for(&self, connector: ConnectorId, cause: &str) -> Result<Option<Failing>>;

    /// Dismisses a cause of failures: it needs no attention until another record fails for it, or one
    /// that a person asked to retry does so again.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused) if no record is failed for it.
    async fn dismiss_failures(
        &self,
        which: (ConnectorId, &str),
        cause: &str,
        note: &str,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()>;

    /// Restores a dismissed cause: it needs attention again.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused) if the cause is not dismissed.
    async fn restore_failures(
        &self,
        which: (ConnectorId, &str),
        cause: &str,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()>;
}

/// The failed records of one connector with one cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// The connector.
    pub connector: ConnectorId,
    /// What they are grouped by ([`Problem::cause`]).
    pub cause: String,
    /// How many.
    pub records: u64,
    /// How many of them wait for their next try, of the first
    /// [`Waiting::MOST`](crate::Waiting::MOST) records of the connector that do.
    pub retrying: u64,
    /// The oldest of their requests.
    pub first: RequestId,
    /// The newest of their requests.
    pub last: RequestId,
    /// Its problem, as an example.
    pub problem: Problem,
    /// Whether a person dismissed the cause.
    pub dismissal: Option<Dismissal>,
}

impl Failing {
    /// The most causes that are listed.
    pub const MOST: usize = 200;

    /// Whether it is dismissed, and has not recurred since.
    pub fn is_dismissed(&self) -> bool {
        self.dismissal.as_ref().is_some_and(|dismissal| dismissal.recurred_at.is_none())
    }
}

/// A person's decision that a cause of failures needs no attention.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dismissal {
    /// Why.
    pub note: String,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub actor: String,
    /// When it recurred, which ended the dismissal.
    pub recurred_at: Option<Timestamp>,
}

impl Dismissal {
    /// The longest note, in characters.
    pub const LONGEST_NOTE: usize = 500;
}

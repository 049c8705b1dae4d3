//! When webhooks of connectors arrive.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use plan::id::ConnectorId;
use plan::problem::Problem;

use crate::error::Result;

/// When webhooks arrive, and connectors at which none do.
#[async_trait]
pub trait Arrivals: Send + Sync + std::fmt::Debug {
    /// Of every connector. Cheap: one row a connector, updated by [`crate::Intake::store_deliveries`].
    async fn arrivals(&self) -> Result<Vec<Arrival>>;

    /// Notes that no webhook arrives at a connector ([`plan::incident::Kind::Silent`]). It lasts until the
    /// next webhook, or until the connector is disabled or is to be silent for another number of hours.
    /// Returns false, and does nothing, if one arrived or the settings changed since `seen` was read, or if
    /// this is known.
    async fn begin_silence(
        &self,
        seen: &Arrival,
        problem: &Problem,
        now: Timestamp,
    ) -> Result<bool>;

    /// Notes that nobody waits for webhooks of this connector for now.
    async fn end_silence(&self, connector: ConnectorId) -> Result<()>;

    /// Counts the hours without a webhook from now on: the clock was set back, so times that are stored are
    /// in the future.
    async fn count_hours_anew(&self, connector: ConnectorId, now: Timestamp) -> Result<()>;
}

/// When webhooks of a connector arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The connector.
    pub connector: ConnectorId,
    /// When the last one arrived, to [`Arrival::STEP`].
    pub last_at: Option<Timestamp>,
    /// From when on the hours without one count.
    pub since: Timestamp,
}

impl Arrival {
    /// Webhooks that arrive within this time of the last one that was noted are not noted.
    pub const STEP: SignedDuration = SignedDuration::from_mins(1);
}

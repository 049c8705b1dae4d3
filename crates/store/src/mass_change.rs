//! Mass changes that arrive by webhook, and wait for a person's confirmation.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use plan::id::ConnectorId;
use serde::Serialize;

use crate::audit::Actor;
use crate::error::Result;

/// Watching and confirming mass changes.
#[async_trait]
pub trait MassChanges: Send + Sync + std::fmt::Debug {
    /// Those of these connectors that were ever held.
    async fn mass_changes(
        &self,
        connectors: &[ConnectorId],
    ) -> Result<Vec<(ConnectorId, MassChange)>>;

    /// A person confirms the change: the connector resumes, and is not held again for
    /// [`MassChange::CONFIRMED`].
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused) if nothing is held.
    async fn confirm_mass_change(
        &self,
        which: (ConnectorId, &str),
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()>;
}

/// Whether a connector is held because its webhooks changed many leads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MassChange {
    /// Since when; none if it is not held.
    pub held_at: Option<Timestamp>,
    /// Leads that its webhooks had changed by then, within an hour.
    pub changes: u64,
    /// Until then nothing is held, because a person confirmed a change.
    pub confirmed_until: Option<Timestamp>,
}

impl MassChange {
    /// How long a confirmation is valid.
    pub const CONFIRMED: SignedDuration = SignedDuration::from_hours(24);

    /// Whether the connector may be held now.
    pub fn may_be_held(&self, now: Timestamp) -> bool {
        self.held_at.is_none() && self.confirmed_until.is_none_or(|until| until <= now)
    }
}

/// A connector is held from now on.
#[derive(Clone, Copy, Debug)]
pub struct HeldNews {
    /// The connector.
    pub connector: ConnectorId,
    /// Since when.
    pub at: Timestamp,
    /// How many leads its webhooks changed.
    pub changes: u64,
}

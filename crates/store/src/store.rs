//! The store.

use async_trait::async_trait;

use crate::alerts::Alerts;
use crate::arrivals::Arrivals;
use crate::backfills::Backfills;
use crate::catch_up::CatchUps;
use crate::copies::Copies;
use crate::dispatching::Dispatching;
use crate::error::Result;
use crate::failing::Failures;
use crate::intake::Intake;
use crate::log::Log;
use crate::mail::Mail;
use crate::mass_change::MassChanges;
use crate::people::People;
use crate::privacy::Privacy;
use crate::rekey::Rekey;
use crate::retention::Retention;
use crate::reviews::Reviews;
use crate::settings::Settings;
use crate::sign_in::SignIn;
use crate::views::Views;

/// Which URLs begin alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// Those of pages: links in emails.
    Links,
    /// Those of webhooks.
    Webhooks,
}

impl Base {
    /// What the setting is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Links => "public URL",
            Self::Webhooks => "webhook base URL",
        }
    }
}

/// The store: the sum of its parts.
///
/// Code that needs only one part takes that part: an `Arc<dyn Store>` coerces to an `Arc<dyn
/// Intake>`.
///
/// All operations are cancel-safe: a dropped one is done completely or not at all, and affects no
/// later operation.
#[async_trait]
pub trait Store:
    Intake
    + Dispatching
    + Log
    + Settings
    + Reviews
    + People
    + SignIn
    + Mail
    + Copies
    + Backfills
    + CatchUps
    + MassChanges
    + Views
    + Failures
    + Alerts
    + Arrivals
    + Rekey
    + Retention
    + Privacy
{
    /// Whether the database responds and has every migration.
    async fn ready(&self) -> Result<()>;

    /// Closes the store; no operation may follow. The last process to close an SQLite file leaves
    /// nothing beside it.
    async fn close(&self) -> Result<()>;

    /// What URLs began with when the service was last started, if ever.
    async fn base_url(&self, base: Base) -> Result<Option<String>>;

    /// Notes what URLs begin with from this start of the service on.
    async fn note_base_url(&self, base: Base, url: &str) -> Result<()>;

    /// A number for this node, to make Request IDs with: 0 to [`plan::id::NODES`] - 1, a different
    /// one at each call until all have been given out.
    async fn take_node_number(&self) -> Result<i64>;
}

//! Everything that is kept.

use async_trait::async_trait;

use crate::backfills::Backfills;
use crate::catch_up::CatchUps;
use crate::copies::Copies;
use crate::dispatching::Dispatching;
use crate::error::Result;
use crate::intake::Intake;
use crate::log::Log;
use crate::mail::Mail;
use crate::mass_change::MassChanges;
use crate::people::People;
use crate::reviews::Reviews;
use crate::settings::Settings;

/// Everything that is kept: the sum of its parts.
///
/// Whoever needs one part only takes that part: an `Arc<dyn Store>` is an `Arc<dyn Intake>` too.
///
/// All operations are safe to drop half way: what they began is either done whole or not at all,
/// and no later operation of anybody is affected.
#[async_trait]
pub trait Store:
    Intake
    + Dispatching
    + Log
    + Settings
    + Reviews
    + People
    + Mail
    + Copies
    + Backfills
    + CatchUps
    + MassChanges
{
    /// Whether the database answers and has every migration.
    async fn ready(&self) -> Result<()>;

    /// Ends the use of the store. Whoever closes an SQLite file last leaves nothing beside it; no
    /// operation may follow.
    async fn close(&self) -> Result<()>;

    /// The public URL with which the service was started last, if it ever was.
    async fn public_url(&self) -> Result<Option<String>>;

    /// Notes the public URL with which the service starts.
    async fn note_public_url(&self, url: &str) -> Result<()>;

    /// A number for this node, to make Request IDs with: 0 to [`plan::id::NODES`] - 1, another
    /// one at each call until all have been given out.
    async fn take_node_number(&self) -> Result<i64>;
}

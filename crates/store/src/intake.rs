//! Deliveries as they come in.

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use plan::id::{ConnectorId, RequestId};
use plan::payload::Removal;

use crate::error::Result;

/// Storing what comes in.
#[async_trait]
pub trait Intake: Send + Sync + std::fmt::Debug {
    /// Stores deliveries as they came, in one commit, each as a queued request. Once this returns
    /// `Ok`, they are on disk. A delivery never changes afterwards.
    async fn store_deliveries(&self, deliveries: Vec<NewDelivery>) -> Result<()>;
}

/// One delivery, about to be stored.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// The request that it becomes.
    pub id: RequestId,
    /// The connector whose URL it came to.
    pub connector: ConnectorId,
    /// When it came.
    pub received_at: Timestamp,
    /// Where it came from.
    pub origin: Origin,
    /// The sender's Content-Type.
    pub content_type: Option<String>,
    /// The body, byte for byte.
    pub body: Bytes,
}

/// Where a delivery came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The source account's webhook.
    Webhook,
    /// A read of the source account.
    Backfill,
    /// The source account's webhook about leads that were deleted.
    Deleted,
    /// The source account's webhook about leads that were merged.
    Merged,
}

impl Origin {
    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Backfill => "backfill",
            Self::Deleted => "deleted",
            Self::Merged => "merged",
        }
    }

    /// The reverse of [`Self::as_str`].
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::Webhook, Self::Backfill, Self::Deleted, Self::Merged]
            .into_iter()
            .find(|origin| origin.as_str() == word)
    }

    /// Why the leads in it are gone, if that is what it reports.
    pub fn removal(self) -> Option<Removal> {
        match self {
            Self::Webhook | Self::Backfill => None,
            Self::Deleted => Some(Removal::Deleted),
            Self::Merged => Some(Removal::Merged),
        }
    }
}

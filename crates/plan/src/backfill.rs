//! Backfills: leads that were in the source before, read from it and synced.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::connector::Filter;
use crate::outcome::words;

words! {
    /// Where a backfill is.
    BackfillState {
        /// Leads are read, or what was read is synced.
        Running = "running",
        /// No more leads are read until it is resumed.
        Paused = "paused",
        /// All leads were read, and each was synced, skipped or failed.
        Done = "done",
        /// No more leads are read.
        Cancelled = "cancelled",
    }
}

impl BackfillState {
    /// Whether nothing follows.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled)
    }
}

/// Which leads a backfill reads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backfilled {
    /// Leads that were modified at this time or later; none: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Leads that pass these conditions too, besides the connector's own filter.
    #[serde(default, rename = "where", skip_serializing_if = "Filter::is_open")]
    pub filter: Filter,
}

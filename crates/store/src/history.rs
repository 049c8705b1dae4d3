//! What happened to one lead.

use jiff::Timestamp;
use plan::id::{ConnectorId, RequestId};
use plan::outcome::{Entity, Event};
use serde_json::value::RawValue;

/// A record of a lead, as one step of its history.
#[derive(Clone, Debug)]
pub struct HistoryItem {
    /// The request.
    pub request: RequestId,
    /// The record's position in it, from 0.
    pub position: u32,
    /// The connector.
    pub connector: ConnectorId,
    /// A lead or an activity.
    pub entity: Entity,
    /// Its outcome.
    pub event: Event,
    /// The source's id of it.
    pub source_id: Option<String>,
    /// The destination's id of it.
    pub destination_id: Option<String>,
    /// The decision and its reasons.
    pub explanation: Option<Box<RawValue>>,
    /// The connector version that decided.
    pub version: i64,
    /// When its last attempt ended.
    pub at: Timestamp,
}

impl HistoryItem {
    /// The maximum number of steps read.
    pub const MOST: usize = 100;
}

/// The requests before and after one that are about the same lead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Neighbours {
    /// The one before.
    pub older: Option<RequestId>,
    /// The one after.
    pub newer: Option<RequestId>,
}

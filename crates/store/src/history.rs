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
    /// What became of it.
    pub event: Event,
    /// The source's id of it.
    pub source_id: Option<String>,
    /// The destination's.
    pub destination_id: Option<String>,
    /// What was decided and why.
    pub explanation: Option<Box<RawValue>>,
    /// The connector's version that decided.
    pub version: i64,
    /// When its last attempt ended.
    pub at: Timestamp,
}

impl HistoryItem {
    /// The most steps that are read.
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

//! What ties a lead or an activity of one account to its twin in the other.
//!
//! A link belongs to a *pair of accounts*, not to a connector: two opposite connectors share it,
//! which is how the one knows what the other wrote. It keeps the two-sided base of
//! `two-way.md`: for each side the values that it really held when the two last agreed. A change
//! is a difference from one's own side of the base, so two sides that write the same thing
//! differently (`9876543210` here, `+91-9876543210` there) can be in agreement for ever.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::AccountId;
use crate::outcome::Entity;
use crate::snapshot::Snapshot;

/// Two accounts that leads are tied between; the smaller id is always `first`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pair {
    /// The account with the smaller id.
    pub first: AccountId,
    /// The account with the larger id.
    pub second: AccountId,
}

impl Pair {
    /// The pair of these two accounts, in whatever order they are given.
    pub fn of(one: AccountId, other: AccountId) -> Self {
        Self { first: one.min(other), second: one.max(other) }
    }

    /// Which side of the pair this account is.
    pub fn side(&self, account: AccountId) -> Side {
        if account == self.first { Side::First } else { Side::Second }
    }
}

/// One side of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Side {
    /// The account with the smaller id.
    First,
    /// The account with the larger id.
    Second,
}

impl Side {
    /// The other side.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// Two leads that are one person, or two activities that are one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Leads or activities.
    pub entity: Entity,
    /// The accounts.
    pub pair: Pair,
    /// The one in the first account.
    pub first: End,
    /// The one in the second account.
    pub second: End,
}

/// One end of a link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The lead's ProspectID, or the activity's ProspectActivityId.
    #[serde(skip)]
    pub id: String,
    /// What this side held, field by field, when the two last agreed.
    #[serde(default)]
    pub base: Snapshot,
    /// The ModifiedOn of the newest state of this side of which every mapped field was synced.
    /// A state older than this is stale. Our own writes never move it (`two-way.md`, trap i).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Timestamp>,
    /// When we last wrote to this side. A state that is not provably newer may be from before
    /// our write, and is read afresh (`two-way.md`, trap ii).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrote: Option<Timestamp>,
}

impl Link {
    /// A link between two that were never in agreement before.
    pub fn new(entity: Entity, source: (AccountId, &str), destination: (AccountId, &str)) -> Self {
        let pair = Pair::of(source.0, destination.0);
        let mut link = Self { entity, pair, first: End::default(), second: End::default() };
        source.1.clone_into(&mut link.end_mut(pair.side(source.0)).id);
        destination.1.clone_into(&mut link.end_mut(pair.side(destination.0)).id);
        link
    }

    /// The end on this side.
    pub fn end(&self, side: Side) -> &End {
        match side {
            Side::First => &self.first,
            Side::Second => &self.second,
        }
    }

    /// The end on this side, to change.
    pub fn end_mut(&mut self, side: Side) -> &mut End {
        match side {
            Side::First => &mut self.first,
            Side::Second => &mut self.second,
        }
    }
}
